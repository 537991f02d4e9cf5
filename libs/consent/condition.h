// SPDX-License-Identifier: Apache-2.0
//
// Conditions that a permission may set on a project: data use modifiers of the Data Use Ontology
// (github.com/EBISPOT/DUO), of which an organisation can state that its project meets them. Some say
// all by their code; others need a value, which DUO leaves open and which is written behind it:
// "DUO:0000045", "DUO:0000022=FI", "DUO:0000025=24".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::consent {

struct Condition {
  std::string_view code;   // "DUO:0000022"
  std::string_view label;  // DUO's own
  std::string words;       // what is said of a project that meets it: "takes place in FI alone"
};

// Nullopt: no project can be said to meet it. That is so of what needs a value and has none, or has one
// that is none of its kind, and of DUO:0000043, which permits and limits nothing.
std::optional<Condition> FindCondition(std::string_view condition);

// Whether somebody may limit a permission by it: what FindCondition knows, and any other code, by which
// a permission is kept and that no project meets.
bool IsCondition(std::string_view condition);

// "is done by a not-for-profit organisation; has the approval of an ethics committee"
std::string InWords(const std::vector<std::string>& conditions);

// Whether a project may state so many: 20 of 800 bytes, so that they fit into the ledger's entries.
bool AreFew(const std::vector<std::string>& conditions);

// Sorted, without repetition.
std::vector<std::string> ConditionSet(std::vector<std::string> codes);

// Whether every one of `codes` is among `accepted`. As they are written: one of 24 months is another than
// one of 12.
bool AreAllIn(const std::vector<std::string>& codes, const std::vector<std::string>& accepted);

}  // namespace genofed::consent
