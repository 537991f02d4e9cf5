// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: records compared with the reference, and moved along it.
#pragma once

#include <string>

#include "libs/core/finding.h"
#include "libs/core/status.h"
#include "libs/genomics/norm_options.h"
#include "libs/genomics/norm_project.h"
#include "libs/genomics/norm_record.h"
#include "libs/genomics/reference.h"

namespace genofed::genomics {

// Not thread-safe. Borrows everything it is given.
class ReferenceStep {
 public:
  ReferenceStep(const NormaliseOptions& options, const FieldShapes& shapes, Reference& reference,
                Findings& findings)
      : options_(options), shapes_(shapes), reference_(reference), findings_(findings) {}

  // Gives the record the REF of the reference where it has another (ReferenceMismatch::kSet).
  // Returns whether it changed.
  Result<bool> SetReference(NormRecord& record);

  enum class Outcome { kSame, kMoved, kExcluded };
  // Compares REF, then trims the alleles and moves them to the left. Symbolic alleles, breakends
  // and "*" keep a record where it is. INFO/END follows. Errors: REF_MISMATCH and
  // BAD_ALLELE where options say so, with line and field.
  Result<Outcome> Align(NormRecord& record);

 private:
  // Bases of [pos, pos + length) in the case of the FASTA; ambiguity letters read N, which is what
  // VCF allows. Shorter at the end of a contig; empty for an unknown one.
  Result<std::string> Bases(const NormRecord& record, std::int64_t pos, std::size_t length);
  Result<Outcome> Mismatch(const NormRecord& record, std::string_view field, std::string_view code,
                           std::string_view message);
  Result<bool> SwapWith(NormRecord& record, std::size_t alt);
  Result<Outcome> DropRepeatedReference(NormRecord& record);

  const NormaliseOptions& options_;
  const FieldShapes& shapes_;
  Reference& reference_;
  Findings& findings_;
};

}  // namespace genofed::genomics
