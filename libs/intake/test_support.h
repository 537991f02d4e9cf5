// SPDX-License-Identifier: Apache-2.0
// Helpers of this library's tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/test_support.h"
#include "libs/intake/judge.h"

namespace genofed::intake {

// A directory that lives as long as the test.
class Scratch {
 public:
  Scratch() {
    const auto base = ::access("/dev/shm", W_OK) == 0 ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
    std::string pattern = (base / "intake.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path_); }

  std::filesystem::path Write(const std::string& name, std::string_view content) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  std::filesystem::path path_;
};

inline Judgement JudgeFiles(const std::vector<std::filesystem::path>& files, Options options = {}) {
  options.now = clinical::TestTime();
  auto judgement = Judge(files, options);
  EXPECT_TRUE(judgement.ok()) << Describe(judgement.status());
  return judgement.ok() ? *judgement : Judgement{};
}

// Names mean nothing, so the file has none.
inline FileJudgement JudgeText(const Scratch& scratch, std::string_view content) {
  return JudgeFiles({scratch.Write("file", content)}).files.at(0);
}

inline bool HasReason(const FileJudgement& file, std::string_view code) {
  return std::any_of(file.reasons.begin(), file.reasons.end(), [&](const Finding& reason) { return reason.code == code; });
}

inline std::string Print(const FileJudgement& file) {
  std::string text = fmt::format("{} {}+{}", VerdictName(file.verdict), file.accepted, file.quarantined);
  for (const Finding& reason : file.reasons) {
    text += fmt::format("\n  {}:{} {}: {}", reason.code, reason.line, reason.field, reason.message);
  }
  return text;
}

}  // namespace genofed::intake
