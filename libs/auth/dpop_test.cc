// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/dpop.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "libs/auth/testing_authority.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;

constexpr char kUrl[] = "https://fi.example:8443/api/v1/me";
constexpr char kToken[] = "header.claims.signature";

class DpopTest : public testing::Test {
 protected:
  Json Header() const {
    Json jwk = Json::parse(key_.public_key().Jwk());
    for (const char* name : {"kid", "use", "alg"}) jwk.erase(name);
    return {{"typ", "dpop+jwt"}, {"alg", "ES256"}, {"jwk", jwk}};
  }
  Json Claims() const {
    return {{"jti", "j" + std::to_string(++counter_)},
            {"htm", "GET"},
            {"htu", kUrl},
            {"iat", kNow},
            {"ath", Base64UrlEncode(crypto::Sha256(kToken))}};
  }
  static std::string Sign(const crypto::SigningKey& key, const std::string& header, const std::string& claims) {
    const std::string input = Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
    return input + "." + Base64UrlEncode(key.Sign(input));
  }
  std::string Sign(const Json& header, const Json& claims) const { return Sign(key_, header.dump(), claims.dump()); }
  DpopRequest Request() const { return {"GET", kUrl, kToken, key_.public_key().thumbprint()}; }
  // The internal reason; empty when the proof is accepted.
  std::string Check(std::string_view proof, const DpopRequest& request) {
    Refusal why;
    const Status status = VerifyDpopProof(proof, request, clock_, seen_, &why);
    if (!status.ok()) {
      EXPECT_EQ(Describe(status), "UNAUTHENTICATED/DPOP_PROOF_INVALID: the DPoP proof is not accepted");
      EXPECT_NE(why.check, "");
    }
    return why.check;
  }

  FixedClock clock_;
  SystemRandom random_;
  DpopReplayCache seen_{clock_};
  const crypto::SigningKey key_ = *crypto::SigningKey::Generate();
  const crypto::SigningKey other_ = *crypto::SigningKey::Generate();
  mutable int counter_ = 0;
};

TEST_F(DpopTest, AcceptsWhatItMakesOnce) {
  const std::string proof = MakeDpopProof(key_, "GET", std::string(kUrl) + "?page=2#top", kToken, clock_, random_);
  EXPECT_EQ(Check(proof, Request()), "");
  EXPECT_EQ(Check(proof, Request()), "DPOP_REPLAYED");
  EXPECT_EQ(Check(MakeDpopProof(key_, "GET", kUrl, kToken, clock_, random_), Request()), "");
}

// The example proof of RFC 9449 section 4.1, figure 2: signed by somebody else's implementation.
TEST_F(DpopTest, AcceptsTheProofOfTheStandard) {
  constexpr char kProof[] =
      "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRj"
      "QyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
      ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ij"
      "oxNTYyMjYyNjE2fQ"
      ".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
  clock_.now = FromUnixSeconds(1562262616);
  EXPECT_EQ(Check(kProof, {"POST", "https://server.example.com/token", "", ""}), "");
}

TEST_F(DpopTest, RefusesEveryWrongHeader) {
  const struct {
    const char* name;
    std::function<void(Json&)> change;
    const char* check;
  } cases[] = {
      {"alg in the key", [](auto& h) { h["jwk"]["alg"] = "ES256"; }, ""},
      {"no typ", [](auto& h) { h.erase("typ"); }, "TYPE_MISMATCH"},
      {"JWT", [](auto& h) { h["typ"] = "JWT"; }, "TYPE_MISMATCH"},
      {"access token", [](auto& h) { h["typ"] = "at+jwt"; }, "TYPE_MISMATCH"},
      {"none", [](auto& h) { h["alg"] = "none"; }, "ALGORITHM_REFUSED"},
      {"HS256", [](auto& h) { h["alg"] = "HS256"; }, "ALGORITHM_REFUSED"},
      {"RS256", [](auto& h) { h["alg"] = "RS256"; }, "ALGORITHM_REFUSED"},
      {"no alg", [](auto& h) { h.erase("alg"); }, "ALGORITHM_REFUSED"},
      {"no key", [](auto& h) { h.erase("jwk"); }, "JWK_MISSING"},
      {"key is text", [](auto& h) { h["jwk"] = "key"; }, "JWK_MISSING"},
      {"private key", [](auto& h) { h["jwk"]["d"] = h["jwk"]["x"]; }, "JWK_INVALID"},
      {"not on the curve", [](auto& h) { h["jwk"]["y"] = h["jwk"]["x"]; }, "JWK_INVALID"},
      {"other curve", [](auto& h) { h["jwk"]["crv"] = "P-384"; }, "JWK_UNSUPPORTED"},
      {"symmetric key", [](auto& h) { h["jwk"] = {{"kty", "oct"}, {"k", "AAAA"}}; }, "JWK_INVALID"},
      {"crit", [](auto& h) { h["crit"] = {"exp"}; }, "HEADER_REFUSED"},
      {"jku", [](auto& h) { h["jku"] = "https://evil.example"; }, "HEADER_REFUSED"},
      {"x5c", [](auto& h) { h["x5c"] = Json::array(); }, "HEADER_REFUSED"},
  };
  for (const auto& c : cases) {
    Json header = Header();
    c.change(header);
    EXPECT_EQ(Check(Sign(header, Claims()), Request()), c.check) << c.name;
  }
}

