// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/decisions.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "libs/auth/approval.h"
#include "libs/auth/decision.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/access/adapters/json_codec.h"
#include "services/access/app/agreement.h"
#include "services/access/app/fake_stores.h"

namespace genofed::access {
namespace {

using testing::HasReason;
using testing::IsOk;

class FakeHub final : public HubApplications {
 public:
  Result<std::vector<Application>> ChangedSince(const Context&, std::int64_t after, int) override {
    std::vector<Application> changed;
    if (application.sequence > after) changed.push_back(application);
    return changed;
  }
  Application application;
};

class DecisionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Application& application = hub_.application;
    application.id = "app-1";
    application.content = {"Epilepsy",
                           "find variants",
                           "We look",
                           "DUO:0000006",
                           {"GOE-FI-A-1", "GOE-ES-A-1"},
                           365,
                           {"DUO:0000021", "DUO:0000045"}};
    application.applicant_issuer = "https://idp";
    application.applicant_subject = "ann";
    application.organisation = "Karolinska";
    application.frozen = codec_.Freeze(application);
    application.digest = HexEncode(crypto::Sha256(application.frozen));
    application.sequence = 1;
  }

  Context As(std::string subject) {
    Principal principal;
    principal.user.emplace();
    principal.user->issuer = "https://idp";
    principal.user->subject = std::move(subject);
    principal.user->roles = {"dac"};
    return Context::Background().WithPrincipal(std::move(principal));
  }
  Result<Grant> Decide(bool approve, std::string by = "dora",
                       std::vector<std::string> datasets = {},
                       std::vector<std::string> accepted = {}) {
    return decisions_.Decide(
        As(std::move(by)), "app-1",
        {approve, "because", datasets, hub_.application.digest, 30, false, accepted});
  }
  // What other services read in tokens of this country.
  auth::TrustStore Trust() const {
    std::string trust =
        R"({"issuers": [{"iss": "https://dac.fi.example", "jku": "https://dac.fi.example/jwks.json",
    "roles": ["approval", "decision"], "country": "FI", "datasets": "^GOE-FI-[A-Z]+-[0-9]+$", "jwks": {"keys": [)" +
        signer_.public_key().Jwk() + "]}}]}";
    auto store = auth::TrustStore::FromJson(trust);
    GF_CHECK(store.ok());
    return *std::move(store);
  }
  // The conditions in the signed decision and in an approval token.
  std::pair<std::vector<std::string>, std::vector<std::string>> Accepted() {
    const auth::TrustStore trust = Trust();
    const std::string& jws = store_.grants["app-1"].decision.signed_decision;
    auto decision = auth::VerifyDecision(trust, clock_, jws,
                                         {"FI", "app-1", hub_.application.digest, {"GOE-FI-A-1"}});
    EXPECT_THAT(decision, IsOk());
    auto token = decisions_.Approve(ctx_, "app-1");
    EXPECT_THAT(token, IsOk());
    auto approval = auth::VerifyApproval(
        trust, clock_, token->token,
        {"urn:genofed:site:fi", "FI", "ann", "app-1", {"GOE-FI-A-1"}, {}, {}, {}, {}, {}, {}});
    EXPECT_THAT(approval, IsOk());
    return {(*decision)->accepted_conditions, (*approval)->accepted_conditions};
  }
  // As the hub does once every country has decided.
  void Agree() {
    User official;
    official.issuer = "https://idp";
    official.subject = "otto";
    Application decided = hub_.application;
    decided.decisions = {{"ES", Outcome::kApproved, "", {}, {}, "signed by ES"},
                         store_.grants["app-1"].decision};
    Say(AgreementText(decided, official));
  }
  void Say(const std::string& agreement) {
    hub_.application.agreement = agreement;
    hub_.application.agreement_sha256 = HexEncode(crypto::Sha256(agreement));
    hub_.application.sequence++;
    ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  }

  Context ctx_ = Context::Background();
  testing::FakeClock clock_;
  testing::SeededRandom random_;
  FakeRevocationStore revocations_;
  FakeGrantStore store_{revocations_};
  auth::FixedTrust trust_{auth::TrustStore()};
  FakeHub hub_;
  JsonApplicationCodec codec_;
  crypto::FileSigner signer_{*crypto::SigningKey::Generate()};
  Decisions decisions_{
      store_,
      revocations_,
      hub_,
      codec_,
      trust_,
      signer_,
      {"FI", "https://dac.fi.example", "urn:genofed:site:fi", std::chrono::hours(24 * 60)},
      clock_,
      random_};
};

TEST_F(DecisionsTest, NoTokenBeforeDecisionAndAgreementNorAfterThePermit) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_PENDING"));
  ASSERT_THAT(Decide(true), IsOk());
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_AGREEMENT_MISSING"));
  Agree();
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), IsOk());
  clock_.Advance(std::chrono::hours(24 * 30));
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_PERMIT_EXPIRED"));
}

