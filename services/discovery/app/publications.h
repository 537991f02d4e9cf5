// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "libs/core/clock.h"
#include "services/discovery/app/consent_view.h"

namespace genofed::discovery {

// Which dataset versions a node answers from. Thread-safe.
class Publications {
 public:
  Publications(PublicationStore& store, CohortOpener& opener, ConsentView& view, const Clock& clock,
               std::string country);

  // Opens a version, makes it durable and answers from it when this returns. Repeating it, or
  // sending a version that is older than the present one, changes nothing. On an error the version
  // before is answered from, or, once the version is durable, the new one as soon as consent can be
  // reached.
  Status Publish(const Context& ctx, const Publication& publication);

  // Opens the newest version of each dataset that is not open: after a restart, or when another
  // replica published it. One that cannot be opened is logged and tried again after a minute.
  Status OpenPublished(const Context& ctx);

 private:
  Status Open(const Context& ctx, const std::vector<Publication>& current);

  PublicationStore& store_;
  CohortOpener& opener_;
  ConsentView& view_;
  const Clock& clock_;
  const std::string country_;
  Mutex mutex_;
  std::map<std::string, Time> retry_at_ ABSL_GUARDED_BY(mutex_);  // by dataset
};

}  // namespace genofed::discovery
