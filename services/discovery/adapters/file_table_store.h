// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "services/discovery/app/frequency_ports.h"

namespace genofed::discovery {

// Below one directory: content/5c/5c0f... and names/NAME with a digest a line. Replicas of a site
// may share it.
class FileTableStore final : public TableStore {
 public:
  explicit FileTableStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  bool Holds(const std::string& sha256) override;
  // What is damaged is removed, so that it is asked for again.
  Result<std::string> Read(const std::string& sha256) override;
  Status Write(const std::string& sha256, const std::string& content) override;
  Result<std::vector<std::string>> Named(const std::string& name) override;
  Status Name(const std::string& name, const std::vector<std::string>& digests) override;
  Result<std::map<std::string, std::vector<std::string>>> Names() override;
  // What was written within the last hour stays: another replica may be about to name it.
  Status Keep(const std::set<std::string>& digests) override;

 private:
  std::filesystem::path PathOf(const std::string& sha256) const;

  const std::filesystem::path directory_;
};

}  // namespace genofed::discovery
