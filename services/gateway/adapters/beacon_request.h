// SPDX-License-Identifier: Apache-2.0
//
// Beacon v2.2 requests over HTTP, and what of them the cohort indices can answer.
#pragma once

#include <string>
#include <string_view>

#include "genofed/discovery/v1/discovery.pb.h"
#include "libs/beacon/request.h"
#include "libs/core/status.h"
#include "libs/http/message.h"

namespace genofed::gateway {

inline constexpr std::string_view kBeaconApiVersion = beacon::kApiVersion;

struct BeaconRequest {
  beacon::Request parsed;
  std::string body;      // the same as a Beacon request body
  std::string passport;  // of the header GA4GH-Passport; may be empty
};

// POST with a body, or GET with parameters. InvalidArgument UNSUPPORTED_MEDIA_TYPE, and those of libs/beacon/request.h.
Result<BeaconRequest> ParseBeacon(beacon::Target target, const http::Request& request);

// Whether the request is about a dataset of that name, by its path and its list of datasets.
bool Means(const beacon::Request& request, const std::string& dataset);

// As a query of cohorts. Filters for terms of the Sequence Ontology and for the field
// alleleFrequency are about the variant that is asked for, age and all other terms about people.
// InvalidArgument QUERY_UNSUPPORTED for what cohorts cannot be asked, QUERY_INCOMPLETE for variants
// without a place or gene, FIELD_INVALID for what means nothing. Test mode is for the caller to
// see: cohorts are people. `passport`: of the caller, at a node; may open records of individuals.
Result<discovery::v1::QueryRequest> CohortQuery(const beacon::Request& request,
                                                const std::string& passport = "");

}  // namespace genofed::gateway
