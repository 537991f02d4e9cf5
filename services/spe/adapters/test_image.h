// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a tiny OCI image of a static busybox, made with umoci.
#pragma once

#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "libs/core/file.h"
#include "services/spe/adapters/subprocess.h"

namespace genofed::spe {

// Why these tests cannot run here; empty if they can.
inline std::string WhyNotHere() {
  if (geteuid() != 0) return "needs root: it makes namespaces, mounts and cgroups";
  if (access("/usr/bin/busybox", X_OK) != 0) return "needs the package busybox-static";
  for (const char* program : {"runc", "umoci"}) {
    if (!RunProgram({program, "--version"}, std::chrono::seconds(20)).ok()) {
      return std::string("needs the package ") + program;
    }
  }
  return {};
}

// A private directory, removed at the end.
class TestDir {
 public:
  TestDir() {
    std::string path = (std::filesystem::temp_directory_path() / "genofed-spe-XXXXXX").string();
    GF_CHECK(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  ~TestDir() {
    std::error_code ignored;
    // A failed test may leave outputs mounted.
    for (std::filesystem::directory_iterator at(path_, ignored), end; !ignored && at != end;
         at.increment(ignored)) {
      umount2(at->path().c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    }
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Makes `layout` with one image; returns its manifest digest.
inline Result<std::string> MakeTestImage(const std::filesystem::path& layout) {
  const std::string image = layout.string() + ":test";
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"umoci", "init", "--layout", layout.string()},
        {"umoci", "new", "--image", image},
        {"umoci", "insert", "--image", image, "/usr/bin/busybox", "/bin/busybox"},
        {"umoci", "config", "--image", image, "--config.env", "FROM_IMAGE=yes"}}) {
    GF_ASSIGN(const ProgramResult made, RunProgram(command, std::chrono::seconds(60)));
    if (made.exit_code != 0)
      return Error(StatusCode::kUnavailable, "UMOCI_FAILED", "{}", made.output);
  }
  GF_ASSIGN(const std::string index, ReadFile(layout / "index.json"));
  return nlohmann::json::parse(index).at("manifests").at(0).at("digest").get<std::string>();
}

}  // namespace genofed::spe
