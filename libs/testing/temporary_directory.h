// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace genofed::testing {

// A new directory, readable by this user alone, deleted with all its content at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Test data that is not part of the source tree: $GENOFED_SHARED_DIR, or empty if unset. Tests that need it skip.
std::filesystem::path SharedDir();
// The root of the source tree: $GENOFED_SOURCE_DIR, or the working directory.
std::filesystem::path SourceDir();

}  // namespace genofed::testing
