// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/discovery/app/consent_view.h"

namespace genofed::discovery {

// Answers from the cohort indices of this node, under disclosure control. Thread-safe.
class NodeDiscovery {
 public:
  // `floor`: counts of fewer people are not disclosed; at least 1.
  NodeDiscovery(const ConsentView& view, std::string country, std::int32_t floor);

  // One entry for each dataset that was considered, found or not. Errors: Unavailable
  // CONSENT_STALE, InvalidArgument ASSEMBLY_MISSING when datasets of several assemblies would be
  // mixed up.
  Result<Answer> Run(const Context& ctx, const Query& query) const;

  // The sexes, and terms by which some dataset would be found. Sorted.
  Result<std::vector<FilteringTerm>> Terms(const Context& ctx) const;

 private:
  DatasetAnswer Examine(const Holding& holding, const Query& query, bool* suppressed) const;
  void AddAlleles(const Holding& holding, const VariantPattern& pattern, DatasetAnswer& answer,
                  bool* suppressed) const;

  const ConsentView& view_;
  const std::string country_;
  const std::int32_t floor_;
};

// Label of a term where this service knows one: the sexes.
std::string TermLabel(std::string_view id);

}  // namespace genofed::discovery
