// SPDX-License-Identifier: Apache-2.0
//
// The variant queries of Beacon v2 (model: genomicVariations/requestParameters.json): sequence, range, bracket, gene,
// amino-acid change and HGVS. Positions are 0-based and half-open; of a bracket query too, so that [n, n+1] is exact.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/hgvs.h"
#include "libs/genomics/protein_change.h"
#include "libs/genomics/variant.h"

namespace genofed::beacon {

// What queries ask of one variant of a data folder.
struct VariantFacts {
  std::string contig;                          // "3"; empty when the record says none
  std::optional<genomics::Assembly> assembly;  // none: not known, and taken for any
  std::int64_t start = 0, end = 0;
  std::optional<std::string> ref, alt;          // upper case
  std::string type;                             // "SNP", "DEL", ...; upper case
  std::vector<std::string> genes;               // lower case
  std::vector<std::string> amino_acid_changes;  // as NormaliseAminoAcidChange writes them
  std::vector<std::string> hgvs;                // lower case

  // The longer of both alleles; without bases the interval.
  std::int64_t length() const;
};

// "SNP", "MNP", "INS" or "DEL".
std::string TypeOfAlleles(std::string_view ref, std::string_view alt);

// Of a record in the shape of genomicVariations/defaultSchema.json. InvalidArgument VARIATION_INVALID naming the
// member: the answer could not be given in the model's shape.
Result<VariantFacts> ReadVariantFacts(const nlohmann::json& record);

struct VariantQuery {
  std::string contig;
  std::optional<genomics::Assembly> assembly;
  std::vector<std::int64_t> start, end;  // none, one or two
  std::string ref, alt;                  // upper case IUPAC codes, N for any base
  bool no_alt = false;                   // the alternate bases were given, and are none: a trimmed deletion
  std::string type, gene, amino_acid_change, hgvs;
  std::string gene_name;  // `gene` as it was written: other Beacons may tell C9orf72 from C9ORF72
  std::optional<genomics::HgvsDescription> described;  // `hgvs`, where it can be read
  std::optional<std::int64_t> min_length, max_length;

  bool Matches(const VariantFacts& variant) const;
  // One text for queries that mean the same, however they are spelled, and for no others.
  std::string Meaning() const;
  // Variants outside cannot match; none: they can lie anywhere.
  struct Window {
    std::int64_t begin = 0, end = 0;
  };
  std::optional<Window> Region() const;

 private:
  // One change is meant, wherever it is written with more or fewer shared bases around it.
  bool IsOneChange() const;
};

// Collects requestParameters, flat or below "g_variant". What is not known is refused, never ignored.
class VariantParameters {
 public:
  // InvalidArgument FIELD_INVALID, QUERY_UNSUPPORTED, CONTIG_INVALID; also for a member that comes twice.
  Status Take(const std::string& name, const nlohmann::json& value);
  bool empty() const { return echo_.empty(); }
  // InvalidArgument QUERY_INCOMPLETE when what was given does not make a query, as start alone.
  Result<VariantQuery> Finish() const;
  // Normalised values by name, as JSON text; an object.
  std::string Echo() const;
  bool Has(const std::string& name) const;

 private:
  Status TakePositions(const std::string& name, const nlohmann::json& value);
  Status TakeBases(const std::string& name, const nlohmann::json& value);
  Status TakeReferenceName(const std::string& value);

  VariantQuery query_;
  std::optional<genomics::Assembly> named_assembly_, accession_assembly_;
  std::vector<std::pair<std::string, std::string>> echo_;  // name and JSON text
};

}  // namespace genofed::beacon
