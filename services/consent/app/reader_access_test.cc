// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/reader_access.h"

#include <gtest/gtest.h>

#include <map>

#include "libs/auth/testing_authority.h"
#include "libs/auth/visa.h"
#include "libs/crypt4gh/header.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};
constexpr char kPrefix[] = "https://data.example/datasets/";
constexpr char kJku[] = "https://dac.fi.example/jwks.json";
constexpr char kAudience[] = "urn:genofed:site:fi";

class NoGrants final : public GrantChecker {
 public:
  Status CheckLive(const Context&, const std::string&, const std::string&) override {
    return absl::OkStatus();
  }
};

// A trust that can change, as that of a running service.
class ChangingTrust final : public auth::TrustSource {
 public:
  Result<auth::TrustStore> Current() const override {
    if (stale) return Error(StatusCode::kUnavailable, "REVOCATIONS_STALE", "not heard");
    return store;
  }
  auth::TrustStore store;
  bool stale = false;
};

class ReaderAccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.clock.Set(FromUnixSeconds(auth::kNow));
    trust_.store = Trust();
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"p", Says(7)}, {"q", Says(4)}, {"left-out", Says(0)}}}), IsOk());
    Store("obj-1", kA1, "genotypes");
    Store("idx-1", kA1, "index");
    Store("obj-2", {"GOE-FI-B-1", 1}, "genotypes");
    user_.issuer = federation_.login.iss;
    user_.subject = "alice";
    user_.client_id = "viewer";
    user_.token_key = "key-1";
    passport_ = Passport();
  }

  void Store(const std::string& object, const DatasetVersion& dataset, const std::string& role) {
    auto header =
        crypt4gh::BuildHeader({{data_key_}, {}}, std::vector{secret_.public_key()}, node_.random);
    ASSERT_THAT(keys_.StoreHeader(node_.ctx, {object, dataset, *header, role}), IsOk());
  }

  auth::TrustStore Trust(const nlohmann::json& revoked = nlohmann::json::array()) const {
    auto file = federation_.File();
    file["issuers"][0]["roles"].push_back("visa:ControlledAccessGrants");
    file["issuers"][0]["jku"] = kJku;
    file["issuers"][0]["sources"] = {"https://dac.fi.example/dac"};
    file["issuers"][0]["datasets"] = "^https://data\\.example/datasets/GOE-FI-[A-Z]+-[0-9]+$";
    file["issuers"][2]["roles"].push_back("passport");
    file["revoked_jti"] = revoked;
    return *auth::TrustStore::FromJson(file.dump());
  }

  static Time At(int offset) { return FromUnixSeconds(auth::kNow + offset); }

  std::string Passport(const std::string& dataset = "GOE-FI-A-1",
                       const std::string& subject = "alice", int visa_ends = 3600) {
    auth::Visa visa;
    visa.issuer = federation_.fi.iss;
    visa.subject = subject;
    visa.id = "visa-1";
    visa.type = auth::visa_type::kControlledAccessGrants;
    visa.value = kPrefix + dataset;
    visa.source = "https://dac.fi.example/dac";
    visa.by = "dac";
    visa.asserted = At(-7200);
    visa.issued_at = At(-7200);
    visa.expires_at = At(visa_ends);
    auto token = auth::MintVisa(federation_.fi.signer, visa, kJku);
    EXPECT_THAT(token, IsOk());
    auto passport = auth::MintPassport(
        federation_.hub.signer,
        {federation_.hub.iss, subject, "ppt-1", kAudience, At(-10), At(590), {*token}});
    EXPECT_THAT(passport, IsOk());
    return *passport;
  }

  Context Ctx() const {
    Principal gateway;
    gateway.workload = {"fi", "gateway"};
    gateway.user = user_;
    return node_.ctx.WithPrincipal(gateway);
  }
  auto Open(const std::string& object = "obj-1") {
    return readers_->Open(Ctx(), {object, "10.0.0.1"}, passport_, recipient_.public_key().raw());
  }
  auto Release(const std::string& access, const std::vector<std::uint64_t>& edits = {},
               const std::string& object = "obj-1") {
    return readers_->Release(Ctx(), {object, "10.0.0.1"}, access, edits);
  }
  auto Check(const std::string& access) {
    return readers_->Check(Ctx(), {"obj-1", "10.0.0.1"}, access);
  }
  std::vector<ledger::Entry> Entries(std::int64_t from) {
    std::vector<ledger::Entry> entries;
    const auto listed = node_.ledger.List(node_.ctx, from, 100);
    for (const std::string& bytes : *listed) entries.push_back(*ledger::DecodeEntry(bytes));
    return entries;
  }

  auth::TestFederation federation_;
  ChangingTrust trust_;
  MemoryStore store_;
  Node node_{store_};
  NoGrants grants_;
  crypt4gh::SecretKey secret_ = crypt4gh::SecretKey::Generate(node_.random);
  crypt4gh::SecretKey recipient_ = crypt4gh::SecretKey::Generate(node_.random);
  crypt4gh::DataKey data_key_ = crypt4gh::DataKey::Generate(node_.random);
  DatasetKeys keys_{secret_, {kAudience, "FI"}, store_, node_.ledger, grants_, trust_, node_.rules, node_.random};
  std::unique_ptr<ReaderAccess> readers_ = Make({});
  std::unique_ptr<ReaderAccess> Make(const std::string& registered,
                                     const std::string& title = "Clinical viewer") {
    return std::make_unique<ReaderAccess>(
        ReaderAccess::Site{kAudience,
                           kPrefix,
                           {{"viewer",
                             title,
                             "Hospital",
                             "DUO:0000043",
                             {"GOE-FI-A-1"},
                             registered,
                             {},
                             {*Network::Parse("10.0.0.0/8")}}}},
        ReaderAccess::Collaborators{store_, node_.ledger, node_.cohorts, keys_, trust_, node_.rules,
                                    node_.random});
  }
  User user_;
  std::string passport_;
};

