// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/read_genotypes.h"

#include <algorithm>
#include <memory>

#include "libs/genomics/build_segment.h"
#include "libs/genomics/merge_vcf.h"
#include "libs/genomics/subset.h"
#include "libs/qc/qc_stage.h"

namespace genofed::onboarding {
namespace {

namespace fs = std::filesystem;

// Ends the pass when the work was taken away or the service stops.
class Watch final : public genomics::SiteConsumer {
 public:
  explicit Watch(const Context& ctx) : ctx_(ctx) {}
  Status Take(const genomics::SiteCall&) override {
    return ++sites_ % 4096 == 0 ? ctx_.Alive() : absl::OkStatus();
  }

 private:
  const Context& ctx_;
  std::uint64_t sites_ = 0;
};

// A file with its people under their pseudonyms, if it is not the only one.
struct Part {
  fs::path path;
  std::unique_ptr<genomics::SubsetStage> stage;
};

// Pseudonyms of the people of a file that is joined with others, by row.
std::vector<std::string> NamesOf(const VariantInput& file, const CohortRows& rows) {
  std::map<std::uint32_t, std::string> by_row;
  for (const auto& [sample, row] : file.rows) by_row.emplace(row, rows.pseudonyms[row]);
  std::vector<std::string> names;
  for (auto& [row, name] : by_row) names.push_back(std::move(name));
  return names;
}

std::vector<genomics::SegmentInput> InputsOf(const CohortRows& rows) {
  std::vector<genomics::SegmentInput> inputs;
  for (const VariantInput& file : rows.variants) {
    if (file.rows.empty()) continue;
    genomics::SegmentInput input;
    input.path = file.path;
    input.rows = file.rows;
    input.sha256 = file.sha256;
    inputs.push_back(std::move(input));
  }
  return inputs;
}

genomics::IndexInfo InfoOf(const GenotypesRequest& request) {
  genomics::IndexInfo info;
  info.dataset = request.dataset;
  info.version = std::to_string(request.version);
  info.assembly = request.assembly;
  info.n_people = static_cast<std::uint32_t>(request.rows.size());
  return info;
}

// The files were judged already, so values that no stage reads are not looked at again.
genomics::SegmentOptions OptionsOf(const GenotypesRequest& request) {
  genomics::SegmentOptions options;
  options.pass.reference = request.reference;
  options.pass.judge_values = false;
  return options;
}

// What the index says of people whose file has no record: called by a reference block, or by
// AbsentSite::kIsReference. Positions come in ascending order.
class AbsentPeople {
 public:
  static Result<std::unique_ptr<AbsentPeople>> Open(const fs::path& index,
                                                    std::vector<bool> has_blocks) {
    auto people = std::make_unique<AbsentPeople>();
    GF_ASSIGN(people->index_, genomics::CohortIndex::Open(index));
    people->runs_.resize(has_blocks.size());
    people->has_blocks_ = std::move(has_blocks);
    return people;
  }

  std::string_view Genotype(std::size_t row, std::string_view contig, std::int64_t pos) {
    if (contig != contig_ || pos / kMegabase != megabase_) Enter(contig, pos / kMegabase);
    if (!has_blocks_.at(row)) return normal_ == "Y" ? "./." : normal_ == "MT" ? "0" : "0/0";
    auto& [runs, next] = runs_[row];
    while (next < runs.size() && runs[next].end <= pos) ++next;
    if (next == runs.size() || pos < runs[next].begin) return "./.";
    return runs[next].haploid ? "0" : "0/0";
  }

 private:
  static constexpr std::int64_t kMegabase = 1'000'000;
  struct Runs {
    std::vector<genomics::CalledRun> runs;
    std::size_t next = 0;
  };

  void Enter(std::string_view contig, std::int64_t megabase) {
    contig_ = contig;
    megabase_ = megabase;
    normal_ = genomics::NormaliseContig(contig).value_or(std::string(contig));
    std::fill(runs_.begin(), runs_.end(), Runs());
    for (const genomics::CalledRun& run : index_->CalledRunsAround(normal_, megabase * kMegabase)) {
      runs_[run.row].runs.push_back(run);
    }
  }

