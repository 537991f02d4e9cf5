// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_conformance.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "libs/genomics/vcf_conformance_values.h"
#include "libs/genomics/vcf_header_attributes.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxContigs = 100'000;

// One tab of a text after the other. Columns are of all widths, so that nobody can predict where
// the next one ends: 64 bytes are looked at together, and once.
class TabFinder {
 public:
  explicit TabFinder(std::string_view text) : text_(text) { Load(); }

  // Where the next tab is; the size of the text when there is none.
  std::size_t Next() {
    while (tabs_ == 0) {
      at_ += kBlock;
      if (at_ >= text_.size()) return text_.size();
      Load();
    }
    std::size_t tab = at_ + static_cast<std::size_t>(std::countr_zero(tabs_));
    tabs_ &= tabs_ - 1;
    return tab;
  }
  // Whether some byte in the blocks up to the last tab was NUL.
  bool passed_nul() const { return nul_; }

 private:
  static constexpr std::size_t kBlock = 64;

  void Load() {
    if (at_ + kBlock <= text_.size()) {
      Look(text_.data() + at_);
      return;
    }
    std::array<char, kBlock> last;
    last.fill(' ');
    std::memcpy(last.data(), text_.data() + at_, text_.size() - at_);
    Look(last.data());
  }

#ifdef __SSE2__
  void Look(const char* block) {
    const __m128i tab = _mm_set1_epi8('\t');
    __m128i least = tab;  // byte by byte: NUL is below all
    tabs_ = 0;
    for (std::size_t i = 0; i < kBlock; i += sizeof tab) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
      const int hits = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, tab));
      tabs_ |= std::uint64_t{static_cast<std::uint32_t>(hits)} << i;
      least = _mm_min_epu8(least, bytes);
    }
    nul_ = nul_ || _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0;
  }
#else
  void Look(const char* block) {
    tabs_ = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      tabs_ |= std::uint64_t{block[i] == '\t'} << i;
      nul_ = nul_ || block[i] == '\0';
    }
  }
#endif

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t tabs_ = 0;
  bool nul_ = false;
};

}  // namespace

VcfConformance::VcfConformance(const VcfHeader& header, VcfIssueSink sink, Reference* reference)
    : header_(header), sink_(std::move(sink)), reference_(reference), schema_(header, sink_) {
  contigs_declared_ = !header.contigs.empty();
  for (const VcfContig& contig : header.contigs) AddContig(contig.raw, contig.length);
  for (const std::string& filter : header.filters) filters_.emplace(filter, true);
  filters_.emplace("PASS", true);
}

bool VcfConformance::Refuse(const VcfSite& site, VcfCode code, std::string_view column,
                            std::string_view message, std::string_view key, std::uint64_t sample) {
  sink_({code, site.line_number, column, key, message, sample});
  return false;
}

void VcfConformance::Note(const VcfSite& site, VcfCode code, std::string_view column,
                          std::string_view key, std::uint64_t sample) {
  sink_({code, site.line_number, column, key, {}, sample});
}

void VcfConformance::LeaveOut(const VcfSite& site, VcfCode code, std::string_view column) {
  Note(site, code, column);
  leave_out_ = true;
}

VcfVerdict VcfConformance::Check(std::string_view line, std::uint64_t line_number, VcfSite& site) {
  VcfVerdict verdict = CheckSite(line, line_number, site);
  if (verdict == VcfVerdict::kSetAside || header_.samples.empty()) return verdict;
  if (site.only_genotypes &&
      ScanGenotypes(site.samples, header_.samples.size(), site.allele_count())) {
    return verdict;
  }
  return CheckSamples(site) == VcfVerdict::kSetAside ? VcfVerdict::kSetAside : verdict;
}

