// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_cohort_opener.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <fstream>
#include <set>
#include <system_error>

#include "libs/cohort/compact.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::discovery {
namespace {

constexpr std::chrono::minutes kSweepAge{10};

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

// An index was made for this version, or for one that it goes on from.
Status CheckIsOf(const genomics::IndexInfo& info, const Publication& publication) {
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

// Indices of a version that was taken out of use are gone; the directory that they lay in is not.
Status CheckMounted(const std::filesystem::path& data_dir, const Publication& publication) {
  for (const auto& segment : publication.segments) {
    const auto first = *std::filesystem::path(segment.index_path).begin();
    std::error_code error;
    if (std::filesystem::exists(data_dir / first, error)) continue;
    return Error(StatusCode::kUnavailable, "DATA_DIR_MISSING", "the data directory has no {}",
                 first.string());
  }
  return absl::OkStatus();
}

// Of a dataset, what may stay in memory: the rest is read by ranges (libs/cohort/tile.h).
std::uint64_t MemoryForOneDataset() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0
             ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) / 4
             : 0;
}

// Whether nothing of it was written in the last ten minutes. What another replica is making grows
// all the time.
bool IsLeft(const std::filesystem::path& directory) {
  std::error_code error, ignored;
  auto newest = std::filesystem::last_write_time(directory, error);
  for (const auto& file : std::filesystem::directory_iterator(directory, ignored))
    newest = std::max(newest, file.last_write_time(ignored));
  return !error && newest <= std::filesystem::file_time_type::clock::now() - kSweepAge;
}

Status WriteFailed() {
  return Error(StatusCode::kUnavailable, "FILE_FAILED", "cannot write segments");
}

}  // namespace

Result<AnnotationTable> AnnotationTable::Find(std::filesystem::path path) {
  AnnotationTable table{std::move(path), ""};
  if (table.path.empty()) return table;
  auto sha256 = HashFile(table.path);
  if (!sha256.ok())
    return Error(StatusCode::kNotFound, "FILE_FAILED", "{} cannot be read", table.path.string());
  table.sha256 = *std::move(sha256);
  return table;
}

Result<std::filesystem::path> SegmentsDirectory(const std::filesystem::path& data_dir,
                                                const cohort::Shard& shard, bool stored) {
  const bool own = shard.divided() && stored;
  const std::string division = fmt::format("-of-{}", shard.of);
  const auto directory = data_dir / (own ? fmt::format("segments-{}{}", shard.number + 1, division)
                                         : std::string("segments"));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(data_dir, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.path() == directory || (name != "segments" && !name.starts_with("segments-")) ||
        (own && name.ends_with(division)))
      continue;
    std::filesystem::remove_all(entry.path(), error);
    if (error) return WriteFailed();
  }
  return directory;
}

Result<std::vector<FileCohortOpener::Batch>> FileCohortOpener::FindBatches(
    const Publication& publication) const {
  std::vector<Batch> batches;
  for (const Segment& segment : publication.segments) {
    GF_ASSIGN(auto directory, Below(data_dir_, segment.index_path));
    GF_ASSIGN(const auto info, genomics::CohortIndex::ReadInfo(directory, segment.manifest_sha256));
    GF_TRY(CheckIsOf(info, publication));
    batches.push_back({std::move(directory), segment.manifest_sha256, info.n_people});
  }
  return batches;
}

Status FileCohortOpener::Derive(std::span<const Batch> batches,
                                const std::filesystem::path& directory) const {
  std::vector<std::unique_ptr<genomics::CohortIndex>> indices;
  std::vector<cohort::CompactInput> inputs;
  std::uint32_t people = 0;
  for (const Batch& batch : batches) {
    GF_ASSIGN(auto index, genomics::CohortIndex::Open(batch.directory, batch.manifest_sha256));
    inputs.emplace_back(indices.emplace_back(std::move(index)).get());
    people += batch.n_people;
  }
  cohort::Annotations table;
  if (!table_.path.empty()) {
    auto read = cohort::Annotations::Read(table_.path, [&](const genomics::Variant& variant) {
      return std::any_of(indices.begin(), indices.end(),
                         [&](const auto& index) { return index->FindExact(variant).has_value(); });
    });
    if (!read.ok())
      return Error(StatusCode::kFailedPrecondition, "ANNOTATIONS_UNUSABLE", "{}",
                   Message(read.status()));
    table = *std::move(read);
  }
  // Whole or not at all. Replicas may make the same at the same time: the first one stays. They may
  // share a disk, and in containers their process numbers are the same.
  const std::filesystem::path partial =
      fmt::format("{}.{}", directory.string(), HexEncode(SystemRandom().Bytes(8)));
  std::error_code error;
  std::filesystem::create_directories(derived_, error);
  if (error) return WriteFailed();
  const Context ctx = Context::Background();
  const auto made =
      cohort::Compact(ctx, inputs, genomics::Bitmap(people, true),
                      table_.path.empty() ? nullptr : &table, table.frequencies(), partial);
  if (made.ok()) std::filesystem::rename(partial, directory, error);
  if (!made.ok() || error) std::filesystem::remove_all(partial, error);
  GF_TRY(made);
  GF_LOG(ctx, info, "discovery.segment_made", {"batches", batches.size()}, {"people", people});
  return absl::OkStatus();
}

