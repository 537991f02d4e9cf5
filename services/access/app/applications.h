// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/auth/trust_source.h"
#include "libs/core/random.h"
#include "services/access/app/ports.h"

namespace genofed::access {

// The hub's use cases. Nothing here grants anything: the hub carries applications and decisions.
class Applications {
 public:
  Applications(ApplicationStore& store, DatasetDirectory& datasets, const ApplicationCodec& codec,
               const auth::TrustSource& trust, const Clock& clock, Random& random);

  Result<Application> Create(const Context& ctx, const Content& content,
                             const std::string& idempotency_key);
  Result<Application> Submit(const Context& ctx, const std::string& id);
  Result<Application> Confirm(const Context& ctx, const std::string& id, bool confirm,
                              const std::vector<std::string>& attested, const std::string& note);
  Result<Application> Recommend(const Context& ctx, const std::string& id, bool positive,
                                const std::string& note);
  Result<Application> SignAgreement(const Context& ctx, const std::string& id,
                                    const std::string& digest);
  // NotFound also for those who may not see it.
  Result<Application> Get(const Context& ctx, const std::string& id);
  Result<Listed<Application>> List(const Context& ctx, const Page& page);
  Result<std::vector<Application>> ChangedSince(const Context& ctx, const std::string& country,
                                                std::int64_t after, int limit);
  // A decision is recorded only if it carries the signature of the country that delivers it.
  Status TakeDecision(const Context& ctx, const std::string& country, const std::string& id,
                      const std::string& signed_decision);

 private:
  ApplicationStore& store_;
  DatasetDirectory& datasets_;
  const ApplicationCodec& codec_;
  const auth::TrustSource& trust_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace genofed::access
