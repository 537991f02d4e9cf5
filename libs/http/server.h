// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 server over TCP or TLS 1.3: keep-alive, pipelining, chunked requests, 100-continue, ranges. A slow or
// hostile client costs a connection and never a thread: handlers run on their own bounded pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/http/router.h"

namespace genofed::http {

// One answered request. Holds the route's pattern, never the path: paths and queries contain identifiers.
struct RequestRecord {
  std::string_view method = "OTHER";  // "GET", ...; "OTHER" for what we do not know
  std::string route = "unmatched";    // the pattern: "/runs/{run_id}"
  int status = 0;
  std::chrono::microseconds duration{0};  // header received to last byte sent
  std::uint64_t request_bytes = 0;        // of the body
  std::uint64_t response_bytes = 0;       // of the body
  std::string trace_id;
};
using RequestObserver = std::function<void(const RequestRecord&)>;  // called on io threads: must not block

struct ServerOptions {
  std::string address = "127.0.0.1";  // numeric
  std::uint16_t port = 0;             // 0: the system chooses, see Server::port()
  // PEM files; both empty serves plain HTTP. Re-read when they change; a broken pair keeps the old one in use.
  std::filesystem::path certificate_file;
  std::filesystem::path private_key_file;
  std::chrono::milliseconds certificate_check_interval{2000};

  int io_threads = 1;
  int handler_threads = 8;
  std::size_t max_queue = 128;  // requests waiting for a handler thread; beyond that 503 with Retry-After

  std::size_t max_connections = 1024;           // further ones are closed at once
  std::size_t max_header_bytes = 32U << 10;     // 431
  std::size_t max_body_bytes = 1U << 30;        // 413; upper bound on every route's own limit
  std::size_t max_body_bytes_in_memory = 256U << 20;  // of all requests together, spooled ones aside; beyond that 503
                                                      // for bodies of more than 64 KiB
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds header_timeout{10'000};   // first byte of a request to the end of its header
  std::chrono::milliseconds idle_timeout{60'000};     // between requests
  std::chrono::milliseconds request_timeout{60'000};  // deadline of the handler's Context; then 504
  // Sending or receiving a body may take request_timeout plus its bytes at this rate.
  std::size_t min_bytes_per_second = 16U << 10;
  std::chrono::milliseconds drain_timeout{10'000};  // how long Stop() waits for requests in progress
  std::filesystem::path spool_dir;                  // for spool_body routes; empty: the system's temporary directory

  // Told about every attempt to take over changed certificate files. Called on an io thread.
  std::function<void(const Status&)> on_certificate_reload;
  RequestObserver access_log;
  RequestObserver metrics;
};

class Server {
 public:
  // Listens on return. `router` must outlive the server.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, const Router& router);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  std::size_t connections() const;
  // Stops accepting, lets requests in progress finish within drain_timeout, then closes. Repeatable, thread-safe.
  void Stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace genofed::http
