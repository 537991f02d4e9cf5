// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/objects.h"

#include <gtest/gtest.h>

#include <memory>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/key_file.h"
#include "libs/crypt4gh/stream.h"
#include "libs/genomics/subset.h"
#include "libs/objects/local_store.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::onboarding {
namespace {

using testing::HasReason;
using testing::IsOk;

class FakeGate final : public ReaderGate {
 public:
  Status Judge(const Context&, const ReaderQuestion&, const std::string& passport) override {
    return passport == "good" ? absl::OkStatus()
                              : Error(StatusCode::kPermissionDenied, "PASSPORT_REFUSED", "no");
  }
  Status Check(const Context&, const ReaderQuestion& question, const std::string& access) override {
    ++checks;
    asked = question.object + " " + question.peer + " " + access;
    return answer;
  }
  Result<std::string> IndexHeader(const Context&, const ReaderQuestion& index, const std::string&,
                                  const std::string& recipient) override {
    if (!answer.ok()) return answer;
    return crypt4gh::Reencrypt(headers.at(index.object), key,
                               *crypt4gh::PublicKey::FromRaw(recipient), random);
  }
  SystemRandom random;
  crypt4gh::SecretKey key = crypt4gh::SecretKey::Generate(random);
  std::map<std::string, std::string> headers;
  Status answer;
  std::string asked;
  int checks = 0;
};

class FakeObjects final : public PublishedObjects {
 public:
  Result<PublishedObject> Find(const Context&, const std::string& id) override {
    if (!objects.contains(id)) return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "no");
    return objects.at(id);
  }
  Result<std::vector<PublishedObject>> FindDataset(const Context&, const std::string& dataset,
                                                   std::int32_t version) override {
    asked_version = version;
    std::vector<PublishedObject> found;
    for (const auto& [id, object] : objects) {
      if (object.dataset == dataset) found.push_back(object);
    }
    if (found.empty()) return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "no");
    return found;
  }
  Result<PublishedObject> FindQuarantine(const Context&, const std::string& submission) override {
    if (submission != quarantine.record.submission) return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "no");
    return quarantine;
  }
  PublishedObject quarantine;
  Result<ObjectRecord> FindBeside(const Context&, const PublishedObject&,
                                  const std::string& role) override {
    for (const auto& [id, object] : objects) {
      if (object.record.role == role) return object.record;
    }
    return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "no");
  }
  std::map<std::string, PublishedObject> objects;
  std::int32_t asked_version = -1;
};

class ObjectsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string vcf =
        "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=100000>\n"
        "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n";
    for (int pos = 1; pos <= 90'000; pos += 9)
      vcf += "chr1\t" + std::to_string(pos) + "\t.\tA\tC\t.\tPASS\t.\tGT\t0/1\n";
    ASSERT_THAT(WriteFileAtomically(directory_ / "in.vcf", vcf), IsOk());
    const std::vector<genomics::SampleRename> keep = {{"S", "P"}};
    ASSERT_THAT(genomics::SubsetVcf(directory_ / "in.vcf", keep, directory_ / "g.vcf.gz"), IsOk());
    ASSERT_THAT(genomics::BuildVcfIndex(directory_ / "g.vcf.gz", directory_ / "g.csi"), IsOk());
    clear_ = *ReadFile(directory_ / "g.vcf.gz");
    Seal("obj-1", "genotypes", clear_);
    Seal("obj-2", "index", *ReadFile(directory_ / "g.csi"));
    Seal("obj-3", "phenotypes", "pseudonym\n");
  }

  void Seal(const std::string& id, const std::string& role, const std::string& clear) {
    std::string body;
    const auto recipient = gate_.key.public_key();
    auto encryptor =
        crypt4gh::Encryptor::Create({&recipient, 1}, random_, [&body](std::string_view bytes) {
          body.append(bytes);
          return absl::OkStatus();
        });
    ASSERT_THAT(encryptor->Push(clear), IsOk());
    const auto manifest = *encryptor->Finish();
    Put(id, body);
    PublishedObject object{{}, "GOE-FI-A-1", 1, {"https://idp.example", "anna", ""}};
    object.record.id = id;
    object.record.role = role;
    object.record.plain_size = static_cast<std::int64_t>(manifest.plain_size);
    object.record.body_size = static_cast<std::int64_t>(manifest.body_size);
    object.record.plain_sha256 = HexEncode(manifest.plain_sha256);
    object.record.body_sha256 = HexEncode(manifest.body_sha256);
    published_.objects[id] = object;
    gate_.headers[id] = manifest.header;
  }

  std::string Body(const std::string& id) {
    return *objects::ReadObject(Context::Background(), *store_, BodyName(id), 0, objects::kToEnd);
  }
  // Replaces the body of an object.
  void Put(const std::string& id, std::string_view body) {
    const Context ctx = Context::Background();
    ASSERT_THAT(store_->Remove(ctx, BodyName(id)), IsOk());
    auto writer = store_->Create(ctx, BodyName(id));
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT((*writer)->Append(ctx, body), IsOk());
    ASSERT_THAT((*writer)->Commit(ctx), IsOk());
  }

  static Context As(std::string subject, std::vector<std::string> roles) {
    Principal principal;
    principal.user.emplace();
    principal.user->issuer = "https://idp.example";
    principal.user->subject = std::move(subject);
    principal.user->roles = std::move(roles);
    return Context::Background().WithPrincipal(principal);
  }
  auto Read(std::int64_t offset, std::int64_t size) {
    return objects_.Read(reader_, kOne, "acc", offset, size);
  }

  const ReaderQuestion kOne{"obj-1", "10.0.0.1"};
  testing::TemporaryDirectory directory_;
  SystemRandom random_;
  testing::FakeClock clock_;
  FakeGate gate_;
  FakeObjects published_;
  std::unique_ptr<objects::LocalStore> store_ = *objects::LocalStore::Open(directory_ / "objects");
  Objects objects_{published_,
                   *store_,
                   gate_,
                   [this](const Context&, const std::string&) -> Result<std::int32_t> { return listed_; },
                   clock_,
                   random_,
                   &gate_.key};
  std::int32_t listed_ = 1;
  Context reader_ = As("maria", {"user"});
  std::string clear_;
};

