// SPDX-License-Identifier: Apache-2.0
//
// The few operations on directories that must survive a power cut.
#pragma once

#include <filesystem>

#include "libs/core/status.h"

namespace genofed::onboarding {

// Creates a directory and its parents, for this user alone.
Status MakeDirectory(const std::filesystem::path& path);
// Renames within one file system and makes it durable. A directory at `to` is replaced.
Status MoveIntoPlace(const std::filesystem::path& from, const std::filesystem::path& to);
// Removes a file or directory with everything in it; nothing there is fine.
Status RemoveTree(const std::filesystem::path& path);
// Makes the entries of a directory durable.
Status SyncDirectory(const std::filesystem::path& path);

// A private directory that goes with its object.
class ScratchDirectory {
 public:
  static Result<ScratchDirectory> Create(const std::filesystem::path& parent);
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace genofed::onboarding