TEST_F(DpopTest, RefusesEveryWrongClaim) {
  const struct {
    const char* name;
    std::function<void(Json&)> change;
    const char* check;
  } cases[] = {
      {"oldest", [](auto& c) { c["iat"] = kNow - 60; }, ""},
      {"newest", [](auto& c) { c["iat"] = kNow + 60; }, ""},
      {"query in htu", [](auto& c) { c["htu"] = std::string(kUrl) + "?a=b"; }, ""},
      {"host in capitals", [](auto& c) { c["htu"] = "HTTPS://FI.Example:8443/api/v1/me"; }, ""},
      {"needless escape", [](auto& c) { c["htu"] = "https://fi.example:8443/%61pi/v1/me"; }, ""},
      {"more claims", [](auto& c) { c["nonce"] = "n"; }, ""},
      {"too old", [](auto& c) { c["iat"] = kNow - 61; }, "NOT_FRESH"},
      {"too new", [](auto& c) { c["iat"] = kNow + 61; }, "NOT_FRESH"},
      {"no iat", [](auto& c) { c.erase("iat"); }, "CLAIM_INVALID"},
      {"iat is text", [](auto& c) { c["iat"] = "now"; }, "CLAIM_INVALID"},
      {"iat is a fraction", [](auto& c) { c["iat"] = 1795332028.5; }, "CLAIM_INVALID"},
      {"no jti", [](auto& c) { c.erase("jti"); }, "CLAIM_INVALID"},
      {"empty jti", [](auto& c) { c["jti"] = ""; }, "CLAIM_INVALID"},
      {"long jti", [](auto& c) { c["jti"] = std::string(256, 'j'); }, "CLAIM_INVALID"},
      {"no htm", [](auto& c) { c.erase("htm"); }, "METHOD_MISMATCH"},
      {"other method", [](auto& c) { c["htm"] = "POST"; }, "METHOD_MISMATCH"},
      {"method in small letters", [](auto& c) { c["htm"] = "get"; }, "METHOD_MISMATCH"},
      {"no htu", [](auto& c) { c.erase("htu"); }, "URL_MISMATCH"},
      {"other path", [](auto& c) { c["htu"] = "https://fi.example:8443/api/v1/me/"; }, "URL_MISMATCH"},
      {"path in capitals", [](auto& c) { c["htu"] = "https://fi.example:8443/API/v1/me"; }, "URL_MISMATCH"},
      {"escaped slash", [](auto& c) { c["htu"] = "https://fi.example:8443/api%2Fv1/me"; }, "URL_MISMATCH"},
      {"other host", [](auto& c) { c["htu"] = "https://es.example:8443/api/v1/me"; }, "URL_MISMATCH"},
      {"other port", [](auto& c) { c["htu"] = "https://fi.example/api/v1/me"; }, "URL_MISMATCH"},
      {"other scheme", [](auto& c) { c["htu"] = "http://fi.example:8443/api/v1/me"; }, "URL_MISMATCH"},
      {"user in htu", [](auto& c) { c["htu"] = "https://a@fi.example:8443/api/v1/me"; }, "URL_MISMATCH"},
      {"no URL", [](auto& c) { c["htu"] = "/api/v1/me"; }, "URL_MISMATCH"},
      {"no ath", [](auto& c) { c.erase("ath"); }, "TOKEN_MISMATCH"},
      {"other token", [](auto& c) { c["ath"] = Base64UrlEncode(crypto::Sha256("other")); }, "TOKEN_MISMATCH"},
      {"ath in hex", [](auto& c) { c["ath"] = HexEncode(crypto::Sha256(kToken)); }, "TOKEN_MISMATCH"},
  };
  for (const auto& c : cases) {
    Json claims = Claims();
    c.change(claims);
    EXPECT_EQ(Check(Sign(Header(), claims), Request()), c.check) << c.name;
  }
}

