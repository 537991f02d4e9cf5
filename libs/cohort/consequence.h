// SPDX-License-Identifier: Apache-2.0
//
// What a variant does to a gene: Sequence Ontology terms in the order of severity that Ensembl
// publishes (https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html). The
// number of a term is stored in tiles: terms are only ever added at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace genofed::cohort {

enum class Consequence : std::uint8_t {
  kTranscriptAblation,
  kSpliceAcceptor,
  kSpliceDonor,
  kStopGained,
  kFrameshift,
  kStopLost,
  kStartLost,
  kTranscriptAmplification,
  kFeatureElongation,
  kFeatureTruncation,
  kInframeInsertion,
  kInframeDeletion,
  kMissense,
  kProteinAltering,
  kSpliceDonor5thBase,
  kSpliceRegion,
  kSpliceDonorRegion,
  kSplicePolypyrimidineTract,
  kIncompleteTerminalCodon,
  kStartRetained,
  kStopRetained,
  kSynonymous,
  kCodingSequence,
  kMatureMirna,
  kFivePrimeUtr,
  kThreePrimeUtr,
  kNonCodingTranscriptExon,
  kIntron,
  kNmdTranscript,
  kNonCodingTranscript,
  kCodingTranscript,
  kUpstreamGene,
  kDownstreamGene,
  kIntergenic,
  kUnknown,  // nothing was said
};
inline constexpr std::size_t kConsequences = 35;

// Several of them, one bit each.
using ConsequenceSet = std::uint64_t;
constexpr ConsequenceSet Of(Consequence consequence) {
  return ConsequenceSet{1} << static_cast<unsigned>(consequence);
}
inline constexpr ConsequenceSet kAnyConsequence = (ConsequenceSet{1} << kConsequences) - 1;
// Loss of function as LOFTEE takes it (gnomAD, Karczewski 2020): stop gained, frameshift, and the
// two bases on either side of a splice site.
inline constexpr ConsequenceSet kLossOfFunction =
    Of(Consequence::kSpliceAcceptor) | Of(Consequence::kSpliceDonor) |
    Of(Consequence::kStopGained) | Of(Consequence::kFrameshift);

// "stop_gained". The name of kUnknown is "unknown".
std::string_view Name(Consequence consequence);
std::optional<Consequence> ParseConsequence(std::string_view term);
// The terms that an accession stands for: "SO:0001587" (stop_gained), and "SO:0002054" for loss of
// function. None for others.
std::optional<ConsequenceSet> ParseSequenceOntology(std::string_view accession);
// The other way; empty for kUnknown.
std::string SequenceOntologyOf(Consequence consequence);
// The most severe of "missense_variant&splice_region_variant"; unknown terms are kUnknown.
Consequence MostSevere(std::string_view terms);

}  // namespace genofed::cohort