TEST_F(DecisionsTest, AnAgreementIsToThisCountrysDecisionOrNone) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  // Before anything was decided: nobody can have agreed to it.
  hub_.application.agreement_sha256 = std::string(64, 'a');
  hub_.application.sequence++;
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_AGREEMENT_MISSING"));
  const auto refused = [&] { return decisions_.Approve(ctx_, "app-1").status(); };
  const std::string head = "genofed data use agreement\napp-1\n" + hub_.application.digest + "\n";
  const std::string fi = "FI " + store_.grants["app-1"].decision_sha256 + "\n";
  for (const std::string& other :
       {std::string(), std::string("garbage"), head, head + "FI " + std::string(64, '0') + "\n", fi,
        "genofed data use agreement\napp-2\n" + hub_.application.digest + "\n" + fi,
        head + "E" + fi, head + std::string(70'000, 'x') + "\n" + fi}) {
    Say(other);
    EXPECT_THAT(refused(), HasReason("APPROVAL_AGREEMENT_MISSING")) << other.substr(0, 100);
  }
  // None of it stands in the way of the true one.
  Agree();
  EXPECT_THAT(refused(), IsOk());
}

TEST_F(DecisionsTest, AnAgreementThatIsNotItsDigestIsNone) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  hub_.application.agreement = "genofed data use agreement\napp-1\n" + hub_.application.digest +
                               "\nFI " + store_.grants["app-1"].decision_sha256 + "\n";
  hub_.application.agreement_sha256 = std::string(64, 'a');
  hub_.application.sequence++;
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_AGREEMENT_MISSING"));
  Agree();
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), IsOk());
}

// Everything that is decided stands in the ledger, and names no person.
TEST_F(DecisionsTest, AGrantIsInTheLedgerFromItsApprovalToItsEnd) {
  hub_.application.content.title = "Epilepsy\nin children " + std::string(20'000, 'x');
  hub_.application.frozen = codec_.Freeze(hub_.application);
  hub_.application.digest = HexEncode(crypto::Sha256(hub_.application.frozen));
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  EXPECT_TRUE(store_.entries.empty()) << "nothing is decided yet";
  ASSERT_THAT(Decide(true, "dora", {}, {"DUO:0000045"}), IsOk());
  const std::string approval = store_.grants["app-1"].decision_sha256;
  Agree();
  hub_.application.sequence++;
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());  // seen again
  ASSERT_THAT(decisions_.Revoke(As("dick"), "app-1", "ann has left"), IsOk());
  ASSERT_EQ(store_.entries.size(), 3u);
  const std::vector<std::string> outcomes = {"approved", "agreed", "revoked"};
  std::set<std::string> keys;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const GrantEntry& made = store_.entries[i];
    const ledger::Entry& entry = made.entry;
    keys.insert(made.key);
    EXPECT_EQ(entry.kind, ledger::EntryKind::kGrant);
    EXPECT_EQ(entry.Field("outcome"), outcomes[i]);
    EXPECT_EQ(entry.Field("application"), "app-1");
    EXPECT_EQ(entry.Field("application_sha256"), hub_.application.digest);
    EXPECT_EQ(entry.Field("dataset"), "GOE-FI-A-1");
    EXPECT_TRUE(entry.Field("project").starts_with("Epilepsy in children xx"));
    EXPECT_EQ(entry.Field("organisation"), "Karolinska");
    EXPECT_EQ(entry.Field("purpose"), "We look");
    EXPECT_EQ(entry.Field("purpose_code"), "DUO:0000006");
    EXPECT_EQ(entry.Field("conditions"), "DUO:0000045");
    EXPECT_EQ(entry.Field("decision_sha256"),
              i < 2 ? approval : store_.grants["app-1"].decision_sha256);
    EXPECT_EQ(entry.Field("agreement_sha256"), i == 0 ? "" : hub_.application.agreement_sha256);
    EXPECT_EQ(entry.Field("until").empty(), outcomes[i] == "revoked");
    EXPECT_TRUE(
        ledger::Opens(entry.commitments.at("researcher"), made.researcher_key, "https://idp|ann"));
    const auto bytes = ledger::EncodeEntry(entry);
    ASSERT_THAT(bytes, IsOk());
    for (const char* personal : {"ann", "dora", "dick", "because"})
      EXPECT_EQ(bytes->find(personal), std::string::npos) << personal;
  }
  EXPECT_EQ(keys.size(), 3u);
}

