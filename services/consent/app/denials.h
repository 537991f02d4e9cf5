// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "services/consent/app/ledger.h"

namespace genofed::consent {

// Refusals of this service, in the ledger. Whoever is refused can ask again as often as they like,
// and the log can never be shortened: therefore the same refusal stands in it once in an hour of
// the clock, and no more than so many of them. Thread-safe.
class Denials {
 public:
  static constexpr std::size_t kMaxAnHour = 1'000;

  // Borrows all.
  Denials(Ledger& ledger, const Clock& clock, Random& random)
      : ledger_(ledger), clock_(clock), random_(random) {}

  // Appends an entry `denied` with these fields, none of which names a person: they say whether it
  // is the same refusal. `person` is whoever was refused first in this hour; they are committed to.
  // When the ledger takes nothing, what was refused stays refused, and the log of the service says
  // that it is not in there.
  void Log(const Context& ctx, const std::map<std::string, std::string>& fields,
           const std::string& person = {});

 private:
  bool IsNew(std::int64_t hour, const std::string& key) ABSL_LOCKS_EXCLUDED(mutex_);
  Status Append(const Context& ctx, const std::string& key,
                const std::map<std::string, std::string>& fields, const std::string& person);

  Ledger& ledger_;
  const Clock& clock_;
  Random& random_;
  Mutex mutex_;
  std::int64_t hour_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<std::string> logged_ ABSL_GUARDED_BY(mutex_);  // in this hour; spares the database
};

}  // namespace genofed::consent
