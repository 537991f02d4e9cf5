// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/cookies.h"

#include "libs/core/strings.h"

namespace genofed::gateway {
namespace {

constexpr char kFormat[] = "/1";
constexpr char kAttributes[] = "; Path=/; Secure; HttpOnly; SameSite=Lax";

std::string Purpose(std::string_view cookie) { return std::string(cookie) + kFormat; }

Status Broken() { return Error(StatusCode::kUnauthenticated, "COOKIE_BROKEN", "the cookie is not one of this site"); }

}  // namespace

std::optional<std::string> FindCookie(const http::Request& request, std::string_view name) {
  std::optional<std::string> found;
  for (const std::string_view header : request.headers.GetAll("Cookie")) {
    for (const std::string_view part : Split(header, ';')) {
      const std::string_view pair = Trim(part);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      found = found ? "" : std::string(pair.substr(equals + 1));
    }
  }
  return found;
}

std::string SetCookie(std::string_view name, std::string_view value, std::chrono::seconds max_age) {
  return fmt::format("{}={}; Max-Age={}{}", name, value, max_age.count(), kAttributes);
}

std::string ClearCookie(std::string_view name) { return SetCookie(name, "", std::chrono::seconds(0)); }

std::string SealFields(const crypto::SealingKey& key, std::string_view cookie, const std::vector<std::string>& fields,
                       Random& random) {
  std::string plain;
  for (const std::string& field : fields) {
    GF_CHECK(field.size() <= 0xffff);
    plain += {static_cast<char>(field.size() >> 8), static_cast<char>(field.size() & 0xff)};
    plain += field;
  }
  return Base64UrlEncode(key.Seal(plain, Purpose(cookie), random));
}

Result<std::vector<std::string>> OpenFields(const crypto::SealingKey& key, std::string_view cookie,
                                            std::string_view value, std::size_t count) {
  if (value.size() > kMaxCookieBytes) return Broken();
  const auto sealed = Base64UrlDecode(value);
  if (!sealed.ok()) return Broken();
  GF_ASSIGN(const std::string plain, key.Open(*sealed, Purpose(cookie)));
  std::vector<std::string> fields;
  std::string_view rest = plain;
  while (rest.size() >= 2) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) << 8 |
                                               static_cast<unsigned char>(rest[1]));
    rest.remove_prefix(2);
    if (size > rest.size()) return Broken();
    fields.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  if (!rest.empty() || fields.size() != count) return Broken();
  return fields;
}

}  // namespace genofed::gateway
