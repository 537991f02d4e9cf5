// SPDX-License-Identifier: Apache-2.0
#include "libs/core/strings.h"
#include "services/consent/adapters/sql_rows.h"
#include "services/consent/adapters/statement_terms.h"

namespace genofed::consent {
Result<Statement> ToStatement(const sql::Row& row, int column) {
  Statement says{PermissionSet::FromBits(row.Int(column)), PermissionSet::FromBits(row.Int(column + 1)),
                 row.OptionalTime(column + 2), row.OptionalTime(column + 3)};
  GF_TRY(ReadTerms(row.Text(column + 4), says));
  return says;
}

namespace {

constexpr std::int32_t kBlock = ledger::kSnapshotBlock;

}  // namespace

Circumstances ToCircumstances(const sql::Row& row, int column) {
  return {row.OptionalTime(column), row.OptionalTime(column + 1), !row.IsNull(column + 2)};
}

Source ToSource(const std::string& name) {
  return name == "own" ? Source::kOwn : name == "holder" ? Source::kHolder : Source::kRegistry;
}

Result<std::int64_t> SqlConsentRows::Epoch() {
  if (head_.epoch) return *head_.epoch;
  GF_ASSIGN(auto rows, tx_.Exec("SELECT epoch FROM head"));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

Result<std::int64_t> SqlConsentRows::NextEpoch(Time now) {
  GF_ASSIGN(auto rows,
            tx_.Exec("UPDATE head SET epoch = epoch + 1, epoch_at = greatest(epoch_at, $1) RETURNING epoch", now));
  GF_ASSIGN(auto row, rows.One());
  head_.epoch = row.Int(0);
  return row.Int(0);
}

Result<EpochState> SqlConsentRows::EpochAt(Time now) {
  // Each arm reads one index.
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT h.epoch, greatest(h.epoch_at, $1), "
                     "EXISTS (SELECT FROM statements WHERE valid_from > h.epoch_at AND valid_from <= $1) OR "
                     "EXISTS (SELECT FROM statements WHERE valid_until > h.epoch_at AND valid_until <= $1) OR "
                     "EXISTS (SELECT FROM subjects WHERE adult_at > h.epoch_at AND adult_at <= $1) OR "
                     "EXISTS (SELECT FROM subjects WHERE died_at > h.epoch_at AND died_at <= $1), "
                     "EXISTS (SELECT FROM registries WHERE stale) "
                     "FROM head h",
                     now));
  GF_ASSIGN(auto row, rows.One());
  return EpochState{row.Int(0), row.TimeAt(1), row.Bool(2), row.Bool(3)};
}

Result<std::string> SqlConsentRows::PolicyDigest() {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT policy_sha256 FROM head"));
  GF_ASSIGN(auto row, rows.One());
  return row.Text(0);
}

Status SqlConsentRows::SetPolicyDigest(const std::string& sha256) {
  return tx_.Exec("UPDATE head SET policy_sha256 = $1", sha256).status();
}

Result<std::map<std::string, Subject>> SqlConsentRows::FindSubjects(
    const std::vector<std::string>& blinded) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT s.blinded, s.id, s.slot, s.adult_at, s.died_at, s.erased, "
                                "t.permits, t.denies, t.valid_from, t.valid_until, t.terms, "
                                "s.born::timestamp AT TIME ZONE 'UTC' "
                                "FROM subjects s LEFT JOIN statements t ON t.subject = s.id AND t.source = 'own' "
                                "WHERE s.blinded = ANY($1::text[])",
                                blinded));
  std::map<std::string, Subject> subjects;
  for (sql::Row row : rows) {
    Subject subject{row.Int(1), static_cast<std::int32_t>(row.Int(2)), std::nullopt, ToCircumstances(row, 3)};
    subject.who.born = row.OptionalTime(11);
    if (!row.IsNull(6)) {
      GF_ASSIGN(subject.own, ToStatement(row, 6));
    }
    subjects[row.Text(0)] = std::move(subject);
  }
  return subjects;
}

