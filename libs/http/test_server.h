// SPDX-License-Identifier: Apache-2.0
//
// What the network tests share: a server with a few routes, a scratch directory, and a socket that can misbehave.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/http/client.h"
#include "libs/http/server.h"
#include "libs/http/test_certificate.h"

namespace genofed::http {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "genofed-http-XXXXXX").string();
    GF_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A plain connection that sends exactly the bytes it is told to.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    GF_CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  ~RawConnection() { ::close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void EndWriting() { ::shutdown(fd_, SHUT_WR); }
  int fd() const { return fd_; }

  // Until the server closes, or `text` has been seen.
  std::string ReadUntil(std::string_view text) {
    std::string all;
    char chunk[4096];
    while (text.empty() || all.find(text) == std::string::npos) {
      const ssize_t got = ::recv(fd_, chunk, sizeof(chunk), 0);
      if (got <= 0) break;
      all.append(chunk, static_cast<std::size_t>(got));
    }
    return all;
  }
  std::string ReadAll() { return ReadUntil(""); }

 private:
  int fd_;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    AddRoute(Method::kGet, "/hello/{name}",
             [](const Request& request) -> Result<Response> { return Text(200, "hello " + request.Param("name")); });
    AddRoute(Method::kPost, "/echo",
             [](const Request& request) -> Result<Response> { return Text(200, request.body); });
    AddRoute(Method::kPost, "/upload", [](const Request& request) -> Result<Response> {
      std::ifstream file(request.body_file, std::ios::binary | std::ios::ate);
      return Text(200, std::to_string(static_cast<long>(file.tellg())) + " " + request.body_file.string());
    }, 64U << 20, true);
    AddRoute(Method::kGet, "/file", [this](const Request&) -> Result<Response> {
      return File({.path = scratch_ / "file"}, "application/octet-stream", "\"v1\"");
    });
    AddRoute(Method::kGet, "/part", [this](const Request&) -> Result<Response> {
      return File({.path = scratch_ / "file", .offset = 10, .length = 20}, "application/octet-stream");
    });
    AddRoute(Method::kGet, "/gone", [this](const Request&) -> Result<Response> {
      return File({.path = scratch_ / "absent"}, "text/plain");
    });
    AddRoute(Method::kGet, "/evil", [](const Request&) -> Result<Response> {
      Response response = Text(200, "x");
      response.headers.Set("X-Evil", "a\r\nInjected: yes");
      return response;
    });
    AddRoute(Method::kGet, "/slow", [this](const Request& request) -> Result<Response> {
      ++slow_started_;
      while (!release_ && request.ctx.Alive().ok()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return Text(200, "slow");
    });
    AddRoute(Method::kGet, "/trace", [](const Request& request) -> Result<Response> {
      return Text(200, request.ctx.trace_id() + " " + request.peer);
    });
    options_.handler_threads = 4;
    options_.spool_dir = scratch_.path();
    options_.access_log = [this](const RequestRecord& record) {
      const std::lock_guard lock(records_mutex_);
      records_.push_back(record);
    };
  }
  ~ServerTest() override { release_ = true; }

  void AddRoute(Method method, std::string pattern, Handler handler, std::size_t max_body = 1000, bool spool = false) {
    Route route;
    route.method = method;
    route.pattern = std::move(pattern);
    route.handler = std::move(handler);
    route.max_body_bytes = max_body;
    route.spool_body = spool;
    router_.Add(std::move(route));
  }

  void UseTls(const std::string& names = "DNS:localhost,IP:127.0.0.1") {
    WriteTestCertificate(names, scratch_ / "cert.pem", scratch_ / "key.pem");
    options_.certificate_file = scratch_ / "cert.pem";
    options_.private_key_file = scratch_ / "key.pem";
  }

  void Start() {
    auto server = Server::Start(options_, router_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  ClientOptions ForClient() const {
    const bool tls = !options_.certificate_file.empty();
    ClientOptions options;
    options.base_url = (tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server_->port());
    options.ca_file = options_.certificate_file;
    options.timeout = std::chrono::milliseconds(10'000);
    return options;
  }

  ClientResponse Get(Client& client, const std::string& target, Headers headers = {}, Method method = Method::kGet) {
    ClientRequest request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    const auto response = client.Send(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : ClientResponse{};
  }

  // Sends raw bytes and returns everything until the server closes.
  std::string Raw(std::string_view bytes) {
    RawConnection connection(server_->port());
    connection.Write(bytes);
    return connection.ReadAll();
  }

  std::vector<RequestRecord> records() {
    const std::lock_guard lock(records_mutex_);
    return records_;
  }

  ScratchDirectory scratch_;
  std::atomic<bool> release_ = false;
  std::atomic<int> slow_started_ = 0;
  std::mutex records_mutex_;
  std::vector<RequestRecord> records_;
  Router router_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

}  // namespace genofed::http
