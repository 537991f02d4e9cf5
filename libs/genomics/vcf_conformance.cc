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
#include <utility>

#include "libs/genomics/vcf_conformance_values.h"
#include "libs/genomics/vcf_header_attributes.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxContigs = 100'000;

// 64 bytes of a line, looked at together.
struct Block {
  static constexpr std::size_t kBytes = 64;
  std::uint64_t tabs = 0;  // bit i: byte i is one
  bool nul = false;        // some byte is NUL

#ifdef __SSE2__
  explicit Block(const char* bytes) {
    const __m128i tab = _mm_set1_epi8('\t');
    __m128i least = tab;  // byte by byte: NUL is below all
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kBytes; i += sizeof tab) {
      const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
      const int hits = _mm_movemask_epi8(_mm_cmpeq_epi8(part, tab));
      tabs |= std::uint64_t{static_cast<std::uint32_t>(hits)} << i;
      least = _mm_min_epu8(least, part);
    }
    nul = _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0;
  }
#else
  explicit Block(const char* bytes) {
    for (std::size_t i = 0; i < kBytes; ++i) {
      tabs |= std::uint64_t{bytes[i] == '\t'} << i;
      nul = nul || bytes[i] == '\0';
    }
  }
#endif
};

Block BlockAt(std::string_view text, std::size_t begin) {
  if (begin + Block::kBytes <= text.size()) return Block(text.data() + begin);
  std::array<char, Block::kBytes> last;
  last.fill(' ');
  std::memcpy(last.data(), text.data() + begin, text.size() - begin);
  return Block(last.data());
}

// As std::from_chars, which looks out for an overflow at each digit.
std::from_chars_result ParsePosition(std::string_view text, std::int64_t* pos) {
  constexpr std::size_t kCannotOverflow = 18;
  const char* at = text.data();
  const char* const end = at + text.size();
  std::int64_t value = 0;
  if (text.size() <= kCannotOverflow)
    while (at != end && *at >= '0' && *at <= '9') value = 10 * value + (*at++ - '0');
  if (at != end) return std::from_chars(text.data(), end, *pos);
  *pos = value;
  return {at, std::errc()};
}

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
// Columns are of all widths, so that nobody can predict where the next one ends.
bool VcfConformance::SplitColumns(std::string_view line, VcfSite& site) {
  const bool has_samples = !header_.samples.empty();
  const std::size_t wanted = has_samples ? 9 : 7;  // tabs
  std::size_t found = 0;
  const char* begin = line.data();  // of the column in hand
  bool empty = false;
  bool nul = false;
  for (std::size_t at = 0; at < line.size() && found < wanted; at += Block::kBytes) {
    Block block = BlockAt(line, at);
    nul = nul || block.nul;
    for (; block.tabs != 0 && found < wanted; block.tabs &= block.tabs - 1) {
      const char* tab = line.data() + at + std::countr_zero(block.tabs);
      site.columns[found++] = {begin, static_cast<std::size_t>(tab - begin)};
      empty = empty || tab == begin;
      begin = tab + 1;
    }
  }
  site.samples = {begin, static_cast<std::size_t>(line.data() + line.size() - begin)};
  const bool too_many = !has_samples && site.samples.find('\t') != std::string_view::npos;
  if (found != wanted || too_many) {
    bool spaces = found == 0 && HasWhitespace(line);
    return Refuse(site, VcfCode::kMalformedRecord, "",
                  spaces ? "the columns are not separated by tabs"
                         : "the number of columns differs from the header's");
  }
  if (!has_samples) {
    empty = empty || site.samples.empty();
    site.columns[found] = std::exchange(site.samples, {});
    begin = line.data() + line.size();
    nul = true;  // perhaps behind the last tab
  }
  if (empty) return Refuse(site, VcfCode::kMalformedRecord, "", "a column is empty");
  if (nul &&
      std::memchr(line.data(), '\0', static_cast<std::size_t>(begin - line.data())) != nullptr)
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
  auto [stop, error] = ParsePosition(text, &pos);
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
