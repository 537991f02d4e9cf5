// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/json_tree.h"
#include "libs/core/finding.h"
#include "libs/core/status.h"

namespace genofed::clinical {

// What a reader noticed at a place of a tree. Valid as long as the tree.
struct JsonFault {
  Severity severity = Severity::kWarning;
  std::string code;
  const JsonNode* at = nullptr;
  std::string member;  // of `at`, where it is about a member that may be missing
  std::string message;
};
using JsonFaults = std::vector<JsonFault>;

inline constexpr std::size_t kMaxText = 1024;

// "subject.sex" within `root`.
std::string FieldOf(const JsonNode& root, const JsonFault& fault);
// InvalidArgument with `reason` that names every field at fault (notes are none), at most a hundred; else OK.
// `prefix` is put before each field.
Status ToStatus(const JsonNode& root, const JsonFaults& faults, std::string_view reason, std::string_view prefix = {});
void AddFields(const JsonNode& root, const JsonFaults& faults, std::string_view prefix,
               std::vector<FieldViolation>& fields);
Status ToStatus(const std::vector<FieldViolation>& fields, std::string_view reason);

// The text of a string member. A fault with `code` when it is no string of 1 to `max_size` bytes, or is missing though
// `required`; then nothing is returned.
std::string TextMember(const JsonNode& object, std::string_view key, bool required, std::string_view code,
                       JsonFaults& faults, std::size_t max_size = kMaxText);

// What can be an identifier of a person or a sample: 1 to 256 bytes without control characters and '|', which
// separates values in tables.
bool IsIdentifier(std::string_view text);

}  // namespace genofed::clinical
