// SPDX-License-Identifier: Apache-2.0
//
// The one error model of genofed. Every fallible function returns Status or Result<T>; no exception
// crosses a library boundary. An error carries a code (what a machine does next), a reason (a
// stable UPPER_CASE word that clients may test), a message for people, and the fields it is about.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace genofed {

using Status = absl::Status;
using StatusCode = absl::StatusCode;
template <typename T>
using Result = absl::StatusOr<T>;

// Which field of the request is wrong, as a path such as "datasets[2].id", and what to do about it.
struct FieldViolation {
  std::string field;
  std::string description;
};

// Makes an error. `reason` is part of the public contract; the message may change.
Status MakeError(StatusCode code, std::string_view reason, std::string message);

template <typename... Args>
Status Error(StatusCode code, std::string_view reason, fmt::format_string<Args...> format,
             Args&&... args) {
  return MakeError(code, reason, fmt::format(format, std::forward<Args>(args)...));
}

// InvalidArgument about one field: the shape most validation errors have.
template <typename... Args>
Status InvalidField(std::string_view field, std::string_view reason,
                    fmt::format_string<Args...> format, Args&&... args);

// Returns `status` with one more field violation. An OK status is returned unchanged.
Status WithField(Status status, std::string_view field, std::string_view description);

// The stable reason of an error; empty for OK, and "UNSPECIFIED" for errors made elsewhere.
std::string Reason(const Status& status);
std::vector<FieldViolation> Fields(const Status& status);
// The message as a standard string (the packaged Abseil has a string_view of its own).
std::string Message(const Status& status);
std::string_view CodeName(StatusCode code);
// "NOT_FOUND/GRANT_NOT_FOUND: no consent grant 7", for logs and command-line output.
std::string Describe(const Status& status);

template <typename... Args>
Status InvalidField(std::string_view field, std::string_view reason,
                    fmt::format_string<Args...> format, Args&&... args) {
  std::string message = fmt::format(format, std::forward<Args>(args)...);
  Status status =
      MakeError(StatusCode::kInvalidArgument, reason, fmt::format("{}: {}", field, message));
  return WithField(std::move(status), field, message);
}

// Ends the process: a broken invariant, never bad input.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

namespace status_internal {
inline Status ToStatus(Status status) { return status; }
template <typename T>
Status ToStatus(const Result<T>& result) {
  return result.status();
}
}  // namespace status_internal

}  // namespace genofed

#define GF_CONCAT_INNER(a, b) a##b
#define GF_CONCAT(a, b) GF_CONCAT_INNER(a, b)

// GF_TRY(expr): returns from the enclosing function if `expr` (a Status or Result) is an error.
#define GF_TRY(...)                                                                              \
  do {                                                                                           \
    if (auto gf_status = ::genofed::status_internal::ToStatus((__VA_ARGS__)); !gf_status.ok()) { \
      return gf_status;                                                                          \
    }                                                                                            \
  } while (false)

// GF_ASSIGN(auto x, expr): x takes the value of a Result, or the enclosing function returns its
// error.
#define GF_ASSIGN(lhs, ...) GF_ASSIGN_INNER(GF_CONCAT(gf_result_, __LINE__), lhs, __VA_ARGS__)
#define GF_ASSIGN_INNER(result, lhs, ...)   \
  auto result = (__VA_ARGS__);              \
  if (!result.ok()) return result.status(); \
  lhs = std::move(result).value()

#define GF_CHECK(condition)                                                   \
  do {                                                                        \
    if (!(condition)) ::genofed::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)