Result<std::map<std::int64_t, std::string>> SqlConsentRows::BlindedOf(
    const std::vector<std::int64_t>& subjects) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT id, blinded FROM subjects WHERE id = ANY($1::bigint[])", subjects));
  std::map<std::int64_t, std::string> blinded;
  for (sql::Row row : rows) blinded[row.Int(0)] = row.Text(1);
  return blinded;
}

Status SqlConsentRows::AddSubjects(const std::vector<NewSubject>& subjects) {
  std::vector<std::string> blinded;
  std::vector<std::int64_t> slots;
  for (const NewSubject& subject : subjects) {
    blinded.push_back(subject.blinded);
    slots.push_back(subject.slot);
  }
  GF_TRY(tx_.Exec("DELETE FROM free_slots WHERE slot = ANY($1::integer[])", slots));
  return tx_
      .Exec("INSERT INTO subjects (blinded, slot) SELECT b, s FROM unnest($1::text[], $2::integer[]) AS new (b, s)",
            blinded, slots)
      .status();
}

Status SqlConsentRows::SetOwn(std::int64_t subject, const Statement& statement) {
  return tx_
      .Exec(
          "INSERT INTO statements (subject, source, permits, denies, valid_from, valid_until, terms) "
          "VALUES ($1, 'own', $2, $3, $4, $5, $6) ON CONFLICT (subject, source, name, record) DO UPDATE SET "
          "permits = excluded.permits, denies = excluded.denies, valid_from = excluded.valid_from, "
          "valid_until = excluded.valid_until, terms = excluded.terms",
          subject, statement.permits.bits(), statement.denies.bits(), statement.from, statement.until,
          WriteTerms(statement))
      .status();
}

Status SqlConsentRows::SetLives(const std::map<std::int64_t, Circumstances>& lives) {
  for (const auto& [subject, who] : lives) {
    GF_TRY(
        tx_.Exec("UPDATE subjects SET adult_at = coalesce($2, adult_at), died_at = coalesce($3, died_at), "
                 "born = coalesce(($4::timestamptz AT TIME ZONE 'UTC')::date, born) WHERE id = $1",
                 subject, who.adult_at, who.died_at, who.born));
  }
  return absl::OkStatus();
}

// As ComesOfAge. PostgreSQL makes 28 February of the 29th in other years than leap years: then it is the day after.
Status SqlConsentRows::SetAdultAge(int years) {
  return tx_
      .Exec("UPDATE subjects s SET adult_at = o.at FROM (SELECT id, (day + CASE WHEN extract(day FROM day) = "
            "extract(day FROM born) THEN interval '0 days' ELSE interval '1 day' END) AT TIME ZONE 'UTC' AS at FROM "
            "(SELECT id, born, born + make_interval(years => $1::integer) AS day FROM subjects "
            "WHERE born IS NOT NULL) AS b) AS o WHERE s.id = o.id AND s.adult_at IS DISTINCT FROM o.at",
            years)
      .status();
}

Status SqlConsentRows::TakeBackDeaths(const std::vector<std::int64_t>& subjects) {
  if (subjects.empty()) return absl::OkStatus();
  return tx_.Exec("UPDATE subjects SET died_at = NULL WHERE id = ANY($1::bigint[])", subjects)
      .status();
}

