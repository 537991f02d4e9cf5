// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/approval.h"

#include <gtest/gtest.h>

#include <functional>

#include "libs/auth/decision.h"
#include "libs/auth/testing_authority.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;

Time At(std::int64_t offset) { return FromUnixSeconds(kNow + offset); }

class ApprovalTest : public testing::Test {
 protected:
  Approval Good() const {
    return {.issuer = federation_.fi.iss,
            .subject = "alice",
            .id = "apr-1",
            .audience = "urn:genofed:site:fi",
            .country = "FI",
            .application = "APP-1",
            .application_sha256 = std::string(64, 'a'),
            .dua_sha256 = std::string(64, 'b'),
            .datasets = {"https://data.example/datasets/FI-1", "https://data.example/datasets/FI-2"},
            .purposes = {"DUO:0000042"},
            .permit_id = "PERMIT-1",
            .permit_from = At(-86400),
            .permit_until = At(86400),
            .issued_at = At(-60),
            .not_before = At(-60),
            .expires_at = At(3600),
            .client_certificate_sha256 = "44mEL35OnLTp4BthEh6cNKKINGYH2KsKyiXQBhpUw7Y",
            .accepted_conditions = {"DUO:0000021", "DUO:0000045"}};
  }
  std::string Mint(const Approval& approval) {
    auto token = MintApproval(federation_.fi.signer, approval);
    EXPECT_TRUE(token.ok()) << Describe(token.status());
    return *std::move(token);
  }
  std::string WhyRefused(std::string_view token) const {
    Refusal why;
    const auto approval = VerifyApproval(trust_, clock_, token, expected_, &why);
    EXPECT_EQ(approval.ok(), why.check.empty());
    if (!approval.ok()) {
      EXPECT_EQ(Describe(approval.status()), "PERMISSION_DENIED/APPROVAL_REFUSED: the token is not accepted");
    }
    return why.check;
  }

  TestFederation federation_;
  FixedClock clock_;
  TrustStore trust_ = federation_.Trust();
  ApprovalExpectation expected_ = {
      .audience = "urn:genofed:site:fi",
      .country = "fi",
      .subject = "alice",
      .application = "APP-1",
      .datasets = {"https://data.example/datasets/FI-1"},
      .subject_issuer = federation_.login.iss,
      .application_sha256 = std::string(64, 'a'),
      .dua_sha256 = std::string(64, 'b'),
      .purpose = "DUO:0000042",
      .client_certificate_sha256 = "44mEL35OnLTp4BthEh6cNKKINGYH2KsKyiXQBhpUw7Y"};
};

TEST_F(ApprovalTest, ReadsBackWhatWasMinted) {
  const auto verified = VerifyApproval(trust_, clock_, Mint(Good()), expected_);
  ASSERT_TRUE(verified.ok());
  const Approval& read = **verified;
  const Approval good = Good();
  EXPECT_EQ(read.issuer, good.issuer);
  EXPECT_EQ(read.subject, good.subject);
  EXPECT_EQ(read.id, good.id);
  EXPECT_EQ(read.audience, good.audience);
  EXPECT_EQ(read.country, "fi");
  EXPECT_EQ(read.application, good.application);
  EXPECT_EQ(read.application_sha256, good.application_sha256);
  EXPECT_EQ(read.dua_sha256, good.dua_sha256);
  EXPECT_EQ(read.datasets, good.datasets);
  EXPECT_EQ(read.purposes, good.purposes);
  EXPECT_EQ(read.permit_id, good.permit_id);
  EXPECT_EQ(read.permit_from, good.permit_from);
  EXPECT_EQ(read.permit_until, good.permit_until);
  EXPECT_EQ(read.expires_at, good.expires_at);
  EXPECT_EQ(read.client_certificate_sha256, good.client_certificate_sha256);
  EXPECT_EQ(read.accepted_conditions, good.accepted_conditions);
}

struct Case {
  const char* name;
  std::function<void(Approval&)> change;
  const char* check;  // empty: accepted
};

