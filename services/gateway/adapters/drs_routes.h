// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "services/gateway/adapters/native_routes.h"
#include "services/gateway/adapters/object_access.h"

namespace genofed::gateway {

// Whose tokens and visas count at this site, for OPTIONS.
struct DrsIssuers {
  std::vector<std::string> bearer;
  std::vector<std::string> visas;
};
using IssuerSource = std::function<DrsIssuers()>;

// GA4GH DRS 1.5 below /ga4gh/drs/v1 of a node. Holders see what this node keeps of their datasets;
// permitted smart layers with a passport get the files, as Crypt4GH for their own key. `access` is
// shared by the handlers.
void AddDrsRoutes(Api& api, const SiteFacts& site, std::shared_ptr<const ObjectAccess> access,
                  IssuerSource issuers);

// A DrsObject. To its holder: size and checksum of the Crypt4GH body, no access methods. To a
// reader: the file that the access methods give, a header and the body; checksums of both of its
// parts.
std::string RenderDrsObject(const SiteFacts& site, const onboarding::v1::GetObjectResponse& found,
                            const DrsIssuers& issuers);

}  // namespace genofed::gateway
