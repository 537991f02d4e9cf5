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
    GF_ASSIGN(std::string_view base, reference.View(contig, pos, 1));
    bool usable =
        base.size() == 1 && std::string_view("ACGTN").find(base[0]) != std::string_view::npos;
    return usable ? base[0] : '\0';
  };
}

}  // namespace

Status NormaliseVariant(Variant& variant, Reference* reference) {
  const bool single = variant.ref.size() == 1 && variant.alt.size() == 1;
  if (single && variant.ref[0] != variant.alt[0]) return absl::OkStatus();
  if (variant.ref == variant.alt) return InvalidField("alt", "VARIANT_INVALID", "equals ref");
  // Most indels are in that form already.
  bool one_base = std::min(variant.ref.size(), variant.alt.size()) == 1;
  if (variant.ref.back() != variant.alt.back() && (one_base || variant.ref[0] != variant.alt[0]))
    return absl::OkStatus();
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

}  // namespace genofed::genomics
