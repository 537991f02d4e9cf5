// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/crypt4gh/test_support.h"

namespace genofed::crypt4gh {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(dir_ / name, content).ok());
  }
  std::string Read(const std::string& name) { return ReadFile(dir_ / name).value(); }

  TempDir dir_;
  SystemRandom random_;
  SecretKey key_ = CountingKey(1);
};

TEST_F(FileTest, RoundTripsWithTheHeaderApart) {
  std::string plain = Pattern(1'234'567);
  Write("plain", plain);
  auto manifest = EncryptFile(dir_ / "plain", dir_ / "body", {&key_.public_key(), 1}, random_);
  ASSERT_TRUE(manifest.ok()) << Describe(manifest.status());
  EXPECT_EQ(Read("body").size(), manifest->body_size);
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "body").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);

  SecretKey other = CountingKey(0x21);
  std::string header = Reencrypt(manifest->header, key_, other.public_key(), random_).value();
  ASSERT_TRUE(DecryptFile(dir_ / "body", header, other, *manifest, dir_ / "again").ok());
  EXPECT_TRUE(Read("again") == plain);
}

TEST_F(FileTest, RoundTripsCombined) {
  std::string plain = Pattern(70'000);
  Write("plain", plain);
  auto manifest = EncryptFile(dir_ / "plain", dir_ / "file.c4gh", {&key_.public_key(), 1}, random_,
                              Layout::kCombined);
  ASSERT_TRUE(manifest.ok());
  int fd = ::open((dir_ / "file.c4gh").c_str(), O_RDONLY | O_CLOEXEC);
  auto header = ReadHeader(fd);
  ASSERT_TRUE(header.ok()) << Describe(header.status());
  EXPECT_EQ(*header, manifest->header);
  std::string again;
  Status status = DecryptFd(fd, *header, key_, *manifest, [&again](std::string_view bytes) {
    again += bytes;
    return absl::OkStatus();
  });
  ::close(fd);
  EXPECT_TRUE(status.ok()) << Describe(status);
  EXPECT_TRUE(again == plain);
}

TEST_F(FileTest, ADamagedBodyLeavesNoOutput) {
  Write("plain", Pattern(3 * 65536));
  auto manifest =
      EncryptFile(dir_ / "plain", dir_ / "body", {&key_.public_key(), 1}, random_).value();
  Write("body", Read("body").substr(0, kSealedSegmentBytes));
  Write("out", "old content");
  EXPECT_EQ(Reason(DecryptFile(dir_ / "body", manifest.header, key_, manifest, dir_ / "out")),
            "CRYPT4GH_MANIFEST_MISMATCH");
  EXPECT_EQ(Read("out"), "old content");
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir_ / "."))
    ++files;
  EXPECT_EQ(files, 3) << "a temporary file was left";
}

TEST_F(FileTest, MissingInputsAreNotFound) {
  EXPECT_EQ(
      EncryptFile(dir_ / "none", dir_ / "out", {&key_.public_key(), 1}, random_).status().code(),
      StatusCode::kNotFound);
}

TEST_F(FileTest, ReadHeaderStopsAtBadInput) {
  for (std::string content :
       {std::string(), std::string("crypt4gh"), std::string("not a header at all, rather text"),
        "crypt4gh" + std::string("\1\0\0\0\2\0\0\0\x0a\0\0\0", 12)}) {
    Write("bad", content);
    int fd = ::open((dir_ / "bad").c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_FALSE(ReadHeader(fd).ok());
    ::close(fd);
  }
}

}  // namespace
}  // namespace genofed::crypt4gh
