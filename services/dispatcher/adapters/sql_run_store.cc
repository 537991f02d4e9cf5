// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/adapters/sql_run_store.h"

#include "services/dispatcher/adapters/proto_mapping.h"

namespace genofed::dispatcher {
namespace {

// A node asks each second; the note that it was heard of is a write, so it is made less often.
constexpr std::chrono::seconds kHeardPrecision{60};

Result<Run> ReadRun(const sql::Row& row) {
  Run run;
  run.id = row.Text(0);
  run.owner = {row.Text(1), row.Text(2)};
  GF_ASSIGN(run.request, ReadRequest(row.BytesAt(3)));
  run.cancel = row.Bool(4);
  run.created = row.TimeAt(5);
  run.finished = row.OptionalTime(6);
  GF_ASSIGN(run.final_state, ParseState(row.Text(7)));
  run.message = row.Text(8);
  return run;
}

// Columns from `first` on: id, site, dataset, state, reason, message, changed, ledger_index,
// individuals, heard.
Result<Part> ReadPart(const sql::Row& row) {
  Part part;
  part.id = row.Text(0);
  part.site = row.Text(1);
  part.dataset = row.Text(2);
  GF_ASSIGN(part.state, ParseState(row.Text(3)));
  part.reason = row.Text(4);
  part.message = row.Text(5);
  part.changed = row.TimeAt(6);
  part.ledger_index = row.Int(7);
  part.individuals = static_cast<std::int32_t>(row.Int(8));
  part.heard = row.TimeAt(9);
  return part;
}

Status ReadParts(sql::Tx& tx, Run& run) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT id, site, dataset, state, reason, message, changed, "
                               "ledger_index, individuals, heard "
                               "FROM parts WHERE run = $1 ORDER BY number",
                               run.id));
  for (sql::Row row : rows) {
    GF_ASSIGN(Part part, ReadPart(row));
    run.parts.push_back(std::move(part));
  }
  GF_ASSIGN(auto outputs, tx.Exec("SELECT name FROM outputs WHERE run = $1 ORDER BY name", run.id));
  for (sql::Row row : outputs) run.outputs.push_back(row.Text(0));
  return absl::OkStatus();
}

Result<Run> WholeRun(sql::Tx& tx, const sql::Rows& rows, const std::string& id) {
  if (rows.empty()) return Error(StatusCode::kNotFound, "RUN_UNKNOWN", "there is no run {}", id);
  GF_ASSIGN(Run run, ReadRun(rows[0]));
  GF_TRY(ReadParts(tx, run));
  return run;
}

Result<Run> FindIn(sql::Tx& tx, const std::string& id) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT id, owner_issuer, owner_subject, request, cancel, created, "
                               "finished, final_state, message "
                               "FROM runs WHERE id = $1",
                               id));
  return WholeRun(tx, rows, id);
}

Result<std::optional<Run>> FindByKeyIn(sql::Tx& tx, const Owner& owner, const std::string& key) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT id FROM runs WHERE owner_issuer = $1 AND owner_subject = $2 "
                               "AND idempotency_key = $3",
                               owner.issuer, owner.subject, key));
  if (rows.empty()) return std::optional<Run>();
  GF_ASSIGN(Run run, FindIn(tx, rows[0].Text(0)));
  return std::optional<Run>(std::move(run));
}

Status UpdatePart(sql::Tx& tx, const Part& part) {
  return tx
      .Exec(
          "UPDATE parts SET state = $2, ended = $3, reason = $4, message = $5, changed = $6, "
          "ledger_index = $7, "
          "individuals = $8, heard = $9 WHERE id = $1",
          part.id, StateName(part.state), IsFinal(part.state), part.reason, part.message,
          part.changed, part.ledger_index, part.individuals, part.heard)
      .status();
}

}  // namespace