  std::unique_ptr<genomics::CohortIndex> index_;
  std::vector<bool> has_blocks_;
  std::string contig_, normal_;
  std::int64_t megabase_ = -1;
  std::vector<Runs> runs_;  // of this megabase, by row
};

// While files are joined nobody sees their text, and what a depth says depends on everybody's
// genotypes. So depths are read from the merged file.
Status CountDepths(const Context& ctx, const GenotypesRequest& request, const fs::path& merged,
                   qc::Accumulator& counts) {
  qc::Accumulator depths(counts.rows());
  qc::QcStage quality(depths, request.assembly, {.allele_depths = true});
  Watch watch(ctx);
  genomics::SiteConsumer* const stages[] = {&quality, &watch};
  genomics::PassOptions options;
  options.judge_values = false;
  GF_TRY(genomics::RunPass(merged, request.rows.pseudonyms, options, stages));
  counts.TakeDepths(std::move(depths));
  return absl::OkStatus();
}

}  // namespace

Result<GenotypesResult> ReadGenotypes(const Context& ctx, const GenotypesRequest& request,
                                      const GenotypesOutput& out) {
  std::vector<genomics::SegmentInput> inputs = InputsOf(request.rows);
  GF_CHECK(!inputs.empty());
  const bool one = inputs.size() == 1, joined = genomics::NeedsJoin(inputs);
  std::vector<Part> parts;
  for (const VariantInput& file : request.rows.variants) {
    if (file.rows.empty()) continue;
    Part part{
        one ? out.vcf : fs::path(fmt::format("{}.part-{}.vcf.gz", out.vcf.string(), parts.size())),
        nullptr};
    part.stage = genomics::SubsetStage::ToFile(
        joined ? NamesOf(file, request.rows) : request.rows.pseudonyms, part.path);
    parts.push_back(std::move(part));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) inputs[i].stages.push_back(parts[i].stage.get());

  GenotypesResult result{
      "", 0, qc::Accumulator(static_cast<std::uint32_t>(request.rows.size())), {}};
  qc::QcStage quality(result.counts, request.assembly, {.allele_depths = one});
  Watch watch(ctx);
  genomics::SiteConsumer* const stages[] = {&quality, &watch};
  GF_ASSIGN(genomics::SegmentReport report,
            genomics::BuildSegment(out.index, InfoOf(request), inputs, OptionsOf(request), stages));
  for (Part& part : parts) GF_TRY(part.stage->Finish());
  result.manifest_sha256 = report.build.manifest_sha256;
  result.sites = static_cast<std::int64_t>(report.build.sites);
  result.findings = std::move(report.findings);
  if (one) return result;

  report.has_blocks.resize(request.rows.size());
  GF_ASSIGN(auto absent, AbsentPeople::Open(out.index, std::move(report.has_blocks)));
  std::vector<fs::path> paths;
  for (const Part& part : parts) paths.push_back(part.path);
  genomics::MergeOptions merge;
  std::vector<std::size_t> row_of;  // of a sample
  for (std::size_t row = 0; row < request.rows.size(); ++row) {
    if (request.rows.pseudonyms[row].empty()) continue;  // nobody's
    merge.samples.push_back(request.rows.pseudonyms[row]);
    row_of.push_back(row);
  }
  merge.absent = [&](std::size_t sample, std::string_view contig, std::int64_t pos) {
    return absent->Genotype(row_of[sample], contig, pos);
  };
  GF_TRY(genomics::MergeVcf(paths, out.vcf, merge));
  GF_TRY(CountDepths(ctx, request, out.vcf, result.counts));
  return result;
}

Result<qc::Accumulator> CountGenotypes(const Context& ctx, const GenotypesRequest& request,
                                       const GenotypesOutput& scratch) {
  const std::vector<genomics::SegmentInput> inputs = InputsOf(request.rows);
  if (inputs.size() > 1) {
    GF_ASSIGN(GenotypesResult all, ReadGenotypes(ctx, request, scratch));
    return std::move(all.counts);
  }
  qc::Accumulator counts(static_cast<std::uint32_t>(request.rows.size()));
  qc::QcStage quality(counts, request.assembly, {.allele_depths = true});
  Watch watch(ctx);
  genomics::SiteConsumer* const stages[] = {&quality, &watch};
  GF_TRY(
      genomics::BuildSegment(scratch.index, InfoOf(request), inputs, OptionsOf(request), stages));
  return counts;
}

}  // namespace genofed::onboarding
