// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/normalise.h"

#include <algorithm>
#include <string_view>

namespace genofed::genomics {
namespace {

bool IsReferenceBase(char c) { return std::string_view("ACGTN").find(c) != std::string_view::npos; }

// Left-aligns an indel whose shorter allele is one base, equal to the last of the longer one. One
// step puts the base before the variant in front of both alleles and takes the last off: after k
// steps both are the beginnings, of the same lengths, of [pos - k, pos) + allele.
Status ShiftLeft(Variant& variant, Reference& reference) {
  constexpr std::int64_t kChunk = 256;
  if (reference.Length(variant.contig) < variant.end()) return absl::OkStatus();
  std::string& longer = variant.ref.size() > variant.alt.size() ? variant.ref : variant.alt;
  std::string& shorter = variant.ref.size() > variant.alt.size() ? variant.alt : variant.ref;
  const std::int64_t limit = std::min(variant.pos, kMaxShift);
  std::string before;  // [pos - before.size(), pos)
  std::size_t steps = 0;
  auto last_of_longer = [&] {
    std::size_t n = longer.size();
    return steps < n ? longer[n - 1 - steps] : before[before.size() - steps + n - 1];
  };
  auto last_of_shorter = [&] { return steps == 0 ? shorter[0] : before[before.size() - steps]; };
  while (last_of_longer() == last_of_shorter() && static_cast<std::int64_t>(steps) < limit) {
    if (steps == before.size()) {
      std::int64_t start = std::max<std::int64_t>(
          0, variant.pos - static_cast<std::int64_t>(steps) - kChunk);
      std::int64_t length = variant.pos - static_cast<std::int64_t>(steps) - start;
      GF_ASSIGN(std::string_view more, reference.View(variant.contig, start, length));
      before.insert(0, more);
    }
    if (!IsReferenceBase(before[before.size() - steps - 1])) break;
    ++steps;
  }
  if (steps == 0) return absl::OkStatus();
  before.erase(0, before.size() - steps);
  std::size_t n = longer.size();
  longer.insert(0, before).resize(n);
  shorter = before.substr(0, 1);
  variant.pos -= static_cast<std::int64_t>(steps);
  return absl::OkStatus();
}

// Cuts `suffix` and then `prefix` bases off both alleles.
void Cut(Variant& variant, std::size_t prefix, std::size_t suffix) {
  for (std::string* allele : {&variant.ref, &variant.alt}) {
    allele->resize(allele->size() - suffix);
    allele->erase(0, prefix);
  }
  variant.pos += static_cast<std::int64_t>(prefix);
}

}  // namespace

Status NormaliseVariant(Variant& variant, Reference* reference) {
  if (variant.ref == variant.alt) return InvalidField("alt", "VARIANT_INVALID", "equals ref");
  if (variant.ref.size() == 1 && variant.alt.size() == 1) return absl::OkStatus();
  std::size_t shorter = std::min(variant.ref.size(), variant.alt.size());
  std::size_t suffix = 0;
  while (suffix + 1 < shorter && variant.ref[variant.ref.size() - 1 - suffix] ==
                                     variant.alt[variant.alt.size() - 1 - suffix])
    ++suffix;
  if (suffix > 0) Cut(variant, 0, suffix);
  shorter -= suffix;
  if (shorter == 1 && reference != nullptr && variant.ref.size() != variant.alt.size() &&
      variant.ref.back() == variant.alt.back())
    GF_TRY(ShiftLeft(variant, *reference));
  std::size_t prefix = 0;
  while (prefix + 1 < shorter && variant.ref[prefix] == variant.alt[prefix]) ++prefix;
  if (prefix > 0) Cut(variant, prefix, 0);
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
