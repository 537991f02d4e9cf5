// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/consent/app/ledger.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

// genofed.consent.v1.LedgerService. Borrows all arguments.
std::unique_ptr<grpc::Service> MakeGrpcLedgerService(rpc::Dispatcher& rpc, Ledger& ledger);

}  // namespace genofed::consent
