// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::beacon {

// Cuts a JSON array of any length, or lines of JSON (NDJSON), into its elements without parsing them, so that one bad
// element spoils no other. `visit` gets each with its index from 0 and stops the walk with an error. InvalidArgument
// ARRAY_INVALID when the text is neither, or ends within an element.
Status ForEachElement(std::string_view text, const std::function<Status(std::size_t, std::string_view)>& visit);

}  // namespace genofed::beacon
