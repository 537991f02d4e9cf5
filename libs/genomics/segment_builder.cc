// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "libs/core/file.h"
#include "libs/genomics/base_signs.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/index_manifest.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

// Five ascending, disjoint lists of rows below n.
Status CheckSets(const CarrierSets& sets, std::uint32_t n_people) {
  std::size_t total = 0;
  for (const auto* rows : {&sets.het, &sets.hom, &sets.hemi, &sets.single, &sets.nocall}) {
    if (rows->empty()) continue;
    bool ascending =
        std::adjacent_find(rows->begin(), rows->end(), std::greater_equal<>()) == rows->end();
    if (!ascending || rows->back() >= n_people) {
      return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "rows must ascend and lie below {}",
                   n_people);
    }
    total += rows->size();
  }
  if (total > n_people)
    return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "a row is in two carrier sets");
  return absl::OkStatus();
}

bool IsUpperBases(std::string_view allele) {
  return !allele.empty() && allele.size() <= kMaxAlleleLength &&
         (BaseSignsOf(allele) & (kLowerCase | kNoBase)) == 0;
}

Status WriteFailed() {
  return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write a file of the index");
}

}  // namespace

// A new file of the index, which is synced when it is closed.
class SegmentBuilder::OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) {}
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  std::uint64_t size() const { return size_; }
  // Tiles are small and many: they reach the system a megabyte at a time.
  Status Write(std::string_view bytes) {
    size_ += bytes.size();
    if (pending_.size() + bytes.size() > kPendingBytes) {
      GF_TRY(WriteAll(pending_));
      pending_.clear();
      if (bytes.size() > kPendingBytes) return WriteAll(bytes);
    }
    pending_.append(bytes);
    return absl::OkStatus();
  }
  Status Close() {
    GF_TRY(WriteAll(pending_));
    pending_.clear();
    bool ok = ::fsync(fd_) == 0;
    ok = ::close(fd_) == 0 && ok;
    fd_ = -1;
    return ok ? absl::OkStatus() : WriteFailed();
  }

 private:
  static constexpr std::size_t kPendingBytes = 1U << 20;

  Status WriteAll(std::string_view bytes) {
    if (fd_ < 0) return WriteFailed();
    while (!bytes.empty()) {
      ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return WriteFailed();
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return absl::OkStatus();
  }

  int fd_;
  std::string pending_;
  std::uint64_t size_ = 0;
};

SegmentBuilder::SegmentBuilder(std::filesystem::path dir, IndexInfo info, std::string source_key)
    : dir_(std::move(dir)), info_(std::move(info)), source_key_(std::move(source_key)) {}
SegmentBuilder::~SegmentBuilder() = default;

Result<std::unique_ptr<SegmentBuilder>> SegmentBuilder::Create(const std::filesystem::path& dir,
                                                               IndexInfo info,
                                                               std::string source_key) {
  GF_TRY(CheckIndexInfo(info));
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error || !std::filesystem::is_directory(dir, error)) {
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot create the index directory");
  }
  if (!std::filesystem::is_empty(dir, error)) {
    return Error(StatusCode::kAlreadyExists, "INDEX_EXISTS",
                 "the index directory is not empty; segments are immutable");
  }
  return std::unique_ptr<SegmentBuilder>(
      new SegmentBuilder(dir, std::move(info), std::move(source_key)));
}

Status SegmentBuilder::Enter(const std::string& contig, std::int64_t pos) {
  GF_CHECK(!finished_);
  if (contig != contig_) {
    GF_TRY(Flush(UINT32_MAX));
    GF_TRY(CloseFiles());
    if (!contig_.empty()) finished_contigs_[contig_] = true;
    if (finished_contigs_.contains(contig)) {
      return Error(StatusCode::kInvalidArgument, "UNSORTED", "a contig comes a second time");
    }
    contig_ = contig;
    flushed_before_ = 0;
  }
  auto tile = static_cast<std::uint32_t>(pos / kTileBases);
  if (tile < flushed_before_)
    return Error(StatusCode::kInvalidArgument, "UNSORTED", "sites must come by position");
  // A site may still move back by kMaxShift, which is less than a tile.
  static_assert(kMaxShift < kTileBases);
  return tile > 0 ? Flush(tile - 1) : absl::OkStatus();
}

