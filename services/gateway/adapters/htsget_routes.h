// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "services/gateway/adapters/native_routes.h"
#include "services/gateway/adapters/object_access.h"

namespace genofed::gateway {

// GA4GH htsget 1.3 below /ga4gh/htsget/v1 of a node: genotypes by region. The blocks of a ticket
// give a Crypt4GH file for the key of the access, which decrypts to a bgzipped VCF. There are no
// reads here.
void AddHtsgetRoutes(Api& api, const SiteFacts& site, std::shared_ptr<const ObjectAccess> access);

}  // namespace genofed::gateway
