// SPDX-License-Identifier: Apache-2.0
//
// A national registry's word: pulled, kept beside everything else that was said, and missed when it is silent for too
// long.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/change_log.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/rules.h"
#include "services/consent/domain/pseudonyms.h"

namespace genofed::consent {

// One Consent of the registry.
struct RegistryEntry {
  std::string id;
  // Never logged. Empty: of whom it is cannot be told (any more), so it stays about whom it was.
  std::string person_identifier;
  bool counts = false;            // false: not in force (any more), forget it
  Statement says;
  PermissionSet refused;
  Circumstances who;
  bool unreadable = false;
  bool lives = false;            // takes back that the person died
  bool refuses_outside = false;  // of the period of `says`, what that permits
};

struct RegistryPull {
  Time as_of{};               // by the registry's clock: what changed later is for the next pull
  std::int64_t unusable = 0;  // without an id or a person
  bool complete = true;       // each had an id: who was not seen is gone
};

// The registry. Errors: those of libs/fhir.
class RegistrySource {
 public:
  using Sink = std::function<Status(RegistryEntry entry)>;
  virtual ~RegistrySource() = default;
  // All Consents, or those changed since.
  virtual Result<RegistryPull> Pull(const Context& ctx, std::optional<Time> since, const Sink& sink) = 0;
};

struct RegistryOptions {
  std::string name;
  std::chrono::seconds max_staleness{24 * 3600};
  std::chrono::seconds overlap{300};
  std::chrono::seconds full_interval{24 * 3600};  // only reading everything shows what was deleted there
};

// Thread-safe; of one registry one pull runs at a time.
class Registry {
 public:
  Registry(RegistryOptions options, RegistrySource& source, Store& store, Ledger& ledger, const Pseudonyms& pseudonyms,
           Rules rules, Random& random)
      : options_(std::move(options)),
        source_(source),
        store_(store),
        ledger_(ledger),
        pseudonyms_(pseudonyms),
        rules_(rules),
        random_(random) {}

  const RegistryOptions& options() const { return options_; }

  // Pulls what changed, or everything when that is due, and begins an epoch if anything did. What came before an
  // error counts already; the next pull brings the rest. The outcome is in the state, too.
  Status RunOnce(const Context& ctx);
  // Whether the registry was heard lately enough: a change of that begins an epoch.
  Status KeepFresh(const Context& ctx);
  Result<RegistryRow> State(const Context& ctx);

 private:
  Status Try(const Context& ctx, RegistryRow& state);
  // Begins an epoch with what the registry said.
  Status Log(Transaction& tx, std::vector<Told> told);
  Status Take(const Context& ctx, std::vector<RegistryEntry>& batch, std::int32_t generation);
  bool IsStale(const RegistryRow& state) const;

  const RegistryOptions options_;
  RegistrySource& source_;
  Store& store_;
  Ledger& ledger_;
  const Pseudonyms& pseudonyms_;
  const Rules rules_;
  Random& random_;
};

// At start: registries that are not configured any more are forgotten with all they said; new ones are stale until
// they are heard.
Status SetUpRegistries(const Context& ctx, Ledger& ledger, const Rules& rules, const std::vector<std::string>& names);

}  // namespace genofed::consent
