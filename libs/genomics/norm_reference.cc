// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_reference.h"

#include <algorithm>
#include <numeric>

#include "libs/core/strings.h"
#include "libs/genomics/norm_align.h"
#include "libs/genomics/norm_split.h"
#include "libs/genomics/normalise.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {
namespace {

bool IsBase(char c) { return std::string_view("ACGTNacgtn").find(c) != std::string_view::npos; }

bool IsN(char c) { return c == 'N' || c == 'n'; }

bool AllBases(std::string_view text) { return std::all_of(text.begin(), text.end(), IsBase); }

// Whether an allele is a place holder that is neither compared nor moved.
bool IsSymbol(std::string_view allele) {
  return allele == "*" || allele.front() == '<' ||
         allele.find_first_of("[]") != std::string_view::npos;
}

bool ReplaceAmbiguous(std::string& text) {
  bool changed = false;
  for (char& c : text) {
    if (IsBase(c)) continue;
    c = 'N';
    changed = true;
  }
  return changed;
}

}  // namespace

Result<std::string> ReferenceStep::Bases(const NormRecord& record, std::int64_t pos,
                                         std::size_t length) {
  auto contig = NormaliseContig(record.contig);
  if (!contig.ok() || pos < 0 || reference_.Length(*contig) < 0) return std::string();
  GF_ASSIGN(std::string bases, reference_.Fetch(*contig, pos, static_cast<std::int64_t>(length)));
  ReplaceAmbiguous(bases);
  return bases;
}

Result<bool> ReferenceStep::SetReference(NormRecord& record) {
  std::vector<std::string>& alleles = record.alleles;
  std::size_t longest = 0;
  for (const std::string& allele : alleles) longest = std::max(longest, allele.size());
  GF_ASSIGN(std::string bases, Bases(record, record.pos, longest));
  std::size_t length = alleles[0].size();
  if (bases.size() < length) return false;  // Align() says what is wrong
  std::string_view expected = std::string_view(bases).substr(0, length);
  if (EqualIgnoringCase(alleles[0], expected)) return false;
  if (alleles[0] == ".") {
    alleles[0] = expected;
    return true;
  }
  bool changed = false;
  for (std::string& allele : alleles) {
    if (!IsSymbol(allele)) changed = ReplaceAmbiguous(allele) || changed;
  }
  for (std::size_t i = 0; i < length; ++i) {
    if (!IsN(alleles[0][i]) || IsN(bases[i])) continue;
    changed = true;
    for (std::string& allele : alleles) {
      if (!IsSymbol(allele) && i < allele.size() && IsN(allele[i])) allele[i] = bases[i];
    }
  }
  if (EqualIgnoringCase(alleles[0], expected)) return changed;
  for (std::size_t i = 1; i < alleles.size(); ++i) {
    std::string_view same = std::string_view(bases).substr(0, alleles[i].size());
    if (EqualIgnoringCase(alleles[i], same)) return SwapWith(record, i);
  }
  alleles[0] = expected;
  return true;
}

Result<bool> ReferenceStep::SwapWith(NormRecord& record, std::size_t alt) {
  std::vector<int> swapped(record.alleles.size());
  std::iota(swapped.begin(), swapped.end(), 0);
  std::swap(swapped[0], swapped[alt]);
  std::vector<std::string> alleles = record.alleles;
  std::swap(alleles[0], alleles[alt]);
  // What REF carries in values of one for each ALT is unknown, except for AC, which can be counted.
  bool counted = FindInfo(record.info, "AC").has_value();
  bool has_number = FindInfo(record.info, "AN").has_value();
  GF_ASSIGN(record, ProjectRecord(record, {swapped, swapped, {}}, std::move(alleles),
                                  ProjectionRules{&shapes_, {}}));
  if (counted && has_number) GF_TRY(CountAlleles(record));
  return true;
}

