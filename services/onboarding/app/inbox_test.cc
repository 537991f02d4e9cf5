// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/onboarding/adapters/inbox_json.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kSubmission =
    R"({"dataset": {"id": "GOE-FI-HEART-1", "title": "Heart", "data_use": ["DUO:0000042"]},
  "mode": "add", "files": [{"kind": "variants", "name": "cohort.vcf"}, {"kind": "consents", "name": "consents.json"}]})";

class FakeIntake final : public Intake {
 public:
  Result<Submission> Submit(const Context&, const IntakeRequest& request) override {
    GF_TRY(answer);
    Submission submission;
    for (const IntakeFile& file : request.files) {
      std::string bytes = *file.read(0, 1 << 20);
      EXPECT_EQ(HexEncode(crypto::Sha256(bytes)), file.sha256);
      EXPECT_EQ(bytes.size(), static_cast<std::size_t>(file.size));
      content[file.ref.name] = std::move(bytes);
    }
    requests.push_back(request);
    submission.id =
        ids.try_emplace(request.idempotency_key, "sub-" + std::to_string(ids.size() + 1))
            .first->second;
    if (die) throw 9;
    return submission;
  }
  Result<Submission> Find(const Context&, const Holder&, const std::string&) override {
    return Submission();
  }

  Status answer;
  bool die = false;  // kill -9 after the submission was stored
  std::vector<IntakeRequest> requests;
  std::map<std::string, std::string> content, ids;
};

class InboxTest : public ::testing::Test {
 protected:
  void Drop(const std::string& name, const std::string& description = kSubmission,
            bool ready = true) {
    std::filesystem::create_directories(inbox_ / name);
    Write(name + "/submission.json", description);
    Write(name + "/cohort.vcf", "##fileformat=VCFv4.2\n");
    Write(name + "/consents.json", "{}");
    if (ready) Write(name + "/READY", "");
  }
  void Write(const std::string& path, const std::string& text) {
    std::ofstream(inbox_ / path) << text;
  }
  std::string Sums(const std::string& name) {
    std::string sums;
    for (const char* file : {"submission.json", "cohort.vcf", "consents.json"}) {
      sums += HexEncode(crypto::Sha256(*ReadFile(inbox_ / name / file))) + "  " + file + "\n";
    }
    return sums;
  }
  Status Poll() { return inbox().Poll(Context::Background()); }
  Inbox& inbox() {
    if (!object_) {
      object_ =
          std::make_unique<Inbox>(Inbox::Options{inbox_, {"https://idp", "anna", "HUS"}, 1000},
                                  intake_, clock_, &ParseInboxDescription, &FormatInboxResult);
    }
    return *object_;
  }
  std::string Outcome(const std::string& path) {
    auto text = ReadFile(inbox_ / path / "result.json");
    return text.ok() ? *text : "";
  }
  static std::vector<std::string> Names(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  testing::TemporaryDirectory directory_;
  const std::filesystem::path inbox_ = directory_.path() / "inbox";
  testing::FakeClock clock_;
  FakeIntake intake_;
  std::unique_ptr<Inbox> object_;

 private:
  const bool made_ = std::filesystem::create_directory(directory_.path() / "inbox");
};

TEST_F(InboxTest, TakesInWhatIsReadyOnce) {
  Drop("visit-1");
  ASSERT_THAT(Poll(), IsOk());
  ASSERT_THAT(Poll(), IsOk());
  ASSERT_EQ(intake_.requests.size(), 1U);
  const IntakeRequest& request = intake_.requests[0];
  EXPECT_EQ(request.holder.subject, "anna");
  EXPECT_EQ(request.dataset.id, "GOE-FI-HEART-1");
  EXPECT_EQ(request.dataset.data_use, std::vector<std::string>{"DUO:0000042"});
  EXPECT_EQ(request.mode, Mode::kAdd);
  EXPECT_EQ(intake_.content["cohort.vcf"], "##fileformat=VCFv4.2\n");
  EXPECT_THAT(Outcome("accepted/visit-1"), HasSubstr("\"submission\": \"sub-1\""));
  EXPECT_THAT(Names(inbox_), ElementsAre("accepted", "refused"));
  EXPECT_THAT(Names(inbox_ / "accepted/visit-1"), ElementsAre("result.json", "submission.json"))
      << "no data in clear stay";
}

TEST_F(InboxTest, DirectoriesWithinAreNotReadAndGoToo) {
  Drop("visit-1");
  std::filesystem::create_directories(inbox_ / "visit-1/more/deep");
  Write("visit-1/more/deep/cohort.vcf", "genotypes");
  std::ofstream(directory_ / "outside") << "untouched";
  std::filesystem::create_symlink(directory_.path(), inbox_ / "visit-1/more/out");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(Names(inbox_ / "accepted/visit-1"), ElementsAre("result.json", "submission.json"));
  EXPECT_EQ(*ReadFile(directory_ / "outside"), "untouched");
}

TEST_F(InboxTest, LeavesAloneWhatIsNotReady) {
  Drop("visit-1", kSubmission, false);
  Drop(".visit-2");
  Drop("visit 3");
  Write("stray-file", "x");
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(intake_.requests, IsEmpty());
  Write("visit-1/READY", "");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_EQ(intake_.requests.size(), 1U);
}

TEST_F(InboxTest, SumsThatAgreeAreASignToo) {
  Drop("visit-1", kSubmission, false);
  Write("visit-1/SHA256SUMS", Sums("visit-1"));
  std::filesystem::remove(inbox_ / "visit-1/consents.json");
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Poll(), IsOk());
  Write("visit-1/consents.json", "{");  // half of it
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(intake_.requests, IsEmpty());
  Write("visit-1/consents.json", "{}");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(intake_.requests, IsEmpty()) << "may be growing still";
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_EQ(intake_.requests.size(), 1U);
}