TEST_F(DecisionsTest, AVetoIsInTheLedgerForEachDataset) {
  hub_.application.content.datasets = {"GOE-FI-A-1", "GOE-FI-B-1", "GOE-ES-A-1"};
  hub_.application.frozen = codec_.Freeze(hub_.application);
  hub_.application.digest = HexEncode(crypto::Sha256(hub_.application.frozen));
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(false), IsOk());
  ASSERT_EQ(store_.entries.size(), 2u);
  for (const GrantEntry& made : store_.entries) {
    EXPECT_EQ(made.entry.kind, ledger::EntryKind::kDenied);
    EXPECT_EQ(made.entry.Field("outcome"), "vetoed");
    EXPECT_EQ(made.entry.Field("reason"), "APPROVAL_VETOED");
    EXPECT_THAT(ledger::EncodeEntry(made.entry), IsOk());
  }
  EXPECT_EQ(store_.entries[1].entry.Field("dataset"), "GOE-FI-B-1");
  EXPECT_NE(store_.entries[0].key, store_.entries[1].key);
}

TEST_F(DecisionsTest, AHubThatGivesNumbersOutAgainIsReadAgain) {
  hub_.application.sequence = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(*decisions_.FetchFromHub(ctx_), 1);
  EXPECT_EQ(*decisions_.FetchFromHub(ctx_), 0);
  // Restored from a backup: the next application has a number that was given out before.
  hub_.application.id = "app-2";
  hub_.application.frozen = codec_.Freeze(hub_.application);
  hub_.application.digest = HexEncode(crypto::Sha256(hub_.application.frozen));
  hub_.application.sequence = 2;
  EXPECT_EQ(*decisions_.FetchFromHub(ctx_), 0);
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(*decisions_.FetchFromHub(ctx_), 1);
  EXPECT_TRUE(store_.grants["app-2"].digest_matches);
  EXPECT_EQ(*decisions_.FetchFromHub(ctx_), 0);
}

