// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/key_internal.h"
#include "libs/crypto/strict_json.h"

namespace genofed::crypto {
namespace {

using internal::InvalidKey;
using internal::PkeyPtr;
using Json = nlohmann::json;

constexpr std::size_t kCoordinateBytes = 32;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr std::size_t kMaxExponentBytes = 4;
constexpr std::size_t kMaxKidBytes = 256;

// A non-negative number of a key, left-padded to `size` bytes (0: as short as possible).
Result<std::string> Number(const EVP_PKEY* pkey, const char* name, std::size_t size) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(pkey, name, &raw) != 1) return InvalidKey("KEY_INVALID", "incomplete key");
  const internal::BnPtr number(raw);
  const auto needed = static_cast<std::size_t>(BN_num_bytes(raw));
  std::string bytes(size == 0 ? needed : size, '\0');
  if (BN_bn2binpad(raw, internal::Bytes(bytes), static_cast<int>(bytes.size())) < 0) {
    return InvalidKey("KEY_INVALID", "number out of range");
  }
  return bytes;
}

bool IsP256(const EVP_PKEY* pkey) {
  char name[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(pkey, "EC") == 1 &&
         EVP_PKEY_get_group_name(pkey, name, sizeof name, &size) == 1 &&
         std::string_view(name, size) == "prime256v1";
}

// The member as text; empty when absent, an error when it is something else.
Result<std::string> Text(const Json& jwk, const char* name) {
  const auto member = jwk.find(name);
  if (member == jwk.end()) return std::string();
  const auto* text = member->get_ptr<const std::string*>();
  if (text == nullptr) {
    return Error(StatusCode::kInvalidArgument, "JWK_INVALID", "member \"{}\" is not a string", name);
  }
  return *text;
}

Result<std::string> BytesMember(const Json& jwk, const char* name) {
  GF_ASSIGN(const std::string text, Text(jwk, name));
  auto bytes = Base64UrlDecode(text);
  if (text.empty() || !bytes.ok()) {
    return Error(StatusCode::kInvalidArgument, "JWK_INVALID", "member \"{}\" is not base64url", name);
  }
  return bytes;
}

Result<PkeyPtr> EcFromJwk(const Json& jwk) {
  GF_ASSIGN(const std::string curve, Text(jwk, "crv"));
  if (curve != "P-256") return InvalidKey("JWK_UNSUPPORTED", "curve is not P-256");
  GF_ASSIGN(const std::string x, BytesMember(jwk, "x"));
  GF_ASSIGN(const std::string y, BytesMember(jwk, "y"));
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) {
    return InvalidKey("JWK_INVALID", "a coordinate of P-256 has 32 bytes");
  }
  return internal::MakeEcPublic(x, y);
}

// `n` and `e` without leading zeros, as RFC 7518 section 6.3.1 demands.
Status CheckRsaNumbers(std::string_view n, std::string_view e) {
  if (n.front() == '\0' || e.front() == '\0') return InvalidKey("JWK_INVALID", "leading zero");
  const std::size_t bytes = n.size();
  if (bytes < kMinRsaBits / 8 || bytes > kMaxRsaBits / 8 ||
      (bytes == kMinRsaBits / 8 && (static_cast<unsigned char>(n.front()) & 0x80U) == 0)) {
    return InvalidKey("JWK_UNSUPPORTED", "RSA modulus has not 2048 to 8192 bits");
  }
  if (e.size() < 3 || e.size() > kMaxExponentBytes || (static_cast<unsigned char>(e.back()) & 1U) == 0) {
    return InvalidKey("JWK_UNSUPPORTED", "RSA exponent is not odd and between 65537 and 2^32");
  }
  return {};
}

Result<PkeyPtr> RsaFromJwk(const Json& jwk) {
  GF_ASSIGN(const std::string n, BytesMember(jwk, "n"));
  GF_ASSIGN(const std::string e, BytesMember(jwk, "e"));
  GF_TRY(CheckRsaNumbers(n, e));
  return internal::MakeRsaPublic(n, e);
}

