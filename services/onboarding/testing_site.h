// SPDX-License-Identifier: Apache-2.0
//
// The service over a real database and disk, for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/file.h"
#include "libs/crypto/hash.h"
#include "libs/objects/local_store.h"
#include "libs/testing/fakes.h"
#include "libs/testing/temporary_directory.h"
#include "libs/testing/temporary_postgres.h"
#include "services/onboarding/adapters/disk_upload_files.h"
#include "services/onboarding/adapters/sql_submission_store.h"
#include "services/onboarding/app/files.h"
#include "services/onboarding/app/pipeline.h"
#include "services/onboarding/app/submissions.h"
#include "services/onboarding/testing_peers.h"

namespace genofed::onboarding {
extern const EmbeddedFile kMigrations[];

namespace test {

// A directory in memory where possible: the pipeline syncs many small files.
class MemoryDirectory {
 public:
  MemoryDirectory() {
    auto base = ::access("/dev/shm", W_OK) == 0 ? std::filesystem::path("/dev/shm")
                                                : std::filesystem::temp_directory_path();
    std::string pattern = (base / "genofed-onboarding-XXXXXX").string();
    GF_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  MemoryDirectory(const MemoryDirectory&) = delete;
  MemoryDirectory& operator=(const MemoryDirectory&) = delete;
  ~MemoryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// What a holder hands over.
struct Files {
  std::string variants;
  std::string clinical;
  std::string consents;
  std::map<std::pair<FileKind, std::string>, std::string> more = {};  // by kind and name
};

class SiteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("onboarding"));
    ASSERT_TRUE(database_->Migrate(kMigrations).ok());
    store_ = std::make_unique<SqlSubmissionStore>(*database_);
    submissions_ = std::make_unique<Submissions>(*store_, uploads_, clock_, random_, Submissions::Options{"FI"},
                                                 [this] { ++started_; });
    ASSERT_TRUE(MakeDirectory(layout_.root()).ok());
    bodies_ = *objects::LocalStore::Open(layout_.Objects());
    MakePipeline("");
    ctx_ = As("anna", {"holder"});
  }

  void MakePipeline(std::filesystem::path reference) {
    pipeline_ = std::make_unique<Pipeline>(layout_, uploads_, *bodies_, consent_, publisher_, clock_, random_, metrics_,
                                           Pipeline::Options{std::move(reference), {}, {}, report_key_,
                                                             intake_key_.public_key()});
    ASSERT_TRUE(pipeline_->EmptyScratch().ok());
  }

  static Context As(std::string subject, std::vector<std::string> roles, std::string organisation = "") {
    Principal principal;
    principal.workload = {"fi", "gateway"};
    principal.user.emplace();
    principal.user->issuer = "https://idp.example";
    principal.user->subject = std::move(subject);
    principal.user->organisation = std::move(organisation);
    principal.user->roles = std::move(roles);
    return Context::Background().WithPrincipal(principal);
  }

  static Description Dataset(std::string id = "GOE-FI-HEART-1", std::string assembly = "GRCh38") {
    Description description;
    description.id = std::move(id);
    description.title = description.description = description.publisher = "Heart cohort";
    description.contact_email = "data@example.org";
    description.assembly = std::move(assembly);
    return description;
  }

  void Upload(const std::string& id, const FileRef& file, const std::string& content) {
    for (std::size_t at = 0; at < content.size(); at += kMaxChunkBytes) {
      auto size = submissions_->PutChunk(ctx_, id, file, static_cast<std::int64_t>(at),
                                         std::string_view(content).substr(at, kMaxChunkBytes));
      ASSERT_TRUE(size.ok()) << Describe(size.status());
    }
    Status sealed = submissions_->Seal(ctx_, id, file, static_cast<std::int64_t>(content.size()),
                                       HexEncode(crypto::Sha256(content)));
    ASSERT_TRUE(sealed.ok()) << Describe(sealed);
  }

  // Creates, uploads and starts a submission; empty files are not sent.
  std::string Submit(const Files& files, Description dataset = Dataset(), Mode mode = Mode::kFull,
                     std::int32_t target_version = 0) {
    const std::string reason = MakesVersion(mode) ? "" : "because";
    auto created = submissions_->Create(
        ctx_, {std::move(dataset), "key-" + std::to_string(++keys_), mode, target_version, reason});
    EXPECT_TRUE(created.ok()) << Describe(created.status());
    if (!created.ok()) return "";
    for (const auto& [kind, content] : {std::pair(FileKind::kVariants, files.variants),
                                        std::pair(FileKind::kClinical, files.clinical),
                                        std::pair(FileKind::kConsents, files.consents)}) {
      if (!content.empty()) Upload(created->id, {kind, ""}, content);
    }
    for (const auto& [file, content] : files.more) Upload(created->id, {file.first, file.second}, content);
    auto started = submissions_->Start(ctx_, created->id);
    EXPECT_TRUE(started.ok()) << Describe(started.status());
    return created->id;
  }

