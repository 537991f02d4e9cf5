// SPDX-License-Identifier: Apache-2.0
//
// FORMAT and the sample columns (VCF 4.3, section 1.6.2).
#include <algorithm>
#include <cstring>

#include "libs/genomics/vcf_conformance.h"
#include "libs/genomics/vcf_conformance_values.h"
#include "libs/genomics/vcf_header_attributes.h"

namespace genofed::genomics {
namespace {

std::size_t Find(std::string_view text, char c) {
  const void* hit = text.empty() ? nullptr : std::memchr(text.data(), c, text.size());
  return hit == nullptr ? text.size()
                        : static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
}

bool IsAlphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

bool VcfConformance::CheckFormat(VcfSite& site) {
  if (header_.samples.empty()) return true;
  std::string_view format = site.columns[VcfSite::kFormat];
  if (format != last_format_ || format_keys_.empty()) {
    last_format_.clear();
    if (!CompileFormat(site)) return false;
    last_format_ = format;
  }
  site.has_genotypes = format == "GT" || format.starts_with("GT:");
  site.only_genotypes = format == "GT";
  if (!site.has_genotypes) LeaveOut(site, VcfCode::kGtMissing, "FORMAT");
  return true;
}

// Keys are alphanumeric in 4.1 and 4.2, and have _ and . as well since 4.3. GATK's MIN_DP is older
// than that: where the header declares such a key, there is no doubt.
bool VcfConformance::CompileFormat(const VcfSite& site) {
  format_keys_.clear();
  std::string_view rest = site.columns[VcfSite::kFormat];
  if (rest == ".") {  // no values at all
    format_keys_.push_back(nullptr);
    return true;
  }
  for (bool more = true; more;) {
    std::size_t end = Find(rest, ':');
    std::string_view id = rest.substr(0, end);
    more = end < rest.size();
    if (more) rest.remove_prefix(end + 1);
    std::string_view wrong;
    bool named = schema_.NamesFormat(id);
    if (id.empty()) {
      wrong = "an empty key";
    } else if (!named && !(header_.minor < 3 ? IsAlphanumeric(id) : IsStrictKeyName(id))) {
      wrong = "an undeclared key with signs that a key cannot have";
    } else if (id == "GT" && !format_keys_.empty()) {
      wrong = "GT is not the first key";
    } else if (format_keys_.size() >= 1'000) {
      wrong = "more keys than genofed reads";
    }
    if (!wrong.empty()) return Refuse(site, VcfCode::kBadFormat, "FORMAT", wrong);
    bool fresh = false;
    VcfKey* key = schema_.Format(id, &fresh);
    if (fresh) Note(site, VcfCode::kUndeclaredKey, "FORMAT");
    if (key != nullptr &&
        std::find(format_keys_.begin(), format_keys_.end(), key) != format_keys_.end()) {
      return Refuse(site, VcfCode::kBadFormat, "FORMAT", "a key comes twice");
    }
    format_keys_.push_back(key);
  }
  return true;
}

VcfVerdict VcfConformance::CheckSamples(const VcfSite& site) {
  if (site.samples.find('\0') != std::string_view::npos) {
    Refuse(site, VcfCode::kMalformedRecord, "", "a NUL byte");
    return VcfVerdict::kSetAside;
  }
  std::string_view rest = site.samples;
  const std::size_t samples = header_.samples.size();
  for (std::size_t i = 0; i < samples; ++i) {
    std::size_t end = Find(rest, '\t');
    if ((end == rest.size()) != (i + 1 == samples)) {
      Refuse(site, VcfCode::kMalformedRecord, "",
             "the number of sample columns differs from the header's");
      return VcfVerdict::kSetAside;
    }
    if (!CheckSample(rest.substr(0, end), i + 1, site)) return VcfVerdict::kSetAside;
    if (end < rest.size()) rest.remove_prefix(end + 1);
  }
  return leave_out_ ? VcfVerdict::kLeaveOut : VcfVerdict::kUse;
}

bool VcfConformance::CheckSample(std::string_view text, std::uint64_t sample, const VcfSite& site) {
  if (text.empty())
    return Refuse(site, VcfCode::kMalformedRecord, "", "a sample column is empty", {}, sample);
  // "In presence of the GT field the same ploidy is expected; without GT field, diploidy is
  // assumed."
  std::uint32_t ploidy = 2;
  std::size_t field = 0;
  for (bool more = true; more; ++field) {
    std::size_t end = Find(text, ':');
    std::string_view value = text.substr(0, end);
    more = end < text.size();
    if (more) text.remove_prefix(end + 1);
    if (field == format_keys_.size()) {
      return Refuse(site, VcfCode::kMalformedRecord, "FORMAT",
                    "a sample has more values than FORMAT has keys", {}, sample);
    }
    if (field == 0 && site.has_genotypes) {
      GenotypeFacts facts = CheckGenotype(value, static_cast<std::uint32_t>(site.allele_count()),
                                          alt_missing_, header_.minor >= 4);
      if (facts.state == GenotypeFacts::State::kMalformed) {
        return Refuse(site, VcfCode::kBadGenotype, "FORMAT",
                      "an allele is neither a number nor '.', or a separator is none of / and |",
                      "GT", sample);
      }
      if (facts.state == GenotypeFacts::State::kAlleleIndex) {
        return Refuse(site, VcfCode::kAlleleIndex, "FORMAT",
                      "names an allele that the record does not have", "GT", sample);
      }
      // A lone dot is written for a missing call of any ploidy.
      ploidy = value == "." ? 0 : facts.ploidy;
      if (ploidy > 2 && !std::exchange(noted_ploidy_, true))
        Note(site, VcfCode::kPloidy, "FORMAT", "GT", sample);
      if (facts.names_missing_alt && !std::exchange(noted_missing_alt_, true)) {
        Note(site, VcfCode::kMissingAltCalled, "FORMAT", "GT", sample);
      }
    } else if (const VcfKey* key = format_keys_[field]; value.empty()) {
      // bcftools 1.16 writes missing vectors so.
      if (!std::exchange(noted_empty_, true))
        Note(site, VcfCode::kEmptyValue, "FORMAT", {}, sample);
    } else if (key != nullptr && value != "." &&
               !CheckSampleValue(*key, value, ploidy, sample, site)) {
      return false;
    }
  }
  return true;
}

bool VcfConformance::CheckSampleValue(const VcfKey& key, std::string_view value,
                                      std::uint32_t ploidy, std::uint64_t sample,
                                      const VcfSite& site) {
  if (key.type == VcfType::kString) return true;  // text may hold commas
  // htslib writes a vector of characters without commas: RNC of GLnexus is Number=2, and "II".
  bool packed = key.type == VcfType::kCharacter && key.count == VcfCount::kFixed;
  if (packed && value.size() == key.fixed) return true;
  ListFacts facts = CheckList(value, key.type);
  std::string_view shown = key.named ? std::string_view(key.id) : std::string_view();
  if (!facts.type_ok) {
    return Refuse(site, VcfCode::kSampleValueType, "FORMAT", "a value is not of the key's type",
                  shown, sample);
  }
  Counts counts;
  if (Expected(key, ploidy, site, &counts) && facts.count != counts.low &&
      facts.count != counts.high) {
    return Refuse(site, VcfCode::kSampleValueCount, "FORMAT",
                  "more or fewer values than the key's Number", shown, sample);
  }
  return true;
}

}  // namespace genofed::genomics
