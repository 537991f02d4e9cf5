// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/strict_json.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libs/crypto/refuse.h"

namespace genofed::crypto {
namespace {

using Json = nlohmann::json;

// Builds the value and stops at the first thing that is not allowed.
class StrictBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return Put(value); }
  bool number_unsigned(number_unsigned_t value) override { return Put(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    // An integer too large for 64 bits arrives here rounded.
    if (Enforced("JSON_INVALID") && text.find_first_of(".eE") == std::string::npos) {
      return Fail("JSON_INVALID", "integer too large");
    }
    return Put(value);
  }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t&) override { return Fail("JSON_INVALID", "binary value"); }
  bool start_object(std::size_t) override { return Open(Json::object()); }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    const auto [member, added] = members.emplace(std::move(name), nullptr);
    if (Enforced("JSON_DUPLICATE_NAME") && !added) return Fail("JSON_DUPLICATE_NAME", "duplicate name");
    slot_ = &member->second;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    error_ = Error(StatusCode::kInvalidArgument, "JSON_INVALID", "invalid JSON at byte {}", position);
    return false;
  }

  Status& error() { return error_; }
  Json& root() { return root_; }

 private:
  Json* Add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(*slot_ = std::move(value));
  }
  bool Put(Json value) {
    Add(std::move(value));
    return true;
  }
  bool Open(Json value) {
    if (Enforced("JSON_TOO_DEEP") && open_.size() >= max_depth_) return Fail("JSON_TOO_DEEP", "nested too deeply");
    open_.push_back(Add(std::move(value)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  bool Fail(std::string_view reason, std::string_view what) {
    error_ = Error(StatusCode::kInvalidArgument, reason, "JSON refused: {}", what);
    return false;
  }

  std::size_t max_depth_;
  Json root_;
  // Pointers stay valid: only the innermost open container grows.
  std::vector<Json*> open_;
  Json* slot_ = nullptr;  // of the member whose name was read last
  Status error_;
};

}  // namespace

Result<nlohmann::json> ParseStrictJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error(StatusCode::kInvalidArgument, "JSON_TOO_LARGE", "JSON of {} bytes, at most {} are read",
                 text.size(), limits.max_bytes);
  }
  // The parser skips a byte order mark and takes a NUL byte for the end, whatever follows it.
  if (Enforced("JSON_INVALID") && (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos)) {
    return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "JSON refused: byte order mark or NUL byte");
  }
  StrictBuilder builder(limits.max_depth);
  if (!Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json, /*strict=*/true)) {
    if (!builder.error().ok()) return std::move(builder.error());
    return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "invalid JSON");
  }
  return std::move(builder.root());
}

}  // namespace genofed::crypto
