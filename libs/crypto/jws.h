// SPDX-License-Identifier: Apache-2.0
//
// JSON Web Signatures in the compact form (RFC 7515), narrowed by RFC 8725: ES256 and RS256 only, the algorithm
// pinned to the key, a type per kind of token, strict encoding. There is deliberately no way to read a token
// without verifying it.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::crypto {

// What one kind of token must look like.
struct JwsPolicy {
  // Accepted values of the "typ" header, compared without case and without "application/". Never empty.
  std::vector<std::string> types;
  // Whether a token without "typ" is taken for one of this kind (GA4GH visas of older issuers).
  bool type_optional = false;
  bool jku_required = false;
  std::size_t max_bytes = 8192;  // of the whole token
  std::size_t max_depth = 16;    // of its JSON
};

// What the unverified token says about its signer; all three may be lies until the signature has been checked.
struct KeyQuery {
  std::string_view issuer;  // claim "iss"
  std::string_view kid;     // header "kid"
  std::string_view jku;     // header "jku", empty when absent; to be compared, never fetched
};

// Finds the one key that may have signed, or answers why there is none (its reason becomes the refusal's).
using KeyFinder = std::function<Result<PublicKey>(const KeyQuery&)>;

// The content of a token whose signature is right. Nothing is said yet about time, audience or rights.
struct VerifiedJws {
  std::string issuer;
  std::string kid;
  std::shared_ptr<const nlohmann::json> claims;  // an object; shared to keep nlohmann/json.hpp out of here
};

// Verifies in this order: size, three parts in canonical base64url, strict JSON, typ, refused headers (crit, jwk,
// x5u, x5c, x5t, x5t#S256, zip, b64, cty), algorithm, issuer, jku, key, signature. A well-formed token costs the work
// of one signature whatever is wrong with it, so that its header cannot be used to time what the site trusts.
// Errors are Unauthenticated; the reasons are for logs: TOKEN_TOO_LARGE, TOKEN_MALFORMED, JSON_*, TYPE_MISMATCH,
// HEADER_REFUSED, ALGORITHM_REFUSED, KEY_ID_MISSING, JKU_MISSING, ISSUER_UNKNOWN, ALGORITHM_MISMATCH,
// SIGNATURE_INVALID, or a reason of `find_key`.
Result<VerifiedJws> VerifyJws(std::string_view token, const JwsPolicy& policy, const KeyFinder& find_key);

// A token that carries the public key it is signed with: it proves that its maker holds that key, and nothing else.
struct ProvenJws {
  PublicKey key;
  std::shared_ptr<const nlohmann::json> claims;
};

// As VerifyJws, for tokens with the header "jwk" and without kid and jku (RFC 9449): ES256 only, a key without private
// members. Whoever calls compares the key's thumbprint with one that is trusted. Further reasons: JWK_MISSING, those of
// PublicKey::FromJwk.
Result<ProvenJws> VerifyJwsByOwnKey(std::string_view token, const JwsPolicy& policy);

// Signs `claims` (the text of a JSON object) with header alg, kid, typ and, when it is not empty, jku.
// Reason CLAIMS_INVALID when `claims` is not strict JSON or holds no object.
Result<std::string> SignJws(const SigningKey& key, std::string_view type, std::string_view claims,
                            std::string_view jku = {});

// What SignJws signs, for keys that are not in this process: header and claims of an ES256 token, to be followed by
// "." and the base64url of the signature over it. Errors as of SignJws.
Result<std::string> JwsSigningInput(std::string_view kid, std::string_view type, std::string_view claims,
                                    std::string_view jku = {});

}  // namespace genofed::crypto