// Of processes that were killed. Whoever is killed again and again would fill the disk otherwise,
// since nothing is swept before all is open.
void FileCohortOpener::RemoveUnfinished(const std::filesystem::path& directory) const {
  const std::string prefix = directory.filename().string() + ".";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(derived_, ignored)) {
    if (entry.path().filename().string().starts_with(prefix) && IsLeft(entry.path()))
      std::filesystem::remove_all(entry.path(), ignored);
  }
}

std::vector<std::span<const FileCohortOpener::Batch>> FileCohortOpener::Runs(
    std::span<const Batch> batches) {
  std::vector<std::span<const Batch>> runs;
  for (std::span<const Batch> rest = batches; !rest.empty();) {
    const std::size_t together =
        batches.size() <= cohort::kMaxSegments ? 1 : std::bit_floor(rest.size());
    runs.push_back(rest.first(together));
    rest = rest.subspan(together);
  }
  return runs;
}

std::filesystem::path FileCohortOpener::DirectoryOf(std::span<const Batch> run) const {
  crypto::Sha256Stream name;
  name.Update(fmt::format("{} {}\n", cohort::kTileFormatVersion, table_.sha256));
  for (const Batch& batch : run) name.Update(batch.manifest_sha256 + "\n");
  return derived_ / HexEncode(name.Finish());
}

Status FileCohortOpener::Sweep(const std::vector<Publication>& wanted) {
  std::set<std::filesystem::path> keep;
  for (const Publication& publication : wanted) {
    const auto batches = FindBatches(publication);
    if (batches.status().code() == StatusCode::kNotFound) {  // taken out of use
      GF_TRY(CheckMounted(data_dir_, publication));
      continue;
    }
    GF_TRY(batches);
    for (const std::span<const Batch> run : Runs(*batches)) keep.insert(DirectoryOf(run));
  }
  if (store_ != nullptr) store_->Keep(keep);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(derived_, error)) {
    if (!keep.contains(entry.path()) && IsLeft(entry.path()))
      std::filesystem::remove_all(entry.path(), error);
  }
  // Nothing was made yet: there is no directory.
  return !error || error == std::errc::no_such_file_or_directory ? absl::OkStatus() : WriteFailed();
}

Result<std::unique_ptr<cohort::Segment>> FileCohortOpener::OpenRun(std::span<const Batch> batches,
                                                                   std::uint64_t& bytes) {
  const auto directory = DirectoryOf(batches);
  // Queries trust its rows, so all of it is looked at.
  auto find =
      [this](const std::filesystem::path& where) -> Result<std::unique_ptr<cohort::Segment>> {
    GF_ASSIGN(auto segment, cohort::Segment::Open(where, cohort::Residence::kRead, {}, shard_));
    GF_TRY(segment->Verify());
    return segment;
  };
  const auto own = [this](const cohort::SegmentTile& tile) {
    return shard_.Has(tile.contig, tile.tile);
  };
  auto segment = find(directory);
  if (!segment.ok()) {
    const std::unique_lock lock(deriving_, std::chrono::seconds(2));
    if (!lock.owns_lock())
      return Error(StatusCode::kUnavailable, "INDEX_BUSY", "another dataset is being opened");
    std::error_code ignored;
    // Before it is looked at: another replica may be done meanwhile.
    const bool there = std::filesystem::exists(directory, ignored);
    segment = find(directory);
    if (!segment.ok()) {
      if (there) std::filesystem::remove_all(directory, ignored);  // damaged
      RemoveUnfinished(directory);
      if (store_ != nullptr) segment = store_->Fetch(directory, find, own);
      if (segment.status().code() == StatusCode::kCancelled) return segment;  // the process ends
      if (!segment.ok()) {
        GF_TRY(Derive(batches, directory));
        segment = find(directory);
        if (store_ != nullptr && segment.ok()) store_->Made(directory);
      }
    }
  }
  GF_TRY(segment);
  bytes += (*segment)->bytes();
  if (bytes > MemoryForOneDataset()) return segment;
  return cohort::Segment::Open(directory, cohort::Residence::kMapped, {}, shard_);
}

Result<std::shared_ptr<const Cohort>> FileCohortOpener::Open(const Publication& publication) {
  GF_ASSIGN(const std::vector<Batch> batches, FindBatches(publication));
  std::vector<std::uint32_t> sizes;
  for (const Batch& batch : batches) sizes.push_back(batch.n_people);
  std::vector<std::unique_ptr<cohort::Segment>> segments;
  std::uint64_t bytes = 0;
  for (const std::span<const Batch> run : Runs(batches)) {
    GF_ASSIGN(auto segment, OpenRun(run, bytes));
    segments.push_back(std::move(segment));
  }
  GF_ASSIGN(auto genotypes, cohort::Cohort::Create(std::move(segments)));
  GF_ASSIGN(auto individuals, OpenIndividuals(data_dir_, publication));
  if (!publication.individuals_path.empty() && individuals.size() != genotypes->n_people()) {
    return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
                 "index and individuals differ in their rows");
  }
  return std::make_shared<const Cohort>(publication.dataset, publication.version,
                                        std::move(genotypes), individuals, std::move(sizes),
                                        DirectoryOf(batches).filename().string());
}

}  // namespace genofed::discovery
