// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/json_tree.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace genofed::clinical {
namespace {

constexpr std::size_t kChunk = 256U << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Characters one by one with the line they are on, and an end when a piece gets too large.
class CharStream {
 public:
  CharStream(std::string_view text, std::uint32_t line) : cursor_(text.data()), end_(text.data() + text.size()), line_(line) {}
  explicit CharStream(std::ifstream& in) : in_(&in), buffer_(kChunk, '\0') { Refill(); }

  bool AtEnd() { return too_large_ || (cursor_ == end_ && !Refill()); }
  char Peek() const { return *cursor_; }
  void Advance() {
    last_ = *cursor_++;
    if (last_ == '\n') ++line_;
    if (++piece_bytes_ > kMaxPieceBytes) too_large_ = true;
  }
  void BeginPiece() { piece_bytes_ = 0; }
  void Skip(std::string_view mark) {
    if (std::string_view(cursor_, static_cast<std::size_t>(end_ - cursor_)).starts_with(mark)) cursor_ += mark.size();
  }
  std::uint32_t line() const { return line_; }
  // The parser reads one character beyond a number; it may be the end of the line.
  std::uint32_t line_of_number() const { return last_ == '\n' ? line_ - 1 : line_; }
  bool too_large() const { return too_large_; }
  bool failed() const { return in_ != nullptr && in_->bad(); }

 private:
  bool Refill() {
    if (in_ == nullptr) return false;
    in_->read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    cursor_ = buffer_.data();
    end_ = cursor_ + in_->gcount();
    return cursor_ != end_;
  }

  std::ifstream* in_ = nullptr;
  std::string buffer_;
  const char* cursor_ = nullptr;
  const char* end_ = nullptr;
  std::uint32_t line_ = 1;
  std::size_t piece_bytes_ = 0;
  char last_ = '\0';
  bool too_large_ = false;
};

// What nlohmann's parser reads from.
class CharIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  CharIterator() = default;
  explicit CharIterator(CharStream& stream) : stream_(&stream) {}
  char operator*() const { return stream_->Peek(); }
  CharIterator& operator++() {
    stream_->Advance();
    return *this;
  }
  CharIterator operator++(int) {
    stream_->Advance();
    return *this;
  }
  friend bool operator==(const CharIterator& a, const CharIterator& b) {
    return (a.stream_ == nullptr || a.stream_->AtEnd()) == (b.stream_ == nullptr || b.stream_->AtEnd());
  }
  friend bool operator!=(const CharIterator& a, const CharIterator& b) { return !(a == b); }

 private:
  CharStream* stream_ = nullptr;
};

