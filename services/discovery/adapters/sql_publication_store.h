// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

class SqlPublicationStore final : public PublicationStore {
 public:
  explicit SqlPublicationStore(sql::Database& database) : database_(database) {}

  Status Add(const Context& ctx, const Publication& publication) override;
  Status Replace(const Context& ctx, const Publication& publication) override;
  Result<std::vector<Publication>> List(const Context& ctx) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::discovery
