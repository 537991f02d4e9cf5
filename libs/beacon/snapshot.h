// SPDX-License-Identifier: Apache-2.0
//
// A data folder as it was taken in: one immutable file for each version, a header and then a record a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "libs/beacon/collection.h"
#include "libs/beacon/folder.h"

namespace genofed::beacon {

inline constexpr char kSnapshotFile[] = "beacon.jsonl";

// Writes the snapshot and returns its SHA-256 in hex. `test`: the folder holds test data, which everybody may see.
Result<std::string> WriteSnapshot(const std::filesystem::path& path, const Folder& folder, bool test);

// Writes the snapshot at `from` anew into `to` without the people of these consent rows and what belongs to them:
// samples, runs, analyses, their part in variants, and variants that nobody else carries. The others keep their rows.
// Errors: those of ReadSnapshot; STORAGE_FULL.
Result<std::string> WriteWithout(const std::filesystem::path& from, const std::string& sha256,
                                 const std::set<std::int32_t>& rows, const std::filesystem::path& to);

// DataLoss SNAPSHOT_CORRUPT (another SHA-256), SNAPSHOT_INVALID; NotFound SNAPSHOT_MISSING.
Result<Collection> ReadSnapshot(const std::filesystem::path& path, const std::string& sha256);

// The same without a file.
Result<Collection> CollectionOf(const Folder& folder, bool test);

}  // namespace genofed::beacon
