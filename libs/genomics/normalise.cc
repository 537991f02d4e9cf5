// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/normalise.h"

#include <algorithm>
#include <string_view>

#include "libs/genomics/norm_align.h"

namespace genofed::genomics {
namespace {

// The upper-case bases of one contig; a letter that no allele may hold ends the move.
AlleleShift::BaseAt BasesOf(const std::string& contig, Reference& reference) {
  return [&contig, &reference](std::int64_t pos) -> Result<char> {
    GF_ASSIGN(std::string base, reference.Fetch(contig, pos, 1));
    bool usable =
        base.size() == 1 && std::string_view("ACGTN").find(base[0]) != std::string_view::npos;
    return usable ? base[0] : '\0';
  };
}

}  // namespace

Status NormaliseVariant(Variant& variant, Reference* reference) {
  if (variant.ref == variant.alt) return InvalidField("alt", "VARIANT_INVALID", "equals ref");
  if (variant.ref.size() == 1 && variant.alt.size() == 1) return absl::OkStatus();
  bool can_extend = reference != nullptr && reference->Length(variant.contig) >= variant.end();
  const std::string_view alleles[] = {variant.ref, variant.alt};
  AlleleShift shift(alleles, variant.pos);
  GF_TRY(shift.MoveLeft(can_extend ? BasesOf(variant.contig, *reference) : AlleleShift::BaseAt(),
                        std::max<std::int64_t>(0, variant.pos - kMaxShift)));
  shift.TrimFront();
  std::string ref = shift.Allele(0);
  variant.alt = shift.Allele(1);
  variant.ref = std::move(ref);
  variant.pos = shift.pos();
  return absl::OkStatus();
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
