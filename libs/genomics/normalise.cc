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

}  // namespace genofed::genomics