TEST_F(DecisionsTest, ListsAreReadPageByPage) {
  for (const char* id : {"app-1", "app-2", "app-3"}) store_.grants[id].application.id = id;
  GF_ASSERT_OK_AND_ASSIGN(const Listed<Grant> first, decisions_.List(ctx_, {"", 2}));
  ASSERT_EQ(first.items.size(), 2u);
  EXPECT_EQ(first.items[0].application.id, "app-3");
  GF_ASSERT_OK_AND_ASSIGN(const Listed<Grant> second, decisions_.List(ctx_, {first.next, 2}));
  ASSERT_EQ(second.items.size(), 1u);
  EXPECT_EQ(second.items[0].application.id, "app-1");
  EXPECT_EQ(second.next, "");
  EXPECT_THAT(Page::Of(0, "a b"), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_THAT(Page::Of(0, std::string(101, 'a')), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_EQ(Page::Of(5000, "app-1")->size, 200);
}

TEST_F(DecisionsTest, TheTokenOpensThisCountrysDatasetsOnly) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  Agree();
  auto approval = decisions_.Approve(ctx_, "app-1");
  ASSERT_THAT(approval, IsOk());
  const auth::TrustStore store = Trust();
  auth::ApprovalExpectation expected{
      "urn:genofed:site:fi",   "FI", "ann", "app-1", {"GOE-FI-A-1"}, {}, {},
      hub_.application.digest, {},   {},    {}};
  EXPECT_THAT(auth::VerifyApproval(store, clock_, approval->token, expected), IsOk());
  expected.datasets = {"GOE-ES-A-1"};
  EXPECT_FALSE(auth::VerifyApproval(store, clock_, approval->token, expected).ok());
  expected.datasets = {"GOE-FI-A-1"};
  expected.subject = "eve";
  EXPECT_FALSE(auth::VerifyApproval(store, clock_, approval->token, expected).ok());
}

TEST_F(DecisionsTest, SignedIsWhatTheCommitteeAcceptedOfWhatWasAttested) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  EXPECT_THAT(Decide(true, "dora", {}, {"DUO:0000046"}), HasReason("CONDITION_NOT_ATTESTED"));
  ASSERT_THAT(Decide(true, "dora", {}, {"DUO:0000045"}), IsOk());
  Agree();
  const std::vector<std::string> accepted = {"DUO:0000045"};  // and DUO:0000021 was struck
  EXPECT_EQ(Accepted(), std::pair(accepted, accepted));
}

TEST_F(DecisionsTest, WithoutAWordNoConditionIsAccepted) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  Agree();
  EXPECT_EQ(Accepted(), (std::pair<std::vector<std::string>, std::vector<std::string>>()));
}

TEST_F(DecisionsTest, ConditionsThatTheHubAddsAreNotAcceptedWhereverItAddsThem) {
  hub_.application.content.conditions_met.push_back("DUO:0000046");  // beside the frozen bytes
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  EXPECT_THAT(Decide(true, "dora", {}, {"DUO:0000046"}), HasReason("CONDITION_NOT_ATTESTED"));
  ASSERT_THAT(Decide(true, "dora", {}, {"DUO:0000045"}), IsOk());
  Agree();
  // Into the bytes, with their digest, after the decision: another application.
  hub_.application.frozen = codec_.Freeze(hub_.application);
  hub_.application.digest = HexEncode(crypto::Sha256(hub_.application.frozen));
  // And into what it says the country decided.
  hub_.application.decisions.push_back({"FI", Outcome::kApproved, "", {}, {}, "", {"DUO:0000046"}});
  hub_.application.sequence++;
  const std::string digest = store_.grants["app-1"].application.digest;
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  hub_.application.digest = digest;  // of what was decided on
  EXPECT_EQ(Accepted().second, std::vector<std::string>{"DUO:0000045"});
}

TEST_F(DecisionsTest, ApplicationsOfBeforeThereWereConditionsKeepTheirDigest) {
  Application old = hub_.application;
  old.content.conditions_met.clear();
  const std::string frozen = codec_.Freeze(old);
  EXPECT_EQ(frozen.find("conditions"), std::string::npos);
  EXPECT_THAT(codec_.Thaw(frozen), IsOk());
  GF_ASSERT_OK_AND_ASSIGN(const Application thawed, codec_.Thaw(hub_.application.frozen));
  EXPECT_EQ(thawed.content, hub_.application.content);
  std::string odd = frozen;
  odd.insert(odd.find("\"datasets\""), "\"conditions_met\":[],");
  EXPECT_THAT(codec_.Thaw(odd), HasReason("APPLICATION_NOT_CANONICAL"));
}

