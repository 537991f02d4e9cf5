// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/integrity.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/objects/verify.h"
#include "libs/obs/log.h"

namespace genofed::onboarding {

// A store that works otherwise and cannot read this one: nothing but a backup helps, and the others
// must not wait for it.
bool Integrity::IsUnreadable(const Context& ctx, const Status& why) {
  if (why.code() == StatusCode::kDataLoss) return true;
  return why.code() == StatusCode::kInternal && Reason(why) == "STORE_FAILED" &&
         store_.Probe(ctx).ok();
}

Result<bool> Integrity::VerifyNext(const Context& ctx) {
  GF_ASSIGN(const std::optional<CheckedObject> due, checks_.NextDue(ctx, clock_.Now() - interval_));
  if (!due) return false;
  const ObjectRecord& object = due->object.record;
  objects::ExpectedBody expected{static_cast<std::uint64_t>(object.body_size), ""};
  GF_ASSIGN(expected.body_sha256, HexDecode(object.body_sha256));
  const auto finding = objects::VerifyObject(ctx, store_, BodyName(object.id), expected);
  std::string damage;
  if (!finding.ok() && IsUnreadable(ctx, finding.status())) {
    damage = "UNREADABLE";
  } else {
    GF_TRY(finding);
    if (*finding) damage = (*finding)->code;
  }
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
