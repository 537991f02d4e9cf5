// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/dpop.h"

#include <algorithm>
#include <utility>

#include "libs/auth/claims.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/jws.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxProofBytes = 4096;
constexpr std::size_t kMaxUrlBytes = 2048;
constexpr char kType[] = "dpop+jwt";

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

Status WrongUrl() { return internal::Refuse("URL_MISMATCH", "proof is for another address"); }

Result<std::string> NormalPath(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      if (static_cast<unsigned char>(path[i]) <= 0x20 || path[i] == 0x7f) return WrongUrl();
      out += path[i];
      continue;
    }
    const auto byte = i + 2 < path.size() ? HexDecode(path.substr(i + 1, 2)) : Result<std::string>(WrongUrl());
    if (!byte.ok()) return WrongUrl();
    const auto value = static_cast<unsigned char>(byte->front());
    if (IsUnreserved(byte->front())) {
      out += byte->front();
    } else {
      out += {'%', kHex[value >> 4], kHex[value & 15]};
    }
    i += 2;
  }
  return out.empty() ? "/" : out;
}

// host or host:port; IPv6 addresses are in brackets.
Result<std::string> NormalAuthority(std::string_view authority, std::string_view default_port) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string host = ToLower(authority.substr(0, colon));
  const std::string_view port = colon == std::string_view::npos ? "" : authority.substr(colon + 1);
  const bool address = host.starts_with('[') && host.ends_with(']');
  const bool plain = std::all_of(host.begin(), host.end(), [&](char c) {
    return IsUnreserved(c) || (address && (c == ':' || c == '[' || c == ']'));
  });
  const bool number = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (host.empty() || !plain || !number) return WrongUrl();
  if (port.empty() || port == default_port) return host;
  return host + ":" + std::string(port);
}

const crypto::JwsPolicy& ProofPolicy() {
  static const crypto::JwsPolicy policy = {.types = {kType}, .max_bytes = kMaxProofBytes};
  return policy;
}

// The member as text; null when it is absent or something else.
const std::string* Text(const Json& claims, const char* name) {
  const auto member = claims.find(name);
  return member == claims.end() ? nullptr : member->get_ptr<const std::string*>();
}

Status CheckRequest(const Json& claims, const DpopRequest& request) {
  const std::string* method = Text(claims, "htm");
  if (method == nullptr || *method != request.method) {
    return internal::Refuse("METHOD_MISMATCH", "proof is for another method");
  }
  const std::string* url = Text(claims, "htu");
  if (url == nullptr) return WrongUrl();
  GF_ASSIGN(const std::string claimed, NormalDpopUrl(*url));
  GF_ASSIGN(const std::string expected, NormalDpopUrl(request.url));
  if (claimed != expected) return WrongUrl();
  if (request.access_token.empty()) return {};
  const std::string* token = Text(claims, "ath");
  if (token == nullptr ||
      !crypto::ConstantTimeEquals(*token, Base64UrlEncode(crypto::Sha256(request.access_token)))) {
    return internal::Refuse("TOKEN_MISMATCH", "proof is for another token");
  }
  return {};
}

Status Check(std::string_view proof, const DpopRequest& request, const Clock& clock, DpopReplayCache& seen) {
  GF_ASSIGN(const auto jws, crypto::VerifyJwsByOwnKey(proof, ProofPolicy()));
  if (!request.key.empty() && jws.key.thumbprint() != request.key) {
    return internal::Refuse("KEY_MISMATCH", "proof is by another key");
  }
  GF_TRY(CheckRequest(*jws.claims, request));
  const internal::Claims claims(*jws.claims);
  GF_ASSIGN(const Time issued_at, claims.Seconds("iat"));
  const Time now = clock.Now();
  if (now > issued_at + kDpopWindow || now + kDpopWindow < issued_at) {
    return internal::Refuse("NOT_FRESH", "proof is not of now");
  }
  GF_ASSIGN(const std::string id, claims.Id("jti"));
  // Last, so that only proofs that are right take space. Ids of different keys do not meet.
  return seen.Remember(crypto::Sha256(jws.key.thumbprint() + "." + id), issued_at + kDpopWindow);
}

}  // namespace

Result<std::string> NormalDpopUrl(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return WrongUrl();
  url = url.substr(0, url.find_first_of("?#"));
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return WrongUrl();
  const std::string scheme = ToLower(url.substr(0, colon));
  if (scheme != "https" && scheme != "http") return WrongUrl();
  url.remove_prefix(colon + 3);
  const std::string_view authority = url.substr(0, url.find('/'));
  url.remove_prefix(authority.size());
  GF_ASSIGN(const std::string normal, NormalAuthority(authority, scheme == "https" ? "443" : "80"));
  GF_ASSIGN(const std::string path, NormalPath(url));
  return scheme + "://" + normal + path;
}

Status DpopReplayCache::Remember(const std::string& id, Time until) {
  MutexLock lock(mutex_);
  const Time now = clock_.Now();
  while (!by_end_.empty() && by_end_.begin()->first < now) {
    ids_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
  if (ids_.contains(id)) return internal::Refuse("DPOP_REPLAYED", "proof was used before");
  if (ids_.size() >= capacity_) {
    return Error(StatusCode::kResourceExhausted, "DPOP_BUSY", "too many requests with proofs; try again in a minute");
  }
  ids_.insert(id);
  by_end_.emplace(until, id);
  return {};
}

std::size_t DpopReplayCache::size() const {
  MutexLock lock(mutex_);
  return ids_.size();
}

Status VerifyDpopProof(std::string_view proof, const DpopRequest& request, const Clock& clock, DpopReplayCache& seen,
                       Refusal* why) {
  const Status status = Check(proof, request, clock, seen);
  if (status.ok() || status.code() == StatusCode::kResourceExhausted) return status;
  if (why != nullptr) *why = {.check = Reason(status), .detail = Message(status), .jti = ""};
  return Error(StatusCode::kUnauthenticated, "DPOP_PROOF_INVALID", "the DPoP proof is not accepted");
}

std::string MakeDpopProof(const crypto::SigningKey& key, std::string_view method, std::string_view url,
                          std::string_view access_token, const Clock& clock, Random& random) {
  Json jwk = Json::parse(key.public_key().Jwk());
  for (const char* name : {"kid", "use", "alg"}) jwk.erase(name);
  const Json header = {{"typ", kType}, {"alg", "ES256"}, {"jwk", std::move(jwk)}};
  Json claims = {{"jti", Base64UrlEncode(random.Bytes(16))},
                 {"htm", std::string(method)},
                 {"htu", std::string(url.substr(0, url.find_first_of("?#")))},
                 {"iat", UnixSeconds(clock.Now())}};
  if (!access_token.empty()) claims["ath"] = Base64UrlEncode(crypto::Sha256(access_token));
  std::string proof = Base64UrlEncode(header.dump()) + "." + Base64UrlEncode(claims.dump());
  return proof + "." + Base64UrlEncode(key.Sign(proof));
}

}  // namespace genofed::auth
