// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/quality_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/qc/html.h"

namespace genofed::qc {
namespace {

using html::Fixed;
using html::Foreign;
using html::Number;
using html::Percent;

// More points make a plot heavy without making it clearer. Flagged samples are always drawn.
constexpr std::size_t kMaxPoints = 4000;
constexpr std::size_t kMaxRows = 5000;

class Section {
 public:
  Section(const QualityResult& quality, std::span<const std::string> names)
      : quality_(quality), names_(names) {}

  std::string Render() const {
    std::string out = "<h2 id=\"quality\">Quality of samples and cohort</h2>\n";
    if (quality_.samples.empty()) return out + "<p>There are no samples.</p>\n";
    out += "<p>Samples are known by their place among the samples of the file";
    out += names_.empty() ? "" : ", and by name: this page is for the holder only";
    out += ". A ring marks what the policy asks to look at.</p>\n<div class=\"plots\">\n";
    out += CallRates() + Ratios() + Spectrum() + Sexes();
    return out + "</div>\n" + Flagged() + Pairs() + Cohort() + All();
  }

 private:
  std::string Sample(std::size_t row) const {
    const std::string position = std::to_string(quality_.samples[row].position);
    return row < names_.size() ? position + " " + Foreign(names_[row]) : position;
  }

  // Rows to draw: the flagged ones, and evenly spread others.
  std::vector<std::size_t> Drawn() const {
    const std::size_t step = quality_.samples.size() / kMaxPoints + 1;
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < quality_.samples.size(); ++row) {
      if (row % step == 0 || !quality_.samples[row].flags.empty()) rows.push_back(row);
    }
    return rows;
  }

  static bool Has(const SampleQc& sample, std::string_view code) {
    return std::find(sample.flags.begin(), sample.flags.end(), code) != sample.flags.end();
  }

  std::size_t CountFlagged(std::string_view code) const {
    return static_cast<std::size_t>(
        std::count_if(quality_.samples.begin(), quality_.samples.end(),
                      [&](const SampleQc& sample) { return Has(sample, code); }));
  }

  static std::string Absent(const char* title, const char* why) {
    return fmt::format("<figure class=\"plot\"><figcaption>{}</figcaption><p>{}</p></figure>\n",
                       title, why);
  }

  std::string CallRates() const {
    std::vector<double> rates;
    for (const SampleQc& sample : quality_.samples) {
      if (sample.call_rate) rates.push_back(*sample.call_rate);
    }
    if (rates.empty()) return Absent("Call rate", "Too few sites to judge.");
    const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
    return plot::Bars({"call-rate", "Call rate of samples",
                       fmt::format("Histogram of {} samples, from {:.4f} to {:.4f}; {} below the "
                                   "policy's bound.",
                                   rates.size(), *least, *most, CountFlagged("SAMPLE_CALL_RATE")),
                       "call rate, from", "samples"},
                      plot::Bin(rates, 20, quality_.policy.call_rate.min.value_or(0)));
  }

  std::string Ratios() const {
    std::vector<plot::Point> points;
    bool any_flagged = false;
    for (std::size_t row : Drawn()) {
      const SampleQc& sample = quality_.samples[row];
      if (!sample.titv || !sample.het_hom) continue;
      const bool flagged = Has(sample, "SAMPLE_TITV") || Has(sample, "SAMPLE_HET_HOM") ||
                           Has(sample, "SAMPLE_OUTLIER") || Has(sample, "SAMPLE_CONTAMINATION");
      any_flagged = any_flagged || flagged;
      points.push_back({*sample.titv, *sample.het_hom, plot::Shape::kCircle, flagged,
                        fmt::format("sample {}: Ti/Tv {:.3f}, het/hom {:.3f}", sample.position,
                                    *sample.titv, *sample.het_hom)});
    }
    if (points.empty()) return Absent("Ti/Tv and het/hom", "Too few SNVs to judge.");
    const Rule& titv = quality_.policy.titv;
    const Rule& het_hom = quality_.policy.het_hom;
    std::vector<plot::Key> keys = {{plot::Shape::kCircle, false, "sample"}};
    if (any_flagged)
      keys.push_back({plot::Shape::kCircle, true, "out of bounds or far from the others"});
    return plot::Scatter(
        {"ratios", "Ti/Tv and het/hom of samples",
         fmt::format("Scatter plot of {} samples; the table below has all numbers.", points.size()),
         "transitions / transversions", "heterozygous / homozygous"},
        points, keys, {titv.min, titv.max, het_hom.min, het_hom.max});
  }

