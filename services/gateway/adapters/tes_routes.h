// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/spe/v1/spe.pb.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// GA4GH TES 1.1 below /ga4gh/tes/v1 of a node: reading and cancelling. Tasks are created by the
// dispatcher only.
void AddTesRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller);

enum class TesView { kMinimal, kBasic, kFull };

// A tesTask: id and state; with kBasic the rest; with kFull system_logs too. What the container
// printed is never shown. A task whose outputs wait for release is RUNNING: TES has no word for it.
std::string RenderTask(const spe::v1::Task& task, TesView view);

}  // namespace genofed::gateway