  // One attempt of a worker, as sql::LeaseLoop makes it. `crash_` may cut it short; then the lease stays open, as
  // after kill -9.
  Status RunOnce() {
    auto background = Context::Background();
    auto leases = database_->Transact(background, [&](sql::Tx& tx) { return leases_.Claim(tx, "test", 1); });
    if (!leases.ok()) return leases.status();
    if (leases->empty()) return Error(StatusCode::kNotFound, "NO_WORK", "nothing to do");
    SqlRunStore run(*database_, leases_, leases->front());
    MortalRunStore mortal(run, crash_);
    Status status = pipeline_->Run(background.WithStop(crash_.token()), mortal);
    if (crash_.fired()) return status;
    Status settled = database_->Transact(background, [&](sql::Tx& tx) {
      return status.ok() ? leases_.Complete(tx, leases->front()) : leases_.Defer(tx, leases->front(), {});
    });
    EXPECT_TRUE(settled.ok()) << Describe(settled);
    return status;
  }

  // The lease of a dead worker runs out.
  void ExpireLeases() {
    ASSERT_TRUE(database_->Transact(Context::Background(), [](sql::Tx& tx) {
                  return tx.Exec("UPDATE jobs SET lease_until = now() - interval '1 second' "
                                 "WHERE lease_until IS NOT NULL").status();
                }).ok());
  }

  Submission Find(const std::string& id) { return *store_->Find(Context::Background(), id); }

  std::string Decrypt(const ObjectRecord& object) {
    crypt4gh::Manifest manifest;
    manifest.plain_size = static_cast<std::uint64_t>(object.plain_size);
    manifest.body_size = static_cast<std::uint64_t>(object.body_size);
    manifest.plain_sha256 = *HexDecode(object.plain_sha256);
    manifest.body_sha256 = *HexDecode(object.body_sha256);
    auto plain = std::make_shared<std::string>();
    auto decryptor = crypt4gh::Decryptor::Create(consent_.headers[object.id], consent_.key(), manifest,
                                                 [plain](std::string_view bytes) {
                                                   plain->append(bytes);
                                                   return absl::OkStatus();
                                                 });
    EXPECT_TRUE(decryptor.ok()) << Describe(decryptor.status());
    Status read = bodies_->Read(Context::Background(), BodyName(object.id), 0, objects::kToEnd,
                                [&](std::string_view bytes) { return decryptor->Push(bytes); });
    EXPECT_TRUE(read.ok()) << Describe(read);
    auto whole = decryptor->Finish();
    EXPECT_TRUE(whole.ok()) << Describe(whole.status());
    return *plain;
  }

  // Objects by role.
  std::map<std::string, ObjectRecord> Published(const std::string& dataset, std::int32_t version) {
    auto objects = submissions_->Objects(Context::Background(), dataset, version);
    EXPECT_TRUE(objects.ok()) << Describe(objects.status());
    std::map<std::string, ObjectRecord> by_role;
    if (objects.ok()) {
      for (const ObjectRecord& object : *objects) by_role[object.role] = object;
    }
    return by_role;
  }

  // Bodies that belong to no object.
  std::vector<std::string> StrayBodies() {
    std::vector<std::string> stray;
    for (const auto& entry : std::filesystem::directory_iterator(layout_.Objects())) {
      const std::string name = entry.path().filename();
      auto rows = database_->Read(Context::Background(), [&](sql::Tx& tx) {
        return tx.Exec("SELECT 1 FROM objects WHERE id || '.c4gh' = $1", name);
      });
      EXPECT_TRUE(rows.ok()) << Describe(rows.status());
      if (rows.ok() && rows->empty()) stray.push_back(name);
    }
    return stray;
  }

  bool NothingInClear(const std::string& id) {
    return !std::filesystem::exists(layout_.Uploads(id)) && std::filesystem::is_empty(layout_.Scratch());
  }

  MemoryDirectory directory_;
  const Layout layout_{directory_ / "onboarding"};
  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<SqlSubmissionStore> store_;
  std::unique_ptr<objects::LocalStore> bodies_;
  testing::FakeClock clock_;
  SystemRandom random_;
  const crypt4gh::SecretKey intake_key_ = crypt4gh::SecretKey::Generate(random_);
  DiskUploadFiles uploads_{layout_, &intake_key_};
  const crypto::SigningKey report_key_ = *crypto::SigningKey::Generate();
  obs::Metrics metrics_;
  Crash crash_;
  FakeConsent consent_{crash_};
  FakePublisher publisher_{crash_};
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Submissions> submissions_;
  const sql::LeaseTable leases_{kJobs, {.duration = std::chrono::seconds(60)}};
  Context ctx_ = Context::Background();
  int started_ = 0;
  int keys_ = 0;
};

}  // namespace test
}  // namespace genofed::onboarding