TEST_F(ObjectsTest, OnlyHoldersAndPassportsShowAnObject) {
  EXPECT_FALSE(objects_.Get(As("anna", {"holder"}), kOne, "")->readable);
  EXPECT_THAT(objects_.Get(As("anna", {"user"}), kOne, ""), HasReason("OBJECT_UNKNOWN"));
  EXPECT_THAT(objects_.Get(As("other", {"holder"}), kOne, ""), HasReason("OBJECT_UNKNOWN"));
  EXPECT_THAT(objects_.Get(reader_, kOne, ""), HasReason("OBJECT_UNKNOWN"));
  EXPECT_TRUE(objects_.Get(reader_, kOne, "good")->readable);
  EXPECT_THAT(objects_.Get(reader_, kOne, "bad"), HasReason("PASSPORT_REFUSED"));
  EXPECT_THAT(objects_.Get(As("anna", {"holder"}), kOne, "bad"), HasReason("PASSPORT_REFUSED"));
}

TEST_F(ObjectsTest, WhatWasSetAsideIsForItsHolderUnderTheirOwnKey) {
  const std::string clear(3'000'000, 'q');
  Seal("obj-4", "quarantine", clear);
  published_.quarantine = published_.objects.at("obj-4");
  published_.objects.erase("obj-4");
  published_.quarantine.record.submission = "sub-1";
  published_.quarantine.record.header = gate_.headers.at("obj-4");
  const auto own = crypt4gh::SecretKey::Generate(random_);
  const std::string recipient = crypt4gh::FormatPublicKeyFile(own.public_key());
  const Context anna = As("anna", {"holder"});
  auto read = [&](const Context& ctx, std::int64_t offset, std::int64_t size) {
    return objects_.ReadQuarantine(ctx, "sub-1", recipient, offset, size);
  };
  auto first = read(anna, 0, 1'000'000);
  ASSERT_THAT(first, IsOk());
  std::string body = first->bytes;
  while (static_cast<std::int64_t>(body.size()) < first->body_size) {
    auto next = read(anna, static_cast<std::int64_t>(body.size()), 1'000'000);
    ASSERT_THAT(next, IsOk());
    EXPECT_EQ(next->header, "");
    body += next->bytes;
  }
  std::string opened;
  auto decryptor = crypt4gh::Decryptor::CreateUnverified(first->header, own, [&](std::string_view bytes) {
    opened.append(bytes);
    return absl::OkStatus();
  });
  ASSERT_THAT(decryptor, IsOk());
  ASSERT_THAT(decryptor->Push(body), IsOk());
  ASSERT_THAT(decryptor->Finish(), IsOk());
  EXPECT_EQ(opened, clear);
  EXPECT_THAT(read(As("other", {"holder"}), 0, 10), HasReason("OBJECT_UNKNOWN"));
  EXPECT_THAT(read(As("anna", {"user"}), 0, 10), HasReason("OBJECT_UNKNOWN"));
  EXPECT_THAT(read(reader_, 0, 10), HasReason("OBJECT_UNKNOWN"));
  EXPECT_THAT(read(anna, first->body_size, 10), HasReason("RANGE_NOT_SATISFIABLE"));
  EXPECT_THAT(objects_.ReadQuarantine(anna, "sub-2", recipient, 0, 10), HasReason("OBJECT_UNKNOWN"));
  EXPECT_THAT(objects_.ReadQuarantine(anna, "sub-1", "no key", 0, 10), HasReason("CRYPT4GH_KEY_INVALID"));
}

