// SPDX-License-Identifier: Apache-2.0
//
// REF and ALT: what they are, whether a record says the same as an earlier one, and whether REF is
// what the reference genome has (VCF 4.3, sections 1.6.1.4, 1.6.1.5 and 5).
#include <algorithm>
#include <cstring>

#include "libs/genomics/base_signs.h"
#include "libs/genomics/vcf_conformance.h"

namespace genofed::genomics {
namespace {

// Positions that many variants share are rare; what is forgotten is only not found twice.
constexpr std::size_t kMaxRecent = 1'024;

char Upper(char c) { return static_cast<char>(c & 0xDF); }  // letters only

// FNV-1a over a place and two alleles, without regard to case.
std::uint64_t HashVariant(std::int64_t pos, std::string_view ref, std::string_view alt) {
  if (ref.size() == 1 && alt.size() == 1) {  // most: all of it, and no other is the same
    return static_cast<std::uint64_t>(pos) << 16 |
           static_cast<std::uint64_t>(static_cast<unsigned char>(Upper(ref[0]))) << 8 |
           static_cast<unsigned char>(Upper(alt[0]));
  }
  std::uint64_t hash = 0xCBF29CE484222325U ^ static_cast<std::uint64_t>(pos);
  auto mix = [&hash](char c) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    hash ^= hash >> 29;
  };
  for (char c : ref) mix(Upper(c));
  mix('>');
  for (char c : alt) mix(Upper(c));
  return hash;
}

bool SameBases(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return Upper(x) == Upper(y); });
}

}  // namespace

bool VcfConformance::IsSingleBaseChange(const VcfSite& site) const {
  const std::string_view ref = site.ref(), alt = site.columns[VcfSite::kAlt];
  if (ref.size() != 1 || alt.size() != 1 || Upper(ref[0]) == Upper(alt[0])) return false;
  return (BaseSignsOf(ref) | BaseSignsOf(alt)) < kNoBase &&
         (!contig_->length || site.pos < *contig_->length);
}

// Sections 1.6.1.4 and 1.6.1.5.
bool VcfConformance::CheckAlleles(VcfSite& site) {
  alts_.clear();
  bases_only_ = true;
  alt_missing_ = false;
  if (IsSingleBaseChange(site)) {  // what follows would find the same
    site.end = site.pos + 1;
    alts_.push_back(site.columns[VcfSite::kAlt]);
    site.alts = alts_;
    return true;
  }
  switch (ClassifyAllele(site.ref())) {
    case AlleleKind::kBases:
      break;
    case AlleleKind::kTooLong:
      LeaveOut(site, VcfCode::kAlleleTooLong, "REF");
      break;
    default:
      return Refuse(site, VcfCode::kBadAllele, "REF", "other letters than A, C, G, T and N");
  }
  site.end = site.pos + static_cast<std::int64_t>(site.ref().size());
  if (contig_->length && site.end > *contig_->length && !leave_out_) {
    return Refuse(site, VcfCode::kPosOutOfRange, "REF", "reaches behind the end of the contig");
  }
  std::string_view alts = site.columns[VcfSite::kAlt];
  alt_missing_ = alts == ".";
  site.is_block = alt_missing_;
  if (alt_missing_) return true;
  site.is_block = true;
  for (bool more = true; more;) {
    const void* comma = alts.empty() ? nullptr : std::memchr(alts.data(), ',', alts.size());
    more = comma != nullptr;
    std::size_t end = more ? static_cast<std::size_t>(static_cast<const char*>(comma) - alts.data())
                           : alts.size();
    if (!AddAlt(alts.substr(0, end), site)) return false;
    alts.remove_prefix(more ? end + 1 : end);
  }
  site.alts = alts_;
  if (alts_.size() > kMaxAlts) LeaveOut(site, VcfCode::kTooManyAlleles, "ALT");
  return true;
}

