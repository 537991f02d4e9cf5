// SPDX-License-Identifier: Apache-2.0
//
// Beacon v2.2 requests (framework: requests/beaconRequestBody.json; model:
// genomicVariations/requestParameters.json) as queries of the federation. What is understood is
// answered exactly; what is not is refused, never ignored, because an ignored condition would turn
// into a wrong answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "genofed/discovery/v1/discovery.pb.h"
#include "libs/core/status.h"
#include "libs/http/uri.h"

namespace genofed::gateway {

inline constexpr std::string_view kBeaconApiVersion = "v2.2.0";

enum class BeaconEntry { kVariant, kIndividual, kDataset };

struct BeaconRequest {
  enum class Include { kHit, kAll, kMiss, kNone };

  BeaconEntry entry = BeaconEntry::kVariant;
  discovery::v1::QueryRequest query;  // empty for kDataset
  Include include = Include::kHit;
  std::int64_t skip = 0;    // in pages
  std::int64_t limit = 10;  // of results in one result set; 0: all
  bool test_mode = false;
  std::string summary;  // meta.receivedRequestSummary of the answer, as JSON text
};

// InvalidArgument with one of BODY_INVALID, FIELD_INVALID, QUERY_UNSUPPORTED, QUERY_INCOMPLETE,
// CONTIG_INVALID.
Result<BeaconRequest> ParseBeaconPost(BeaconEntry entry, std::string_view body);
// The GET form: parameters of the framework and of the model side by side, lists joined by commas.
Result<BeaconRequest> ParseBeaconGet(BeaconEntry entry, const http::Query& query);

}  // namespace genofed::gateway
