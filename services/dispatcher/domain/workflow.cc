// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/workflow.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/strict_json.h"

namespace genofed::dispatcher {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::string>;

constexpr std::size_t kMaxOutputs = 32;
constexpr std::size_t kMaxColumns = 64;
constexpr std::size_t kMaxNameBytes = 128;

Status Invalid(std::string_view member, std::string_view why) {
  return InvalidField(fmt::format("workflow.{}", member), "WORKFLOW_INVALID", "{}", why);
}

Status OnlyMembers(const Json& object, std::string_view where,
                   std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Invalid(where, "must be an object");
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return Invalid(where, "has an unknown member");
  }
  return absl::OkStatus();
}

// [A-Za-z0-9] first, then also "._-".
bool IsPlainName(std::string_view text) {
  auto alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= kMaxNameBytes && alnum(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || c == '.' || c == '_' || c == '-'; });
}

bool IsImageDigest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.size() != kPrefix.size() + 64 || text.substr(0, kPrefix.size()) != kPrefix) return false;
  text.remove_prefix(kPrefix.size());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<std::string> ReadText(const Json& object, const char* member, std::size_t max = 1000) {
  auto found = object.find(member);
  if (found == object.end() || !found->is_string()) return Invalid(member, "must be a string");
  auto text = found->get<std::string>();
  if (text.empty() || text.size() > max) return Invalid(member, "must not be empty or long");
  return text;
}

