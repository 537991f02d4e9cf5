// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/mechanism.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "libs/core/parts.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/disclosure/budget.h"

namespace genofed::disclosure {
namespace {

constexpr std::string_view kEverybody = "everybody";
constexpr std::string_view kEverybodysAlleles = "everybody's alleles";
// "Fewer than can be told" is at most as informative as a threshold at the count itself; the ratio
// of the two for the worst frequency is 2/pi, and half of the answers there are charged in full
// (docs/security/privacy.md).
constexpr double kHiddenShare = 0.3;

}  // namespace

const char* PrecisionName(Precision precision) {
  switch (precision) {
    case Precision::kExact:
      return "exact";
    case Precision::kRounded:
      return "rounded";
    case Precision::kImprecise:
      return "imprecise";
  }
  return "imprecise";
}

std::int64_t LaplaceQuantile(double uniform, double scale, std::int64_t bound) {
  if (scale <= 0 || bound <= 0) return 0;
  // Probabilities of whole numbers are in proportion to exp(-|j| / scale): a sum of two geometric
  // series.
  const double ratio = std::exp(-1 / scale);
  const double side = ratio * (1 - std::pow(ratio, static_cast<double>(bound))) / (1 - ratio);
  const double at = uniform * (1 + 2 * side) - side;  // below 0: negative; up to 1: zero
  if (at >= 0 && at < 1) return 0;
  const double within = at < 0 ? -at : at - 1;
  // Smallest j with ratio + ... + ratio^j >= within.
  const double j =
      std::ceil(std::log(std::max(1 - within * (1 - ratio) / ratio, 1e-300)) / std::log(ratio));
  const auto magnitude = std::clamp<std::int64_t>(static_cast<std::int64_t>(j), 1, bound);
  return at < 0 ? -magnitude : magnitude;
}

Mechanism::Mechanism(Policy policy, std::string secret)
    : policy_(std::move(policy)),
      secret_(std::move(secret)),
      hidden_charge_(policy_.HasBudget() ? kHiddenShare * RarestCharge(policy_) : 0) {
  GF_CHECK(policy_.floor >= 1 && policy_.step >= 1);
  GF_CHECK(!policy_.HasNoise() || secret_.size() >= crypto::kSha256Bytes);
}

std::string Mechanism::State(std::string_view dataset, std::int32_t version,
                             std::string_view permitted_bits) const {
  return crypto::HmacSha256(secret_,
                            JoinParts({"state", dataset, std::to_string(version), permitted_bits}));
}

std::string Mechanism::Mac(const Question& question, std::string_view what) const {
  return crypto::HmacSha256(secret_,
                            JoinParts({"asked", question.state, what, question.canonical}));
}

double Mechanism::Draw(const Question& question, std::string_view what) const {
  const std::string mac =
      crypto::HmacSha256(secret_, JoinParts({"noise", question.state, what, question.canonical}));
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) bits = bits << 8 | static_cast<unsigned char>(mac[i]);
  return std::ldexp(static_cast<double>(bits >> 11), -53);
}

std::vector<std::uint64_t> Mechanism::LeftOut(std::string_view state, std::string_view what,
                                              std::uint64_t people) const {
  const std::uint64_t n =
      policy_.batch <= 1 ? 0 : std::min(static_cast<std::uint64_t>(policy_.batch), people / 2);
  // Floyd's sample without repetition (Bentley & Floyd 1987).
  std::set<std::uint64_t> chosen;
  for (std::uint64_t last = people - n; last < people; ++last) {
    const std::string turn = std::to_string(last);
    const auto drawn = static_cast<std::uint64_t>(
        Draw({state, turn}, JoinParts({"left out", what})) * static_cast<double>(last + 1));
    if (!chosen.insert(drawn).second) chosen.insert(last);
  }
  return {chosen.begin(), chosen.end()};
}

std::int64_t Mechanism::Noise(const Question& question, std::string_view what, double scale,
                              std::int64_t bound) const {
  return scale > 0 ? LaplaceQuantile(Draw(question, what), scale, bound) : 0;
}

