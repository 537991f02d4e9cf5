// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/site.h"

#include <algorithm>

namespace genofed::qc {
namespace {

// 1..22, or 0.
std::uint64_t Autosome(std::string_view contig) {
  if (contig.empty() || contig.size() > 2 || contig.front() == '0') return 0;
  std::uint64_t number = 0;
  for (char c : contig) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number <= 22 ? number : 0;
}

int BaseIndex(std::string_view allele) {
  const auto at =
      allele.size() == 1 ? std::string_view("ACGT").find(allele.front()) : std::string_view::npos;
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

bool InAny(const std::array<Interval, 2>& intervals, std::int64_t pos) {
  return std::any_of(intervals.begin(), intervals.end(),
                     [&](const Interval& interval) { return interval.Contains(pos); });
}

}  // namespace

SiteFacts DescribeSite(std::string_view contig, std::int64_t pos, std::string_view ref,
                       std::string_view alt, const PseudoautosomalRegions& par) {
  SiteFacts site;
  const std::uint64_t autosome = Autosome(contig);
  if (autosome != 0) {
    site.region = Region::kDiploid;
  } else if (contig == "X") {
    site.region = InAny(par.x, pos) ? Region::kDiploid : Region::kX;
  } else if (contig == "Y") {
    site.region = InAny(par.y, pos) ? Region::kDiploid : Region::kY;
  }
  const int from = BaseIndex(ref);
  const int to = BaseIndex(alt);
  if (from < 0 || to < 0 || from == to) return site;
  // A<->G and C<->T are two apart in ACGT.
  site.kind = (from ^ to) == 2 ? AlleleKind::kTransition : AlleleKind::kTransversion;
  if (autosome != 0 && pos >= 0 && pos <= 0xffff'ffffLL) {
    site.snv_key = autosome << 36 | static_cast<std::uint64_t>(pos) << 4 |
                   static_cast<std::uint64_t>(from << 2 | to);
  }
  return site;
}

}  // namespace genofed::qc
