// SPDX-License-Identifier: Apache-2.0
//
// What DRS and htsget share: accesses of smart layers to objects, and the streams of bytes under
// them. Nothing is decided here; consent and onboarding judge every call
// (docs/guides/data-access.md).
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "genofed/consent/v1/consent.pb.h"
#include "genofed/onboarding/v1/onboarding.pb.h"
#include "libs/http/message.h"
#include "services/gateway/adapters/unary_call.h"

namespace genofed::gateway {

// Names an access in requests.
inline constexpr char kAccessHeader[] = "Genofed-Access";
// The key to encrypt for: base64 of the 32 bytes of an X25519 key, or of a Crypt4GH public key
// file.
inline constexpr char kRecipientHeader[] = "Htsget-Context-Public-Key";
// Of the header that a reader gets before a body: one packet for one reader (crypt4gh.tex
// section 2.2).
inline constexpr std::int64_t kReaderHeaderBytes = 124;

// How many streams leave at a time. Thread-safe; a slot is free again when nobody holds it any
// more.
class StreamSlots {
 public:
  explicit StreamSlots(int most) : free_(std::make_shared<std::atomic<int>>(most)) {}
  // ResourceExhausted TOO_MANY_STREAMS.
  Result<std::shared_ptr<void>> Take();

 private:
  std::shared_ptr<std::atomic<int>> free_;  // shared with slots, which may outlive this object
};

class ObjectAccess {
 public:
  static constexpr std::size_t kMaxPassports = 4;

  ObjectAccess(UnaryCaller caller, int max_streams)
      : caller_(std::move(caller)), slots_(max_streams) {}

  // The "passports" of a body, none when absent. InvalidArgument BODY_INVALID.
  static Result<std::vector<std::string>> PassportsOf(const nlohmann::json& body);
  // Empty without the header. InvalidArgument RECIPIENT_INVALID.
  static Result<std::string> RecipientOf(const http::Request& request);
  // PermissionDenied ACCESS_MISSING without the header.
  static Result<std::string> AccessOf(const http::Request& request);

  // As the holder's own without passports, else by the first passport that opens it; the last
  // refusal if none does.
  Result<onboarding::v1::GetObjectResponse> Describe(
      const http::Request& request, const std::string& object,
      const std::vector<std::string>& passports) const;
  // PermissionDenied PASSPORT_MISSING without passports.
  Result<consent::v1::OpenAccessResponse> Open(const http::Request& request,
                                               const std::string& object,
                                               const std::vector<std::string>& passports) const;
  // The Crypt4GH header for the access's recipient.
  Result<std::string> Header(const http::Request& request, const std::string& object,
                             const std::string& access,
                             const std::vector<std::uint64_t>& edit_list) const;
  Result<onboarding::v1::ReadObjectResponse> Facts(const http::Request& request,
                                                   const std::string& object,
                                                   const std::string& access) const;
  Result<onboarding::v1::PlanRegionsResponse> Plan(
      const http::Request& request, const onboarding::v1::PlanRegionsRequest& plan) const;

  // The whole Crypt4GH file: header and body.
  Result<http::Response> StreamFile(const http::Request& request, const std::string& object) const;
  // The body alone.
  Result<http::Response> StreamBody(const http::Request& request, const std::string& object) const;

 private:
  Result<http::Response> Stream(const http::Request& request, const std::string& object,
                                const std::string& access, std::string header,
                                std::string etag) const;

  UnaryCaller caller_;
  mutable StreamSlots slots_;
};

}  // namespace genofed::gateway
