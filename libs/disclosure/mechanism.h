// SPDX-License-Identifier: Apache-2.0
//
// The one place where a number of people becomes a number that may be told. Whatever is disclosed
// is a function of the values that come from here, so every granularity, include mode and frequency
// is held to the same rules.
//
// Noise is drawn from an HMAC of the question, the state of the dataset and a secret of the site:
// the same question has the same answer at every replica and for every account, so that asking
// again teaches nothing, and after any change of who may be counted every answer is drawn anew, so
// that the change of one person cannot be told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/disclosure/policy.h"

namespace genofed::disclosure {

enum class Precision { kExact, kRounded, kImprecise };
// "exact", "rounded", "imprecise": countPrecision of Beacon 2.2.
const char* PrecisionName(Precision precision);

// A question put to one state of one dataset.
struct Question {
  std::string_view state;      // names dataset, version and who may be counted (Mechanism::State)
  std::string_view canonical;  // equal for questions that mean the same
};

// People who match, of those who may be counted.
struct People {
  std::int64_t matching = 0;
  std::int64_t population = 0;
};

struct Shown {
  std::int64_t count = 0;  // 0, or at least the floor
  Precision precision = Precision::kExact;
  std::int64_t adjusted_to = 1;  // `count` is a multiple of this
  bool suppressed = false;       // the true number is not 0 and not shown; for metrics only
  double charge = 0;             // nats
  bool exists() const { return count > 0; }
};

// Genotypes of one allele among those who may be counted; people, but for the first two.
struct Genotypes {
  std::int64_t allele_count = 0;
  std::int64_t allele_number = 0;
  std::int64_t carriers = 0;
  std::int64_t homozygotes = 0;
  std::int64_t heterozygotes = 0;
  std::int64_t hemizygotes = 0;
};

struct ShownAllele {
  bool disclosed = false;  // false: the allele is not mentioned
  std::int64_t allele_count = 0;
  std::int64_t allele_number = 0;
  std::int64_t homozygotes = 0;  // both 0: not told
  std::int64_t heterozygotes = 0;
  bool suppressed = false;
  double charge = 0;
};

// Immutable, for any number of threads.
class Mechanism {
 public:
  // `secret`: at least 32 bytes, the same at all replicas of the site.
  Mechanism(Policy policy, std::string secret);

  const Policy& policy() const { return policy_; }

  // Names the state of a dataset, of which nothing can be learned from the name.
  std::string State(std::string_view dataset, std::int32_t version,
                    std::string_view permitted_bits) const;
  // Names a question, for the record of what was asked.
  std::string Mac(const Question& question, std::string_view what) const;

  // How many people may be counted; the same number for everybody. `alleles`: of those whose
  // alleles may be, who are others than those of whom more may be asked; the difference of the two
  // numbers must not show.
  Shown Everybody(std::string_view state, std::int64_t population, bool alleles = false) const;

  // `few_others_count`: where few do not match, all are said to match, for those few are as
  // identifying. Not for alleles: their frequency is what people agreed to publish.
  Shown Count(const Question& question, const People& people, bool few_others_count) const;

  // One allele's frequency. Its carriers must be enough for a count to be shown, too. With noise,
  // the frequency among the called alleles is told in proportion to Everybody, so that who was
  // called at a place is not told.
  ShownAllele Frequency(const Question& question, const Genotypes& genotypes,
                        std::int64_t population) const;

  // Who of `people`, numbered from 0, is not counted in this state: policy().batch of them, at most
  // half, ascending. Each state draws others, so that whoever joins or leaves does so in the
  // company of many. `what` tells apart several sets of people in one state.
  std::vector<std::uint64_t> LeftOut(std::string_view state, std::string_view what,
                                     std::uint64_t people) const;
  // The same among the people of a group, of whom `group` says how many they are. `few_others` and
  // exact numbers as for Count: where few of `population` are not in the group, or do not carry it
  // there, nothing is told. AN is in proportion to what was told of the group and says no more than
  // that. Carriers are not divided. What is charged comes on top of the charges of the group's
  // number and of the carriers'.
  ShownAllele FrequencyInGroup(const Question& question, const Genotypes& genotypes,
                               const Question& group, std::int64_t in_group,
                               std::int64_t population) const;

  // A draw of Laplace noise for a number that has rules of its own (allele_table.h).
  std::int64_t Noise(const Question& question, std::string_view what, double scale,
                     std::int64_t bound) const;

 private:
  // Uniform in [0, 1).
  double Draw(const Question& question, std::string_view what) const;
  std::int64_t StepFor(std::int64_t value) const;
  std::int64_t CountNoise(const Question& question) const;
  // Whether so few do not match that those who do must not be told.
  bool FewOthers(const People& people, std::int64_t noise) const;
  // Copies among `people` as if all had been called, with noise of this scale; at least `least`.
  std::int64_t NoisyCopies(const Question& question, const Genotypes& genotypes,
                           std::int64_t people, double scale, std::int64_t least) const;
  std::int64_t Round(const Question& question, std::string_view what, std::int64_t value) const;
  double HiddenCharge(std::int64_t noisy) const;
  Shown Make(const Question& question, std::string_view what, std::int64_t people,
             std::int64_t noise, std::int64_t population) const;

  const Policy policy_;
  const std::string secret_;
  const double hidden_charge_;
};

// Of Laplace noise cut at +-bound, the value whose cumulative probability is `uniform`.
std::int64_t LaplaceQuantile(double uniform, double scale, std::int64_t bound);

}  // namespace genofed::disclosure
