// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "libs/core/status.h"

namespace genofed::federation {

// Free loopback ports by name. A name keeps its port over restarts (people are known by issuer address and subject,
// so the login service's address should not move) unless somebody else listens there now. Ports are taken below
// Linux' range for outgoing connections, so that none of those can take one between choice and use.
class PortBook {
 public:
  // Remembers ports in `file`; a missing or unreadable file is an empty book.
  explicit PortBook(std::filesystem::path file);

  Result<int> Take(const std::string& name);
  Status Save() const;

 private:
  std::filesystem::path file_;
  std::map<std::string, int> remembered_;
  std::map<std::string, int> taken_;
  std::set<int> used_;
};

}  // namespace genofed::federation
