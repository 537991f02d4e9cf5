// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "services/catalogue/domain/dataset_record.h"

namespace genofed::catalogue {

struct RecordFilter {
  std::vector<std::string> words;  // lower case; all must occur
  std::string country;
  bool only_listed = true;
  std::string after_id;  // records after this identifier, in order of identifiers
  int limit = 100;
};

// Where records are kept.
class RecordStore {
 public:
  virtual ~RecordStore() = default;
  // Adds a version; one that exists already is left as it is.
  virtual Status Add(const Context& ctx, const DatasetRecord& record) = 0;
  // Replaces a version and, when it is listed, turns the version listed before into superseded, in
  // one transaction. `announce`: the same transaction also stores the message that tells the hub.
  virtual Status Replace(const Context& ctx, const DatasetRecord& record, bool announce) = 0;
  virtual Result<DatasetRecord> Find(const Context& ctx, const std::string& id,
                                     std::int32_t version) = 0;
  // The listed version, else the tombstone, else the newest; NotFound DATASET_UNKNOWN.
  virtual Result<DatasetRecord> FindCurrent(const Context& ctx, const std::string& id) = 0;
  virtual Result<std::vector<DatasetRecord>> List(const Context& ctx,
                                                  const RecordFilter& filter) = 0;
  virtual Result<int> CountListed(const Context& ctx, const RecordFilter& filter) = 0;
};

}  // namespace genofed::catalogue
