// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/dataset_keys.h"

#include <gtest/gtest.h>

#include "libs/auth/approval.h"
#include "libs/auth/testing_authority.h"
#include "libs/crypt4gh/header.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};

class FakeGrantChecker final : public GrantChecker {
 public:
  Status CheckLive(const Context&, const std::string& token_id,
                   const std::string& application) override {
    asked = token_id + " " + application;
    return answer;
  }
  Status answer;
  std::string asked;
};

const std::string kCertificate(43, 'C');

class DatasetKeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.clock.Set(FromUnixSeconds(auth::kNow));
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"p", Says(7)}, {"q", Says(7)}}}), IsOk());
    header_ =
        *crypt4gh::BuildHeader({{data_key_}, {}}, std::vector{secret_.public_key()}, node_.random);
    ASSERT_THAT(keys_.StoreHeader(node_.ctx, {"obj-1", kA1, header_}), IsOk());
    auto run = node_.AppendRun(kA1, "run-1");
    ASSERT_THAT(run, IsOk());
    request_ = {run->index, task_.public_key().raw(), {"obj-1"}, Token(), "APP-1", "alice"};
  }
  auth::TrustStore Trust() const {
    auto file = federation_.File();
    file["issuers"][0]["datasets"] = "^GOE-FI-[A-Z]+-[0-9]+$";
    return *auth::TrustStore::FromJson(file.dump());
  }
  std::string Token(const std::string& dataset = "GOE-FI-A-1",
                    const std::string& application = "APP-1",
                    const std::string& certificate = kCertificate,
                    const std::vector<std::string>& accepted = {}) {
    auto at = [](int offset) { return FromUnixSeconds(auth::kNow + offset); };
    auto token =
        auth::MintApproval(federation_.fi.signer, {.issuer = federation_.fi.iss,
                                                   .subject = "alice",
                                                   .id = "apr-1",
                                                   .audience = "urn:genofed:site:fi",
                                                   .country = "FI",
                                                   .application = application,
                                                   .application_sha256 = std::string(64, 'a'),
                                                   .dua_sha256 = std::string(64, 'b'),
                                                   .datasets = {dataset},
                                                   .purposes = {"DUO:0000006"},
                                                   .permit_id = "PERMIT-1",
                                                   .permit_from = at(-86400),
                                                   .permit_until = at(10 * 86400),
                                                   .issued_at = at(-60),
                                                   .not_before = at(-60),
                                                   .expires_at = at(3600),
                                                   .client_certificate_sha256 = certificate,
                                                   .accepted_conditions = accepted});
    EXPECT_THAT(token, IsOk());
    return *token;
  }
  Result<Released> Release() {
    Principal spe;
    spe.workload = {"fi", "spe"};
    spe.certificate_sha256 = kCertificate;
    return keys_.Release(node_.ctx.WithPrincipal(spe), request_);
  }

  auth::TestFederation federation_;
  auth::FixedTrust trust_{Trust()};
  MemoryStore store_;
  Node node_{store_};
  FakeGrantChecker grants_;
  crypt4gh::SecretKey secret_ = crypt4gh::SecretKey::Generate(node_.random);
  crypt4gh::SecretKey task_ = crypt4gh::SecretKey::Generate(node_.random);
  crypt4gh::DataKey data_key_ = crypt4gh::DataKey::Generate(node_.random);
  DatasetKeys keys_{secret_,     {"urn:genofed:site:fi", "FI"}, store_, node_.ledger, grants_, trust_, node_.rules,
                    node_.random};
  std::string header_;
  ReleaseRequest request_;
};

TEST_F(DatasetKeysTest, TheTaskOpensWhatIsReleasedAndNobodyElseDoes) {
  auto released = Release();
  ASSERT_THAT(released, IsOk());
  EXPECT_EQ(released->epoch, 1);
  auto content = crypt4gh::OpenHeader(released->headers.at(0), task_);
  ASSERT_THAT(content, IsOk());
  EXPECT_TRUE(content->data_keys.at(0) == data_key_);
  EXPECT_THAT(crypt4gh::OpenHeader(released->headers.at(0), secret_),
              HasReason("CRYPT4GH_NOT_A_RECIPIENT"));
  EXPECT_EQ(grants_.asked, "apr-1 APP-1");
}

