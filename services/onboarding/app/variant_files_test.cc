// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/variant_files.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::onboarding {
namespace {

using nlohmann::json;
using testing::HasReason;
using testing::IsOk;

Context As(const std::string& subject) {
  User user;
  user.issuer = "https://login.example";
  user.subject = subject;
  user.roles = {"clinician"};
  return Context::Background().WithPrincipal({{"fi", "gateway"}, user});
}

constexpr char kHeader[] =
    "##fileformat=VCFv4.2\n##contig=<ID=chr19,length=58617616>\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tpatient\n";

// A substitution whose identifiers vrs-python gives (libs/genomics/vrs_test.cc).
const std::string kFile = std::string(kHeader) + "chr19\t28946400\t.\tT\tC\t50\tPASS\t.\tGT\t1/1\n";

// Substitutions that the patient carries.
std::string LongFile(int records) {
  std::string text = kHeader;
  for (int i = 1; i <= records; ++i)
    text += fmt::format("chr19\t{}\t.\tT\tC\t.\tPASS\t.\tGT\t0/1\n", 1000 + i);
  return text;
}

class VariantFilesTest : public ::testing::Test {
 protected:
  VariantFilesTest() { options_.directory = directory_.path(); }

  VariantFiles& files() {
    if (!files_) files_.emplace(options_, clock_, random_);
    return *files_;
  }
  std::string Send(const Context& ctx, const std::string& text) {
    const auto written = files().Write(ctx, "", 0, text);
    EXPECT_THAT(written, IsOk());
    return written.ok() ? written->file : "";
  }
  VariantFiles::Progress Finish(const Context& ctx, const std::string& file, const std::string& assembly = "") {
    while (true) {
      const auto progress = files().Describe(ctx, file, "patient.vcf", assembly);
      EXPECT_THAT(progress, IsOk());
      if (!progress.ok() || progress->done) return progress.value_or(VariantFiles::Progress());
    }
  }
  // The lines of a list, read in small pieces.
  std::vector<json> Lines(const Context& ctx, const std::string& file, int piece = 7) {
    std::string text;
    while (true) {
      const auto read = files().Read(ctx, file, static_cast<std::int64_t>(text.size()), piece);
      EXPECT_THAT(read, IsOk());
      if (!read.ok() || read->bytes.empty()) break;
      text += read->bytes;
    }
    std::vector<json> lines;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      lines.push_back(json::parse(text.substr(at, end - at)));
      at = end + 1;
    }
    return lines;
  }

  testing::TemporaryDirectory directory_;
  testing::FakeClock clock_;
  testing::SeededRandom random_{1};
  VariantFiles::Options options_;
  std::optional<VariantFiles> files_;
  const Context chris_ = As("chris");
};

TEST_F(VariantFilesTest, AFileInPiecesBecomesAList) {
  const std::string first = kFile.substr(0, 100);
  const std::string file = Send(chris_, first);
  EXPECT_THAT(files().Write(chris_, file, 101, "x"), HasReason("OFFSET_GAP"));
  ASSERT_THAT(files().Write(chris_, file, 50, kFile.substr(50)), IsOk());  // what was sent may be sent again
  EXPECT_THAT(files().Read(chris_, file, 0, 10), HasReason("NOT_DESCRIBED"));
  const auto done = Finish(chris_, file);
  EXPECT_EQ(done.records, 1);
  EXPECT_EQ(done.variants, 1);
  const auto lines = Lines(chris_, file);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["hgvs"], "NC_000019.10:g.28946400T>C");
  EXPECT_EQ(lines[0]["vrs_1_3"], "ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn2");
  EXPECT_EQ(lines[0]["vrs_2_0"], "ga4gh:VA.uV5O4M9zpiwk6sftOd-EDvtw_pkSAvdf");
  EXPECT_EQ(lines[0]["line"], 5);
  EXPECT_EQ(lines[1]["summary"]["file"], "patient.vcf");
  EXPECT_EQ(lines[1]["summary"]["assembly"], "GRCh38");
  EXPECT_EQ(lines[1]["summary"]["reference"], false);
  // The list took the file's place.
  EXPECT_THAT(files().Write(chris_, file, 0, "x"), HasReason("FILE_DESCRIBED"));
  EXPECT_EQ(Finish(chris_, file).list_size, done.list_size);
  EXPECT_THAT(files().Read(chris_, file, done.list_size + 1, 1), HasReason("OFFSET_INVALID"));
  EXPECT_EQ(files().Read(chris_, file, 0, 0)->list_size, done.list_size);
}

TEST_F(VariantFilesTest, AFileIsItsOwnersAlone) {
  const std::string file = Send(chris_, kFile);
  const Context other = As("sam");
  EXPECT_THAT(files().Write(other, file, 0, "x"), HasReason("FILE_UNKNOWN"));
  EXPECT_THAT(files().Describe(other, file, "", ""), HasReason("FILE_UNKNOWN"));
  Finish(chris_, file);
  EXPECT_THAT(files().Read(other, file, 0, 1), HasReason("FILE_UNKNOWN"));
  files().Discard(other, file);
  EXPECT_THAT(files().Read(chris_, file, 0, 1), IsOk());
  files().Discard(chris_, file);
  EXPECT_THAT(files().Read(chris_, file, 0, 1), HasReason("FILE_UNKNOWN"));
  EXPECT_THAT(files().Write(Context::Background(), "", 0, "x"), HasReason("TOKEN_MISSING"));
}

