// SPDX-License-Identifier: Apache-2.0
//
// The seven entry types of the Beacon v2 default model (models/json/beacon-v2-default-model/beaconConfiguration.json).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace genofed::beacon {

enum class EntryType : std::uint8_t { kAnalysis, kBiosample, kCohort, kDataset, kVariant, kIndividual, kRun };
inline constexpr std::size_t kEntryTypes = 7;
inline constexpr std::array<EntryType, kEntryTypes> kAllEntryTypes = {
    EntryType::kAnalysis, EntryType::kBiosample,  EntryType::kCohort, EntryType::kDataset,
    EntryType::kVariant,  EntryType::kIndividual, EntryType::kRun};

struct EntryFacts {
  std::string_view id;        // "genomicVariant"
  std::string_view path;      // "g_variants"
  std::string_view name;      // for people
  std::string_view model;     // folder of the default schema, and the stem of the file in a data folder
  std::string_view schema;    // "ga4gh-beacon-variant-v2.1.0", as in the schema's $comment
  std::string_view term;      // ontology term for this type
  std::string_view label;     // of that term
  std::string_view id_field;  // "variantInternalId"; "id" for all others
};

constexpr std::size_t Index(EntryType type) { return static_cast<std::size_t>(type); }
const EntryFacts& Facts(EntryType type);
std::optional<EntryType> EntryOfPath(std::string_view path);  // "g_variants"
// A filter's scope: an entry type's identifier, path or model folder, singular or plural, in any case.
std::optional<EntryType> EntryOfScope(std::string_view scope);
// Datasets and cohorts are answered as collections, everything else as result sets.
constexpr bool IsCollection(EntryType type) { return type == EntryType::kDataset || type == EntryType::kCohort; }

}  // namespace genofed::beacon