TEST_F(DatasetKeysTest, AnEntryThatWasRewrittenReleasesNothing) {
  std::string& entry =
      store_.state.ledger.at(static_cast<std::size_t>(request_.ledger_index)).first.entry;
  entry.replace(entry.find("Heart"), 5, "Liver");
  EXPECT_THAT(Release(), HasReason("LEDGER_DAMAGED"));
  EXPECT_THAT(Release(), HasReason("LEDGER_DAMAGED"));
  EXPECT_EQ(store_.state.releases, 0);
}

TEST_F(DatasetKeysTest, ObjectsOfTheBaseAreOfTheVersionAndNoOthers) {
  const DatasetVersion from_base{"GOE-FI-A-1", 2};
  const DatasetVersion anew{"GOE-FI-A-1", 3};
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {from_base, {{"r", Says(7)}}, 1}), IsOk());
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {anew, {{"r", Says(7)}}}), IsOk());
  request_.ledger_index = node_.AppendRun(from_base, "run-2")->index;
  EXPECT_THAT(Release(), IsOk());
  request_.ledger_index = node_.AppendRun(anew, "run-3")->index;
  EXPECT_THAT(Release(), HasReason("OBJECT_OUTSIDE_RUN")) << "it holds p, who is not in version 3";
  // Nor does an earlier version reach what came later.
  ASSERT_THAT(keys_.StoreHeader(node_.ctx, {"obj-2", from_base, header_}), IsOk());
  request_.objects = {"obj-2"};
  request_.ledger_index = node_.AppendRun(kA1, "run-4")->index;
  EXPECT_THAT(Release(), HasReason("OBJECT_OUTSIDE_RUN"));
}

TEST_F(DatasetKeysTest, DestroyedHeadersOpenNothingAndAreLogged) {
  EXPECT_EQ(*keys_.Destroy(node_.ctx, "GOE-FI-B-1"), 0);
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  EXPECT_EQ(*keys_.Destroy(node_.ctx, "GOE-FI-A-1"), 1);
  EXPECT_EQ(*keys_.Destroy(node_.ctx, "GOE-FI-A-1"), 0);
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), before + 1);
  EXPECT_THAT(Release(), HasReason("OBJECT_UNKNOWN"));
  // The name comes again.
  ASSERT_THAT(keys_.StoreHeader(node_.ctx, {"obj-2", kA1, header_}), IsOk());
  EXPECT_EQ(*keys_.Destroy(node_.ctx, "GOE-FI-A-1"), 1);
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), before + 2);
}

TEST_F(DatasetKeysTest, SingleObjectsAreDestroyedByThemselves) {
  ASSERT_THAT(keys_.StoreHeader(node_.ctx, {"obj-2", kA1, header_}), IsOk());
  EXPECT_EQ(*keys_.Destroy(node_.ctx, "GOE-FI-B-1", {"obj-2"}), 0) << "of another dataset";
  EXPECT_EQ(*keys_.Destroy(node_.ctx, "GOE-FI-A-1", {"obj-2"}), 1);
  EXPECT_THAT(Release(), IsOk());
  request_.objects = {"obj-2"};
  EXPECT_THAT(Release(), HasReason("OBJECT_UNKNOWN"));
}

