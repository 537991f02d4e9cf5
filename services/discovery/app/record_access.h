// SPDX-License-Identifier: Apache-2.0
//
// Records of people for a project that a country approved: only of those who permit what it is for,
// and never before the node's ledger says that they can be read, so that each of these people sees
// who did.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/ledger/entry.h"
#include "services/discovery/app/beacon_ports.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// Who of a dataset version permits secondary use for a purpose, and the snapshot of them that
// entries of the ledger refer to.
struct ProjectCohort {
  PermittedRows people;
  std::string snapshot;
  std::string snapshot_root;  // hex
  std::int64_t slots = 0;     // of the snapshot
};

// The consent service of the site, asked for a project.
class ProjectConsent {
 public:
  virtual ~ProjectConsent() = default;
  // `purpose_code` may be empty: then whoever permits some purposes only is left out.
  virtual Result<ProjectCohort> Take(const Context& ctx, const std::string& dataset,
                                     std::int32_t version, const std::string& purpose_code) = 0;
  // Durable when it returns; once for each key.
  virtual Status Log(const Context& ctx, const std::string& key, const ledger::Entry& entry) = 0;
};

// Of records in one answer: below what one message between services carries.
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{12} << 20U;
Status TooLarge();  // InvalidArgument RESPONSE_TOO_LARGE

// Thread-safe.
class RecordAccess {
 public:
  RecordAccess(ProjectConsent& consent, const Clock& clock) : consent_(consent), clock_(clock) {}

  // Whose records of the version the project may read, at `epoch` or later. On return an entry
  // `access` is in the ledger: one for each reader, project, state of permissions and day (UTC).
  // Errors: those of ProjectConsent; Unavailable CONSENT_BEHIND. The context has a user.
  Result<std::shared_ptr<const PermittedRows>> Open(const Context& ctx, const std::string& dataset,
                                                    std::int32_t version, std::int64_t epoch,
                                                    const Project& project);

 private:
  // Reader, project, dataset, version, day.
  using Key = std::tuple<std::string, std::string, std::string, std::int32_t, std::string>;
  static constexpr std::size_t kKept = 1000;

  ProjectConsent& consent_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<Key, std::shared_ptr<const PermittedRows>> opened_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