TEST_F(ReaderAccessTest, WhatEachPersonCarriesIsNobodysToRead) {
  Store("obj-r", kA1, "person-records");
  EXPECT_THAT(Open("obj-r"), HasReason("OBJECT_UNKNOWN"));
}

TEST_F(ReaderAccessTest, TheRecipientOpensTheHeaderAndNobodyElseDoes) {
  auto opened = Open();
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->expires, At(590));  // the passport ends before the visa
  auto header = Release(opened->access);
  ASSERT_THAT(header, IsOk());
  auto content = crypt4gh::OpenHeader(*header, recipient_);
  ASSERT_THAT(content, IsOk());
  EXPECT_TRUE(content->data_keys.at(0) == data_key_);
  EXPECT_FALSE(content->edit_list.has_value());
  EXPECT_THAT(crypt4gh::OpenHeader(*header, secret_), HasReason("CRYPT4GH_NOT_A_RECIPIENT"));
}

TEST_F(ReaderAccessTest, TheSameQuestionHasTheSameBytesAlsoUnderAnotherAccess) {
  const std::string first = *Release(Open()->access);
  const std::string second = *Release(Open()->access);
  EXPECT_EQ(first, second);
  const std::string edited = *Release(Open()->access, {0, 10});
  EXPECT_NE(first, edited);
  EXPECT_EQ(*crypt4gh::OpenHeader(edited, recipient_)->edit_list,
            (std::vector<std::uint64_t>{0, 10}));
  // No two headers share a writer's key (the 32 bytes behind preamble, length and method).
  EXPECT_NE(first.substr(24, 32), edited.substr(24, 32));
  recipient_ = crypt4gh::SecretKey::Generate(node_.random);
  EXPECT_NE(first.substr(24, 32), Release(Open()->access)->substr(24, 32));
}

