// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/json_fault.h"

#include <algorithm>

namespace genofed::clinical {
namespace {

constexpr std::size_t kMaxNamedFields = 100;

}  // namespace

std::string FieldOf(const JsonNode& root, const JsonFault& fault) {
  std::string path = fault.at == nullptr ? std::string() : PathOf(root, *fault.at);
  if (fault.member.empty()) return path;
  return path.empty() ? fault.member : path + "." + fault.member;
}

void AddFields(const JsonNode& root, const JsonFaults& faults, std::string_view prefix,
               std::vector<FieldViolation>& fields) {
  for (const JsonFault& fault : faults) {
    if (fault.severity == Severity::kNote || fields.size() == kMaxNamedFields) continue;
    std::string field = FieldOf(root, fault);
    if (!prefix.empty()) field = field.empty() ? std::string(prefix) : fmt::format("{}.{}", prefix, field);
    fields.push_back({std::move(field), fault.message});
  }
}

Status ToStatus(const std::vector<FieldViolation>& fields, std::string_view reason) {
  if (fields.empty()) return absl::OkStatus();
  Status status = Error(StatusCode::kInvalidArgument, reason, "{} field(s) are wrong; first {}: {}", fields.size(),
                        fields[0].field, fields[0].description);
  for (const FieldViolation& field : fields) status = WithField(std::move(status), field.field, field.description);
  return status;
}

Status ToStatus(const JsonNode& root, const JsonFaults& faults, std::string_view reason, std::string_view prefix) {
  std::vector<FieldViolation> fields;
  AddFields(root, faults, prefix, fields);
  return ToStatus(fields, reason);
}

std::string TextMember(const JsonNode& object, std::string_view key, bool required, std::string_view code,
                       JsonFaults& faults, std::size_t max_size) {
  const JsonNode* member = object.Find(key);
  auto fault = [&](std::string message) {
    faults.push_back({Severity::kWarning, std::string(code), &object, std::string(key), std::move(message)});
    return std::string();
  };
  if (member == nullptr) return required ? fault("is required") : std::string();
  if (!member->is_string()) return fault("must be a string");
  if ((member->text.empty() && required) || member->text.size() > max_size) {
    return fault(fmt::format("must have 1 to {} bytes", max_size));
  }
  return member->text;
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f && c != '|';
  });
}

}  // namespace genofed::clinical