TEST_F(DecisionsTest, WhatTheHubSaysBesideTheFrozenBytesIsIgnored) {
  hub_.application.content.datasets = {"GOE-FI-A-1", "GOE-FI-SECRET-1"};  // not in the frozen bytes
  hub_.application.applicant_subject = "eve";
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  EXPECT_THAT(Decide(true, "dora", {"GOE-FI-SECRET-1"}), HasReason("DATASET_NOT_ASKED"));
  EXPECT_THAT(Decide(true, "ann"), HasReason("NOT_INDEPENDENT"));
}

TEST_F(DecisionsTest, AForgedDigestCannotBeDecidedOnAndAChangeAfterwardsChangesNothing) {
  std::string digest = hub_.application.digest;
  hub_.application.digest = std::string(64, '0');
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  EXPECT_THAT(Decide(true), HasReason("DIGEST_MISMATCH"));

  store_.grants.clear();
  store_.cursor = 0;
  hub_.application.digest = digest;
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  hub_.application.content.datasets.push_back("GOE-FI-B-1");
  hub_.application.frozen = codec_.Freeze(hub_.application);
  hub_.application.digest = HexEncode(crypto::Sha256(hub_.application.frozen));
  Agree();
  // The agreement belongs to another digest, so it does not count here.
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_AGREEMENT_MISSING"));
}

TEST_F(DecisionsTest, RevocationEndsEverythingAtOnce) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  Agree();
  EXPECT_THAT(decisions_.Check(ctx_, "app-1"), IsOk());
  ASSERT_THAT(decisions_.Revoke(As("dora"), "app-1", "breach"), IsOk());
  EXPECT_THAT(decisions_.Check(ctx_, "app-1"), HasReason("APPROVAL_REVOKED"));
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_REVOKED"));
  EXPECT_THAT(Decide(true), HasReason("ALREADY_DECIDED"));
  // Every service hears of it through the list.
  ASSERT_EQ(revocations_.records.size(), 1u);
  EXPECT_EQ(revocations_.records[0].what,
            (auth::Revocation{auth::RevocationKind::kApplication, "app-1", ""}));
  EXPECT_EQ(revocations_.records[0].by, "dora");
}

TEST_F(DecisionsTest, WhatIsRevokedOtherwiseIsHonouredAtOnce) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  Agree();
  ASSERT_THAT(decisions_.Approve(ctx_, "app-1"), IsOk());
  for (const auto& [kind, value] : {std::pair{auth::RevocationKind::kApplication, "app-1"},
                                    std::pair{auth::RevocationKind::kUser, "ann"},
                                    std::pair{auth::RevocationKind::kDataset, "GOE-FI-A-1"}}) {
    revocations_.records.clear();
    revocations_.Revoke(kind, value);
    EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_REVOKED")) << value;
    EXPECT_THAT(decisions_.Check(ctx_, "app-1"), HasReason("APPROVAL_REVOKED")) << value;
  }
  revocations_.records.clear();
  // Somebody else whom another login service calls so.
  revocations_.Revoke(auth::RevocationKind::kUser, "ann", "https://other");
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), IsOk());
  revocations_.Revoke(auth::RevocationKind::kUser, "ann", "https://idp");
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_REVOKED"));
}

TEST_F(DecisionsTest, ATokenIsForTheCertificateThatAskedForIt) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(true), IsOk());
  Agree();
  EXPECT_EQ(decisions_.Approve(ctx_, "app-1")->certificate_sha256, "");
  Principal dispatcher;
  dispatcher.workload = {"fi", "dispatcher"};
  dispatcher.certificate_sha256 = std::string(43, 'A');
  auto approval = decisions_.Approve(ctx_.WithPrincipal(dispatcher), "app-1");
  ASSERT_THAT(approval, IsOk());
  EXPECT_EQ(approval->certificate_sha256, std::string(43, 'A'));
}

