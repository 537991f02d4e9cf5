// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/build_segment.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <system_error>

#include "libs/core/file.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/index_manifest.h"
#include "libs/genomics/segment_join.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxManifest = 256U << 20;

Result<std::string> DigestOf(const SegmentInput& input) {
  if (!input.sha256.empty()) return input.sha256;
  std::ifstream in(input.path, std::ios::binary);
  if (!in)
    return Error(StatusCode::kNotFound, "READ_FAILED", "cannot open {}",
                 input.path.filename().string());
  Sha256Stream digest;
  std::vector<char> buffer(1U << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), in.gcount() > 0)
    digest.Add({buffer.data(), static_cast<std::size_t>(in.gcount())});
  return digest.FinishHex();
}

// Everything that the segment's bytes depend on.
Result<std::string> SourceKey(const IndexInfo& info, std::span<const SegmentInput> inputs,
                              const SegmentOptions& options) {
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {}\n", kTileFormatVersion, info.dataset, info.version,
                  AssemblyName(info.assembly), info.n_people, info.batch_size,
                  options.pass.reference != nullptr, options.pass.judge_values,
                  options.index.pass_only, options.absent == AbsentSite::kIsReference);
  for (const SegmentInput& input : inputs) {
    GF_ASSIGN(std::string digest, DigestOf(input));
    text += digest + "\n";
    for (const auto& [sample, row] : input.rows) text += fmt::format("{}\t{}\n", sample, row);
  }
  return Sha256Hex(text);
}

// The segment that is there already, if it is of this key and all its files have their sizes.
std::optional<BuildSummary> FindSegment(const fs::path& dir, const std::string& key) {
  auto manifest = ReadFile(dir / kManifestFile, kMaxManifest);
  if (!manifest.ok()) return std::nullopt;
  auto parsed = ParseManifest(*manifest);
  if (!parsed.ok() || parsed->source_key != key) return std::nullopt;
  BuildSummary summary;
  std::map<std::string, std::uint64_t> sizes;
  for (const TileEntry& tile : parsed->tiles) {
    sizes[tile.FileName()] = tile.offset + tile.size;
    summary.sites += tile.batch == 0 ? tile.n_sites : 0;
    summary.bytes += tile.size;
    ++summary.tiles;
  }
  for (const auto& [name, size] : sizes) {
    std::error_code error;
    if (fs::file_size(dir / name, error) != size || error) return std::nullopt;
  }
  summary.manifest_sha256 = Sha256Hex(*manifest);
  return summary;
}

Status CheckRows(const IndexInfo& info, std::span<const SegmentInput> inputs) {
  if (inputs.empty())
    return Error(StatusCode::kInvalidArgument, "INPUT_INVALID", "a segment needs a file");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::set<std::uint32_t> rows;
    for (const auto& [sample, row] : inputs[i].rows) {
      if (row >= info.n_people || !rows.insert(row).second)
        return InvalidField(fmt::format("inputs[{}].rows", i), "ROW_INVALID",
                            "a row is twice in a file, or not below {}", info.n_people);
    }
    if (rows.empty())
      return InvalidField(fmt::format("inputs[{}].rows", i), "ROW_INVALID",
                          "nothing is taken from the file");
  }
  return absl::OkStatus();
}

std::set<std::uint32_t> RowsOf(const SegmentInput& input) {
  std::set<std::uint32_t> rows;
  for (const auto& [sample, row] : input.rows) rows.insert(row);
  return rows;
}

void Add(const PassReport& part, PassReport& sum) {
  sum.records += part.records;
  sum.skipped_alleles += part.skipped_alleles;
  sum.reference_blocks += part.reference_blocks;
  sum.left_out += part.left_out;
  for (const auto& [code, count] : part.set_aside) sum.set_aside[code] += count;
}

Status ReadOneAfterTheOther(std::span<const SegmentInput> inputs, const SegmentOptions& options,
                            SegmentBuilder& builder, std::span<SiteConsumer* const> stages,
                            SegmentReport& report) {
  IndexStage index(builder, options.index);
  std::vector<SiteConsumer*> all = {&index};
  all.insert(all.end(), stages.begin(), stages.end());
  for (const SegmentInput& input : inputs) {
    // No sample has an empty name: rows that the file lacks are missing in it.
    std::vector<std::string> names(builder.info().n_people);
    for (const auto& [sample, row] : input.rows) names[row] = sample;
    std::vector<SiteConsumer*> own = all;
    own.insert(own.end(), input.stages.begin(), input.stages.end());
    GF_ASSIGN(PassReport pass, RunPass(input.path, names, options.pass, own));
    Add(pass, report.pass);
  }
  report.filtered = index.filtered();
  return absl::OkStatus();
}