TEST_F(DatasetKeysTest, ForErasureAHeaderLeavesOnlyWhereSomebodyWasForgotten) {
  const std::string recipient = task_.public_key().raw();
  EXPECT_THAT(keys_.ReleaseForErasure(node_.ctx, "obj-1", recipient), HasReason("NOBODY_FORGOTTEN"));
  EXPECT_THAT(keys_.ReleaseForErasure(node_.ctx, "obj-9", recipient), HasReason("OBJECT_UNKNOWN"));
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "p"), IsOk());
  EXPECT_THAT(keys_.ReleaseForErasure(node_.ctx, "obj-1", "short"), HasReason("RECIPIENT_INVALID"));
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  const auto header = keys_.ReleaseForErasure(node_.ctx, "obj-1", recipient);
  ASSERT_THAT(header, IsOk());
  EXPECT_TRUE(crypt4gh::OpenHeader(*header, task_)->data_keys.at(0) == data_key_);
  const auto entry = ledger::DecodeEntry(node_.ledger.List(node_.ctx, before, 10)->at(0));
  EXPECT_EQ(entry->Field("object"), "obj-1");
  EXPECT_EQ(entry->Field("reason"), "erasure");
  EXPECT_EQ(entry->numbers.at("releases"), store_.state.releases);
}

TEST_F(DatasetKeysTest, WhatEachPersonCarriesIsOpenedForErasureAlone) {
  ASSERT_THAT(keys_.StoreHeader(node_.ctx, {"obj-r", kA1, header_, "person-records"}), IsOk());
  request_.objects = {"obj-1", "obj-r"};
  EXPECT_THAT(Release(), HasReason("OBJECT_OUTSIDE_RUN"));
  EXPECT_EQ(store_.state.releases, 0);
  const std::string recipient = task_.public_key().raw();
  EXPECT_THAT(keys_.ReleaseForErasure(node_.ctx, "obj-r", recipient), HasReason("NOBODY_FORGOTTEN"));
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "p"), IsOk());
  EXPECT_THAT(keys_.ReleaseForErasure(node_.ctx, "obj-r", recipient), IsOk());
}

TEST_F(DatasetKeysTest, EveryReleaseIsLoggedOnceAndCounted) {
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  ASSERT_THAT(Release(), IsOk());
  ASSERT_THAT(Release(), IsOk());  // the answer was lost, say
  auto entries = node_.ledger.List(node_.ctx, before, 10);
  ASSERT_EQ(entries->size(), 1u);
  auto entry = ledger::DecodeEntry(entries->at(0));
  EXPECT_EQ(entry->kind, ledger::EntryKind::kKeyEvent);
  EXPECT_EQ(entry->Field("run"), "run-1");
  EXPECT_EQ(entry->Field("outcome"), "keys-released");
  EXPECT_EQ(entry->numbers.at("releases"), 1);
  request_.recipient = secret_.public_key().raw();
  ASSERT_THAT(Release(), IsOk());
  EXPECT_EQ(store_.state.releases, 2);
}

TEST_F(DatasetKeysTest, NothingIsReleasedWithoutARunOfToday) {
  request_.ledger_index -= 1;  // the snapshot
  EXPECT_THAT(Release(), HasReason("RUN_ENTRY_UNKNOWN"));
  for (std::int64_t index : {std::int64_t{-1}, std::int64_t{99}}) {
    request_.ledger_index = index;
    EXPECT_THAT(Release(), HasReason("RUN_ENTRY_UNKNOWN"));
  }
  request_.ledger_index = *node_.ledger.Size(node_.ctx) - 1;
  node_.clock.Advance(std::chrono::hours(24) + std::chrono::seconds(1));
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  EXPECT_THAT(Release(), HasReason("RUN_ENTRY_EXPIRED"));
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), before + 1);
}

TEST_F(DatasetKeysTest, TheApprovalMustFitTheLoggedRun) {
  const ReleaseRequest good = request_;
  request_.application = "APP-2";
  EXPECT_THAT(Release(), HasReason("APPLICATION_MISMATCH"));
  request_ = good;
  for (const std::string& token :
       {Token("GOE-FI-B-1"), Token("GOE-FI-A-1", "APP-2"), std::string("x"), std::string()}) {
    request_.approval = token;
    EXPECT_THAT(Release(), HasReason("APPROVAL_REFUSED"));
  }
  request_ = good;
  request_.researcher_subject = "mallory";
  EXPECT_THAT(Release(), HasReason("APPROVAL_REFUSED"));
  request_ = good;
  node_.clock.Advance(std::chrono::hours(2));
  EXPECT_THAT(Release(), HasReason("APPROVAL_REFUSED"));
  EXPECT_EQ(store_.state.releases, 0);
}