// "use", "key_ops" and "alg" restrict a key further than its type does (RFC 7517 section 4).
Status CheckPurpose(const Json& jwk, std::string_view algorithm) {
  GF_ASSIGN(const std::string use, Text(jwk, "use"));
  if (jwk.contains("use") && use != "sig") return InvalidKey("JWK_UNSUPPORTED", "key is not for signatures");
  GF_ASSIGN(const std::string alg, Text(jwk, "alg"));
  if (jwk.contains("alg") && alg != algorithm) {
    return InvalidKey("JWK_UNSUPPORTED", "\"alg\" is not the algorithm of such a key");
  }
  const auto operations = jwk.find("key_ops");
  if (operations == jwk.end()) return {};
  for (const Json& operation : *operations) {
    if (operation == "verify") return {};
  }
  return InvalidKey("JWK_UNSUPPORTED", "\"key_ops\" does not allow verifying");
}

}  // namespace

std::string_view AlgorithmName(Algorithm algorithm) {
  return algorithm == Algorithm::kEs256 ? "ES256" : "RS256";
}

Result<PublicKey> PublicKey::FromPkey(std::shared_ptr<evp_pkey_st> pkey) {
  PublicKey key;
  // The members are base64url text, which JSON needs not escape; their order is RFC 7638's.
  if (IsP256(pkey.get())) {
    GF_ASSIGN(const std::string x, Number(pkey.get(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateBytes));
    GF_ASSIGN(const std::string y, Number(pkey.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateBytes));
    // Made anew, so that a public key never carries a private part.
    GF_ASSIGN(key.pkey_, internal::MakeEcPublic(x, y));
    key.algorithm_ = Algorithm::kEs256;
    key.required_members_ = fmt::format(R"("crv":"P-256","kty":"EC","x":"{}","y":"{}")",
                                        Base64UrlEncode(x), Base64UrlEncode(y));
  } else if (EVP_PKEY_is_a(pkey.get(), "RSA") == 1) {
    GF_ASSIGN(const std::string n, Number(pkey.get(), OSSL_PKEY_PARAM_RSA_N, 0));
    GF_ASSIGN(const std::string e, Number(pkey.get(), OSSL_PKEY_PARAM_RSA_E, 0));
    GF_TRY(CheckRsaNumbers(n, e));
    GF_ASSIGN(key.pkey_, internal::MakeRsaPublic(n, e));
    key.algorithm_ = Algorithm::kRs256;
    key.required_members_ =
        fmt::format(R"("e":"{}","kty":"RSA","n":"{}")", Base64UrlEncode(e), Base64UrlEncode(n));
  } else {
    return InvalidKey("JWK_UNSUPPORTED", "key is neither EC P-256 nor RSA");
  }
  key.verifier_ = std::make_shared<internal::Sha256Verifier>(key.pkey_);
  key.thumbprint_ = Base64UrlEncode(Sha256("{" + key.required_members_ + "}"));
  key.kid_ = key.thumbprint_;
  return key;
}

Result<PublicKey> PublicKey::FromJwk(std::string_view text) {
  auto jwk = ParseStrictJson(text);
  if (!jwk.ok() || !jwk->is_object()) return InvalidKey("JWK_INVALID", "not a strict JSON object");
  if (jwk->contains("d") || jwk->contains("k")) {
    return InvalidKey("JWK_INVALID", "holds a private or symmetric key");
  }
  GF_ASSIGN(const std::string type, Text(*jwk, "kty"));
  if (type.empty()) return InvalidKey("JWK_INVALID", "member \"kty\" is missing");
  if (type != "EC" && type != "RSA") return InvalidKey("JWK_UNSUPPORTED", "key type is not EC or RSA");
  GF_TRY(CheckPurpose(*jwk, type == "EC" ? "ES256" : "RS256"));
  GF_ASSIGN(auto pkey, type == "EC" ? EcFromJwk(*jwk) : RsaFromJwk(*jwk));
  GF_ASSIGN(PublicKey key, FromPkey(std::move(pkey)));
  GF_ASSIGN(std::string kid, Text(*jwk, "kid"));
  if (kid.size() > kMaxKidBytes) return InvalidKey("JWK_INVALID", "member \"kid\" is too long");
  if (!kid.empty()) key.kid_ = std::move(kid);
  return key;
}

Result<PublicKey> PublicKey::FromPem(std::string_view pem) {
  GF_ASSIGN(auto pkey, internal::ReadPublicPem(pem));
  return FromPkey(std::move(pkey));
}

std::string PublicKey::Jwk() const {
  return fmt::format(R"({{{},"kid":{},"use":"sig","alg":"{}"}})", required_members_, Json(kid_).dump(),
                     AlgorithmName(algorithm_));
}

bool PublicKey::Verify(std::string_view data, std::string_view signature) const {
  if (algorithm_ == Algorithm::kRs256) {
    return signature.size() == static_cast<std::size_t>(EVP_PKEY_get_size(pkey_.get())) &&
           verifier_->Verify(data, signature);
  }
  const std::string der = internal::EcdsaToDer(signature);
  return !der.empty() && verifier_->Verify(data, der);
}

Result<SigningKey> SigningKey::FromPkey(std::shared_ptr<evp_pkey_st> pkey) {
  if (!IsP256(pkey.get())) return InvalidKey("KEY_INVALID", "not an EC P-256 key");
  const internal::PkeyCtxPtr check(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr));
  GF_CHECK(check != nullptr);
  if (EVP_PKEY_check(check.get()) != 1) return InvalidKey("KEY_INVALID", "private key fails its checks");
  SigningKey key;
  GF_ASSIGN(key.public_, PublicKey::FromPkey(pkey));
  key.pkey_ = std::move(pkey);
  return key;
}

