// SPDX-License-Identifier: Apache-2.0
//
// A Beacon v2.2 request (framework: requests/beaconRequestBody.json). What is understood is answered exactly; what is
// not is refused, never ignored, because an ignored condition would turn into a wrong answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/beacon/entry_type.h"
#include "libs/beacon/filter.h"
#include "libs/beacon/variant_query.h"
#include "libs/core/status.h"

namespace genofed::beacon {

inline constexpr std::string_view kApiVersion = "v2.2.0";
inline constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 20;
// What limit 0 stands for: "all the results or the maximum allowed by the Beacon".
inline constexpr std::int64_t kMaxLimit = 10'000;

enum class Include : std::uint8_t { kHit, kAll, kMiss, kNone };
enum class Granularity : std::uint8_t { kBoolean, kCount, kAggregated, kRecord };
std::string_view GranularityName(Granularity granularity);

struct Target {
  EntryType type = EntryType::kVariant;  // of what is answered
  // "/{x}/{id}" has one without a parent, "/{x}/{id}/{y}" the parent's.
  std::optional<EntryType> parent = {};
  std::string id = {};  // empty: all
};

struct Request {
  Target target;
  std::optional<VariantQuery> variant;
  std::vector<FilterGroup> filters;
  std::vector<std::string> datasets;  // empty: all
  Include include = Include::kHit;
  Granularity granularity = Granularity::kRecord;
  std::int64_t skip = 0;    // in pages
  std::int64_t limit = 10;  // results of one result set; 1 to kMaxLimit
  bool test_mode = false;
  std::vector<std::string> aggregations = {};  // experimental: terms of libs/beacon/aggregation.h, of individuals
  std::string summary;  // meta.receivedRequestSummary of the answer, as JSON text

  std::int64_t first() const { return skip * limit; }  // result of the page
};

// The body of a POST; an empty one asks for everything. InvalidArgument with one of BODY_INVALID, FIELD_INVALID,
// QUERY_UNSUPPORTED, QUERY_INCOMPLETE, CONTIG_INVALID, and those of crypto::ParseStrictJson.
Result<Request> ParseRequest(Target target, std::string_view body);

// The same request in the form of a body: parameters of the framework and of the model side by side, lists joined by
// commas. InvalidArgument FIELD_INVALID.
Result<std::string> BodyOfParameters(const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace genofed::beacon
