// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>

#include "libs/sql/database.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::testing {

// A private PostgreSQL server for one test binary: newest installed version, fresh data directory, Unix socket
// only, no fsync. Root runs it as "postgres" or "nobody". It dies with the process, however that ends.
class TemporaryPostgres {
 public:
  // The server of this binary, started at first use (about two seconds). Ends the process with a message if
  // PostgreSQL cannot be started. Call it from the test's main thread: the server ends with the calling thread.
  static TemporaryPostgres& Get();

  // A new, empty schema with a role that owns it and nothing else. The schema is named `name` and a number, so
  // that each call isolates its caller.
  sql::DatabaseOptions CreateSchema(const std::string& name);

  // Ends every connection and starts the server again on the same data.
  void Restart();
  void Stop();
  void Start();

  ~TemporaryPostgres();
  TemporaryPostgres(const TemporaryPostgres&) = delete;
  TemporaryPostgres& operator=(const TemporaryPostgres&) = delete;

 private:
  TemporaryPostgres();
  sql::DatabaseOptions AdminOptions() const;

  TemporaryDirectory directory_;
  pid_t server_ = -1;
  std::atomic<int> schemas_{0};
};

}  // namespace genofed::testing
