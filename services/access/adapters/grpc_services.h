// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/core/strings.h"
#include "libs/rpc/dispatcher.h"
#include "services/access/app/applications.h"
#include "services/access/app/decisions.h"
#include "services/access/app/passport_check.h"
#include "services/access/app/passports.h"
#include "services/access/app/visas.h"

namespace grpc {
class Service;
}

namespace genofed::access {

class PublishedKeys;

// The country whose workload calls, as its certificate says ("FI").
inline std::string CallingCountry(const Context& ctx) { return ToUpper(ctx.principal().workload.site); }

// Borrow their arguments.
std::unique_ptr<grpc::Service> MakeGrpcApplicationService(rpc::Dispatcher& rpc,
                                                          Applications& applications);
std::unique_ptr<grpc::Service> MakeGrpcDecisionService(rpc::Dispatcher& rpc, Decisions& decisions);
std::unique_ptr<grpc::Service> MakeGrpcRevocationService(rpc::Dispatcher& rpc,
                                                         Revocations& revocations);

// What a site has of passports; what it does not do is null, except `keys`.
struct PassportParts {
  Passports* passports = nullptr;  // hub
  Visas* visas = nullptr;          // node
  PassportCheck* check = nullptr;  // node
  PublishedKeys* keys = nullptr;
};
std::unique_ptr<grpc::Service> MakeGrpcPassportService(rpc::Dispatcher& rpc, PassportParts parts);

}  // namespace genofed::access
