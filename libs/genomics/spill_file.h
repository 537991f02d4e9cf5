// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: what comes in one order and is wanted in another, on disk in between.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"

namespace genofed::genomics {

// A file of bytes by bin, written once in any order and read bin by bin. Holds up to 4 KiB of each
// bin in memory, and 16 bytes for each 4 KiB that it wrote.
class SpillFile {
 public:
  // The file is removed with this object. Errors, here and below: Internal FILE_FAILED.
  static Result<std::unique_ptr<SpillFile>> Create(const std::filesystem::path& path);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  Status Append(std::uint64_t bin, std::string_view bytes);
  // Bins that have something, ascending.
  std::vector<std::uint64_t> Bins() const;
  std::uint64_t Size(std::uint64_t bin) const;
  Result<std::string> Read(std::uint64_t bin) const;

 private:
  struct Bin {
    std::string pending;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> pieces;  // offset and size in the file
  };
  explicit SpillFile(std::filesystem::path path) : path_(std::move(path)) {}
  Status Flush(Bin& bin);

  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, Bin> bins_;
};

}  // namespace genofed::genomics
