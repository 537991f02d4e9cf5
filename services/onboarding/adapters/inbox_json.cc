// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/inbox_json.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <set>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "services/onboarding/adapters/proto_mapping.h"

namespace genofed::onboarding {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxInboxFiles = 200;  // all are open at once

template <typename... Args>
Status Bad(std::string_view field, fmt::format_string<Args...> format, Args&&... args) {
  return InvalidField(fmt::format("submission.json: {}", field), "SUBMISSION_INVALID", format,
                      std::forward<Args>(args)...);
}

Status CheckFields(const json& object, std::string_view where, const std::set<std::string>& known) {
  if (!object.is_object()) return Bad(where, "must be an object");
  for (const auto& [name, value] : object.items()) {
    if (!known.contains(name))
      return Bad(where, "has an unknown field; it may have {}", fmt::join(known, ", "));
  }
  return absl::OkStatus();
}

std::string Text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<Mode> ParseMode(const std::string& text) {
  for (const Mode mode : {Mode::kFull, Mode::kAdd, Mode::kFollowUp}) {
    if (text == ModeName(mode)) return mode;
  }
  return Bad("mode", "must be full, add or follow-up");
}

Result<FileKind> ParseKind(const std::string& text, std::size_t i) {
  if (text == "variants") return FileKind::kVariants;
  if (text == "clinical") return FileKind::kClinical;
  if (text == "consents") return FileKind::kConsents;
  if (text == "mapping") return FileKind::kMapping;
  return Bad(fmt::format("files[{}].kind", i), "must be variants, clinical, consents or mapping");
}

Status ParseFiles(const json& list, InboxDescription& description) {
  if (!list.is_array() || list.empty() || list.size() > kMaxInboxFiles) {
    return Bad("files", "must be an array of 1 to {}", kMaxInboxFiles);
  }
  std::set<std::string> names = {"submission.json", "SHA256SUMS", "READY", "result.json"};
  for (std::size_t i = 0; i < list.size(); ++i) {
    GF_TRY(CheckFields(list[i], fmt::format("files[{}]", i), {"kind", "name"}));
    GF_ASSIGN(const FileKind kind, ParseKind(Text(list[i], "kind"), i));
    auto file = CheckFileRef({kind, Text(list[i], "name")});
    if (!file.ok() || !names.insert(file->name).second) {
      return Bad(fmt::format("files[{}].name", i), "must be a plain file name that occurs once");
    }
    description.files.push_back(*std::move(file));
  }
  return absl::OkStatus();
}

}  // namespace

Result<InboxDescription> ParseInboxDescription(std::string_view text) {
  auto parsed = crypto::ParseStrictJson(text, {.max_bytes = 1U << 20});
  if (!parsed.ok()) return Bad("", "is no strict JSON ({})", Reason(parsed.status()));
  GF_TRY(CheckFields(*parsed, "", {"dataset", "mode", "files"}));
  InboxDescription description;
  v1::DatasetDescription dataset;
  const auto given = parsed->find("dataset");
  if (given == parsed->end() ||
      !google::protobuf::util::JsonStringToMessage(given->dump(), &dataset).ok()) {
    return Bad("dataset", "must be a description of a dataset, as for POST /api/v1/submissions");
  }
  description.dataset = FromProto(dataset);
  const std::string mode = Text(*parsed, "mode");
  GF_ASSIGN(description.mode, ParseMode(mode.empty() && !parsed->contains("mode") ? "full" : mode));
  GF_TRY(ParseFiles(parsed->value("files", json()), description));
  return description;
}

std::string FormatInboxResult(const InboxResult& result) {
  json document = {{"accepted", result.status.ok()}, {"time", FormatRfc3339(result.time)}};
  if (result.status.ok()) {
    document["submission"] = result.submission;
  } else {
    document["reason"] = Reason(result.status);
    document["message"] = Message(result.status);
    for (const FieldViolation& field : Fields(result.status)) {
      document["fields"].push_back({{"field", field.field}, {"description", field.description}});
    }
  }
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace genofed::onboarding
