// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/adapters/sql_record_store.h"

#include <google/protobuf/util/json_util.h>

#include "services/catalogue/adapters/proto_mapping.h"

namespace genofed::catalogue {
namespace {

std::string ToDocument(const DatasetRecord& record) {
  std::string json;
  GF_CHECK(google::protobuf::util::MessageToJsonString(ToProto(record), &json).ok());
  return json;
}

Result<DatasetRecord> FromDocument(const std::string& json) {
  v1::DatasetRecord record;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // written by a later version of this service
  if (!google::protobuf::util::JsonStringToMessage(json, &record, options).ok()) {
    return Error(StatusCode::kDataLoss, "RECORD_UNREADABLE", "a stored record cannot be read");
  }
  return FromProto(record);
}

// Columns document and state; the document of a version that was superseded still says listed.
Result<DatasetRecord> FromRow(const sql::Row& row) {
  GF_ASSIGN(DatasetRecord record, FromDocument(row.Text(0)));
  record.state = ParseState(row.Text(1));
  return record;
}

Result<DatasetRecord> OneRecord(const sql::Rows& rows, const std::string& id) {
  if (rows.empty())
    return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no dataset {} is listed", id);
  return FromRow(rows[0]);
}

}  // namespace

Status SqlRecordStore::Add(const Context& ctx, const DatasetRecord& record) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return tx
        .Exec(
            "INSERT INTO records (id, version, country, state, search, document, modified) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id, version) DO NOTHING",
            record.id, record.version, record.country, StateName(record.state), SearchText(record),
            ToDocument(record), record.modified)
        .status();
  });
}

Status SqlRecordStore::Replace(const Context& ctx, const DatasetRecord& record, bool announce) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    if (record.state == RecordState::kListed) {
      GF_TRY(
          tx.Exec("UPDATE records SET state = 'superseded' WHERE id = $1 AND state = 'listed' AND "
                  "version <> $2",
                  record.id, record.version));
    }
    GF_TRY(
        tx.Exec("INSERT INTO records (id, version, country, state, search, document, modified) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id, version) DO UPDATE SET "
                "state = excluded.state, search = excluded.search, document = excluded.document, "
                "modified = excluded.modified",
                record.id, record.version, record.country, StateName(record.state),
                SearchText(record), ToDocument(record), record.modified));
    if (!announce) return absl::OkStatus();
    DatasetRecord announced = record;
    announced.inclusion.clear();  // between the holder and the national coordinator
    return outbox_.Put(tx, kAnnounceTopic, record.id, ToProto(announced).SerializeAsString());
  });
}

Result<DatasetRecord> SqlRecordStore::Find(const Context& ctx, const std::string& id,
                                           std::int32_t version) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<DatasetRecord> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT document, state FROM records WHERE id = $1 AND version = $2", id, version));
    return OneRecord(rows, id);
  });
}

Result<DatasetRecord> SqlRecordStore::FindCurrent(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<DatasetRecord> {
    GF_ASSIGN(
        auto rows,
        tx.Exec(
            "SELECT document, state FROM records WHERE id = $1 ORDER BY (state = 'listed') DESC, "
            "(state = 'withdrawn') DESC, version DESC LIMIT 1",
            id));
    return OneRecord(rows, id);
  });
}

// strpos on each word: the catalogue holds thousands of records, not millions.
Result<std::vector<DatasetRecord>> SqlRecordStore::List(const Context& ctx,
                                                        const RecordFilter& filter) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<DatasetRecord>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT DISTINCT ON (id) document, state FROM records WHERE id > $1 AND "
                "($2 = '' OR country = $2) "
                "AND (state = 'listed' OR ($3 AND state <> 'superseded')) "
                "AND NOT EXISTS (SELECT 1 FROM unnest($4::text[]) AS word WHERE "
                "strpos(search, word) = 0) "
                "ORDER BY id, version DESC LIMIT $5",
                filter.after_id, filter.country, !filter.only_listed, filter.words, filter.limit));
    std::vector<DatasetRecord> records;
    for (sql::Row row : rows) {
      GF_ASSIGN(auto record, FromRow(row));
      records.push_back(std::move(record));
    }
    return records;
  });
}

Result<int> SqlRecordStore::CountListed(const Context& ctx, const RecordFilter& filter) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<int> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT count(*) FROM records WHERE state = 'listed' AND ($1 = '' OR country = $1) "
                "AND NOT EXISTS (SELECT 1 FROM unnest($2::text[]) AS word WHERE strpos(search, "
                "word) = 0)",
                filter.country, filter.words));
    return static_cast<int>(rows[0].Int(0));
  });
}

}  // namespace genofed::catalogue
