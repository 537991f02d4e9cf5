// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "libs/core/file.h"
#include "libs/core/random.h"

namespace genofed::federation {
namespace {

constexpr int kFirst = 20000;
constexpr int kCount = 10000;

bool IsFree(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // a port in TIME_WAIT is free
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0;
  close(fd);
  return free;
}

int Start() {
  std::string bytes = SystemRandom().Bytes(2);
  return static_cast<unsigned char>(bytes[0]) << 8 | static_cast<unsigned char>(bytes[1]);
}

}  // namespace

PortBook::PortBook(std::filesystem::path file) : file_(std::move(file)) {
  auto text = ReadFile(file_, 1U << 20);
  if (!text.ok()) return;
  auto document = nlohmann::json::parse(*text, nullptr, false);
  if (!document.is_object()) return;
  for (const auto& [name, port] : document.items()) {
    if (port.is_number_integer()) remembered_[name] = port.get<int>();
  }
}

Result<int> PortBook::Take(const std::string& name) {
  auto accept = [&](int port) {
    if (port < 1024 || port > 65535 || used_.contains(port) || !IsFree(port)) return false;
    used_.insert(port);
    taken_[name] = port;
    return true;
  };
  if (auto known = remembered_.find(name); known != remembered_.end() && accept(known->second)) return known->second;
  std::set<int> reserved;  // by other names of this book
  for (const auto& [other, port] : remembered_) reserved.insert(port);
  int start = Start();
  for (int i = 0; i < kCount; ++i) {
    int port = kFirst + (start + i) % kCount;
    if (!reserved.contains(port) && accept(port)) return port;
  }
  return Error(StatusCode::kResourceExhausted, "NO_FREE_PORT", "no free loopback port from {} to {}", kFirst,
               kFirst + kCount - 1);
}

Status PortBook::Save() const {
  return WriteFileAtomically(file_, nlohmann::json(taken_).dump(2) + "\n");
}

}  // namespace genofed::federation
