// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/core/status.h"

namespace genofed {

class Process;

namespace http {
class Router;
class Server;
}  // namespace http

// The admin listener of a process: /livez, /readyz, /metrics, /configz. For operators' own
// networks: it has no login, and shows no data of persons and no secrets.
class AdminServer {
 public:
  static Result<std::unique_ptr<AdminServer>> Start(Process& process, const std::string& address);
  ~AdminServer();

 private:
  AdminServer();
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace genofed
