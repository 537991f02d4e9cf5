// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/status_codec.h"

#include <algorithm>

#include "genofed/common/v1/error.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/core/retry_after.h"

namespace genofed::rpc {

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(Message(status));
  genofed::common::v1::ErrorDetail info;
  info.set_reason(Reason(status));
  details.add_details()->PackFrom(info);
  if (auto fields = Fields(status); !fields.empty()) {
    google::rpc::BadRequest bad;
    for (const auto& field : fields) {
      auto* violation = bad.add_field_violations();
      violation->set_field(field.field);
      violation->set_description(field.description);
    }
    details.add_details()->PackFrom(bad);
  }
  if (const auto after = RetryAfter(status)) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(after->count());
    details.add_details()->PackFrom(retry);
  }
  return {static_cast<grpc::StatusCode>(status.code()), Message(status),
          details.SerializeAsString()};
}

grpc::Status ToGrpcWithoutDetails(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()),
          fmt::format("{} ({})", Message(status), Reason(status))};
}

namespace {

// Takes "(REASON)" off the end of a message; empty if there is none.
std::string TakeReason(std::string& message) {
  const auto open = message.rfind(" (");
  if (open == std::string::npos || !message.ends_with(')')) return {};
  std::string reason = message.substr(open + 2, message.size() - open - 3);
  const bool word = reason.size() > 3 && reason.size() <= 64 &&
                    std::all_of(reason.begin(), reason.end(), [](char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                    });
  if (!word) return {};
  message.resize(open);
  return reason;
}

}  // namespace

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string reason = status.error_code() == grpc::StatusCode::UNAVAILABLE ? "PEER_UNAVAILABLE"
                       : status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED
                           ? "DEADLINE_EXCEEDED"
                           : "UNSPECIFIED";
  std::string message = status.error_message();
  if (status.error_details().empty()) {
    if (std::string told = TakeReason(message); !told.empty()) reason = std::move(told);
  }
  google::rpc::Status details;
  google::rpc::BadRequest bad;
  google::rpc::RetryInfo retry;
  bool has_retry = false;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    for (const auto& any : details.details()) {
      genofed::common::v1::ErrorDetail info;
      if (any.Is<genofed::common::v1::ErrorDetail>() && any.UnpackTo(&info)) reason = info.reason();
      if (any.Is<google::rpc::BadRequest>()) any.UnpackTo(&bad);
      if (any.Is<google::rpc::RetryInfo>()) has_retry = any.UnpackTo(&retry);
    }
  }
  Status result = MakeError(static_cast<StatusCode>(status.error_code()), reason, message);
  if (has_retry)
    result = WithRetryAfter(std::move(result), std::chrono::seconds(retry.retry_delay().seconds()));
  for (const auto& violation : bad.field_violations()) {
    result = WithField(std::move(result), violation.field(), violation.description());
  }
  return result;
}

}  // namespace genofed::rpc
