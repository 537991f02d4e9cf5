// SPDX-License-Identifier: Apache-2.0
#include "libs/http/uri.h"

#include "libs/core/strings.h"

namespace genofed::http {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status Bad(std::string_view what) { return Error(StatusCode::kInvalidArgument, "BAD_TARGET", "{}", what); }

// Strips "http://authority" of an absolute-form target.
Result<std::string_view> OriginForm(std::string_view target) {
  if (target.starts_with('/')) return target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!StartsWithIgnoreCase(target, scheme)) continue;
    const std::size_t slash = target.find_first_of("/?", scheme.size());
    if (slash == std::string_view::npos) return std::string_view("/");
    if (target[slash] == '/') return target.substr(slash);
  }
  return Bad("the request target is not a path");
}

}  // namespace

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Bad("incomplete percent escape");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    const auto byte = static_cast<unsigned char>(c);
    // Tab and line ends are text in a form's value; nothing else below space is.
    const bool text_control = plus_is_space && (c == '\t' || c == '\n' || c == '\r');
    if ((byte < 0x20 && !text_control) || byte == 0x7f) return Bad("control character");
    out.push_back(c);
  }
  if (!IsUtf8(out)) return Bad("not UTF-8");
  return out;
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

Result<Query> Query::Parse(std::string_view raw) {
  Query query;
  if (raw.empty()) return query;
  for (const std::string_view pair : Split(raw, '&')) {
    if (pair.empty()) continue;
    if (query.entries_.size() == kMaxParameters) {
      return Error(StatusCode::kInvalidArgument, "TOO_MANY_PARAMETERS", "more than {} parameters", kMaxParameters);
    }
    const std::size_t equals = pair.find('=');
    GF_ASSIGN(std::string name, PercentDecode(pair.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      GF_ASSIGN(value, PercentDecode(pair.substr(equals + 1), true));
    }
    query.entries_.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

std::optional<std::string_view> Query::Get(std::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Query::GetAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : entries_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Result<Target> ParseTarget(std::string_view text) {
  GF_ASSIGN(std::string_view target, OriginForm(text));
  if (target.find('#') != std::string_view::npos) return Bad("a request target has no fragment");
  const std::size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  Target out;
  if (question != std::string_view::npos) {
    GF_ASSIGN(out.query, Query::Parse(target.substr(question + 1)));
  }
  out.path = "/";
  path.remove_prefix(1);
  if (path.empty()) return out;
  const bool trailing_slash = path.ends_with('/');
  if (trailing_slash) path.remove_suffix(1);
  for (const std::string_view raw : Split(path, '/')) {
    GF_ASSIGN(std::string segment, PercentDecode(raw));
    if (segment.empty() || segment == "." || segment == "..") return Bad("empty or dot segment");
    if (segment.find_first_of("/\\") != std::string::npos) return Bad("encoded slash");
    if (out.path.size() > 1) out.path.push_back('/');
    out.path += segment;
    out.segments.push_back(std::move(segment));
  }
  if (trailing_slash) out.path.push_back('/');
  return out;
}

}  // namespace genofed::http
