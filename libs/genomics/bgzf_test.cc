// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "libs/genomics/bgzf_reader.h"
#include "libs/genomics/bgzf_writer.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

std::string Noise(std::size_t size) {
  std::mt19937_64 random(1);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string Pack(std::string_view text, std::size_t piece) {
  std::string out;
  BgzfWriter writer([&](std::string_view bytes) {
    out.append(bytes);
    return absl::OkStatus();
  });
  for (std::size_t at = 0; at < text.size(); at += piece)
    EXPECT_TRUE(writer.Write(text.substr(at, piece)).ok());
  EXPECT_TRUE(writer.Finish().ok());
  return out;
}

Result<std::string> ReadAll(BgzfReader& reader, std::size_t step) {
  std::string out;
  while (true) {
    GF_TRY(reader.Fill(step));
    std::string_view window = reader.window().substr(0, step);
    if (window.empty()) return out;
    out.append(window);
    reader.Consume(window.size());
  }
}

class BgzfTest : public ::testing::Test {
 protected:
  Result<std::string> Read(std::string_view bytes, std::size_t step = 10'000) {
    GF_ASSIGN(auto reader, BgzfReader::OpenPath(WriteText(dir_ / "file", bytes)));
    return ReadAll(*reader, step);
  }
  Result<std::string> ReadPiped(std::string_view bytes) {
    int ends[2];
    GF_CHECK(::pipe(ends) == 0);
    GF_CHECK(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    ::close(ends[1]);
    GF_ASSIGN(auto reader, BgzfReader::Open(ends[0]));
    return ReadAll(*reader, 1000);
  }
  TempDir dir_;
};

TEST_F(BgzfTest, ReturnsWhatWasWritten) {
  for (std::size_t size : {0UL, 1UL, 0xff00UL, 0xff01UL, 3'000'000UL}) {
    for (const std::string& text : {Noise(size), std::string(size, 'A')}) {
      std::string packed = Pack(text, 777'777);
      EXPECT_EQ(packed, Pack(text, 1000)) << "the pieces do not show";
      for (std::size_t step : {1UL << 20, 10'001UL}) {
        auto read = Read(packed, step);
        ASSERT_TRUE(read.ok()) << Describe(read.status());
        EXPECT_TRUE(*read == text) << size;
      }
    }
  }
}

TEST_F(BgzfTest, BgzipReadsIt) {
  if (::access("/usr/bin/bgzip", X_OK) != 0) GTEST_SKIP() << "needs /usr/bin/bgzip as the oracle";
  std::string text = Noise(200'000) + std::string(200'000, 'x');
  auto path = WriteText(dir_ / "file.gz", Pack(text, 50'000));
  EXPECT_TRUE(Output("/usr/bin/bgzip -dc " + path.string()) == text);
}

TEST_F(BgzfTest, PlainBytesAndPipes) {
  std::string text = Noise(2'000'000);
  text[0] = '#';
  EXPECT_TRUE(*Read(text) == text);
  EXPECT_EQ(*Read("x"), "x");
  EXPECT_EQ(*Read(""), "");
  EXPECT_TRUE(*ReadPiped(Pack(text.substr(0, 30'000), 1000)) == text.substr(0, 30'000));
}

TEST_F(BgzfTest, PlainGzipOfSeveralMembers) {
  std::string text = Noise(400'000) + std::string(400'000, 'x');
  WriteText(dir_ / "a", text);
  std::string packed = Output("gzip -c " + (dir_ / "a").string());
  ASSERT_FALSE(packed.empty());
  EXPECT_TRUE(*Read(packed + packed) == text + text);
  EXPECT_EQ(Reason(Read(packed.substr(0, packed.size() - 5)).status()), "CORRUPT_BGZIP_BLOCK");
  packed[5000] = static_cast<char>(packed[5000] ^ 1);
  EXPECT_EQ(Reason(Read(packed).status()), "CORRUPT_BGZIP_BLOCK");
}

TEST_F(BgzfTest, RefusesDamage) {
  std::string packed = Pack(Noise(200'000), 10'000);
  EXPECT_EQ(Reason(Read(packed.substr(0, packed.size() - 28)).status()), "TRUNCATED_BGZIP");
  EXPECT_EQ(Reason(Read(packed.substr(0, 70'000)).status()), "TRUNCATED_BGZIP");
  std::string small = Pack(Noise(20'000), 10'000);
  EXPECT_EQ(Reason(ReadPiped(small.substr(0, small.size() - 28)).status()), "TRUNCATED_BGZIP");
  EXPECT_EQ(Reason(ReadPiped(small.substr(0, small.size() - 3)).status()), "TRUNCATED_BGZIP");
  EXPECT_EQ(Reason(ReadPiped(small.substr(0, 9'000)).status()), "TRUNCATED_BGZIP");
  for (std::size_t at : {40UL, 66'000UL, 150'000UL}) {
    std::string bad = packed;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_EQ(Reason(Read(bad).status()), "CORRUPT_BGZIP_BLOCK") << at;
  }
  EXPECT_EQ(Reason(Read("\x1f\x8b\x08 not gzip either").status()), "CORRUPT_BGZIP_BLOCK");
  EXPECT_EQ(Reason(Read("BZh9 bzip2").status()), "NOT_VCF");
  EXPECT_EQ(Reason(BgzfReader::OpenPath(dir_ / "none").status()), "READ_FAILED");
  EXPECT_EQ(Reason(BgzfReader::OpenPath(dir_.path()).status()), "NOT_VCF");
}

}  // namespace
}  // namespace genofed::genomics
