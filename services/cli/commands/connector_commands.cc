// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>

#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

void PrintConnectors(const Json& answer) {
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "DATASET", "LAST SUCCESS", "WATERMARK", "RESOURCES", "NOT LISTED YET"}};
  const Json connectors = answer.value("connectors", Json::array());
  for (const Json& connector : connectors) {
    const auto or_never = [&](const char* member) {
      const std::string text = TextOf(connector, member);
      return text.empty() ? std::string("never") : text;
    };
    rows.push_back({TextOf(connector, "name"), TextOf(connector, "dataset"),
                    or_never("last_success"), or_never("watermark"),
                    TextOf(connector, "resources_pulled"), TextOf(connector, "submission")});
  }
  PrintTable(rows);
  for (const Json& connector : connectors) {
    const std::string error = TextOf(connector, "last_error");
    if (!error.empty()) std::printf("%s: %s\n", TextOf(connector, "name").c_str(), error.c_str());
  }
}

// A connector that failed is a negative result, so that a monitor needs no more than the exit code.
int ListConnectors(const Target& target) {
  Session session(target);
  const auto answer = session.Get("/api/v1/connectors");
  const int shown = Show(session, answer, PrintConnectors);
  if (shown != kOk) return shown;
  for (const Json& connector : answer->value("connectors", Json::array())) {
    if (!TextOf(connector, "last_error").empty()) return kRejected;
  }
  return kOk;
}

}  // namespace

void AddConnectorCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto* connector = commands.app.add_subcommand(
      "connector",
      "FHIR servers that a node pulls from, and how that goes (roles holder, operator)");
  connector->footer(
      "Exit code 3: the last pull of one of them failed.\n"
      "Example: genofed connector --as operator_fi");
  connector->callback(
      [&target, &action] { action = [&target] { return ListConnectors(target); }; });
}

}  // namespace genofed::cli
