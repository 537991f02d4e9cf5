// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/onboarding/app/erasure.h"

namespace genofed::onboarding {

// Borrows the database.
class SqlErasureStore final : public ErasureStore {
 public:
  explicit SqlErasureStore(sql::Database& database) : database_(database) {}

  Result<std::vector<StoredVersion>> Versions(const Context& ctx,
                                              const std::string& dataset) override;
  Result<bool> IsBusy(const Context& ctx, const std::string& dataset) override;
  Result<std::vector<ObjectRecord>> Objects(const Context& ctx,
                                            const std::string& submission) override;
  Status Discard(const Context& ctx, const std::vector<Discarded>& what) override;
  Status Commit(const Context& ctx, const Rewrite& rewrite) override;
  Result<std::vector<StoredVersion>> Unannounced(const Context& ctx) override;
  Status Announced(const Context& ctx, const std::string& dataset, std::int32_t version) override;
  Result<std::vector<Discarded>> ListDiscarded(const Context& ctx) override;
  Status Drop(const Context& ctx, const Discarded& what) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::onboarding
