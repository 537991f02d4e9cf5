// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/fetch_work.h"

#include <algorithm>

#include "libs/obs/log.h"

namespace genofed::dispatcher {
namespace {

// As the hub makes them. A dot would make it the later try of another part (NodePart::TryId).
bool IsPartId(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

Result<int> FetchWork(const Context& ctx, HubDesk& hub, PartStore& store, Time now) {
  GF_ASSIGN(const auto open, store.Open(ctx));
  GF_ASSIGN(FetchedWork work, hub.Fetch(ctx, open));
  for (NodePart& part : work.fresh) {
    if (!IsPartId(part.id)) {
      GF_LOG(ctx, warn, "part.refused", {"reason", "BAD_PART_ID"});
      continue;
    }
    part.created = part.changed = now;
    GF_TRY(store.Add(ctx, part));
  }
  for (const std::string& id : open) {
    auto known = work.known.find(id);
    if (known == work.known.end() || known->second) GF_TRY(store.WishCancel(ctx, id));
  }
  return static_cast<int>(work.fresh.size());
}

}  // namespace genofed::dispatcher