TEST_F(InboxTest, SumsThatDifferRefuseWhatIsReady) {
  Drop("visit-1");
  Write("visit-1/SHA256SUMS", Sums("visit-1"));
  Write("visit-1/cohort.vcf", "##fileformat=VCFv4.3\n");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(intake_.requests, IsEmpty());
  EXPECT_THAT(Outcome("refused/visit-1"),
              HasSubstr("cohort.vcf: SHA256SUMS does not have it, or another digest"));
}

TEST_F(InboxTest, KilledAfterSubmittingSubmitsTheSame) {
  Drop("visit-1");
  intake_.die = true;
  EXPECT_THROW((void)Poll(), int);
  intake_.die = false;
  object_.reset();
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_EQ(intake_.requests.size(), 2U);
  EXPECT_EQ(intake_.ids.size(), 1U) << "by the same key";
  EXPECT_THAT(Outcome("accepted/visit-1"), HasSubstr("sub-1"));
}

TEST_F(InboxTest, KilledAfterMovingRemovesTheDataLater) {
  Drop("visit-1");
  std::filesystem::create_directories(inbox_ / "accepted");
  std::filesystem::rename(inbox_ / "visit-1", inbox_ / "accepted/visit-1");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(Names(inbox_ / "accepted/visit-1"), ElementsAre("submission.json"));
}

TEST_F(InboxTest, TheSameContentUnderAnotherNameIsTheSameSubmission) {
  Drop("visit-1");
  Drop("visit-2");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_EQ(intake_.ids.size(), 1U);
  EXPECT_THAT(Outcome("accepted/visit-2"), HasSubstr("sub-1"));
  Drop("visit-1");
  Write("visit-1/consents.json", "{ }");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_EQ(intake_.ids.size(), 2U);
  EXPECT_THAT(Outcome("accepted/visit-1.2"), HasSubstr("sub-2"));
}

TEST_F(InboxTest, TriesAgainWhatThisSiteCouldNotDo) {
  Drop("visit-1");
  for (const Status& away :
       {Error(StatusCode::kUnavailable, "SQL_UNAVAILABLE", "x"),
        Error(StatusCode::kResourceExhausted, "STORAGE_FULL", "x"),
        Error(StatusCode::kFailedPrecondition, "CHECKSUM_MISMATCH", "changed while it was read")}) {
    intake_.answer = away;
    ASSERT_THAT(Poll(), IsOk());
    EXPECT_TRUE(std::filesystem::exists(inbox_ / "visit-1/cohort.vcf"));
  }
  intake_.answer = absl::OkStatus();
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_EQ(intake_.requests.size(), 1U);
}

// Whatever the account of the service may not read, so do not tests, which may be root's.
class Unprivileged {
 public:
  Unprivileged() {
    if (::geteuid() == 0) ::setfsuid(65534);
  }
  ~Unprivileged() { ::setfsuid(::geteuid()); }
};

TEST_F(InboxTest, TriesAgainWhatItCouldNotRead) {
  namespace fs = std::filesystem;
  Drop("marked");
  Drop("summed", kSubmission, false);
  Write("summed/SHA256SUMS", Sums("summed"));
  for (const auto& path : {directory_.path(), inbox_, inbox_ / "marked", inbox_ / "summed"})
    fs::permissions(path, fs::perms::all);
  for (const char* name : {"marked", "summed"})
    fs::permissions(inbox_ / name / "cohort.vcf", fs::perms::none);
  {
    const Unprivileged unprivileged;
    for (int i = 0; i < 3; ++i) ASSERT_THAT(Poll(), IsOk());
  }
  EXPECT_THAT(Names(inbox_), ElementsAre("accepted", "marked", "refused", "summed"));
  EXPECT_TRUE(fs::exists(inbox_ / "marked/cohort.vcf")) << "nothing is lost";
  for (const char* name : {"marked", "summed"})
    fs::permissions(inbox_ / name / "cohort.vcf", fs::perms::owner_read);
  ASSERT_THAT(Poll(), IsOk());
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(Names(inbox_), ElementsAre("accepted", "refused"));
  EXPECT_THAT(Names(inbox_ / "accepted"), ElementsAre("marked", "summed"));
}