TEST_F(VariantFilesTest, NothingHasANameOnDisk) {
  const std::string file = Send(chris_, kFile);
  Finish(chris_, file);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(VariantFilesTest, SaysWhatIsWrongAndTriesAgain) {
  const std::string file = Send(chris_, kFile);
  EXPECT_THAT(files().Describe(chris_, file, "", "GRCh36"), HasReason("ASSEMBLY_UNKNOWN"));
  EXPECT_THAT(files().Describe(chris_, file, "../x", ""), HasReason("FILE_NAME_INVALID"));
  EXPECT_THAT(files().Describe(chris_, file, "", "GRCh37"), HasReason("ASSEMBLY_CONFLICT"));
  EXPECT_EQ(Finish(chris_, file, "GRCh38").variants, 1);
  const std::string text = Send(chris_, "a letter\n");
  const auto refused = files().Describe(chris_, text, "letter.txt", "");
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(Message(refused.status()).empty());
  files().Discard(chris_, text);
  const std::string cut = Send(chris_, std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + "cut off");
  EXPECT_THAT(files().Describe(chris_, cut, "", ""), testing::HasCode(StatusCode::kInvalidArgument));
}

TEST_F(VariantFilesTest, EverybodyWhoWaitsIsToldWhatIsWrong) {
  options_.max_list_bytes = 8U << 20;  // too few, which shows after a while
  const std::string file = Send(chris_, LongFile(60'000));
  std::vector<std::string> told(8);
  std::vector<std::jthread> callers;
  for (std::string& reason : told)
    callers.emplace_back([&] { reason = Reason(files().Describe(chris_, file, "", "").status()); });
  callers.clear();
  EXPECT_EQ(told, std::vector<std::string>(told.size(), "LIST_TOO_LARGE"));
}

TEST_F(VariantFilesTest, ThereIsAnEndToHowMuch) {
  options_.max_file_bytes = 10;
  EXPECT_THAT(files().Write(chris_, "", 0, "12345678901"), HasReason("FILE_TOO_LARGE"));
  EXPECT_THAT(files().Write(chris_, "", -1, "1"), HasReason("OFFSET_INVALID"));
  const std::string file = Send(chris_, "1234567890");
  EXPECT_THAT(files().Write(chris_, file, 10, "1"), HasReason("FILE_TOO_LARGE"));
}

TEST_F(VariantFilesTest, AListTooLongIsRefused) {
  options_.max_list_bytes = 2000;
  const std::string file = Send(chris_, LongFile(20));
  EXPECT_THAT(files().Describe(chris_, file, "", ""), HasReason("LIST_TOO_LARGE"));
}

TEST_F(VariantFilesTest, EachPersonHasAFewFilesAndTheyGoByThemselves) {
  options_.max_files = 3;
  options_.max_files_of_person = 2;
  const std::string first = Send(chris_, kFile);
  Send(chris_, kFile);
  EXPECT_THAT(files().Write(chris_, "", 0, kFile), HasReason("TOO_MANY_FILES"));
  Send(As("sam"), kFile);
  EXPECT_THAT(files().Write(As("kim"), "", 0, kFile), HasReason("TOO_MANY_FILES"));
  clock_.Advance(std::chrono::minutes(4));
  Finish(chris_, first);
  clock_.Advance(std::chrono::minutes(2));
  files().DiscardIdle();
  EXPECT_THAT(files().Read(chris_, first, 0, 1), IsOk());
  Send(chris_, kFile);
  Send(As("kim"), kFile);
}

TEST_F(VariantFilesTest, AFileThatWasNotBegunHoldsNoPlace) {
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(files().Write(chris_, "", 7, "x"), HasReason("OFFSET_GAP"));
  EXPECT_FALSE(Send(chris_, kFile).empty());
}

// Describe waits a while and says how far it is; who goes away leaves no work behind.
TEST_F(VariantFilesTest, LongWorkGoesOnBetweenQuestionsAndEndsWithTheFile) {
  options_.wait = std::chrono::milliseconds(0);
  options_.max_described_at_once = 1;
  const std::string file = Send(chris_, LongFile(100'000));
  const auto begun = files().Describe(chris_, file, "", "");
  ASSERT_THAT(begun, IsOk());
  EXPECT_FALSE(begun->done);
  EXPECT_THAT(files().Write(chris_, file, 0, "x"), HasReason("FILE_DESCRIBED"));
  EXPECT_THAT(files().Read(chris_, file, 0, 1), HasReason("NOT_DESCRIBED"));
  const std::string other = Send(chris_, kFile);
  EXPECT_THAT(files().Describe(chris_, other, "", ""), HasReason("BUSY"));
  files().Discard(chris_, file);
  EXPECT_EQ(Finish(chris_, other).variants, 1);  // its place is free again
  const std::string again = Send(chris_, LongFile(100'000));
  EXPECT_EQ(Finish(chris_, again).variants, 100'000);
  EXPECT_EQ(Lines(chris_, again, 1 << 20).size(), 100'001U);
}

}  // namespace
}  // namespace genofed::onboarding
