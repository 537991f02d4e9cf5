// SPDX-License-Identifier: Apache-2.0
//
// Stage-in against services in this process that answer as consent and onboarding do.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "genofed/access/v1/access.grpc.pb.h"
#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/onboarding/v1/onboarding.grpc.pb.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/file.h"
#include "libs/objects/local_store.h"
#include "libs/testing/temporary_directory.h"
#include "services/spe/adapters/site_peers.h"
#include "services/spe/adapters/subprocess.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;
namespace cv = genofed::consent::v1;
namespace ov = genofed::onboarding::v1;

constexpr const char* kPseudonyms[] = {"00000000000000000000000000000001",
                                       "00000000000000000000000000000002",
                                       "00000000000000000000000000000003"};

class FakeConsent final : public cv::ConsentService::Service, public cv::KeyService::Service {
 public:
  grpc::Status GetCohort(grpc::ServerContext*, const cv::GetCohortRequest* request,
                         cv::GetCohortResponse* response) override {
    permission = request->permission();
    response->set_rows(3);
    response->set_permitted(permitted);
    for (const char* pseudonym : kPseudonyms) response->add_pseudonyms(pseudonym);
    return grpc::Status::OK;
  }
  grpc::Status ReleaseHeaders(grpc::ServerContext*, const cv::ReleaseHeadersRequest* request,
                              cv::ReleaseHeadersResponse* response) override {
    release = *request;
    const auto recipient = crypt4gh::PublicKey::FromRaw(request->recipient());
    for (const std::string& object : request->objects()) {
      response->add_headers(*crypt4gh::Reencrypt(headers[object], key, *recipient, random));
    }
    return grpc::Status::OK;
  }

  SystemRandom random;
  const crypt4gh::SecretKey key = crypt4gh::SecretKey::Generate(random);
  std::map<std::string, std::string> headers;
  std::string permitted = std::string(1, '\x05');  // rows 0 and 2
  cv::ReleaseHeadersRequest release;
  common::v1::Permission permission = common::v1::PERMISSION_UNSPECIFIED;
};

class FakeOnboarding final : public ov::OnboardingService::Service {
 public:
  grpc::Status ListObjects(grpc::ServerContext*, const ov::ListObjectsRequest*,
                           ov::ListObjectsResponse* response) override {
    *response = objects;
    if (then) objects = *std::exchange(then, std::nullopt);
    return grpc::Status::OK;
  }
  ov::ListObjectsResponse objects;
  std::optional<ov::ListObjectsResponse> then;  // from the second time on
};

class FakeAccess final : public genofed::access::v1::DecisionService::Service {
 public:
  grpc::Status GetApproval(grpc::ServerContext*,
                           const genofed::access::v1::GetApprovalRequest* request,
                           genofed::access::v1::GetApprovalResponse* response) override {
    response->set_token("fresh-token-for-" + request->application());
    return grpc::Status::OK;
  }
};

class CohortSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(data_);
    bodies_ = *objects::LocalStore::Open(data_ / "objects");
    fs::create_directories(stage_);
    AddGenotypes("g1", 0, 3);
    const std::string table = fmt::format(
        "pseudonym\tsex\tage_years\tterms\n{}\tFEMALE\t30\tHP:0001250;HP:0002133\n"
        "{}\tUNKNOWN_SEX\t\t\n{}\tMALE\t\t\n",
        kPseudonyms[0], kPseudonyms[1], kPseudonyms[2]);
    ASSERT_TRUE(WriteFileAtomically(data_ / "plain.tsv", table).ok());
    Add("p1", "phenotypes", data_ / "plain.tsv");

    grpc::ServerBuilder builder;
    builder.RegisterService(static_cast<cv::ConsentService::Service*>(&consent_));
    builder.RegisterService(static_cast<cv::KeyService::Service*>(&consent_));
    builder.RegisterService(&onboarding_);
    builder.RegisterService(&access_);
    server_ = builder.BuildAndStart();
    rpc::ChannelSource source;
    source.channel = [this] { return server_->InProcessChannel(grpc::ChannelArguments()); };
    source.peer = "test";
    source_ = MakeCohortSource(source, source, source, *bodies_, random_);
    order_.id = "task-1";
    order_.dataset = {"GOE-FI-A-1", 1};
    order_.ledger_index = 7;
    order_.approval = "token";
    order_.application = "app-1";
    workflow_.reads_genotypes = true;
    workflow_.reads_phenotypes = true;
  }

  // The genotypes of some rows.
  void AddGenotypes(const std::string& id, int first_row, int rows) {
    std::string vcf =
        "##fileformat=VCFv4.2\n##contig=<ID=chr20,length=64444167>\n"
        "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#"
        "CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
    for (int row = first_row; row < first_row + rows; ++row)
      vcf += std::string("\t") + kPseudonyms[static_cast<std::size_t>(row)];
    vcf += "\n";
    // Enough records to pass the buffer of a pipe, so that giving up early matters.
    for (int i = 1; i <= 20000; ++i) {
      vcf += fmt::format("chr20\t{}\t.\tA\tG\t.\tPASS\t.\tGT", i * 10);
      for (int row = first_row; row < first_row + rows; ++row)
        vcf += row == 0 ? "\t0/1" : row == 1 ? "\t1/1" : "\t0/0";
      vcf += "\n";
    }
    // One that only row 1 carries, who permits nothing.
    vcf += "chr20\t300000\t.\tC\tT\t.\tPASS\t.\tGT";
    for (int row = first_row; row < first_row + rows; ++row) vcf += row == 1 ? "\t0/1" : "\t0/0";
    vcf += "\n";
    std::ofstream(data_ / "plain.vcf") << vcf;
    Add(id, "genotypes", data_ / "plain.vcf");
    auto* object = onboarding_.objects.mutable_objects(onboarding_.objects.objects_size() - 1);
    object->set_first_row(first_row);
    object->set_rows(rows);
  }

  void Add(const std::string& id, const std::string& role, const fs::path& plain) {
    const crypt4gh::PublicKey recipients[] = {consent_.key.public_key()};
    const auto manifest = crypt4gh::EncryptFile(plain, data_ / "objects" / id, recipients, random_);
    ASSERT_TRUE(manifest.ok()) << Describe(manifest.status());
    fs::remove(plain);
    consent_.headers[id] = manifest->header;
    auto* object = onboarding_.objects.add_objects();
    object->set_id(id);
    object->set_role(role);
    object->set_body(id);
    object->set_plain_size(static_cast<std::int64_t>(manifest->plain_size));
    object->set_plain_sha256(HexEncode(manifest->plain_sha256));
    object->set_body_size(static_cast<std::int64_t>(manifest->body_size));
    object->set_body_sha256(HexEncode(manifest->body_sha256));
  }
  Result<StagedCohort> Stage() {
    return source_->Stage(Context::Background(), order_, workflow_, stage_);
  }

  genofed::testing::TemporaryDirectory directory_;
  const fs::path data_ = directory_.path() / "data";
  const fs::path stage_ = directory_.path() / "stage";
  SystemRandom random_;
  FakeConsent consent_;
  FakeOnboarding onboarding_;
  FakeAccess access_;
  std::unique_ptr<objects::LocalStore> bodies_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CohortSource> source_;
  TaskOrder order_;
  Workflow workflow_;
};

TEST_F(CohortSourceTest, StagesThePermittedPeopleAndNobodyElse) {
  const auto staged = Stage();
  ASSERT_TRUE(staged.ok()) << Describe(staged.status());
  EXPECT_EQ(staged->individuals, 2);
  ASSERT_EQ(staged->inputs.size(), 2U);
  EXPECT_EQ(ReadFile(stage_ / "phenotypes.tsv").value(),
            std::string("pseudonym\tsex\tage_years\tterms\n") + kPseudonyms[0] +
                "\tFEMALE\t30\tHP:0001250;HP:0002133\n" + kPseudonyms[2] + "\tMALE\t\t\n");
  const auto samples = RunProgram({"bcftools", "query", "-l", (stage_ / "cohort.vcf.gz").string()},
                                  std::chrono::minutes(1));
  if (samples.ok()) {
    EXPECT_EQ(samples->output, fmt::format("{}\n{}\n", kPseudonyms[0], kPseudonyms[2]));
    const auto last = RunProgram({"bcftools", "query", "-e", "POS<200000", "-f",
                                  "%POS %AC %AN[ %GT]\\n", (stage_ / "cohort.vcf.gz").string()},
                                 std::chrono::minutes(1));
    EXPECT_EQ(last->output, "200000 1 4 0/1 0/0\n");
  }
  // Nothing else is left in the directory, and the person without permission is nowhere in it.
  int files = 0;
  for (const auto& entry : fs::directory_iterator(stage_)) {
    ++files;
    const auto plain = RunProgram({"zgrep", "-c", "-a", kPseudonyms[1], entry.path().string()},
                                  std::chrono::minutes(1));
    ASSERT_TRUE(plain.ok());
    EXPECT_EQ(Trim(plain->output), "0") << entry.path();
    struct stat info {};
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0444U);
  }
  EXPECT_EQ(files, 2);

  EXPECT_EQ(consent_.permission, common::v1::PERMISSION_SECONDARY_USE);
  EXPECT_EQ(consent_.release.ledger_index(), 7);
  EXPECT_EQ(consent_.release.approval(), "fresh-token-for-app-1");
  const std::string first = consent_.release.recipient();
  fs::remove_all(stage_);
  fs::create_directories(stage_);
  ASSERT_TRUE(Stage().ok());
  EXPECT_NE(consent_.release.recipient(), first);  // a key for each stage-in
}