Status Join(std::span<const SegmentInput> inputs, const SegmentOptions& options,
            const fs::path& scratch, SegmentBuilder& builder, std::span<SiteConsumer* const> stages,
            SegmentReport& report) {
  for (const SiteConsumer* stage : stages) {
    if (stage->NeedsText())
      return Error(StatusCode::kFailedPrecondition, "STAGE_NEEDS_ONE_FILE",
                   "records of files that are joined have no text in common");
  }
  GF_ASSIGN(auto spill, Spill::Create(scratch));
  // Rows that no file has are called nowhere.
  JoinDefaults defaults{options.absent, std::vector<bool>(builder.info().n_people, true)};
  std::vector<bool> seen(builder.info().n_people);
  for (const SegmentInput& input : inputs) {
    std::map<std::uint32_t, std::string> by_row;
    for (const auto& [sample, row] : input.rows) by_row.emplace(row, sample);
    std::vector<std::string> names;
    std::vector<std::uint32_t> rows;
    for (const auto& [row, sample] : by_row) {
      names.push_back(sample);
      rows.push_back(row);
    }
    SpillStage stage(*spill, rows, options.index);
    std::vector<SiteConsumer*> own = {&stage};
    own.insert(own.end(), input.stages.begin(), input.stages.end());
    GF_ASSIGN(PassReport pass, RunPass(input.path, names, options.pass, own));
    GF_TRY(stage.Finish());
    Add(pass, report.pass);
    report.filtered += stage.filtered();
    for (std::uint32_t row : rows) {
      defaults.has_blocks[row] = stage.has_blocks() || (seen[row] && defaults.has_blocks[row]);
      seen[row] = true;
    }
  }
  GF_TRY(JoinSpill(*spill, defaults, builder, stages));
  report.has_blocks = defaults.has_blocks;
  auto plain = static_cast<std::int64_t>(
      std::count(defaults.has_blocks.begin(), defaults.has_blocks.end(), false));
  if (plain > 0) {
    bool reference = options.absent == AbsentSite::kIsReference;
    report.findings.push_back(
        {Severity::kNote, reference ? "ABSENT_IS_REFERENCE" : "ABSENT_IS_NOT_CALLED", "variants", 0,
         "",
         reference ? "people whose files have no reference blocks were taken to be like the "
                     "reference wherever their file lists no variant; on Y as not called"
                   : "people whose files have no reference blocks were taken as not called "
                     "wherever their file lists no variant",
         plain});
  }
  return absl::OkStatus();
}

Status MoveIntoPlace(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    bool taken = fs::exists(to);
    return Error(taken ? StatusCode::kAlreadyExists : StatusCode::kInternal,
                 taken ? "INDEX_EXISTS" : "FILE_FAILED", "cannot put the index into its place");
  }
  fs::path parent = to.has_parent_path() ? to.parent_path() : ".";
  if (int fd = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
  return absl::OkStatus();
}

}  // namespace

bool NeedsJoin(std::span<const SegmentInput> inputs) {
  if (inputs.empty()) return false;
  const std::set<std::uint32_t> first = RowsOf(inputs.front());
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const SegmentInput& input) { return RowsOf(input) != first; });
}

Result<SegmentReport> BuildSegment(const fs::path& dir, IndexInfo info,
                                   std::span<const SegmentInput> inputs,
                                   const SegmentOptions& options,
                                   std::span<SiteConsumer* const> stages) {
  GF_TRY(CheckRows(info, inputs));
  GF_ASSIGN(std::string key, SourceKey(info, inputs, options));
  SegmentReport report;
  if (auto there = FindSegment(dir, key)) {
    report.build = *there;
    report.reused = true;
    return report;
  }
  fs::path partial = dir;
  partial += ".partial";
  fs::path scratch = dir;
  scratch += ".spill";
  std::error_code ignored;
  fs::remove_all(partial, ignored);  // of an attempt that was interrupted
  fs::remove(scratch, ignored);
  report.joined = NeedsJoin(inputs);
  GF_ASSIGN(auto builder, SegmentBuilder::Create(partial, info, key));
  Status status = report.joined ? Join(inputs, options, scratch, *builder, stages, report)
                                : ReadOneAfterTheOther(inputs, options, *builder, stages, report);
  if (status.ok()) {
    auto summary = builder->Finish();
    status = summary.ok() ? MoveIntoPlace(partial, dir) : summary.status();
    if (summary.ok()) report.build = *summary;
  }
  if (!status.ok()) {
    fs::remove_all(partial, ignored);
    return status;
  }
  if (report.pass.reference_blocks > 0) {
    report.findings.push_back(
        {Severity::kNote, "REFERENCE_BLOCKS_KEPT", "variants", 0, "",
         "reference blocks were kept as call coverage: they tell who was called, not a variant",
         static_cast<std::int64_t>(report.pass.reference_blocks)});
  }
  return report;
}

}  // namespace genofed::genomics
