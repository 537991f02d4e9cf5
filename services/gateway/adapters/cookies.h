// SPDX-License-Identifier: Apache-2.0
//
// Cookies of the gateway: always __Host-, Secure, HttpOnly, SameSite=Lax, and sealed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/crypto/seal.h"
#include "libs/http/message.h"

namespace genofed::gateway {

// RFC 6265bis section 5.6: browsers drop cookies whose name and value are longer.
inline constexpr std::size_t kMaxCookieBytes = 4096;

// The value of a cookie; nothing when it is absent. A cookie that comes twice is empty: neither is believed.
std::optional<std::string> FindCookie(const http::Request& request, std::string_view name);
// Values of Set-Cookie.
std::string SetCookie(std::string_view name, std::string_view value, std::chrono::seconds max_age);
std::string ClearCookie(std::string_view name);

// Seals texts into a cookie's value, and back. The name and a format version are bound to it, so that a cookie is never
// taken for another one or for one of an older gateway.
std::string SealFields(const crypto::SealingKey& key, std::string_view cookie, const std::vector<std::string>& fields,
                       Random& random);
// Exactly `count` fields; Unauthenticated/COOKIE_BROKEN otherwise.
Result<std::vector<std::string>> OpenFields(const crypto::SealingKey& key, std::string_view cookie,
                                            std::string_view value, std::size_t count);

}  // namespace genofed::gateway