  std::string Spectrum() const {
    std::vector<plot::Bar> bars;
    for (std::size_t bin = 0; bin < quality_.cohort.spectrum.size(); ++bin) {
      if (bin == 0 && quality_.cohort.spectrum[0] == 0) continue;
      bars.push_back({SpectrumLabel(bin), quality_.cohort.spectrum[bin], false});
    }
    return plot::Bars(
        {"spectrum", "Allele frequencies",
         fmt::format("{} allele sites by the frequency of the alternative allele; the "
                     "table below has all numbers.",
                     quality_.cohort.sites),
         "frequency of the alternative allele", "allele sites"},
        bars);
  }

  std::string Sexes() const {
    std::vector<plot::Point> points;
    bool any_flagged = false;
    for (std::size_t row : Drawn()) {
      const SampleQc& sample = quality_.samples[row];
      if (!sample.x_het) continue;
      const bool flagged =
          sample.sex_check == SexCheck::kMismatch || sample.sex_check == SexCheck::kUndetermined;
      any_flagged = any_flagged || flagged;
      const double y = quality_.cohort.y_informative ? *sample.y_call_rate
                                                     : static_cast<double>(sample.declared);
      points.push_back({*sample.x_het, y, ShapeOf(sample.declared), flagged,
                        fmt::format("sample {}: declared {}, X {:.3f}", sample.position,
                                    SexName(sample.declared), *sample.x_het)});
    }
    if (points.empty()) return Absent("Sex", "Too few variants on X to compare the sex.");
    std::vector<plot::Key> keys = {{plot::Shape::kCircle, false, "declared female"},
                                   {plot::Shape::kSquare, false, "declared male"},
                                   {plot::Shape::kTriangle, false, "not declared"}};
    if (any_flagged) keys.push_back({plot::Shape::kCircle, true, "mismatch or unclear"});
    const bool with_y = quality_.cohort.y_informative;
    return plot::Scatter(
        {"sex", with_y ? "Sex: X and Y chromosomes" : "Sex: X chromosome and declared sex",
         fmt::format("{} samples; {} do not match the declared sex, {} are unclear.", points.size(),
                     CountFlagged("SEX_MISMATCH"), CountFlagged("SEX_UNDETERMINED")),
         "heterozygous share on X", with_y ? "call rate on Y" : ""},
        points, keys, {},
        with_y ? std::vector<std::string>()
               : std::vector<std::string>{"unknown", "female", "male"});
  }

  static plot::Shape ShapeOf(Sex sex) {
    return sex == Sex::kFemale ? plot::Shape::kCircle
           : sex == Sex::kMale ? plot::Shape::kSquare
                               : plot::Shape::kTriangle;
  }

  static html::Table SampleTable(std::string_view caption) {
    return html::Table(
        caption, "rrrrrrrrrrllrl",
        {"Sample", "Call rate", "SNVs", "Other", "Ti/Tv", "Het/hom", "Singletons", "Missing",
         "X het", "Y call rate", "Declared", "Inferred", "CHARR", "To look at"});
  }

  std::vector<std::string> Cells(std::size_t row) const {
    const SampleQc& sample = quality_.samples[row];
    std::string flags;
    for (const std::string& flag : sample.flags) flags += "<code>" + Foreign(flag) + "</code> ";
    const auto sex = [](Sex value) {
      return value == Sex::kFemale ? "female" : value == Sex::kMale ? "male" : "–";
    };
    return {Sample(row),
            Percent(sample.call_rate, 2),
            Number(sample.snvs),
            Number(sample.indels),
            Fixed(sample.titv, 3),
            Fixed(sample.het_hom, 3),
            Number(sample.singletons),
            Number(sample.missing),
            Fixed(sample.x_het, 3),
            Percent(sample.y_call_rate, 1),
            sex(sample.declared),
            sex(sample.inferred),
            Percent(sample.charr, 2),
            flags};
  }

  std::string Flagged() const {
    html::Table table = SampleTable("Samples with the rules they break");
    std::size_t count = 0;
    for (std::size_t row = 0; row < quality_.samples.size() && count < kMaxRows; ++row) {
      if (quality_.samples[row].flags.empty()) continue;
      table.Row(Cells(row));
      ++count;
    }
    if (count == 0) return "<h3>Samples to look at</h3>\n<p>None.</p>\n";
    return "<h3>Samples to look at</h3>\n" + table.Shown();
  }

  std::string All() const {
    html::Table table = SampleTable("Each sample of the batch");
    const std::size_t shown = std::min(quality_.samples.size(), kMaxRows);
    for (std::size_t row = 0; row < shown; ++row) table.Row(Cells(row));
    std::string out = "<h3>All samples</h3>\n";
    if (shown < quality_.samples.size()) {
      out += fmt::format("<p>The first {} of {}; the JSON report lists all.</p>\n", Number(shown),
                         Number(quality_.samples.size()));
    }
    return out + table.Folded(fmt::format("{} samples", Number(shown)));
  }

