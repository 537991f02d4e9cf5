// SPDX-License-Identifier: Apache-2.0
//
// Beacon v2.2 answers (framework: responses/*.json; model: the defaultSchema.json of each entry type).
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genofed/catalogue/v1/catalogue.pb.h"
#include "genofed/discovery/v1/beacon.pb.h"
#include "genofed/discovery/v1/discovery.pb.h"
#include "libs/beacon/aggregation.h"
#include "services/gateway/adapters/beacon_request.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// A dataset that is not answered from, and why.
struct LeftOut {
  std::string dataset;
  std::string reason;
  std::string detail = {};
  std::optional<std::chrono::seconds> retry_after = {};
};

// What the site's services answered to one request.
struct BeaconAnswers {
  discovery::v1::QueryFoldersResponse folders;          // of Beacon data folders; empty at the hub
  std::optional<discovery::v1::QueryResponse> cohorts;  // of cohort indices, if they were asked
  std::vector<LeftOut> not_asked = {};                  // cohorts that cannot be asked this
  std::vector<LeftOut> withheld = {};  // where all folders, or all cohorts, said nothing just now
};

// The answer for variants, individuals, samples, runs and analyses. The granularity returned is the
// one asked for, or lower where records or counts are not disclosed; result sets are there also
// then, with what may be said. Of folders `resultsCount` counts records, of cohorts individuals,
// for variants too; info says so. `numTotalResults` counts one of both, and where they differ
// info.totals has each. info.withheld and info.notAsked name who did not answer. At the hub
// info.members names every node and how it fared, and info.notAsked those that cannot be asked this.
std::string RenderQueryResponse(const SiteFacts& site, const beacon::Request& request, const BeaconAnswers& answers);

// The answer for datasets and cohorts: those of folders, then `records`, which are all there are.
std::string RenderCollections(const SiteFacts& site, const beacon::Request& request,
                              const discovery::v1::QueryFoldersResponse& folders,
                              const std::vector<catalogue::v1::DatasetRecord>& records,
                              const std::vector<LeftOut>& not_asked = {});

// The answers of the framework endpoints.
std::string RenderBeaconInfo(const SiteFacts& site);
std::string RenderBeaconServiceInfo(const SiteFacts& site);
// `folders`: the node answers from folders, and so lists variants without being told which.
std::string RenderBeaconConfiguration(const SiteFacts& site, bool folders);
std::string RenderBeaconEntryTypes(const SiteFacts& site, bool folders);
std::string RenderBeaconMap(const SiteFacts& site);
std::string RenderAggregationTerms(const SiteFacts& site);
// The properties by which an aggregation term tells people apart.
nlohmann::json AggregationConcepts(const beacon::AggregationTerm& term);
std::string RenderFilteringTerms(const SiteFacts& site, const std::vector<discovery::v1::FolderTerm>& terms);

// The entry types that are served: all seven at a node, those of the network's counts at the hub.
std::vector<beacon::EntryType> BeaconEntryTypes(const SiteFacts& site);

}  // namespace genofed::gateway
