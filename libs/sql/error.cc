// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/error.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::sql {
namespace {

std::string_view FirstLine(std::string_view text) {
  text = Trim(text.substr(0, text.find('\n')));
  constexpr std::string_view kSeverity = "ERROR:";
  if (text.starts_with(kSeverity)) text = Trim(text.substr(kSeverity.size()));
  return text;
}

// ` of "name"`-like suffix naming the constraint, when the message has one of the usual form.
std::string ConstraintOf(std::string_view message) {
  const std::string_view line = FirstLine(message);
  constexpr std::string_view kMark = "constraint \"";
  const std::size_t start = line.rfind(kMark);
  if (start == std::string_view::npos) return "";
  std::string_view name = line.substr(start + kMark.size());
  name = name.substr(0, name.find('"'));
  const bool plain = name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  return plain ? fmt::format(" ({})", name) : "";
}

Status Violation(std::string_view sqlstate, std::string_view message) {
  const std::string name = ConstraintOf(message);
  if (sqlstate == "23505") {
    return Error(StatusCode::kAlreadyExists, "SQL_UNIQUE_VIOLATION", "such a row exists already{}", name);
  }
  std::string_view reason = "SQL_CONSTRAINT_VIOLATION";
  if (sqlstate == "23503") reason = "SQL_FOREIGN_KEY_VIOLATION";
  if (sqlstate == "23514") reason = "SQL_CHECK_VIOLATION";
  if (sqlstate == "23502") reason = "SQL_NOT_NULL_VIOLATION";
  if (sqlstate == "23P01") reason = "SQL_EXCLUSION_VIOLATION";
  return Error(StatusCode::kFailedPrecondition, reason, "the row violates a constraint{}", name);
}

}  // namespace

bool EndsSession(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" ||
         sqlstate == "57P05" || sqlstate == "25P03";
}

Status FromSqlState(std::string_view sqlstate, std::string_view server_message) {
  if (sqlstate.starts_with("23")) return Violation(sqlstate, server_message);
  if (sqlstate == "40001" || sqlstate == "40P01") {
    return Error(StatusCode::kAborted, kConflict, "concurrent transactions conflict (SQLSTATE {})", sqlstate);
  }
  if (sqlstate == "57014") {
    return Error(StatusCode::kDeadlineExceeded, "SQL_TIMEOUT", "the statement took too long");
  }
  if (sqlstate == "55P03") {
    return Error(StatusCode::kAborted, "SQL_LOCKED", "the row is locked by another transaction");
  }
  if (EndsSession(sqlstate) || sqlstate == "53300") {
    return Error(StatusCode::kUnavailable, kUnavailable, "PostgreSQL is not available (SQLSTATE {})", sqlstate);
  }
  if (sqlstate.starts_with("53")) {
    return Error(StatusCode::kResourceExhausted, "SQL_RESOURCES", "PostgreSQL is out of resources (SQLSTATE {})",
                 sqlstate);
  }
  if (sqlstate.starts_with("22")) {  // the message quotes the value
    return Error(StatusCode::kInvalidArgument, "SQL_BAD_VALUE", "a value has the wrong form (SQLSTATE {})",
                 sqlstate);
  }
  if (sqlstate.starts_with("42")) {  // about the statement's text, which is a literal
    return Error(StatusCode::kInternal, "SQL_ERROR", "{} (SQLSTATE {})", FirstLine(server_message), sqlstate);
  }
  return Error(StatusCode::kInternal, "SQL_ERROR", "the statement failed (SQLSTATE {})",
               sqlstate.empty() ? "unknown" : sqlstate);
}

}  // namespace genofed::sql
