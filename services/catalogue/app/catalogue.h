// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "services/catalogue/app/ports.h"

namespace genofed::catalogue {

// The use cases of a catalogue, at a node or at the hub.
class Catalogue {
 public:
  // `country` is the node's own, empty at the hub.
  Catalogue(RecordStore& store, const Clock& clock, std::string country);

  // Node: a new version arrived from onboarding and waits for the coordinator. Idempotent. Once a
  // dataset was withdrawn, this and what follows fails with DATASET_DECOMMISSIONED.
  Status Submit(const Context& ctx, DatasetRecord record);
  struct Decision {
    bool approve = false;
    std::string comment = {};  // mandatory when it is returned
    std::map<std::string, std::string> evidence = {};
  };
  // Node: lists or returns a waiting record. Repeating the same decision returns the record
  // unchanged. Errors: COMMENT_MISSING, EVIDENCE_INVALID, INCLUSION_UNMET, BASE_NOT_LISTED,
  // RECORD_NOT_WAITING.
  Result<DatasetRecord> Review(const Context& ctx, const std::string& id, std::int32_t version,
                               const Decision& decision);
  // Node: lists a version again that was listed before. Idempotent. Errors: DATASET_UNKNOWN,
  // VERSION_NOT_LISTED_BEFORE.
  Status Activate(const Context& ctx, const std::string& id, std::int32_t version,
                  const std::string& reason);
  // Node: takes a dataset out of use; the record of its listed version, else of its newest, becomes
  // a tombstone. Idempotent.
  Status Withdraw(const Context& ctx, const std::string& id, const std::string& reason);
  // Hub: takes what the node of `country` says about its own dataset. What was said before never
  // replaces what was said later.
  Status TakeAnnouncement(const Context& ctx, const std::string& country, DatasetRecord record);

  struct Page {
    std::vector<DatasetRecord> records;
    std::string next_page_token;
    int total = 0;  // listed records that match
  };
  // `all` also returns records that are not listed; the caller's right to that was checked.
  Result<Page> List(const Context& ctx, const std::string& text, const std::string& country,
                    bool all, int page_size, const std::string& page_token);
  // Records that wait or were returned exist only for those who may see them.
  Result<DatasetRecord> Get(const Context& ctx, const std::string& id, bool all);

 private:
  Status CheckInUse(const Context& ctx, const std::string& id);
  Status CheckBase(const Context& ctx, const DatasetRecord& record);
  RecordStore& store_;
  const Clock& clock_;
  const std::string country_;
};

}  // namespace genofed::catalogue
