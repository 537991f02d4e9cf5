// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/main.h"

#include "services/gateway/module.h"

int main(int argc, char** argv) {
  return genofed::ServiceMain(argc, argv, "gateway", {genofed::gateway::Entry()});
}
