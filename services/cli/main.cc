// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "services/cli/commands/program.h"

int main(int argc, char** argv) {
  CLI::App app(
      "genofed: federated genomics across countries. Data stay where they are; questions travel.");
  genofed::cli::Target target;
  genofed::cli::Action action;
  genofed::cli::AddEverything({app, target, action});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? genofed::cli::kOk : genofed::cli::kUsage;
  }
  return action ? action() : genofed::cli::kUsage;
}