TEST_F(ReaderAccessTest, EveryAccessAndReleaseStandsInTheLedgerOnce) {
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  auto opened = Open();
  ASSERT_THAT(Open(), IsOk());
  ASSERT_THAT(Release(opened->access), IsOk());
  ASSERT_THAT(Release(opened->access), IsOk());
  ASSERT_THAT(Release(opened->access, {0, 5}), IsOk());
  const auto entries = Entries(before);
  ASSERT_EQ(entries.size(), 4u);  // snapshot, access, two releases
  EXPECT_EQ(entries[1].kind, ledger::EntryKind::kAccess);
  EXPECT_EQ(before + 1, opened->ledger_index);
  EXPECT_EQ(entries[1].Field("client"), "viewer");
  EXPECT_EQ(entries[1].Field("organisation"), "Hospital");
  EXPECT_EQ(entries[1].Field("object"), "obj-1");
  EXPECT_EQ(entries[1].Field("visa"), "visa-1");
  EXPECT_EQ(entries[1].Field("visa_source"), "https://dac.fi.example/dac");
  EXPECT_EQ(entries[1].Field("snapshot"), entries[0].Field("snapshot"));
  EXPECT_TRUE(entries[1].commitments.contains("researcher"));
  EXPECT_EQ(entries[2].kind, ledger::EntryKind::kKeyEvent);
  EXPECT_EQ(entries[2].Field("outcome"), "keys-released");
  EXPECT_EQ(entries[3].numbers.at("releases"), 2);
  // Other services cannot invent one.
  EXPECT_THAT(node_.ledger.Append(node_.ctx, "dispatcher", "k", *ledger::EncodeEntry(entries[1])),
              HasReason("ENTRY_KIND_RESERVED"));
}

TEST_F(ReaderAccessTest, CitizensSeeAccessesWithAReceipt) {
  ASSERT_THAT(Open(), IsOk());
  for (const auto& [person, used] : {std::pair("p", true), std::pair("left-out", false)}) {
    auto page = node_.mine.Accesses(node_.ctx, person, 0, "");
    ASSERT_THAT(page, IsOk());
    ASSERT_EQ(page->accesses.size(), 1u) << person;
    EXPECT_EQ(page->accesses[0].used, used) << person;
    EXPECT_EQ(page->accesses[0].entry.Field("organisation"), "Hospital");
    EXPECT_FALSE(page->accesses[0].receipt.empty());
  }
}

TEST_F(ReaderAccessTest, EachConditionRefusesWithItsReason) {
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  const User good = user_;
  user_.client_id = "other";
  EXPECT_THAT(Open(), HasReason("CLIENT_NOT_PERMITTED"));
  user_ = good;
  user_.token_key.clear();
  EXPECT_THAT(Open(), HasReason("TOKEN_NOT_BOUND"));
  user_ = good;
  EXPECT_THAT(
      readers_->Open(Ctx(), {"obj-1", "192.0.2.1"}, passport_, recipient_.public_key().raw()),
      HasReason("NETWORK_NOT_PERMITTED"));
  EXPECT_THAT(Open("obj-2"), HasReason("DATASET_NOT_PERMITTED"));
  EXPECT_THAT(Open("obj-9"), HasReason("OBJECT_UNKNOWN"));
  for (const auto& [passport, reason] :
       {std::pair(std::string(), "PASSPORT_MISSING"),
        std::pair(std::string("x"), "PASSPORT_REFUSED"),
        std::pair(Passport("GOE-FI-B-1"), "PASSPORT_REFUSED"),
        std::pair(Passport("GOE-FI-A-1", "bob"), "PASSPORT_REFUSED"),
        std::pair(Passport("GOE-FI-A-1", "alice", -3600), "PASSPORT_REFUSED")}) {
    passport_ = passport;
    EXPECT_THAT(Open(), HasReason(reason));
    EXPECT_THAT(readers_->Judge(Ctx(), {"obj-1", "10.0.0.1"}, passport_), HasReason(reason));
  }
  passport_ = Passport();
  EXPECT_THAT(readers_->Open(Ctx(), {"obj-1", "10.0.0.1"}, passport_, ""),
              HasReason("RECIPIENT_MISSING"));
  EXPECT_THAT(readers_->Open(Ctx(), {"obj-1", "10.0.0.1"}, passport_, "short"),
              HasReason("RECIPIENT_INVALID"));
  readers_ = Make(secret_.public_key().raw());
  EXPECT_THAT(Open(), HasReason("RECIPIENT_MISMATCH"));
  trust_.stale = true;
  EXPECT_THAT(Open(), HasReason("REVOCATIONS_STALE"));
  // What was refused is in the ledger, once for each reason, and names nobody.
  std::map<std::string, int> refused;
  for (const ledger::Entry& entry : Entries(before)) {
    EXPECT_EQ(entry.kind, ledger::EntryKind::kDenied);
    EXPECT_EQ(entry.Field("version"), "1");
    EXPECT_EQ(entry.Field("client"),
              entry.Field("reason") == "CLIENT_NOT_PERMITTED" ? "" : "viewer");
    EXPECT_TRUE(entry.commitments.contains("researcher"));
    EXPECT_EQ(ledger::EncodeEntry(entry)->find("alice"), std::string::npos);
    ++refused[entry.Field("reason")];
  }
  EXPECT_EQ(refused, (std::map<std::string, int>{{"CLIENT_NOT_PERMITTED", 1},
                                                 {"DATASET_NOT_PERMITTED", 1},
                                                 {"NETWORK_NOT_PERMITTED", 1},
                                                 {"PASSPORT_REFUSED", 1},
                                                 {"RECIPIENT_MISMATCH", 1},
                                                 {"TOKEN_NOT_BOUND", 1}}));
}