bool HasDuplicate(const std::vector<std::string>& keys) {
  if (keys.size() < 2) return false;
  std::vector<std::string_view> sorted(keys.begin(), keys.end());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

// Builds the tree of one document, and hands over the elements of its big array as they end.
class TreeBuilder {
 public:
  TreeBuilder(CharStream& stream, const TakePiece& take) : stream_(stream), take_(take) {}

  // nlohmann::json_sax
  bool null() { return Add(JsonNode::Kind::kNull) != nullptr && EndValue(); }
  bool boolean(bool value) {
    JsonNode* node = Add(JsonNode::Kind::kBool);
    if (node == nullptr) return false;
    node->flag = value;
    return EndValue();
  }
  bool number_integer(std::int64_t value) { return Number(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) { return Number(std::to_string(value)); }
  bool number_float(double, const std::string& literal) { return Number(literal); }
  bool string(std::string& value) {
    JsonNode* node = Add(JsonNode::Kind::kString);
    if (node == nullptr) return false;
    node->text = std::move(value);
    return EndValue();
  }
  bool binary(const std::vector<std::uint8_t>&) { return false; }  // not in JSON text
  bool start_object(std::size_t) { return Open(JsonNode::Kind::kObject); }
  bool start_array(std::size_t) { return Open(JsonNode::Kind::kArray); }
  bool key(std::string& name) {
    stack_.back()->keys.push_back(std::move(name));
    return true;
  }
  bool end_object() {
    if (HasDuplicate(stack_.back()->keys)) duplicate_key_ = true;
    return Close();
  }
  bool end_array() { return Close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) { return false; }

  const std::string& problem() const { return problem_; }
  bool stopped() const { return stopped_; }

 private:
  bool Number(std::string literal) {
    JsonNode* node = Add(JsonNode::Kind::kNumber);
    if (node == nullptr) return false;
    node->text = std::move(literal);
    node->line = stream_.line_of_number();
    return EndValue();
  }

  JsonNode* Add(JsonNode::Kind kind) {
    if (++nodes_ > kMaxPieceNodes) {
      problem_ = "JSON_TOO_LARGE";
      return nullptr;
    }
    JsonNode* node = &root_;
    if (!stack_.empty()) node = &stack_.back()->items.emplace_back();
    node->kind = kind;
    node->line = stream_.line();
    return node;
  }

  bool Open(JsonNode::Kind kind) {
    JsonNode* node = Add(kind);
    if (node == nullptr) return false;
    stack_.push_back(node);
    if (stack_.size() > kMaxJsonDepth) {
      problem_ = "JSON_TOO_DEEP";
      return false;
    }
    return true;
  }

  bool Close() {
    stack_.pop_back();
    return EndValue();
  }

  // Where the elements of the array on top of the stack are pieces of their own.
  std::optional<JsonPiece::Part> Streamed() const {
    if (stack_.empty() || !stack_.back()->is_array()) return std::nullopt;
    if (stack_.size() == 1) return JsonPiece::Part::kElement;
    if (stack_.size() != 2 || !root_.is_object()) return std::nullopt;
    if (root_.keys.back() == "entry") return JsonPiece::Part::kEntry;
    if (root_.keys.back() == "members") return JsonPiece::Part::kMember;
    return std::nullopt;
  }

  bool EndValue() {
    if (stack_.empty()) return Hand({root_, JsonPiece::Part::kDocument, 0, duplicate_key_});
    auto part = Streamed();
    if (!part) return true;
    std::vector<JsonNode>& items = stack_.back()->items;
    const bool go_on = Hand({items.back(), *part, index_, duplicate_key_});
    ++index_;
    items.clear();
    nodes_ = stack_.size() + root_.items.size();
    duplicate_key_ = false;
    stream_.BeginPiece();
    return go_on;
  }

  bool Hand(const JsonPiece& piece) {
    stopped_ = !take_(piece);
    return !stopped_;
  }

  CharStream& stream_;
  const TakePiece& take_;
  JsonNode root_;
  std::vector<JsonNode*> stack_;  // open arrays and objects; each is the last item of the one before
  std::size_t nodes_ = 0;
  std::size_t index_ = 0;
  bool duplicate_key_ = false;
  bool stopped_ = false;
  std::string problem_;
};

std::optional<JsonProblem> ReadAll(CharStream& stream, const TakePiece& take) {
  stream.Skip(kByteOrderMark);
  for (;;) {
    while (!stream.AtEnd() && std::string_view(" \t\r\n").find(stream.Peek()) != std::string_view::npos) stream.Advance();
    if (stream.failed()) return JsonProblem{"FILE_FAILED", 0, "the file cannot be read"};
    if (stream.AtEnd()) return std::nullopt;
    stream.BeginPiece();
    TreeBuilder builder(stream, take);
    // Not strict: what follows a document may be the next one.
    const bool whole = nlohmann::json::sax_parse(CharIterator(stream), CharIterator(), &builder,
                                                 nlohmann::json::input_format_t::json, /*strict=*/false);
    if (builder.stopped()) return std::nullopt;
    if (whole) continue;
    if (stream.too_large() || builder.problem() == "JSON_TOO_LARGE") {
      return JsonProblem{"JSON_TOO_LARGE", stream.line(), "one resource or phenopacket has at most 16 MiB and a million values"};
    }
    if (!builder.problem().empty()) {
      return JsonProblem{builder.problem(), stream.line(), fmt::format("nested deeper than {} levels", kMaxJsonDepth)};
    }
    return JsonProblem{"JSON_INVALID", stream.line(), stream.AtEnd() ? "the JSON ends too early" : "this is not JSON from here on"};
  }
}

// Depth first; at most kMaxJsonDepth levels.
bool FindPath(const JsonNode& at, const JsonNode& node, std::string& path) {
  if (&at == &node) return true;
  for (std::size_t i = 0; i < at.items.size(); ++i) {
    const std::size_t size = path.size();
    if (at.is_array()) path += fmt::format("[{}]", i);
    else path += (path.empty() ? "" : ".") + at.keys[i];
    if (FindPath(at.items[i], node, path)) return true;
    path.resize(size);
  }
  return false;
}

}  // namespace

const JsonNode* JsonNode::Find(std::string_view key) const {
  if (kind != Kind::kObject) return nullptr;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

std::string_view JsonNode::Text(std::string_view key) const {
  const JsonNode* member = Find(key);
  return member != nullptr && member->is_string() ? std::string_view(member->text) : std::string_view();
}

const std::vector<JsonNode>& JsonNode::Array(std::string_view key) const {
  static const std::vector<JsonNode> none;
  const JsonNode* member = Find(key);
  return member != nullptr && member->is_array() ? member->items : none;
}

std::string PathOf(const JsonNode& root, const JsonNode& node) {
  std::string path;
  FindPath(root, node, path);
  return path;
}

std::string JsonPiece::Path() const {
  switch (part) {
    case Part::kElement:
      return fmt::format("[{}]", index);
    case Part::kEntry:
      return fmt::format("entry[{}]", index);
    case Part::kMember:
      return fmt::format("members[{}]", index);
    case Part::kDocument:
      break;
  }
  return {};
}

std::optional<JsonProblem> ReadJson(std::string_view text, const TakePiece& take, std::uint32_t first_line) {
  CharStream stream(text, first_line);
  return ReadAll(stream, take);
}

std::optional<JsonProblem> ReadJsonFile(const std::filesystem::path& path, const TakePiece& take) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return JsonProblem{"FILE_FAILED", 0, "the file cannot be read"};
  CharStream stream(in);
  return ReadAll(stream, take);
}

}  // namespace genofed::clinical
