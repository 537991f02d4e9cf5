// SPDX-License-Identifier: Apache-2.0
//
// JSON from outside as a tree that knows its lines, read from a file of any size in bounded pieces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::clinical {

struct JsonNode {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool flag = false;                // of kBool
  std::uint32_t line = 0;           // 1-based, where the value begins
  std::string text;                 // of kString; the literal of kNumber
  std::vector<std::string> keys;    // of kObject, as many as items
  std::vector<JsonNode> items;      // of kArray and kObject

  bool is_object() const { return kind == Kind::kObject; }
  bool is_array() const { return kind == Kind::kArray; }
  bool is_string() const { return kind == Kind::kString; }
  // The member, or null when this is no object or has none of that name.
  const JsonNode* Find(std::string_view key) const;
  // The text of a string member; empty when it is absent or no string.
  std::string_view Text(std::string_view key) const;
  // The elements of an array member; empty when it is absent or no array.
  const std::vector<JsonNode>& Array(std::string_view key) const;
};

// "subject.sex": the way from `root` to `node`, which lies in it. Empty for the root itself.
std::string PathOf(const JsonNode& root, const JsonNode& node);

// One piece of a document. Big arrays are handed over element by element, and are empty in the document that follows
// them: those of the whole document, of "entry" (FHIR Bundle) and of "members" (GA4GH Cohort).
struct JsonPiece {
  enum class Part : std::uint8_t { kDocument, kElement, kEntry, kMember };

  const JsonNode& node;
  Part part = Part::kDocument;
  std::size_t index = 0;
  bool duplicate_key = false;  // readers disagree about what such JSON means

  // "entry[3]", "[3]", or empty for a document.
  std::string Path() const;
};

struct JsonProblem {
  std::string code;  // JSON_INVALID, JSON_TOO_DEEP, JSON_TOO_LARGE
  std::int64_t line = 0;
  std::string message;
};

inline constexpr int kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxPieceBytes = 16U << 20;
inline constexpr std::size_t kMaxPieceNodes = 1U << 20;

// Returns false to stop.
using TakePiece = std::function<bool(const JsonPiece&)>;

// Reads all documents of `text`, which begins at `first_line` of its file.
std::optional<JsonProblem> ReadJson(std::string_view text, const TakePiece& take, std::uint32_t first_line = 1);
// Reads all documents of a file; memory is bounded by one piece. The file is UTF-8, a byte order mark is skipped.
std::optional<JsonProblem> ReadJsonFile(const std::filesystem::path& path, const TakePiece& take);

}  // namespace genofed::clinical
