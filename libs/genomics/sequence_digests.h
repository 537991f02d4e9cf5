// SPDX-License-Identifier: Apache-2.0
//
// Names of sequences by their content: GA4GH refget accessions ("SQ." and the digest of the bases),
// which VRS identifiers are built on.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

// The truncated digest of GA4GH: the first 24 bytes of SHA-512 as URL-safe base64, 32 characters
// (Hart and Prlic 2020, doi:10.1371/journal.pone.0239883).
std::string Sha512t24u(std::string_view bytes);

// The refget accession of a primary contig as NCBI publishes the assembly. Y of GRCh37 is
// NC_000024.9 with its pseudoautosomal regions: FASTA files that mask them hold another sequence.
// None for other contigs.
//
// The values are those that three public tables taken from SeqRepo give alike (Broad GATK
// RefGetAccessionProvider, gnomad_methods VRS_CHROM_IDS, agct assembly_registry); GRCh37 without Y
// also agrees with a sequence collection that refgenie computed from a FASTA, and 1 and 19 with the
// validation data of the VRS specification.
std::optional<std::string_view> RefgetAccession(Assembly assembly, std::string_view contig);

// Computes refget accessions of a reference, each contig once. About two seconds for the longest
// human chromosome. Not thread-safe; borrows the reference.
class SequenceDigests {
 public:
  explicit SequenceDigests(Reference& reference) : reference_(reference) {}
  // Errors: CONTIG_UNKNOWN, and those of the reference.
  Result<std::string> Accession(const std::string& contig);

 private:
  Reference& reference_;
  std::map<std::string, std::string> known_;
};

}  // namespace genofed::genomics
