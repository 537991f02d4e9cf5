// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/discovery/app/contacts.h"

namespace genofed::discovery {

class SqlContactStore final : public ContactStore {
 public:
  explicit SqlContactStore(sql::Database& database) : database_(database) {}
  Status Add(const Context& ctx, const ContactRequest& contact, int most) override;
  Status Confirm(const Context& ctx, const std::string& id) override;
  Result<ContactRequest> Find(const Context& ctx, const std::string& id) override;
  Result<std::vector<ContactRequest>> List(const Context& ctx, const std::string& issuer,
                                           const std::string& subject, const std::string& before,
                                           int limit) override;
  Result<ContactRequest> ClaimAnswer(const Context& ctx, const ContactRequest& answered) override;
  Status ConfirmAnswer(const Context& ctx, const std::string& id) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::discovery
