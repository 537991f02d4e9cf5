// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "libs/crypto/strict_json.h"
#include "libs/http/multipart.h"
#include "services/gateway/adapters/wes_routes.h"

namespace genofed::gateway {
namespace {

using dispatcher::v1::RunRequest;
using nlohmann::json;

constexpr std::size_t kMaxDescriptor = std::size_t{1} << 20;

Status Wrong(std::string_view field, std::string_view what) {
  return InvalidField(field, "FIELD_INVALID", "{}", what);
}

struct Form {
  std::map<std::string, std::string, std::less<>> fields;
  std::string attachment_name;
  std::optional<std::string> attachment;

  const std::string& Get(std::string_view name) const {
    static const std::string kNone;
    const auto found = fields.find(name);
    return found == fields.end() ? kNone : found->second;
  }
};

bool IsWesField(std::string_view name) {
  for (std::string_view known :
       {"workflow_params", "workflow_type", "workflow_type_version", "workflow_url", "tags",
        "workflow_engine", "workflow_engine_version", "workflow_engine_parameters"}) {
    if (name == known) return true;
  }
  return false;
}

Result<Form> ReadForm(std::string_view content_type, std::string_view body) {
  GF_ASSIGN(auto parts, http::ParseMultipart(content_type, body,
                                             {.max_parts = 16, .max_part_bytes = kMaxDescriptor}));
  Form form;
  for (auto& part : parts) {
    if (part.name == "workflow_attachment") {
      if (form.attachment)
        return Wrong(part.name, "has more than one file: only the workflow descriptor is attached");
      if (!part.file_name) return Wrong(part.name, "has no file name");
      form.attachment_name = *part.file_name;
      form.attachment = std::move(part.body);
    } else if (!IsWesField(part.name)) {
      return InvalidField(part.name, "FIELD_UNKNOWN", "is not a field of a run request");
    } else if (!form.fields.emplace(part.name, std::move(part.body)).second) {
      return Wrong(part.name, "is given twice");
    }
  }
  return form;
}

Result<json> JsonObject(const Form& form, std::string_view name) {
  const std::string& text = form.Get(name);
  if (text.empty()) return json::object();
  auto parsed = crypto::ParseStrictJson(text);
  if (!parsed.ok() || !parsed->is_object()) return Wrong(name, "must be a JSON object");
  return *std::move(parsed);
}

template <typename Map>
Status TakeTexts(const json& object, const std::string& field, Map* out) {
  if (!object.is_object()) return Wrong(field, "must be an object");
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) return Wrong(field + "." + name, "must be a string");
    (*out)[name] = value.template get<std::string>();
  }
  return absl::OkStatus();
}

Status TakeParams(const json& params, RunRequest* run) {
  for (const auto& [name, value] : params.items()) {
    const std::string field = "workflow_params." + name;
    if (name == "application") {
      if (!value.is_string()) return Wrong(field, "must be a string");
      run->set_application(value.get<std::string>());
    } else if (name == "datasets") {
      if (!value.is_array()) return Wrong(field, "must be a list");
      for (const json& dataset : value) {
        if (!dataset.is_string()) return Wrong(field, "must be a list of strings");
        run->add_datasets(dataset.get<std::string>());
      }
    } else if (name == "parameters") {
      GF_TRY(TakeTexts(value, field, run->mutable_parameters()));
    } else {
      return InvalidField(field, "FIELD_UNKNOWN",
                          "there is no such parameter: application, datasets, parameters");
    }
  }
  if (run->application().empty())
    return InvalidField("workflow_params.application", "FIELD_MISSING", "must be given");
  return absl::OkStatus();
}

Status CheckEngine(const Form& form) {
  if (const std::string& engine = form.Get("workflow_engine");
      !engine.empty() && engine != "genofed") {
    return Wrong("workflow_engine", "the only engine here is genofed");
  }
  if (const std::string& version = form.Get("workflow_engine_version");
      !version.empty() && version != "0.1.0") {
    return Wrong("workflow_engine_version", "the only version here is 0.1.0");
  }
  GF_ASSIGN(const json parameters, JsonObject(form, "workflow_engine_parameters"));
  return parameters.empty() ? absl::OkStatus()
                            : Wrong("workflow_engine_parameters", "the engine takes no parameters");
}

}  // namespace

Result<RunRequest> ParseRunRequest(std::string_view content_type, std::string_view body) {
  GF_ASSIGN(Form form, ReadForm(content_type, body));
  for (const char* name :
       {"workflow_type", "workflow_type_version", "workflow_url", "workflow_params"}) {
    if (form.Get(name).empty()) return InvalidField(name, "FIELD_MISSING", "must be given");
  }
  if (form.Get("workflow_type") != "OCI")
    return Wrong("workflow_type", "the only type here is OCI");
  if (form.Get("workflow_type_version") != "1.0")
    return Wrong("workflow_type_version", "the only version here is 1.0");
  if (!form.attachment)
    return InvalidField("workflow_attachment", "FIELD_MISSING",
                        "the workflow descriptor must be attached");
  if (form.Get("workflow_url") != form.attachment_name) {
    return Wrong("workflow_url", "must be the file name of the workflow_attachment");
  }
  GF_TRY(CheckEngine(form));
  RunRequest run;
  GF_ASSIGN(const json params, JsonObject(form, "workflow_params"));
  GF_TRY(TakeParams(params, &run));
  GF_ASSIGN(const json tags, JsonObject(form, "tags"));
  GF_TRY(TakeTexts(tags, "tags", run.mutable_tags()));
  // Forwarded as sent: nodes compare the descriptor's digest.
  run.set_workflow(*std::move(form.attachment));
  run.set_workflow_url(form.Get("workflow_url"));
  run.set_workflow_type(form.Get("workflow_type"));
  run.set_workflow_type_version(form.Get("workflow_type_version"));
  return run;
}

}  // namespace genofed::gateway
