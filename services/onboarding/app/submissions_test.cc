// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/submissions.h"

#include <latch>

#include "libs/crypt4gh/stream.h"
#include "libs/testing/matchers.h"
#include "services/onboarding/testing_site.h"

namespace genofed::onboarding {
namespace {

using ::genofed::testing::HasReason;
using ::genofed::testing::IsOk;

class SubmissionsTest : public test::SiteTest {
 protected:
  std::string Open(const std::string& key = "k") { return submissions_->Create(ctx_, {Dataset(), key})->id; }
  Status SealText(const std::string& id, const std::string& text) {
    return submissions_->Seal(ctx_, id, {FileKind::kConsents, ""}, static_cast<std::int64_t>(text.size()),
                              HexEncode(crypto::Sha256(text)));
  }
  Result<std::int64_t> Put(const std::string& id, std::int64_t offset, std::string_view data) {
    return submissions_->PutChunk(ctx_, id, {FileKind::kConsents, ""}, offset, data);
  }
};

TEST_F(SubmissionsTest, TheSameKeyGivesTheSameSubmission) {
  std::string id = Open("a");
  EXPECT_EQ(Open("a"), id);
  EXPECT_NE(Open("b"), id);
  EXPECT_THAT(submissions_->Create(ctx_, {Dataset("GOE-FI-OTHER-1"), "a"}), HasReason("KEY_REUSED"));
  EXPECT_THAT(submissions_->Create(ctx_, {Dataset(), "with blank"}), HasReason("KEY_INVALID"));
  EXPECT_THAT(submissions_->Create(ctx_, {Dataset("GOE-ES-HEART-1"), "c"}), HasReason("DESCRIPTION_INVALID"));
  // Keys belong to people.
  EXPECT_NE(submissions_->Create(As("bertil", {"holder"}), {Dataset(), "a"})->id, id);
}

TEST_F(SubmissionsTest, PiecesMayRepeatAndOverlapButLeaveNoGap) {
  std::string id = Open();
  EXPECT_EQ(*Put(id, 0, "hello "), 6);
  auto gap = Put(id, 7, "x");
  EXPECT_THAT(gap, HasReason("OFFSET_GAP"));
  EXPECT_EQ(gap.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Fields(gap.status()).at(0).description, "expected 6");
  EXPECT_EQ(*Put(id, 6, "world"), 11);
  EXPECT_EQ(*Put(id, 4, "o w"), 11);
  EXPECT_EQ(*Put(id, 11, ""), 11);
  EXPECT_THAT(Put(id, -1, "x"), HasReason("OFFSET_INVALID"));
  EXPECT_THAT(Put(id, 11, std::string(kMaxChunkBytes + 1, 'x')), HasReason("CHUNK_TOO_LARGE"));
  EXPECT_THAT(Put(id, std::int64_t{64} << 30, "x"), HasReason("FILE_TOO_LARGE"));
  EXPECT_THAT(Put(id, INT64_MAX, "x"), HasReason("FILE_TOO_LARGE"));
  EXPECT_THAT(SealText(id, "hello"), HasReason("SIZE_MISMATCH"));
  EXPECT_THAT(SealText(id, "hello world"), IsOk());
}

TEST_F(SubmissionsTest, DamagedBytesGoAndAShorterFileMayTakeTheirPlace) {
  std::string id = Open();
  ASSERT_THAT(Put(id, 0, "hello World"), IsOk());
  EXPECT_THAT(SealText(id, "hello world"), HasReason("CHECKSUM_MISMATCH"));
  EXPECT_FALSE(std::filesystem::exists(layout_.Upload(id, "consents")));
  EXPECT_THAT(Put(id, 11, "!"), HasReason("OFFSET_GAP"));
  EXPECT_EQ(*Put(id, 0, "hello"), 5);
  EXPECT_THAT(SealText(id, "hello"), IsOk());
}

// Reads nothing before it is told to.
class SlowFiles final : public UploadFiles {
 public:
  explicit SlowFiles(UploadFiles& files) : files_(files) {}
  Status Write(const std::string& submission, const std::string& name, std::int64_t offset,
               std::string_view data) override {
    return files_.Write(submission, name, offset, data);
  }
  Result<std::string> Finish(const Context& ctx, const std::string& submission,
                             const std::string& name, std::int64_t size) override {
    go_.wait();
    return files_.Finish(ctx, submission, name, size);
  }
  Result<bool> CheckEncrypted(const Context& ctx, const std::string& submission,
                              const std::string& name) override {
    return files_.CheckEncrypted(ctx, submission, name);
  }
  Status Open(const Context& ctx, const std::string& submission, const std::string& name) override {
    return files_.Open(ctx, submission, name);
  }
  Status Remove(const std::string& submission, const std::string& name) override {
    return files_.Remove(submission, name);
  }
  void Go() { go_.count_down(); }