TileWriter& SegmentBuilder::Open(std::uint32_t tile) {
  auto& writer = open_tiles_[tile];
  if (!writer) writer = std::make_unique<TileWriter>(tile, info_.n_people, info_.batch_size);
  return *writer;
}

Status SegmentBuilder::Add(const Variant& variant, const CarrierSets& sets) {
  bool usual = variant.contig == contig_ && variant.pos >= 0 && variant.pos < kMaxPosition &&
               IsUpperBases(variant.ref) && IsUpperBases(variant.alt);
  if (!usual) GF_TRY(CheckVariant(variant));
  GF_TRY(CheckSets(sets, info_.n_people));
  auto tile = static_cast<std::uint32_t>(variant.pos / kTileBases);
  if (!usual || current_ == nullptr || tile != current_tile_) {
    GF_TRY(Enter(variant.contig, variant.pos));
    current_ = &Open(tile);
    current_tile_ = tile;
  }
  current_->Add(static_cast<std::uint32_t>(variant.pos), variant.ref, variant.alt, sets);
  return absl::OkStatus();
}

Status SegmentBuilder::AddCoverage(const std::string& contig, std::uint32_t row, std::int64_t begin,
                                   std::int64_t end, bool haploid) {
  if (row >= info_.n_people)
    return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "rows must lie below {}",
                 info_.n_people);
  end = std::min(end, kMaxPosition);
  if (begin < 0 || begin >= end)
    return InvalidField("end", "VARIANT_INVALID", "a run of coverage ends before it begins");
  GF_TRY(Enter(contig, begin));
  while (begin < end) {
    auto tile = static_cast<std::uint32_t>(begin / kTileBases);
    std::int64_t tile_start = std::int64_t{tile} * kTileBases;
    std::int64_t stop = std::min(end, tile_start + kTileBases);
    Open(tile).AddCoverage(row, static_cast<std::uint32_t>(begin - tile_start),
                           static_cast<std::uint32_t>(stop - tile_start), haploid);
    begin = stop;
  }
  return absl::OkStatus();
}

Status SegmentBuilder::Flush(std::uint32_t before_tile) {
  while (!open_tiles_.empty() && open_tiles_.begin()->first < before_tile) {
    GF_TRY(WriteTile(open_tiles_.begin()->first, *open_tiles_.begin()->second));
    if (current_ == open_tiles_.begin()->second.get()) current_ = nullptr;
    open_tiles_.erase(open_tiles_.begin());
  }
  flushed_before_ = std::max(flushed_before_, before_tile);
  return absl::OkStatus();
}

Status SegmentBuilder::WriteTile(std::uint32_t tile, TileWriter& writer) {
  std::uint64_t duplicates = writer.Sort();
  for (std::uint32_t i = 0; i < writer.n_batches(); ++i) {
    TileEntry entry{contig_, tile, i, writer.n_sites(), 0, 0, ""};
    if (i == files_.size()) files_.push_back(std::make_unique<OutputFile>(dir_ / entry.FileName()));
    OutputFile& file = *files_[i];
    constexpr char kZeros[kTileAlignment] = {};
    GF_TRY(file.Write({kZeros, (kTileAlignment - file.size() % kTileAlignment) % kTileAlignment}));
    entry.offset = file.size();
    Sha256Stream digest;
    for (std::string_view piece : writer.Encode(i)) {
      digest.Add(piece);
      GF_TRY(file.Write(piece));
    }
    entry.size = file.size() - entry.offset;
    entry.sha256 = digest.FinishHex();
    summary_.bytes += entry.size;
    ++summary_.tiles;
    entries_.push_back(std::move(entry));
  }
  summary_.sites += writer.n_sites();
  summary_.duplicate_sites += duplicates;
  return absl::OkStatus();
}

Status SegmentBuilder::CloseFiles() {
  for (auto& file : files_) GF_TRY(file->Close());
  files_.clear();
  return absl::OkStatus();
}

Result<BuildSummary> SegmentBuilder::Finish() {
  GF_CHECK(!finished_);
  GF_TRY(Flush(UINT32_MAX));
  finished_ = true;
  GF_TRY(CloseFiles());
  std::string manifest = FormatManifest({info_, source_key_, entries_});
  GF_TRY(WriteFileAtomically(dir_ / kManifestFile, manifest, 0640));
  summary_.manifest_sha256 = Sha256Hex(manifest);
  return summary_;
}

}  // namespace genofed::genomics
