// SPDX-License-Identifier: Apache-2.0
// Internal to libs/sql: from the driver's exceptions to statuses.
#pragma once

#include <string_view>

#include "libs/core/status.h"

namespace genofed::sql {

// The status for a SQLSTATE (PostgreSQL manual, appendix A). Of the server's message it keeps only what is known
// to hold names and never values: the constraint of a violation, and the text of errors in the SQL itself.
Status FromSqlState(std::string_view sqlstate, std::string_view server_message);

// Whether the session is over, as the server says: shutdown, crash, idle timeout.
bool EndsSession(std::string_view sqlstate);

inline constexpr std::string_view kConflict = "SQL_CONFLICT";
inline constexpr std::string_view kUnavailable = "SQL_UNAVAILABLE";

}  // namespace genofed::sql
