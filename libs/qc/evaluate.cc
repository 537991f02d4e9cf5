// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace genofed::qc {
namespace {

std::optional<double> Ratio(std::uint64_t numerator, std::uint64_t denominator) {
  if (denominator == 0) return std::nullopt;
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

bool Enough(std::uint64_t count, double least) { return static_cast<double>(count) >= least; }

// One row of the accumulator, added up.
class RowSums {
 public:
  RowSums(const Accumulator& counts, std::uint32_t row) : counts_(counts), row_(row) {}

  std::uint64_t Carried(Region region, AlleleKind kind, Zygosity zygosity) const {
    return counts_.Carried(row_, region, kind, zygosity);
  }
  std::uint64_t Snvs(Region region, Zygosity zygosity) const {
    return Carried(region, AlleleKind::kTransition, zygosity) +
           Carried(region, AlleleKind::kTransversion, zygosity);
  }
  std::uint64_t OfKind(AlleleKind kind) const {
    std::uint64_t sum = 0;
    for (Region region : {Region::kDiploid, Region::kX, Region::kY, Region::kOther}) {
      for (Zygosity zygosity : {Zygosity::kHet, Zygosity::kHom, Zygosity::kHemi}) {
        sum += Carried(region, kind, zygosity);
      }
    }
    return sum;
  }

 private:
  const Accumulator& counts_;
  std::uint32_t row_;
};

std::uint64_t SitesWithoutY(const Accumulator::Cohort& cohort) {
  return cohort.Sites(Region::kDiploid) + cohort.Sites(Region::kX) + cohort.Sites(Region::kOther);
}

SampleQc MeasureSample(const Policy& policy, const Accumulator& counts, std::uint32_t row,
                       const SampleIdentity& identity) {
  const RowSums sums(counts, row);
  SampleQc out;
  out.position = identity.position;
  out.declared = identity.declared;
  const std::uint64_t transitions = sums.OfKind(AlleleKind::kTransition);
  const std::uint64_t transversions = sums.OfKind(AlleleKind::kTransversion);
  out.snvs = transitions + transversions;
  out.indels = sums.OfKind(AlleleKind::kOther);
  out.singletons = counts.Singletons(row);
  out.missing = counts.NoCalls(row, Region::kDiploid) + counts.HalfCalls(row) +
                counts.NoCalls(row, Region::kX) + counts.NoCalls(row, Region::kOther);
  const std::uint64_t sites = SitesWithoutY(counts.cohort());
  if (Enough(sites, policy.judge_sites)) out.call_rate = Ratio(sites - out.missing, sites);
  if (Enough(out.snvs, policy.judge_snvs)) {
    out.titv = Ratio(transitions, transversions);
  }
  if (Enough(out.snvs, policy.judge_het_hom_snvs)) {
    out.het_hom = Ratio(sums.Snvs(Region::kDiploid, Zygosity::kHet),
                        sums.Snvs(Region::kDiploid, Zygosity::kHom));
  }
  const std::uint64_t x_hets = sums.Snvs(Region::kX, Zygosity::kHet);
  const std::uint64_t x_carried =
      x_hets + sums.Snvs(Region::kX, Zygosity::kHom) + sums.Snvs(Region::kX, Zygosity::kHemi);
  if (Enough(x_carried, policy.judge_x_variants)) out.x_het = Ratio(x_hets, x_carried);
  const std::uint64_t y_sites = counts.cohort().Sites(Region::kY);
  if (Enough(y_sites, policy.judge_y_sites)) {
    out.y_call_rate = Ratio(y_sites - counts.NoCalls(row, Region::kY), y_sites);
  }
  const Accumulator::Depths& depths = counts.DepthsOf(row);
  if (Enough(depths.homs, policy.judge_homs)) {
    out.charr = static_cast<double>(depths.charr_sum) / Accumulator::kRatioUnit / depths.homs;
    out.unbalanced_hets = Ratio(depths.unbalanced, depths.hets);
  }
  return out;
}

CohortQc MeasureCohort(const Policy& policy, const Accumulator& counts,
                       std::span<const SampleQc> samples) {
  const Accumulator::Cohort& cohort = counts.cohort();
  CohortQc out;
  out.people = samples.size();
  for (std::size_t region = 0; region < kRegions; ++region) {
    out.snv_sites += cohort.sites[region][0] + cohort.sites[region][1];
    out.indel_sites += cohort.sites[region][2];
  }
  out.sites = out.snv_sites + out.indel_sites;
  out.x_sites = cohort.Sites(Region::kX);
  out.y_sites = cohort.Sites(Region::kY);
  std::uint64_t missing = 0;
  for (const SampleQc& sample : samples) missing += sample.missing;
  const std::uint64_t calls = SitesWithoutY(cohort) * out.people;
  if (Enough(SitesWithoutY(cohort), policy.judge_sites)) {
    out.call_rate = Ratio(calls - missing, calls);
  }
  if (Enough(cohort.carried_sites[0] + cohort.carried_sites[1], policy.judge_snvs)) {
    out.titv = Ratio(cohort.carried_sites[0], cohort.carried_sites[1]);
  }
  out.spectrum.assign(cohort.spectrum.begin(), cohort.spectrum.end());
  out.hwe_tested = cohort.hwe_tested;
  out.hwe_too_many_hets = cohort.hwe_too_many_hets;
  out.hwe_too_few_hets = cohort.hwe_too_few_hets;
  bool low = false;
  bool high = false;
  for (const SampleQc& sample : samples) {
    low = low || (sample.y_call_rate && *sample.y_call_rate <= policy.female_max_y_call_rate);
    high = high || (sample.y_call_rate && *sample.y_call_rate >= policy.male_min_y_call_rate);
  }
  out.y_informative = low && high;
  return out;
}

// X decides; Y may contradict it, which makes the sex undetermined: loss of Y, X0, XXY, or long
// stretches of homozygosity on X.
void InferSex(const Policy& policy, bool y_informative, SampleQc& sample) {
  if (!sample.x_het) return;
  if (*sample.x_het <= policy.male_max_x_het) sample.inferred = Sex::kMale;
  if (*sample.x_het >= policy.female_min_x_het) sample.inferred = Sex::kFemale;
  if (y_informative) {
    const bool y_low = *sample.y_call_rate <= policy.female_max_y_call_rate;
    const bool y_high = *sample.y_call_rate >= policy.male_min_y_call_rate;
    if ((sample.inferred == Sex::kMale && y_low) || (sample.inferred == Sex::kFemale && y_high)) {
      sample.inferred = Sex::kUnknown;
    }
  }
  sample.sex_check = sample.inferred == Sex::kUnknown     ? SexCheck::kUndetermined
                     : sample.declared == Sex::kUnknown   ? SexCheck::kNotDeclared
                     : sample.declared == sample.inferred ? SexCheck::kMatch
                                                          : SexCheck::kMismatch;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Turns broken rules into findings and flags.
class Judge {
 public:
  Judge(const Policy& policy, std::string_view file, QualityResult& result, Findings& findings)
      : policy_(policy), file_(file), result_(result), findings_(findings) {}

  void Samples() {
    for (SampleQc& sample : result_.samples) {
      Bound(policy_.call_rate, sample, sample.call_rate, "SAMPLE_CALL_RATE", "call rate");
      Bound(policy_.titv, sample, sample.titv, "SAMPLE_TITV", "Ti/Tv");
      Bound(policy_.het_hom, sample, sample.het_hom, "SAMPLE_HET_HOM", "het/hom ratio");
      Bound(policy_.contamination, sample, sample.charr, "SAMPLE_CONTAMINATION", "CHARR");
      SexOf(sample);
    }
    Outliers(&SampleQc::titv, "Ti/Tv");
    Outliers(&SampleQc::het_hom, "het/hom ratio");
    std::vector<double> snvs;
    for (const SampleQc& sample : result_.samples) {
      snvs.push_back(static_cast<double>(sample.snvs));
    }
    Outliers(snvs, "number of SNVs");
  }

  void Cohort() {
    const CohortQc& cohort = result_.cohort;
    const auto judge = [&](const Rule& rule, std::optional<double> value, const char* code,
                           std::string_view what) {
      if (value && !rule.Allows(*value))
        Add(rule.action, code, "cohort", Broken(rule, *value, what));
    };
    judge(policy_.cohort_sites, static_cast<double>(cohort.sites), "COHORT_SITES", "allele sites");
    judge(policy_.cohort_call_rate, cohort.call_rate, "COHORT_CALL_RATE", "overall call rate");
    judge(policy_.cohort_titv, cohort.titv, "COHORT_TITV", "Ti/Tv of the sites");
    if (Enough(cohort.people, policy_.judge_people)) {
      judge(policy_.cohort_hwe,
            Ratio(cohort.hwe_too_many_hets + cohort.hwe_too_few_hets, cohort.hwe_tested),
            "COHORT_HWE", "share of sites out of Hardy-Weinberg equilibrium");
    }
  }

  void Pairs() {
    const auto position = [&](std::size_t row) { return result_.samples[row].position; };
    for (const RelatedPair& pair : result_.within.found) {
      const bool duplicate = pair.relation == Relation::kDuplicate;
      const Rule& rule = duplicate ? policy_.duplicate : policy_.related;
      const char* code = duplicate ? "DUPLICATE_SAMPLES" : "RELATED_SAMPLES";
      Flag(rule, result_.samples[pair.a], code);
      Flag(rule, result_.samples[pair.b], code);
      Add(rule.action, code, fmt::format("samples {} and {}", position(pair.a), position(pair.b)),
          fmt::format("kinship {:.3f} over {} sites: {}", pair.kinship, pair.sites,
                      duplicate ? "the same person twice, or identical twins"
                      : pair.relation == Relation::kFirstDegree ? "first-degree relatives"
                                                                : "second-degree relatives"));
    }
    for (const EarlierBatch& batch : result_.earlier) {
      for (const RelatedPair& pair : batch.comparison.found) {
        if (pair.relation != Relation::kDuplicate) continue;
        Flag(policy_.earlier_duplicate, result_.samples[pair.a], "DUPLICATE_OF_EARLIER");
        Add(policy_.earlier_duplicate.action, "DUPLICATE_OF_EARLIER",
            fmt::format("sample {}", position(pair.a)),
            fmt::format("kinship {:.3f} over {} sites with row {} of batch {}: handed over before",
                        pair.kinship, pair.sites, pair.b + 1, batch.name));
      }
    }
  }

  void NotChecked() {
    const auto count = [&](auto missing) {
      return std::count_if(result_.samples.begin(), result_.samples.end(), missing);
    };
    Unchecked("CALL_RATE_NOT_CHECKED", count([](const auto& s) { return !s.call_rate; }),
              "too few sites to judge the call rate of samples");
    Unchecked("TITV_NOT_CHECKED", count([](const auto& s) { return !s.titv || !s.het_hom; }),
              "too few SNVs to judge Ti/Tv and het/hom of samples");
    Unchecked("SEX_NOT_CHECKED", count([](const auto& s) { return !s.x_het; }),
              "too few variants on X to infer the sex of samples");
    Unchecked(
        "CONTAMINATION_NOT_CHECKED", count([](const auto& s) { return !s.charr; }),
        "too few homozygous calls with allele depths (FORMAT/AD) for a hint of contamination");
    NotCompared(result_.within, "this batch");
    for (const EarlierBatch& batch : result_.earlier) {
      NotCompared(batch.comparison, "batch " + batch.name);
    }
  }

 private:
  void Add(Action action, const char* code, std::string field, std::string message,
           std::int64_t count = 1) {
    if (action == Action::kOff) return;
    findings_.Add({SeverityOf(action), code, std::string(file_), 0, std::move(field),
                   std::move(message), count});
  }
  static void Flag(const Rule& rule, SampleQc& sample, const char* code) {
    if (rule.action == Action::kOff) return;
    if (std::find(sample.flags.begin(), sample.flags.end(), code) == sample.flags.end()) {
      sample.flags.emplace_back(code);
    }
  }
  static std::string Broken(const Rule& rule, double value, std::string_view what) {
    return rule.min && value < *rule.min
               ? fmt::format("{} {:.6g} is below {:.6g}", what, value, *rule.min)
               : fmt::format("{} {:.6g} is above {:.6g}", what, value, *rule.max);
  }
  void Bound(const Rule& rule, SampleQc& sample, std::optional<double> value, const char* code,
             std::string_view what) {
    if (!value || rule.Allows(*value)) return;
    Flag(rule, sample, code);
    Add(rule.action, code, fmt::format("sample {}", sample.position), Broken(rule, *value, what));
  }
  void SexOf(SampleQc& sample) {
    const bool mismatch = sample.sex_check == SexCheck::kMismatch;
    if (!mismatch && sample.sex_check != SexCheck::kUndetermined) return;
    const Rule& rule = mismatch ? policy_.sex_mismatch : policy_.sex_undetermined;
    const char* code = mismatch ? "SEX_MISMATCH" : "SEX_UNDETERMINED";
    Flag(rule, sample, code);
    Add(rule.action, code, fmt::format("sample {}", sample.position),
        fmt::format("heterozygous share on X is {:.3f}{}: {}", *sample.x_het,
                    sample.y_call_rate ? fmt::format(", Y called at {:.3f}", *sample.y_call_rate)
                                       : std::string(),
                    mismatch ? "not the declared sex" : "neither clearly male nor clearly female"));
  }
  void Outliers(std::optional<double> SampleQc::*figure, const char* what) {
    std::vector<double> values;
    for (const SampleQc& sample : result_.samples) {
      if (!(sample.*figure)) return;  // then it was not judged at all
      values.push_back(*(sample.*figure));
    }
    Outliers(values, what);
  }
  void Outliers(const std::vector<double>& values, const char* what) {
    if (!Enough(values.size(), policy_.judge_people) || values.empty()) return;
    const double median = Median(values);
    std::vector<double> distances;
    for (double value : values) distances.push_back(std::abs(value - median));
    // 1.4826: so that it estimates the standard deviation of a normal distribution.
    const double scale = 1.4826 * Median(distances);
    if (scale == 0) return;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double distance = distances[i] / scale;
      if (policy_.outlier.Allows(distance)) continue;
      SampleQc& sample = result_.samples[i];
      Flag(policy_.outlier, sample, "SAMPLE_OUTLIER");
      Add(policy_.outlier.action, "SAMPLE_OUTLIER", fmt::format("sample {}", sample.position),
          fmt::format("{} is {:.1f} deviations from the cohort's median", what, distance));
    }
  }
  void Unchecked(const char* code, std::ptrdiff_t count, const char* message) {
    if (count > 0) Add(Action::kNote, code, "samples", message, count);
  }
  void NotCompared(const Comparison& comparison, const std::string& with) {
    if (comparison.pairs == 0) return;
    const auto pairs = static_cast<std::int64_t>(comparison.pairs);
    if (!comparison.enough_sites) {
      Add(Action::kNote, "DUPLICATES_NOT_CHECKED", "samples",
          fmt::format("{}: {} common variants are too few to compare people", with,
                      comparison.sites),
          pairs);
      return;
    }
    if (!comparison.complete) {
      Add(Action::kNote, "DUPLICATES_NOT_CHECKED", "samples",
          fmt::format("{}: too many candidates; some duplicates may not be listed", with), 1);
    }
    if (!comparison.relatives) {
      Add(Action::kNote, "RELATIVES_NOT_CHECKED", "samples",
          fmt::format("{}: {} sites in {} different megabases, {} pairs; only duplicates were "
                      "looked for",
                      with, comparison.sites, comparison.megabases, pairs),
          pairs);
    }
  }

  const Policy& policy_;
  std::string_view file_;
  QualityResult& result_;
  Findings& findings_;
};

}  // namespace

std::string_view SexName(Sex sex) {
  return sex == Sex::kFemale ? "FEMALE" : sex == Sex::kMale ? "MALE" : "UNKNOWN";
}

std::string_view SexCheckName(SexCheck check) {
  static constexpr const char* kNames[] = {"not_checked", "match", "mismatch", "undetermined",
                                           "not_declared"};
  return kNames[static_cast<std::size_t>(check)];
}

CompareOptions CompareOptionsOf(const Policy& policy) {
  CompareOptions options;
  options.min_sites = static_cast<std::size_t>(policy.judge_compared_sites);
  options.min_megabases = static_cast<std::size_t>(policy.judge_megabases);
  return options;
}

QualityResult Evaluate(const Policy& policy, const Accumulator& counts,
                       std::span<const SampleIdentity> samples, Comparison within,
                       std::vector<EarlierBatch> earlier, std::string_view file,
                       Findings& findings) {
  GF_CHECK(samples.size() == counts.rows());
  QualityResult result;
  result.policy = policy;
  std::vector<std::size_t> sample_of_row(counts.rows());
  for (std::uint32_t row = 0; row < counts.rows(); ++row) {
    sample_of_row[row] = result.samples.size();
    if (!samples[row].nobody)
      result.samples.push_back(MeasureSample(policy, counts, row, samples[row]));
  }
  // Nobody is like nobody else, so these are about samples.
  for (RelatedPair& pair : within.found) {
    pair.a = sample_of_row[pair.a];
    pair.b = sample_of_row[pair.b];
  }
  for (EarlierBatch& batch : earlier) {
    for (RelatedPair& pair : batch.comparison.found) pair.a = sample_of_row[pair.a];
  }
  result.cohort = MeasureCohort(policy, counts, result.samples);
  for (SampleQc& sample : result.samples) InferSex(policy, result.cohort.y_informative, sample);
  result.within = std::move(within);
  result.earlier = std::move(earlier);
  Judge judge(policy, file, result, findings);
  judge.Samples();
  judge.Pairs();
  judge.Cohort();
  judge.NotChecked();
  return result;
}

}  // namespace genofed::qc
