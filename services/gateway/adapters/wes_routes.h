// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/dispatcher/v1/dispatcher.pb.h"
#include "libs/core/clock.h"
#include "libs/core/random.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// GA4GH WES 1.1 below /ga4gh/wes/v1. Runs are submitted at the hub; a node shows its parts of them.
// Borrows clock and random.
void AddWesRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller, const Clock& clock,
                  Random& random);

// The body of POST /runs: multipart/form-data with workflow_params, workflow_type (OCI),
// workflow_type_version (1.0), workflow_url (file name of the attachment), one workflow_attachment,
// and optionally tags, workflow_engine, workflow_engine_version and an empty
// workflow_engine_parameters. Everything else is refused. InvalidArgument MULTIPART_*,
// FIELD_MISSING, FIELD_INVALID, FIELD_UNKNOWN.
Result<dispatcher::v1::RunRequest> ParseRunRequest(std::string_view content_type,
                                                   std::string_view body);

// WES shapes of a run: RunLog, RunSummary, and the TaskListResponse of its parts.
std::string RenderRunLog(const SiteFacts& site, const dispatcher::v1::Run& run);
std::string RenderRunList(const dispatcher::v1::ListRunsResponse& answer);
std::string RenderRunTasks(const dispatcher::v1::Run& run, std::size_t first, std::size_t count);

}  // namespace genofed::gateway
