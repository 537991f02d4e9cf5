// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/dispatcher/app/hub_ports.h"

namespace genofed::dispatcher {

// Brings runs to their end at the hub: gives up silent parts and merges the results once all parts
// have ended. Derived from what is stored, so it may be repeated, interrupted, or run in several
// processes.
class Finisher {
 public:
  // All borrowed. A part fails when nothing was heard of it for `part_timeout`.
  Finisher(RunStore& store, const Clock& clock, Duration part_timeout)
      : store_(store), clock_(clock), part_timeout_(part_timeout) {}

  // Finishes what can be finished now. One run that cannot be does not hold up the others; the
  // first error is returned.
  Status FinishEnded(const Context& ctx);
  Status ExpireSilent(const Context& ctx);

 private:
  Status Finish(const Context& ctx, const std::string& id);

  RunStore& store_;
  const Clock& clock_;
  const Duration part_timeout_;
};

}  // namespace genofed::dispatcher
