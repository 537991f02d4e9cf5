// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_cohort_opener.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <system_error>

#include "libs/cohort/compact.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::discovery {
namespace {

// A link inside the data directory must not lead out of it.
Result<std::filesystem::path> Below(const std::filesystem::path& data_dir,
                                    const std::string& relative) {
  auto refused = [] {
    return InvalidField("index_path", "PATH_INVALID",
                        "must be a path below the site's data directory");
  };
  if (!IsPathBelow(relative)) return refused();
  std::error_code error;
  auto root = std::filesystem::weakly_canonical(data_dir, error);
  if (error) return refused();
  auto path = std::filesystem::weakly_canonical(root / relative, error);
  if (error) return refused();
  auto inside = path.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..") return refused();
  return path;
}

Result<std::string> HashFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return Error(StatusCode::kNotFound, "INDIVIDUALS_MISSING",
                 "the file of individuals cannot be read");
  crypto::Sha256Stream hash;
  std::string block(1U << 20, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    hash.Update(std::string_view(block.data(), static_cast<std::size_t>(in.gcount())));
  }
  return HexEncode(hash.Finish());
}

// A segment was made for this version, or for one that it goes on from.
Status CheckIsOf(const cohort::SegmentInfo& info, const Publication& publication) {
  auto version = ParseInt(info.version);
  if (info.dataset == publication.dataset && version.ok() && *version <= publication.version &&
      genomics::AssemblyName(info.assembly) == publication.assembly) {
    return absl::OkStatus();
  }
  return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
               "the index is of another dataset version");
}

Result<std::vector<genomics::Individual>> OpenIndividuals(const std::filesystem::path& data_dir,
                                                          const Publication& publication) {
  if (publication.individuals_path.empty()) return std::vector<genomics::Individual>();
  GF_ASSIGN(auto path, Below(data_dir, publication.individuals_path));
  GF_ASSIGN(std::string hash, HashFile(path));
  if (hash != publication.individuals_sha256) {
    return Error(StatusCode::kDataLoss, "INDIVIDUALS_CORRUPT",
                 "the file of individuals has another SHA-256");
  }
  return genomics::ReadIndividuals(path);
}

std::uint64_t BytesOf(const cohort::Segment& segment) {
  std::uint64_t bytes = 0;
  for (const auto& tile : segment.manifest().tiles) bytes += tile.digests.size;
  return bytes;
}

// Of a dataset, what may stay in memory: the rest is read by ranges (libs/cohort/tile.h).
std::uint64_t MemoryForOneDataset() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) / 4 : 0;
}

}  // namespace

Result<FileCohortOpener::Segments> FileCohortOpener::OpenSegments(
    const Publication& publication) const {
  Segments segments;
  std::uint64_t bytes = 0;
  for (const Segment& segment : publication.segments) {
    GF_ASSIGN(auto directory, Below(data_dir_, segment.index_path));
    GF_ASSIGN(auto opened, cohort::Segment::Open(directory, cohort::Residence::kRead,
                                                 segment.manifest_sha256));
    GF_TRY(CheckIsOf(opened->info(), publication));
    // Queries trust its rows.
    GF_TRY(opened->Verify());
    bytes += BytesOf(*opened);
    if (bytes <= MemoryForOneDataset()) {
      GF_ASSIGN(opened, cohort::Segment::Open(directory, cohort::Residence::kMapped,
                                              segment.manifest_sha256));
    }
    segments.push_back(std::move(opened));
  }
  return segments;
}

Result<std::unique_ptr<cohort::Segment>> FileCohortOpener::MergeRun(const Publication& publication,
                                                                    const Segments& segments,
                                                                    std::size_t begin,
                                                                    std::size_t end) const {
  crypto::Sha256Stream name;
  std::vector<cohort::CompactInput> inputs;
  std::uint32_t people = 0;
  for (std::size_t i = begin; i < end; ++i) {
    name.Update(publication.segments[i].manifest_sha256 + "\n");
    inputs.emplace_back(segments[i].get());
    people += segments[i]->n_people();
  }
  const auto directory = merged_ / HexEncode(name.Finish());
  if (auto known = cohort::Segment::Open(directory); known.ok() && (*known)->Verify().ok())
    return known;
  // Whole or not at all; what an earlier attempt left, or what was damaged, is made anew.
  const std::filesystem::path partial = directory.string() + ".partial";
  std::error_code error;
  for (const auto& path : {directory, partial}) {
    std::filesystem::remove_all(path, error);
    if (error) break;
  }
  if (!error) std::filesystem::create_directories(merged_, error);
  if (error) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write merged segments");
  GF_TRY(cohort::Compact(Context::Background(), inputs, genomics::Bitmap(people, true), nullptr, "",
                         partial));
  std::filesystem::rename(partial, directory, error);
  if (error) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write merged segments");
  GF_LOG(Context::Background(), info, "discovery.segments_merged",
         {"dataset", publication.dataset}, {"segments", inputs.size()}, {"people", people});
  return cohort::Segment::Open(directory);
}

Result<FileCohortOpener::Segments> FileCohortOpener::Merge(const Publication& publication,
                                                           Segments segments) const {
  const std::string frequencies = segments.front()->info().frequencies;
  const bool one_table = std::all_of(segments.begin(), segments.end(), [&](const auto& segment) {
    return segment->info().frequencies == frequencies;
  });
  if (one_table && segments.size() <= cohort::kMaxSegments) return segments;
  Segments merged;
  for (std::size_t begin = 0; begin < segments.size();) {
    const std::size_t rest = segments.size() - begin;
    const std::size_t end = begin + (one_table ? std::bit_floor(rest) : rest);
    if (end - begin == 1) {
      merged.push_back(std::move(segments[begin]));
    } else {
      GF_ASSIGN(auto run, MergeRun(publication, segments, begin, end));
      merged.push_back(std::move(run));
    }
    begin = end;
  }
  return merged;
}

Result<std::shared_ptr<const Cohort>> FileCohortOpener::Open(const Publication& publication) {
  GF_ASSIGN(Segments segments, OpenSegments(publication));
  std::vector<std::uint32_t> batches;
  for (const auto& segment : segments) batches.push_back(segment->n_people());
  GF_ASSIGN(segments, Merge(publication, std::move(segments)));
  GF_ASSIGN(auto genotypes, cohort::Cohort::Create(std::move(segments)));
  GF_ASSIGN(auto individuals, OpenIndividuals(data_dir_, publication));
  if (!publication.individuals_path.empty() && individuals.size() != genotypes->n_people()) {
    return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
                 "index and individuals differ in their rows");
  }
  return std::make_shared<const Cohort>(publication.dataset, publication.version,
                                        std::move(genotypes), individuals, std::move(batches));
}

}  // namespace genofed::discovery
