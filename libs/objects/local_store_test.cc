// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/local_store.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "libs/core/file.h"
#include "libs/objects/store_contract.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::objects {
namespace {

namespace fs = std::filesystem;
using genofed::testing::TemporaryDirectory;

INSTANTIATE_TEST_SUITE_P(Directory, StoreContract,
                         ::testing::Values(StoreUnderTest{
                             "LocalStore",
                             [] {
                               static const TemporaryDirectory directory;
                               auto store = LocalStore::Open(directory / "objects");
                               return store.ok() ? std::unique_ptr<ObjectStore>(*std::move(store))
                                                 : nullptr;
                             }}),
                         [](const auto& suite) { return suite.param.label; });

class LocalStoreTest : public ::testing::Test {
 protected:
  LocalStoreTest() { Open(); }

  void Open() {
    auto store = LocalStore::Open(directory_ / "objects");
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }
  std::unique_ptr<ObjectWriter> Writer(const std::string& name, std::string_view bytes) {
    auto writer = store_->Create(ctx_, name);
    EXPECT_THAT(writer, IsOk());
    EXPECT_THAT((*writer)->Append(ctx_, bytes), IsOk());
    return *std::move(writer);
  }
  std::size_t Files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory_ / "objects"), fs::directory_iterator()));
  }
  static unsigned Mode(const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions());
  }

  const Context ctx_ = Context::Background();
  TemporaryDirectory directory_;
  std::unique_ptr<LocalStore> store_;
};

TEST_F(LocalStoreTest, OnlyItsOwnerMayLook) {
  EXPECT_EQ(Mode(directory_ / "objects"), 0700U);
  ASSERT_THAT(Writer("a/b.c4gh", "bytes")->Commit(ctx_), IsOk());
  EXPECT_EQ(Mode(directory_ / "objects" / "a%b.c4gh"), 0600U);
  EXPECT_EQ(Files(), 1U);  // the temporary name is gone
}

TEST_F(LocalStoreTest, RefusesDirectoriesOfOthersAndLinks) {
  fs::permissions(directory_ / "objects", fs::perms(0750));
  EXPECT_THAT(LocalStore::Open(directory_ / "objects"), HasReason("STORE_DIRECTORY"));
  fs::permissions(directory_ / "objects", fs::perms(0700));
  fs::create_directory_symlink(directory_ / "objects", directory_ / "link");
  EXPECT_THAT(LocalStore::Open(directory_ / "link"), HasReason("STORE_DIRECTORY"));
  ASSERT_THAT(WriteFileAtomically(directory_ / "file", ""), IsOk());
  EXPECT_THAT(LocalStore::Open(directory_ / "file"), HasReason("STORE_DIRECTORY"));
  EXPECT_THAT(LocalStore::Open(directory_ / "no" / "parent"), HasReason("STORE_DIRECTORY"));
}

TEST_F(LocalStoreTest, FollowsNoLinksAndWaitsForNoPipes) {
  ASSERT_THAT(WriteFileAtomically(directory_ / "secret", "secret"), IsOk());
  fs::create_symlink(directory_ / "secret", directory_ / "objects" / "link");
  ASSERT_EQ(::mkfifo((directory_ / "objects" / "pipe").c_str(), 0600), 0);
  fs::create_directory(directory_ / "objects" / "folder");
  for (const char* name : {"link", "pipe", "folder"}) {
    EXPECT_THAT(ReadObject(ctx_, *store_, name, 0, kToEnd), HasReason("STORE_FAILED")) << name;
    EXPECT_THAT(store_->Stat(ctx_, name), HasReason("STORE_FAILED")) << name;
  }
  EXPECT_TRUE(store_->List(ctx_, "", "", 10)->objects.empty());
  // Neither is a free name.
  EXPECT_FALSE(Writer("link", "bytes")->Commit(ctx_).ok());
  EXPECT_EQ(*ReadFile(directory_ / "secret"), "secret");
}

TEST_F(LocalStoreTest, OpeningSweepsWhatDeadWritersLeft) {
  ASSERT_THAT(WriteFileAtomically(directory_ / "objects" / ".tmp-dead", "half"), IsOk());
  ASSERT_THAT(WriteFileAtomically(directory_ / "objects" / "foreign", "kept"), IsOk());
  // A process that opens the same directory leaves those alone that are still written.
  const auto writer = Writer("a", "bytes");
  EXPECT_EQ(Files(), 3U);
  const auto second = LocalStore::Open(directory_ / "objects");
  EXPECT_EQ(Files(), 2U);
  EXPECT_THAT(writer->Commit(ctx_), IsOk());
  EXPECT_EQ(ReadObject(ctx_, **second, "a", 0, kToEnd).value(), "bytes");
}

TEST_F(LocalStoreTest, AFullDiskIsSaidAndLeavesNothing) {
  // The file size limit stands in for the disk: the same call fails in the same place.
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status;
  {
    auto writer = store_->Create(ctx_, "a");
    for (int i = 0; i < 3 && status.ok(); ++i) status = (*writer)->Append(ctx_, SomeBytes(50'000));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old);
  EXPECT_THAT(status, HasReason("STORAGE_FULL"));
  EXPECT_THAT(status, HasCode(StatusCode::kResourceExhausted));
  EXPECT_EQ(Files(), 0U);
}

TEST_F(LocalStoreTest, ProbeNoticesThatTheDirectoryIsGone) {
  fs::remove(directory_ / "objects");
  EXPECT_THAT(store_->Probe(ctx_), HasReason("STORE_UNAVAILABLE"));
}

TEST_F(LocalStoreTest, HasNoUrls) {
  EXPECT_THAT(store_->PresignGet("a", std::chrono::seconds(60)), HasReason("NO_PRESIGNED_URLS"));
}

}  // namespace
}  // namespace genofed::objects
