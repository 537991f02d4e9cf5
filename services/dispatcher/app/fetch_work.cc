// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/fetch_work.h"

namespace genofed::dispatcher {

Result<int> FetchWork(const Context& ctx, HubDesk& hub, PartStore& store, Time now) {
  GF_ASSIGN(const auto open, store.Open(ctx));
  GF_ASSIGN(FetchedWork work, hub.Fetch(ctx, open));
  for (NodePart& part : work.fresh) {
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
