// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "libs/core/context.h"
#include "libs/genomics/individuals.h"
#include "services/discovery/domain/publication.h"
#include "services/discovery/domain/statistics.h"

namespace genofed::discovery {

// Reads and verifies the table of individuals of a publication.
class PeopleReader {
 public:
  virtual ~PeopleReader() = default;
  // Row by row; empty when the version has no table. DataLoss INDIVIDUALS_CORRUPT.
  virtual Result<std::vector<genomics::Individual>> Read(const Publication& publication) = 0;
};

// What was said of each dataset version, once and for all.
class StatisticsStore {
 public:
  virtual ~StatisticsStore() = default;
  virtual Result<std::optional<Statistics>> Find(const Context& ctx, const std::string& dataset,
                                                 std::int32_t version) = 0;
  // What is kept afterwards: these, unless others were there before.
  virtual Result<Statistics> Keep(const Context& ctx, const std::string& dataset,
                                  std::int32_t version, const Statistics& statistics) = 0;
};

}  // namespace genofed::discovery
