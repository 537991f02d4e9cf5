// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/hts_quiet.h"

#include <htslib/hts_log.h>

namespace genofed::genomics {

void SilenceHtslib() {
  static const bool done = (hts_set_log_level(HTS_LOG_OFF), true);
  static_cast<void>(done);
}

}  // namespace genofed::genomics
