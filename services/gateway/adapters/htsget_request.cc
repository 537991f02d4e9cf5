// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/htsget_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "services/gateway/adapters/object_access.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxPosition = 0xffff'ffff;  // "32-bit unsigned integer"

template <typename... Args>
Status Invalid(fmt::format_string<Args...> text, Args&&... args) {
  return Error(StatusCode::kInvalidArgument, "INVALID_INPUT", text, std::forward<Args>(args)...);
}

Status CheckFormat(std::string_view format) {
  const std::string upper = ToUpper(format);
  if (upper == "VCF") return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, "UNSUPPORTED_FORMAT",
               "the variants of this node are given as VCF only");
}

// The Crypt4GH form is the only one; a client may say so.
Status CheckScheme(std::string_view scheme) {
  if (ToLower(scheme) == "c4gh") return absl::OkStatus();
  return Invalid("encryptionScheme must be c4gh");
}

Status CheckClass(std::string_view name, HtsgetRequest& out) {
  if (name != "header") return Invalid("class must be header, if it is given");
  out.header_only = true;
  return absl::OkStatus();
}

Status CheckTags(const std::vector<std::string>& tags, const std::vector<std::string>& notags) {
  for (const std::string& tag : tags) {
    if (std::find(notags.begin(), notags.end(), tag) != notags.end())
      return Invalid("tags and notags must not name the same tag");
  }
  return absl::OkStatus();
}

std::vector<std::string> Words(std::string_view list) {
  std::vector<std::string> words;
  for (std::string_view word : Split(list, ',')) words.emplace_back(word);
  return words;
}

Result<std::int64_t> Position(std::string_view text, const char* name) {
  const auto value = ParseInt(text);
  if (!value.ok() || *value < 0 || *value > kMaxPosition || text.starts_with('+'))
    return Invalid("{} must be a number from 0 to {}", name, kMaxPosition);
  return *value;
}

Status CheckRange(const HtsgetRegion& region, bool empty_allowed) {
  if (!region.end || region.start < *region.end || (empty_allowed && region.start == *region.end))
    return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, "INVALID_RANGE", "start lies behind the end");
}

// Each parameter at most once.
Result<std::optional<std::string>> Only(const http::Request& request, const char* name) {
  const auto values = request.query.GetAll(name);
  if (values.size() > 1) return Invalid("{} comes more than once", name);
  if (values.empty()) return std::optional<std::string>();
  return std::optional<std::string>(values[0]);
}

Status ReadRegion(const http::Request& request, HtsgetRequest& out) {
  GF_ASSIGN(const auto reference, Only(request, "referenceName"));
  GF_ASSIGN(const auto start, Only(request, "start"));
  GF_ASSIGN(const auto end, Only(request, "end"));
  if ((start || end) && (!reference || *reference == "*"))
    return Invalid("start and end need a referenceName");
  if (!reference) return absl::OkStatus();
  HtsgetRegion region{*reference, 0, {}};
  if (start) {
    GF_ASSIGN(region.start, Position(*start, "start"));
  }
  if (end) {
    GF_ASSIGN(region.end, Position(*end, "end"));
  }
  GF_TRY(CheckRange(region, true));
  out.regions.push_back(std::move(region));
  return absl::OkStatus();
}

Result<HtsgetRequest> ParseGet(const http::Request& request) {
  static const std::set<std::string, std::less<>> kKnown = {"format", "class",  "referenceName",
                                                            "start",  "end",    "fields",
                                                            "tags",   "notags", "encryptionScheme"};
  HtsgetRequest out;
  for (const auto& [name, value] : request.query.entries()) {
    if (!kKnown.contains(name)) return Invalid("there is no such parameter as one of those given");
  }
  GF_ASSIGN(const auto format, Only(request, "format"));
  if (format) GF_TRY(CheckFormat(*format));
  GF_ASSIGN(const auto scheme, Only(request, "encryptionScheme"));
  if (scheme) GF_TRY(CheckScheme(*scheme));
  GF_ASSIGN(const auto fields, Only(request, "fields"));
  GF_ASSIGN(const auto tags, Only(request, "tags"));
  GF_ASSIGN(const auto notags, Only(request, "notags"));
  GF_TRY(CheckTags(tags && !tags->empty() ? Words(*tags) : std::vector<std::string>(),
                   notags ? Words(*notags) : std::vector<std::string>()));
  GF_TRY(ReadRegion(request, out));
  GF_ASSIGN(const auto name, Only(request, "class"));
  if (!name) return out;
  GF_TRY(CheckClass(*name, out));
  if (!out.regions.empty() || fields || tags || notags)
    return Invalid("with class=header only format may be given");
  return out;
}

