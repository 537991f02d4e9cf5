// SPDX-License-Identifier: Apache-2.0
//
// What verifying a token costs beside the one signature in it (A1), and whether failures can be told apart by time.
#include <benchmark/benchmark.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "libs/auth/approval.h"
#include "libs/auth/clearinghouse.h"
#include "libs/auth/testing_attacks.h"
#include "libs/auth/token_cache.h"
#include "libs/auth/visa.h"

namespace genofed::auth {
namespace {

const World& TheWorld() {
  static const World world;
  return world;
}

// The floor: OpenSSL's verification of one ES256 signature over a digest, with everything prepared.
void RawVerify(benchmark::State& state) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  const std::string digest(32, 'd');
  const auto* bytes = reinterpret_cast<const unsigned char*>(digest.data());
  unsigned char signature[80];
  std::size_t size = sizeof signature;
  EVP_PKEY_CTX* signer = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
  EVP_PKEY_sign_init(signer);
  EVP_PKEY_sign(signer, signature, &size, bytes, digest.size());
  EVP_PKEY_CTX* verifier = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
  EVP_PKEY_verify_init(verifier);
  for (auto _ : state) {
    if (EVP_PKEY_verify(verifier, signature, size, bytes, digest.size()) != 1) state.SkipWithError("not verified");
  }
  state.SetItemsProcessed(state.iterations());
  EVP_PKEY_CTX_free(verifier);
  EVP_PKEY_CTX_free(signer);
  EVP_PKEY_free(key);
}
BENCHMARK(RawVerify);

void Run(benchmark::State& state, const TrustStore& trust, TokenKind kind, const std::string& token, bool accepted) {
  const auto request = TheWorld().Request();
  for (auto _ : state) {
    if (Judge(trust, request, kind, token).accepted != accepted) state.SkipWithError("the wrong answer");
  }
  state.SetItemsProcessed(state.iterations());
}

std::string Token(TokenKind kind) {
  switch (kind) {
    case TokenKind::kVisa:
      return GoodVisa(TheWorld(), TheWorld().fi).Sign();
    case TokenKind::kApproval:
      return GoodApproval(TheWorld(), TheWorld().fi).Sign();
    case TokenKind::kPassport:
      return GoodPassport(TheWorld(), {GoodVisa(TheWorld(), TheWorld().fi).Sign()}).Sign();
    case TokenKind::kAccessToken:
      break;
  }
  return GoodAccessToken(TheWorld()).Sign();
}

void Verify(benchmark::State& state, TokenKind kind) { Run(state, TheWorld().Trust(), kind, Token(kind), true); }
BENCHMARK_CAPTURE(Verify, visa, TokenKind::kVisa);
BENCHMARK_CAPTURE(Verify, approval, TokenKind::kApproval);
BENCHMARK_CAPTURE(Verify, access_token, TokenKind::kAccessToken);
BENCHMARK_CAPTURE(Verify, passport_with_one_visa, TokenKind::kPassport);

class AtRequest final : public Clock {
 public:
  Time Now() const override { return now_; }

 private:
  const Time now_ = TheWorld().Request().now;
};

void CachedVisa(benchmark::State& state) {
  const TrustStore trust = TheWorld().Trust().With(std::make_shared<TokenCache>());
  const auto request = TheWorld().Request();
  const VisaExpectation expected = {.person = request.person, .audience = request.audience, .dataset = request.dataset};
  const std::string token = Token(TokenKind::kVisa);
  const AtRequest clock;
  for (auto _ : state) {
    if (!VerifyVisa(trust, clock, token, expected).ok()) state.SkipWithError("refused");
  }
}
BENCHMARK(CachedVisa)->Name("Cached/visa");

void CachedApproval(benchmark::State& state) {
  const TrustStore trust = TheWorld().Trust().With(std::make_shared<TokenCache>());
  const auto request = TheWorld().Request();
  const ApprovalExpectation expected = {.audience = request.audience,
                                        .country = request.country,
                                        .subject = request.person.subject,
                                        .application = request.application,
                                        .datasets = {request.dataset},
                                        .subject_issuer = {},
                                        .application_sha256 = request.application_sha256,
                                        .dua_sha256 = {},
                                        .purpose = {},
                                        .client_certificate_sha256 = request.client_certificate_sha256};
  const std::string token = Token(TokenKind::kApproval);
  const AtRequest clock;
  for (auto _ : state) {
    if (!VerifyApproval(trust, clock, token, expected).ok()) state.SkipWithError("refused");
  }
}
BENCHMARK(CachedApproval)->Name("Cached/approval");

// What somebody without a token could try to tell apart by timing: each must cost the work of a signature.
void Refuse(benchmark::State& state, const char* what) {
  Draft visa = GoodVisa(TheWorld(), TheWorld().fi);
  const std::string wrong(what);
  if (wrong == "signature") visa.key = &TheWorld().stranger;
  if (wrong == "issuer") visa.claims["iss"] = "https://nobody.example";
  if (wrong == "kid") visa.header["kid"] = "nobody";
  if (wrong == "jku") visa.header["jku"] = "https://nobody.example/jwks";
  if (wrong == "typ") visa.header["typ"] = "x";
  Run(state, TheWorld().Trust(), TokenKind::kVisa, visa.Sign(), false);
}
BENCHMARK_CAPTURE(Refuse, signature, "signature");
BENCHMARK_CAPTURE(Refuse, issuer, "issuer");
BENCHMARK_CAPTURE(Refuse, kid, "kid");
BENCHMARK_CAPTURE(Refuse, jku, "jku");
BENCHMARK_CAPTURE(Refuse, typ, "typ");

}  // namespace
}  // namespace genofed::auth
