// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "services/gateway/adapters/listing.h"

namespace genofed::gateway {
namespace {

using Json = nlohmann::ordered_json;
namespace pb = google::protobuf;

constexpr char kSchemas[] = "#/components/schemas/";

// The protobuf JSON form of messages as OpenAPI schemas, each named by its full name.
class Schemas {
 public:
  Json Reference(const pb::Descriptor* type) {
    if (type->full_name() == "google.protobuf.Timestamp")
      return {{"type", "string"}, {"format", "date-time"}};
    if (!all_.contains(type->full_name())) {
      all_[type->full_name()] = Json::object();  // before its fields: a message may contain itself
      Json properties = Json::object();
      for (int i = 0; i < type->field_count(); ++i)
        properties[type->field(i)->name()] = Field(type->field(i));
      all_[type->full_name()] = {{"type", "object"},
                                 {"properties", std::move(properties)},
                                 {"additionalProperties", false}};
    }
    return {{"$ref", kSchemas + type->full_name()}};
  }

  Json Scalar(const pb::FieldDescriptor* field) {
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return Reference(field->message_type());
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
      case pb::FieldDescriptor::CPPTYPE_INT32:
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return {{"type", "integer"}, {"format", "int32"}};
      case pb::FieldDescriptor::CPPTYPE_INT64:
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return {{"type", "string"}, {"format", "int64"}};
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return {{"type", "number"}};
      case pb::FieldDescriptor::CPPTYPE_ENUM: {
        Json names = Json::array();
        for (int i = 0; i < field->enum_type()->value_count(); ++i)
          names.push_back(field->enum_type()->value(i)->name());
        return {{"type", "string"}, {"enum", std::move(names)}};
      }
      case pb::FieldDescriptor::CPPTYPE_STRING:
        break;
    }
    if (field->type() == pb::FieldDescriptor::TYPE_BYTES)
      return {{"type", "string"}, {"format", "byte"}};
    return {{"type", "string"}};
  }

  const Json& all() const { return all_; }

 private:
  Json Field(const pb::FieldDescriptor* field) {
    if (field->is_map()) {
      return {{"type", "object"},
              {"additionalProperties", Scalar(field->message_type()->map_value())}};
    }
    if (field->is_repeated()) return {{"type", "array"}, {"items", Scalar(field)}};
    return Scalar(field);
  }

  Json all_ = Json::object();
};

std::vector<std::string> Placeholders(std::string_view pattern) {
  std::vector<std::string> names;
  for (auto open = pattern.find('{'); open != std::string_view::npos;
       open = pattern.find('{', open + 1)) {
    names.emplace_back(pattern.substr(open + 1, pattern.find('}', open) - open - 1));
    if (names.back().ends_with("...")) names.back().resize(names.back().size() - 3);
  }
  return names;
}

Json Parameters(const Endpoint& endpoint, Schemas& schemas) {
  Json out = Json::array();
  const std::vector<std::string> in_path = Placeholders(endpoint.pattern);
  for (const std::string& name : in_path) {
    out.push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  if (endpoint.request == nullptr || endpoint.json_body) return out;
  for (int i = 0; i < endpoint.request->field_count(); ++i) {
    const auto* field = endpoint.request->field(i);
    const bool scalar = !field->is_repeated() &&
                        field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE &&
                        field->type() != pb::FieldDescriptor::TYPE_BYTES;
    if (!scalar || std::ranges::find(in_path, field->name()) != in_path.end()) continue;
    out.push_back({{"name", field->name()}, {"in", "query"}, {"schema", schemas.Scalar(field)}});
  }
  return out;
}

Json Content(const char* media_type, Json schema) {
  return {{media_type, {{"schema", std::move(schema)}}}};
}

Json Operation(const Endpoint& endpoint, Schemas& schemas) {
  Json out = {{"summary", endpoint.summary},
              {"description", "Who may call: " + endpoint.who + "."},
              {"tags", Json::array({http::FamilyName(endpoint.family)})},
              {"security", Json::array()},
              {"parameters", Parameters(endpoint, schemas)}};
  if (endpoint.access == Access::kUser) out["security"].push_back({{"bearer", Json::array()}});
  if (endpoint.json_body) {
    out["requestBody"] = {
        {"content", Content("application/json", schemas.Reference(endpoint.request))}};
  } else if (endpoint.method == http::Method::kPut) {
    out["requestBody"] = {{"content", Content("application/octet-stream",
                                              {{"type", "string"}, {"format", "binary"}})}};
  }
  out["responses"]["200"]["description"] = "Success";
  if (endpoint.response != nullptr) {
    out["responses"]["200"]["content"] =
        Content("application/json", schemas.Reference(endpoint.response));
  }
  out["responses"]["default"]["description"] = "An error in the form of this API";
  return out;
}

std::string LowerMethod(http::Method method) {
  std::string name(http::MethodName(method));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  return name;
}

}  // namespace

std::string RenderOpenApi(const SiteFacts& site, const std::vector<Endpoint>& endpoints) {
  Schemas schemas;
  Json paths = Json::object();
  for (const Endpoint& endpoint : endpoints) {
    // OpenAPI knows no placeholder for several segments.
    std::string path(endpoint.pattern);
    if (const auto rest = path.find("...}"); rest != std::string::npos) path.erase(rest, 3);
    paths[path][LowerMethod(endpoint.method)] = Operation(endpoint, schemas);
  }
  const Json document = {
      {"openapi", "3.0.3"},
      {"info",
       {{"title", "genofed of " + site.Organisation()},
        {"version", "0.1.0"},
        {"license",
         {{"name", "Apache-2.0"}, {"url", "https://www.apache.org/licenses/LICENSE-2.0"}}}}},
      {"servers", Json::array({{{"url", site.public_url}}})},
      {"paths", std::move(paths)},
      {"components",
       {{"schemas", schemas.all()},
        {"securitySchemes",
         {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}}}}}}}};
  return document.dump();
}

}  // namespace genofed::gateway
