// SPDX-License-Identifier: Apache-2.0
//
// The values of Beacon requests. Included by .cc files only: it brings in the JSON library.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "services/gateway/adapters/beacon_request.h"

namespace genofed::gateway::beacon {

// InvalidArgument about one member: FIELD_INVALID, QUERY_UNSUPPORTED.
Status Wrong(std::string_view field, std::string_view what);
Status Unsupported(std::string_view field);

// Portals send null, "" and [] for what was left empty.
bool IsBlank(const nlohmann::json& value);
// An integer, also as a string.
Result<std::int64_t> Integer(const nlohmann::json& value, std::string_view field);
Result<std::string> TextOf(const nlohmann::json& value, std::string_view field,
                           std::size_t max = 256);

// Where a variant is sought, from requestParameters. Collects the members, then judges them
// together.
class VariantParameters {
 public:
  // Takes one member; a member that comes twice or that this beacon does not know is refused.
  Status Take(const std::string& name, const nlohmann::json& value);
  bool empty() const { return echo_.empty(); }
  // Writes variant and datasets into the query. Only individuals may be asked for without a
  // variant.
  Status Fill(BeaconEntry entry, discovery::v1::QueryRequest* query) const;
  // As Beacon wants it back: objects only.
  nlohmann::json Echo() const { return {{"g_variant", echo_}}; }

 private:
  template <typename T>
  Status Store(Result<T> value, T* field, const std::string& name);
  Status CheckComplete() const;
  Status FillSequence(discovery::v1::VariantQuery* variant) const;

  std::string reference_name_, assembly_id_, reference_bases_, alternate_bases_;
  std::vector<std::int64_t> start_, end_;
  std::vector<std::string> datasets_;
  nlohmann::json echo_ = nlohmann::json::object();
};

// Flat parameters and those nested under "g_variant" are one set. "$schema" says nothing.
Status TakeParameters(const nlohmann::json& parameters, VariantParameters* out);

}  // namespace genofed::gateway::beacon
