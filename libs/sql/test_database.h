// SPDX-License-Identifier: Apache-2.0
// For the tests of libs/sql only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "libs/sql/database.h"
#include "libs/testing/temporary_postgres.h"

namespace genofed::sql {

// A database on a schema of its own, migrated with one file.
inline std::unique_ptr<Database> NewDatabase(const std::string& name, const char* ddl,
                                             const std::function<void(DatabaseOptions&)>& adjust = {}) {
  DatabaseOptions options = testing::TemporaryPostgres::Get().CreateSchema(name);
  if (adjust) adjust(options);
  auto database = Database::Open(options);
  GF_CHECK(database.ok());
  const EmbeddedFile files[] = {{"0001_tables.sql", ddl}, {nullptr, nullptr}};
  GF_CHECK((*database)->Migrate(files).ok());
  return *std::move(database);
}

// Waits until `done`, at most ten seconds.
inline bool Eventually(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace genofed::sql
