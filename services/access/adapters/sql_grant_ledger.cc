// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/sql_grant_ledger.h"

#include "libs/platform/ledger_outbox.h"
#include "services/access/adapters/document.h"
#include "services/access/adapters/proto_mapping.h"

namespace genofed::access {

Status PutEntries(sql::Tx& tx, const std::vector<GrantEntry>& entries) {
  const LedgerOutbox outbox;
  for (const GrantEntry& made : entries) {
    const std::string application = made.entry.Field("application");
    GF_TRY(outbox.Put(tx, application, made.key, made.entry));
    GF_TRY(
        tx.Exec("INSERT INTO ledger_openings (entry, application, key, payload) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT (entry) DO NOTHING",
                made.key, application, sql::Bytes{made.researcher_key}, made.researcher));
  }
  return absl::OkStatus();
}

Status PutRevocation(sql::Tx& tx, const std::string& application, Time at, Random& random) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT document FROM grants WHERE application = $1", application));
  if (rows.empty()) return absl::OkStatus();
  v1::Review review;
  GF_TRY(FromDocument(rows[0].Text(0), &review));
  return PutEntries(tx, EntriesOfRevocation(FromProto(review), at, random));
}

}  // namespace genofed::access