VcfVerdict VcfConformance::CheckSite(std::string_view line, std::uint64_t line_number,
                                     VcfSite& site) {
  // The columns are set one by one; the rest begins anew.
  site.line_number = line_number;
  site.samples = {};
  site.contig = {};
  site.alts = {};
  site.pos = site.end = 0;
  site.is_block = site.has_unspecified = site.has_genotypes = site.only_genotypes = false;
  leave_out_ = false;
  end_value_ = {};
  noted_ploidy_ = noted_missing_alt_ = noted_empty_ = false;
  if (!SplitColumns(line, site)) {
    site.columns = {};
    return VcfVerdict::kSetAside;
  }
  if (!CheckChrom(site) || !CheckPos(site) || !CheckId(site) || !CheckAlleles(site) ||
      !CheckQual(site) || !CheckFilter(site)) {
    return VcfVerdict::kSetAside;
  }
  CheckInfo(site);
  if (!CheckEnd(site) || !CheckFormat(site) || !CheckOrder(site) || !CheckDuplicates(site) ||
      !CheckReference(site)) {
    return VcfVerdict::kSetAside;
  }
  ++contig_->facts.records;
  return leave_out_ ? VcfVerdict::kLeaveOut : VcfVerdict::kUse;
}

// Section 1.6: tab-delimited, eight columns, and FORMAT and samples where the header has them.
bool VcfConformance::SplitColumns(std::string_view line, VcfSite& site) {
  const bool has_samples = !header_.samples.empty();
  const std::size_t wanted = has_samples ? 9 : 8;
  TabFinder tabs(line);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::size_t end = tabs.Next();
    const bool at_end = end == line.size();
    const bool last = i + 1 == wanted;
    if (at_end != (last && !has_samples)) {
      bool spaces = i == 0 && at_end && HasWhitespace(line);
      return Refuse(site, VcfCode::kMalformedRecord, "",
                    spaces ? "the columns are not separated by tabs"
                           : "the number of columns differs from the header's");
    }
    if (end == begin) return Refuse(site, VcfCode::kMalformedRecord, "", "a column is empty");
    site.columns[i] = line.substr(begin, end - begin);
    begin = at_end ? end : end + 1;
  }
  site.samples = line.substr(begin);
  if (tabs.passed_nul() && std::memchr(line.data(), '\0', begin) != nullptr)
    return Refuse(site, VcfCode::kMalformedRecord, "", "a NUL byte");
  return true;
}

// Section 1.6.1.1.
bool VcfConformance::CheckChrom(VcfSite& site) {
  std::string_view chrom = site.columns[VcfSite::kChrom];
  if (contig_ == nullptr || chrom != last_chrom_) {
    if (!IsContigText(chrom)) {
      return Refuse(site, VcfCode::kBadContig, "CHROM", "a sign that a contig name cannot have");
    }
    Contig* contig = FindContig(chrom, site);
    if (contig == nullptr)
      return Refuse(site, VcfCode::kBadContig, "CHROM", "more contigs than genofed reads");
    contig_ = contig;
    last_chrom_ = chrom;
  }
  site.contig = contig_->name;
  if (!contig_->indexed) LeaveOut(site, VcfCode::kContigNotIndexed, "CHROM");
  return true;
}

VcfConformance::Contig* VcfConformance::FindContig(std::string_view raw, const VcfSite& site) {
  if (auto found = contig_by_raw_.find(raw); found != contig_by_raw_.end()) return found->second;
  if (contig_by_raw_.size() >= kMaxContigs) return nullptr;
  if (contigs_declared_) Note(site, VcfCode::kContigNotInHeader, "CHROM");
  return &AddContig(raw, std::nullopt);
}

VcfConformance::Contig& VcfConformance::AddContig(std::string_view raw,
                                                  std::optional<std::int64_t> length) {
  auto name = NormaliseContig(raw);
  std::string shown = name.ok() ? *name : std::string(raw);
  // Two spellings of one chromosome are one contig: chr20 may not come again as 20.
  auto [known, fresh] = contig_by_name_.try_emplace(shown, nullptr);
  if (fresh) {
    contig_states_.push_back({});
    Contig& contig = contig_states_.back();
    contig.name = shown;
    contig.indexed = name.ok();
    known->second = &contig;
  }
  Contig& contig = *known->second;
  if (!contig.length) contig.length = length;
  contig_by_raw_.emplace(std::string(raw), &contig);
  return contig;
}

// Section 1.6.1.2: 1-based; 0 and one behind the contig are telomeres.
bool VcfConformance::CheckPos(VcfSite& site) {
  std::string_view text = site.columns[VcfSite::kPos];
  std::int64_t pos = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), pos);
  if (stop != text.data() + text.size() || error == std::errc::invalid_argument || text[0] == '-') {
    return Refuse(site, VcfCode::kBadPos, "POS", "not a number of 0 or more");
  }
  if (error != std::errc() || pos > kMaxPosition ||
      (contig_->length && pos > *contig_->length + 1)) {
    return Refuse(site, VcfCode::kPosOutOfRange, "POS", "behind the end of the contig");
  }
  if (pos == 0 || (contig_->length && pos > *contig_->length))
    LeaveOut(site, VcfCode::kTelomere, "POS");
  site.pos = pos - 1;
  return true;
}

