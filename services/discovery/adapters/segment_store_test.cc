// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/segment_store.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "libs/objects/local_store.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

namespace fs = std::filesystem;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

const genomics::Variant kVariant = {"20", 1000, "A", "T"};
const std::string kKey(64, '7'), kOtherKey(64, '5');

// A directory that can be away, and that can go away after some objects were written or read.
class UnsteadyStore final : public objects::ObjectStore {
 public:
  explicit UnsteadyStore(std::unique_ptr<ObjectStore> store) : store_(std::move(store)) {}

  Result<std::unique_ptr<objects::ObjectWriter>> Create(const Context& ctx,
                                                        std::string_view name) override {
    if (writes_left-- <= 0) return Away();
    return store_->Create(ctx, name);
  }
  Status Read(const Context& ctx, std::string_view name, std::uint64_t offset, std::uint64_t size,
              const objects::Sink& sink) override {
    if (reads_left-- <= 0) return Away();
    return store_->Read(ctx, name, offset, size, sink);
  }
  Result<objects::ObjectInfo> Stat(const Context& ctx, std::string_view name) override {
    return store_->Stat(ctx, name);
  }
  Status Remove(const Context& ctx, std::string_view name) override {
    return store_->Remove(ctx, name);
  }
  Result<objects::ObjectPage> List(const Context& ctx, std::string_view prefix,
                                   std::string_view token, std::size_t limit) override {
    if (away) return Away();
    return store_->List(ctx, prefix, token, std::min<std::size_t>(limit, 2));  // many pages
  }
  Result<std::string> PresignGet(std::string_view name, std::chrono::seconds lifetime) override {
    return store_->PresignGet(name, lifetime);
  }
  Status Probe(const Context& ctx) override { return store_->Probe(ctx); }

  std::atomic<bool> away = false;
  std::atomic<int> writes_left = 1'000'000, reads_left = 1'000'000;

 private:
  static Status Away() { return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE", "away"); }
  std::unique_ptr<ObjectStore> store_;
};

// One of several machines: a disk of its own, the same indices and the same store.
struct Machine {
  Machine(const fs::path& shared, fs::path own_disk, const std::string& key,
          const cohort::Shard& shard = {})
      : disk(std::move(own_disk)),
        store(
            [this, shared]() -> Result<std::unique_ptr<objects::ObjectStore>> {
              if (unreachable) return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE", "away");
              GF_ASSIGN(auto local, objects::LocalStore::Open(shared / "store"));
              auto unsteady = std::make_unique<UnsteadyStore>(std::move(local));
              objects = unsteady.get();
              return unsteady;
            },
            crypt4gh::SecretKey::FromHex(key).value(), clock, metrics),
        opener(shared, disk, {}, &store, shard) {}

  Status Round() { return store.Round(Context::Background()); }
  int Count(const std::string& outcome) const {
    const std::string line =
        fmt::format("genofed_discovery_segments_total{{outcome=\"{}\"}} ", outcome);
    const std::string all = metrics.Expose();
    const std::size_t at = all.find(line);
    return at == std::string::npos ? 0 : std::stoi(all.substr(at + line.size()));
  }

