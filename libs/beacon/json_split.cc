// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/json_split.h"

#include "libs/core/strings.h"

namespace genofed::beacon {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

Status Invalid(std::string_view what) { return Error(StatusCode::kInvalidArgument, "ARRAY_INVALID", "{}", what); }

// Where the element that begins at `begin` ends: before the comma or bracket that is not inside of it.
std::size_t EndOf(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return i;
      --depth;
    } else if (c == ',' && depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

Status Lines(std::string_view text, const std::function<Status(std::size_t, std::string_view)>& visit) {
  std::size_t index = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    if (!line.empty()) GF_TRY(visit(index++, line));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return absl::OkStatus();
}

}  // namespace

Status ForEachElement(std::string_view text, const std::function<Status(std::size_t, std::string_view)>& visit) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::size_t at = text.find_first_not_of(kSpace);
  if (at == std::string_view::npos) return Invalid("the file is empty");
  if (text[at] == '{') return Lines(text.substr(at), visit);
  if (text[at] != '[') return Invalid("neither a JSON array nor a record a line");
  at = text.find_first_not_of(kSpace, at + 1);
  for (std::size_t index = 0; at != std::string_view::npos; ++index) {
    if (text[at] == ']' && index == 0) break;
    const std::size_t end = EndOf(text, at);
    if (end == std::string_view::npos || text[end] == '}') return Invalid("the array is broken off");
    GF_TRY(visit(index, Trim(text.substr(at, end - at))));
    at = text[end] == ']' ? end : text.find_first_not_of(kSpace, end + 1);
    if (text[end] == ']') break;
  }
  if (at == std::string_view::npos) return Invalid("the array is broken off");
  if (text.find_first_not_of(kSpace, at + 1) != std::string_view::npos)
    return Invalid("there is something behind the array");
  return absl::OkStatus();
}

}  // namespace genofed::beacon
