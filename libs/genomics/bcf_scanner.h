// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: BCF 2.1 and 2.2 (BCF 2.2 specification, section 6).
#pragma once

#include <memory>

#include "libs/genomics/bgzf_reader.h"
#include "libs/genomics/record_scanner.h"

namespace genofed::genomics {

// `bytes` begins with the magic of BCF. Records are read from their bytes: htslib's bcf_get_genotypes
// takes six to eight times as long (performance.md, section 5).
Result<std::unique_ptr<RecordScanner>> OpenBcf(std::unique_ptr<BgzfReader> bytes,
                                               const ScanOptions& options);

}  // namespace genofed::genomics