Result<Texts> ReadTexts(const Json& object, const char* member) {
  auto found = object.find(member);
  if (found == object.end() || !found->is_array() || found->size() > kMaxColumns) {
    return Invalid(member, "must be a short array of strings");
  }
  Texts texts;
  for (const Json& element : *found) {
    if (!element.is_string()) return Invalid(member, "must be an array of strings");
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

Result<std::size_t> CountIndex(const TableOutput& output, std::string_view name) {
  auto found = std::find(output.counts.begin(), output.counts.end(), name);
  if (found == output.counts.end())
    return Invalid("outputs.derived", "must be a quotient of two counts");
  return static_cast<std::size_t>(found - output.counts.begin());
}

Status ReadDerived(const Json& json, TableOutput& output) {
  auto derived = json.find("derived");
  if (derived == json.end()) return absl::OkStatus();
  if (!derived->is_object() || derived->size() > kMaxColumns)
    return Invalid("outputs.derived", "must be an object");
  for (const auto& [name, formula] : derived->items()) {
    const std::string text = formula.is_string() ? formula.get<std::string>() : "";
    const auto terms = Split(text, '/');
    if (terms.size() != 2) return Invalid("outputs.derived", "must be a quotient of two counts");
    GF_ASSIGN(const std::size_t numerator, CountIndex(output, terms[0]));
    GF_ASSIGN(const std::size_t denominator, CountIndex(output, terms[1]));
    output.derived.push_back({name, numerator, denominator});
  }
  return absl::OkStatus();
}

Status CheckColumns(const TableOutput& output) {
  if (output.keys.empty() || output.counts.empty())
    return Invalid("outputs", "needs keys and counts");
  std::set<std::string> seen = {"nodes"};
  Texts all = output.keys;
  all.insert(all.end(), output.counts.begin(), output.counts.end());
  for (const DerivedColumn& column : output.derived) all.push_back(column.name);
  for (const std::string& name : all) {
    if (!IsPlainName(name)) return Invalid("outputs", "has a column that is not a plain name");
    if (!seen.insert(name).second)
      return Invalid("outputs", "has a column twice, or one named nodes");
  }
  return absl::OkStatus();
}

Result<TableOutput> ReadOutput(const Json& json) {
  GF_TRY(OnlyMembers(json, "outputs",
                     {"path", "format", "keys", "counts", "people", "derived", "rows_add_up"}));
  TableOutput output;
  GF_ASSIGN(output.name, ReadText(json, "path"));
  if (!IsPlainName(output.name)) return Invalid("outputs.path", "must be a plain file name");
  GF_ASSIGN(const std::string format, ReadText(json, "format"));
  if (format != "tsv") return Invalid("outputs.format", "must be tsv");
  GF_ASSIGN(output.keys, ReadTexts(json, "keys"));
  GF_ASSIGN(output.counts, ReadTexts(json, "counts"));
  GF_TRY(ReadDerived(json, output));
  GF_TRY(CheckColumns(output));
  return output;
}

Status ReadOutputs(const Json& json, Workflow& workflow) {
  auto outputs = json.find("outputs");
  if (outputs == json.end() || !outputs->is_array() || outputs->empty() ||
      outputs->size() > kMaxOutputs) {
    return Invalid("outputs", "must be an array of 1 to 32 tables");
  }
  for (const Json& element : *outputs) {
    GF_ASSIGN(TableOutput output, ReadOutput(element));
    if (workflow.FindOutput(output.name) != nullptr)
      return Invalid("outputs.path", "is named twice");
    workflow.outputs.push_back(std::move(output));
  }
  return absl::OkStatus();
}

Status CheckLimits(const Json& json) {
  auto limits = json.find("limits");
  if (limits == json.end()) return absl::OkStatus();
  GF_TRY(OnlyMembers(*limits, "limits", {"cpus", "memory_mb", "minutes", "output_mb"}));
  for (const auto& [name, value] : limits->items()) {
    if (!value.is_number() || value.get<double>() <= 0)
      return Invalid("limits", "must be positive numbers");
  }
  return absl::OkStatus();
}

}  // namespace

const TableOutput* Workflow::FindOutput(std::string_view output) const {
  auto found = std::find_if(outputs.begin(), outputs.end(),
                            [&](const TableOutput& o) { return o.name == output; });
  return found == outputs.end() ? nullptr : &*found;
}

Result<Workflow> ParseWorkflow(std::string_view descriptor) {
  auto parsed =
      crypto::ParseStrictJson(descriptor, {.max_bytes = kMaxWorkflowBytes, .max_depth = 8});
  if (!parsed.ok())
    return InvalidField("workflow", "WORKFLOW_INVALID", "{}", Message(parsed.status()));
  const Json& json = *parsed;
  GF_TRY(OnlyMembers(json, "",
                     {"name", "version", "title", "description", "image", "command", "inputs",
                      "environment", "outputs", "limits"}));
  Workflow workflow;
  GF_ASSIGN(workflow.name, ReadText(json, "name"));
  GF_ASSIGN(const std::string image, ReadText(json, "image"));
  if (!IsImageDigest(image)) return Invalid("image", "must be sha256:<64 hex digits>");
  GF_ASSIGN(const Texts command, ReadTexts(json, "command"));
  if (command.empty()) return Invalid("command", "must not be empty");
  GF_ASSIGN(const Texts inputs, ReadTexts(json, "inputs"));
  for (const std::string& input : inputs) {
    if (input != "genotypes" && input != "phenotypes")
      return Invalid("inputs", "must be genotypes or phenotypes");
  }
  GF_ASSIGN(const Texts environment, ReadTexts(json, "environment"));
  workflow.parameters = {environment.begin(), environment.end()};
  GF_TRY(ReadOutputs(json, workflow));
  GF_TRY(CheckLimits(json));
  return workflow;
}

Status CheckParameters(const Workflow& workflow,
                       const std::map<std::string, std::string>& parameters) {
  for (const auto& [name, value] : parameters) {
    if (workflow.parameters.contains(name)) continue;
    return InvalidField("parameters", "PARAMETER_UNKNOWN",
                        "a parameter that the workflow does not declare");
  }
  return absl::OkStatus();
}

std::string WorkflowDigest(std::string_view descriptor) {
  return HexEncode(crypto::Sha256(descriptor));
}

}  // namespace genofed::dispatcher