  const fs::path disk;
  bool unreachable = false;
  UnsteadyStore* objects = nullptr;  // once it was opened
  testing::FakeClock clock{SystemClock().Now()};
  obs::Metrics metrics;
  SegmentStore store;
  FileCohortOpener opener;
};

class SegmentStoreTest : public ::testing::Test {
 protected:
  // Batches of three people; in each the first one carries all variants: 4,000 in the first
  // megabase of chromosome 20, so that its file is several Crypt4GH segments, one in the next
  // megabase and one on another chromosome.
  Publication Dataset(std::uint32_t batches, const std::string& name = "GOE-FI-A-1") {
    std::vector<TestSite> sites;
    for (std::int64_t i = 0; i < 4000; ++i) sites.push_back({{"20", 1000 + i, "A", "T"}, {}});
    sites.push_back({{"20", 1'500'000, "C", "G"}, {}});
    sites.push_back({{"X", 1000, "A", "C"}, {}});
    for (TestSite& site : sites) site.sets.het = {0};
    Publication all;
    for (std::uint32_t i = 0; i < batches; ++i) {
      const Publication one =
          WriteCohort(directory_.path(), name, static_cast<std::int32_t>(i + 1), 3, sites);
      if (i == 0) all = one;
      if (i > 0) all.segments.push_back(one.segments[0]);
      all.version = one.version;
    }
    return all;
  }
  std::unique_ptr<Machine> MakeMachine(const std::string& name, const std::string& key = kKey) {
    return std::make_unique<Machine>(directory_.path(), directory_ / name, key);
  }
  // Made and put by a machine of its own.
  void Put(const Publication& publication) {
    const auto machine = MakeMachine("first");
    ASSERT_THAT(machine->opener.Open(publication), IsOk());
    ASSERT_THAT(machine->Round(), IsOk());
    ASSERT_EQ(machine->Count("put"), static_cast<int>(publication.segments.size()));
  }
  static std::uint64_t Carriers(const Cohort& cohort) {
    const Cohort::Buffers work(cohort);
    const auto counts =
        cohort.genotypes().CountExact(kVariant, genomics::Bitmap(cohort.rows(), true), *work);
    EXPECT_THAT(counts, IsOk());
    return counts.ok() ? (*counts)->n_het : 0;
  }
  // Files below, by their relative path.
  static std::map<std::string, std::string> Files(const fs::path& directory) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file())
        files[fs::relative(entry.path(), directory)] = ReadFile(entry.path()).value();
    }
    return files;
  }
  std::map<std::string, std::string> Objects() const { return Files(directory_ / "store"); }
  fs::path Object(const std::string& end) const {
    for (const auto& entry : fs::directory_iterator(directory_ / "store")) {
      if (entry.path().string().ends_with(end)) return entry.path();
    }
    ADD_FAILURE() << "no object " << end;
    return {};
  }
  static void Overwrite(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  // Another machine notices, makes the segment itself and puts it, so that a third one can fetch
  // it.
  void ExpectNoticedAndMended(const Publication& publication, const std::string& what) {
    SCOPED_TRACE(what);
    const auto second = MakeMachine("second");
    const auto cohort = second->opener.Open(publication);
    ASSERT_THAT(cohort, IsOk());
    EXPECT_EQ(Carriers(**cohort), publication.segments.size());
    EXPECT_GE(second->Count("damaged"), 1);
    EXPECT_GE(second->Count("made"), 1);
    ASSERT_THAT(second->Round(), IsOk());
    EXPECT_EQ(second->Count("put"), second->Count("made"));
    const auto third = MakeMachine("third");
    ASSERT_THAT(third->opener.Open(publication), IsOk());
    EXPECT_EQ(third->Count("fetched"), static_cast<int>(publication.segments.size()));
    EXPECT_EQ(third->Count("damaged"), 0);
    EXPECT_EQ(Files(third->disk), Files(second->disk));
    for (const char* disk : {"first", "second", "third"}) fs::remove_all(directory_ / disk);
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(SegmentStoreTest, AnotherMachineBringsWhatOneMade) {
  const Publication publication = Dataset(2);
  const auto first = MakeMachine("first"), second = MakeMachine("second");
  ASSERT_THAT(first->opener.Open(publication), IsOk());
  EXPECT_EQ(first->Count("made"), 2);
  ASSERT_THAT(first->Round(), IsOk());
  EXPECT_EQ(first->Count("put"), 2);
  const auto cohort = second->opener.Open(publication);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Carriers(**cohort), 2U);
  EXPECT_EQ(second->Count("fetched"), 2);
  EXPECT_EQ(second->Count("made"), 0);
  EXPECT_EQ(Files(second->disk), Files(first->disk));
  EXPECT_EQ(Files(first->disk).size(), 8U) << "three tiles and a manifest each";
  // What lies there already is not put again, and opened without the store.
  const auto before = Objects();
  ASSERT_THAT(second->opener.Sweep({publication}), IsOk());
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(Objects(), before);
  EXPECT_EQ(second->Count("put"), 0);
  ASSERT_THAT(second->opener.Open(publication), IsOk());
  EXPECT_EQ(second->Count("fetched"), 2);
}

TEST_F(SegmentStoreTest, NothingInTheStoreCanBeRead) {
  Put(Dataset(1));
  const auto plain = Files(directory_ / "first");
  const auto objects = Objects();
  ASSERT_EQ(objects.size(), 4U);
  for (const auto& [name, bytes] : objects) {
    EXPECT_TRUE(bytes.starts_with("crypt4gh")) << name;
    EXPECT_THAT(name, ::testing::MatchesRegex(
                          "segments%[0-9a-f]{64}%[0-9a-f]{64}%(0000|0001|0002|manifest)"));
    EXPECT_THAT(bytes, Not(HasSubstr("GOE-FI-A-1")));
    for (const auto& [file, content] : plain) {
      // Any sixteen bytes of a file that are not the same byte sixteen times.
      for (std::size_t at = 0; at + 16 <= content.size(); at += 997) {
        const std::string piece = content.substr(at, 16);
        if (piece.find_first_not_of(piece[0]) == std::string::npos) continue;
        ASSERT_THAT(bytes, Not(HasSubstr(piece))) << file << " at " << at;
      }
    }
  }
}

TEST_F(SegmentStoreTest, DamageIsNoticedAndMadeGood) {
  const Publication publication = Dataset(1);
  Put(publication);
  const std::string large = ReadFile(Object("%0000")).value();
  ASSERT_GT(large.size(), 200'000U) << "several Crypt4GH segments";
  std::string changed = large;
  changed[changed.size() / 2] ^= 1;
  Overwrite(Object("%0000"), changed);
  ExpectNoticedAndMended(publication, "a byte in the middle");
  changed = large;
  changed[20] ^= 1;
  Overwrite(Object("%0000"), changed);
  ExpectNoticedAndMended(publication, "a byte in the header");
  Overwrite(Object("%0000"), large.substr(0, 124 + 2 * (65'536 + 28)));
  ExpectNoticedAndMended(publication, "a tail, at the end of a Crypt4GH segment");
  Overwrite(Object("%0000"), large.substr(0, large.size() - 5));
  ExpectNoticedAndMended(publication, "a tail");
  Overwrite(Object("%0000"), large.substr(0, 10));
  ExpectNoticedAndMended(publication, "almost all");
  Overwrite(Object("%0000"), large + large.substr(124));
  ExpectNoticedAndMended(publication, "twice the body");
  const std::string one = ReadFile(Object("%0001")).value(),
                    two = ReadFile(Object("%0002")).value();
  Overwrite(Object("%0001"), two);
  Overwrite(Object("%0002"), one);
  ExpectNoticedAndMended(publication, "two objects in each other's place");
  fs::remove(Object("%0001"));
  ExpectNoticedAndMended(publication, "an object is missing");
  for (const std::size_t at : {std::size_t{30}, std::size_t{200}}) {
    std::string manifest = ReadFile(Object("%manifest")).value();
    manifest[at] ^= 1;
    Overwrite(Object("%manifest"), manifest);
    ExpectNoticedAndMended(publication, fmt::format("byte {} of the manifest", at));
  }
}

TEST_F(SegmentStoreTest, TheSegmentOfOthersIsNotTaken) {
  // Whole segments in each other's place: all objects are genuine, and open with the key.
  const Publication publication = Dataset(2);
  Put(publication);
  std::map<std::string, std::map<std::string, fs::path>> folders;
  for (const auto& entry : fs::directory_iterator(directory_ / "store")) {
    const std::string name = entry.path().filename();
    folders[name.substr(0, name.rfind('%'))][name.substr(name.rfind('%'))] = entry.path();
  }
  ASSERT_EQ(folders.size(), 2U);
  for (const auto& [part, path] : folders.begin()->second) {
    const fs::path other = folders.rbegin()->second.at(part);
    const std::string a = ReadFile(path).value(), b = ReadFile(other).value();
    Overwrite(path, b);
    Overwrite(other, a);
  }
  ExpectNoticedAndMended(publication, "two segments in each other's place");
}

TEST_F(SegmentStoreTest, AMachineWithAnotherKeyMakesItsOwn) {
  const Publication publication = Dataset(1);
  Put(publication);
  const auto before = Objects();
  const auto stranger = MakeMachine("stranger", kOtherKey);
  const auto cohort = stranger->opener.Open(publication);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Carriers(**cohort), 1U);
  EXPECT_EQ(stranger->Count("damaged"), 1);
  EXPECT_EQ(stranger->Count("made"), 1);
  ASSERT_THAT(stranger->opener.Sweep({publication}), IsOk());
  ASSERT_THAT(stranger->Round(), IsOk());
  // What the others put is as it was, and they do not mind what the stranger put.
  const auto after = Objects();
  EXPECT_EQ(after.size(), 2 * before.size());
  for (const auto& [name, bytes] : before) EXPECT_EQ(after.at(name), bytes);
  const auto second = MakeMachine("second");
  ASSERT_THAT(second->opener.Open(publication), IsOk());
  EXPECT_EQ(second->Count("fetched"), 1);
}

TEST_F(SegmentStoreTest, AStoreThatIsAwayStopsNobody) {
  const Publication publication = Dataset(2);
  Put(publication);
  const auto second = MakeMachine("second");
  second->unreachable = true;
  auto cohort = second->opener.Open(publication);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Carriers(**cohort), 2U);
  EXPECT_EQ(second->Count("made"), 2);
  EXPECT_THAT(second->Round(), HasReason("STORE_UNAVAILABLE"));
  second->unreachable = false;
  EXPECT_THAT(second->Round(), IsOk());
  EXPECT_EQ(second->Count("put"), 0) << "it is there";
  // Later it is asked again.
  fs::remove_all(second->disk);
  ASSERT_THAT(second->opener.Open(publication), IsOk());
  EXPECT_EQ(second->Count("fetched"), 0) << "just now it was away";
  fs::remove_all(second->disk);
  second->clock.Advance(std::chrono::minutes(2));
  ASSERT_THAT(second->opener.Open(publication), IsOk());
  EXPECT_EQ(second->Count("fetched"), 2);
  // Lost while it is listed, and in the middle of a segment.
  for (const bool listed : {false, true}) {
    second->objects->away = !listed;
    second->objects->reads_left = 2;
    second->clock.Advance(std::chrono::minutes(2));
    fs::remove_all(second->disk);
    const int made = second->Count("made");
    cohort = second->opener.Open(publication);
    ASSERT_THAT(cohort, IsOk());
    EXPECT_EQ(second->Count("made"), made + 2);
    EXPECT_EQ(second->Count("damaged"), 0) << "that it is away says nothing about what lies there";
    EXPECT_EQ(std::distance(fs::directory_iterator(second->disk), {}), 2) << "nothing half-fetched";
  }
}

TEST_F(SegmentStoreTest, WhatWasInterruptedIsNotLookedAtAndGoesOn) {
  const Publication publication = Dataset(1);
  const auto first = MakeMachine("first"), second = MakeMachine("second");
  ASSERT_THAT(first->opener.Open(publication), IsOk());
  EXPECT_THAT(first->store.Fetch(first->disk / std::string(64, 'a'), {}),
              HasReason("SEGMENT_NOT_STORED"));
  first->objects->writes_left = 2;
  EXPECT_THAT(first->Round(), HasReason("STORE_UNAVAILABLE"));
  const auto begun = Objects();
  EXPECT_GE(begun.size(), 1U);
  EXPECT_LE(begun.size(), 2U);
  ASSERT_THAT(second->opener.Open(publication), IsOk());
  EXPECT_EQ(second->Count("made"), 1);
  EXPECT_EQ(second->Count("damaged"), 0);
  first->objects->writes_left = 100;
  ASSERT_THAT(first->Round(), IsOk());
  EXPECT_EQ(100 - first->objects->writes_left, 4 - static_cast<int>(begun.size()))
      << "what was put before is not put again";
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(second->Count("put"), 0);
  const auto third = MakeMachine("third");
  ASSERT_THAT(third->opener.Open(publication), IsOk());
  EXPECT_EQ(third->Count("fetched"), 1);
}

TEST_F(SegmentStoreTest, ReplicasPutTheSameAtTheSameTime) {
  const Publication publication = Dataset(2);
  const auto first = MakeMachine("first"), second = MakeMachine("second");
  ASSERT_THAT(first->opener.Open(publication), IsOk());
  ASSERT_THAT(second->opener.Open(publication), IsOk());
  EXPECT_EQ(Files(first->disk), Files(second->disk)) << "equal names for equal files";
  {
    const std::jthread one([&] { EXPECT_THAT(first->Round(), IsOk()); });
    const std::jthread two([&] { EXPECT_THAT(second->Round(), IsOk()); });
  }
  EXPECT_EQ(Objects().size(), 8U);
  const auto third = MakeMachine("third");
  ASSERT_THAT(third->opener.Open(publication), IsOk());
  EXPECT_EQ(third->Count("fetched"), 2);
  EXPECT_EQ(Files(first->disk), Files(third->disk));
}

TEST_F(SegmentStoreTest, ADiskThatFailedIsNotPut) {
  const Publication publication = Dataset(1);
  const auto first = MakeMachine("first");
  ASSERT_THAT(first->opener.Open(publication), IsOk());
  for (const auto& entry : fs::recursive_directory_iterator(first->disk)) {
    if (!entry.path().string().ends_with("20.0000.tile")) continue;
    std::string bytes = ReadFile(entry.path()).value();
    bytes[bytes.size() / 2] ^= 1;
    Overwrite(entry.path(), bytes);
  }
  EXPECT_THAT(first->Round(), HasReason("SEGMENT_DAMAGED"));
  for (const auto& [name, bytes] : Objects()) EXPECT_THAT(name, Not(HasSubstr("manifest")));
  // It is noticed when it is opened, made anew, and then put.
  ASSERT_THAT(first->opener.Open(publication), IsOk());
  EXPECT_THAT(first->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 4U);
}

TEST_F(SegmentStoreTest, WhatNobodyUsesIsRemoved) {
  const Publication wanted = Dataset(1), erased = Dataset(1, "GOE-FI-B-1");
  Put(wanted);
  const auto kept = Objects();
  const auto first = MakeMachine("first");
  ASSERT_THAT(first->opener.Sweep({wanted}), IsOk());
  ASSERT_THAT(first->opener.Open(erased), IsOk());  // made for a version that is being published
  ASSERT_THAT(first->Round(), IsOk());
  ASSERT_EQ(Objects().size(), 8U);
  // Of others: not below ours, or not named as ours are.
  const std::string digest(64, 'c');
  const std::vector<std::string> others = {"obj-01jd8k3m9v7x2c5b8n4q6w1e3r",
                                           "segments%readme",
                                           "other%" + digest + "%" + digest + "%0000",
                                           "segments%" + digest + "%0000",
                                           "segments%" + digest + "%" + digest + "%00001",
                                           "segments%" + digest + "%" + digest + "%manifest.old"};
  for (const std::string& name : others) Overwrite(directory_ / "store" / name, "of somebody else");
  const std::size_t foreign = others.size();

  const auto second = MakeMachine("second");
  ASSERT_THAT(second->opener.Sweep({wanted}), IsOk());
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 8U + foreign) << "another replica may know more";
  second->clock.Advance(std::chrono::minutes(11));
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(Objects().size(), kept.size() + foreign);
  for (const auto& [name, bytes] : kept) EXPECT_EQ(Objects().at(name), bytes);
  EXPECT_EQ(second->Count("removed"), 1);

  // A replica that knows the old version still, puts it back; when it has learned, it goes for
  // good.
  ASSERT_THAT(first->opener.Sweep({wanted, erased}), IsOk());
  ASSERT_THAT(first->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 8U + foreign);
  first->clock.Advance(std::chrono::minutes(11));
  ASSERT_THAT(first->opener.Sweep({wanted}), IsOk());
  ASSERT_THAT(first->Round(), IsOk());
  EXPECT_EQ(Objects().size(), kept.size() + foreign);
}

TEST_F(SegmentStoreTest, WhatIsBeingPutIsNotRemovedByAge) {
  // Its first object is an hour old and its last one of now: a large segment on its way.
  Put(Dataset(1));
  fs::remove(Object("%manifest"));
  fs::last_write_time(Object("%0000"), fs::file_time_type::clock::now() - std::chrono::hours(1));
  const auto second = MakeMachine("second");
  ASSERT_THAT(second->opener.Sweep({}), IsOk());
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 3U);
  second->clock.Advance(std::chrono::minutes(11));
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 0U);
}

