// SPDX-License-Identifier: Apache-2.0
//
// Segments of cohorts in an object store, for all machines of a node: one makes a segment and the
// others bring it from there. A segment is everybody's genotypes, so each object is a whole
// Crypt4GH file to one key. Names: segments/<run>/<content>/<part>, where
//   run      the name of the segment's directory: what it is made of;
//   content  HMAC-SHA256 of run and segment.json under a key that comes from the Crypt4GH key;
//   part     the number of the tile in segment.json, or "manifest" for segment.json itself.
// The content authenticates segment.json, which has the digests of the tiles: objects that somebody
// else wrote, changed or exchanged are not taken. Equal names hold equal files, so whoever puts a
// segment a second time, or goes on where another one stopped, changes nothing. The manifest is put
// last and removed first: without it nothing is looked at.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "libs/cohort/segment.h"
#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/crypt4gh/key.h"
#include "libs/objects/object_store.h"
#include "libs/obs/metrics.h"

namespace genofed::discovery {

// Thread-safe. Putting and removing happen in a thread of its own, so that neither a slow store nor
// one that is away holds up answers.
class SegmentStore {
 public:
  using OpenStore = std::function<Result<std::unique_ptr<objects::ObjectStore>>()>;
  using OpenSegment = std::function<Result<std::unique_ptr<cohort::Segment>>(
      const std::filesystem::path& directory)>;
  using Wanted = std::function<bool(const cohort::SegmentTile& tile)>;

  // `open` is called until it succeeds: a store may be away when the process starts. `clock` and
  // `metrics` must outlive this.
  SegmentStore(OpenStore open, crypt4gh::SecretKey key, const Clock& clock, obs::Metrics& metrics);
  ~SegmentStore();
  SegmentStore(const SegmentStore&) = delete;
  SegmentStore& operator=(const SegmentStore&) = delete;

  // Starts putting and removing. Without it, whoever owns this calls Round.
  void Start();
  // Ends everything under way, Fetch as well.
  void Stop();

  // Brings the segment with the name of this directory, lets `open` open and verify it, and gives
  // it the directory, which must not be there; another process may do so at the same time. Tiles
  // that are not `wanted` are left out (empty: all are). Errors: NotFound SEGMENT_NOT_STORED, also
  // when what is there is damaged or foreign, which is logged; Unavailable and others of
  // ObjectStore; Cancelled after Stop. All but the last mean: make it.
  Result<std::unique_ptr<cohort::Segment>> Fetch(const std::filesystem::path& directory,
                                                 const OpenSegment& open,
                                                 const Wanted& wanted = {});
  // A segment was made and lies there: it is put as soon as possible. Of one that has only some of
  // its tiles here these are put, and the manifest once all are there.
  void Made(const std::filesystem::path& directory);
  // The segments that are in use. Those that lie there and are not in the store are put; all others
  // are removed from it, unless something of them was written in the last ten minutes: another
  // replica may know more.
  void Keep(std::set<std::filesystem::path> directories);

  // Does what is due. The first error, after everything else was tried.
  Status Round(const Context& ctx);

 private:
  using Content = std::map<std::string, std::uint64_t, std::less<>>;  // sizes of the parts
  struct Run {
    std::map<std::string, Content, std::less<>> contents;
    std::optional<Time> newest;  // of all objects; none: a store that does not say
  };
  using Listing = std::map<std::string, Run, std::less<>>;

  Result<objects::ObjectStore*> Store();
  static Result<Listing> List(const Context& ctx, objects::ObjectStore& store,
                              const std::string& prefix);
  std::string ContentOf(std::string_view run, std::string_view manifest) const;
  Result<std::unique_ptr<cohort::Segment>> FetchContent(
      const Context& ctx, objects::ObjectStore& store, const std::string& run,
      const std::string& content, const std::filesystem::path& directory, const OpenSegment& open,
      const Wanted& wanted);
  Status ReadPlain(const Context& ctx, objects::ObjectStore& store, const std::string& name,
                   const std::function<Status(std::string_view)>& sink);
  Status PutMissing(const Context& ctx, objects::ObjectStore& store,
                    const std::filesystem::path& directory, const Listing& listing);
  Status PutFile(const Context& ctx, objects::ObjectStore& store, const std::string& name,
                 const std::filesystem::path& file, std::string_view sha256);
  Status RemoveUnused(const Context& ctx, objects::ObjectStore& store, const Listing& listing,
                      const std::set<std::filesystem::path>& used);
  void Work(const std::stop_token& stop);

  const OpenStore open_;
  const crypt4gh::SecretKey key_;
  const std::string name_key_;
  const Clock& clock_;
  obs::Metrics& metrics_;
  std::stop_source stop_;
  std::mutex open_mutex_;                        // of its own, since opening may hang
  std::unique_ptr<objects::ObjectStore> store_;  // once it was opened
  std::mutex mutex_;                             // of what follows
  std::condition_variable_any wake_;
  bool due_ = false;
  std::optional<Time> away_until_;        // not asked for segments before
  std::set<std::filesystem::path> made_;  // not put yet
  std::optional<std::set<std::filesystem::path>> kept_;
  std::set<std::string> distrusted_;  // folders that did not hold what they should
  std::jthread worker_;
};

}  // namespace genofed::discovery
