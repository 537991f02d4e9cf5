// SPDX-License-Identifier: Apache-2.0
#include "libs/testing/temporary_directory.h"

#include <cstdlib>

#include "libs/core/status.h"

namespace genofed::testing {
namespace {

std::filesystem::path FromEnvironment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here writes the environment
  return value == nullptr ? std::filesystem::path() : std::filesystem::path(value);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "genofed-test-XXXXXX").string();
  GF_CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // left to the system's own cleaning
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path SharedDir() { return FromEnvironment("GENOFED_SHARED_DIR"); }

std::filesystem::path SourceDir() {
  std::filesystem::path path = FromEnvironment("GENOFED_SOURCE_DIR");
  return path.empty() ? std::filesystem::current_path() : path;
}

}  // namespace genofed::testing
