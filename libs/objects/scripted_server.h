// SPDX-License-Identifier: Apache-2.0
//
// An HTTP server for tests that answers each request with the next of the bytes it was given, and
// closes: also bytes no decent server sends.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/core/status.h"

namespace genofed::objects {

class ScriptedServer {
 public:
  // Makes the answer to a request (head and body as received).
  using Step = std::function<std::string(const std::string& request)>;

  explicit ScriptedServer(std::vector<Step> steps)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    GF_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    GF_CHECK(::listen(listener_, 16) == 0);
    GF_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, steps = std::move(steps)] { Serve(steps); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);  // ends accept()
    thread_.join();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  std::vector<std::string> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }

  // An answer with this body.
  static std::string Answer(int status, std::string_view body = "", std::string_view headers = "") {
    return fmt::format("HTTP/1.1 {} X\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{}",
                       status, headers, body.size(), body);
  }
  static Step Always(std::string answer) {
    return [answer = std::move(answer)](const std::string&) { return answer; };
  }

 private:
  void Serve(const std::vector<Step>& steps) {
    for (std::size_t served = 0;; ++served) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const std::string request = Receive(fd);
      {
        MutexLock lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer =
          served < steps.size() ? steps[served](request) : Answer(500, "no more steps");
      for (std::string_view rest = answer; !rest.empty();) {
        const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
      }
      ::close(fd);
    }
  }

  static std::string Receive(int fd) {
    std::string request;
    std::size_t wanted = std::string::npos;
    char chunk[65536];
    while (request.size() < wanted) {
      const ssize_t got = ::recv(fd, chunk, sizeof(chunk), 0);
      if (got <= 0) break;
      request.append(chunk, static_cast<std::size_t>(got));
      const std::size_t end = request.find("\r\n\r\n");
      if (wanted != std::string::npos || end == std::string::npos) continue;
      const std::size_t length = request.find("Content-Length: ");
      wanted =
          end + 4 + (length < end ? std::strtoul(request.c_str() + length + 16, nullptr, 10) : 0);
    }
    return request;
  }

  int listener_;
  std::uint16_t port_ = 0;
  mutable Mutex mutex_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace genofed::objects
