// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/consequence.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "libs/core/strings.h"

namespace genofed::cohort {
namespace {

constexpr std::array<std::string_view, kConsequences> kNames = {
    "transcript_ablation",
    "splice_acceptor_variant",
    "splice_donor_variant",
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
    "transcript_amplification",
    "feature_elongation",
    "feature_truncation",
    "inframe_insertion",
    "inframe_deletion",
    "missense_variant",
    "protein_altering_variant",
    "splice_donor_5th_base_variant",
    "splice_region_variant",
    "splice_donor_region_variant",
    "splice_polypyrimidine_tract_variant",
    "incomplete_terminal_codon_variant",
    "start_retained_variant",
    "stop_retained_variant",
    "synonymous_variant",
    "coding_sequence_variant",
    "mature_miRNA_variant",
    "5_prime_UTR_variant",
    "3_prime_UTR_variant",
    "non_coding_transcript_exon_variant",
    "intron_variant",
    "NMD_transcript_variant",
    "non_coding_transcript_variant",
    "coding_transcript_variant",
    "upstream_gene_variant",
    "downstream_gene_variant",
    "intergenic_variant",
    "unknown",
};

// The numbers of their accessions, in the same order.
constexpr std::array<std::uint32_t, kConsequences - 1> kAccessions = {
    1893, 1574, 1575, 1587, 1589, 1578, 2012, 1889, 1907, 1906, 1821, 1822,
    1583, 1818, 1787, 1630, 2170, 2169, 1626, 2019, 1567, 1819, 1580, 1620,
    1623, 1624, 1792, 1627, 1621, 1619, 1968, 1631, 1632, 1628};
constexpr std::uint32_t kLossOfFunctionAccession = 2054;

}  // namespace

std::string_view Name(Consequence consequence) {
  return kNames[static_cast<std::size_t>(consequence)];
}

std::optional<Consequence> ParseConsequence(std::string_view term) {
  const auto found = std::find(kNames.begin(), kNames.end(), term);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Consequence>(found - kNames.begin());
}

std::optional<ConsequenceSet> ParseSequenceOntology(std::string_view accession) {
  constexpr std::string_view kPrefix = "SO:";
  if (!accession.starts_with(kPrefix) || accession.size() != kPrefix.size() + 7)
    return std::nullopt;
  const auto number = ParseInt(accession.substr(kPrefix.size()));
  if (!number.ok()) return std::nullopt;
  if (*number == kLossOfFunctionAccession) return kLossOfFunction;
  const auto found = std::find(kAccessions.begin(), kAccessions.end(), *number);
  if (found == kAccessions.end()) return std::nullopt;
  return Of(static_cast<Consequence>(found - kAccessions.begin()));
}

std::string SequenceOntologyOf(Consequence consequence) {
  if (consequence == Consequence::kUnknown) return "";
  return fmt::format("SO:{:07}", kAccessions[static_cast<std::size_t>(consequence)]);
}

Consequence MostSevere(std::string_view terms) {
  Consequence worst = Consequence::kUnknown;
  while (!terms.empty()) {
    const std::size_t end = std::min(terms.find('&'), terms.size());
    worst = std::min(worst, ParseConsequence(terms.substr(0, end)).value_or(Consequence::kUnknown));
    terms.remove_prefix(std::min(end + 1, terms.size()));
  }
  return worst;
}

}  // namespace genofed::cohort
