// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/genotypes.h"

#include <algorithm>
#include <utility>

#include "libs/synth/prng.h"

namespace genofed::synth {
namespace {

constexpr std::uint32_t kMeanRun = 15;                     // sites
constexpr std::uint32_t kMeanGap = kMeanRun * 997 / 3;     // leaves 0.3 % missing
constexpr std::int8_t kReference = 0;

std::uint32_t RunLength(Stream& stream) { return 1 + stream.Below(2 * kMeanRun - 1); }
std::uint32_t GapLength(Stream& stream) { return 1 + stream.Below(2 * kMeanGap - 1); }

Call EmptyCall(Inheritance inheritance, Sex sex) {
  if (inheritance == Inheritance::kDiploid) return {kReference, kReference};
  if (sex == Sex::kMale) return {kReference, Call::kNone};
  if (inheritance == Inheritance::kX) return {kReference, kReference};
  return {Call::kMissing, Call::kNone};
}

std::uint64_t Threshold(double frequency) {
  return static_cast<std::uint64_t>(std::clamp(frequency, 0.0, 1.0) * 4294967296.0);
}

// Gives one allele that nobody drew to somebody, for a site without carriers is no site.
void PlaceOne(Stream& stream, std::int8_t allele, std::vector<Call>& calls) {
  const auto people = static_cast<std::uint32_t>(calls.size());
  const std::uint32_t start = stream.Below(people);
  for (std::uint32_t i = 0; i < people; ++i) {
    Call& call = calls[(start + i) % people];
    if (call.first != kReference) continue;
    call.first = allele;
    return;
  }
}

}  // namespace

MissingRuns::MissingRuns(std::uint64_t seed, std::string_view country, std::uint32_t contig,
                         std::uint32_t people) {
  runs_.reserve(people);
  for (std::uint32_t person = 0; person < people; ++person) {
    Stream stream(Purpose::kMissing, {seed, KeyOf(country), contig, person});
    // The rest of a gap that began before the contig: the lesser of two uniforms.
    const std::uint32_t begin = std::min(stream.Below(2 * kMeanGap), stream.Below(2 * kMeanGap));
    runs_.push_back({begin, begin + RunLength(stream), stream.Next()});
  }
}

bool MissingRuns::Missing(std::uint32_t person, std::uint32_t site) {
  Run& run = runs_[person];
  if (site >= run.end) {
    Stream stream(Purpose::kMissing, {run.state});
    run.begin = run.end + GapLength(stream);
    run.end = run.begin + RunLength(stream);
    run.state = stream.Next();
  }
  return site >= run.begin;
}

GenotypeDrawer::GenotypeDrawer(std::uint64_t seed, std::string_view country, std::vector<Sex> sexes)
    : seed_(seed), country_(KeyOf(country)), sexes_(std::move(sexes)) {}

void GenotypeDrawer::Draw(const Site& site, std::vector<Call>& calls) const {
  Stream stream(Purpose::kGenotypes, {seed_, country_, site.contig->rank, site.index});
  const std::uint64_t first = Threshold(site.frequencies[0]);
  const std::uint64_t second =
      site.alts.size() > 1 ? first + Threshold(site.frequencies[1]) : first;
  std::uint32_t seen[3] = {0, 0, 0};
  const auto draw = [&] {
    const std::uint32_t u = stream.Next32();
    const int allele = u < first ? 1 : (u < second ? 2 : 0);
    ++seen[allele];
    return static_cast<std::int8_t>(allele);
  };
  calls.resize(sexes_.size());
  for (std::size_t i = 0; i < sexes_.size(); ++i) {
    Call call = EmptyCall(site.inheritance, sexes_[i]);
    if (call.first == kReference) call.first = draw();
    if (call.second == kReference) call.second = draw();
    // Unphased calls are written with the lesser allele first.
    if (call.second >= 0 && call.first > call.second) std::swap(call.first, call.second);
    calls[i] = call;
  }
  for (std::size_t allele = 1; allele <= site.alts.size(); ++allele) {
    if (seen[allele] == 0) PlaceOne(stream, static_cast<std::int8_t>(allele), calls);
  }
  for (Call& call : calls) {
    if (call.second >= 0 && call.first > call.second) std::swap(call.first, call.second);
  }
}

}  // namespace genofed::synth
