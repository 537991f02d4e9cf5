// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of libs/clinical and libs/intake.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/file.h"

namespace genofed::clinical {

// Where the data that is not in the repository lies; empty when the test must skip.
inline std::filesystem::path SharedDir() {
  const char* shared = std::getenv("GENOFED_SHARED_DIR");
  return shared == nullptr || *shared == '\0' ? std::filesystem::path() : std::filesystem::path(shared) / "data";
}

inline std::string ReadText(const std::filesystem::path& path) {
  auto text = ReadFile(path);
  EXPECT_TRUE(text.ok()) << path;
  return text.ok() ? *text : "";
}

// When the tests are.
inline Time TestTime() { return *ParseRfc3339("2025-06-01T12:00:00Z"); }

inline std::vector<std::filesystem::path> FilesIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json" || entry.path().extension() == ".csv") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace genofed::clinical
