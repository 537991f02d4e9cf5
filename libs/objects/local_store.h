// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "libs/objects/object_store.h"

namespace genofed::objects {

// Objects as files of one flat directory: mode 0700, files 0600, '/' in names written as '%'. The
// file system must have hard links, atomic directory operations and flock (ext4, XFS, ZFS, NFSv4).
//
// A writer fills ".tmp-<random>", which it holds locked; Commit syncs it, links it to its name,
// which must be free, and syncs the directory. A crash leaves at most temporary files; opening
// removes those whose writer is gone. So several processes may share a directory.
class LocalStore final : public ObjectStore {
 public:
  // Creates the directory (not its parents). FailedPrecondition STORE_DIRECTORY: it is a symbolic
  // link, not a directory, or open to others.
  static Result<std::unique_ptr<LocalStore>> Open(const std::filesystem::path& directory);
  ~LocalStore() override;
  LocalStore(const LocalStore&) = delete;
  LocalStore& operator=(const LocalStore&) = delete;

  Result<std::unique_ptr<ObjectWriter>> Create(const Context& ctx, std::string_view name) override;
  Status Read(const Context& ctx, std::string_view name, std::uint64_t offset, std::uint64_t size,
              const Sink& sink) override;
  Result<ObjectInfo> Stat(const Context& ctx, std::string_view name) override;
  Status Remove(const Context& ctx, std::string_view name) override;
  Result<ObjectPage> List(const Context& ctx, std::string_view prefix, std::string_view page_token,
                          std::size_t limit) override;
  Result<std::string> PresignGet(std::string_view name, std::chrono::seconds lifetime) override;
  Status Probe(const Context& ctx) override;

 private:
  explicit LocalStore(int directory) : directory_(directory) {}
  Status SweepTemporaryFiles();

  const int directory_;  // owned; every file is opened relative to it
};

}  // namespace genofed::objects
