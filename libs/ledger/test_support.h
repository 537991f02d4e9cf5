// SPDX-License-Identifier: Apache-2.0
//
// Shared by the tests of libs/ledger.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/ledger/checkpoint.h"
#include "libs/ledger/merkle.h"
#include "libs/ledger/note.h"
#include "libs/ledger/tiles.h"

namespace genofed::ledger {

inline std::string Vectors() {
  const char* shared = std::getenv("GENOFED_SHARED_DIR");
  return shared == nullptr || *shared == '\0' ? "" : std::string(shared) + "/specs/ledger";
}

#define GF_NEED_VECTORS() \
  if (Vectors().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: specs/ledger"

inline std::string Load(const std::string& name) {
  auto content = ReadFile(Vectors() + "/" + name);
  EXPECT_TRUE(content.ok()) << name;
  return content.ok() ? *content : "";
}

// The tab-separated rows of a vector file without its comments.
inline std::vector<std::vector<std::string>> Rows(const std::string& name) {
  std::vector<std::vector<std::string>> rows;
  std::string text = Load(name);
  for (std::string_view line : Split(text, '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> row;
    for (std::string_view cell : Split(line, '\t')) row.emplace_back(cell);
    rows.push_back(std::move(row));
  }
  return rows;
}

// The Ed25519 key with seed bytes first, first+1, ...: log (0x00) and witness (0x20) of the
// cosigned vectors.
inline NoteSigner CountingSigner(std::string_view name, SignatureType type, int first) {
  std::string seed;
  for (int i = 0; i < 32; ++i) seed += static_cast<char>(first + i);
  return NoteSigner::Create(name, type, crypto::Ed25519Key::FromSeed(seed).value()).value();
}

inline constexpr char kLogName[] = "node.fi.example/ledger";
inline constexpr char kLogKey[] =
    "node.fi.example/ledger+f5d2c132+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
inline constexpr char kWitnessName[] = "hub.example/witness";
inline constexpr char kWitnessKey[] =
    "hub.example/witness+faa26fbc+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
inline constexpr char kGoldenKey[] =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

// The files of a log in memory.
struct MemoryTiles final : TileSource {
  Result<std::string> Read(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return Error(StatusCode::kNotFound, "FILE_MISSING", "no {}", path);
    return found->second;
  }
  TileWriter::Sink Sink() {
    return [this](const TileId& id, std::string_view bytes) {
      files[id.Path()] = bytes;
      return absl::OkStatus();
    };
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [path, bytes] : files) names.push_back(path);
    return names;
  }
  std::map<std::string, std::string> files;
};

// `text` with one bit of the byte at `at` changed.
inline std::string Flip(std::string text, std::size_t at, int bit = 0) {
  text[at] = static_cast<char>(text[at] ^ (1 << bit));
  return text;
}

}  // namespace genofed::ledger