std::int64_t Mechanism::StepFor(std::int64_t value) const {
  const double most = policy_.relative_step * static_cast<double>(value);
  std::int64_t step = policy_.step;
  for (std::int64_t power = 1; static_cast<double>(power) <= most; power *= 10) {
    for (std::int64_t multiple : {1, 2, 5}) {
      if (static_cast<double>(multiple * power) <= most) step = std::max(step, multiple * power);
    }
  }
  return step;
}

std::int64_t Mechanism::Round(const Question& question, std::string_view what,
                              std::int64_t value) const {
  const std::int64_t step = StepFor(value);
  if (step == 1) return value;
  // Up or down at random, in proportion to how near: no count lies on an edge that somebody could
  // aim at.
  const double up = Draw(question, what) * static_cast<double>(step);
  const std::int64_t rounded = (value + static_cast<std::int64_t>(up)) / step * step;
  return std::max(rounded, (policy_.floor + step - 1) / step * step);
}

double Mechanism::HiddenCharge(std::int64_t noisy) const {
  return noisy < policy_.floor ? 0 : hidden_charge_;
}

Shown Mechanism::Make(const Question& question, std::string_view what, std::int64_t people,
                      std::int64_t noise, std::int64_t population) const {
  Shown shown;
  shown.precision = policy_.HasNoise()                              ? Precision::kImprecise
                    : policy_.step > 1 || policy_.relative_step > 0 ? Precision::kRounded
                                                                    : Precision::kExact;
  const std::int64_t noisy = people + noise;
  if (people < policy_.floor || noisy < policy_.Threshold()) {
    shown.suppressed = people > 0;
    shown.charge = HiddenCharge(noisy);
    return shown;
  }
  shown.adjusted_to = StepFor(noisy);
  shown.count = Round(question, what, noisy);
  if (policy_.HasBudget()) {
    shown.charge = Charge(static_cast<double>(shown.count),
                          static_cast<double>(std::max(population, shown.count)),
                          CountVariance(policy_, static_cast<double>(shown.adjusted_to)), 1);
  }
  return shown;
}

Shown Mechanism::Everybody(std::string_view state, std::int64_t population, bool alleles) const {
  const Question question{state, alleles ? kEverybodysAlleles : kEverybody};
  const double scale = policy_.HasNoise() ? 1 / policy_.epsilon : 0;
  Shown shown = Make(question, "round", population,
                     Noise(question, "count", scale, policy_.noise_bound), population);
  // One published number for everybody, which says of nobody that they match anything.
  shown.charge = 0;
  return shown;
}

std::int64_t Mechanism::CountNoise(const Question& question) const {
  return Noise(question, "count", policy_.HasNoise() ? 1 / policy_.epsilon : 0,
               policy_.noise_bound);
}

bool Mechanism::FewOthers(const People& people, std::int64_t noise) const {
  const std::int64_t others = people.population - people.matching;
  return others < policy_.floor || others - noise < policy_.Threshold();
}

Shown Mechanism::Count(const Question& question, const People& people,
                       bool few_others_count) const {
  GF_CHECK(people.matching >= 0 && people.matching <= people.population);
  const std::int64_t noise = CountNoise(question);
  const Shown shown = Make(question, "round", people.matching, noise, people.population);
  if (!few_others_count || !shown.exists() || !FewOthers(people, noise)) return shown;
  const std::int64_t others = people.population - people.matching;
  Shown all = Everybody(question.state, people.population);
  all.charge = HiddenCharge(others - noise);
  all.suppressed = others > 0;
  return all;
}

std::int64_t Mechanism::NoisyCopies(const Question& question, const Genotypes& genotypes,
                                    std::int64_t people, double scale, std::int64_t least) const {
  const double frequency =
      static_cast<double>(genotypes.allele_count) / static_cast<double>(genotypes.allele_number);
  const std::int64_t copies = std::llround(frequency * 2 * static_cast<double>(people)) +
                              Noise(question, "copies", scale, 2 * policy_.noise_bound);
  return std::max(copies, least);
}