Status SqlConsentRows::AddChanges(const std::vector<Change>& changes) {
  std::vector<std::int64_t> subjects;
  std::vector<std::int64_t> permissions;
  std::vector<std::int64_t> by_subject;
  std::vector<std::int64_t> indices;  // -1: none
  std::vector<std::string> times;
  std::vector<std::string> registries;
  std::vector<std::int64_t> places;  // -1: of no group
  std::vector<std::string> keys, words;
  for (const Change& change : changes) {
    registries.push_back(change.registry);
    places.push_back(change.group ? change.group->place : -1);
    keys.push_back(change.group ? HexEncode(change.group->key) : "");
    words.push_back(change.group ? change.group->words : "");
    subjects.push_back(change.subject);
    permissions.push_back(change.permissions.bits());
    by_subject.push_back(change.by_subject ? 1 : 0);
    indices.push_back(change.ledger_index.value_or(-1));
    times.push_back(FormatRfc3339(change.at));
  }
  return tx_
      .Exec(
          "INSERT INTO permission_changes (subject, permissions, by_subject, ledger_index, at, "
          "registry, place, key, words) SELECT s, p, b = 1, nullif(i, -1), t::timestamptz, r, "
          "nullif(l, -1), "
          "decode(nullif(k, ''), 'hex'), CASE WHEN l >= 0 THEN w END "
          "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], "
          "$6::text[], $7::bigint[], $8::text[], $9::text[]) AS new (s, p, b, i, t, r, l, k, w)",
          subjects, permissions, by_subject, indices, times, registries, places, keys, words)
      .status();
}

Result<std::vector<Change>> SqlConsentRows::Changes(std::int64_t subject, int limit) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT permissions, at, by_subject, ledger_index, registry, place, key, words "
               "FROM permission_changes WHERE subject = $1 ORDER BY id DESC LIMIT $2",
               subject, limit));
  std::vector<Change> changes;
  for (sql::Row row : rows) {
    changes.push_back(
        {subject, PermissionSet::FromBits(row.Int(0)), row.TimeAt(1), row.Bool(2), row.OptionalInt(3), row.Text(4)});
    if (!row.IsNull(5))
      changes.back().group =
          GroupPlace{static_cast<std::int32_t>(row.Int(5)), row.BytesAt(6), row.Text(7)};
  }
  return changes;
}

Result<std::map<std::int64_t, Statement>> SqlConsentRows::Holder(const std::string& dataset) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT subject, permits, denies, valid_from, valid_until, terms FROM statements "
                                "WHERE source = 'holder' AND name = $1",
                                dataset));
  std::map<std::int64_t, Statement> records;
  for (sql::Row row : rows) {
    GF_ASSIGN(records[row.Int(0)], ToStatement(row, 1));
  }
  return records;
}

Status SqlConsentRows::PutHolder(const DatasetVersion& dataset, const std::map<std::int64_t, Statement>& records) {
  std::vector<std::int64_t> subjects, permits, denies;
  std::vector<std::string> from, until, terms;
  const auto text = [](const std::optional<Time>& time) { return time ? FormatRfc3339(*time) : ""; };
  for (const auto& [subject, record] : records) {
    subjects.push_back(subject);
    permits.push_back(record.permits.bits());
    denies.push_back(record.denies.bits());
    from.push_back(text(record.from));
    until.push_back(text(record.until));
    terms.push_back(WriteTerms(record));
  }
  return tx_
      .Exec(
          "INSERT INTO statements AS h (subject, source, name, version, permits, denies, valid_from, valid_until, "
          "terms) SELECT s, 'holder', $1, $2, p, d, nullif(f, '')::timestamptz, nullif(u, '')::timestamptz, t "
          "FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[]) AS new "
          "(s, p, d, f, u, t) "
          "ON CONFLICT (subject, source, name, record) DO UPDATE SET version = excluded.version, "
          "permits = excluded.permits, denies = excluded.denies, valid_from = excluded.valid_from, "
          "valid_until = excluded.valid_until, terms = excluded.terms "
          "WHERE h.version <= excluded.version",
          dataset.dataset, dataset.version, subjects, permits, denies, from, until, terms)
      .status();
}

Result<std::map<std::int64_t, std::vector<SourcedStatement>>> SqlConsentRows::StatementsOf(
    const std::vector<std::int64_t>& subjects) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT source, name, permits, denies, valid_from, valid_until, terms, subject FROM statements "
                     "WHERE subject = ANY($1::bigint[]) ORDER BY subject, source, name, record",
                     subjects));
  std::map<std::int64_t, std::vector<SourcedStatement>> statements;
  for (sql::Row row : rows) {
    GF_ASSIGN(Statement says, ToStatement(row, 2));
    statements[row.Int(7)].push_back({ToSource(row.Text(0)), row.Text(1), std::move(says)});
  }
  return statements;
}

