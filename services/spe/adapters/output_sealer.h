// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "libs/core/status.h"
#include "services/spe/domain/airlock.h"

namespace genofed::spe {

// Makes the file system of an ended attempt's outputs read-only, and reads what lies in it without
// following a link. Directories, devices and the like are entries without content, as are files
// above `max_file_bytes`. At most `max_files` + 1 entries are read: one more than allowed is enough
// to refuse them all.
Result<std::vector<OutputEntry>> SealOutputs(const std::filesystem::path& output_dir,
                                             std::size_t max_files, std::size_t max_file_bytes);

}  // namespace genofed::spe
