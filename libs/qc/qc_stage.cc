// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/qc_stage.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "libs/core/strings.h"

namespace genofed::qc {
namespace {

constexpr std::size_t kNoField = SIZE_MAX;
constexpr std::uint32_t kMinQuality = 20;  // of a genotype (FORMAT/GQ), as AddAlleleDepths asks for

// The n-th part of a text, or nothing.
std::string_view Part(std::string_view text, std::size_t n, char separator) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.size(), text.find(separator, at));
    if (n-- == 0) return text.substr(at, end - at);
    at = end + 1;
  }
  return {};
}

std::optional<std::uint32_t> Number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Whether the record has one alternative allele, that of "any other" in gVCFs not counted.
bool IsBiallelic(const genomics::ScannedRecord& record) {
  return std::count_if(record.alts.begin(), record.alts.end(), [](std::string_view alt) {
           return alt != "<NON_REF>" && alt != "<*>";
         }) == 1;
}

}  // namespace

const PseudoautosomalRegions& ParOf(genomics::Assembly assembly) {
  return assembly == genomics::Assembly::kGrch37 ? kParGrch37 : kParGrch38;
}

QcStage::QcStage(Accumulator& counts, genomics::Assembly assembly, QcStageOptions options)
    : counts_(counts), par_(ParOf(assembly)), options_(options) {}

Status QcStage::Begin(const genomics::VcfHeader& header,
                      std::span<const std::int32_t> column_of_row) {
  GF_CHECK(column_of_row.size() == counts_.rows());
  column_of_row_.assign(column_of_row.begin(), column_of_row.end());
  n_columns_ = header.samples.size();
  return absl::OkStatus();
}

Status QcStage::Take(const genomics::SiteCall& site) {
  if (options_.pass_only && !site.record.passed) return absl::OkStatus();
  for (const genomics::AlleleCall& allele : site.alleles) {
    const genomics::Variant& variant = allele.variant;
    const genomics::CarrierSets& sets = allele.carriers;
    const SiteFacts facts =
        DescribeSite(variant.contig, variant.pos, variant.ref, variant.alt, par_);
    counts_.AddSite(facts, {sets.het, sets.hom, sets.hemi, sets.single, sets.nocall});
    const bool snv = facts.region == Region::kDiploid && facts.kind != AlleleKind::kOther;
    if (options_.allele_depths && snv && IsBiallelic(site.record)) AddDepths(site, allele);
  }
  return absl::OkStatus();
}

void QcStage::FindFields(std::string_view format) {
  if (format == format_) return;
  format_ = format;
  depth_field_ = quality_field_ = kNoField;
  std::size_t place = 0;
  for (std::string_view key : Split(format, ':')) {
    if (key == "AD" && depth_field_ == kNoField) depth_field_ = place;
    if (key == "GQ" && quality_field_ == kNoField) quality_field_ = place;
    ++place;
  }
}

void QcStage::AddDepths(const genomics::SiteCall& site, const genomics::AlleleCall& allele) {
  const genomics::ScannedRecord& record = site.record;
  if (record.samples.empty() || record.columns.size() < 9) return;
  FindFields(record.columns[8]);
  if (depth_field_ == kNoField) return;
  tabs_.clear();
  genomics::FindTabs(record.samples, n_columns_, tabs_);
  tabs_.push_back(static_cast<std::uint32_t>(record.samples.size()));
  const auto add = [&](const std::vector<std::uint32_t>& rows, Zygosity call) {
    for (std::uint32_t row : rows) {
      const auto column = static_cast<std::size_t>(column_of_row_[row]);  // carriers have one
      const std::size_t begin = column == 0 ? 0 : tabs_[column - 1] + 1;
      AddDepths(record.samples.substr(begin, tabs_[column] - begin), row, call,
                static_cast<std::size_t>(allele.index));
    }
  };
  add(allele.carriers.het, Zygosity::kHet);
  add(allele.carriers.hom, Zygosity::kHom);
}

void QcStage::AddDepths(std::string_view sample, std::uint32_t row, Zygosity call,
                        std::size_t allele) {
  if (quality_field_ != kNoField) {
    const auto quality = Number(Part(sample, quality_field_, ':'));
    if (quality && *quality < kMinQuality) return;
  }
  const std::string_view depths = Part(sample, depth_field_, ':');
  const auto other = Number(Part(depths, 0, ','));
  const auto mine = Number(Part(depths, allele, ','));
  if (other && mine) counts_.AddAlleleDepths(row, call, *other, *mine);
}

}  // namespace genofed::qc