Result<Run> SqlRunStore::Add(const Context& ctx, const Run& run, const std::string& key) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<Run> {
    // Without a key of the caller's every run is its own.
    const std::string& unique = key.empty() ? run.id : key;
    GF_ASSIGN(
        auto added,
        tx.Exec(
            "INSERT INTO runs (id, owner_issuer, owner_subject, idempotency_key, request, created) "
            "VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (owner_issuer, owner_subject, idempotency_key) DO NOTHING",
            run.id, run.owner.issuer, run.owner.subject, unique,
            sql::Bytes{RequestBytes(run.request)}, run.created));
    if (added.affected() == 0) {
      GF_ASSIGN(auto earlier, FindByKeyIn(tx, run.owner, unique));
      if (earlier) return *std::move(earlier);
      return Error(StatusCode::kAborted, "RUN_CONFLICT", "try again");
    }
    int number = 0;
    for (const Part& part : run.parts) {
      GF_TRY(tx.Exec(
          "INSERT INTO parts (id, run, number, site, dataset, state, ended, reason, message, "
          "changed, ledger_index, "
          "individuals, heard) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
          part.id, run.id, number++, part.site, part.dataset, StateName(part.state),
          IsFinal(part.state), part.reason, part.message, part.changed, part.ledger_index,
          part.individuals, part.heard));
    }
    return FindIn(tx, run.id);
  });
}

Result<std::optional<Run>> SqlRunStore::FindByKey(const Context& ctx, const Owner& owner,
                                                  const std::string& key) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return FindByKeyIn(tx, owner, key); });
}

Result<Run> SqlRunStore::Find(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return FindIn(tx, id); });
}

Result<Run> SqlRunStore::FindByPart(const Context& ctx, const std::string& part) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Run> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT run FROM parts WHERE id = $1", part));
    if (rows.empty())
      return Error(StatusCode::kNotFound, "PART_UNKNOWN", "there is no part {}", part);
    return FindIn(tx, rows[0].Text(0));
  });
}

Result<std::vector<Run>> SqlRunStore::List(const Context& ctx, const Owner& owner,
                                           const std::string& before, int limit) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Run>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT id, owner_issuer, owner_subject, request, cancel, "
                                 "created, finished, final_state, message FROM runs "
                                 "WHERE owner_issuer = $1 AND owner_subject = $2 AND ($3 = '' OR "
                                 "id < $3) ORDER BY id DESC LIMIT $4",
                                 owner.issuer, owner.subject, before, limit));
    std::vector<Run> runs;
    for (sql::Row row : rows) {
      GF_ASSIGN(Run run, ReadRun(row));
      GF_TRY(ReadParts(tx, run));
      runs.push_back(std::move(run));
    }
    return runs;
  });
}

Result<Run> SqlRunStore::Change(const Context& ctx, const std::string& id,
                                const std::function<Status(Run&)>& change) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Result<Run> {
        GF_ASSIGN(auto rows, tx.Exec("SELECT id, owner_issuer, owner_subject, request, cancel, "
                                     "created, finished, final_state, message "
                                     "FROM runs WHERE id = $1 FOR UPDATE",
                                     id));
        GF_ASSIGN(Run run, WholeRun(tx, rows, id));
        GF_TRY(change(run));
        GF_TRY(
            tx.Exec("UPDATE runs SET cancel = $2 WHERE id = $1 AND cancel <> $2", id, run.cancel));
        for (const Part& part : run.parts) GF_TRY(UpdatePart(tx, part));
        return run;
      },
      sql::Isolation::kReadCommitted);
}

Result<std::vector<OpenPart>> SqlRunStore::FetchOpen(const Context& ctx, const std::string& site,
                                                     const std::vector<std::string>& known,
                                                     int limit, Time now) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Result<std::vector<OpenPart>> {
        // Of those that it does not know it says nothing by asking.
        GF_TRY(tx.Exec("UPDATE parts SET heard = $2 WHERE site = $1 AND NOT ended AND heard < $3 "
                       "AND id = ANY($4::text[])",
                       site, now, now - kHeardPrecision, known));
        std::vector<OpenPart> open;
        GF_ASSIGN(auto familiar,
                  tx.Exec("SELECT p.id, r.id, r.cancel FROM parts p JOIN runs r ON r.id = p.run "
                          "WHERE p.site = $1 AND NOT p.ended AND p.id = ANY($2::text[])",
                          site, known));
        for (sql::Row row : familiar) {
          OpenPart part;
          part.part.id = row.Text(0);
          part.run = row.Text(1);
          part.cancel = row.Bool(2);
          open.push_back(std::move(part));
        }
        GF_ASSIGN(
            auto fresh,
            tx.Exec("SELECT p.id, p.dataset, r.id, r.cancel, r.owner_issuer, r.owner_subject, "
                    "r.request "
                    "FROM parts p JOIN runs r ON r.id = p.run WHERE p.site = $1 AND NOT p.ended "
                    "AND p.id <> ALL($2::text[]) ORDER BY p.id LIMIT $3",
                    site, known, limit));
        for (sql::Row row : fresh) {
          OpenPart part;
          part.part.id = row.Text(0);
          part.part.dataset = row.Text(1);
          part.run = row.Text(2);
          part.cancel = row.Bool(3);
          part.researcher = {row.Text(4), row.Text(5)};
          GF_ASSIGN(part.request, ReadRequest(row.BytesAt(6)));
          open.push_back(std::move(part));
        }
        return open;
      },
      sql::Isolation::kReadCommitted);
}