Result<std::string> Text(const json& body, const char* name) {
  if (!body.at(name).is_string()) return Invalid("{} must be text", name);
  return body.at(name).get<std::string>();
}

Result<std::vector<std::string>> Texts(const json& body, const char* name) {
  std::vector<std::string> texts;
  if (!body.contains(name)) return texts;
  if (!body.at(name).is_array()) return Invalid("{} must be a list of texts", name);
  for (const json& text : body.at(name)) {
    if (!text.is_string()) return Invalid("{} must be a list of texts", name);
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Result<HtsgetRegion> RegionOf(const json& entry) {
  if (!entry.is_object() || !entry.contains("referenceName"))
    return Invalid("each region needs a referenceName");
  HtsgetRegion region;
  GF_ASSIGN(region.reference, Text(entry, "referenceName"));
  for (const auto& [name, value] : entry.items()) {
    if (name == "referenceName") continue;
    if (name != "start" && name != "end")
      return Invalid("a region has referenceName, start and end only");
    if (!value.is_number_unsigned() ||
        value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxPosition))
      return Invalid("{} must be a number from 0 to {}", name, kMaxPosition);
    (name == "start" ? region.start : region.end.emplace()) = value.get<std::int64_t>();
  }
  if (region.reference == "*" && entry.size() > 1) return Invalid("start and end need a reference");
  GF_TRY(CheckRange(region, false));
  return region;
}

Status ReadRegions(const json& body, HtsgetRequest& out) {
  if (!body.contains("regions")) return absl::OkStatus();
  const json& regions = body.at("regions");
  if (!regions.is_array() || regions.empty())
    return Invalid("regions must be a list that is not empty");
  if (regions.size() > kMaxHtsgetRegions)
    return Invalid("at most {} regions in one request", kMaxHtsgetRegions);
  for (const json& entry : regions) {
    GF_ASSIGN(HtsgetRegion region, RegionOf(entry));
    out.regions.push_back(std::move(region));
  }
  return absl::OkStatus();
}

Result<HtsgetRequest> ParsePost(const http::Request& request) {
  if (!request.query.entries().empty()) return Invalid("a POST takes no parameters in its address");
  HtsgetRequest out;
  if (request.body.empty()) return out;
  const auto parsed = crypto::ParseStrictJson(request.body, {.max_bytes = std::size_t{1} << 20});
  if (!parsed.ok() || !parsed->is_object()) return Invalid("the body must be a JSON object");
  const json& body = *parsed;
  static const std::set<std::string, std::less<>> kKnown = {
      "format", "class", "fields", "tags", "notags", "regions", "passports", "encryptionScheme"};
  for (const auto& [name, value] : body.items()) {
    if (!kKnown.contains(name)) return Invalid("the body has a member that is not known");
  }
  if (body.contains("format")) {
    GF_ASSIGN(const std::string format, Text(body, "format"));
    GF_TRY(CheckFormat(format));
  }
  if (body.contains("encryptionScheme")) {
    GF_ASSIGN(const std::string scheme, Text(body, "encryptionScheme"));
    GF_TRY(CheckScheme(scheme));
  }
  GF_TRY(Texts(body, "fields"));
  GF_ASSIGN(const auto tags, Texts(body, "tags"));
  GF_ASSIGN(const auto notags, Texts(body, "notags"));
  GF_TRY(CheckTags(tags, notags));
  GF_TRY(ReadRegions(body, out));
  const auto passports = ObjectAccess::PassportsOf(body);
  if (!passports.ok()) return Invalid("{}", Message(passports.status()));
  out.passports = *passports;
  if (!body.contains("class")) return out;
  GF_ASSIGN(const std::string name, Text(body, "class"));
  GF_TRY(CheckClass(name, out));
  for (const char* other : {"fields", "tags", "notags", "regions"}) {
    if (body.contains(other)) return Invalid("with class=header only format may be given");
  }
  return out;
}

}  // namespace

Result<HtsgetRequest> ParseHtsgetRequest(const http::Request& request) {
  return request.method == http::Method::kPost ? ParsePost(request) : ParseGet(request);
}

}  // namespace genofed::gateway
