// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/variant_names.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "libs/beacon/json_values.h"
#include "libs/beacon/variant_query.h"
#include "libs/genomics/hgvs.h"

namespace genofed::beacon {
namespace {

using genomics::Assembly;
using genomics::Variant;
using nlohmann::json;

constexpr std::size_t kMaxBases = 10'000;  // of an allele that is named

bool AreKnownBases(const std::string& bases) {
  return bases.size() <= kMaxBases && bases.find_first_not_of("ACGT") == std::string::npos;
}

std::string TextOf(const json* object, const char* name) {
  const json* value = object == nullptr ? nullptr : Member(*object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// Whether the description that the record has is of the same sequence.
bool Agrees(const std::string& hgvs, const std::string& contig, Assembly assembly) {
  const auto described = genomics::ParseHgvs(hgvs);
  return !described.ok() || (described->contig == contig &&
                             (!described->assembly || *described->assembly == assembly));
}

// None where the record does not say exactly one.
std::optional<std::pair<Assembly, Variant>> AlleleOf(const json& record, const std::string& hgvs) {
  const auto facts = ReadVariantFacts(record);
  if (!facts.ok() || facts->contig.empty() || !facts->ref || !facts->alt) return std::nullopt;
  const json* location = Member(record["variation"], "location");
  // A cytoband has no positions.
  if (location == nullptr || Member(*location, "interval") == nullptr) return std::nullopt;
  auto assembly = facts->assembly;
  // The one mitochondrial sequence of both assemblies.
  if (!assembly && TextOf(location, "sequence_id").find("NC_012920.1") != std::string::npos) assembly = Assembly::kGrch38;
  if (!assembly || !Agrees(hgvs, facts->contig, *assembly)) return std::nullopt;
  const std::string &ref = *facts->ref, &alt = *facts->alt;
  if (ref == alt || !AreKnownBases(ref) || !AreKnownBases(alt) ||
      facts->end - facts->start != static_cast<std::int64_t>(ref.size()))
    return std::nullopt;
  return std::pair(*assembly, Variant{facts->contig, facts->start, ref, alt});
}

bool IsVrs(std::string_view id) { return id.starts_with("ga4gh:"); }

bool StatesVrs(const json& record, const json* others) {
  const json* variation = Member(record, "variation");
  if (IsVrs(TextOf(variation, "id")) || IsVrs(TextOf(variation, "_id"))) return true;
  return others != nullptr && others->is_array() &&
         std::any_of(others->begin(), others->end(), [](const json& other) { return IsVrs(TextOf(&other, "id")); });
}

}  // namespace

std::string WithNames(std::string record, const NameAllele& name) {
  json out = json::parse(record, nullptr, false);
  const json* identifiers = Member(out, "identifiers");
  if (!out.is_object() || (identifiers != nullptr && !identifiers->is_object())) return record;
  const json* own = identifiers == nullptr ? nullptr : Member(*identifiers, "genomicHGVSId");
  const json* others = identifiers == nullptr ? nullptr : Member(*identifiers, "variantAlternativeIds");
  const std::string hgvs = TextOf(identifiers, "genomicHGVSId");
  const bool no_hgvs = own == nullptr || IsBlank(*own);
  const bool no_vrs = !StatesVrs(out, others) && (others == nullptr || others->is_array());
  if (!no_hgvs && !no_vrs) return record;
  const auto allele = AlleleOf(out, hgvs);
  if (!allele) return record;
  const genomics::VariantNames names = name(allele->first, allele->second);
  json added = identifiers == nullptr ? json::object() : *identifiers;
  if (no_hgvs && !names.hgvs.empty()) added["genomicHGVSId"] = names.hgvs;
  for (const auto& [id, notes] : {std::pair(&names.vrs_2_0, "GA4GH VRS 2.0"), std::pair(&names.vrs_1_3, "GA4GH VRS 1.3")}) {
    if (no_vrs && !id->empty()) added["variantAlternativeIds"].push_back({{"id", *id}, {"notes", notes}});
  }
  if (added.empty() || (identifiers != nullptr && added == *identifiers)) return record;
  out["identifiers"] = std::move(added);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace genofed::beacon
