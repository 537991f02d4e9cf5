// SPDX-License-Identifier: Apache-2.0
//
// A small blocking HTTP/1.1 client for the command line, the gateway's look-ups and tests. It follows no redirects,
// reads no proxy variables and speaks TLS 1.3 only.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/http/message.h"

namespace genofed::http {

struct ClientOptions {
  std::string base_url = {};           // "https://hub.example:8443" or with a path prefix; "http://" only for loopback
  std::filesystem::path ca_file = {};  // PEM; empty: the system's store
  // A whole exchange; without progress for transfers of files, to sinks and of bodies above a megabyte.
  std::chrono::milliseconds timeout{30'000};
  std::size_t max_response_bytes = 64U << 20;  // of a body kept in memory
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
  std::uint64_t saved_bytes = 0;  // with save_to or sink
};

// Takes the next bytes of a 2xx body; `head` has status and headers, and the bytes are valid only during the call. An
// error ends the exchange and is what Send returns.
using BodySink = std::function<Status(const ClientResponse& head, std::string_view bytes)>;

struct ClientRequest {
  Method method = Method::kGet;
  std::string target = {};  // "/path?query", already percent-encoded, appended to base_url
  Headers headers = {};
  std::string body = {};
  std::optional<std::filesystem::path> body_file = {};  // sent instead of `body`, streamed
  // A 2xx body goes into this file (written beside it and renamed when complete); error bodies stay in memory.
  std::optional<std::filesystem::path> save_to = {};
  BodySink sink = {};  // where a 2xx body goes instead
};

// Keeps one connection open. Thread-safe; calls are served one after another.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Any HTTP status is a response. Errors: InvalidArgument (URL), Unavailable (no connection, broken off),
  // Unauthenticated TLS_VERIFICATION_FAILED (the server's certificate), DeadlineExceeded, ResourceExhausted (too long).
  // Sends traceparent and obeys deadline and cancellation of `ctx`, also in the middle of a transfer.
  Result<ClientResponse> Send(const Context& ctx, const ClientRequest& request);
  Result<ClientResponse> Send(const ClientRequest& request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genofed::http