Result<ReferenceStep::Outcome> ReferenceStep::Mismatch(const NormRecord& record,
                                                       std::string_view field,
                                                       std::string_view code,
                                                       std::string_view message) {
  if (options_.on_mismatch == ReferenceMismatch::kFail)
    return RecordError(record, field, code, message);
  bool excluded = options_.on_mismatch == ReferenceMismatch::kExclude;
  findings_.Add({.severity = excluded ? Severity::kWarning : Severity::kNote,
                 .code = std::string(code),
                 .file = "variants",
                 .line = static_cast<std::int64_t>(record.line),
                 .field = std::string(field),
                 .message = std::string(message)});
  return excluded ? Outcome::kExcluded : Outcome::kSame;
}

Result<ReferenceStep::Outcome> ReferenceStep::Align(NormRecord& record) {
  std::vector<std::string>& alleles = record.alleles;
  GF_ASSIGN(std::string bases, Bases(record, record.pos, alleles[0].size()));
  if (bases.empty())
    return Mismatch(record, "CHROM", "CONTIG_UNKNOWN", "not a place of the reference");
  if (!AllBases(alleles[0]))
    return Mismatch(record, "REF", "BAD_ALLELE", "has other letters than A, C, G, T and N");
  if (!EqualIgnoringCase(alleles[0], bases))
    return Mismatch(record, "REF", "REF_MISMATCH", "differs from the reference");
  if (alleles.size() == 1) {
    if (alleles[0].size() == 1) return Outcome::kSame;
    alleles[0].resize(1);
    return Outcome::kMoved;
  }
  for (std::size_t i = 1; i < alleles.size(); ++i) {
    if (IsSymbol(alleles[i])) return Outcome::kSame;
    if (!AllBases(alleles[i]))
      return Mismatch(record, "ALT", "BAD_ALLELE", "has other letters than A, C, G, T and N");
    if (EqualIgnoringCase(alleles[0], alleles[i])) return DropRepeatedReference(record);
  }

  std::vector<std::string> upper;
  for (const std::string& allele : alleles) upper.push_back(UpperBases(allele));
  std::vector<std::string_view> views(upper.begin(), upper.end());
  AlleleShift shift(views, record.pos);
  GF_TRY(shift.MoveLeft(
      [&](std::int64_t pos) -> Result<char> {
        GF_ASSIGN(std::string base, Bases(record, pos, 1));
        return base.empty() ? '\0' : base[0];
      },
      std::max<std::int64_t>(0, record.pos - kMaxShift)));
  shift.TrimFront();
  std::string ref = shift.Allele(0);
  if (shift.pos() == record.pos && EqualIgnoringCase(ref, alleles[0])) return Outcome::kSame;
  KeepOriginal(record, options_, OriginalForm(record));
  for (std::size_t i = 0; i < alleles.size(); ++i) alleles[i] = shift.Allele(i);
  record.pos = shift.pos();
  if (auto end = FindInfo(record.info, "END"); end && ParseInt(*end).ok()) {
    SetInfo(record.info, "END",
            std::to_string(record.pos + static_cast<std::int64_t>(alleles[0].size())));
  }
  return Outcome::kMoved;
}

// An ALT that repeats REF says nothing. When REF is being set right it goes, and its carriers carry
// REF.
Result<ReferenceStep::Outcome> ReferenceStep::DropRepeatedReference(NormRecord& record) {
  if (options_.on_mismatch != ReferenceMismatch::kSet)
    return Mismatch(record, "ALT", "ALT_REPEATS_REF", "is the same as the reference");
  AlleleProjection projection{{0}, {0}, {}};
  std::vector<std::string> alleles = {record.alleles[0]};
  for (std::size_t i = 1; i < record.alleles.size(); ++i) {
    bool repeats = EqualIgnoringCase(record.alleles[0], record.alleles[i]);
    projection.genotype.push_back(repeats ? 0 : static_cast<int>(alleles.size()));
    if (repeats) continue;
    projection.from.push_back(static_cast<int>(i));
    alleles.push_back(record.alleles[i]);
  }
  GF_ASSIGN(record,
            ProjectRecord(record, projection, std::move(alleles), ProjectionRules{&shapes_, {}}));
  return Outcome::kMoved;
}

}  // namespace genofed::genomics