bool VcfConformance::AddAlt(std::string_view alt, VcfSite& site) {
  AlleleKind kind = ClassifyAllele(alt);
  if (kind == AlleleKind::kInvalid || kind == AlleleKind::kMissing) {
    return Refuse(site, VcfCode::kBadAllele, "ALT",
                  "neither bases, *, a symbolic allele nor a breakend");
  }
  if (kind == AlleleKind::kTooLong && !leave_out_) LeaveOut(site, VcfCode::kAlleleTooLong, "ALT");
  bool bases = kind == AlleleKind::kBases;
  if (bases && SameBases(alt, site.ref()))
    return Refuse(site, VcfCode::kBadAllele, "ALT", "an allele equals REF");
  // Quadratic, so only among as many as are used at all.
  if (alts_.size() <= kMaxAlts) {
    for (std::string_view other : alts_) {
      if (other == alt || (bases && SameBases(other, alt))) {
        return Refuse(site, VcfCode::kBadAllele, "ALT", "an allele comes twice");
      }
    }
  }
  bool unspecified = alt == "<NON_REF>" || alt == "<*>";
  site.has_unspecified = site.has_unspecified || unspecified;
  site.is_block = site.is_block && unspecified;
  bases_only_ = bases_only_ && bases;
  alts_.push_back(alt);
  return true;
}

// No two records may have one variant, however they write it: alleles are compared without the
// bases that they share with REF (as vcf-validator does). Symbolic alleles may come again.
bool VcfConformance::CheckDuplicates(const VcfSite& site) {
  if (recent_until_ < site.pos) recent_.clear();
  if (recent_.size() > kMaxRecent) recent_.erase(recent_.begin(), recent_.begin() + kMaxRecent / 2);
  const std::size_t before = recent_.size();
  for (std::string_view alt : alts_) {
    if (!bases_only_ && ClassifyAllele(alt) != AlleleKind::kBases) continue;
    std::string_view ref = site.ref();
    std::int64_t pos = site.pos;
    while (ref.size() > 1 && alt.size() > 1 && Upper(ref.back()) == Upper(alt.back())) {
      ref.remove_suffix(1);
      alt.remove_suffix(1);
    }
    while (ref.size() > 1 && alt.size() > 1 && Upper(ref.front()) == Upper(alt.front())) {
      ref.remove_prefix(1);
      alt.remove_prefix(1);
      ++pos;
    }
    std::uint64_t hash = HashVariant(pos, ref, alt);
    if (std::find(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(before), hash) !=
        recent_.begin() + static_cast<std::ptrdiff_t>(before)) {
      recent_.resize(before);
      return Refuse(site, VcfCode::kDuplicateRecord, "ALT",
                    "an earlier record has the same variant");
    }
    recent_.push_back(hash);
    recent_until_ = std::max(recent_until_, pos);
  }
  return true;
}

bool VcfConformance::CheckReference(const VcfSite& site) {
  if (reference_ == nullptr || leave_out_ || contig_->missing_in_reference) return true;
  auto bases =
      reference_->View(contig_->name, site.pos, static_cast<std::int64_t>(site.ref().size()));
  if (!bases.ok()) {
    contig_->missing_in_reference = true;
    bool unknown = bases.status().code() == StatusCode::kNotFound;
    Refuse(site, VcfCode::kNotInReference, "CHROM",
           unknown ? "" : "the reference cannot be read here: REF was not compared");
    return true;
  }
  ++contig_->facts.compared;
  if (bases->size() != site.ref().size()) {
    return Refuse(site, VcfCode::kRefMismatch, "REF",
                  "reaches behind the end of the contig in the reference");
  }
  for (std::size_t i = 0; i < bases->size(); ++i) {
    // IUPAC codes of the reference agree with any base, and N of the record says nothing.
    bool known = std::string_view("ACGT").find((*bases)[i]) != std::string_view::npos;
    char base = Upper(site.ref()[i]);
    if (known && base != 'N' && (*bases)[i] != base) {
      return Refuse(site, VcfCode::kRefMismatch, "REF", "differs from the reference genome");
    }
  }
  ++contig_->facts.agreed;
  return true;
}

}  // namespace genofed::genomics
