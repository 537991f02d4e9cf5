// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "services/spe/adapters/monitor.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs(
        "genofed-spe-monitor is started by the spe service: genofed-spe-monitor "
        "ATTEMPT_DIRECTORY\n",
        stderr);
    return 2;
  }
  return genofed::spe::RunMonitor(argv[1]);
}
