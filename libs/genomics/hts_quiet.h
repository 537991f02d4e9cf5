// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace genofed::genomics {

// htslib writes to standard error, with sample names and coordinates in its messages. Every entry
// into htslib calls this first; what went wrong is reported through our own statuses.
void SilenceHtslib();

}  // namespace genofed::genomics
