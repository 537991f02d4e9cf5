// SPDX-License-Identifier: Apache-2.0
//
// Looks again and again at what is stored: a damaged body is to be noticed while a backup of it
// still exists, and not years later by the analysis that needs it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/objects/object_store.h"
#include "libs/obs/metrics.h"
#include "services/onboarding/app/objects.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding {

struct CheckedObject {
  PublishedObject object;
  std::optional<Time> checked;
  std::string damage;  // OBJECT_MISSING, SIZE_DIFFERS, DIGEST_DIFFERS, UNREADABLE; empty: none, or
                       // never looked at
};

struct IntegritySummary {
  std::int64_t objects = 0;
  std::int64_t never_checked = 0;
  std::optional<Time> oldest_check;  // none when an object was never looked at
  std::vector<CheckedObject> damaged;
};

// What is known about the bodies of published objects.
class ObjectChecks {
 public:
  virtual ~ObjectChecks() = default;
  // The object that was looked at longest ago, if that was before `before`; those never looked at
  // first.
  virtual Result<std::optional<CheckedObject>> NextDue(const Context& ctx, Time before) = 0;
  virtual Status Record(const Context& ctx, const std::string& object, Time checked,
                        const std::string& damage) = 0;
  virtual Result<IntegritySummary> Summary(const Context& ctx) = 0;
};

class Integrity {
 public:
  // Borrows everything. Each object is looked at every `interval`.
  Integrity(ObjectChecks& checks, objects::ObjectStore& store, ConsentClient& ledger,
            const Clock& clock, obs::Metrics& metrics, std::chrono::seconds interval)
      : checks_(checks),
        store_(store),
        ledger_(ledger),
        clock_(clock),
        metrics_(metrics),
        interval_(interval) {}

  // Compares the one body whose turn it is; false when there is none. What is found stands in the
  // ledger (once for each damage), the log and the metrics
  // genofed_onboarding_objects_verified_total and genofed_onboarding_objects_damaged. An error says
  // that nothing is known about the object; it stays due.
  Result<bool> VerifyNext(const Context& ctx);

  // What the caller may see: holders their own damaged objects, coordinators and operators all.
  Result<IntegritySummary> Report(const Context& ctx);

 private:
  bool IsUnreadable(const Context& ctx, const Status& why);

  ObjectChecks& checks_;
  objects::ObjectStore& store_;
  ConsentClient& ledger_;
  const Clock& clock_;
  obs::Metrics& metrics_;
  const std::chrono::seconds interval_;
};

}  // namespace genofed::onboarding