TEST_F(CohortSourceTest, PeopleOfSeveralSegmentsStandInOneFile) {
  onboarding_.objects.mutable_objects()->DeleteSubrange(0, 1);
  AddGenotypes("g2", 0, 2);
  AddGenotypes("g3", 2, 1);
  ASSERT_TRUE(Stage().ok());
  const auto records = RunProgram({"bcftools", "query", "-H", "-e", "POS<200000", "-f",
                                   "%POS %AC %AN[ %GT]\n", (stage_ / "cohort.vcf.gz").string()},
                                  std::chrono::minutes(1));
  if (!records.ok()) GTEST_SKIP() << "needs bcftools";
  EXPECT_NE(records->output.find("200000 1 4 0/1 0/0\n"), std::string::npos) << records->output;
  EXPECT_EQ(records->output.find("300000"), std::string::npos) << records->output;
  EXPECT_LT(records->output.find(kPseudonyms[0]), records->output.find(kPseudonyms[2]));
  EXPECT_EQ(std::distance(fs::directory_iterator(stage_), fs::directory_iterator()), 2);
}

// Row 1 was a batch of its own, of somebody who was forgotten.
TEST_F(CohortSourceTest, RowsOfForgottenPeopleMayHaveNoObject) {
  onboarding_.objects.mutable_objects()->DeleteSubrange(0, 1);
  AddGenotypes("g2", 0, 1);
  AddGenotypes("g3", 2, 1);
  EXPECT_TRUE(Stage().ok());
}

TEST_F(CohortSourceTest, RowsWithoutGenotypesAreRefused) {
  onboarding_.objects.mutable_objects(0)->set_rows(2);
  EXPECT_EQ(Reason(Stage().status()), "DATASET_SHAPE");
  onboarding_.objects.mutable_objects(0)->set_first_row(1);
  EXPECT_EQ(Reason(Stage().status()), "DATASET_SHAPE");
}

TEST_F(CohortSourceTest, ReleasesNoKeysWhenNobodyPermits) {
  consent_.permitted = std::string(1, '\0');
  const auto staged = Stage();
  ASSERT_TRUE(staged.ok());
  EXPECT_EQ(staged->individuals, 0);
  EXPECT_EQ(consent_.release.objects_size(), 0);
  EXPECT_TRUE(fs::is_empty(stage_));
}

TEST_F(CohortSourceTest, RefusesChangedAndMissingObjects) {
  {
    std::fstream body(data_ / "objects" / "g1", std::ios::in | std::ios::out | std::ios::binary);
    body.seekp(100000);
    body.put('x');
    body.put('y');
  }
  EXPECT_EQ(Stage().status().code(), StatusCode::kDataLoss);
  EXPECT_FALSE(fs::exists(stage_ / "cohort.vcf.gz"));

  fs::resize_file(data_ / "objects" / "g1", 65564);  // one segment: a dropped tail
  EXPECT_EQ(Stage().status().code(), StatusCode::kDataLoss);
  EXPECT_FALSE(fs::exists(stage_ / "cohort.vcf.gz"));

  onboarding_.objects.mutable_objects(0)->set_body("../../etc/passwd");
  EXPECT_EQ(Reason(Stage().status()), "OBJECT_NAME_INVALID");
  onboarding_.objects.mutable_objects(0)->set_body("g9");
  EXPECT_EQ(Reason(Stage().status()), "OBJECT_NOT_FOUND");
  onboarding_.objects.mutable_objects(0)->set_role("other");
  EXPECT_EQ(Reason(Stage().status()), "DATASET_SHAPE");
}

TEST_F(CohortSourceTest, WhatWasWrittenAnewMeanwhileIsReadAgain) {
  onboarding_.then = onboarding_.objects;
  onboarding_.objects.mutable_objects(0)->set_id("g0");
  onboarding_.objects.mutable_objects(0)->set_body("g0");  // which is gone
  consent_.headers["g0"] = consent_.headers["g1"];
  const auto first = Stage();
  EXPECT_EQ(Reason(first.status()), "OBJECTS_REPLACED");
  EXPECT_EQ(first.status().code(), StatusCode::kUnavailable) << "a task waits and tries again";
  EXPECT_TRUE(Stage().ok());
}

TEST_F(CohortSourceTest, RefusesAnInconsistentCohort) {
  consent_.permitted = "";
  EXPECT_EQ(Reason(Stage().status()), "DATASET_SHAPE");
}

}  // namespace
}  // namespace genofed::spe