// Section 1.6.1.3. The sign "," is not forbidden.
bool VcfConformance::CheckId(const VcfSite& site) {
  std::string_view ids = site.columns[VcfSite::kId];
  if (ids == ".") return true;
  if (HasWhitespace(ids)) return Refuse(site, VcfCode::kBadId, "ID", "whitespace");
  if (ids.find(';') == std::string_view::npos) return true;
  constexpr std::size_t kMost = 64;  // compared with each other; more do not occur
  std::array<std::string_view, kMost> seen;
  std::size_t count = 0;
  for (bool more = true; more;) {
    std::size_t end = ids.find(';');
    std::string_view id = ids.substr(0, end);
    more = end != std::string_view::npos;
    if (more) ids.remove_prefix(end + 1);
    if (id.empty())
      return Refuse(site, VcfCode::kBadId, "ID", "an empty identifier beside a semicolon");
    if (std::find(seen.begin(), seen.begin() + count, id) != seen.begin() + count) {
      return Refuse(site, VcfCode::kBadId, "ID", "an identifier comes twice");
    }
    if (count < kMost) seen[count++] = id;
  }
  return true;
}

// Section 1.6.1.6: phred-scaled, so never below 0.
bool VcfConformance::CheckQual(const VcfSite& site) {
  std::string_view qual = site.columns[VcfSite::kQual];
  if (qual == "." || (IsVcfFloat(qual) && !IsNegative(qual))) return true;
  return Refuse(site, VcfCode::kBadQual, "QUAL", "not a number of 0 or more");
}

// Section 1.6.1.7.
bool VcfConformance::CheckFilter(const VcfSite& site) {
  std::string_view text = site.filter();
  if (text == "PASS" || text == "." || text == last_filter_) return true;
  std::string_view rest = text;
  for (bool more = true; more;) {
    std::size_t end = rest.find(';');
    std::string_view filter = rest.substr(0, end);
    more = end != std::string_view::npos;
    if (more) rest.remove_prefix(end + 1);
    std::string_view wrong;
    if (filter.empty()) wrong = "an empty filter beside a semicolon";
    if (HasWhitespace(filter)) wrong = "whitespace";
    if (filter == "0") wrong = "0 is reserved";
    if (filter == ".") wrong = "a dot beside a filter";
    if (filter == "PASS") wrong = "PASS beside a filter";
    if (!wrong.empty()) return Refuse(site, VcfCode::kBadFilter, "FILTER", wrong);
    if (filters_.find(filter) != filters_.end()) continue;
    if (filters_.size() >= VcfSchema::kMaxUndeclared || filter.size() > VcfSchema::kMaxIdLength) {
      continue;
    }
    filters_.emplace(std::string(filter), false);
    Note(site, VcfCode::kUndeclaredFilter, "FILTER");
  }
  last_filter_ = text;
  return true;
}

// Section 1.6.1.2 and 1.6.1.1: sorted by position, each contig one block.
bool VcfConformance::CheckOrder(const VcfSite& site) {
  if (contig_->seen && contig_ != last_contig_) {
    return Refuse(site, VcfCode::kUnsorted, "CHROM",
                  "the contig comes again after another one; sort the file");
  }
  if (contig_->seen && site.pos < contig_->last_pos) {
    return Refuse(site, VcfCode::kUnsorted, "POS",
                  "the record comes after a later one; sort the file");
  }
  if (contig_ != last_contig_) {
    recent_.clear();
    recent_until_ = -1;
  }
  contig_->seen = true;
  contig_->last_pos = site.pos;
  last_contig_ = contig_;
  return true;
}

std::vector<VcfContigFacts> VcfConformance::contigs() const {
  std::vector<VcfContigFacts> out;
  for (const Contig& contig : contig_states_) {
    if (!contig.seen) continue;
    out.push_back(contig.facts);
    out.back().name = contig.name;
  }
  return out;
}

}  // namespace genofed::genomics
