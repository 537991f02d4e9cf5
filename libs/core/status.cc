// SPDX-License-Identifier: Apache-2.0
#include "libs/core/status.h"

#include <cstdio>
#include <cstdlib>

namespace genofed {
namespace {

constexpr char kReasonUrl[] = "genofed/reason";
constexpr char kFieldsUrl[] = "genofed/fields";
// Unit and record separators cannot occur in messages meant for people.
constexpr char kUnit = '\x1f';
constexpr char kRecord = '\x1e';

std::string Payload(const Status& status, const char* url) {
  auto payload = status.GetPayload(url);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace

Status MakeError(StatusCode code, std::string_view reason, std::string message) {
  Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(std::string(reason)));
  return status;
}

Status WithField(Status status, std::string_view field, std::string_view description) {
  if (status.ok()) return status;
  std::string fields = Payload(status, kFieldsUrl);
  fields.append(field).push_back(kUnit);
  fields.append(description).push_back(kRecord);
  status.SetPayload(kFieldsUrl, absl::Cord(fields));
  return status;
}

std::string Reason(const Status& status) {
  if (status.ok()) return {};
  std::string reason = Payload(status, kReasonUrl);
  return reason.empty() ? "UNSPECIFIED" : reason;
}

std::vector<FieldViolation> Fields(const Status& status) {
  std::vector<FieldViolation> fields;
  std::string text = Payload(status, kFieldsUrl);
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find(kRecord, begin);
    std::size_t unit = text.find(kUnit, begin);
    fields.push_back({text.substr(begin, unit - begin), text.substr(unit + 1, end - unit - 1)});
    begin = end + 1;
  }
  return fields;
}

std::string Message(const Status& status) {
  return std::string(status.message().data(), status.message().size());
}

std::string_view CodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kCancelled:
      return "CANCELLED";
    case StatusCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case StatusCode::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case StatusCode::kNotFound:
      return "NOT_FOUND";
    case StatusCode::kAlreadyExists:
      return "ALREADY_EXISTS";
    case StatusCode::kPermissionDenied:
      return "PERMISSION_DENIED";
    case StatusCode::kResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case StatusCode::kFailedPrecondition:
      return "FAILED_PRECONDITION";
    case StatusCode::kAborted:
      return "ABORTED";
    case StatusCode::kOutOfRange:
      return "OUT_OF_RANGE";
    case StatusCode::kUnimplemented:
      return "UNIMPLEMENTED";
    case StatusCode::kInternal:
      return "INTERNAL";
    case StatusCode::kUnavailable:
      return "UNAVAILABLE";
    case StatusCode::kDataLoss:
      return "DATA_LOSS";
    case StatusCode::kUnauthenticated:
      return "UNAUTHENTICATED";
    default:
      return "UNKNOWN";
  }
}

std::string Describe(const Status& status) {
  if (status.ok()) return "OK";
  return fmt::format("{}/{}: {}", CodeName(status.code()), Reason(status), Message(status));
}

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "genofed: broken invariant %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace genofed
