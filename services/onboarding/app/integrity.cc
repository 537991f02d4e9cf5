// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/integrity.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/objects/verify.h"
#include "libs/obs/log.h"

namespace genofed::onboarding {

Result<bool> Integrity::VerifyNext(const Context& ctx) {
  GF_ASSIGN(const std::optional<CheckedObject> due, checks_.NextDue(ctx, clock_.Now() - interval_));
  if (!due) return false;
  const ObjectRecord& object = due->object.record;
  objects::ExpectedBody expected{static_cast<std::uint64_t>(object.body_size), ""};
  GF_ASSIGN(expected.body_sha256, HexDecode(object.body_sha256));
  GF_ASSIGN(const auto finding, objects::VerifyObject(ctx, store_, BodyName(object.id), expected));
  const std::string damage = finding ? finding->code : "";
  if (!damage.empty() && damage != due->damage) {
    GF_LOG(ctx, error, "object.damaged", {"object", object.id}, {"dataset", due->object.dataset},
           {"reason", damage});
    GF_TRY(ledger_.Log(ctx, "damage:" + object.id + ":" + damage,
                       {due->object.dataset, due->object.version, "damaged", "", "", damage}));
  }
  GF_TRY(checks_.Record(ctx, object.id, clock_.Now(), damage));
  metrics_.Add("genofed_onboarding_objects_verified_total",
               {{"outcome", damage.empty() ? "good" : "damaged"}});
  GF_ASSIGN(const IntegritySummary summary, checks_.Summary(ctx));
  metrics_.Set("genofed_onboarding_objects_damaged", {},
               static_cast<double>(summary.damaged.size()));
  return true;
}

Result<IntegritySummary> Integrity::Report(const Context& ctx) {
  GF_CHECK(ctx.principal().user.has_value());
  const User& user = *ctx.principal().user;
  GF_ASSIGN(IntegritySummary summary, checks_.Summary(ctx));
  if (user.HasRole("ncp") || user.HasRole("operator")) return summary;
  std::erase_if(summary.damaged,
                [&](const CheckedObject& checked) { return !checked.object.holder.Is(user); });
  return summary;
}

}  // namespace genofed::onboarding
