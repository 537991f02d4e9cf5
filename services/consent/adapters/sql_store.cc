// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_store.h"

#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {
namespace {

class SqlTransaction final : public Transaction {
 public:
  SqlTransaction(sql::Tx& tx, VoicesCache& voices, bool reads)
      : ledger_(tx, head_), consent_(tx, head_, voices, reads), headers_(tx), registries_(tx), audit_(tx) {}
  LedgerRows& ledger() override { return ledger_; }
  ConsentRows& consent() override { return consent_; }
  HeaderRows& headers() override { return headers_; }
  RegistryRows& registries() override { return registries_; }
  AuditRows& audit() override { return audit_; }

 private:
  HeadMemo head_;
  SqlLedgerRows ledger_;
  SqlConsentRows consent_;
  SqlHeaderRows headers_;
  SqlRegistryRows registries_;
  SqlAuditRows audit_;
};

}  // namespace

Status SqlStore::Read(const Context& ctx, const Body& body) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Status {
    SqlTransaction transaction(tx, voices_, true);
    return body(transaction);
  });
}

Status SqlStore::Write(const Context& ctx, const Body& body) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        SqlTransaction transaction(tx, voices_, false);
        return body(transaction);
      },
      sql::Isolation::kReadCommitted, "SELECT 1 FROM head FOR UPDATE");
}

Status SqlStore::WriteAside(const Context& ctx, const Body& body) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        SqlTransaction transaction(tx, voices_, false);
        return body(transaction);
      },
      sql::Isolation::kReadCommitted);
}

}  // namespace genofed::consent