TEST_F(InboxTest, RefusesWhatTheSiteRefuses) {
  Drop("visit-1");
  intake_.answer =
      Error(StatusCode::kPermissionDenied, "DATASET_OF_ANOTHER_HOLDER", "belongs to somebody else");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_THAT(Outcome("refused/visit-1"), HasSubstr("DATASET_OF_ANOTHER_HOLDER"));
  EXPECT_THAT(Names(inbox_ / "refused/visit-1"), ElementsAre("result.json", "submission.json"));
}

TEST_F(InboxTest, ReadsNothingButRegularFilesOfTheDirectoryItself) {
  std::ofstream(directory_ / "secret") << "secret";
  const auto refused = [&](const std::string& name, const std::string& why) {
    ASSERT_THAT(Poll(), IsOk());
    EXPECT_THAT(Outcome("refused/" + name), HasSubstr(why)) << name;
  };
  Drop("link");
  std::filesystem::remove(inbox_ / "link/cohort.vcf");
  std::filesystem::create_symlink(directory_ / "secret", inbox_ / "link/cohort.vcf");
  refused("link", "symbolic link");
  Drop("pipe");
  std::filesystem::remove(inbox_ / "pipe/cohort.vcf");
  ASSERT_EQ(::mkfifo((inbox_ / "pipe/cohort.vcf").c_str(), 0600), 0);
  refused("pipe", "is no regular file");
  Drop("directory");
  std::filesystem::remove(inbox_ / "directory/cohort.vcf");
  std::filesystem::create_directory(inbox_ / "directory/cohort.vcf");
  refused("directory", "is no regular file");
  Drop("missing");
  std::filesystem::remove(inbox_ / "missing/cohort.vcf");
  refused("missing", "is missing");
  Drop("empty");
  Write("empty/cohort.vcf", "");
  refused("empty", "is empty");
  Drop("large");
  Write("large/cohort.vcf", std::string(2000, 'x'));
  refused("large", "larger than this site takes");
  Drop("description-link");
  std::filesystem::remove(inbox_ / "description-link/submission.json");
  std::filesystem::create_symlink(directory_ / "secret",
                                  inbox_ / "description-link/submission.json");
  refused("description-link", "symbolic link");
  EXPECT_THAT(intake_.requests, IsEmpty());
  EXPECT_EQ(*ReadFile(directory_ / "secret"), "secret");
}

TEST_F(InboxTest, FollowsNoLinkOfADirectoryAndWritesThroughNone) {
  std::filesystem::create_directory(directory_ / "elsewhere");
  std::filesystem::create_symlink(directory_ / "elsewhere", inbox_ / "linked");
  Drop("visit-1");
  std::ofstream(directory_ / "target") << "untouched";
  std::filesystem::create_symlink(directory_ / "target", inbox_ / "visit-1/result.json");
  ASSERT_THAT(Poll(), IsOk());
  EXPECT_EQ(*ReadFile(directory_ / "target"), "untouched");
  EXPECT_THAT(Outcome("accepted/visit-1"), HasSubstr("sub-1"));
  EXPECT_TRUE(std::filesystem::is_symlink(inbox_ / "linked"));
}

TEST_F(InboxTest, RefusesDescriptionsThatAreNone) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"no json", "JSON_INVALID"},
      {"[]", "must be an object"},
      {R"({"dataset": {}, "dataset": {}, "files": []})", "JSON_DUPLICATE_NAME"},
      {R"({"files": [{"kind": "variants", "name": "a"}]})", "dataset"},
      {R"({"dataset": {"identifier": "x"}, "files": [{"kind": "variants", "name": "a"}]})",
       "dataset"},
      {R"({"dataset": {}, "holder": "me", "files": []})", "dataset, files, mode"},
      {R"({"dataset": {}, "mode": "rollback", "files": []})", "must be full, add or follow-up"},
      {R"({"dataset": {}, "files": []})", "files"},
      {R"({"dataset": {}, "files": [{"kind": "secrets", "name": "a"}]})", "files[0].kind"},
      {R"({"dataset": {}, "files": [{"kind": "variants", "name": "../a"}]})", "files[0].name"},
      {R"({"dataset": {}, "files": [{"kind": "variants", "name": "/etc/passwd"}]})",
       "files[0].name"},
      {R"({"dataset": {}, "files": [{"kind": "variants", "name": ".a"}]})", "files[0].name"},
      {R"({"dataset": {}, "files": [{"kind": "variants", "name": "READY"}]})", "files[0].name"},
      {R"({"dataset": {}, "files": [{"kind": "variants", "name": "a"}, {"kind": "consents", "name": "a"}]})",
       "files[1].name"}};
  for (std::size_t i = 0; i < table.size(); ++i) {
    Drop(fmt::format("d{}", i), table[i].first);
    ASSERT_THAT(Poll(), IsOk());
    EXPECT_THAT(Outcome(fmt::format("refused/d{}", i)), HasSubstr(table[i].second))
        << table[i].first;
  }
  EXPECT_THAT(intake_.requests, IsEmpty());
}

TEST_F(InboxTest, SaysThatThereIsNoInbox) {
  std::filesystem::remove(inbox_);
  EXPECT_THAT(Poll(), HasReason("INBOX_MISSING"));
}

}  // namespace
}  // namespace genofed::onboarding
