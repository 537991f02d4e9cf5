// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/program.h"

int main(int argc, char** argv) { return genofed::cli::Run(argc, argv); }