Result<SigningKey> SigningKey::Generate() { return FromPkey(internal::OwnPkey(EVP_EC_gen("P-256"))); }

Result<SigningKey> SigningKey::FromPem(std::string_view pem) {
  GF_ASSIGN(auto pkey, internal::ReadPrivatePem(pem));
  return FromPkey(std::move(pkey));
}

std::string SigningKey::ToPem() const { return internal::WritePrivatePem(pkey_.get()); }

std::string SigningKey::Sign(std::string_view data) const {
  const std::string raw = internal::EcdsaFromDer(internal::DigestSign(pkey_.get(), "SHA256", data));
  GF_CHECK(!raw.empty());
  return raw;
}

Result<Ed25519PublicKey> Ed25519PublicKey::FromRaw(std::string_view bytes) {
  if (bytes.size() != kBytes) return InvalidKey("KEY_INVALID", "an Ed25519 public key has 32 bytes");
  Ed25519PublicKey key;
  key.raw_ = std::string(bytes);
  key.pkey_ = internal::OwnPkey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr,
                                                               internal::Bytes(bytes), bytes.size()));
  if (key.pkey_ == nullptr) return InvalidKey("KEY_INVALID", "not an Ed25519 public key");
  return key;
}

bool Ed25519PublicKey::Verify(std::string_view data, std::string_view signature) const {
  return signature.size() == kSignatureBytes &&
         internal::DigestVerify(pkey_.get(), nullptr, data, signature);
}

Result<Ed25519Key> Ed25519Key::FromPkey(std::shared_ptr<evp_pkey_st> pkey) {
  if (EVP_PKEY_is_a(pkey.get(), "ED25519") != 1) return InvalidKey("KEY_INVALID", "not an Ed25519 key");
  std::string raw(Ed25519PublicKey::kBytes, '\0');
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(pkey.get(), internal::Bytes(raw), &size) != 1) {
    return InvalidKey("KEY_INVALID", "incomplete key");
  }
  Ed25519Key key;
  GF_ASSIGN(key.public_, Ed25519PublicKey::FromRaw(raw));
  key.pkey_ = std::move(pkey);
  return key;
}

Result<Ed25519Key> Ed25519Key::Generate() {
  return FromPkey(internal::OwnPkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
}

Result<Ed25519Key> Ed25519Key::FromSeed(std::string_view seed) {
  if (seed.size() != kSeedBytes) return InvalidKey("KEY_INVALID", "an Ed25519 seed has 32 bytes");
  return FromPkey(internal::OwnPkey(EVP_PKEY_new_raw_private_key_ex(
      nullptr, "ED25519", nullptr, internal::Bytes(seed), seed.size())));
}

Result<Ed25519Key> Ed25519Key::FromPem(std::string_view pem) {
  GF_ASSIGN(auto pkey, internal::ReadPrivatePem(pem));
  return FromPkey(std::move(pkey));
}

std::string Ed25519Key::ToPem() const { return internal::WritePrivatePem(pkey_.get()); }

std::string Ed25519Key::Sign(std::string_view data) const {
  return internal::DigestSign(pkey_.get(), nullptr, data);
}

}  // namespace genofed::crypto