Result<std::optional<VersionRow>> SqlConsentRows::FindVersion(const DatasetVersion& dataset) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT fingerprint, rows, slots, epoch, base FROM dataset_versions "
                     "WHERE dataset = $1 AND version = $2",
                     dataset.dataset, dataset.version));
  if (rows.empty()) return std::optional<VersionRow>();
  sql::Row row = rows[0];
  return std::optional<VersionRow>({dataset, row.BytesAt(0), static_cast<std::int32_t>(row.Int(1)),
                                    static_cast<std::int32_t>(row.Int(2)), row.Int(3),
                                    static_cast<std::int32_t>(row.Int(4))});
}

Status SqlConsentRows::AddVersion(const VersionRow& version, const std::vector<SlotRow>& slots) {
  GF_TRY(
      tx_.Exec("INSERT INTO dataset_versions (dataset, version, fingerprint, rows, slots, epoch, "
               "base) VALUES ($1, $2, $3, $4, $5, $6, $7)",
               version.dataset.dataset, version.dataset.version, sql::Bytes{version.fingerprint},
               version.rows, version.slots, version.epoch, version.base));
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> subjects;
  std::vector<std::string> pseudonyms;
  for (const SlotRow& slot : slots) {
    numbers.push_back(slot.slot);
    subjects.push_back(slot.subject);
    pseudonyms.push_back(slot.pseudonym);
  }
  return tx_
      .Exec(
          "INSERT INTO dataset_rows (dataset, version, slot, subject, pseudonym) SELECT $1, $2, n, "
          "s, nullif(p, '') "
          "FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS new (n, s, p)",
          version.dataset.dataset, version.dataset.version, numbers, subjects, pseudonyms)
      .status();
}

Result<std::vector<SlotRow>> SqlConsentRows::Slots(const DatasetVersion& dataset) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT slot, subject, pseudonym FROM dataset_rows "
                                "WHERE dataset = $1 AND version = $2 ORDER BY slot",
                                dataset.dataset, dataset.version));
  std::vector<SlotRow> slots;
  slots.reserve(rows.size());
  for (sql::Row row : rows)
    slots.push_back({static_cast<std::int32_t>(row.Int(0)), row.Int(1), row.Text(2)});
  return slots;
}

Result<std::vector<PersonSlot>> SqlConsentRows::SlotsOf(std::int64_t subject) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT dataset, version, slot, pseudonym IS NOT NULL FROM "
                                "dataset_rows WHERE subject = $1",
                                subject));
  std::vector<PersonSlot> slots;
  for (sql::Row row : rows) {
    slots.push_back({{row.Text(0), static_cast<std::int32_t>(row.Int(1))},
                     {static_cast<std::int32_t>(row.Int(2)), row.Bool(3)}});
  }
  return slots;
}

Result<std::vector<Opening>> SqlConsentRows::Openings(std::int64_t subject) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT o.ledger_index, o.name, o.key, o.payload FROM openings o "
                     "WHERE o.ledger_index IN (SELECT ledger_index FROM permission_changes WHERE subject = $1) "
                     "ORDER BY o.ledger_index, o.name",
                     subject));
  std::vector<Opening> openings;
  for (sql::Row row : rows) openings.push_back({row.Int(0), row.Text(1), row.BytesAt(2), row.Text(3)});
  return openings;
}

