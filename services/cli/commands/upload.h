// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "services/cli/commands/session.h"

namespace genofed::cli {

// Sends a file in pieces and seals it. Interrupted and repeated, it goes on where the site's copy
// ends. `progress` names the file in the progress line; empty shows none.
Status UploadFile(Session& session, const std::string& submission, const std::string& kind,
                  const std::filesystem::path& file, const std::string& progress);

// One JSON document a line from a directory of *.json files (in order of names), an NDJSON file, or
// a JSON array.
Result<std::string> PackDocuments(const std::filesystem::path& path);

}  // namespace genofed::cli
