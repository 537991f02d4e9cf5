// SPDX-License-Identifier: Apache-2.0
//
// Conditions that a permission may set on a project: data use modifiers of the Data Use Ontology
// (github.com/EBISPOT/DUO). Here are those that an organisation can state about its project and
// that a code says whole.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::consent {

struct Condition {
  std::string_view code;   // "DUO:0000045"
  std::string_view label;  // DUO's own
  std::string_view words;  // what is said of a project that meets it: "is done by ..."
};

// In the order of their codes. Modifiers that name a value (a region, a date, a number of months, a
// user, a project, an institution, a kind of research) are not among them: consents hold codes
// only, so nobody can know which value is meant. Nor is DUO:0000043, which permits and limits
// nothing.
std::span<const Condition> AttestableConditions();
// Null: no project can be said to meet it.
const Condition* FindCondition(std::string_view code);

// "is done by a not-for-profit organisation; has the approval of an ethics committee"
std::string InWords(const std::vector<std::string>& conditions);

// Sorted, without repetition.
std::vector<std::string> ConditionSet(std::vector<std::string> codes);

// Whether every one of `codes` is among `accepted`.
bool AreAllIn(const std::vector<std::string>& codes, const std::vector<std::string>& accepted);

}  // namespace genofed::consent