 private:
  UploadFiles& files_;
  std::latch go_{1};
};

TEST_F(SubmissionsTest, ALargeFileIsReadForLongerThanACallLasts) {
  SlowFiles slow(uploads_);
  Submissions submissions(*store_, slow, clock_, random_,
                          {.country = "FI", .seal_wait = std::chrono::milliseconds(0)}, [] {});
  const std::string id = submissions.Create(ctx_, {Dataset(), "k"})->id;
  const FileRef file{FileKind::kConsents, ""};
  const std::string sha256 = HexEncode(crypto::Sha256("hello"));
  ASSERT_THAT(submissions.PutChunk(ctx_, id, file, 0, "hello"), IsOk());
  const Context limited = ctx_.WithTimeout(std::chrono::seconds(30));
  const Status begun = submissions.Seal(limited, id, file, 5, sha256);
  EXPECT_THAT(begun, HasReason("FILE_BEING_SEALED"));
  EXPECT_EQ(begun.code(), StatusCode::kUnavailable);
  EXPECT_THAT(submissions.Seal(limited, id, file, 5, sha256), HasReason("FILE_BEING_SEALED"));
  // What was read must be what is sealed, and others do not wait.
  EXPECT_THAT(submissions.PutChunk(ctx_, id, file, 0, "jello"), HasReason("FILE_BEING_SEALED"));
  EXPECT_THAT(submissions.PutChunk(ctx_, id, {FileKind::kClinical, ""}, 0, "x"), IsOk());
  slow.Go();
  EXPECT_THAT(submissions.Seal(ctx_, id, file, 5, sha256), IsOk()) << "without a deadline it waits";
  EXPECT_EQ(*ReadFile(layout_.Upload(id, "consents")), "hello");
  EXPECT_THAT(submissions.Seal(limited, id, file, 5, sha256), IsOk());
}

TEST_F(SubmissionsTest, ASealedFileStaysAsItIs) {
  std::string id = Open();
  ASSERT_THAT(Put(id, 0, "hello"), IsOk());
  ASSERT_THAT(SealText(id, "hello"), IsOk());
  EXPECT_THAT(SealText(id, "hello"), IsOk());
  EXPECT_THAT(SealText(id, "hallo"), HasReason("FILE_SEALED"));
  EXPECT_EQ(*Put(id, 0, "jello"), 5);  // a late repetition is ignored
  EXPECT_EQ(*ReadFile(layout_.Upload(id, "consents")), "hello");
  EXPECT_THAT(Put(id, 5, "!"), HasReason("FILE_SEALED"));
}

TEST_F(SubmissionsTest, BytesThatWereNeverAcknowledgedAreCutOff) {
  std::string id = Open();
  ASSERT_THAT(Put(id, 0, "hello"), IsOk());
  // As if the process had died between the write and its record.
  ASSERT_THAT(uploads_.Write(id, "consents", 5, " world"), IsOk());
  EXPECT_THAT(SealText(id, "hello"), IsOk());
  EXPECT_EQ(*ReadFile(layout_.Upload(id, "consents")), "hello");
}

TEST_F(SubmissionsTest, StartsOnceAllFilesAreSealedAndOnlyOnce) {
  std::string id = Open();
  auto early = submissions_->Start(ctx_, id);
  EXPECT_THAT(early, HasReason("FILE_NOT_SEALED"));
  EXPECT_EQ(Fields(early.status()).size(), 3u);
  for (FileKind kind : kFileKinds) {
    if (NeedsFile(Mode::kFull, kind)) Upload(id, {kind, ""}, "x");
  }
  EXPECT_EQ(submissions_->Start(ctx_, id)->state, State::kQueued);
  EXPECT_EQ(submissions_->Start(ctx_, id)->state, State::kQueued);
  EXPECT_EQ(started_, 1);
  EXPECT_THAT(Put(id, 1, "y"), HasReason("FILE_SEALED"));
}

TEST_F(SubmissionsTest, ASubmissionExistsForItsHolderAndForThoseWhoOversee) {
  std::string id = Open();
  Context other = As("bertil", {"holder"});
  EXPECT_THAT(submissions_->Get(other, id), HasReason("SUBMISSION_UNKNOWN"));
  EXPECT_THAT(submissions_->PutChunk(other, id, {FileKind::kConsents, ""}, 0, "x"), HasReason("SUBMISSION_UNKNOWN"));
  EXPECT_THAT(submissions_->Seal(other, id, {FileKind::kConsents, ""}, 1, std::string(64, 'a')),
              HasReason("SUBMISSION_UNKNOWN"));
  EXPECT_THAT(submissions_->Start(other, id), HasReason("SUBMISSION_UNKNOWN"));
  EXPECT_EQ(submissions_->List(other)->size(), 0u);
  EXPECT_EQ(submissions_->List(ctx_)->size(), 1u);
  EXPECT_EQ(submissions_->List(As("carl", {"ncp"}))->size(), 1u);
  EXPECT_THAT(submissions_->Get(As("dora", {"operator"}), id), IsOk());
  // Overseeing is not uploading.
  EXPECT_THAT(submissions_->PutChunk(As("carl", {"ncp", "holder"}), id, {FileKind::kConsents, ""}, 0, "x"),
              HasReason("SUBMISSION_UNKNOWN"));
  EXPECT_THAT(submissions_->Get(ctx_, "../../etc"), HasReason("SUBMISSION_UNKNOWN"));
}

TEST_F(SubmissionsTest, WhatIsLeftOpenExpiresAndItsFilesGo) {
  std::string old = Open("old");
  ASSERT_THAT(Put(old, 0, "clear text"), IsOk());
  clock_.Advance(kOpenLifetime + std::chrono::hours(1));
  std::string fresh = Open("new");
  ASSERT_THAT(Put(fresh, 0, "clear text"), IsOk());
  ASSERT_THAT(submissions_->ExpireOpen(Context::Background()), IsOk());
  ASSERT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(old).state, State::kRejected);
  EXPECT_FALSE(std::filesystem::exists(layout_.Uploads(old)));
  EXPECT_THAT(Put(old, 10, "x"), HasReason("SUBMISSION_NOT_OPEN"));
  EXPECT_EQ(Find(fresh).state, State::kOpen);
  EXPECT_TRUE(std::filesystem::exists(layout_.Uploads(fresh)));
}

TEST_F(SubmissionsTest, OpenSubmissionsAreLimited) {
  for (int i = 0; i < 20; ++i) ASSERT_FALSE(Open("k" + std::to_string(i)).empty());
  EXPECT_THAT(submissions_->Create(ctx_, {Dataset(), "one-more"}), HasReason("TOO_MANY_SUBMISSIONS"));
  EXPECT_THAT(submissions_->Create(ctx_, {Dataset(), "k3"}), IsOk());
}

TEST_F(SubmissionsTest, FilesHaveNamesOfTheirOwn) {
  std::string id = Open();
  const FileRef fhir{FileKind::kClinical, "fhir.ndjson"};
  ASSERT_THAT(submissions_->PutChunk(ctx_, id, fhir, 0, "{}"), IsOk());
  ASSERT_THAT(submissions_->PutChunk(ctx_, id, {FileKind::kClinical, ""}, 0, "{}\n"), IsOk());
  ASSERT_THAT(submissions_->PutChunk(ctx_, id, {FileKind::kVariants, "a b.vcf"}, 0, "##"), IsOk());
  EXPECT_THAT(submissions_->PutChunk(ctx_, id, {FileKind::kConsents, "fhir.ndjson"}, 2, "x"), HasReason("NAME_TAKEN"));
  EXPECT_THAT(submissions_->Seal(ctx_, id, {FileKind::kConsents, "fhir.ndjson"}, 2, std::string(64, '0')),
              HasReason("NAME_TAKEN"));
  for (const char* name : {"../x", "a/b", "a\\b", ".hidden", "-rf", "a\nb", "\xff", "/etc/passwd"}) {
    EXPECT_THAT(submissions_->PutChunk(ctx_, id, {FileKind::kClinical, name}, 0, "x"), HasReason("FILE_NAME_INVALID"))
        << name;
  }
  EXPECT_THAT(submissions_->PutChunk(ctx_, id, {FileKind::kClinical, std::string(129, 'n')}, 0, "x"),
              HasReason("FILE_NAME_INVALID"));
  auto files = submissions_->Files(ctx_, id);
  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(files->size(), 3u);
  EXPECT_EQ(files->at(0).name, "a b.vcf");
  EXPECT_EQ(files->at(1).name, "clinical");
  EXPECT_EQ(files->at(1).size, 3);
  EXPECT_EQ(files->at(2).name, "fhir.ndjson");
  EXPECT_FALSE(files->at(2).sealed);
  // Every file that was begun must be finished, also one that is not needed.
  EXPECT_EQ(Fields(submissions_->Start(ctx_, id).status()).back().field, "fhir.ndjson");
  EXPECT_THAT(submissions_->Files(As("bertil", {"holder"}), id), HasReason("SUBMISSION_UNKNOWN"));
}

TEST_F(SubmissionsTest, FilesOfThisMachineAreSubmittedAtOnceAndOnlyOnce) {
  std::vector<LocalFile> files;
  for (FileKind kind : {FileKind::kVariants, FileKind::kClinical, FileKind::kConsents}) {
    const auto path = directory_ / std::string(KindName(kind));
    ASSERT_THAT(WriteFileAtomically(path, KindName(kind)), IsOk());
    files.push_back({{kind, "the " + std::string(KindName(kind))}, path});
  }
  auto submitted = submissions_->Submit(ctx_, {Dataset(), "inbox-1"}, files);
  ASSERT_THAT(submitted, IsOk());
  EXPECT_EQ(submitted->state, State::kQueued);
  EXPECT_EQ(submissions_->Submit(ctx_, {Dataset(), "inbox-1"}, files)->id, submitted->id);
  EXPECT_EQ(started_, 1);
  EXPECT_EQ(*ReadFile(layout_.Upload(submitted->id, "the clinical")), "clinical");
  files.push_back({{FileKind::kMapping, ""}, directory_ / "missing"});
  EXPECT_THAT(submissions_->Submit(ctx_, {Dataset(), "inbox-2"}, files), HasReason("FILE_FAILED"));
}

class EncryptedUploadTest : public SubmissionsTest {
 protected:
  // Header and body, as any Crypt4GH tool writes them.
  std::string Encrypt(const std::string& clear, const crypt4gh::PublicKey& recipient) {
    std::string body;
    auto encryptor = *crypt4gh::Encryptor::Create({&recipient, 1}, random_, [&](std::string_view bytes) {
      body.append(bytes);
      return absl::OkStatus();
    });
    EXPECT_THAT(encryptor.Push(clear), IsOk());
    EXPECT_THAT(encryptor.Finish(), IsOk());
    return encryptor.header() + body;
  }
  const FileRef file_{FileKind::kClinical, "people.csv.c4gh"};
  const UploadedFile opened_{FileKind::kClinical, "people.csv.c4gh", 0, true, "", true};
};

TEST_F(EncryptedUploadTest, RestsEncryptedUntilTheWorkBegins) {
  std::string clear;
  for (int i = 0; i < 20'000; ++i) clear += fmt::format("P{},HP:0001250\n", i);
  const std::string id = Open();
  Upload(id, file_, Encrypt(clear, intake_key_.public_key()));
  EXPECT_FALSE(std::filesystem::exists(layout_.Input(id, opened_)));
  ASSERT_THAT(uploads_.Open(ctx_, id, file_.name), IsOk());
  EXPECT_EQ(*ReadFile(layout_.Input(id, opened_)), clear);
  const auto files = submissions_->Files(ctx_, id);
  ASSERT_EQ(files->size(), 1u);
  EXPECT_TRUE(files->front().crypt4gh);
  EXPECT_GT(files->front().size, static_cast<std::int64_t>(clear.size()));
}

TEST_F(EncryptedUploadTest, OneThatCannotBeOpenedLeavesNothingAndStartsAgain) {
  const auto other = crypt4gh::SecretKey::Generate(random_).public_key();
  const std::string good = Encrypt(std::string(200'000, 'x'), intake_key_.public_key());
  std::string changed = good, cut = good, header = good.substr(0, 60), version = good;
  changed[changed.size() - 100] ^= 1;  // in the last of four segments
  cut.resize(cut.size() - 5);
  version[8] = 9;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Encrypt("x", other), "CRYPT4GH_NOT_A_RECIPIENT"}, {changed, "CRYPT4GH_SEGMENT_INVALID"},
      {cut, "CRYPT4GH_SEGMENT_INVALID"},                 {header, "CRYPT4GH_HEADER_INCOMPLETE"},
      {version, "CRYPT4GH_UNSUPPORTED"}};
  const std::string id = Open();
  for (const auto& [content, reason] : cases) {
    SCOPED_TRACE(reason);
    ASSERT_THAT(submissions_->PutChunk(ctx_, id, file_, 0, content), IsOk());
    Status sealed = submissions_->Seal(ctx_, id, file_, static_cast<std::int64_t>(content.size()),
                                       HexEncode(crypto::Sha256(content)));
    EXPECT_THAT(sealed, HasReason(reason));
    EXPECT_EQ(sealed.code(), StatusCode::kFailedPrecondition);
    EXPECT_TRUE(submissions_->Files(ctx_, id)->empty());
    EXPECT_FALSE(std::filesystem::exists(layout_.Upload(id, file_.name)));
    EXPECT_FALSE(std::filesystem::exists(layout_.Input(id, opened_)));
  }
  // Damaged under way is another thing than made wrong.
  ASSERT_THAT(submissions_->PutChunk(ctx_, id, file_, 0, changed), IsOk());
  EXPECT_THAT(submissions_->Seal(ctx_, id, file_, static_cast<std::int64_t>(good.size()),
                                 HexEncode(crypto::Sha256(good))),
              HasReason("CHECKSUM_MISMATCH"));
  Upload(id, file_, good);
  ASSERT_THAT(uploads_.Open(ctx_, id, file_.name), IsOk());
  EXPECT_EQ(ReadFile(layout_.Input(id, opened_))->size(), 200'000u);
}

TEST_F(EncryptedUploadTest, WithoutAKeyItIsRefused) {
  DiskUploadFiles keyless(layout_, nullptr);
  ASSERT_THAT(keyless.Write("sub-x", "f", 0, Encrypt("x", intake_key_.public_key())), IsOk());
  EXPECT_THAT(keyless.CheckEncrypted(ctx_, "sub-x", "f"), HasReason("CRYPT4GH_NO_KEY"));
}

}  // namespace
}  // namespace genofed::onboarding
