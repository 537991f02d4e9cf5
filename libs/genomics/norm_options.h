// SPDX-License-Identifier: Apache-2.0
//
// What record-level normalisation is asked to do. The option of `bcftools norm` that does the same
// is named beside each, because that is what people compare with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace genofed::genomics {

// What happens to a record whose REF differs from the reference, or which has alleles of other
// letters than A, C, G, T and N. It is a finding in any case.
enum class ReferenceMismatch {
  kFail,     // normalisation ends with an error (-c e)
  kKeep,     // written as it is (-c w)
  kExclude,  // left out (-c x)
  // REF is taken from the reference (-c s): N and other ambiguity letters are filled in; where an
  // ALT is the reference base, the two change places, and so do genotypes and values. Right only
  // for files that are known to be of this assembly and strand: where no ALT agrees, the genotypes
  // keep their numbers.
  kSet,
};

enum class Multiallelics { kKeep, kSplit, kJoin };  // -m-, -m+

// Which kinds of change are split, joined or compared. Joining keeps kinds apart unless kAny.
enum class ChangeKinds { kSnvs, kIndels, kBoth, kAny };

// Which later record at the same position is a duplicate and left out (-d).
enum class Duplicates {
  kKeep,
  kExact,      // same REF and same set of ALT (-d exact, none)
  kSameSnv,    // both have single or multi nucleotide variants (-d snps)
  kSameIndel,  // both have indels (-d indels)
  kSameKind,   // either (-d both)
  kSamePlace,  // any (-d all, any)
};

// What an allele that went to another record reads in this one.
enum class OtherAllele { kReference, kMissing };

struct NormaliseOptions {
  ReferenceMismatch on_mismatch = ReferenceMismatch::kFail;
  bool left_align = true;  // needs a reference; false: -N

  Multiallelics multiallelics = Multiallelics::kKeep;
  ChangeKinds multiallelic_kinds = ChangeKinds::kBoth;
  // In split genotypes (--multi-overlaps 0 and .). With kReference 1/2 reads 1/0 and 0/1: its zeros
  // are no reference alleles. Use `count_alleles`, or kMissing, where somebody counts afterwards.
  OtherAllele other_allele = OtherAllele::kReference;
  // FORMAT/AD and INFO/AD: the depth of alleles split off is added to that of REF (--keep-sum AD).
  bool keep_depth_sum = false;
  // A joined record passes if any of its parts passed (-s); otherwise it has the filters of all.
  bool joined_passes_if_any = false;

  bool atomise = false;  // -a: multi nucleotide and complex changes become single ones
  // What another allele at the same place reads in atomised genotypes (--atom-overlaps * and .).
  bool atom_overlap_missing = false;

  Duplicates duplicates = Duplicates::kKeep;
  // INFO/AC and INFO/AN are counted on the original genotypes, before anything is split.
  bool count_alleles = false;
  // INFO field that tells the original form of a changed record (--old-rec-tag).
  std::optional<std::string> original_field;
  // Only records with this ALT allele are touched, all others written as they are (-i 'ALT="…"').
  std::optional<std::string> only_with_alt;

  // Records wait until no later one can come before them: left-alignment moves records by less than
  // this many bases, but for longer repeats (-w).
  std::int64_t window = 1000;
  // Normalisation fails rather than hold more than this.
  std::size_t max_window_bytes = std::size_t{512} << 20;
};

}  // namespace genofed::genomics
