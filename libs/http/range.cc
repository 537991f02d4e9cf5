// SPDX-License-Identifier: Apache-2.0
#include "libs/http/range.h"

#include <algorithm>
#include <charconv>

#include "libs/core/strings.h"

namespace genofed::http {
namespace {

// Digits only. A number beyond 64 bits is a position beyond any file.
std::optional<std::uint64_t> ParsePosition(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() ? value : UINT64_MAX;
}

std::string_view Opaque(std::string_view etag) { return etag.starts_with("W/") ? etag.substr(2) : etag; }

}  // namespace

RangeDecision ParseRange(std::string_view header, std::uint64_t size) {
  const RangeDecision whole;
  if (!StartsWithIgnoreCase(header, "bytes=")) return whole;
  const std::string_view spec = Trim(header.substr(6));
  const std::size_t dash = spec.find('-');
  if (spec.find(',') != std::string_view::npos || dash == std::string_view::npos) return whole;
  const auto first = ParsePosition(spec.substr(0, dash));
  const auto last = ParsePosition(spec.substr(dash + 1));
  if (dash == 0) {  // "-500": the last 500 bytes
    if (!last) return whole;
    if (*last == 0 || size == 0) return {RangeOutcome::kUnsatisfiable, {}};
    return {RangeOutcome::kPartial, {size - std::min(*last, size), size - 1}};
  }
  if (!first || (!last && dash + 1 != spec.size()) || (last && *last < *first)) return whole;
  if (*first >= size) return {RangeOutcome::kUnsatisfiable, {}};
  return {RangeOutcome::kPartial, {*first, std::min(last.value_or(size - 1), size - 1)}};
}

RangeDecision DecideRange(const Request& request, std::string_view etag, std::uint64_t size) {
  const auto headers = request.headers.GetAll("Range");
  if (request.method != Method::kGet || headers.size() != 1) return {};
  if (const auto if_range = request.headers.Get("If-Range")) {
    // A date is a weak validator here: the server sends no Last-Modified to compare it with.
    if (etag.empty() || etag.starts_with("W/") || *if_range != etag) return {};
  }
  return ParseRange(headers[0], size);
}

bool NotModified(const Request& request, std::string_view etag) {
  if (etag.empty() || (request.method != Method::kGet && request.method != Method::kHead)) return false;
  for (const std::string_view header : request.headers.GetAll("If-None-Match")) {
    for (const std::string_view candidate : Split(header, ',')) {
      const std::string_view tag = Trim(candidate);
      if (tag == "*" || Opaque(tag) == Opaque(etag)) return true;
    }
  }
  return false;
}

}  // namespace genofed::http
