// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/oci_image_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>

#include "services/spe/adapters/test_image.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;

class OciImageStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotHere(); !why.empty()) GTEST_SKIP() << why;
    const auto digest = MakeTestImage(layout_);
    ASSERT_TRUE(digest.ok()) << Describe(digest.status());
    digest_ = *digest;
  }
  Result<Image> Open(std::set<std::string> allowed) {
    return OciImageStore({.images_dir = dir_.path() / "images",
                          .cache_dir = dir_.path() / "cache",
                          .allowed = std::move(allowed)})
        .Open(Context::Background(), digest_);
  }

  TestDir dir_;
  const fs::path layout_ = dir_.path() / "images" / "busybox";
  std::string digest_;
};

TEST_F(OciImageStoreTest, UnpacksOnce) {
  const auto image = Open({digest_});
  ASSERT_TRUE(image.ok()) << Describe(image.status());
  EXPECT_TRUE(fs::exists(image->rootfs / "bin" / "busybox"));
  for (const char* name : {"in", "out", "tmp", "proc", "dev"})
    EXPECT_TRUE(fs::is_directory(image->rootfs / name));
  EXPECT_NE(std::find(image->environment.begin(), image->environment.end(), "FROM_IMAGE=yes"),
            image->environment.end());
  fs::remove_all(layout_);  // the cache is enough
  EXPECT_TRUE(Open({digest_}).ok());
}

TEST_F(OciImageStoreTest, RefusesWhatIsNotOnTheList) {
  EXPECT_EQ(Reason(Open({}).status()), "IMAGE_NOT_ALLOWED");
  EXPECT_EQ(Reason(Open({"sha256:" + std::string(64, '1')}).status()), "IMAGE_NOT_ALLOWED");
  fs::remove_all(layout_);
  EXPECT_EQ(Reason(Open({digest_}).status()), "IMAGE_NOT_FOUND");
}

TEST_F(OciImageStoreTest, RefusesAChangedBlob) {
  for (const auto& blob : fs::directory_iterator(layout_ / "blobs" / "sha256")) {
    const std::string good = ReadFile(blob.path()).value();
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    std::ofstream(blob.path(), std::ios::binary) << bad;
    const std::string manifest = ReadFile(layout_ / "blobs" / "sha256" / digest_.substr(7)).value();
    const bool used = manifest.find(blob.path().filename().string()) != std::string::npos ||
                      blob.path().filename() == digest_.substr(7);
    if (used) {
      EXPECT_EQ(Reason(Open({digest_}).status()), "IMAGE_CORRUPT") << blob.path();
    }
    std::ofstream(blob.path(), std::ios::binary) << good;
  }
  EXPECT_TRUE(Open({digest_}).ok());
}

TEST_F(OciImageStoreTest, RefusesDeviceNodesAndLinksAsMountPoints) {
  const std::string image = layout_.string() + ":test";
  const fs::path extra = dir_.path() / "extra";
  const auto insert = [&](const char* target) -> std::string {
    const auto done = RunProgram({"umoci", "insert", "--image", image, extra.string(), target},
                                 std::chrono::minutes(1));
    EXPECT_TRUE(done.ok() && done->exit_code == 0) << done->output;
    return nlohmann::json::parse(ReadFile(layout_ / "index.json").value())
        .at("manifests")
        .at(0)
        .at("digest");
  };
  fs::create_symlink("/etc", extra);
  digest_ = insert("/in");
  EXPECT_EQ(Reason(Open({digest_}).status()), "IMAGE_CORRUPT");
  fs::remove(extra);
  fs::create_directory(extra);
  digest_ = insert("/in");
  EXPECT_TRUE(Open({digest_}).ok());
  ASSERT_EQ(mknod((extra / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  digest_ = insert("/devices");
  EXPECT_EQ(Reason(Open({digest_}).status()), "IMAGE_CORRUPT");
}

}  // namespace
}  // namespace genofed::spe
