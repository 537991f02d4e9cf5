// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/status_codec.h"

#include "genofed/common/v1/error.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

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
  return {static_cast<grpc::StatusCode>(status.code()), Message(status),
          details.SerializeAsString()};
}

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string reason = status.error_code() == grpc::StatusCode::UNAVAILABLE ? "PEER_UNAVAILABLE"
                       : status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED
                           ? "DEADLINE_EXCEEDED"
                           : "UNSPECIFIED";
  google::rpc::Status details;
  google::rpc::BadRequest bad;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    for (const auto& any : details.details()) {
      genofed::common::v1::ErrorDetail info;
      if (any.Is<genofed::common::v1::ErrorDetail>() && any.UnpackTo(&info)) reason = info.reason();
      if (any.Is<google::rpc::BadRequest>()) any.UnpackTo(&bad);
    }
  }
  Status result =
      MakeError(static_cast<StatusCode>(status.error_code()), reason, status.error_message());
  for (const auto& violation : bad.field_violations()) {
    result = WithField(std::move(result), violation.field(), violation.description());
  }
  return result;
}

}  // namespace genofed::rpc
