// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/http/message.h"

namespace genofed::http {

// The status line and header section of a response up to and including the empty line. Fields that could split the
// response (control characters, bad names) and those the server owns (Content-Length, Connection, Date, ...) are
// dropped. Internal to the library.
std::string RenderHead(const Response& response, std::optional<std::uint64_t> content_length, bool keep_alive,
                       const Context& ctx);

// Whether a name or value may stand in a header section (RFC 9110 section 5).
bool IsFieldName(std::string_view name);
bool IsFieldValue(std::string_view value);

}  // namespace genofed::http
