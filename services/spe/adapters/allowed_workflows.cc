// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/allowed_workflows.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/strict_json.h"

namespace genofed::spe {
namespace {

using Json = nlohmann::json;

Status Invalid(std::string_view member, std::string_view why) {
  return InvalidField(fmt::format("workflow.{}", member), "WORKFLOW_INVALID", "{}", why);
}

Status OnlyMembers(const Json& object, std::string_view where,
                   std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Invalid(where, "must be an object");
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Invalid(where, "has a member this node does not know");
    }
  }
  return {};
}

Result<std::string> Text(const Json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_string()) return Invalid(member, "must be a string");
  return found->get<std::string>();
}

Result<std::vector<std::string>> Texts(const Json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_array())
    return Invalid(member, "must be an array of strings");
  std::vector<std::string> texts;
  for (const Json& element : *found) {
    if (!element.is_string()) return Invalid(member, "must be an array of strings");
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

// A column counts people where the descriptor says so, alleles or people where it does not and there
// are genotypes: one person has two.
Status ParseCounts(const Json& json, bool reads_genotypes, OutputDeclaration& output) {
  GF_ASSIGN(const std::vector<std::string> counts, Texts(json, "counts"));
  std::vector<std::string> people;
  if (json.contains("people")) {
    GF_ASSIGN(people, Texts(json, "people"));
  }
  for (const std::string& name : people) {
    if (std::find(counts.begin(), counts.end(), name) == counts.end())
      return Invalid("outputs.people", "must name counts");
  }
  for (const std::string& name : counts) {
    const bool alleles =
        reads_genotypes && std::find(people.begin(), people.end(), name) == people.end();
    output.counts.push_back({.name = name, .part_of = {}, .per_person = alleles ? 2 : 1});
  }
  return absl::OkStatus();
}

Result<OutputDeclaration> ParseOutput(const Json& json, bool reads_genotypes) {
  GF_TRY(OnlyMembers(json, "outputs",
                     {"path", "format", "keys", "counts", "people", "derived", "rows_add_up"}));
  OutputDeclaration output;
  GF_ASSIGN(output.name, Text(json, "path"));
  GF_ASSIGN(const std::string format, Text(json, "format"));
  if (!IsPlainName(output.name)) return Invalid("outputs.path", "must be a plain file name");
  if (format != "tsv") return Invalid("outputs.format", "must be tsv");
  GF_ASSIGN(output.keys, Texts(json, "keys"));
  GF_TRY(ParseCounts(json, reads_genotypes, output));
  const auto column = [&output](std::string_view name) {
    return std::find_if(output.counts.begin(), output.counts.end(),
                        [name](const CountColumn& count) { return count.name == name; });
  };
  output.rows_add_up = json.value("rows_add_up", Json(false)) == Json(true);
  const Json derived = json.value("derived", Json::object());
  if (!derived.is_object()) return Invalid("outputs.derived", "must be an object");
  for (const auto& [name, formula] : derived.items()) {
    const std::string text = formula.is_string() ? formula.get<std::string>() : "";
    const std::vector<std::string_view> terms = Split(text, '/');
    if (terms.size() != 2 || column(terms[0]) == output.counts.end() ||
        column(terms[1]) == output.counts.end()) {
      return Invalid("outputs.derived", "must be a quotient of two counts");
    }
    column(terms[0])->part_of = terms[1];
  }
  return output;
}

Result<TaskLimits> ParseLimits(const Json& json) {
  GF_TRY(OnlyMembers(json, "limits", {"cpus", "memory_mb", "minutes", "output_mb"}));
  const auto number = [&](const char* member, double fallback) {
    const auto found = json.find(member);
    return found != json.end() && found->is_number() ? std::clamp(found->get<double>(), 0.0, 1e7)
                                                     : fallback;
  };
  TaskLimits limits;
  limits.cpu_millis = static_cast<std::int64_t>(number("cpus", 1) * 1000);
  limits.memory_bytes = static_cast<std::int64_t>(number("memory_mb", 512)) << 20;
  limits.wall_time = std::chrono::seconds(static_cast<std::int64_t>(number("minutes", 60) * 60));
  limits.output_bytes = static_cast<std::int64_t>(number("output_mb", 64)) << 20;
  return limits;
}

}  // namespace

Result<Workflow> ParseWorkflow(const std::string& descriptor) {
  GF_ASSIGN(const Json json, crypto::ParseStrictJson(descriptor));
  GF_TRY(OnlyMembers(json, "",
                     {"name", "version", "title", "description", "image", "command", "inputs",
                      "environment", "outputs", "limits"}));
  Workflow workflow;
  GF_ASSIGN(workflow.name, Text(json, "name"));
  GF_ASSIGN(workflow.image, Text(json, "image"));
  if (!IsDigest(workflow.image))
    return Invalid("image", "must be a digest: sha256:<64 hex digits>");
  GF_ASSIGN(workflow.command, Texts(json, "command"));
  GF_ASSIGN(const std::vector<std::string> inputs, Texts(json, "inputs"));
  for (const std::string& input : inputs) {
    if (input != "genotypes" && input != "phenotypes")
      return Invalid("inputs", "must be genotypes or phenotypes");
    (input == "genotypes" ? workflow.reads_genotypes : workflow.reads_phenotypes) = true;
  }
  GF_ASSIGN(const std::vector<std::string> environment, Texts(json, "environment"));
  workflow.parameters = {environment.begin(), environment.end()};
  if (!json.contains("outputs") || !json["outputs"].is_array() || json["outputs"].empty()) {
    return Invalid("outputs", "must be a non-empty array");
  }
  for (const Json& output : json["outputs"]) {
    GF_ASSIGN(OutputDeclaration declaration, ParseOutput(output, workflow.reads_genotypes));
    workflow.outputs.push_back(std::move(declaration));
  }
  GF_ASSIGN(workflow.limits, ParseLimits(json.value("limits", Json::object())));
  // What the executor would refuse, before anything is durable.
  TaskSpec spec;
  spec.image = workflow.image;
  spec.command = workflow.command;
  spec.output_dir = "/out";
  spec.limits = workflow.limits;
  for (const std::string& name : workflow.parameters) spec.environment[name] = "";
  GF_TRY(Validate(spec));
  return workflow;
}

Result<Workflow> AllowedWorkflows::Open(const std::string& descriptor) {
  const std::string digest = HexEncode(crypto::Sha256(descriptor));
  if (!digests_.contains(digest)) {
    return Error(StatusCode::kPermissionDenied, "WORKFLOW_NOT_ALLOWED",
                 "workflow {} is not on this node's list", digest);
  }
  GF_ASSIGN(Workflow workflow, ParseWorkflow(descriptor));
  allow_image_(workflow.image);
  return workflow;
}

}  // namespace genofed::spe
