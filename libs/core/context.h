// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed {

// A workload of the federation, as its certificate names it: spiffe://<site>.<domain>/sa/<service>.
struct WorkloadIdentity {
  std::string site;     // "hub", or the node's country in lower case: "fi"
  std::string service;  // "dispatcher"

  bool empty() const { return service.empty(); }
  bool operator==(const WorkloadIdentity&) const = default;
};

// A person, as a verified access token names them. `roles` were given by this site's own
// configuration.
struct User {
  std::string issuer;
  std::string subject;
  std::string name;
  std::string organisation;
  std::vector<std::string> roles;
  // The national identifier the issuer vouches for; only citizens have one. Never logged.
  std::string person_identifier;
  // The access token itself, sent on to the services that act for this person. Never logged.
  std::string access_token;
  // Its jti; empty when it has none.
  std::string token_id;
  // When it ends.
  Time token_expires{};
  // RFC 9449: thumbprint of the key that whoever presents the token must hold; empty for a bearer token.
  std::string token_key;
  // The OAuth client that the token was issued to (RFC 9068 client_id); empty when it does not say.
  std::string client_id = {};

  bool HasRole(std::string_view role) const;
};

// Who is calling: the process on the other end, and the person it acts for, if any.
struct Principal {
  WorkloadIdentity workload;
  std::optional<User> user;
  // Of the workload's certificate (RFC 8705 x5t#S256: base64url of SHA-256 of the DER form).
  std::string certificate_sha256 = {};
};

// What a request carries everywhere: deadline, cancellation, trace and principal. Immutable, cheap
// to copy.
class Context {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // A context without principal, deadline or parent: for background work and tests.
  static Context Background();

  Context WithDeadline(SteadyTime deadline) const;  // never later than the present one
  Context WithTimeout(std::chrono::milliseconds timeout) const;
  Context WithStop(std::stop_token stop) const;
  Context WithPrincipal(Principal principal) const;
  // `traceparent` is a W3C Trace Context header; an invalid one starts a new trace.
  Context WithTraceparent(std::string_view traceparent) const;
  // Work that outlives the request: keeps the trace and principal, drops deadline and cancellation.
  Context Detach() const;

  SteadyTime deadline() const { return deadline_; }
  bool has_deadline() const { return deadline_ != SteadyTime::max(); }
  // Zero once the deadline has passed; `fallback` if there is none.
  std::chrono::milliseconds Remaining(std::chrono::milliseconds fallback) const;
  // Cancelled or DeadlineExceeded once the work is no longer wanted. Long loops call this.
  Status Alive() const;
  const std::stop_token& stop() const { return stop_; }
  const Principal& principal() const { return *principal_; }
  const std::string& trace_id() const { return trace_id_; }
  std::string traceparent() const;

 private:
  Context();
  SteadyTime deadline_ = SteadyTime::max();
  std::stop_token stop_;
  std::string trace_id_;
  std::string span_id_;
  std::shared_ptr<const Principal> principal_;  // shared: contexts are copied into every layer
};

}  // namespace genofed