TEST_F(ApprovalTest, EveryMismatchHasItsReason) {
  const Case cases[] = {
      {"as it should be", [](auto&) {}, ""},
      {"not bound", [](auto& a) { a.client_certificate_sha256.clear(); }, "CERTIFICATE_UNBOUND"},
      {"country", [](auto& a) { a.country = "ES"; }, "COUNTRY_MISMATCH"},
      {"audience", [](auto& a) { a.audience = "urn:genofed:site:es"; }, "AUDIENCE_MISMATCH"},
      {"subject", [](auto& a) { a.subject = "bob"; }, "SUBJECT_MISMATCH"},
      {"application", [](auto& a) { a.application = "APP-2"; }, "APPLICATION_MISMATCH"},
      {"version", [](auto& a) { a.application_sha256 = std::string(64, 'c'); }, "DIGEST_MISMATCH"},
      {"revoked application", [](auto& a) { a.application = "APP-1999"; }, "APPLICATION_REVOKED"},
      {"revoked token", [](auto& a) { a.id = "revoked-1"; }, "TOKEN_REVOKED"},
      {"agreement", [](auto& a) { a.dua_sha256 = std::string(64, 'c'); }, "DUA_MISMATCH"},
      {"datasets", [](auto& a) { a.datasets = {"https://data.example/datasets/FI-2"}; }, "DATASET_MISMATCH"},
      {"foreign dataset", [](auto& a) { a.datasets.push_back("https://data.example/datasets/ES-1"); },
       "DATASET_NOT_PERMITTED"},
      {"purpose", [](auto& a) { a.purposes = {"DUO:0000006"}; }, "PURPOSE_NOT_PERMITTED"},
      {"no purpose", [](auto& a) { a.purposes.clear(); }, "PURPOSE_NOT_PERMITTED"},
      {"certificate", [](auto& a) { a.client_certificate_sha256[0] = '5'; }, "CERTIFICATE_MISMATCH"},
      {"within the skew", [](auto& a) { a.issued_at = a.not_before = At(-600); a.expires_at = At(-59); }, ""},
      {"expired", [](auto& a) { a.issued_at = a.not_before = At(-600); a.expires_at = At(-60); }, "EXPIRED"},
      {"from the future", [](auto& a) { a.issued_at = At(61); }, "NOT_YET_VALID"},
      {"not yet valid", [](auto& a) { a.not_before = At(61); }, "NOT_YET_VALID"},
      {"permit not started", [](auto& a) { a.permit_from = At(61); }, "PERMIT_NOT_STARTED"},
      {"permit just ended, token within the skew",
       [](auto& a) { a.issued_at = a.not_before = At(-600); a.expires_at = a.permit_until = At(0); }, "PERMIT_EXPIRED"},
      {"other issuer", [](auto& a) { a.issuer = "https://dac.es.example"; }, "KEY_UNKNOWN"},
      {"unknown issuer", [](auto& a) { a.issuer = "https://nobody.example"; }, "ISSUER_UNKNOWN"},
  };
  for (const auto& c : cases) {
    Approval approval = Good();
    c.change(approval);
    EXPECT_EQ(WhyRefused(Mint(approval)), c.check) << c.name;
  }
}

TEST_F(ApprovalTest, ExpectationsAreCheckedWhenGiven) {
  const std::string token = Mint(Good());
  expected_.subject_issuer = federation_.other_login.iss;  // another "alice"
  EXPECT_EQ(WhyRefused(token), "SUBJECT_NAMESPACE_MISMATCH");
  expected_.subject_issuer = "https://nobody.example";
  EXPECT_EQ(WhyRefused(token), "SUBJECT_NAMESPACE_MISMATCH");
  expected_.subject_issuer.reset();
  expected_.application_sha256.reset();
  expected_.dua_sha256.reset();
  expected_.purpose.reset();
  EXPECT_EQ(WhyRefused(token), "");
  expected_.client_certificate_sha256.reset();  // a bound token needs the certificate
  EXPECT_EQ(WhyRefused(token), "CERTIFICATE_MISMATCH");
  expected_.datasets.clear();
  EXPECT_EQ(WhyRefused(token), "DATASET_MISMATCH");
}

TEST_F(ApprovalTest, NobodyButTheNationalKeyApproves) {
  Approval forged = Good();
  EXPECT_EQ(WhyRefused(*MintApproval(federation_.hub.signer, forged)), "KEY_UNKNOWN");  // in Finland's name
  forged.issuer = federation_.hub.iss;
  EXPECT_EQ(WhyRefused(*MintApproval(federation_.hub.signer, forged)), "ROLE_MISMATCH");  // in its own
  forged.issuer = federation_.es.iss;
  EXPECT_EQ(WhyRefused(*MintApproval(federation_.es.signer, forged)), "COUNTRY_MISMATCH");  // a neighbour
}

TEST_F(ApprovalTest, ADecisionIsNotAnApproval) {
  const auto token = MintDecision(federation_.fi.signer, {.issuer = federation_.fi.iss,
                                                          .id = "dec-1",
                                                          .country = "FI",
                                                          .application = "APP-1",
                                                          .application_sha256 = std::string(64, 'a'),
                                                          .verdict = Verdict::kApprove,
                                                          .datasets = Good().datasets,
                                                          .conditions = {},
                                                          .reason = "",
                                                          .issued_at = At(0)});
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(WhyRefused(*token), "TYPE_MISMATCH");
}

struct RawCase {
  const char* name;
  std::function<void(Json&)> change;
  const char* check;
};

