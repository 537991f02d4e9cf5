// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/entry_type.h"

#include "libs/core/strings.h"

namespace genofed::beacon {
namespace {

constexpr std::array<EntryFacts, kEntryTypes> kFacts = {{
    {"analysis", "analyses", "Bioinformatics analysis", "analyses", "ga4gh-beacon-analysis-v2.0.0",
     "edam:operation_2945", "Analysis", "id"},
    {"biosample", "biosamples", "Biological sample", "biosamples", "ga4gh-beacon-biosample-v2.0.0", "NCIT:C70699",
     "Biospecimen", "id"},
    {"cohort", "cohorts", "Cohort", "cohorts", "ga4gh-beacon-cohort-v2.0.0", "NCIT:C61512", "Cohort", "id"},
    {"dataset", "datasets", "Dataset", "datasets", "ga4gh-beacon-dataset-v2.0.0", "NCIT:C47824", "Data set", "id"},
    {"genomicVariant", "g_variants", "Genomic variants", "genomicVariations", "ga4gh-beacon-variant-v2.1.0",
     "ENSGLOSSARY:0000092", "Variant", "variantInternalId"},
    {"individual", "individuals", "Individual", "individuals", "ga4gh-beacon-individual-v2.0.0", "NCIT:C25190",
     "Person", "id"},
    {"run", "runs", "Sequencing run", "runs", "ga4gh-beacon-run-v2.0.0", "NCIT:C148088", "Sequencing run", "id"},
}};

}  // namespace

const EntryFacts& Facts(EntryType type) { return kFacts[Index(type)]; }

std::optional<EntryType> EntryOfPath(std::string_view path) {
  for (const EntryType type : kAllEntryTypes) {
    if (Facts(type).path == path) return type;
  }
  return std::nullopt;
}

std::optional<EntryType> EntryOfScope(std::string_view scope) {
  const std::string word = ToLower(scope);
  for (const EntryType type : kAllEntryTypes) {
    const EntryFacts& facts = Facts(type);
    for (const std::string_view name : {facts.id, facts.path, facts.model}) {
      const std::string known = ToLower(name);
      if (word == known || word + "s" == known || word == known + "s") return type;
    }
  }
  return std::nullopt;
}

}  // namespace genofed::beacon
