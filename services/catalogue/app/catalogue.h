// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/catalogue/app/ports.h"

namespace genofed::catalogue {

// The use cases of a catalogue, at a node or at the hub.
class Catalogue {
 public:
  // `country` is the node's own, empty at the hub.
  Catalogue(RecordStore& store, const Clock& clock, std::string country);

  // Node: a new version arrived from onboarding and waits for the coordinator. Idempotent.
  Status Submit(const Context& ctx, DatasetRecord record);
  // Node: lists or returns a waiting record. Repeating the same decision returns the record
  // unchanged.
  Result<DatasetRecord> Review(const Context& ctx, const std::string& id, std::int32_t version,
                               bool approve, const std::string& comment);
  // Hub: takes what the node of `country` says about its own dataset. An older version never
  // replaces a newer one.
  Status TakeAnnouncement(const Context& ctx, const std::string& country, DatasetRecord record);

  struct Page {
    std::vector<DatasetRecord> records;
    std::string next_page_token;
    int total = 0;  // listed records that match
  };
  // `all` also returns records that are not listed; the caller's right to that was checked.
  Result<Page> List(const Context& ctx, const std::string& text, const std::string& country,
                    bool all, int page_size, const std::string& page_token);
  // Records that are not listed exist only for those who may see them.
  Result<DatasetRecord> Get(const Context& ctx, const std::string& id, bool all);

 private:
  RecordStore& store_;
  const Clock& clock_;
  const std::string country_;
};

}  // namespace genofed::catalogue
