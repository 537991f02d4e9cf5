// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/normalise.h"

#include <algorithm>
#include <deque>
#include <string_view>

namespace genofed::genomics {
namespace {

// Two alleles while their common suffix is cut off and bases are put in front; both are O(1) in a
// deque.
class Aligner {
 public:
  Aligner(Variant& variant, Reference* reference)
      : variant_(variant),
        reference_(reference),
        ref_(variant.ref.begin(), variant.ref.end()),
        alt_(variant.alt.begin(), variant.alt.end()) {}

  Status Run() {
    bool can_extend =
        reference_ != nullptr && reference_->Length(variant_.contig) >= variant_.end();
    std::int64_t limit = std::max<std::int64_t>(0, variant_.pos - kMaxShift);
    while (ref_.back() == alt_.back()) {
      if (std::min(ref_.size(), alt_.size()) == 1) {
        if (!can_extend || variant_.pos <= limit || ref_.size() == alt_.size()) break;
        GF_ASSIGN(std::string base, reference_->Fetch(variant_.contig, variant_.pos - 1, 1));
        if (base.size() != 1 || std::string_view("ACGTN").find(base[0]) == std::string_view::npos)
          break;
        ref_.push_front(base[0]);
        alt_.push_front(base[0]);
        --variant_.pos;
      }
      ref_.pop_back();
      alt_.pop_back();
    }
    while (std::min(ref_.size(), alt_.size()) > 1 && ref_.front() == alt_.front()) {
      ref_.pop_front();
      alt_.pop_front();
      ++variant_.pos;
    }
    variant_.ref.assign(ref_.begin(), ref_.end());
    variant_.alt.assign(alt_.begin(), alt_.end());
    return absl::OkStatus();
  }

 private:
  Variant& variant_;
  Reference* reference_;
  std::deque<char> ref_;
  std::deque<char> alt_;
};

}  // namespace

Status NormaliseVariant(Variant& variant, Reference* reference) {
  if (variant.ref == variant.alt) return InvalidField("alt", "VARIANT_INVALID", "equals ref");
  if (variant.ref.size() == 1 && variant.alt.size() == 1) return absl::OkStatus();
  return Aligner(variant, reference).Run();
}

Result<std::vector<SplitAllele>> SplitRecord(const VcfRecord& record, Reference* reference,
                                             std::uint64_t* skipped) {
  std::vector<SplitAllele> out;
  for (std::size_t i = 0; i < record.alts.size(); ++i) {
    const std::string& alt = record.alts[i];
    bool indexable =
        ClassifyAllele(alt) == AlleleKind::kBases && alt.find('N') == std::string::npos;
    if (!indexable) {
      if (skipped != nullptr) ++*skipped;
      continue;
    }
    SplitAllele split{static_cast<std::int8_t>(i + 1),
                      Variant{record.contig, record.pos, record.ref, alt}};
    GF_TRY(NormaliseVariant(split.variant, reference));
    out.push_back(std::move(split));
  }
  return out;
}

CarrierSets CarriersOf(const VcfRecord& record, std::int8_t allele,
                       std::span<const std::int32_t> sample_of_row) {
  CarrierSets sets;
  for (std::uint32_t row = 0; row < sample_of_row.size(); ++row) {
    if (sample_of_row[row] < 0) {
      sets.nocall.push_back(row);
      continue;
    }
    auto genotype = record.Genotype(static_cast<std::size_t>(sample_of_row[row]));
    int called = (genotype[0] >= 0 ? 1 : 0) + (genotype[1] >= 0 ? 1 : 0);
    int count = (genotype[0] == allele ? 1 : 0) + (genotype[1] == allele ? 1 : 0);
    if (called == 2) {
      if (count == 1) sets.het.push_back(row);
      if (count == 2) sets.hom.push_back(row);
    } else if (called == 1) {
      (count == 1 ? sets.hemi : sets.single).push_back(row);
    } else {
      sets.nocall.push_back(row);
    }
  }
  return sets;
}

}  // namespace genofed::genomics
