// SPDX-License-Identifier: Apache-2.0
//
// How an error leaves over HTTP (docs of the error model: libs/core/status.h).
//
//   InvalidArgument, OutOfRange 400 · Unauthenticated 401 · PermissionDenied 403 · NotFound 404 · AlreadyExists,
//   Aborted, FailedPrecondition 409 · ResourceExhausted 429 · Cancelled 499 · Internal, Unknown, DataLoss 500 ·
//   Unimplemented 501 · Unavailable 503 · DeadlineExceeded 504
//
// The reasons below stand for HTTP's own conditions and override the code.
#pragma once

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::http {

inline constexpr std::string_view kMethodNotAllowed = "METHOD_NOT_ALLOWED";          // 405
inline constexpr std::string_view kNotAcceptable = "NOT_ACCEPTABLE";                 // 406
inline constexpr std::string_view kPreconditionFailed = "PRECONDITION_FAILED";       // 412, after If-Match
inline constexpr std::string_view kBodyTooLarge = "BODY_TOO_LARGE";                  // 413
inline constexpr std::string_view kUnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE";  // 415
inline constexpr std::string_view kRangeNotSatisfiable = "RANGE_NOT_SATISFIABLE";    // 416
inline constexpr std::string_view kExpectationFailed = "EXPECTATION_FAILED";         // 417
inline constexpr std::string_view kPreconditionRequired = "PRECONDITION_REQUIRED";   // 428
inline constexpr std::string_view kHeaderTooLarge = "HEADER_TOO_LARGE";              // 431

// The HTTP status for an error. 200 for OK.
int HttpStatusOf(const Status& status);
// The reason phrase of RFC 9110 and its relatives: "Not Found".
std::string_view StatusPhrase(int http_status);

// What the other end may read: the message, or for Internal, Unknown and DataLoss a fixed text with the trace id.
std::string PublicMessage(const Status& status, std::string_view trace_id);

// An RFC 9457 problem document: type, title, status, detail, instance, reason, trace_id and, where fields are wrong,
// errors[{field, detail}]. type is https://genofed.example/problems/<reason-in-kebab-case>, or about:blank when the
// error carries no reason. `instance` is left out when empty.
std::string RenderProblem(const Status& status, int http_status, std::string_view instance, std::string_view trace_id);

}  // namespace genofed::http