// Tokens that MintApproval would not make, signed by the right key.
TEST_F(ApprovalTest, RefusesMalformedClaimsThoughTheSignatureIsRight) {
  const Json good = {{"iss", federation_.fi.iss},
                     {"sub", "alice"},
                     {"aud", "urn:genofed:site:fi"},
                     {"jti", "apr-1"},
                     {"iat", kNow - 60},
                     {"nbf", kNow - 60},
                     {"exp", kNow + 3600},
                     {"decision", "approve"},
                     {"country", "FI"},
                     {"application", "APP-1"},
                     {"application_sha256", std::string(64, 'a')},
                     {"dua_sha256", std::string(64, 'b')},
                     {"datasets", {"https://data.example/datasets/FI-1"}},
                     {"purposes", {"DUO:0000042"}},
                     {"permit", {{"id", "P"}, {"from", kNow - 100}, {"until", kNow + 86400}}}};
  expected_.client_certificate_sha256.reset();
  // Of a country that was not asked for conditions: it accepted none.
  EXPECT_EQ(WhyRefused(federation_.fi.Sign("1mg-approval+jwt", good)), "");
  const auto old = VerifyApproval(trust_, clock_, federation_.fi.Sign("1mg-approval+jwt", good), expected_);
  EXPECT_TRUE((*old)->accepted_conditions.empty());
  for (const char* name : {"sub", "aud", "jti", "iat", "nbf", "exp", "decision", "country", "application",
                           "application_sha256", "dua_sha256", "datasets", "permit"}) {
    for (const Json& value : {Json(), Json(7.5), Json(""), Json::array(), Json::object()}) {
      Json claims = good;
      claims[name] = value;
      EXPECT_EQ(WhyRefused(federation_.fi.Sign("1mg-approval+jwt", claims)), "CLAIM_INVALID") << name << value;
    }
    Json claims = good;
    claims.erase(name);
    EXPECT_EQ(WhyRefused(federation_.fi.Sign("1mg-approval+jwt", claims)), "CLAIM_INVALID") << name;
  }
  const RawCase cases[] = {
      {"one audience in a list", [](auto& c) { c["aud"] = {"urn:genofed:site:fi"}; }, ""},
      {"two audiences", [](auto& c) { c["aud"] = {"urn:genofed:site:fi", "urn:genofed:site:es"}; }, "AUDIENCE_NOT_SINGLE"},
      {"veto", [](auto& c) { c["decision"] = "veto"; }, "DECISION_NOT_APPROVE"},
      {"conditions as text", [](auto& c) { c["accepted_conditions"] = "DUO:0000045"; }, "CLAIM_INVALID"},
      {"life over a day", [](auto& c) { c["exp"] = kNow - 60 + 86401; c["permit"]["until"] = kNow + 999999; },
       "LIFETIME_TOO_LONG"},
      {"outlives the permit", [](auto& c) { c["permit"]["until"] = kNow + 3599; }, "OUTLIVES_PERMIT"},
      {"permit backwards", [](auto& c) { c["permit"]["from"] = kNow + 86400; }, "TIMES_CONTRADICT"},
      {"permit without id", [](auto& c) { c["permit"].erase("id"); }, "CLAIM_INVALID"},
      {"cnf of another kind", [](auto& c) { c["cnf"] = {{"jkt", "x"}}; }, "CLAIM_INVALID"},
      {"cnf is null", [](auto& c) { c["cnf"] = nullptr; }, "CLAIM_INVALID"},
  };
  for (const auto& c : cases) {
    Json claims = good;
    c.change(claims);
    EXPECT_EQ(WhyRefused(federation_.fi.Sign("1mg-approval+jwt", claims)), c.check) << c.name;
  }
}

TEST_F(ApprovalTest, RefusesToMintWhatNoNodeWouldAccept) {
  const Case cases[] = {
      {"no datasets", [](auto& a) { a.datasets.clear(); }, ""},
      {"no permit", [](auto& a) { a.permit_id.clear(); }, ""},
      {"outlives the permit", [](auto& a) { a.permit_until = At(3599); }, ""},
      {"over a day", [](auto& a) { a.expires_at = a.permit_until = At(90000); }, ""},
      {"ends before it begins", [](auto& a) { a.expires_at = At(-61); }, ""},
      {"no agreement", [](auto& a) { a.dua_sha256.clear(); }, ""},
  };
  for (const auto& c : cases) {
    Approval approval = Good();
    c.change(approval);
    EXPECT_EQ(Reason(MintApproval(federation_.fi.signer, approval).status()), "CLAIM_INVALID") << c.name;
  }
}

TEST_F(ApprovalTest, RefusesATokenWithAnyByteChanged) {
  const std::string token = Mint(Good());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string bad = token;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ASSERT_NE(WhyRefused(bad), "") << i;
  }
}

}  // namespace
}  // namespace genofed::auth
