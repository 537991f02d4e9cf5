// SPDX-License-Identifier: Apache-2.0
//
// Somebody else's Beacon v2 as a member of the network. It is asked over its public REST interface,
// without a token and without saying on whose behalf.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "services/discovery/app/ports.h"

namespace genofed::discovery {

struct ForeignBeaconOptions {
  std::string name;
  std::string url;
  std::filesystem::path ca_file = {};  // empty: the system's authorities
  std::chrono::milliseconds timeout{2000};
};
// `workers` wait for its answers, for HTTP is waited for where it is sent.
std::unique_ptr<NodeClient> MakeForeignBeacon(ForeignBeaconOptions options,
                                              std::unique_ptr<WorkerPool> workers);

// The body of POST /g_variants or /individuals.
std::string RenderBeaconQuery(const Query& query);

// Reads a boolean, count or resultsets response (Beacon 2.0 to 2.2). Result sets become datasets;
// without them there is one, named `name`, or none where it found nothing
// and says that some were not asked. Frequencies are not taken over. DataLoss ANSWER_INVALID
// for what is no such response.
Result<Answer> ParseBeaconAnswer(std::string_view name, std::string_view json);

}  // namespace genofed::discovery