TEST_F(DpopTest, RefusesEveryWrongForm) {
  const std::string good = Sign(Header(), Claims());
  EXPECT_EQ(Check("", Request()), "TOKEN_MALFORMED");
  EXPECT_EQ(Check("a.b", Request()), "TOKEN_MALFORMED");
  EXPECT_EQ(Check(good + ".", Request()), "TOKEN_MALFORMED");
  EXPECT_EQ(Check(good + "=", Request()), "TOKEN_MALFORMED");
  EXPECT_EQ(Check(std::string(4097, 'a'), Request()), "TOKEN_TOO_LARGE");
  EXPECT_EQ(Check(Sign(key_, "[]", Claims().dump()), Request()), "TOKEN_MALFORMED");
  std::string twice = Claims().dump();
  twice.insert(1, R"("htm":"POST",)");
  EXPECT_EQ(Check(Sign(key_, Header().dump(), twice), Request()), "JSON_DUPLICATE_NAME");
  EXPECT_EQ(Check(good.substr(0, good.rfind('.') + 1), Request()), "SIGNATURE_INVALID");
}

TEST_F(DpopTest, TheKeyIsTheOneTheTokenNames) {
  // A thief makes a proof by a key of his own, or puts the owner's key on a signature of his own.
  EXPECT_EQ(Check(MakeDpopProof(other_, "GET", kUrl, kToken, clock_, random_), Request()), "KEY_MISMATCH");
  EXPECT_EQ(Check(Sign(other_, Header().dump(), Claims().dump()), Request()), "SIGNATURE_INVALID");
}

TEST_F(DpopTest, RemembersProofsForAsLongAsTheyCount) {
  Json claims = Claims();
  claims["iat"] = kNow + 60;
  const std::string proof = Sign(Header(), claims);
  EXPECT_EQ(Check(proof, Request()), "");
  clock_.now = FromUnixSeconds(kNow + 120);  // the last moment at which it would be fresh
  EXPECT_EQ(Check(proof, Request()), "DPOP_REPLAYED");
  clock_.now = FromUnixSeconds(kNow + 121);
  EXPECT_EQ(Check(proof, Request()), "NOT_FRESH");
  claims = Claims();
  claims["iat"] = kNow + 121;
  EXPECT_EQ(Check(Sign(Header(), claims), Request()), "");
  EXPECT_EQ(seen_.size(), 1U);  // the first is forgotten
}

TEST_F(DpopTest, TheSameIdOfAnotherKeyIsAnotherProof) {
  Json claims = Claims();
  EXPECT_EQ(Check(Sign(Header(), claims), Request()), "");
  Json header = Header();
  header["jwk"] = Json::parse(other_.public_key().Jwk());
  const DpopRequest request{"GET", kUrl, kToken, other_.public_key().thumbprint()};
  EXPECT_EQ(Check(Sign(other_, header.dump(), claims.dump()), request), "");
}

TEST_F(DpopTest, AFullCacheRefusesRatherThanForgets) {
  DpopReplayCache small(clock_, 2);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(VerifyDpopProof(Sign(Header(), Claims()), Request(), clock_, small).ok());
  const Status busy = VerifyDpopProof(Sign(Header(), Claims()), Request(), clock_, small);
  EXPECT_EQ(busy.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(busy), "DPOP_BUSY");
  clock_.now = FromUnixSeconds(kNow + 61);
  Json claims = Claims();
  claims["iat"] = kNow + 61;
  EXPECT_TRUE(VerifyDpopProof(Sign(Header(), claims), Request(), clock_, small).ok());
}

TEST(DpopUrl, IsNormalised) {
  const struct {
    const char* from;
    const char* to;  // null: refused
  } cases[] = {
      {"https://a.example", "https://a.example/"},
      {"https://a.example:443/x", "https://a.example/x"},
      {"https://a.example:/x", "https://a.example/x"},
      {"http://a.example:80/x", "http://a.example/x"},
      {"http://a.example:443/x", "http://a.example:443/x"},
      {"https://[::1]:8443/x", "https://[::1]:8443/x"},
      {"https://a.example/a%7eb%2fc", "https://a.example/a~b%2Fc"},
      {"https://a.example?q=/x", "https://a.example/"},
      {"https://[::1]:443/x", "https://[::1]/x"},
      {"https://a.example::/x", nullptr},
      {"https://a.example:8x/x", nullptr},
      {"https://::1/x", nullptr},
      {"https://a[b]/x", nullptr},
      {"https://a.example/x%2", nullptr},
      {"https://a.example/x%zz", nullptr},
      {"https://a.example/a b", nullptr},
      {"https:///x", nullptr},
      {"ftp://a.example/x", nullptr},
      {"a.example/x", nullptr},
      {"", nullptr},
  };
  for (const auto& c : cases) {
    const auto url = NormalDpopUrl(c.from);
    EXPECT_EQ(url.ok() ? *url : "", c.to == nullptr ? "" : c.to) << c.from;
  }
}

}  // namespace
}  // namespace genofed::auth
