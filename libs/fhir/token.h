// SPDX-License-Identifier: Apache-2.0
//
// How genofed shows a FHIR server who it is.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/random.h"
#include "libs/core/status.h"

namespace genofed::fhir {

// Gives bearer tokens. Implementations are not thread-safe.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // Empty: the server asks for none. Never logged.
  virtual Result<std::string> Token(const Context& ctx) = 0;
  // The server refused the last token: the next one must be new.
  virtual void Drop() {}
};

std::unique_ptr<TokenSource> MakeNoToken();
// The file is read for each request, so that whoever renews the token replaces the file. One
// trailing line break is dropped. Errors: Unauthenticated TOKEN_FILE.
std::unique_ptr<TokenSource> MakeFileToken(std::filesystem::path file);

// SMART App Launch 2.2, "Backend Services" (hl7.org/fhir/smart-app-launch/backend-services.html):
// the client is known to the server's authorisation service by its public key, and proves it with a
// signed assertion (RFC 7523).
struct BackendServicesOptions {
  std::string fhir_base_url;
  // Of the token endpoint; empty: what <base>/.well-known/smart-configuration says.
  std::string token_url;
  std::string client_id;
  std::string key_id;  // "kid" under which the server has the public key
  // PEM, without a password: a P-384 key signs ES384, an RSA key of at least 2048 bits RS384. These
  // are the two that servers must take.
  std::filesystem::path key_file;
  std::string scope;  // to ask for: "system/Patient.rs system/Condition.rs"
  // Without which a token is of no use. A server that gives less mostly leaves out what it may not
  // show without a word, which looks as if it were not there.
  std::string needed_scope = {};
  std::filesystem::path ca_file;
  std::chrono::milliseconds timeout{30'000};
};

// A token is kept until a minute before it ends. Clock and random are borrowed.
// Errors of Token: Unauthenticated SMART_KEY, SMART_DISCOVERY, SMART_TOKEN (the OAuth error code is
// in the message), SMART_SCOPE (the token is for less than is needed), and those of libs/http.
std::unique_ptr<TokenSource> MakeBackendServices(BackendServicesOptions options, const Clock& clock,
                                                 Random& random);

// The assertion itself: a JWS of `claims` (the text of a JSON object) by the key of a PEM file.
// Unauthenticated SMART_KEY.
Result<std::string> SignAssertion(const std::string& pem, const std::string& key_id,
                                  const std::string& claims);

}  // namespace genofed::fhir
