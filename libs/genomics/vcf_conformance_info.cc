// SPDX-License-Identifier: Apache-2.0
//
// The INFO column (VCF 4.3, section 1.6.1.8).
#include <charconv>

#include "libs/genomics/vcf_conformance.h"
#include "libs/genomics/vcf_conformance_values.h"
#include "libs/genomics/vcf_header_attributes.h"

namespace genofed::genomics {
namespace {

// What the meaning of a reserved key rules out; empty when the value is possible.
std::string_view Impossible(std::string_view value, VcfRange range) {
  if (value == ".") return {};
  if (range == VcfRange::kNotNegative && IsNegative(value)) return "a negative number";
  if (range == VcfRange::kCigar && !IsCigar(value)) return "not a CIGAR string";
  if (range == VcfRange::kFraction) {
    double number = 0;
    std::from_chars(value.data() + (value.starts_with('+') ? 1 : 0), value.data() + value.size(),
                    number);
    if (IsNegative(value) || number > 1) return "a frequency outside of 0 to 1";
  }
  return {};
}

}  // namespace

void VcfConformance::CheckInfo(const VcfSite& site) {
  std::string_view rest = site.columns[VcfSite::kInfo];
  if (rest == ".") return;
  bool more = true;
  for (std::size_t slot = 0; more; ++slot) {
    std::size_t end = rest.find(';');
    CheckInfoEntry(rest.substr(0, end), slot, site);
    more = end != std::string_view::npos;
    if (more) rest.remove_prefix(end + 1);
  }
}

void VcfConformance::CheckInfoEntry(std::string_view entry, std::size_t slot, const VcfSite& site) {
  if (entry.empty()) {
    if (!noted_empty_) Note(site, VcfCode::kEmptyValue, "INFO");
    noted_empty_ = true;
    return;
  }
  std::size_t equals = entry.find('=');
  std::string_view id = entry.substr(0, equals);
  // Records of one file have their keys in the same order, mostly.
  constexpr std::size_t kMaxSlots = 256;
  VcfKey* key = slot < info_slots_.size() ? info_slots_[slot] : nullptr;
  if (key == nullptr || key->id != id) {
    // Whitespace in values is common, and allowed since 4.3.
    if (id.empty() || HasWhitespace(id) || id.find_first_of(",<>\"") != std::string_view::npos) {
      Refuse(site, VcfCode::kBadInfo, "INFO", "a key is empty or has whitespace or other signs");
      return;
    }
    bool fresh = false;
    key = schema_.Info(id, &fresh);
    if (fresh) Note(site, VcfCode::kUndeclaredKey, "INFO");
    if (key == nullptr) return;
    if (slot < kMaxSlots) {
      if (info_slots_.size() <= slot) info_slots_.resize(slot + 1);
      info_slots_[slot] = key;
    }
  }
  std::string_view shown = key->named ? std::string_view(key->id) : std::string_view();
  if (key->last_line == site.line_number) {
    Refuse(site, VcfCode::kBadInfo, "INFO", "a key comes twice", shown);
    return;
  }
  key->last_line = site.line_number;
  if (equals != std::string_view::npos) {
    CheckInfoValue(*key, entry.substr(equals + 1), site);
  } else if (key->named && key->type != VcfType::kFlag && key->type != VcfType::kString) {
    Refuse(site, VcfCode::kInfoType, "INFO", "a key without value, but it is not a flag", shown);
  }
}

void VcfConformance::CheckInfoValue(const VcfKey& key, std::string_view value,
                                    const VcfSite& site) {
  std::string_view shown = key.named ? std::string_view(key.id) : std::string_view();
  if (key.type == VcfType::kFlag) {
    if (value == "0" || value == "1") return Note(site, VcfCode::kFlagWithValue, "INFO", shown);
    Refuse(site, VcfCode::kInfoType, "INFO", "a flag with a value", shown);
    return;
  }
  if (value.empty()) {
    Refuse(site, VcfCode::kBadInfo, "INFO", "an empty value", shown);
    return;
  }
  if (value == ".") return;
  ListFacts facts = CheckList(value, key.type);
  if (!facts.type_ok) {
    Refuse(site, VcfCode::kInfoType, "INFO", "a value is not of the key's type", shown);
    return;
  }
  Counts counts;
  if (Expected(key, 0, site, &counts) && facts.count != counts.low && facts.count != counts.high) {
    Refuse(site, VcfCode::kInfoCount, "INFO", "more or fewer values than the key's Number", shown);
    return;
  }
  for (std::string_view rest = value; key.range != VcfRange::kAny;) {
    std::size_t comma = rest.find(',');
    if (std::string_view wrong = Impossible(rest.substr(0, comma), key.range); !wrong.empty()) {
      Refuse(site, VcfCode::kInfoRange, "INFO", wrong, shown);
      return;
    }
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (key.id == "END") end_value_ = value;
}

// END gives a reference block its length; of a sequence allele it says nothing that REF does not
// (section 1.6.1.8).
bool VcfConformance::CheckEnd(VcfSite& site) {
  site.is_block = site.is_block && !end_value_.empty();
  if (end_value_.empty()) return true;
  std::int64_t end = 0;
  std::from_chars(end_value_.data(), end_value_.data() + end_value_.size(), end);
  if (!site.is_block) {
    if (end <= site.pos) Note(site, VcfCode::kEndIgnored, "INFO", "END");
    return true;
  }
  if (end <= site.pos || (contig_->length && end > *contig_->length)) {
    return Refuse(site, VcfCode::kBadEnd, "INFO",
                  "END of a reference block is before POS or behind the contig", "END");
  }
  site.end = end;
  return true;
}

bool VcfConformance::Expected(const VcfKey& key, std::uint32_t ploidy, const VcfSite& site,
                              Counts* counts) const {
  const std::uint64_t alleles = site.allele_count();
  // Where ALT is missing, some writers count it as an allele and some do not.
  const std::uint64_t with_missing = alleles + (alt_missing_ ? 1 : 0);
  switch (key.count) {
    case VcfCount::kAny:
      return false;
    case VcfCount::kFixed:
      // Two values of a haploid genotype are one for each haplotype: HQ, or HDS of Minimac.
      *counts = {key.fixed == 2 && ploidy == 1 ? 1 : key.fixed, key.fixed};
      return true;
    case VcfCount::kAlts:
      *counts = {with_missing - 1, with_missing - 1};
      return true;
    case VcfCount::kAlleles:
      *counts = {alleles, with_missing};
      return true;
    case VcfCount::kGenotypes:
      *counts = {GenotypeCount(alleles, ploidy), GenotypeCount(with_missing, ploidy)};
      return ploidy > 0;
    case VcfCount::kPloidy:
      *counts = {ploidy, ploidy};
      return ploidy > 0;
  }
  return false;
}

}  // namespace genofed::genomics