Status SqlConsentRows::Forget(const Erasure& erasure) {
  GF_TRY(
      tx_.Exec("DELETE FROM openings WHERE ledger_index IN "
               "(SELECT ledger_index FROM permission_changes WHERE subject = $1)",
               erasure.subject));
  GF_TRY(tx_.Exec("DELETE FROM permission_changes WHERE subject = $1", erasure.subject));
  GF_TRY(tx_.Exec("DELETE FROM statements WHERE subject = $1", erasure.subject));
  std::vector<std::string> snapshots, leaves;
  for (const auto& [snapshot, leaf] : erasure.leaves) {
    snapshots.push_back(snapshot);
    leaves.push_back(leaf.Hex());
  }
  GF_TRY(
      tx_.Exec("INSERT INTO kept_leaves (snapshot, slot, leaf) SELECT s, $1, decode(l, 'hex') "
               "FROM unnest($2::text[], $3::text[]) AS new (s, l)",
               erasure.slot, snapshots, leaves));
  GF_TRY(tx_.Exec("INSERT INTO tombstones (tombstone) VALUES ($1) ON CONFLICT DO NOTHING",
                  erasure.tombstone));
  const std::int32_t place = erasure.slot % kBlock;
  GF_TRY(tx_.Exec("UPDATE slot_blocks SET secrets = overlay(secrets PLACING $3 FROM $2::integer) WHERE block = $1",
                  erasure.slot / kBlock, place * static_cast<std::int32_t>(ledger::kSlotSecretBytes) + 1,
                  sql::Bytes{erasure.secret}));
  for (const auto& [dataset, pseudonym] : erasure.pseudonyms) {
    GF_TRY(
        tx_.Exec("UPDATE dataset_rows SET pseudonym = $3 WHERE subject = $1 AND dataset = $2 AND "
                 "pseudonym IS NOT NULL",
                 erasure.subject, dataset, pseudonym));
  }
  return tx_
      .Exec("UPDATE subjects SET blinded = $2, adult_at = NULL, died_at = NULL, born = NULL, erased = $3 WHERE id = $1",
            erasure.subject, erasure.blinded, erasure.at)
      .status();
}

Result<ForgottenRows> SqlConsentRows::Forgotten(std::int64_t after, int people) {
  GF_ASSIGN(auto subjects, tx_.Exec("SELECT id FROM subjects WHERE erased IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
                                    after, people));
  ForgottenRows forgotten;
  std::vector<std::int64_t> ids;
  for (sql::Row row : subjects) ids.push_back(row.Int(0));
  if (ids.size() == static_cast<std::size_t>(people)) forgotten.next = ids.back();
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT dataset, version, slot, pseudonym IS NOT NULL FROM dataset_rows "
                     "WHERE subject = ANY($1::bigint[])",
                     ids));
  for (sql::Row row : rows)
    forgotten.rows.push_back({{row.Text(0), static_cast<std::int32_t>(row.Int(1))},
                              {static_cast<std::int32_t>(row.Int(2)), row.Bool(3)}});
  return forgotten;
}

Result<std::set<std::string>> SqlConsentRows::FindTombstones(
    const std::vector<std::string>& tombstones) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT tombstone FROM tombstones WHERE tombstone = ANY($1::text[])", tombstones));
  std::set<std::string> found;
  for (sql::Row row : rows) found.insert(row.Text(0));
  return found;
}

Result<bool> SqlConsentRows::LiftTombstone(const std::string& tombstone) {
  GF_ASSIGN(auto rows, tx_.Exec("DELETE FROM tombstones WHERE tombstone = $1", tombstone));
  return rows.affected() > 0;
}

Result<bool> SqlConsentRows::HasForgotten(const DatasetVersion& dataset) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT 1 FROM dataset_rows r JOIN subjects s ON s.id = r.subject "
                                "WHERE r.dataset = $1 AND r.version = $2 AND r.pseudonym IS NOT NULL AND "
                                "s.erased IS NOT NULL LIMIT 1",
                                dataset.dataset, dataset.version));
  return !rows.empty();
}

Result<std::int64_t> SqlConsentRows::CountPeople(const std::vector<std::string>& datasets) {
  GF_ASSIGN(
      auto rows,
      datasets.empty()
          ? tx_.Exec("SELECT count(*) FROM subjects WHERE erased IS NULL")
          : tx_.Exec(
                "SELECT count(DISTINCT r.subject) FROM dataset_rows r JOIN subjects s ON s.id = r.subject "
                "WHERE r.pseudonym IS NOT NULL AND s.erased IS NULL AND r.dataset = ANY($1::text[])",
                datasets));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

}  // namespace genofed::consent
