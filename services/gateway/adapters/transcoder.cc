// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/transcoder.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "libs/http/problem.h"

namespace genofed::gateway {
namespace {

namespace pb = google::protobuf;

const pb::MethodDescriptor* FindMethod(std::string_view rpc) {
  std::string name(rpc);
  const auto slash = name.find('/');
  GF_CHECK(slash != std::string::npos);
  name[slash] = '.';
  return pb::DescriptorPool::generated_pool()->FindMethodByName(name);
}

std::unique_ptr<pb::Message> NewMessage(const pb::Descriptor* type) {
  return std::unique_ptr<pb::Message>(
      pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

Status WrongValue(std::string_view field) {
  return InvalidField(field, "FIELD_INVALID", "is not a value of this field's type");
}

// "variants" or "FILE_KIND_VARIANTS" of an enum whose zero is FILE_KIND_UNSPECIFIED.
const pb::EnumValueDescriptor* FindEnumValue(const pb::EnumDescriptor* type,
                                             std::string_view text) {
  if (const auto* exact = type->FindValueByName(std::string(text))) return exact;
  std::string prefix = type->value(0)->name();
  constexpr std::string_view kZero = "UNSPECIFIED";
  if (!prefix.ends_with(kZero)) return nullptr;
  prefix.resize(prefix.size() - kZero.size());
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') return nullptr;  // one spelling: all lower case
    prefix.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return type->FindValueByName(prefix);
}

Status SetInteger(pb::Message* message, const pb::FieldDescriptor* field, std::string_view text) {
  const pb::Reflection* reflection = message->GetReflection();
  const auto value = ParseInt(text);
  if (!value.ok()) return WrongValue(field->name());
  if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64) {
    reflection->SetInt64(message, field, *value);
    return absl::OkStatus();
  }
  if (*value < INT32_MIN || *value > INT32_MAX) return WrongValue(field->name());
  reflection->SetInt32(message, field, static_cast<std::int32_t>(*value));
  return absl::OkStatus();
}

// Sets a singular scalar from the text of a query parameter or placeholder.
Status SetScalar(pb::Message* message, const pb::FieldDescriptor* field, std::string_view text) {
  const pb::Reflection* reflection = message->GetReflection();
  switch (field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      if (field->type() != pb::FieldDescriptor::TYPE_STRING) return WrongValue(field->name());
      reflection->SetString(message, field, std::string(text));
      return absl::OkStatus();
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return WrongValue(field->name());
      reflection->SetBool(message, field, text == "true");
      return absl::OkStatus();
    case pb::FieldDescriptor::CPPTYPE_INT32:
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return SetInteger(message, field, text);
    case pb::FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = FindEnumValue(field->enum_type(), text);
      if (value == nullptr) return WrongValue(field->name());
      reflection->SetEnum(message, field, value);
      return absl::OkStatus();
    }
    default:
      return WrongValue(field->name());
  }
}

// The field an error of protobuf's JSON parser is about: "(a.b) c: Cannot find field." or "(a.b):
// invalid value ...".
std::string FieldOfJsonError(std::string_view error) {
  std::string path;
  if (error.starts_with('(')) {
    const auto close = error.find(')');
    if (close == std::string_view::npos) return "";
    path = error.substr(1, close - 1);
    error.remove_prefix(close + 1);
  }
  const auto colon = error.find(": ");
  const std::string_view name = Trim(error.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (name.empty() || name.find(' ') != std::string_view::npos) return path;
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

Status MergeJsonBody(const http::Request& request, pb::Message* message) {
  if (request.body.empty()) return absl::OkStatus();
  if (request.ContentType() != "application/json") {
    return Error(StatusCode::kInvalidArgument, http::kUnsupportedMediaType,
                 "the body must be application/json");
  }
  // Parsed strictly first: protobuf's parser is lenient about duplicate names and quotes.
  const auto strict =
      crypto::ParseStrictJson(request.body, {.max_bytes = std::size_t{1} << 20, .max_depth = 16});
  if (!strict.ok() || !strict->is_object()) {
    return Error(StatusCode::kInvalidArgument, "BODY_INVALID", "the body is not a JSON object: {}",
                 strict.ok() ? "it has another type" : Message(strict.status()));
  }
  const auto parsed = pb::util::JsonStringToMessage(request.body, message);
  if (parsed.ok()) return absl::OkStatus();
  const std::string error(parsed.message().data(), parsed.message().size());
  const std::string field = FieldOfJsonError(error);
  if (error.find("Cannot find field") != std::string::npos) {
    return InvalidField(field, "FIELD_UNKNOWN", "there is no such field");
  }
  return WrongValue(field.empty() ? "body" : field);
}

Status SetFromQuery(const http::Request& request, pb::Message* message) {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : request.query.entries()) {
    const auto* field = message->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || field->is_repeated() || request.params.contains(name)) {
      return InvalidField(name, "FIELD_UNKNOWN", "there is no such parameter");
    }
    if (!seen.insert(name).second) return InvalidField(name, "FIELD_CONFLICT", "is given twice");
    GF_TRY(SetScalar(message, field, value));
  }
  return absl::OkStatus();
}

// A placeholder wins over nothing: a body that names the same field must agree.
Status SetFromPath(const http::Request& request, pb::Message* message) {
  const pb::Reflection* reflection = message->GetReflection();
  for (const auto& [name, value] : request.params) {
    const auto* field = message->GetDescriptor()->FindFieldByName(name);
    GF_CHECK(field != nullptr);
    std::unique_ptr<pb::Message> before(message->New());
    before->CopyFrom(*message);
    GF_TRY(SetScalar(message, field, value));
    const bool was_set = field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING
                             ? !reflection->GetString(*before, field).empty()
                             : reflection->HasField(*before, field);
    if (was_set && before->SerializeAsString() != message->SerializeAsString()) {
      return InvalidField(name, "FIELD_CONFLICT", "differs from the path");
    }
  }
  return absl::OkStatus();
}

void CheckRow(const RpcRow& row, const pb::Descriptor* type) {
  for (std::size_t open = row.pattern.find('{'); open != std::string_view::npos;
       open = row.pattern.find('{', open + 1)) {
    std::string_view name = row.pattern.substr(open + 1, row.pattern.find('}', open) - open - 1);
    if (name.ends_with("...")) name.remove_suffix(3);
    GF_CHECK(type->FindFieldByName(std::string(name)) != nullptr);
  }
  if (!row.body.empty() && row.body != "*")
    GF_CHECK(type->FindFieldByName(std::string(row.body)) != nullptr);
}

Endpoint MakeEndpoint(const RpcRow& row, const UnaryCaller& caller,
                      const TranscoderOptions& options) {
  const pb::MethodDescriptor* method = FindMethod(row.rpc);
  GF_CHECK(method != nullptr);
  CheckRow(row, method->input_type());
  Endpoint endpoint;
  endpoint.method = row.method;
  endpoint.pattern = row.pattern;
  endpoint.access = row.access;
  endpoint.who = row.who;
  endpoint.summary = row.summary;
  endpoint.request = method->input_type();
  endpoint.response = row.respond == nullptr ? method->output_type() : nullptr;
  endpoint.json_body = row.body == "*";
  if (!row.body.empty() && !endpoint.json_body)
    endpoint.max_body_bytes = options.max_raw_body_bytes;
  endpoint.handler = [row, caller, method](const http::Request& request) -> Result<http::Response> {
    auto message = NewMessage(method->input_type());
    auto answer = NewMessage(method->output_type());
    GF_TRY(FillRequest(request, row.body, message.get()));
    GF_TRY(caller(request.ctx, row.service, row.rpc, *message, answer.get()));
    if (row.respond != nullptr) return row.respond(request, *answer);
    GF_ASSIGN(std::string json, ToJsonText(*answer));
    return http::Json(200, std::move(json));
  };
  return endpoint;
}

}  // namespace

Status FillRequest(const http::Request& request, std::string_view body_rule, pb::Message* message) {
  if (body_rule == "*") {
    GF_TRY(MergeJsonBody(request, message));
  } else if (!body_rule.empty()) {
    const auto* field = message->GetDescriptor()->FindFieldByName(std::string(body_rule));
    message->GetReflection()->SetString(message, field, request.body);
  } else if (!request.body.empty()) {
    return Error(StatusCode::kInvalidArgument, "BODY_INVALID", "this takes no body");
  }
  GF_TRY(SetFromQuery(request, message));
  return SetFromPath(request, message);
}

Result<std::string> ToJsonText(const pb::Message& message) {
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  if (!pb::util::MessageToJsonString(message, &json, options).ok()) {
    return Error(StatusCode::kInternal, "ANSWER_UNPRINTABLE", "an answer has no JSON form");
  }
  return json;
}

void AddRpcRows(Api& api, std::span<const RpcRow> rows, const UnaryCaller& caller,
                const TranscoderOptions& options) {
  for (const RpcRow& row : rows) {
    if (row.sites == (options.hub ? Sites::kNode : Sites::kHub)) continue;
    api.Add(MakeEndpoint(row, caller, options));
  }
}

}  // namespace genofed::gateway
