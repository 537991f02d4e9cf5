// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/privacy_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "libs/core/file.h"
#include "libs/disclosure/policy.h"

namespace genofed::cli {
namespace {

constexpr std::size_t kMaxPolicyBytes = 64U << 10;

Result<disclosure::Policy> ReadPolicy(const std::string& file) {
  if (file.empty()) return disclosure::Policy();
  GF_ASSIGN(const std::string text, ReadFile(file, kMaxPolicyBytes));
  return disclosure::ParsePolicy(text);
}

int Print(const Result<disclosure::Policy>& policy,
          std::string (*write)(const disclosure::Policy&)) {
  if (!policy.ok()) return Fail(policy.status());
  std::fputs(write(*policy).c_str(), stdout);
  return kOk;
}

}  // namespace

void AddPrivacyCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto file = std::make_shared<std::string>();
  auto* privacy =
      commands.app.add_subcommand("privacy", "What a node says about the people in its datasets")
          ->require_subcommand(1);
  privacy->footer(
      "Examples:\n"
      "  genofed privacy default > national.json\n"
      "  genofed privacy explain national.json");

  auto* explain =
      privacy->add_subcommand("explain", "What a disclosure policy means, in plain language");
  explain->add_option("policy", *file,
                      "Policy file (docs/security/privacy.md); default: the product's");
  explain->footer(
      "Examples:\n"
      "  genofed privacy explain                      the default\n"
      "  genofed privacy explain national.json --json  with all figures");
  explain->callback([file, &target, &action] {
    action = [file, &target] {
      return Print(ReadPolicy(*file),
                   target.json ? &disclosure::ExplainJson : &disclosure::Explain);
    };
  });

  auto* write = privacy->add_subcommand("default", "The product's policy as a file to start from");
  write->footer("Example: genofed privacy default > national.json");
  write->callback(
      [&action] { action = [] { return Print(disclosure::Policy(), &disclosure::WritePolicy); }; });
}

}  // namespace genofed::cli