ShownAllele Mechanism::Frequency(const Question& question, const Genotypes& genotypes,
                                 std::int64_t population) const {
  ShownAllele out;
  const Shown carriers = Count(question, {genotypes.carriers, population}, false);
  const Shown everybody = Everybody(question.state, population, true);
  out.suppressed = genotypes.carriers > 0;
  if (!carriers.exists() || !everybody.exists() || genotypes.allele_number <= 0) return out;
  out.disclosed = true;
  out.suppressed = false;

  const bool noised = policy_.frequency_epsilon > 0;
  std::int64_t copies = genotypes.allele_count;
  out.allele_number = genotypes.allele_number;
  if (noised) {
    out.allele_number = 2 * everybody.count;
    copies =
        NoisyCopies(question, genotypes, population, 2 / policy_.frequency_epsilon, carriers.count);
  }
  const std::int64_t step = noised ? StepFor(copies) : 1;
  out.allele_count = noised ? Round(question, "round copies", copies) : copies;
  out.allele_count = std::min(out.allele_count, out.allele_number);
  if (policy_.genotypes) {
    auto group = [&](std::string_view what, std::int64_t people) {
      const double scale = policy_.HasNoise() ? 1 / policy_.epsilon : 0;
      return Make(question, what, people, Noise(question, what, scale, policy_.noise_bound),
                  population);
    };
    const Shown homozygotes = group("homozygotes", genotypes.homozygotes);
    const Shown heterozygotes = group("heterozygotes", genotypes.heterozygotes);
    const Shown hemizygotes = group("hemizygotes", genotypes.hemizygotes);
    out.charge += homozygotes.charge + heterozygotes.charge;
    out.suppressed = homozygotes.suppressed || heterozygotes.suppressed || hemizygotes.suppressed;
    // Exact groups would give away the one that is held back. Under noise they do not, and whether
    // a group is empty or small must not show in the others.
    if (policy_.HasNoise() || !out.suppressed) {
      out.homozygotes = homozygotes.count;
      out.heterozygotes = heterozygotes.count;
      const std::int64_t copies_told = 2 * out.homozygotes + out.heterozygotes;
      out.allele_count = std::max(out.allele_count, std::min(copies_told, out.allele_number));
      if (copies_told > out.allele_count) out.homozygotes = out.heterozygotes = 0;
    }
  }
  if (policy_.HasBudget()) {
    out.charge +=
        Charge(static_cast<double>(out.allele_count), static_cast<double>(out.allele_number),
               FrequencyVariance(policy_, static_cast<double>(step)), 2);
  }
  return out;
}

ShownAllele Mechanism::FrequencyInGroup(const Question& question, const Genotypes& genotypes,
                                        const Question& group, std::int64_t in_group,
                                        std::int64_t population) const {
  ShownAllele out;
  out.suppressed = genotypes.carriers > 0;
  const People carrying{genotypes.carriers, population}, inside{in_group, population};
  const Shown carriers = Count(question, carrying, false);
  const Shown people = Count(group, inside, false);
  if (!carriers.exists() || !people.exists() || genotypes.allele_number <= 0 ||
      FewOthers(carrying, CountNoise(question)) || FewOthers(inside, CountNoise(group)))
    return out;
  out.disclosed = true;
  out.suppressed = false;
  // Exact copies would give away what a count that is noised or rounded holds back.
  const double epsilon =
      policy_.frequency_epsilon > 0 ? policy_.frequency_epsilon : policy_.epsilon;
  std::int64_t step = 1;
  if (epsilon <= 0 && people.precision == Precision::kExact) {
    out.allele_count = genotypes.allele_count;
    out.allele_number = genotypes.allele_number;
  } else {
    const std::int64_t copies =
        NoisyCopies(question, genotypes, in_group, epsilon > 0 ? 2 / epsilon : 0, carriers.count);
    step = StepFor(copies);
    out.allele_number = 2 * people.count;
    out.allele_count = std::min(Round(question, "round copies", copies), out.allele_number);
  }
  if (policy_.HasBudget()) {
    out.charge =
        ChargeInGroup(static_cast<double>(out.allele_count), static_cast<double>(out.allele_number),
                      FrequencyVariance(policy_, static_cast<double>(step)), 2);
  }
  return out;
}

}  // namespace genofed::disclosure
