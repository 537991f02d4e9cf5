// SPDX-License-Identifier: Apache-2.0
//
// What a holder says of a dataset: in dataset.json and on the command line, and nothing else. What
// both leave out the site takes from the version before, and a first version must have it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "services/cli/commands/session.h"

namespace genofed::cli {

struct DescriptionOptions {
  std::string id, title, description, publisher, contact, assembly;
  std::vector<std::string> keywords, data_use, evidence;
};

// Adds --title, --publisher and so on; not --id.
void AddDescriptionOptions(CLI::App& command, DescriptionOptions& options);

// What `file` says (empty: nothing), and over it the options. Errors: DESCRIPTION_INVALID,
// EVIDENCE_INVALID, those of ReadFile.
Result<Json> DescribeDataset(const DescriptionOptions& options, const std::filesystem::path& file);

// "criterion=reference" as entries of a JSON object. Errors: EVIDENCE_INVALID.
Status AddEvidence(const std::vector<std::string>& pairs, Json& evidence);

}  // namespace genofed::cli
