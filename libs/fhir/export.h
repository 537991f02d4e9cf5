// SPDX-License-Identifier: Apache-2.0
//
// One Bulk Data export (hl7.org/fhir/uv/bulkdata/export.html). Internal to the library.
#pragma once

#include "libs/fhir/transport.h"

namespace genofed::fhir {

// Client::Export. The server is told to delete the export however it ends.
Result<ExportResult> RunExport(const Context& ctx, Transport& transport, const Limits& limits,
                               const Clock& clock, const ExportRequest& request,
                               const ResourceSink& sink);

}  // namespace genofed::fhir
