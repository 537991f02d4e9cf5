// SPDX-License-Identifier: Apache-2.0
//
// Shared by the tests of libs/crypt4gh.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/key.h"
#include "libs/crypt4gh/stream.h"

namespace genofed::crypt4gh {

inline std::string Vectors() {
  const char* shared = std::getenv("GENOFED_SHARED_DIR");
  return shared == nullptr || *shared == '\0' ? "" : std::string(shared) + "/specs/crypt4gh";
}

#define GF_NEED_VECTORS() \
  if (Vectors().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: specs/crypt4gh"

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

// The secret key with bytes first, first+1, ...: readers A (0x01) and B (0x21) of the generated
// vectors.
inline SecretKey CountingKey(int first) {
  std::string raw;
  for (int i = 0; i < 32; ++i) raw += static_cast<char>(first + i);
  return SecretKey::FromRaw(raw).value();
}

// The plaintext pattern of the generated vectors.
inline std::string Pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>((i * 131 + (i >> 8) * 17) & 255);
  return text;
}

struct Encrypted {
  std::string body;
  Manifest manifest;
};

inline Sink Into(std::string& out) {
  return [&out](std::string_view bytes) {
    out += bytes;
    return absl::OkStatus();
  };
}

inline Encrypted Encrypt(const std::string& plain, const SecretKey& reader,
                         std::size_t step = 1U << 20) {
  SystemRandom random;
  Encrypted result;
  auto encryptor = Encryptor::Create({&reader.public_key(), 1}, random, Into(result.body)).value();
  for (std::size_t at = 0; at < plain.size(); at += step) {
    EXPECT_TRUE(encryptor.Push(std::string_view(plain).substr(at, step)).ok());
  }
  result.manifest = encryptor.Finish().value();
  return result;
}

// ApplyEditList of crypt4gh.tex section 4.3, step by step on the whole text.
inline std::string Edited(const std::string& input, const std::vector<std::uint64_t>& list) {
  if (list.empty()) return input;
  std::string out;
  std::size_t pos = 0;
  for (std::size_t i = 0; i < list.size(); i += 2) {
    pos = std::min<std::size_t>(input.size(), pos + list[i]);
    std::size_t keep = i + 1 < list.size() ? list[i + 1] : input.size();
    out += input.substr(pos, keep);
    pos = std::min(input.size(), pos + keep);
  }
  return out;
}

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gf-c4gh-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace genofed::crypt4gh