  std::string Pairs() const {
    std::string out = "<h3>The same person twice, and relatives</h3>\n";
    out += Compared(quality_.within, "this batch");
    for (const EarlierBatch& batch : quality_.earlier) {
      out += Compared(batch.comparison, "batch " + Foreign(batch.name));
    }
    html::Table table("Pairs, closest first (KING-robust kinship: 0.5 the same, 0.25 first degree)",
                      "rlrrrl",
                      {"Sample", "With", "Kinship", "Same genotype", "Sites", "Relation"});
    std::size_t rows = 0;
    for (const RelatedPair& pair : quality_.within.found) {
      if (rows++ < kMaxRows) table.Row(PairCells(pair, "sample " + Sample(pair.b)));
    }
    for (const EarlierBatch& batch : quality_.earlier) {
      for (const RelatedPair& pair : batch.comparison.found) {
        if (rows++ < kMaxRows) {
          table.Row(
              PairCells(pair, fmt::format("row {} of batch {}", pair.b + 1, Foreign(batch.name))));
        }
      }
    }
    return rows == 0 ? out : out + table.Shown();
  }

  std::vector<std::string> PairCells(const RelatedPair& pair, const std::string& with) const {
    static constexpr const char* kWords[] = {
        "", "<span class=\"tag note\">second degree</span>",
        "<span class=\"tag note\">first degree</span>",
        "<span class=\"tag warning\">same person or twins</span>"};
    return {Sample(pair.a),         with,
            Fixed(pair.kinship, 3), Percent(pair.concordance, 1),
            Number(pair.sites),     kWords[static_cast<std::size_t>(pair.relation)]};
  }

  static std::string Compared(const Comparison& comparison, const std::string& with) {
    if (comparison.pairs == 0) return "";
    if (!comparison.enough_sites) {
      return fmt::format(
          "<p>People were not compared with {}: {} common variants are too few.</p>\n", with,
          comparison.sites);
    }
    return fmt::format(
        "<p>Compared with {}: {} of {} pairs, at {} common variants in {} different megabases. "
        "{}{}{}"
        "</p>\n",
        with, Number(comparison.compared), Number(comparison.pairs), Number(comparison.sites),
        Number(comparison.megabases),
        comparison.found.empty() ? "None of them is listed as the same person or a relative." : "",
        comparison.relatives ? "" : " Only duplicates were looked for, not relatives.",
        comparison.complete ? ""
                            : " Some duplicates may be missing: there were too many candidates.");
  }

  std::string Cohort() const {
    const CohortQc& cohort = quality_.cohort;
    html::Table figures("The cohort", "lr", {"Figure", "Value"});
    figures.Row({"People", Number(cohort.people)});
    figures.Row({"Allele sites", Number(cohort.sites)});
    figures.Row({"SNVs", Number(cohort.snv_sites)});
    figures.Row({"Other alleles", Number(cohort.indel_sites)});
    figures.Row({"Sites on X outside the pseudoautosomal regions", Number(cohort.x_sites)});
    figures.Row({"Sites on Y outside the pseudoautosomal regions", Number(cohort.y_sites)});
    figures.Row({"Genotypes called", Percent(cohort.call_rate, 3)});
    figures.Row({"Ti/Tv of the sites", Fixed(cohort.titv, 3)});
    figures.Row({"Sites tested for Hardy-Weinberg equilibrium", Number(cohort.hwe_tested)});
    figures.Row({"… with too many heterozygotes (exact P &lt; 10<sup>−6</sup>)",
                 Number(cohort.hwe_too_many_hets)});
    figures.Row({"… with too few heterozygotes (exact P &lt; 10<sup>−6</sup>)",
                 Number(cohort.hwe_too_few_hets)});
    html::Table spectrum("Allele sites by frequency of the alternative allele", "lr",
                         {"Frequency", "Allele sites"});
    for (std::size_t bin = 0; bin < cohort.spectrum.size(); ++bin) {
      spectrum.Row({SpectrumLabel(bin), Number(cohort.spectrum[bin])});
    }
    return "<h3>Figures of the cohort</h3>\n<div class=\"plots\"><div>" + figures.Shown() +
           "</div><div>" + spectrum.Shown() + "</div></div>\n";
  }

  const QualityResult& quality_;
  std::span<const std::string> names_;
};

}  // namespace

std::string QualitySection(const QualityResult& quality, std::span<const std::string> names) {
  return Section(quality, names).Render();
}

}  // namespace genofed::qc
