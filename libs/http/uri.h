// SPDX-License-Identifier: Apache-2.0
//
// Strict decoding of request targets (RFC 3986, RFC 9112 section 3.2). What is ambiguous is refused, so that a
// proxy, the router and a file system never read one path in different ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"

namespace genofed::http {

// Decodes %XX. Refuses incomplete or non-hexadecimal escapes, control characters (NUL first of all) and text that is
// not UTF-8. `plus_is_space` for query strings and forms.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space = false);
// Encodes everything but RFC 3986 "unreserved" characters: safe in a path segment and in a query value.
std::string PercentEncode(std::string_view text);

// The decoded parameters of a query string or an application/x-www-form-urlencoded body, in order, names may repeat.
class Query {
 public:
  static constexpr std::size_t kMaxParameters = 256;

  static Result<Query> Parse(std::string_view raw);

  std::optional<std::string_view> Get(std::string_view name) const;  // the first of that name
  std::vector<std::string_view> GetAll(std::string_view name) const;
  bool Has(std::string_view name) const { return Get(name).has_value(); }
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

struct Target {
  std::string path;                   // decoded, starts with '/'
  std::vector<std::string> segments;  // decoded; "/" has none, one trailing slash is ignored
  Query query;
};

// Takes origin-form and absolute-form targets. Refuses ".", ".." and empty segments, and segments that hide a '/' or
// '\' behind an escape: InvalidArgument BAD_TARGET.
Result<Target> ParseTarget(std::string_view target);

}  // namespace genofed::http
