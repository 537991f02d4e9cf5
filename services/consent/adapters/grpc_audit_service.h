// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/consent/app/audit.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

// genofed.consent.v1.AuditService. Borrows all arguments.
std::unique_ptr<grpc::Service> MakeGrpcAuditService(rpc::Dispatcher& rpc, Audit& audit, Ledger& ledger);

}  // namespace genofed::consent
