// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "services/cli/commands/session.h"

namespace genofed::cli {

// A file of a submission at the site.
struct UploadTarget {
  std::string submission;
  std::string kind;
  std::string name;       // empty: the kind's own
  std::uint64_t held = 0;  // bytes that the site has already: they are not sent again
};

// Sends a file in pieces and seals it, with a line of progress on a terminal. Errors: FILE_MISSING,
// FILE_FAILED, and those of the site.
Status UploadFile(Session& session, const UploadTarget& target, const std::filesystem::path& file);
// The same of what is in memory.
Status UploadText(Session& session, const UploadTarget& target, std::string_view text);

// One JSON document a line: those of the files in their order, arrays element by element.
Result<std::string> PackDocuments(const std::vector<std::filesystem::path>& files);

}  // namespace genofed::cli
