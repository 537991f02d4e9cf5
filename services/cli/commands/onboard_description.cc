// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/onboard_description.h"

#include <CLI/CLI.hpp>

#include "libs/core/file.h"
#include "libs/crypto/strict_json.h"

namespace genofed::cli {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

Result<Json> ReadDescription(const std::filesystem::path& file) {
  GF_ASSIGN(const std::string text, ReadFile(file, kMaxBytes));
  auto description = crypto::ParseStrictJson(text, {.max_bytes = kMaxBytes});
  if (description.ok() && description->is_object()) return description;
  return Error(StatusCode::kInvalidArgument, "DESCRIPTION_INVALID", "{} is not a JSON object{}",
               file.string(), description.ok() ? "" : ": " + Message(description.status()));
}

}  // namespace

void AddDescriptionOptions(CLI::App& command, DescriptionOptions& options) {
  command.add_option("--title", options.title);
  command.add_option("--description", options.description);
  command.add_option("--publisher", options.publisher);
  command.add_option("--contact", options.contact, "E-mail address");
  command.add_option("--keyword", options.keywords, "Repeatable");
  command.add_option("--data-use", options.data_use, "DUO codes of what the data may be used for");
  command.add_option(
      "--evidence", options.evidence,
      "CRITERION=REFERENCE for the inclusion check, as ethics_approval=HUS/1/2026; repeatable");
  command.add_option("--assembly", options.assembly, "GRCh37 or GRCh38");
}

Result<Json> DescribeDataset(const DescriptionOptions& options, const std::filesystem::path& file) {
  Json dataset = Json::object();
  if (!file.empty()) {
    GF_ASSIGN(dataset, ReadDescription(file));
  }
  const auto set = [&](const char* name, const auto& value) {
    if (!value.empty()) dataset[name] = value;
  };
  set("id", options.id);
  set("title", options.title);
  set("description", options.description);
  set("publisher", options.publisher);
  set("contact_email", options.contact);
  set("keywords", options.keywords);
  set("data_use", options.data_use);
  set("assembly", options.assembly);
  if (options.evidence.empty()) return dataset;
  Json evidence = dataset.value("evidence", Json::object());
  if (!evidence.is_object()) {
    return Error(StatusCode::kInvalidArgument, "DESCRIPTION_INVALID",
                 "evidence of {} is not a JSON object", file.string());
  }
  GF_TRY(AddEvidence(options.evidence, evidence));
  dataset["evidence"] = std::move(evidence);
  return dataset;
}

Status AddEvidence(const std::vector<std::string>& pairs, Json& evidence) {
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size()) {
      return Error(StatusCode::kInvalidArgument, "EVIDENCE_INVALID",
                   "'{}' is not CRITERION=REFERENCE, as ethics_approval=HUS/1/2026", pair);
    }
    evidence[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return absl::OkStatus();
}

}  // namespace genofed::cli