TEST_F(SegmentStoreTest, ADiskThatIsNotMountedRemovesNothing) {
  const Publication publication = Dataset(1);
  Put(publication);
  const auto second = MakeMachine("second");
  second->clock.Advance(std::chrono::hours(1));
  fs::rename(directory_ / "GOE-FI-A-1", directory_ / "elsewhere");
  EXPECT_THAT(second->opener.Sweep({publication}), HasReason("DATA_DIR_MISSING"));
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 4U);
  // A version that was taken out of use leaves the directory of its dataset.
  fs::create_directory(directory_ / "GOE-FI-A-1");
  EXPECT_THAT(second->opener.Sweep({publication}), IsOk());
  ASSERT_THAT(second->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 0U);
}

// Of two shards the first has chromosome X, and the second chromosome 20 up to 8 Mb.
TEST_F(SegmentStoreTest, AShardBringsItsOwnTiles) {
  const Publication publication = Dataset(1);
  Put(publication);
  for (const std::uint32_t number : {0U, 1U}) {
    Machine machine(directory_.path(), directory_ / fmt::format("shard-{}", number), kKey,
                    {number, 2});
    ASSERT_THAT(machine.opener.Open(publication), IsOk());
    EXPECT_EQ(machine.Count("fetched"), 1);
    EXPECT_EQ(machine.Count("made"), 0);
    EXPECT_EQ(Files(machine.disk).size(), number == 0 ? 2U : 3U) << "with segment.json";
    // Again, from the disk.
    ASSERT_THAT(machine.opener.Open(publication), IsOk());
    EXPECT_EQ(machine.Count("fetched"), 1);
    // It puts nothing in the place of what is there.
    ASSERT_THAT(machine.opener.Sweep({publication}), IsOk());
    ASSERT_THAT(machine.Round(), IsOk());
    EXPECT_EQ(machine.Count("put"), 0);
  }
}

