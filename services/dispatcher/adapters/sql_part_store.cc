// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/adapters/sql_part_store.h"

#include <algorithm>
#include <array>

#include "services/dispatcher/adapters/proto_mapping.h"

namespace genofed::dispatcher {
namespace {

constexpr std::array<std::string_view, 9> kStages = {"new",      "accepted",  "prepared",
                                                     "logged",   "running",   "delivering",
                                                     "stopping", "reporting", "done"};

std::string_view StageName(Stage stage) { return kStages.at(static_cast<std::size_t>(stage)); }

Result<Stage> ParseStage(std::string_view name) {
  const auto* found = std::find(kStages.begin(), kStages.end(), name);
  if (found == kStages.end())
    return Error(StatusCode::kDataLoss, "STAGE_UNKNOWN", "a stored part has an unknown stage");
  return static_cast<Stage>(found - kStages.begin());
}

Result<NodePart> Read(const sql::Row& row) {
  NodePart part;
  part.id = row.Text(0);
  part.run = row.Text(1);
  part.dataset = row.Text(2);
  part.researcher = {row.Text(3), row.Text(4)};
  GF_ASSIGN(part.request, ReadRequest(row.BytesAt(5)));
  part.cancel = row.Bool(6);
  part.created = row.TimeAt(7);
  GF_ASSIGN(part.stage, ParseStage(row.Text(8)));
  GF_ASSIGN(part.state, ParseState(row.Text(9)));
  GF_ASSIGN(part.end_state, ParseState(row.Text(10)));
  part.reason = row.Text(11);
  part.message = row.Text(12);
  part.tries = static_cast<int>(row.Int(13));
  part.version = static_cast<std::int32_t>(row.Int(14));
  part.epoch = row.Int(15);
  part.entry = row.Text(16);
  part.ledger_index = row.Int(17);
  part.individuals = static_cast<std::int32_t>(row.Int(18));
  part.reported = row.Text(19);
  part.changed = row.TimeAt(20);
  return part;
}

Status Update(sql::Tx& tx, const NodePart& part) {
  return tx
      .Exec(
          "UPDATE node_parts SET stage = $2, state = $3, end_state = $4, reason = $5, message = "
          "$6, tries = $7, version = $8, "
          "epoch = $9, entry = $10, ledger_index = $11, individuals = $12, reported = $13, changed "
          "= $14 WHERE id = $1",
          part.id, StageName(part.stage), StateName(part.state), StateName(part.end_state),
          part.reason, part.message, part.tries, part.version, part.epoch, part.entry,
          part.ledger_index, part.individuals, part.reported, part.changed)
      .status();
}

}  // namespace

// A part that has ended here and that the hub gives out once more was lost there (a backup, a report
// that it did not take): it is told again how the part ended.
Status SqlPartStore::Add(const Context& ctx, const NodePart& part) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return tx
        .Exec(
            "INSERT INTO node_parts (id, run, dataset, researcher_issuer, researcher_subject, "
            "request, cancel, created, stage, "
            "state, end_state, reason, message, tries, version, epoch, entry, ledger_index, "
            "individuals, reported, changed) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "
            "$18, $19, $20, $21) "
            "ON CONFLICT (id) DO UPDATE SET reported = '', work_state = 'ready', "
            "not_before = clock_timestamp(), "
            "stage = CASE WHEN node_parts.state = $22 THEN $23 ELSE $24 END, "
            // Complete it is with its outputs, there.
            "state = CASE WHEN node_parts.state = $22 THEN $25 ELSE node_parts.state END "
            "WHERE node_parts.work_state = 'done'",
            part.id, part.run, part.dataset, part.researcher.issuer, part.researcher.subject,
            sql::Bytes{RequestBytes(part.request)}, part.cancel, part.created,
            StageName(part.stage), StateName(part.state), StateName(part.end_state), part.reason,
            part.message, part.tries, part.version, part.epoch, part.entry, part.ledger_index,
            part.individuals, part.reported, part.changed, StateName(State::kComplete),
            StageName(Stage::kDelivering), StageName(Stage::kReporting),
            StateName(State::kRunning))
        .status();
  });
}

Status SqlPartStore::WishCancel(const Context& ctx, const std::string& id) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        return tx.Exec("UPDATE node_parts SET cancel = true WHERE id = $1 AND NOT cancel", id)
            .status();
      },
      sql::Isolation::kReadCommitted);
}

Result<std::vector<std::string>> SqlPartStore::Open(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<std::string>> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT id FROM node_parts WHERE work_state = 'ready' ORDER BY id"));
    std::vector<std::string> ids;
    for (sql::Row row : rows) ids.push_back(row.Text(0));
    return ids;
  });
}

Result<NodePart> SqlPartStore::Find(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<NodePart> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT id, run, dataset, researcher_issuer, researcher_subject, "
                                 "request, cancel, created, stage, state, "
                                 "end_state, reason, message, tries, version, epoch, entry, "
                                 "ledger_index, individuals, reported, changed "
                                 "FROM node_parts WHERE id = $1",
                                 id));
    if (rows.empty())
      return Error(StatusCode::kNotFound, "PART_UNKNOWN", "there is no part {}", id);
    return Read(rows[0]);
  });
}

Result<std::vector<NodePart>> SqlPartStore::OfRun(const Context& ctx, const std::string& run) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<NodePart>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT id, run, dataset, researcher_issuer, researcher_subject, "
                                 "request, cancel, created, stage, state, "
                                 "end_state, reason, message, tries, version, epoch, entry, "
                                 "ledger_index, individuals, reported, changed "
                                 "FROM node_parts WHERE run = $1 ORDER BY id",
                                 run));
    std::vector<NodePart> parts;
    for (sql::Row row : rows) {
      GF_ASSIGN(NodePart part, Read(row));
      parts.push_back(std::move(part));
    }
    return parts;
  });
}

Result<std::vector<std::string>> SqlPartStore::ListRuns(const Context& ctx,
                                                        const std::string& before, int limit) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<std::string>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT DISTINCT run FROM node_parts WHERE ($1 = '' OR run < $1) "
                                 "ORDER BY run DESC LIMIT $2",
                                 before, limit));
    std::vector<std::string> ids;
    for (sql::Row row : rows) ids.push_back(row.Text(0));
    return ids;
  });
}

// Heartbeat checks that the lease is held, in the transaction that changes the row.
Status SqlPartStore::Save(const Context& ctx, const sql::Lease& lease, const NodePart& part) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease));
        return Update(tx, part);
      },
      sql::Isolation::kReadCommitted);
}

Status SqlPartStore::Finish(const Context& ctx, const sql::Lease& lease, const NodePart& part) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(Update(tx, part));
        return leases_.Complete(tx, lease);
      },
      sql::Isolation::kReadCommitted);
}

Status SqlPartStore::Defer(const Context& ctx, const sql::Lease& lease,
                           std::chrono::milliseconds delay) {
  return database_.Transact(
      ctx, [&](sql::Tx& tx) { return leases_.Defer(tx, lease, delay); },
      sql::Isolation::kReadCommitted);
}

}  // namespace genofed::dispatcher
