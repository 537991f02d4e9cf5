// SPDX-License-Identifier: Apache-2.0
#include "libs/core/strings.h"
#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {
namespace {

// What SELECT names below, in this order.
Result<SnapshotRow> ToSnapshot(const sql::Row& row) {
  GF_ASSIGN(ledger::Hash root, ledger::Hash::FromBytes(row.BytesAt(6)));
  std::vector<std::string> met;
  if (const std::string codes = row.Text(11); !codes.empty()) {
    for (const auto& code : Split(codes, ' ')) met.emplace_back(code);
  }
  return SnapshotRow{row.Text(0),
                     {row.Text(1), static_cast<std::int32_t>(row.Int(2))},
                     static_cast<Permission>(row.Int(3)),  // the table admits no other values
                     row.Int(4),
                     static_cast<std::int32_t>(row.Int(5)),
                     root,
                     row.Int(7),
                     row.Text(8),
                     row.Text(9),
                     row.Text(10),
                     std::move(met)};
}

Status Broken(std::string_view id) {
  return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN",
               "what is stored of snapshot {} does not give its root", id);
}

}  // namespace

Result<std::int32_t> SqlConsentRows::CountSlotBlocks() {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT coalesce(max(block) + 1, 0) FROM slot_blocks"));
  GF_ASSIGN(auto row, rows.One());
  return static_cast<std::int32_t>(row.Int(0));
}

Result<std::vector<std::string>> SqlConsentRows::SlotSecrets(std::int32_t first_block,
                                                             std::int32_t blocks) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT secrets FROM slot_blocks WHERE block >= $1 AND block < "
                                "$1::integer + $2::integer ORDER BY block",
                                first_block, blocks));
  std::vector<std::string> secrets;
  secrets.reserve(rows.size());
  for (sql::Row row : rows) secrets.push_back(row.BytesAt(0));
  if (secrets.size() != static_cast<std::size_t>(blocks))
    return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN", "secrets of slots are missing");
  return secrets;
}

Result<std::vector<std::int32_t>> SqlConsentRows::FreeSlots() {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT slot FROM free_slots ORDER BY slot"));
  std::vector<std::int32_t> slots;
  slots.reserve(rows.size());
  for (sql::Row row : rows) slots.push_back(static_cast<std::int32_t>(row.Int(0)));
  return slots;
}

Status SqlConsentRows::AddSlotBlock(const std::string& secrets) {
  GF_ASSIGN(const std::int32_t block, CountSlotBlocks());
  GF_TRY(tx_.Exec("INSERT INTO slot_blocks (block, secrets) VALUES ($1, $2)", block,
                  sql::Bytes{secrets}));
  const auto width = static_cast<std::int32_t>(ledger::kSnapshotBlock);
  return tx_
      .Exec("INSERT INTO free_slots SELECT generate_series($1::integer, $2::integer)",
            block * width, (block + 1) * width - 1)
      .status();
}

Result<std::map<std::string, ledger::Snapshot::KeptLeaves>> SqlConsentRows::KeptLeaves(
    const std::vector<std::string>& snapshots, std::int32_t block) {
  const auto width = static_cast<std::int32_t>(ledger::kSnapshotBlock);
  GF_ASSIGN(auto rows, tx_.Exec("SELECT snapshot, slot, leaf FROM kept_leaves "
                                "WHERE snapshot = ANY($1::text[]) AND slot >= $2 AND slot < $3",
                                snapshots, block * width, (block + 1) * width));
  std::map<std::string, ledger::Snapshot::KeptLeaves> kept;
  for (sql::Row row : rows) {
    GF_ASSIGN(kept[row.Text(0)][static_cast<std::uint32_t>(row.Int(1))],
              ledger::Hash::FromBytes(row.BytesAt(2)));
  }
  return kept;
}

Result<std::map<std::string, SnapshotRow>> SqlConsentRows::FindSnapshots(
    const std::vector<std::string>& ids) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec(
          "SELECT id, dataset, version, permission, epoch, slots, root, ledger_index, purpose, "
          "model, legal_basis, array_to_string(met, ' ') FROM snapshots WHERE id = ANY($1::text[])",
          ids));
  std::map<std::string, SnapshotRow> snapshots;
  for (sql::Row row : rows) {
    GF_ASSIGN(snapshots[row.Text(0)], ToSnapshot(row));
  }
  return snapshots;
}

Result<std::vector<SnapshotRow>> SqlConsentRows::SnapshotsAfter(std::int64_t ledger_index,
                                                                int limit) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec(
          "SELECT id, dataset, version, permission, epoch, slots, root, ledger_index, purpose, "
          "model, legal_basis, array_to_string(met, ' ') FROM snapshots WHERE ledger_index > $1 "
          "ORDER BY ledger_index LIMIT $2",
          ledger_index, limit));
  std::vector<SnapshotRow> snapshots;
  for (sql::Row row : rows) {
    GF_ASSIGN(SnapshotRow snapshot, ToSnapshot(row));
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

Status SqlConsentRows::AddSnapshot(const SnapshotRow& row, const ledger::Snapshot& snapshot) {
  std::string blocks;
  for (const ledger::Hash& root : snapshot.blocks()) blocks += root.view();
  return tx_
      .Exec(
          "INSERT INTO snapshots (id, dataset, version, permission, epoch, slots, permitted, "
          "blocks, root, "
          "ledger_index, purpose, model, legal_basis, met) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
          row.id, row.dataset.dataset, row.dataset.version,
          static_cast<std::int64_t>(row.permission), row.epoch, row.slots,
          sql::Bytes{snapshot.permitted().Serialise()}, sql::Bytes{blocks},
          sql::Bytes{std::string(row.root.view())}, row.ledger_index, row.purpose, row.model,
          row.legal_basis, row.met)
      .status();
}

Result<ledger::Snapshot> SqlConsentRows::LoadSnapshot(const SnapshotRow& row) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT permitted, blocks FROM snapshots WHERE id = $1", row.id));
  GF_ASSIGN(const auto stored, rows.One());
  GF_ASSIGN(ledger::SlotSet permitted, ledger::SlotSet::Parse(stored.BytesAt(0)));
  const std::string bytes = stored.BytesAt(1);
  std::vector<ledger::Hash> blocks;
  for (std::size_t at = 0; at + 32 <= bytes.size(); at += 32) {
    GF_ASSIGN(const ledger::Hash block,
              ledger::Hash::FromBytes(std::string_view(bytes).substr(at, 32)));
    blocks.push_back(block);
  }
  auto snapshot = ledger::Snapshot::FromBlocks(row.id, static_cast<std::uint32_t>(row.slots),
                                               std::move(permitted), blocks);
  if (!snapshot.ok() || snapshot->root() != row.root) return Broken(row.id);
  return snapshot;
}

}  // namespace genofed::consent
