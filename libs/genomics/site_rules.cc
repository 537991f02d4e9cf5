// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/site_rules.h"

#include <algorithm>
#include <array>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

// 1: A, C, G, T, N; 2: the same in lower case; 0: another letter.
constexpr std::array<std::uint8_t, 256> kBaseKind = [] {
  std::array<std::uint8_t, 256> kind = {};
  for (char c : std::string_view("ACGTN")) {
    kind[static_cast<unsigned char>(c)] = 1;
    kind[static_cast<unsigned char>(c - 'A' + 'a')] = 2;
  }
  return kind;
}();

std::uint8_t BaseKinds(std::string_view allele) {
  std::uint8_t kinds = 0;
  for (char c : allele) {
    std::uint8_t kind = kBaseKind[static_cast<unsigned char>(c)];
    if (kind == 0) return 0;
    kinds |= kind;
  }
  return kinds;
}

bool IsNonRef(std::string_view alt) { return alt == "<NON_REF>" || alt == "<*>"; }

// INFO/END, 1-based and inclusive.
std::optional<std::int64_t> EndOf(std::string_view info) {
  for (std::size_t at = 0; at < info.size();) {
    std::size_t stop = std::min(info.size(), info.find(';', at));
    std::string_view item = info.substr(at, stop - at);
    if (item.starts_with("END=")) {
      auto end = ParseInt(item.substr(4));
      return end.ok() ? std::optional(*end) : std::nullopt;
    }
    at = stop + 1;
  }
  return std::nullopt;
}

}  // namespace

SiteRules::SiteRules(const VcfHeader& header, Reference* reference)
    : reference_(reference), declared_(!header.contigs.empty()) {
  for (const VcfContig& contig : header.contigs) {
    Contig& entry = by_name_[contig.name];
    entry.name = contig.name;
    by_raw_.emplace(contig.raw, &entry);
    if (contig.length) lengths_.emplace(contig.raw, *contig.length);
  }
}

bool SiteRules::Reject(VcfCode code, std::string_view field, std::string message) {
  problem_ = VcfProblem{code, line_, std::string(field), std::move(message)};
  return false;
}

SiteRules::Contig* SiteRules::Find(std::string_view chrom) {
  if (auto known = by_raw_.find(chrom); known != by_raw_.end()) return known->second;
  if (declared_) return nullptr;
  auto name = NormaliseContig(chrom);
  Contig& entry = by_name_[name.ok() ? *name : ""];
  entry.name = name.ok() ? *name : "";
  // Names that are not acceptable could be any number of different ones.
  if (name.ok()) by_raw_.emplace(chrom, &entry);
  return &entry;
}

bool SiteRules::SetContig(std::string_view chrom, ScannedRecord& record) {
  if (current_ == nullptr || chrom != current_raw_) {
    current_ = Find(chrom);
    if (current_ == nullptr)
      return Reject(VcfCode::kContigNotInHeader, "CHROM", "the header declares no such contig");
    current_raw_ = chrom;
    auto length = lengths_.find(chrom);
    length_ = length == lengths_.end() ? std::nullopt : std::optional(length->second);
  }
  if (current_->name.empty())
    return Reject(VcfCode::kBadContig, "CHROM", "not an acceptable contig name");
  record.contig = current_->name;
  return true;
}

bool SiteRules::SetPosition(std::int64_t pos, ScannedRecord& record) {
  if (pos < 1 || pos > kMaxPosition || (length_ && pos > *length_))
    return Reject(VcfCode::kPosOutOfRange, "POS", "outside of the contig");
  record.pos = pos - 1;
  return true;
}

std::string_view SiteRules::Upper(std::string_view bases) {
  return upper_.emplace_back(UpperBases(bases));
}

bool SiteRules::SetRef(std::string_view ref, ScannedRecord& record) {
  if (!upper_.empty()) upper_.clear();
  record.alts.clear();
  std::uint8_t kinds = ref.size() <= kMaxAlleleLength ? BaseKinds(ref) : 0;
  if (kinds == 0) {
    if (ClassifyAllele(ref) == AlleleKind::kTooLong)
      return Reject(VcfCode::kAlleleTooLong, "REF", "too many bases");
    return Reject(VcfCode::kBadAllele, "REF", "other letters than A, C, G, T and N");
  }
  record.ref = kinds == 1 ? ref : Upper(ref);
  return true;
}