TEST_F(DatasetKeysTest, ARefusalIsLoggedOnceAnHour) {
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  request_.researcher_subject = "mallory";
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Release(), HasReason("APPROVAL_REFUSED"));
  request_.application = "APP-2";
  EXPECT_THAT(Release(), HasReason("APPLICATION_MISMATCH"));
  request_.ledger_index = 99;
  EXPECT_THAT(Release(), HasReason("RUN_ENTRY_UNKNOWN"));  // nothing is known that could be named
  auto entries = *node_.ledger.List(node_.ctx, before, 10);
  ASSERT_EQ(entries.size(), 2u);
  const auto entry = ledger::DecodeEntry(entries[0]);
  EXPECT_EQ(entry->kind, ledger::EntryKind::kDenied);
  EXPECT_EQ(entry->Field("reason"), "APPROVAL_REFUSED");
  EXPECT_EQ(entry->Field("run"), "run-1");
  EXPECT_EQ(entry->Field("dataset"), "GOE-FI-A-1");
  EXPECT_FALSE(entry->fields.contains("snapshot")) << "it is nobody's";
  EXPECT_EQ(ledger::DecodeEntry(entries[1])->Field("reason"), "APPLICATION_MISMATCH");
  EXPECT_EQ(store_.state.releases, 0);
}

TEST_F(DatasetKeysTest, ACohortForAPurposeNeedsAnApprovalForIt) {
  for (const auto& [purpose, run] : {std::pair("DUO:0000007", "run-2"), {"DUO:0000006", "run-3"}}) {
    const auto cohort = node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, purpose}, true);
    ASSERT_THAT(cohort, IsOk());
    const auto entry = node_.ledger.Append(
        node_.ctx, "dispatcher", run, *ledger::EncodeEntry(node_.RunEntry(*cohort->snapshot, run)));
    ASSERT_THAT(entry, IsOk());
    request_.ledger_index = entry->index;
    const bool approved = purpose == std::string("DUO:0000006");
    if (approved)
      EXPECT_THAT(Release(), IsOk());
    else
      EXPECT_THAT(Release(), HasReason("PURPOSE_NOT_APPROVED"));
    EXPECT_EQ(store_.state.releases, approved ? 1 : 0);
  }
}

TEST_F(DatasetKeysTest, ACohortByConditionsNeedsAnApprovalThatAcceptsThem) {
  const std::vector<std::string> met = {"DUO:0000021", "DUO:0000045"};
  const auto cohort =
      node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, "DUO:0000006", met}, true);
  ASSERT_THAT(cohort, IsOk());
  const auto run =
      node_.ledger.Append(node_.ctx, "dispatcher", "run:2",
                          *ledger::EncodeEntry(node_.RunEntry(*cohort->snapshot, "run-2")));
  ASSERT_THAT(run, IsOk());
  request_.ledger_index = run->index;
  for (const std::vector<std::string>& accepted :
       {std::vector<std::string>{}, {"DUO:0000045"}, {"DUO:0000045", "DUO:0000046"}}) {
    request_.approval = Token("GOE-FI-A-1", "APP-1", kCertificate, accepted);
    EXPECT_THAT(Release(), HasReason("CONDITIONS_NOT_ACCEPTED"));
  }
  EXPECT_EQ(store_.state.releases, 0);
  request_.approval =
      Token("GOE-FI-A-1", "APP-1", kCertificate, {"DUO:0000045", "DUO:0000046", "DUO:0000021"});
  EXPECT_THAT(Release(), IsOk());
}

