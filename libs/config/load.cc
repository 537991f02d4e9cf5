// SPDX-License-Identifier: Apache-2.0
#include "libs/config/load.h"

#include <arpa/inet.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/core/strings.h"

extern char** environ;

namespace genofed::config {
namespace {

using Json = nlohmann::json;
namespace pb = google::protobuf;

// Puts `value` at a dotted path of nested objects, as JSON if it is JSON, else as a string.
Json Nest(const std::vector<std::string_view>& path, std::string_view value) {
  Json leaf = Json::parse(value, nullptr, false);
  if (leaf.is_discarded() || leaf.is_null()) leaf = std::string(value);
  for (auto it = path.rbegin(); it != path.rend(); ++it) leaf = Json{{std::string(*it), leaf}};
  return leaf;
}

// GENOFED_DISCOVERY_MINIMUM_COUNT -> {"discovery", "minimum_count"}, if there is such a block and
// field.
std::vector<std::string_view> PathOfVariable(std::string_view lower_name) {
  const auto* root = v1::SiteConfig::descriptor();
  for (int i = 0; i < root->field_count(); ++i) {
    const auto* block = root->field(i);
    std::string_view block_name = block->name();
    if (block->message_type() == nullptr || !lower_name.starts_with(block_name) ||
        lower_name.size() <= block_name.size() + 1 || lower_name[block_name.size()] != '_') {
      continue;
    }
    std::string_view field = lower_name.substr(block_name.size() + 1);
    if (const auto* found = block->message_type()->FindFieldByName(std::string(field));
        found != nullptr) {
      return {block_name, found->name()};
    }
  }
  return {};
}

Status MergeEnvironment(v1::SiteConfig* config) {
  constexpr std::string_view kPrefix = "GENOFED_";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view variable(*entry);
    auto equals = variable.find('=');
    if (!variable.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    std::string name = ToLower(variable.substr(kPrefix.size(), equals - kPrefix.size()));
    auto path = PathOfVariable(name);
    if (path.empty()) continue;  // variables of scripts and tests share the prefix
    GF_TRY(MergeJson(variable.substr(0, equals), Nest(path, variable.substr(equals + 1)).dump(),
                     config));
  }
  return absl::OkStatus();
}

// A field by the name that JSON gives it, "minimum_count" or "minimumCount".
const pb::FieldDescriptor* FindField(const pb::Descriptor& type, const std::string& name) {
  const auto* field = type.FindFieldByName(name);
  return field != nullptr ? field : type.FindFieldByCamelcaseName(name);
}

// Takes out of `config` what a layer says anew. Merged onto the rest, even false, 0 and an empty
// list then win, lists are not appended and durations not added up; objects stay, for what the
// layer does not say of them.
void ClearSaid(const Json& said, pb::Message* config) {
  const pb::Reflection& reflection = *config->GetReflection();
  for (const auto& [name, value] : said.items()) {
    const auto* field = FindField(*config->GetDescriptor(), name);
    if (field == nullptr || (field->is_map() && value.is_object()))
      continue;  // maps are merged by key
    if (field->is_repeated() || !value.is_object()) {
      reflection.ClearField(config, field);
    } else if (reflection.HasField(*config, field)) {
      ClearSaid(value, reflection.MutableMessage(config, field));
    }
  }
}

// "127.0.0.1:8080", "[::1]:8080". Names are not looked up: they can be made to mean anything.
bool IsLoopback(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = address.substr(0, colon);
  if (host == "[::1]") return true;
  in_addr parsed{};
  return inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1 &&
         ntohl(parsed.s_addr) >> 24 == 127;
}

// Disclosure control can be off only where nobody else can ask.
Status CheckDisclosureControl(const v1::SiteConfig& config) {
  const std::string& control = config.discovery().disclosure_control();
  if (control.empty() || control == "on") return absl::OkStatus();
  constexpr std::string_view kKey = "discovery.disclosure_control";
  if (control != "off") return InvalidField(kKey, "CONFIG_INVALID", "must be on or off");
  std::vector<std::string> listeners;
  if (!config.gateway().listen().empty()) listeners.push_back(config.gateway().listen());
  for (const auto& [service, address] : config.network().grpc()) listeners.push_back(address);
  for (const auto& [process, address] : config.network().admin()) listeners.push_back(address);
  for (const std::string& address : listeners) {
    if (!IsLoopback(address)) {
      return InvalidField(kKey, "DISCLOSURE_CONTROL_REQUIRED",
                          "may be off only while every listener is on loopback, and {} is not",
                          address);
    }
  }
  return absl::OkStatus();
}

// A store of segments is shared, and what lies there is encrypted.
Status CheckSegmentStore(const v1::DiscoveryConfig& config) {
  if (config.has_segment_store() && !config.has_segment_key())
    return InvalidField("discovery.segment_key", "CONFIG_INVALID",
                        "must be set, since there is a segment_store");
  if (config.has_segment_key() && !config.has_segment_store())
    return InvalidField("discovery.segment_store", "CONFIG_INVALID",
                        "must be set, since there is a segment_key");
  if (config.has_segment_store() && !config.segment_store().has_s3() &&
      config.segment_store().local().directory().empty())
    return InvalidField("discovery.segment_store", "CONFIG_INVALID",
                        "must name s3 or local.directory");
  return absl::OkStatus();
}

Status Check(const v1::SiteConfig& config) {
  auto missing = [](std::string_view key) {
    return InvalidField(key, "CONFIG_MISSING", "must be set");
  };
  if (config.site().role() == v1::Site::ROLE_UNSPECIFIED) return missing("site.role");
  if (config.site().name().empty()) return missing("site.name");
  if (config.site().domain().empty()) return missing("site.domain");
  if (config.site().data_dir().empty()) return missing("site.data_dir");
  if ((config.site().role() == v1::Site::ROLE_HUB) != (config.site().name() == "hub")) {
    return InvalidField("site.name", "CONFIG_INVALID",
                        "the hub, and no other site, is named 'hub'");
  }
  if (config.network().certificate_file().empty()) return missing("network.certificate_file");
  if (config.network().private_key_file().empty()) return missing("network.private_key_file");
  if (config.network().bundle_file().empty()) return missing("network.bundle_file");
  if (config.trust().trust_file().empty()) return missing("trust.trust_file");
  if (config.trust().audience().empty()) return missing("trust.audience");
  GF_TRY(CheckDisclosureControl(config));
  GF_TRY(CheckSegmentStore(config.discovery()));
  return absl::OkStatus();
}

}  // namespace

Status MergeJson(std::string_view origin, std::string_view json, v1::SiteConfig* config) {
  // nlohmann skips the comments and says where the syntax is wrong; protobuf checks names and
  // types.
  Json parsed;
  try {
    parsed = Json::parse(json, nullptr, true, true);
  } catch (const Json::exception& e) {
    return Error(StatusCode::kInvalidArgument, "CONFIG_SYNTAX", "{}: {}", origin, e.what());
  }
  v1::SiteConfig layer;
  auto status = pb::util::JsonStringToMessage(parsed.dump(), &layer);
  if (!status.ok()) {
    return Error(StatusCode::kInvalidArgument, "CONFIG_INVALID", "{}: {}", origin,
                 status.ToString());
  }
  ClearSaid(parsed, config);
  config->MergeFrom(layer);
  return absl::OkStatus();
}

Result<v1::SiteConfig> Load(const Sources& sources) {
  v1::SiteConfig config;
  for (const std::string& file : sources.files) {
    GF_ASSIGN(std::string text, ReadFile(file, 4U << 20));
    GF_TRY(MergeJson(file, text, &config));
  }
  GF_TRY(MergeEnvironment(&config));
  for (const std::string& set : sources.sets) {
    auto equals = set.find('=');
    if (equals == std::string::npos) {
      return Error(StatusCode::kInvalidArgument, "CONFIG_INVALID", "--set {}: expected path=value",
                   set);
    }
    std::string_view path(set.data(), equals);
    GF_TRY(MergeJson(fmt::format("--set {}", path),
                     Nest(Split(path, '.'), set.substr(equals + 1)).dump(), &config));
  }
  GF_TRY(Check(config));
  return config;
}

std::string ForService(std::string text, std::string_view service) {
  constexpr std::string_view kPlaceholder = "{service}";
  for (std::size_t at = text.find(kPlaceholder); at != std::string::npos;
       at = text.find(kPlaceholder, at)) {
    text.replace(at, kPlaceholder.size(), service);
    at += service.size();
  }
  return text;
}

Result<std::string> ReadSecret(const v1::Secret& secret, std::string_view path,
                               std::string_view service) {
  if (secret.source_case() == v1::Secret::kFile) {
    auto content = ReadFile(ForService(secret.file(), service), 1U << 16);
    if (!content.ok()) return WithField(content.status(), path, "the secret's file cannot be read");
    if (content->ends_with('\n')) content->pop_back();
    return content;
  }
  if (secret.source_case() == v1::Secret::kEnv) {
    const char* value = std::getenv(secret.env().c_str());
    if (value == nullptr)
      return InvalidField(path, "SECRET_MISSING", "environment variable {} is not set",
                          secret.env());
    return std::string(value);
  }
  return InvalidField(path, "SECRET_MISSING", "must name a file or an environment variable");
}

std::chrono::milliseconds DurationOr(bool has, const google::protobuf::Duration& value,
                                     std::chrono::milliseconds fallback) {
  if (!has) return fallback;
  return std::chrono::milliseconds(value.seconds() * 1000 + value.nanos() / 1'000'000);
}

std::string ToJson(const v1::SiteConfig& config) {
  std::string text;
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = true;
  auto status = pb::util::MessageToJsonString(config, &text, options);
  return status.ok() ? text : "{}";
}

}  // namespace genofed::config
