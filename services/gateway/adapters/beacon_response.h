// SPDX-License-Identifier: Apache-2.0
//
// Beacon v2.2 answers (framework: responses/*.json; model: genomicVariations and datasets
// defaultSchema.json).
#pragma once

#include <string>
#include <vector>

#include "genofed/catalogue/v1/catalogue.pb.h"
#include "genofed/discovery/v1/discovery.pb.h"
#include "services/gateway/adapters/beacon_request.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// The answer to /g_variants and /individuals. The granularity returned is the one asked for, and
// lower when the counts were not disclosed. `resultsCount` and `numTotalResults` count individuals,
// for variants too; info says so. At the hub info.members names every node and how it fared.
std::string RenderQueryResponse(const SiteFacts& site, const BeaconRequest& request,
                                const discovery::v1::QueryResponse& answer);

// The answer to /datasets: a page of `records`, which are all there are.
std::string RenderDatasets(const SiteFacts& site, const BeaconRequest& request,
                           const std::vector<catalogue::v1::DatasetRecord>& records);

// The answers of the framework endpoints.
std::string RenderBeaconInfo(const SiteFacts& site);
std::string RenderBeaconServiceInfo(const SiteFacts& site);
std::string RenderBeaconConfiguration(const SiteFacts& site);
std::string RenderBeaconEntryTypes(const SiteFacts& site);
std::string RenderBeaconMap(const SiteFacts& site);
std::string RenderFilteringTerms(const SiteFacts& site,
                                 const std::vector<discovery::v1::FilteringTerm>& terms);

}  // namespace genofed::gateway