bool SiteRules::AddAlt(std::string_view alt, ScannedRecord& record) {
  std::uint8_t kinds = alt.size() <= kMaxAlleleLength ? BaseKinds(alt) : 0;
  if (kinds == 0) {
    AlleleKind kind = ClassifyAllele(alt);
    if (kind == AlleleKind::kTooLong)
      return Reject(VcfCode::kAlleleTooLong, "ALT", "too many bases");
    if (kind == AlleleKind::kInvalid || kind == AlleleKind::kMissing) {
      return Reject(VcfCode::kBadAllele, "ALT",
                    "neither bases, *, a symbolic allele nor a breakend");
    }
  }
  std::string_view text = (kinds & 2) == 0 ? alt : Upper(alt);
  if (text == record.ref) return Reject(VcfCode::kBadAllele, "ALT", "equals REF");
  if (std::find(record.alts.begin(), record.alts.end(), text) != record.alts.end())
    return Reject(VcfCode::kBadAllele, "ALT", "the same allele twice");
  if (record.alts.size() == kMaxAlts)
    return Reject(VcfCode::kTooManyAlleles, "ALT", "more than 126 alleles");
  record.alts.push_back(text);
  return true;
}

bool SiteRules::CheckPlace(const ScannedRecord& record) {
  bool sorted = !current_->seen || (current_ == last_ && record.pos >= current_->last_pos);
  if (!sorted)
    return Reject(VcfCode::kUnsorted, "POS", "the record comes after a later one; sort the file");
  current_->seen = true;
  current_->last_pos = record.pos;
  last_ = current_;
  return reference_ == nullptr || CheckReference(record);
}

bool SiteRules::CheckReference(const ScannedRecord& record) {
  auto bases =
      reference_->View(record.contig, record.pos, static_cast<std::int64_t>(record.ref.size()));
  if (!bases.ok()) return Reject(VcfCode::kRefMismatch, "CHROM", "the reference lacks this contig");
  if (bases->size() != record.ref.size())
    return Reject(VcfCode::kRefMismatch, "REF", "behind the contig's end");
  for (std::size_t i = 0; i < bases->size(); ++i) {
    // IUPAC codes of the reference agree with any base.
    char base = (*bases)[i];
    if (base == record.ref[i] || base == 'N' || kBaseKind[static_cast<unsigned char>(base)] != 1)
      continue;
    return Reject(VcfCode::kRefMismatch, "REF", "differs from the reference genome");
  }
  return true;
}

bool SiteRules::CheckGenotypes(GenotypeProblem problem) {
  switch (problem) {
    case GenotypeProblem::kNone:
      return true;
    case GenotypeProblem::kMalformed:
      return Reject(VcfCode::kMalformedRecord, "FORMAT/GT",
                    "an allele is neither a number nor '.'");
    case GenotypeProblem::kPloidy:
      return Reject(VcfCode::kPloidy, "FORMAT/GT", "more than two alleles in one genotype");
    case GenotypeProblem::kAlleleIndex:
      return Reject(VcfCode::kAlleleIndex, "FORMAT/GT",
                    "names an allele that the record does not have");
    case GenotypeProblem::kColumns:
      return Reject(VcfCode::kMalformedRecord, "",
                    "the number of sample columns differs from the header's");
  }
  return false;
}

void SiteRules::SetExtent(std::string_view info, ScannedRecord& record) {
  record.is_reference_block = std::all_of(record.alts.begin(), record.alts.end(), IsNonRef);
  record.has_unspecified = std::any_of(record.alts.begin(), record.alts.end(), IsNonRef);
  record.end = record.pos + static_cast<std::int64_t>(record.ref.size());
  bool symbolic = std::any_of(record.alts.begin(), record.alts.end(),
                              [](std::string_view alt) { return alt.front() == '<'; });
  if (!symbolic && !record.is_reference_block) return;
  if (auto end = EndOf(info); end && *end > record.pos && *end <= kMaxPosition) record.end = *end;
}

}  // namespace genofed::genomics
