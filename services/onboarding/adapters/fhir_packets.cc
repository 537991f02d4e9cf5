// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/fhir_packets.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/clinical/harmonise.h"
#include "libs/clinical/json_source.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::onboarding {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

IntakeFile InMemory(IntakeKind kind, std::string name, std::string text) {
  IntakeFile file{kind, std::move(name), static_cast<std::int64_t>(text.size()), HexEncode(crypto::Sha256(text)), {}};
  file.read = [text = std::move(text)](std::int64_t offset, std::size_t most) -> Result<std::string> {
    return text.substr(std::min(static_cast<std::size_t>(offset), text.size()), most);
  };
  return file;
}

std::string PacketOf(const clinical::HarmonisedRow& row, const std::vector<clinical::Disease>& diseases) {
  json packet = {{"id", row.subject}, {"subject", {{"id", row.subject}, {"sex", clinical::SexName(row.sex)}}}};
  for (const std::string& term : row.hpo_present) packet["phenotypicFeatures"].push_back({{"type", {{"id", term}}}});
  for (const std::uint32_t disease : row.diseases) {
    const clinical::Code& code = diseases[disease].source;
    packet["diseases"].push_back({{"term", {{"id", code.system + ":" + code.code}}}});
  }
  return packet.dump() + "\n";
}

json ConsentOf(const clinical::HarmonisedRow& row) {
  json provisions = json::array();
  for (const auto& [bit, code] : {std::pair(clinical::kPermitAlleleFrequency, "AF"), std::pair(clinical::kPermitSubjectLevel, "SLQ"),
                                  std::pair(clinical::kPermitSecondaryUse, "SEC")}) {
    if ((row.permissions & bit) == 0) continue;
    provisions.push_back({{"type", "permit"}, {"code", {{{"coding", {{{"system", clinical::kPermissionSystem}, {"code", code}}}}}}}});
  }
  return {{"resourceType", "Consent"},
          {"status", "active"},
          {"scope", {{"coding", {{{"system", "http://terminology.hl7.org/CodeSystem/consentscope"}, {"code", "research"}}}}}},
          {"patient", {{"identifier", {{"value", row.subject}}}}},
          {"provision", {{"type", "deny"}, {"provision", provisions}}}};
}

Result<std::string> ReadAll(const IntakeFile& file) {
  if (static_cast<std::size_t>(file.size) > kMaxBytes) return InvalidField("files", "FILE_TOO_LARGE", "{} is too large", file.name);
  std::string text;
  while (static_cast<std::int64_t>(text.size()) < file.size) {
    GF_ASSIGN(const std::string piece, file.read(static_cast<std::int64_t>(text.size()), 1U << 20));
    if (piece.empty()) break;
    text += piece;
  }
  return text;
}

}  // namespace

Result<std::vector<IntakeFile>> WithPhenopackets(const Context& ctx, std::vector<IntakeFile> files, Time now) {
  const auto find = [&](IntakeKind kind) {
    return std::ranges::find_if(files, [kind](const IntakeFile& file) { return file.kind == kind; });
  };
  const auto clinical_file = find(IntakeKind::kClinical), consents_file = find(IntakeKind::kConsents);
  if (clinical_file == files.end() || consents_file == files.end()) return files;
  GF_ASSIGN(const std::string head, clinical_file->read(0, 64U << 10));
  if (head.find("\"resourceType\"") == std::string::npos) return files;
  const clinical::Terminology& terminology = clinical::Terminology::Embedded();
  clinical::Collector collector(terminology, now);
  clinical::FhirReader reader;
  for (const auto& file : {clinical_file, consents_file}) {
    GF_TRY(ctx.Alive());
    GF_ASSIGN(const std::string text, ReadAll(*file));
    collector.BeginFile(file->name);
    clinical::ReadJsonText(text, reader, collector);
  }
  std::string packets;
  json bundle = {{"resourceType", "Bundle"}, {"type", "collection"}, {"entry", json::array()}};
  for (const clinical::HarmonisedRow& row : clinical::Harmonise(collector)) {
    packets += PacketOf(row, collector.diseases());
    bundle["entry"].push_back({{"resource", ConsentOf(row)}});
  }
  *clinical_file = InMemory(IntakeKind::kClinical, "phenopackets", std::move(packets));
  *consents_file = InMemory(IntakeKind::kConsents, "consents", bundle.dump());
  return files;
}

}  // namespace genofed::onboarding
