// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/main.h"

#include "services/discovery/module.h"

int main(int argc, char** argv) {
  return genofed::ServiceMain(argc, argv, "discovery", {genofed::discovery::Entry()});
}
