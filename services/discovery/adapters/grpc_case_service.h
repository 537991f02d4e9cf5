// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/discovery/adapters/account_of_call.h"
#include "services/discovery/app/case_match.h"
#include "services/discovery/app/contacts.h"
#include "services/discovery/app/hub_discovery.h"

namespace grpc {
class Service;
}

namespace genofed::discovery {

// genofed.discovery.v1.CaseService; borrows all arguments. Log lines say how much was answered,
// never what was asked for.
std::unique_ptr<grpc::Service> MakeNodeCaseService(rpc::Dispatcher& rpc, CaseMatch& match,
                                                   Contacts& contacts, PayerOfCall payer);
std::unique_ptr<grpc::Service> MakeHubCaseService(rpc::Dispatcher& rpc, HubDiscovery& discovery,
                                                  PayerOfCall payer);

}  // namespace genofed::discovery
