// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/main.h"

#include "services/catalogue/module.h"

int main(int argc, char** argv) {
  return genofed::ServiceMain(argc, argv, "catalogue", {genofed::catalogue::Entry()});
}