TEST_F(ObjectsTest, ADatasetIsItsObjects) {
  auto view = objects_.Get(reader_, {"GOE-FI-A-1", ""}, "good");
  ASSERT_THAT(view, IsOk());
  EXPECT_EQ(view->objects.size(), 3u);
  EXPECT_TRUE(view->readable);
  EXPECT_EQ(published_.asked_version, 1);
  EXPECT_THAT(objects_.Get(reader_, {"GOE-FI-A-1", ""}, "bad"), HasReason("PASSPORT_REFUSED"));
  EXPECT_THAT(objects_.Get(reader_, {"GOE-FI-A-1", ""}, ""), HasReason("OBJECT_UNKNOWN"));
  EXPECT_THAT(objects_.Get(As("anna", {"holder"}), {"GOE-FI-A-1", ""}, ""), IsOk());
  EXPECT_EQ(published_.asked_version, 0);  // the newest, listed or not
  EXPECT_THAT(objects_.Get(reader_, {"GOE-FI-B-1", ""}, "good"), HasReason("OBJECT_UNKNOWN"));
  listed_ = 0;
  EXPECT_THAT(objects_.Get(reader_, {"GOE-FI-A-1", ""}, "good"), HasReason("OBJECT_UNKNOWN"));
}

TEST_F(ObjectsTest, PiecesAreThoseOfTheBodyUnderAnAccess) {
  const std::string body = Body("obj-1");
  EXPECT_EQ(Read(0, 100)->bytes, body.substr(0, 100));
  EXPECT_EQ(Read(20'000, 5)->bytes, body.substr(20'000, 5));
  EXPECT_EQ(Read(static_cast<std::int64_t>(body.size()) - 3, 100)->bytes,
            body.substr(body.size() - 3));
  EXPECT_EQ(Read(0, 0)->object.body_size, static_cast<std::int64_t>(body.size()));
  EXPECT_THAT(Read(static_cast<std::int64_t>(body.size()), 1), HasReason("RANGE_NOT_SATISFIABLE"));
  for (const auto& [offset, size] :
       {std::pair(-1, 1), std::pair(0, -1), std::pair(0, (1 << 20) + 1)}) {
    EXPECT_THAT(Read(offset, size), HasReason("PIECE_INVALID"));
  }
  EXPECT_EQ(gate_.asked, "obj-1 10.0.0.1 acc");
}

TEST_F(ObjectsTest, AnAccessIsAskedAboutAgainEverySecond) {
  ASSERT_THAT(Read(0, 1), IsOk());
  ASSERT_THAT(Read(1, 1), IsOk());
  EXPECT_EQ(gate_.checks, 1);
  gate_.answer = Error(StatusCode::kFailedPrecondition, "COHORT_CHANGED", "no");
  EXPECT_THAT(objects_.Read(As("bob", {"user"}), kOne, "acc", 0, 1),
              HasReason("COHORT_CHANGED"));  // not his answer
  clock_.Advance(std::chrono::milliseconds(1001));
  EXPECT_THAT(Read(2, 1), HasReason("COHORT_CHANGED"));
  EXPECT_THAT(Read(2, 1), HasReason("COHORT_CHANGED"));  // a refusal is not remembered either
  gate_.answer = absl::OkStatus();
  EXPECT_THAT(Read(2, 1), IsOk());
}

TEST_F(ObjectsTest, ABodyThatLostBytesIsNotGivenOut) {
  Put("obj-1", Body("obj-1").substr(0, 1000));
  EXPECT_THAT(Read(900, 200), HasReason("BODY_LOST"));
}

TEST_F(ObjectsTest, RegionsArePlannedFromTheEncryptedIndex) {
  const std::vector<genomics::IndexRegion> regions = {{"chr1", 0, 9}};
  auto ranges = objects_.Plan(reader_, kOne, "acc", regions);
  ASSERT_THAT(ranges, IsOk());
  EXPECT_EQ(ranges->front().begin, 0u);
  EXPECT_EQ(ranges->back().end, clear_.size());
  EXPECT_THAT(objects_.Plan(reader_, kOne, "acc", {}), IsOk());
  const std::vector<genomics::IndexRegion> unknown = {{"chr9", 0, 9}};
  EXPECT_THAT(objects_.Plan(reader_, kOne, "acc", unknown), HasReason("REFERENCE_UNKNOWN"));
  EXPECT_THAT(objects_.Plan(reader_, {"obj-3", ""}, "acc", regions), HasReason("NOT_VARIANTS"));
  EXPECT_THAT(
      objects_.Plan(reader_, kOne, "acc", std::vector<genomics::IndexRegion>(101, regions[0])),
      HasReason("TOO_MANY_REGIONS"));
  std::string damaged = Body("obj-2");
  damaged[100] ^= 1;
  Put("obj-2", damaged);
  EXPECT_THAT(objects_.Plan(reader_, kOne, "acc", regions), HasReason("CRYPT4GH_SEGMENT_INVALID"));
  gate_.answer = Error(StatusCode::kPermissionDenied, "PASSPORT_REFUSED", "no");
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_THAT(objects_.Plan(reader_, kOne, "acc", regions), HasReason("PASSPORT_REFUSED"));
}

}  // namespace
}  // namespace genofed::onboarding