TEST_F(DecisionsTest, AVetoGrantsNothingWhateverTheHubClaims) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  ASSERT_THAT(Decide(false), IsOk());
  hub_.application.state = ApplicationState::kActive;
  Agree();
  EXPECT_THAT(decisions_.Approve(ctx_, "app-1"), HasReason("APPROVAL_VETOED"));
  EXPECT_THAT(decisions_.Approve(ctx_, "app-2"), HasReason("APPLICATION_UNKNOWN"));
}

TEST_F(DecisionsTest, PermitsAreCappedByThisCountry) {
  ASSERT_THAT(decisions_.FetchFromHub(ctx_), IsOk());
  auto grant = decisions_.Decide(As("dora"), "app-1",
                                 {true, "ok", {}, hub_.application.digest, 3650, false});
  ASSERT_THAT(grant, IsOk());
  EXPECT_EQ(grant->permit_until - grant->permit_from, std::chrono::hours(24 * 60));
}

TEST_F(DecisionsTest, UnderTheTwoPersonRuleTheFirstApprovalSignsNothing) {
  Decisions two_persons{
      store_,
      revocations_,
      hub_,
      codec_,
      trust_,
      signer_,
      {"FI", "https://dac.fi.example", "urn:genofed:site:fi", std::chrono::hours(24 * 60), true},
      clock_,
      random_};
  ASSERT_THAT(two_persons.FetchFromHub(ctx_), IsOk());
  const Ask ask{true, "because", {}, hub_.application.digest, 0, false};
  GF_ASSERT_OK_AND_ASSIGN(Grant proposed, two_persons.Decide(As("dora"), "app-1", ask));
  EXPECT_EQ(proposed.decision.signed_decision, "");
  EXPECT_EQ(store_.grants["app-1"].proposal->proposer.subject, "dora");
  EXPECT_THAT(two_persons.Approve(ctx_, "app-1"), HasReason("APPROVAL_PENDING"));
  EXPECT_THAT(two_persons.Decide(As("dora"), "app-1", ask), HasReason("SAME_PERSON"));
  GF_ASSERT_OK_AND_ASSIGN(Grant decided, two_persons.Decide(As("dick"), "app-1", ask));
  EXPECT_NE(decided.decision.signed_decision, "");
  EXPECT_EQ(decided.decision_sha256, HexEncode(crypto::Sha256(decided.decision.signed_decision)));
  Agree();
  EXPECT_THAT(two_persons.Approve(ctx_, "app-1"), IsOk());
}

// A token that does not answer: nothing is decided, and the same call succeeds later.
class SwitchedSigner final : public crypto::Signer {
 public:
  Result<std::string> SignJws(std::string_view type, std::string_view claims,
                              std::string_view jku) override {
    if (!on) return Error(StatusCode::kUnavailable, "KEY_STORE_UNAVAILABLE", "off");
    return signer_.SignJws(type, claims, jku);
  }
  const crypto::PublicKey& public_key() const override { return signer_.public_key(); }
  bool on = false;

 private:
  crypto::FileSigner signer_{*crypto::SigningKey::Generate()};
};

TEST_F(DecisionsTest, NothingIsDecidedWhileTheKeyIsAway) {
  SwitchedSigner signer;
  Decisions decisions{
      store_,
      revocations_,
      hub_,
      codec_,
      trust_,
      signer,
      {"FI", "https://dac.fi.example", "urn:genofed:site:fi", std::chrono::hours(24 * 60)},
      clock_,
      random_};
  ASSERT_THAT(decisions.FetchFromHub(ctx_), IsOk());
  const Ask ask{true, "because", {}, hub_.application.digest, 30, false};
  EXPECT_THAT(decisions.Decide(As("dora"), "app-1", ask), HasReason("KEY_STORE_UNAVAILABLE"));
  EXPECT_EQ(store_.grants["app-1"].decision.outcome, Outcome::kPending);
  signer.on = true;
  EXPECT_THAT(decisions.Decide(As("dora"), "app-1", ask), IsOk());
}

}  // namespace
}  // namespace genofed::access
