// SPDX-License-Identifier: Apache-2.0
//
// genofed::Status on the wire: the code and message of gRPC, with genofed.common.v1.ErrorDetail
// (reason), google.rpc.BadRequest (field violations) and google.rpc.RetryInfo in the status
// details.
#pragma once

#include <grpcpp/support/status.h>

#include "libs/core/status.h"

namespace genofed::rpc {

grpc::Status ToGrpc(const Status& status);
// For the one place of gRPC that carries no details, the authorisation before the handler: the
// reason stands at the end of the message, "... (REASON)", where FromGrpc finds it again.
grpc::Status ToGrpcWithoutDetails(const Status& status);
Status FromGrpc(const grpc::Status& status);

}  // namespace genofed::rpc
