// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/segment_store.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypt4gh/file.h"
#include "libs/crypt4gh/header.h"
#include "libs/crypt4gh/stream.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::discovery {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kRoot = "segments/";
constexpr std::string_view kManifest = "manifest";
constexpr std::size_t kMaxManifest = 64U << 20;
constexpr std::size_t kNameDigits = 64;
// Of a Crypt4GH file for one reader: magic, version and count, and one packet.
constexpr std::uint64_t kHeaderBytes = 16 + 108;
constexpr std::size_t kInFlight = 4;  // files at a time; S3 keeps a part of each in memory
constexpr std::chrono::minutes kAge{10};
constexpr std::chrono::minutes kPause{1};  // after a failure
constexpr seconds kListTime{20};
constexpr std::uint64_t kSlowest = 1U << 20;  // bytes a second; a slower store is away

bool IsDigest(std::string_view text) {
  return text.size() == kNameDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string PartName(std::size_t tile) { return fmt::format("{:04}", tile); }

bool IsPart(std::string_view text) {
  if (text == kManifest) return true;
  const auto number = ParseInt(text);
  return number.ok() && *number >= 0 && PartName(static_cast<std::size_t>(*number)) == text;
}

std::string Folder(std::string_view run, std::string_view content) {
  return fmt::format("{}{}/{}/", kRoot, run, content);
}

milliseconds TimeFor(std::uint64_t bytes) {
  return std::chrono::minutes(1) + seconds(bytes / kSlowest);
}

double Since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Whether the error is about what lies there, and not about reaching it.
bool IsAboutContent(const Status& status) {
  const std::string reason(Reason(status));
  return status.code() == StatusCode::kDataLoss || reason == "OBJECT_NOT_FOUND" ||
         reason == "INDEX_MISSING" || reason == "INDEX_MISMATCH" || reason.starts_with("CRYPT4GH_");
}

Status Damaged(std::string_view what) {
  return Error(StatusCode::kDataLoss, "SEGMENT_DAMAGED", "{}", what);
}

// work(0) to work(n - 1), a few at a time. Returns the first error, after which no more begin.
Status SeveralAtATime(std::size_t n, const std::function<Status(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  Status first;
  const auto loop = [&] {
    for (std::size_t i = next++; i < n; i = next++) {
      Status status = work(i);
      if (status.ok()) continue;
      next = n;
      const std::lock_guard lock(mutex);
      first.Update(std::move(status));
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min(n, kInFlight); ++i) others.emplace_back(loop);
  loop();
  others.clear();
  return first;
}

}  // namespace

SegmentStore::SegmentStore(OpenStore open, crypt4gh::SecretKey key, const Clock& clock,
                           obs::Metrics& metrics)
    : open_(std::move(open)),
      key_(std::move(key)),
      name_key_(crypto::HmacSha256(key_.bytes(), "genofed segment store: names")),
      clock_(clock),
      metrics_(metrics) {}

SegmentStore::~SegmentStore() { Stop(); }

void SegmentStore::Start() {
  worker_ = std::jthread([this] { Work(stop_.get_token()); });
}

void SegmentStore::Stop() {
  stop_.request_stop();
  if (worker_.joinable()) worker_.join();
}

Result<objects::ObjectStore*> SegmentStore::Store() {
  const std::lock_guard lock(open_mutex_);
  if (store_ == nullptr) {
    GF_ASSIGN(store_, open_());
  }
  return store_.get();
}

Result<SegmentStore::Listing> SegmentStore::List(const Context& ctx, objects::ObjectStore& store,
                                                 const std::string& prefix) {
  Listing listing;
  std::string token;
  do {
    GF_ASSIGN(const objects::ObjectPage page,
              store.List(ctx.WithTimeout(kListTime), prefix, token, objects::kMaxPage));
    for (const objects::ObjectInfo& object : page.objects) {
      const auto parts = Split(object.name, '/');
      if (parts.size() != 4 || !IsDigest(parts[1]) || !IsDigest(parts[2]) || !IsPart(parts[3]))
        continue;  // not ours
      Run& run = listing[std::string(parts[1])];
      run.contents[std::string(parts[2])].emplace(parts[3], object.size);
      run.newest = std::max(run.newest, object.modified);
    }
    token = page.next;
  } while (!token.empty());
  return listing;
}

std::string SegmentStore::ContentOf(std::string_view run, std::string_view manifest) const {
  return HexEncode(crypto::HmacSha256(name_key_, fmt::format("{}\n{}", run, manifest)));
}

Result<std::unique_ptr<cohort::Segment>> SegmentStore::Fetch(const fs::path& directory,
                                                             const OpenSegment& open,
                                                             const Wanted& wanted) {
  const Context ctx = Context::Background().WithStop(stop_.get_token());
  const std::string run = directory.filename().string();
  {
    const std::lock_guard lock(mutex_);
    if (away_until_ && clock_.Now() < *away_until_)
      return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE", "was away just now");
  }
  const auto away = [&](const Status& why) -> Status {
    GF_TRY(ctx.Alive());
    GF_LOG(ctx, warn, "discovery.segment_not_fetched", {"segment", run}, {"reason", Describe(why)});
    const std::lock_guard lock(mutex_);
    away_until_ = clock_.Now() + kPause;
    return why;
  };
  const auto store = Store();
  if (!store.ok()) return away(store.status());
  const auto listing = List(ctx, **store, fmt::format("{}{}/", kRoot, run));
  if (!listing.ok()) return away(listing.status());
  for (const auto& [name, found] : *listing) {
    for (const auto& [content, parts] : found.contents) {
      const std::string folder = Folder(run, content);
      {
        const std::lock_guard lock(mutex_);
        if (distrusted_.contains(folder)) continue;
      }
      if (!parts.contains(kManifest)) continue;  // being put, or not to the end
      auto segment = FetchContent(ctx, **store, run, content, directory, open, wanted);
      if (segment.ok()) return segment;
      if (!IsAboutContent(segment.status())) return away(segment.status());
      metrics_.Add("genofed_discovery_segments_total", {{"outcome", "damaged"}});
      GF_LOG(ctx, error, "discovery.segment_damaged", {"folder", folder},
             {"reason", Describe(segment.status())});
      const std::lock_guard lock(mutex_);
      distrusted_.insert(folder);
    }
  }
  return Error(StatusCode::kNotFound, "SEGMENT_NOT_STORED", "the store does not have it");
}

Result<std::unique_ptr<cohort::Segment>> SegmentStore::FetchContent(
    const Context& ctx, objects::ObjectStore& store, const std::string& run,
    const std::string& content, const fs::path& directory, const OpenSegment& open,
    const Wanted& wanted) {
  const auto start = std::chrono::steady_clock::now();
  const std::string folder = Folder(run, content);
  std::string text;
  GF_TRY(ReadPlain(ctx.WithTimeout(TimeFor(kMaxManifest)), store, folder + std::string(kManifest),
                   [&](std::string_view bytes) {
                     if (bytes.size() > kMaxManifest - text.size()) return Damaged("too long");
                     text += bytes;
                     return Status();
                   }));
  if (ContentOf(run, text) != content) return Damaged("the manifest belongs elsewhere");
  GF_ASSIGN(const cohort::SegmentManifest manifest, cohort::ParseSegment(text));

  // Replicas may share a disk, and in containers their process numbers are the same.
  const fs::path partial =
      fmt::format("{}.{}", directory.string(), HexEncode(SystemRandom().Bytes(8)));
  const auto failed = [] {
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write segments");
  };
  std::error_code error;
  fs::create_directories(partial, error);
  if (error) return failed();
  std::atomic<std::uint64_t> bytes = 0;
  const auto fetch_tile = [&](std::size_t i) -> Status {
    const cohort::SegmentTile& tile = manifest.tiles[i];
    if (wanted && !wanted(tile)) return {};
    const UniqueFd fd(
        ::open((partial / tile.FileName()).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
    if (!fd.valid()) return failed();
    const auto write = crypt4gh::FdSink(fd.get());
    std::uint64_t size = 0;
    const auto limited = [&](std::string_view piece) -> Status {
      if (piece.size() > tile.digests.size - size) return Damaged("a tile is too long");
      size += piece.size();
      return write(piece);
    };
    Status status = ReadPlain(ctx.WithTimeout(TimeFor(tile.digests.size)), store,
                              folder + PartName(i), limited);
    if (status.ok() && size != tile.digests.size) status = Damaged("a tile is too short");
    if (!status.ok() && IsAboutContent(status))
      GF_LOG(ctx, error, "discovery.object_damaged", {"object", folder + PartName(i)},
             {"reason", Reason(status)});
    bytes += size;
    return status;
  };
  auto arrive = [&]() -> Result<std::unique_ptr<cohort::Segment>> {
    GF_TRY(SeveralAtATime(manifest.tiles.size(), fetch_tile));
    GF_TRY(WriteFileAtomically(partial / cohort::kSegmentFile, text, 0640));
    return open(partial);
  };
  auto segment = arrive();
  if (segment.ok()) fs::rename(partial, directory, error);  // or another process was first
  if (!segment.ok() || error) fs::remove_all(partial, error);
  GF_TRY(segment);
  metrics_.Add("genofed_discovery_segments_total", {{"outcome", "fetched"}});
  metrics_.Add("genofed_discovery_segment_bytes_total", {{"direction", "fetched"}},
               static_cast<double>(bytes));
  GF_LOG(ctx, info, "discovery.segment_fetched", {"segment", run}, {"bytes", bytes.load()},
         {"seconds", Since(start)});
  return segment;
}

Status SegmentStore::ReadPlain(const Context& ctx, objects::ObjectStore& store,
                               const std::string& name,
                               const std::function<Status(std::string_view)>& sink) {
  std::string header;
  std::optional<crypt4gh::Decryptor> decryptor;
  const auto push = [&](std::string_view bytes) -> Status {
    if (decryptor) return decryptor->Push(bytes);
    header += bytes;
    const auto size = crypt4gh::HeaderSize(header);
    if (Reason(size.status()) == "CRYPT4GH_HEADER_INCOMPLETE") return {};
    GF_TRY(size);
    GF_ASSIGN(decryptor,
              crypt4gh::Decryptor::CreateUnverified(header.substr(0, *size), key_, sink));
    return decryptor->Push(std::string_view(header).substr(*size));
  };
  GF_TRY(store.Read(ctx, name, 0, objects::kToEnd, push));
  if (!decryptor) return Damaged("an object ends in its header");
  return decryptor->Finish().status();
}

void SegmentStore::Made(const fs::path& directory) {
  metrics_.Add("genofed_discovery_segments_total", {{"outcome", "made"}});
  const std::lock_guard lock(mutex_);
  made_.insert(directory);
  due_ = true;
  wake_.notify_all();
}

void SegmentStore::Keep(std::set<fs::path> directories) {
  const std::lock_guard lock(mutex_);
  kept_ = std::move(directories);
  due_ = true;
  wake_.notify_all();
}

Status SegmentStore::Round(const Context& ctx) {
  std::set<fs::path> used;
  bool complete = false;
  {
    const std::lock_guard lock(mutex_);
    used = made_;
    complete = kept_.has_value();
    if (complete) used.insert(kept_->begin(), kept_->end());
  }
  GF_ASSIGN(objects::ObjectStore * store, Store());
  GF_ASSIGN(const Listing listing, List(ctx, *store, std::string(kRoot)));
  // Before the putting, which may take hours: the list is of this moment.
  Status first = complete ? RemoveUnused(ctx, *store, listing, used) : Status();
  for (const fs::path& directory : used) {
    GF_TRY(ctx.Alive());
    const Status put = PutMissing(ctx, *store, directory, listing);
    if (put.ok() || put.code() == StatusCode::kNotFound) {
      const std::lock_guard lock(mutex_);
      made_.erase(directory);
    } else {
      first.Update(put);
    }
  }
  return first;
}

// NotFound: it does not lie here, or not all of it.
Status SegmentStore::PutMissing(const Context& ctx, objects::ObjectStore& store,
                                const fs::path& directory, const Listing& listing) {
  const auto start = std::chrono::steady_clock::now();
  std::error_code error;
  if (!fs::exists(directory / cohort::kSegmentFile, error))
    return Error(StatusCode::kNotFound, "INDEX_MISSING", "the segment is not here");
  GF_ASSIGN(const std::string text, ReadFile(directory / cohort::kSegmentFile, kMaxManifest));
  GF_ASSIGN(const cohort::SegmentManifest manifest, cohort::ParseSegment(text));
  const std::string run = directory.filename().string(), content = ContentOf(run, text);
  const std::string folder = Folder(run, content);
  Content there;
  if (const auto found = listing.find(run); found != listing.end()) {
    if (const auto parts = found->second.contents.find(content);
        parts != found->second.contents.end())
      there = parts->second;
  }
  bool distrusted = false;
  {
    const std::lock_guard lock(mutex_);
    distrusted = distrusted_.contains(folder);
  }
  const auto is_there = [&](std::string_view part, std::uint64_t plain_size) {
    const auto found = there.find(part);
    return found != there.end() && found->second == kHeaderBytes + crypt4gh::BodySize(plain_size);
  };
  std::vector<std::size_t> missing;
  std::uint64_t bytes = 0;
  bool all = true;
  for (std::size_t i = 0; i < manifest.tiles.size(); ++i) {
    const cohort::SegmentTile& tile = manifest.tiles[i];
    const bool present = is_there(PartName(i), tile.digests.size);
    const bool here = fs::exists(directory / tile.FileName(), error);
    all = all && (present || here);
    if (!here || (present && !distrusted)) continue;
    missing.push_back(i);
    bytes += tile.digests.size;
  }
  if (missing.empty() && (!all || is_there(kManifest, text.size()))) return {};

  const auto remove = [&](std::string_view part) {
    return there.contains(part) ? store.Remove(ctx, folder + std::string(part)) : Status();
  };
  GF_TRY(remove(kManifest));
  const auto put_tile = [&](std::size_t i) -> Status {
    const cohort::SegmentTile& tile = manifest.tiles[missing[i]];
    const std::string part = PartName(missing[i]);
    GF_TRY(remove(part));  // of another size
    return PutFile(ctx.WithTimeout(TimeFor(tile.digests.size)), store, folder + part,
                   directory / tile.FileName(), tile.digests.sha256);
  };
  GF_TRY(SeveralAtATime(missing.size(), put_tile));
  if (!all) return {};  // other processes have the other tiles
  GF_TRY(PutFile(ctx.WithTimeout(TimeFor(text.size())), store, folder + std::string(kManifest),
                 directory / cohort::kSegmentFile, HexEncode(crypto::Sha256(text))));
  {
    const std::lock_guard lock(mutex_);
    distrusted_.erase(folder);
  }
  metrics_.Add("genofed_discovery_segments_total", {{"outcome", "put"}});
  metrics_.Add("genofed_discovery_segment_bytes_total", {{"direction", "put"}},
               static_cast<double>(bytes));
  GF_LOG(ctx, info, "discovery.segment_put", {"segment", run}, {"bytes", bytes},
         {"seconds", Since(start)});
  return {};
}

Status SegmentStore::PutFile(const Context& ctx, objects::ObjectStore& store,
                             const std::string& name, const fs::path& file,
                             std::string_view sha256) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid())
    return Error(StatusCode::kNotFound, "INDEX_MISSING", "a file of the segment is gone");
  GF_ASSIGN(auto writer, store.Create(ctx, name));
  SystemRandom random;
  GF_ASSIGN(auto encryptor, crypt4gh::Encryptor::Create({&key_.public_key(), 1}, random,
                                                        [&](std::string_view bytes) {
                                                          return writer->Append(ctx, bytes);
                                                        }));
  GF_TRY(writer->Append(ctx, encryptor.header()));
  GF_ASSIGN(const auto written, crypt4gh::EncryptFd(fd.get(), encryptor));
  // It was whole when it was opened; a disk can fail since.
  if (HexEncode(written.plain_sha256) != sha256) return Damaged("a file here is damaged");
  const Status put = writer->Commit(ctx).status();
  // Another replica put the same, under a data key of its own.
  return Reason(put) == "OBJECT_EXISTS" ? Status() : put;
}

Status SegmentStore::RemoveUnused(const Context& ctx, objects::ObjectStore& store,
                                  const Listing& listing, const std::set<fs::path>& used) {
  std::set<std::string, std::less<>> keep;
  for (const fs::path& directory : used) keep.insert(directory.filename().string());
  for (const auto& [name, run] : listing) {
    if (keep.contains(name) || !run.newest || *run.newest > clock_.Now() - kAge) continue;
    std::size_t objects = 0;
    for (const auto& [content, parts] : run.contents) {
      if (parts.contains(kManifest))
        GF_TRY(store.Remove(ctx, Folder(name, content) + std::string(kManifest)));
      for (const auto& [part, size] : parts) {
        if (part != kManifest) GF_TRY(store.Remove(ctx, Folder(name, content) + part));
      }
      objects += parts.size();
    }
    metrics_.Add("genofed_discovery_segments_total", {{"outcome", "removed"}});
    GF_LOG(ctx, info, "discovery.segment_removed", {"segment", name}, {"objects", objects});
  }
  return {};
}

void SegmentStore::Work(const std::stop_token& stop) {
  const Context ctx = Context::Background().WithStop(stop);
  std::string last = "OK";
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [&] { return due_; })) return;
      due_ = false;
    }
    const Status status = Round(ctx);
    if (stop.stop_requested()) return;
    metrics_.Set("genofed_discovery_segment_store_up", {}, status.ok() ? 1 : 0);
    if (std::string now = status.ok() ? "OK" : Reason(status); now != last) {
      GF_LOG(ctx, warn, "discovery.segment_store",
             {"result", status.ok() ? now : Describe(status)});
      last = now;
    }
    if (status.ok()) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kPause, [] { return false; });
    due_ = true;
  }
}

}  // namespace genofed::discovery
