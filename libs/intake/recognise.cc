// SPDX-License-Identifier: Apache-2.0
#include "libs/intake/recognise.h"

#include <string>

#include "libs/clinical/json_tree.h"
#include "libs/core/strings.h"

namespace genofed::intake {
namespace {

std::optional<Role> RoleOfName(const std::filesystem::path& path) {
  std::string name = ToLower(path.filename().string());
  if (!name.ends_with(".c4gh")) return std::nullopt;
  name.resize(name.size() - 5);
  auto ends = [&name](std::initializer_list<std::string_view> endings) {
    for (std::string_view ending : endings) {
      if (name.ends_with(ending)) return true;
    }
    return false;
  };
  if (ends({".vcf", ".vcf.gz", ".vcf.bgz", ".bcf"})) return Role::kVariants;
  if (ends({".json", ".ndjson"}) && name.find("consent") != std::string::npos) return Role::kConsents;
  if (ends({".json", ".ndjson", ".csv"})) return Role::kClinical;
  return std::nullopt;
}

}  // namespace

bool HoldsOnlyConsents(const std::filesystem::path& path) {
  bool any = false, others = false;
  const auto problem = clinical::ReadJsonFile(path, [&](const clinical::JsonPiece& piece) {
    const clinical::JsonNode* resource = &piece.node;
    if (piece.part == clinical::JsonPiece::Part::kEntry) resource = piece.node.Find("resource");
    const std::string_view type = resource == nullptr ? std::string_view() : resource->Text("resourceType");
    if (type == "Consent") any = true;
    // What is left of a document when its elements were handed over one by one.
    else if (type != "Bundle" && !(piece.part == clinical::JsonPiece::Part::kDocument && piece.node.is_array())) others = true;
    return !others;
  });
  return any && !others && !problem;
}

Recognised Recognise(const std::filesystem::path& path, const clinical::CsvMapping& mapping) {
  Recognised out{std::nullopt, Detect(path, mapping)};
  switch (out.detection.kind) {
    case FileKind::kVcf:
      out.role = Role::kVariants;
      break;
    case FileKind::kJson:
      out.role = HoldsOnlyConsents(path) ? Role::kConsents : Role::kClinical;
      break;
    case FileKind::kOmop:
    case FileKind::kCsv:
      out.role = Role::kClinical;
      break;
    case FileKind::kUnusable:
      if (out.detection.code == "CRYPT4GH_CLOSED") out.role = RoleOfName(path);
      break;
  }
  return out;
}

}  // namespace genofed::intake
