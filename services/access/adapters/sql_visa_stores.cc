// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/sql_visa_stores.h"

namespace genofed::access {

// Serialisable against AddRevocation: one of the two sees the other.
Status SqlMintedVisaStore::Remember(const Context& ctx, const MintedVisa& visa) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(auto revoked,
              tx.Exec("SELECT 1 FROM revocations WHERE kind = 'application' AND value = $1",
                      visa.application));
    if (!revoked.empty()) {
      return Error(StatusCode::kPermissionDenied, "APPROVAL_REVOKED", "the application is revoked");
    }
    GF_TRY(tx.Exec("DELETE FROM minted_visas WHERE application = $1 AND expires < $2",
                   visa.application, visa.issued));
    return tx
        .Exec(
            "INSERT INTO minted_visas (id, application, dataset, expires) VALUES ($1, $2, $3, $4)",
            visa.id, visa.application, visa.dataset, visa.expires)
        .status();
  });
}

Result<std::optional<std::string>> SqlMintedVisaStore::ApplicationOf(const Context& ctx,
                                                                     const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::optional<std::string>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT application FROM minted_visas WHERE id = $1", id));
    if (rows.empty()) return std::optional<std::string>();
    return std::optional(rows[0].Text(0));
  });
}

Status SqlHeldVisaStore::Put(const Context& ctx, const HeldVisa& visa) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return tx
        .Exec(
            "INSERT INTO delivered_visas "
            "(application, dataset, country, subject, issuer, id, visa, expires) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
            "ON CONFLICT (application, dataset) DO UPDATE SET id = excluded.id, visa = "
            "excluded.visa, expires = excluded.expires "
            "WHERE delivered_visas.expires < excluded.expires",
            visa.application, visa.dataset, visa.country, visa.subject, visa.issuer, visa.id,
            visa.visa, visa.expires)
        .status();
  });
}

Result<std::vector<HeldVisa>> SqlHeldVisaStore::Of(const Context& ctx, const std::string& subject,
                                                   Time now) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<HeldVisa>> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT application, dataset, country, subject, issuer, id, visa, expires "
                      "FROM delivered_visas WHERE subject = $1 AND expires > $2 "
                      "ORDER BY application, dataset LIMIT 1000",
                      subject, now));
    std::vector<HeldVisa> visas;
    for (sql::Row row : rows) {
      visas.push_back({row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Text(4), row.Text(5),
                       row.Text(6), row.TimeAt(7)});
    }
    return visas;
  });
}

}  // namespace genofed::access
