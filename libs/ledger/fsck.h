// SPDX-License-Identifier: Apache-2.0
//
// Checks every file of a log: derives the tree anew from all entries, compares all tiles with it,
// and says which file, and in it which entry or hash, is not what the rest of the log says it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/ledger/tiles.h"

namespace genofed::ledger {

struct FsckFinding {
  std::string path;   // of the file, or "checkpoint"
  std::string about;  // "entry 300", "hash 3", or "" for the whole file
  std::string what;   // for people
};

struct FsckReport {
  std::uint64_t size = 0;
  std::optional<Hash> root;  // derived; absent when entries and tiles are both lost somewhere
  std::vector<FsckFinding> findings;
  std::vector<std::string> notes;  // files that belong to no log of this size
  std::uint64_t files = 0;         // read

  bool ok() const { return findings.empty(); }
};

// `expected` is the root of the checkpoint, when there is one. `files` are all names under tile/
// when the source can list them (DirectoryTiles::List): then older partial tiles are checked too.
// Holds a tile of each level in memory. Errors: those of the source but NotFound.
Result<FsckReport> Fsck(TileSource& source, std::uint64_t size, const std::optional<Hash>& expected,
                        const std::vector<std::string>& files = {});

// The size of the largest log of which `files` hold tiles or entries; other names are ignored.
std::uint64_t SizeFromFiles(const std::vector<std::string>& files);

}  // namespace genofed::ledger
