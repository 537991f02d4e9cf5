// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: BCF 2.1 and 2.2 as VCF text lines.
//
// Decoded here rather than by htslib, which allocates whatever lengths a file claims (8 GiB for one
// record) and writes tabs and line ends inside of strings as they are.
#pragma once

#include <memory>

#include "libs/core/status.h"
#include "libs/genomics/bgzf_stream.h"
#include "libs/genomics/line_source.h"

namespace genofed::genomics {

// Reads the header. Errors: BAD_HEADER (longer than 64 MiB), CORRUPT_BCF, and those of the stream.
Result<std::unique_ptr<LineSource>> OpenBcf(std::unique_ptr<BgzfStream> stream);

}  // namespace genofed::genomics
