// SPDX-License-Identifier: Apache-2.0
#include "libs/http/message.h"

#include <algorithm>
#include <array>

#include "libs/core/strings.h"

namespace genofed::http {
namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && StartsWithIgnoreCase(a, b);
}

Response Make(int status, std::string body, std::string content_type) {
  Response response;
  response.status = status;
  response.headers.Set("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

}  // namespace

std::string_view MethodName(Method method) { return kMethods.at(static_cast<std::size_t>(method)); }

std::optional<Method> ParseMethod(std::string_view name) {
  const auto found = std::find(kMethods.begin(), kMethods.end(), name);
  if (found == kMethods.end()) return std::nullopt;
  return static_cast<Method>(found - kMethods.begin());
}

void Headers::Add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }

void Headers::Set(std::string name, std::string value) {
  std::erase_if(fields_, [&](const auto& field) { return SameName(field.first, name); });
  Add(std::move(name), std::move(value));
}

std::optional<std::string_view> Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (SameName(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::GetAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : fields_) {
    if (SameName(key, name)) values.push_back(value);
  }
  return values;
}

const std::string& Request::Param(std::string_view name) const {
  const auto found = params.find(name);
  GF_CHECK(found != params.end());
  return found->second;
}

std::string_view Request::BearerToken() const {
  const auto values = headers.GetAll("Authorization");
  // Two Authorization fields are ambiguous: neither is believed.
  if (values.size() != 1 || !StartsWithIgnoreCase(values[0], "Bearer ")) return {};
  return Trim(values[0].substr(7));
}

std::string Request::ContentType() const {
  const auto value = headers.Get("Content-Type");
  if (!value) return {};
  return ToLower(Trim(value->substr(0, value->find(';'))));
}

Response Json(int status, std::string body) { return Make(status, std::move(body), "application/json"); }
Response Text(int status, std::string body) { return Make(status, std::move(body), "text/plain; charset=utf-8"); }
Response Html(int status, std::string body) { return Make(status, std::move(body), "text/html; charset=utf-8"); }

Response File(FileBody file, std::string content_type, std::string etag) {
  Response response = Make(200, "", std::move(content_type));
  response.headers.Set("Accept-Ranges", "bytes");
  if (!etag.empty()) response.headers.Set("ETag", std::move(etag));
  response.body = std::move(file);
  return response;
}

Response Events(std::function<Result<std::string>()> next) {
  Response response;
  response.headers.Set("Content-Type", "text/event-stream");
  response.headers.Set("Cache-Control", "no-store");
  StreamBody stream;
  stream.open_ended = true;
  stream.read = [next = std::move(next)](std::uint64_t, std::size_t) { return next(); };
  response.body = std::move(stream);
  return response;
}

std::string FormatEvent(std::string_view event, std::string_view data) {
  GF_CHECK(event.find_first_of("\r\n") == std::string_view::npos &&
           data.find_first_of("\r\n") == std::string_view::npos);
  return "event: " + std::string(event) + "\ndata: " + std::string(data) + "\n\n";
}

Response Stream(StreamBody stream, std::string content_type, std::string etag) {
  Response response = File({}, std::move(content_type), std::move(etag));
  response.body = std::move(stream);
  return response;
}

Response NoContent() {
  Response response;
  response.status = 204;
  return response;
}

Response Redirect(int status, std::string location) {
  Response response;
  response.status = status;
  response.headers.Set("Location", std::move(location));
  return response;
}

}  // namespace genofed::http
