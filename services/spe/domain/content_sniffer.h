// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace genofed::spe {

// Why content cannot be a table of counts, whatever its file is called: NOT_TEXT, GENOTYPE_FORMAT,
// COMPRESSED, HIGH_ENTROPY; empty if it can. Looks at the content alone.
std::string_view RefusedContent(std::string_view content);

// Shannon entropy of the bytes, in bits per byte. A table of counts lies near 4, base 64 at 6,
// compressed data near 8.
double EntropyBitsPerByte(std::string_view content);

}  // namespace genofed::spe