Status SqlRunStore::PutOutputs(const Context& ctx, const std::string& part,
                               const std::vector<OutputFile>& files) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        // Shares the lock with the change that ends the part: an ended part keeps its outputs.
        GF_TRY(tx.Exec(
            "SELECT 1 FROM runs WHERE id = (SELECT run FROM parts WHERE id = $1) FOR UPDATE",
            part));
        for (const OutputFile& file : files) {
          GF_TRY(
              tx.Exec("INSERT INTO part_outputs (part, name, content) SELECT id, $2, $3 FROM parts "
                      "WHERE id = $1 AND NOT ended "
                      "ON CONFLICT (part, name) DO UPDATE SET content = excluded.content",
                      part, file.name, sql::Bytes{file.content}));
        }
        return absl::OkStatus();
      },
      sql::Isolation::kReadCommitted);
}

Result<std::vector<std::string>> SqlRunStore::OutputNames(const Context& ctx,
                                                          const std::string& part) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<std::string>> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT name FROM part_outputs WHERE part = $1 ORDER BY name", part));
    std::vector<std::string> names;
    for (sql::Row row : rows) names.push_back(row.Text(0));
    return names;
  });
}

Result<std::vector<PartOutput>> SqlRunStore::PartOutputs(const Context& ctx,
                                                         const std::string& run) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<PartOutput>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec(
            "SELECT o.part, o.name, o.content FROM part_outputs o JOIN parts p ON p.id = o.part "
            "WHERE p.run = $1 ORDER BY p.number, o.name",
            run));
    std::vector<PartOutput> outputs;
    for (sql::Row row : rows) outputs.push_back({row.Text(0), {row.Text(1), row.BytesAt(2)}});
    return outputs;
  });
}

Result<std::vector<std::string>> SqlRunStore::Unfinished(const Context& ctx, bool only_ended) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<std::string>> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT id FROM runs r WHERE finished IS NULL AND (NOT $1 OR NOT EXISTS "
                      "(SELECT 1 FROM parts p WHERE p.run = r.id AND NOT p.ended)) ORDER BY id",
                      only_ended));
    std::vector<std::string> ids;
    for (sql::Row row : rows) ids.push_back(row.Text(0));
    return ids;
  });
}

Status SqlRunStore::Finish(const Context& ctx, const Run& run,
                           const std::vector<OutputFile>& outputs) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(auto updated, tx.Exec("UPDATE runs SET finished = $2, final_state = $3, message = $4 "
                                    "WHERE id = $1 AND finished IS NULL",
                                    run.id, run.finished, StateName(run.final_state), run.message));
    if (updated.affected() == 0) return absl::OkStatus();
    for (const OutputFile& output : outputs) {
      GF_TRY(tx.Exec("INSERT INTO outputs (run, name, content) VALUES ($1, $2, $3)", run.id,
                     output.name, sql::Bytes{output.content}));
    }
    return tx
        .Exec("DELETE FROM part_outputs WHERE part IN (SELECT id FROM parts WHERE run = $1)",
              run.id)
        .status();
  });
}

Result<std::string> SqlRunStore::Output(const Context& ctx, const std::string& run,
                                        const std::string& name) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::string> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT content FROM outputs WHERE run = $1 AND name = $2", run, name));
    if (rows.empty())
      return Error(StatusCode::kNotFound, "OUTPUT_UNKNOWN", "run {} has no such output", run);
    return rows[0].BytesAt(0);
  });
}

}  // namespace genofed::dispatcher
