// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "libs/core/file.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

const std::map<std::string, std::string> kPermissions = {{"AF", "PERMISSION_ALLELE_FREQUENCY"},
                                                         {"SLQ", "PERMISSION_SUBJECT_LEVEL_QUERY"},
                                                         {"SEC", "PERMISSION_SECONDARY_USE"}};

std::string Plain(const Json& permissions) {
  std::string text;
  for (const Json& permission : permissions) {
    const auto name = permission.get<std::string>();
    text += text.empty() ? "" : ", ";
    text += name == "PERMISSION_ALLELE_FREQUENCY"      ? "counted in allele frequencies (AF)"
            : name == "PERMISSION_SUBJECT_LEVEL_QUERY" ? "counted in searches (SLQ)"
                                                       : "used by research projects (SEC)";
  }
  return text.empty() ? "nothing" : text;
}

int SetPermissions(const Target& target, const std::vector<std::string>& codes) {
  Json names = Json::array();
  for (const std::string& code : codes) names.push_back(kPermissions.at(code));
  Session session(target);
  return Show(session, session.Put("/api/v1/me/permissions", {{"permissions", names}}),
              [&](const Json& answer) {
                std::printf("permitted now: %s\nledger entry %s, consent epoch %s\n",
                            Plain(names).c_str(), TextOf(answer, "ledger_index").c_str(),
                            TextOf(answer, "epoch").c_str());
              });
}

int Accesses(const Target& target, const std::string& receipts) {
  Session session(target);
  auto answer = session.Get("/api/v1/me/accesses?page_size=200");
  if (answer.ok() && !receipts.empty()) {
    for (const Json& access : answer->value("accesses", Json::array())) {
      Status status =
          WriteFileAtomically(receipts + "/receipt-" + TextOf(access, "ledger_index") + ".json",
                              TextOf(access, "receipt"));
      if (!status.ok()) return Fail(status);
    }
  }
  return Show(session, answer, [](const Json& json) {
    if (json.value("accesses", Json::array()).empty())
      std::printf("No project has asked for datasets at this node.\n");
    for (const Json& access : json.value("accesses", Json::array())) {
      bool used = access.value("used", false);
      const std::string by = TextOf(access, "kind") == "access"
                                 ? "files for client " + TextOf(access, "client")
                                 : "decision " + TextOf(access, "decision_sha256").substr(0, 16) + "…";
      std::printf("%s  %s\n    %s by %s, %s, dataset %s; %s, ledger entry %s\n",
                  TextOf(access, "at").c_str(), used ? "USED" : "not used",
                  TextOf(access, "project").c_str(), TextOf(access, "organisation").c_str(),
                  TextOf(access, "purpose").c_str(), TextOf(access["dataset"], "dataset").c_str(),
                  by.c_str(), TextOf(access, "ledger_index").c_str());
    }
  });
}

}  // namespace

void AddCitizenCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;

  auto* me =
      commands.app
          .add_subcommand("me", "Your own data and choices, as a citizen, at your country's node")
          ->require_subcommand(1);
  me->add_subcommand("permissions", "What you permitted")->callback([&target, &action] {
    action = [&target] {
      Session session(target);
      return Show(session, session.Get("/api/v1/me/permissions"), [](const Json& answer) {
        std::printf("permitted: %s\n", Plain(answer.value("permissions", Json::array())).c_str());
        for (const Json& change : answer.value("history", Json::array())) {
          std::printf("  %s by %s: %s\n", TextOf(change, "at").c_str(),
                      TextOf(change, "by").c_str(),
                      Plain(change.value("permissions", Json::array())).c_str());
        }
      });
    };
  });
  me->add_subcommand("withdraw", "Take back every permission; effective within seconds")
      ->callback([&target, &action] { action = [&target] { return SetPermissions(target, {}); }; });
  auto codes = std::make_shared<std::vector<std::string>>();
  auto* permit = me->add_subcommand("permit", "Permit exactly the uses named");
  permit->add_option("uses", *codes, "AF, SLQ, SEC")
      ->required()
      ->check(CLI::IsMember({"AF", "SLQ", "SEC"}));
  permit->callback([codes, &target, &action] {
    action = [codes, &target] { return SetPermissions(target, *codes); };
  });
  auto receipts = std::make_shared<std::string>();
  auto* accesses =
      me->add_subcommand("accesses", "Which projects used your data, and which did not");
  accesses->add_option("--receipts", *receipts, "Existing folder to save the receipts to");
  accesses->callback([receipts, &target, &action] {
    action = [receipts, &target] { return Accesses(target, *receipts); };
  });
}

}  // namespace genofed::cli
