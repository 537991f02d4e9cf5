// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

struct Text {
  std::string kind, value, issuer, reason, id;
  bool all = false;
};

void PrintRevocation(const Json& revocation) {
  std::printf("%s  %s %s%s%s\n    %s, by %s at %s\n", TextOf(revocation, "id").c_str(),
              TextOf(revocation, "kind").c_str(), TextOf(revocation, "value").c_str(),
              TextOf(revocation, "issuer").empty() ? "" : " of ",
              TextOf(revocation, "issuer").c_str(), TextOf(revocation, "reason").c_str(),
              TextOf(revocation, "by").c_str(), TextOf(revocation, "at").c_str());
  if (!TextOf(revocation, "reinstated_by").empty()) {
    std::printf("    taken back: %s, by %s at %s\n", TextOf(revocation, "reinstate_reason").c_str(),
                TextOf(revocation, "reinstated_by").c_str(),
                TextOf(revocation, "reinstated_at").c_str());
  }
}

}  // namespace

void AddTrustCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto t = std::make_shared<Text>();

  auto* revoke = commands.app
                     .add_subcommand("revoke",
                                     "Stop accepting something at one site, within five seconds "
                                     "(roles dac, operator)")
                     ->require_subcommand(1);
  revoke->footer(
      "Examples:\n"
      "  genofed revoke application app-… --reason \"Permit misused\" --as dac_fi\n"
      "  genofed revoke user alice@aai.example --reason \"Left the project\" --as dac_fi\n"
      "  genofed revoke dataset GOE-FI-DATASET-1 --reason \"Consents are being checked\" --as "
      "operator_fi");
  const std::pair<const char*, const char*> kinds[] = {
      {"token", "An access token, visa, passport or approval, by its jti"},
      {"application", "An application and all that was granted for it; for good"},
      {"user", "A person, by sub"},
      {"dataset", "A dataset: nobody reads it"},
      {"identity", "A workload, such as fi/spe, whatever certificate it shows"}};
  for (const auto& [kind, help] : kinds) {
    auto* command = revoke->add_subcommand(kind, help);
    command->add_option("value", t->value)->required();
    command->add_option("--reason", t->reason)->required();
    if (std::string(kind) == "user")
      command->add_option("--issuer", t->issuer,
                          "By whose names; default: whoever calls somebody so");
    command->callback([t, kind = std::string(kind), &target, &action] {
      action = [t, kind, &target] {
        Session session(target);
        return Show(session,
                    session.Post("/api/v1/revocations", {{"kind", kind},
                                                         {"value", t->value},
                                                         {"issuer", t->issuer},
                                                         {"reason", t->reason}}),
                    [](const Json& answer) { PrintRevocation(Member(answer, "revocation")); });
      };
    });
  }

  auto* list = commands.app.add_subcommand("revocations",
                                           "What a site does not accept (roles dac, operator)");
  list->add_flag("--all", t->all, "Those taken back, too");
  list->callback([t, &target, &action] {
    action = [t, &target] {
      Session session(target);
      return Show(session,
                  session.Get(std::string("/api/v1/revocations") + (t->all ? "?all=true" : "")),
                  [](const Json& answer) {
                    for (const Json& one : answer.value("revocations", Json::array()))
                      PrintRevocation(one);
                  });
    };
  });

  list->footer("Example: genofed revocations --all --as operator_fi");

  auto* reinstate = commands.app.add_subcommand(
      "reinstate", "Take a revocation back, except of an application (roles dac, operator)");
  reinstate->footer(
      "Example: genofed reinstate rev-… --reason \"Consents were checked\" --as operator_fi");
  reinstate->add_option("id", t->id, "Of the revocation: rev-…")->required();
  reinstate->add_option("--reason", t->reason)->required();
  reinstate->callback([t, &target, &action] {
    action = [t, &target] {
      Session session(target);
      return Show(session,
                  session.Post("/api/v1/revocations/" + Escape(t->id) + "/reinstate",
                               {{"reason", t->reason}}),
                  [](const Json& answer) { PrintRevocation(Member(answer, "revocation")); });
    };
  });
}

}  // namespace genofed::cli
