// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/catalogue/app/catalogue.h"

namespace grpc {
class Service;
}

namespace genofed::catalogue {

// genofed.catalogue.v1.CatalogueService. Borrows both arguments.
std::unique_ptr<grpc::Service> MakeGrpcCatalogueService(rpc::Dispatcher& rpc, Catalogue& catalogue);

}  // namespace genofed::catalogue
