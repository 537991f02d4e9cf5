// SPDX-License-Identifier: Apache-2.0
//
// How often each dataset was asked about, in the site's ledger: once in a while an entry
// "query-batch" with the number of questions that were answered and refused, and the last link of
// the disclosure audit (disclosure_audit.h), which nobody can change unseen from then on. Nothing
// of who asked, or what, or what they were told.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/ledger/entry.h"

namespace genofed::discovery {

// Links of the audit that no entry covers yet.
struct QueryWindow {
  struct Dataset {
    std::string id;
    std::int64_t answers = 0;   // questions, of whatever many numbers their answers had
    std::int64_t refusals = 0;  // because a budget was spent
  };
  Time since;              // of the first link
  std::int64_t links = 0;  // number of the last link
  std::string hash;        // of the last link
  std::vector<Dataset> datasets;
};

struct QueryBatchEntry {
  std::string key;  // of the ledger
  ledger::Entry entry;
};
std::vector<QueryBatchEntry> EntriesOf(const QueryWindow& window, Time now);

class QueryBatchStore {
 public:
  virtual ~QueryBatchStore() = default;
  // If some link is not covered and the first of these is from `begun_by` or before, or they are
  // more than `most`: covers all of them by what `make` returns, which is on its way to the ledger
  // then. In one transaction, whatever other replicas do. DataLoss AUDIT_SHORTENED when links that
  // were covered are missing.
  virtual Status CloseWindow(
      const Context& ctx, Time begun_by, std::int64_t most,
      const std::function<std::vector<QueryBatchEntry>(const QueryWindow&)>& make) = 0;
};

// Thread-safe.
class QueryBatches {
 public:
  static constexpr std::int64_t kMostLinks = 100'000;

  // Borrows store and clock. A window is as long as `interval`, from its first question on.
  QueryBatches(QueryBatchStore& store, const Clock& clock, Duration interval)
      : store_(store), clock_(clock), interval_(interval) {}

  // To be called often: looks now and then whether a window is over.
  Status Run(const Context& ctx);

 private:
  QueryBatchStore& store_;
  const Clock& clock_;
  const Duration interval_;
  Mutex mutex_;
  Time looked_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace genofed::discovery
