// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/onboarding/app/objects.h"

namespace genofed::onboarding {

class SqlPublishedObjects final : public PublishedObjects {
 public:
  explicit SqlPublishedObjects(sql::Database& database) : database_(database) {}
  Result<PublishedObject> Find(const Context& ctx, const std::string& object) override;
  Result<std::vector<PublishedObject>> FindDataset(const Context& ctx, const std::string& dataset,
                                                   std::int32_t version) override;
  Result<PublishedObject> FindQuarantine(const Context& ctx,
                                         const std::string& submission) override;
  Result<ObjectRecord> FindBeside(const Context& ctx, const PublishedObject& object,
                                  const std::string& role) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::onboarding