// Whoever asks again and again does not fill the log, whoever they say they are.
TEST_F(ReaderAccessTest, TheSameRefusalIsLoggedOnceAnHour) {
  passport_ = "x";
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  const auto ask = [&] {
    for (int i = 0; i < 20; ++i) {
      user_.subject = fmt::format("somebody-{}", i);
      EXPECT_THAT(Open(), HasReason("PASSPORT_REFUSED"));
    }
  };
  ask();
  readers_ = Make("");  // another process
  ask();
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), before + 1);
  node_.clock.Advance(std::chrono::hours(1));
  ask();
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), before + 2);
  // Nobody sees a refusal as a use of their data.
  EXPECT_TRUE(node_.mine.Accesses(node_.ctx, "p", 0, "")->accesses.empty());
}

TEST_F(ReaderAccessTest, AWithdrawalThatEndsAnAccessIsLogged) {
  const std::string access = Open()->access;
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(3)), IsOk());
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  EXPECT_THAT(Check(access), HasReason("COHORT_CHANGED"));
  EXPECT_THAT(Release(access), HasReason("COHORT_CHANGED"));
  const auto entries = Entries(before);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].Field("reason"), "COHORT_CHANGED");
  EXPECT_EQ(entries[0].Field("organisation"), "Hospital");
}

// A ledger that takes nothing opens nothing.
TEST_F(ReaderAccessTest, ARefusalStandsWhenTheLedgerTakesNothing) {
  node_.ledger.Freeze("a test");
  passport_ = "x";
  EXPECT_THAT(Open(), HasReason("PASSPORT_REFUSED"));
}

// The operator may write what they like into the configuration.
TEST_F(ReaderAccessTest, TitlesOfSeveralLinesAreLogged) {
  readers_ = Make("", "Clinical\nviewer");
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(Entries(before).back().Field("project"), "Clinical viewer");
}

TEST_F(ReaderAccessTest, AnAccessIsJudgedAnewEachTime) {
  const std::string access = Open()->access;
  ASSERT_THAT(Check(access), IsOk());
  trust_.store = Trust({"visa-1"});
  EXPECT_THAT(Check(access), HasReason("PASSPORT_REFUSED"));
  EXPECT_THAT(Release(access), HasReason("PASSPORT_REFUSED"));
  trust_.store = Trust({"ppt-1"});
  EXPECT_THAT(Check(access), HasReason("PASSPORT_REFUSED"));
  trust_.stale = true;
  EXPECT_THAT(Check(access), HasCode(StatusCode::kUnavailable));
  trust_.stale = false;
  trust_.store = Trust();
  EXPECT_THAT(readers_->Check(Ctx(), {"obj-1", "11.0.0.1"}, access),
              HasReason("NETWORK_NOT_PERMITTED"));
  EXPECT_THAT(readers_->Check(Ctx(), {"obj-2", "10.0.0.1"}, access), HasReason("ACCESS_UNKNOWN"));
  ASSERT_THAT(Check(access), IsOk());
  node_.clock.Advance(std::chrono::seconds(591));
  EXPECT_THAT(Check(access), HasReason("ACCESS_UNKNOWN"));
}

