// SPDX-License-Identifier: Apache-2.0
//
// SegmentStore against OpenStack Swift with s3api: an implementation of S3 that is independent of
// ours.
#include <gmock/gmock.h>

#include "libs/objects/s3_store.h"
#include "libs/objects/swift_server.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/segment_store.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using testing::IsOk;

const SystemClock kClock;

TEST(SegmentStoreSwift, PutsFetchesAndRemoves) {
  objects::SwiftServer* server = objects::SwiftServer::Get();
  if (server == nullptr) GTEST_SKIP() << "no S3 server: tools/install-deps --with s3-tests";
  objects::S3Options options = server->options();
  options.prefix = "fi/discovery/";
  const auto open = [&]() -> Result<std::unique_ptr<objects::ObjectStore>> {
    GF_ASSIGN(auto store, objects::S3Store::Open(options, kClock));
    return store;
  };
  const auto key = crypt4gh::SecretKey::FromHex(std::string(64, '7')).value();
  testing::FakeClock clock(kClock.Now());
  obs::Metrics metrics;
  const testing::TemporaryDirectory directory;
  // Above a part of a multipart upload (5 MiB): 300,000 sites of 42 bytes.
  std::vector<TestSite> sites;
  for (std::int64_t i = 0; i < 300'000; ++i) sites.push_back({{"20", 1000 + 3 * i, "A", "T"}, {}});
  sites.push_back({{"X", 1000, "A", "C"}, {}});
  for (TestSite& site : sites) site.sets.het = {0};
  const Publication publication = WriteCohort(directory.path(), "GOE-FI-A-1", 1, 3, sites);

  SegmentStore first(open, key, clock, metrics), second(open, key, clock, metrics);
  FileCohortOpener here(directory.path(), directory / "here", {}, &first);
  FileCohortOpener there(directory.path(), directory / "there", {}, &second);
  ASSERT_THAT(here.Open(publication), IsOk());
  ASSERT_THAT(first.Round(Context::Background()), IsOk());
  ASSERT_THAT(there.Open(publication), IsOk());
  EXPECT_THAT(metrics.Expose(),
              ::testing::HasSubstr("genofed_discovery_segments_total{outcome=\"fetched\"} 1"));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / "here")) {
    if (!entry.is_regular_file()) continue;
    const auto path =
        directory / "there" / std::filesystem::relative(entry.path(), directory / "here");
    EXPECT_EQ(ReadFile(entry.path()).value(), ReadFile(path).value()) << path;
    ++files;
  }
  EXPECT_EQ(files, 3U);

  // Objects are as old as the server says.
  GF_ASSERT_OK_AND_ASSIGN(const auto store, open());
  second.Keep({});
  ASSERT_THAT(second.Round(Context::Background()), IsOk());
  EXPECT_EQ(store->List(Context::Background(), "segments/", "", 10)->objects.size(), 3U);
  clock.Advance(std::chrono::minutes(11));
  ASSERT_THAT(second.Round(Context::Background()), IsOk());
  EXPECT_EQ(store->List(Context::Background(), "", "", 10)->objects.size(), 0U);
}

}  // namespace
}  // namespace genofed::discovery