TEST_F(SegmentStoreTest, SomeTilesOfAGenomeThatIsDivided) {
  const Publication publication = Dataset(1);
  Put(publication);
  const std::string run = fs::directory_iterator(directory_ / "first")->path().filename();
  const auto second = MakeMachine("second");
  std::vector<std::string> there;
  const auto open = [&](const fs::path& directory) -> Result<std::unique_ptr<cohort::Segment>> {
    for (const auto& entry : fs::directory_iterator(directory))
      there.push_back(entry.path().filename());
    return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "so that it is not taken");
  };
  EXPECT_THAT(
      second->store.Fetch(second->disk / run, open,
                          [](const cohort::SegmentTile& tile) { return tile.contig == "X"; }),
      HasReason("SEGMENT_NOT_STORED"));
  EXPECT_THAT(there, ::testing::UnorderedElementsAre("X.0000.tile", "segment.json"));
  EXPECT_TRUE(fs::is_empty(second->disk)) << "nothing is left of what was not taken";

  // Two machines with some tiles each put it together.
  fs::remove_all(directory_ / "store");
  const auto one = MakeMachine("one"), two = MakeMachine("two");
  for (const auto* machine : {one.get(), two.get()})
    fs::copy(directory_ / "first", machine->disk, fs::copy_options::recursive);
  fs::remove(one->disk / run / "X.0000.tile");
  fs::remove(two->disk / run / "20.0000.tile");
  fs::remove(two->disk / run / "20.0001.tile");
  one->store.Keep({one->disk / run});
  two->store.Keep({two->disk / run});
  ASSERT_THAT(one->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 2U);
  ASSERT_THAT(two->Round(), IsOk());
  EXPECT_EQ(Objects().size(), 4U);
  const auto third = MakeMachine("third");
  ASSERT_THAT(third->opener.Open(publication), IsOk());
  EXPECT_EQ(third->Count("fetched"), 1);
}

TEST_F(SegmentStoreTest, PutsInTheBackgroundAndEndsWhenItIsTold) {
  const Publication publication = Dataset(1);
  const auto first = MakeMachine("first");
  first->store.Start();
  ASSERT_THAT(first->opener.Open(publication), IsOk());
  for (int i = 0; i < 1000 && first->Count("put") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(first->Count("put"), 1);
  first->store.Stop();
  fs::remove_all(first->disk);
  EXPECT_THAT(first->opener.Open(publication), testing::HasCode(StatusCode::kCancelled))
      << "a process that ends does not begin to make a segment";
}

}  // namespace
}  // namespace genofed::discovery