TEST_F(DatasetKeysTest, ABoundApprovalCountsOnlyFromItsCertificate) {
  const std::string own(43, 'A'), other(43, 'B');
  request_.approval = Token("GOE-FI-A-1", "APP-1", own);
  EXPECT_THAT(keys_.Release(node_.ctx, request_),
              HasReason("APPROVAL_REFUSED"));  // by nobody known
  request_.approval = Token("GOE-FI-A-1", "APP-1", "");
  EXPECT_THAT(Release(), HasReason("APPROVAL_REFUSED"));  // bound to nobody
  request_.approval = Token("GOE-FI-A-1", "APP-1", own);
  Principal spe;
  spe.workload = {"fi", "spe"};
  spe.certificate_sha256 = other;
  EXPECT_THAT(keys_.Release(node_.ctx.WithPrincipal(spe), request_), HasReason("APPROVAL_REFUSED"));
  spe.certificate_sha256 = own;
  EXPECT_THAT(keys_.Release(node_.ctx.WithPrincipal(spe), request_), IsOk());
}

TEST_F(DatasetKeysTest, ARevokedGrantAndAnUnknownOneReleaseNothing) {
  for (StatusCode code : {StatusCode::kPermissionDenied, StatusCode::kUnavailable}) {
    grants_.answer = Error(code, "NO", "no");
    EXPECT_THAT(Release(), HasCode(code));
  }
  EXPECT_EQ(store_.state.releases, 0);
}

TEST_F(DatasetKeysTest, AWithdrawalAfterTheRunWasLoggedStopsTheRelease) {
  ASSERT_THAT(node_.mine.Set(node_.ctx, "stranger", Bits(0)), IsOk());
  EXPECT_THAT(Release(), IsOk());
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(3)), IsOk());
  EXPECT_THAT(Release(), HasReason("COHORT_CHANGED"));
  auto run = node_.AppendRun(kA1, "run-1b");
  request_.ledger_index = run->index;
  EXPECT_THAT(Release(), IsOk());
  // Nor may somebody be read who came back after the entry said they were not.
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(7)), IsOk());
  EXPECT_THAT(Release(), HasReason("COHORT_CHANGED"));
}

TEST_F(DatasetKeysTest, OnlyObjectsOfTheRunsDatasetVersion) {
  ASSERT_THAT(keys_.StoreHeader(node_.ctx, {"obj-2", {"GOE-FI-A-1", 2}, header_}), IsOk());
  request_.objects = {"obj-1", "obj-2"};
  EXPECT_THAT(Release(), HasReason("OBJECT_OUTSIDE_RUN"));
  request_.objects = {"obj-3"};
  EXPECT_THAT(Release(), HasReason("OBJECT_UNKNOWN"));
  for (const auto& objects :
       {std::vector<std::string>{}, {"obj-1", "obj-1"}, std::vector<std::string>(101, "x")}) {
    request_.objects = objects;
    EXPECT_THAT(Release(), HasReason("OBJECTS_INVALID"));
  }
  request_.objects = {"obj-1"};
  request_.recipient = "short";
  EXPECT_THAT(Release(), HasReason("RECIPIENT_INVALID"));
}

TEST_F(DatasetKeysTest, KeepsOneHeaderForAnObjectAndOnlyOneItCanOpen) {
  EXPECT_THAT(keys_.StoreHeader(node_.ctx, {"obj-1", kA1, header_}), IsOk());
  auto other =
      *crypt4gh::BuildHeader({{data_key_}, {}}, std::vector{secret_.public_key()}, node_.random);
  EXPECT_THAT(keys_.StoreHeader(node_.ctx, {"obj-1", kA1, other}), HasReason("HEADER_EXISTS"));
  EXPECT_THAT(keys_.StoreHeader(node_.ctx, {"obj-1", {"GOE-FI-A-1", 2}, header_}),
              HasReason("HEADER_EXISTS"));
  auto foreign =
      *crypt4gh::BuildHeader({{data_key_}, {}}, std::vector{task_.public_key()}, node_.random);
  EXPECT_THAT(keys_.StoreHeader(node_.ctx, {"obj-9", kA1, foreign}),
              HasReason("CRYPT4GH_NOT_A_RECIPIENT"));
  EXPECT_THAT(keys_.StoreHeader(node_.ctx, {"obj-9", kA1, "x"}),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(keys_.StoreHeader(node_.ctx, {"", kA1, header_}), HasReason("OBJECT_INVALID"));
}

}  // namespace
}  // namespace genofed::consent
