// SPDX-License-Identifier: Apache-2.0
#include "libs/http/response_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "libs/core/strings.h"
#include "libs/http/problem.h"

namespace genofed::http {
namespace {

constexpr std::array<std::string_view, 7> kOwned = {"content-length", "transfer-encoding", "connection", "keep-alive",
                                                    "date",           "traceparent",       "x-request-id"};

// IMF-fixdate, RFC 9110 section 5.6.7. Spelled out because it must not follow a locale.
std::string HttpDate(std::time_t now) {
  static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(utc.tm_wday)),
                     utc.tm_mday, kMonths.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

}  // namespace

bool IsFieldName(std::string_view name) {
  static constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOther.find(c) != std::string_view::npos;
  });
}

bool IsFieldValue(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::string RenderHead(const Response& response, std::optional<std::uint64_t> content_length, bool keep_alive,
                       const Context& ctx) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, StatusPhrase(response.status),
                                 HttpDate(std::time(nullptr)));
  const auto append = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  for (const auto& [name, value] : response.headers.fields()) {
    const bool owned = std::ranges::find(kOwned, ToLower(name)) != kOwned.end();
    if (!owned && IsFieldName(name) && IsFieldValue(value)) append(name, value);
  }
  if (!response.headers.Has("X-Content-Type-Options")) append("X-Content-Type-Options", "nosniff");
  append("traceparent", ctx.traceparent());
  append("X-Request-Id", ctx.trace_id());
  if (content_length) append("Content-Length", std::to_string(*content_length));
  append("Connection", keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

}  // namespace genofed::http
