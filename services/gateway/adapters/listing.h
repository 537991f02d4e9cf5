// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// GET /openapi.json and GET /docs: the routes that were added before, for programs and for people.
// Also "/", which leads to /docs.
void AddListingRoutes(Api& api, const SiteFacts& site);

// An OpenAPI 3.0.3 document. Schemas of the native API follow from the protobuf descriptors.
std::string RenderOpenApi(const SiteFacts& site, const std::vector<Endpoint>& endpoints);

// One page without scripts or anything from elsewhere, and the policy that lets a browser load
// nothing else.
struct DocsPage {
  std::string html;
  std::string content_security_policy;
};
DocsPage RenderDocs(const SiteFacts& site, const std::vector<Endpoint>& endpoints);

}  // namespace genofed::gateway
