// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/redact.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/beacon/json_values.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

constexpr const char* kSplits[] = {"alleleCountHomozygous", "alleleCountHeterozygous", "alleleCountHemizygous"};

std::string Dump(const json& record) { return record.dump(-1, ' ', false, json::error_handler_t::replace); }

std::optional<std::int64_t> Count(const json& object, const char* name) {
  const json* value = Member(object, name);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  return value->get<std::int64_t>();
}

// None without counts: a bare frequency cannot be judged.
std::optional<PopulationCounts> CountsOf(const json& frequency) {
  const auto count = Count(frequency, "alleleCount"), number = Count(frequency, "alleleNumber");
  const json* population = Member(frequency, "population");
  if (!count || !number || population == nullptr || !population->is_string()) return std::nullopt;
  return PopulationCounts{
      population->get<std::string>(), *count, *number, Count(frequency, kSplits[0]), Count(frequency, kSplits[1]),
      Count(frequency, kSplits[2])};
}

json Frequency(const PopulationCounts& counts) {
  json out = {{"population", counts.population},
              {"alleleCount", counts.allele_count},
              {"alleleNumber", counts.allele_number},
              {"alleleFrequency", counts.allele_number > 0 ? static_cast<double>(counts.allele_count) /
                                                                 static_cast<double>(counts.allele_number)
                                                           : 0.0}};
  if (counts.homozygous) out[kSplits[0]] = *counts.homozygous;
  if (counts.heterozygous) out[kSplits[1]] = *counts.heterozygous;
  if (counts.hemizygous) out[kSplits[2]] = *counts.hemizygous;
  return out;
}

json PublicFrequencies(const json& frequencies, const PopulationRule& rule) {
  json out = json::array(), total = json::array();
  bool complete = true;
  for (const json& frequency : frequencies) {
    const auto counts = CountsOf(frequency);
    const auto disclosed = counts ? rule(*counts) : std::nullopt;
    complete = complete && disclosed;
    if (!disclosed) continue;
    out.push_back(Frequency(*disclosed));
    if (disclosed->population == "Total") total.push_back(out.back());
  }
  return complete ? out : total;
}

}  // namespace

std::string PublicVariant(std::string_view record, const PopulationRule& rule) {
  json out = json::parse(record, nullptr, false);
  if (!out.is_object()) return "{}";
  out.erase("caseLevelData");
  json sources = json::array();
  if (const json* given = Member(out, "frequencyInPopulations"); given != nullptr && given->is_array()) {
    for (json source : *given) {
      const json* frequencies = Member(source, "frequencies");
      if (frequencies == nullptr || !frequencies->is_array()) continue;
      json disclosed = PublicFrequencies(*frequencies, rule);
      if (disclosed.empty()) continue;
      source["frequencies"] = std::move(disclosed);
      sources.push_back(std::move(source));
    }
  }
  out.erase("frequencyInPopulations");
  if (!sources.empty()) out["frequencyInPopulations"] = std::move(sources);
  return Dump(out);
}

std::string WithCases(std::string_view record, const std::vector<bool>& keep) {
  json out = json::parse(record, nullptr, false);
  const json* cases = Member(out, "caseLevelData");
  if (cases == nullptr || !cases->is_array()) return std::string(record);
  json kept = json::array();
  for (std::size_t i = 0; i < cases->size() && i < keep.size(); ++i) {
    if (keep[i]) kept.push_back((*cases)[i]);
  }
  out["caseLevelData"] = std::move(kept);
  return Dump(out);
}

std::int64_t LargestAlleleCount(std::string_view record) {
  const json parsed = json::parse(record, nullptr, false);
  std::int64_t largest = 0;
  const json* sources = Member(parsed, "frequencyInPopulations");
  if (sources == nullptr || !sources->is_array()) return 0;
  for (const json& source : *sources) {
    const json* frequencies = Member(source, "frequencies");
    if (frequencies == nullptr || !frequencies->is_array()) continue;
    for (const json& frequency : *frequencies) largest = std::max(largest, Count(frequency, "alleleCount").value_or(0));
  }
  return largest;
}

}  // namespace genofed::beacon
