// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "libs/sql/outbox.h"
#include "services/catalogue/app/ports.h"

namespace genofed::catalogue {

// Topic of the outbox message that announces a listed record to the hub; its payload is a
// v1.DatasetRecord.
constexpr char kAnnounceTopic[] = "announce-record";

class SqlRecordStore final : public RecordStore {
 public:
  explicit SqlRecordStore(sql::Database& database) : database_(database) {}

  Status Add(const Context& ctx, const DatasetRecord& record) override;
  Status Replace(const Context& ctx, const DatasetRecord& record, bool announce) override;
  Result<DatasetRecord> Find(const Context& ctx, const std::string& id,
                             std::int32_t version) override;
  Result<DatasetRecord> FindCurrent(const Context& ctx, const std::string& id) override;
  Result<std::vector<DatasetRecord>> List(const Context& ctx, const RecordFilter& filter) override;
  Result<int> CountListed(const Context& ctx, const RecordFilter& filter) override;

 private:
  sql::Database& database_;
  sql::Outbox outbox_;
};

}  // namespace genofed::catalogue
