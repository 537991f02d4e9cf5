// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/dispatcher/app/hub_ports.h"

namespace genofed::dispatcher {

// What a researcher does with runs at the hub. The user of the context is the owner; runs of others
// do not exist.
class Runs {
 public:
  // All borrowed.
  Runs(RunStore& store, ApplicationDirectory& applications, const Clock& clock, Random& random)
      : store_(store), applications_(applications), clock_(clock), random_(random) {}

  // Durable when it returns; the same key with the same request returns the same run. Errors: those
  // of Validate, ParseWorkflow and PlanParts; PermissionDenied NOT_APPLICANT; FailedPrecondition
  // APPLICATION_NOT_ACTIVE; AlreadyExists IDEMPOTENCY_KEY_REUSED.
  Result<std::string> Submit(const Context& ctx, const RunRequest& request,
                             const std::string& idempotency_key);
  Result<Run> Get(const Context& ctx, const std::string& id);

  struct Page {
    std::vector<Run> runs;  // newest first
    std::string next_page_token;
  };
  Result<Page> List(const Context& ctx, int page_size, const std::string& page_token);
  Status Cancel(const Context& ctx, const std::string& id);
  // NotFound OUTPUT_UNKNOWN unless the run is complete and has this output.
  Result<std::string> Output(const Context& ctx, const std::string& id, const std::string& name);

 private:
  RunStore& store_;
  ApplicationDirectory& applications_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace genofed::dispatcher