TEST_F(ReaderAccessTest, AFrozenLedgerEndsEveryAccess) {
  const std::string access = Open()->access;
  node_.ledger.Freeze("a witness has seen more of it");
  EXPECT_THAT(Check(access), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(Release(access), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(Open(), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(readers_->Judge(Ctx(), {"obj-1", "10.0.0.1"}, passport_), HasReason("LEDGER_FROZEN"));
}

TEST_F(ReaderAccessTest, AnAccessIsWorthNothingToOthers) {
  const std::string access = Open()->access;
  const User good = user_;
  user_.token_key = "key-2";
  EXPECT_THAT(Release(access), HasReason("ACCESS_UNKNOWN"));
  user_ = good;
  user_.subject = "bob";
  EXPECT_THAT(Release(access), HasReason("ACCESS_UNKNOWN"));
  user_ = good;
  user_.client_id = "other";
  EXPECT_THAT(Release(access), HasReason("ACCESS_UNKNOWN"));
  user_ = good;
  EXPECT_THAT(Release(access + "0"), HasReason("ACCESS_UNKNOWN"));
  EXPECT_THAT(Release(access, {}, "obj-2"), HasReason("ACCESS_UNKNOWN"));
}

TEST_F(ReaderAccessTest, WhoeverWithdrawsStopsIt) {
  const std::string access = Open()->access;
  ASSERT_THAT(node_.mine.Set(node_.ctx, "stranger", Bits(0)), IsOk());
  ASSERT_THAT(Check(access), IsOk());
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(3)), IsOk());
  EXPECT_THAT(Check(access), HasReason("COHORT_CHANGED"));
  EXPECT_THAT(Release(access), HasReason("COHORT_CHANGED"));
  EXPECT_THAT(Open(), HasReason("COHORT_NOT_PERMITTED"));
  EXPECT_THAT(readers_->Judge(Ctx(), {"obj-1", "10.0.0.1"}, passport_),
              HasReason("COHORT_NOT_PERMITTED"));
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(7)), IsOk());
  EXPECT_THAT(Check(access), IsOk());  // everybody permits again what they did
}

TEST_F(ReaderAccessTest, SomebodyWhoNeverPermittedResearchKeepsTheFilesIn) {
  const DatasetVersion a2{"GOE-FI-A-1", 2};
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {a2, {{"p", Says(7)}, {"counts-only", Says(1)}}}), IsOk());
  Store("obj-3", a2, "genotypes");
  EXPECT_THAT(Open("obj-3"), HasReason("COHORT_NOT_PERMITTED"));
}

TEST_F(ReaderAccessTest, OnlyTheIndexIsOpenedForTheSite) {
  const std::string access = Open()->access;
  const crypt4gh::SecretKey own = crypt4gh::SecretKey::Generate(node_.random);
  auto header =
      readers_->ReleaseIndex(Ctx(), {"idx-1", "10.0.0.1"}, access, own.public_key().raw());
  ASSERT_THAT(header, IsOk());
  EXPECT_THAT(crypt4gh::OpenHeader(*header, own), IsOk());
  EXPECT_THAT(readers_->ReleaseIndex(Ctx(), {"obj-1", "10.0.0.1"}, access, own.public_key().raw()),
              HasReason("NOT_AN_INDEX"));
  Store("idx-2", {"GOE-FI-A-1", 2}, "index");
  EXPECT_THAT(readers_->ReleaseIndex(Ctx(), {"idx-2", "10.0.0.1"}, access, own.public_key().raw()),
              HasReason("NOT_AN_INDEX"));
}

}  // namespace
}  // namespace genofed::consent
