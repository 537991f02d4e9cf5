// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed {

// The whole file, refused above `max_bytes`.
Result<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes = 64U << 20);

// Writes beside the target, syncs and renames: readers see the old content or the new, also after a
// power cut. `mode` is applied before the first byte is written, so a secret is never readable by
// others.
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content,
                           unsigned mode = 0644);

}  // namespace genofed
