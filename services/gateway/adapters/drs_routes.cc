// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/drs_routes.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/strict_json.h"
#include "libs/http/problem.h"
#include "services/gateway/adapters/ga4gh_json.h"

namespace genofed::gateway {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;
namespace ov1 = onboarding::v1;

constexpr char kBase[] = "/ga4gh/drs/v1";
constexpr std::size_t kMaxBulk = 20;
constexpr char kFileAccess[] = "crypt4gh";
constexpr char kHtsgetAccess[] = "htsget";

std::string HostOf(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

json RenderAuthorizations(const std::string& object, const DrsIssuers& issuers) {
  json out = {{"supported_types", json::array({"PassportAuth", "BearerAuth"})},
              {"passport_auth_issuers", issuers.visas},
              {"bearer_auth_issuers", issuers.bearer}};
  if (!object.empty()) out["drs_object_id"] = object;
  return out;
}

Status InvalidBody(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "BODY_INVALID", "the body must be {}", what);
}

Result<json> BodyOf(const Request& request) {
  if (request.body.empty()) return json::object();
  GF_ASSIGN(json body, crypto::ParseStrictJson(request.body, {.max_bytes = std::size_t{1} << 20}));
  if (!body.is_object()) return InvalidBody("a JSON object");
  return body;
}

// Distinct texts under `name`.
Result<std::vector<std::string>> TextsOf(const json& body, const char* name) {
  std::vector<std::string> texts;
  if (!body.contains(name) || !body.at(name).is_array() || body.at(name).empty())
    return InvalidField(name, "BODY_INVALID", "must be a list that is not empty");
  for (const json& text : body.at(name)) {
    if (!text.is_string()) return InvalidField(name, "BODY_INVALID", "must be a list of texts");
    texts.push_back(text.get<std::string>());
  }
  if (texts.size() > kMaxBulk)
    return Error(StatusCode::kInvalidArgument, http::kBodyTooLarge,
                 "at most {} objects in one request", kMaxBulk);
  return texts;
}

// The answer of a bulk request, item by item. Errors of the service itself fail all of it.
class Bulk {
 public:
  Status Add(const std::string& object, Result<json> resolved) {
    ++requested_;
    if (resolved.ok()) {
      resolved_.push_back(*std::move(resolved));
      return absl::OkStatus();
    }
    const int code = http::HttpStatusOf(resolved.status());
    if (code >= 500 || code == 429) return resolved.status();
    unresolved_[code].push_back(object);
    return absl::OkStatus();
  }
  json Render(const char* member) const {
    json unresolved = json::array();
    for (const auto& [code, objects] : unresolved_)
      unresolved.push_back({{"error_code", code}, {"object_ids", objects}});
    return {{"summary",
             {{"requested", requested_},
              {"resolved", resolved_.size()},
              {"unresolved", requested_ - resolved_.size()}}},
            {"unresolved_drs_objects", unresolved},
            {member, resolved_}};
  }

 private:
  std::size_t requested_ = 0;
  json resolved_ = json::array();
  std::map<int, std::vector<std::string>> unresolved_;
};

json ReaderMethods(const ov1::Object& object, const DrsIssuers& issuers) {
  const auto method = [&](const char* type, const char* id) {
    return json{{"type", type},
                {"access_id", id},
                {"available", true},
                {"authorizations", RenderAuthorizations("", issuers)}};
  };
  json methods = json::array({method("https", kFileAccess)});
  if (object.role() == "genotypes") methods.push_back(method("htsget", kHtsgetAccess));
  return methods;
}

std::string SelfUri(const SiteFacts& site, const std::string& id) {
  return "drs://" + HostOf(site.public_url) + "/" + id;
}

// A version of a dataset as a bundle. Its checksum is what the standard says of bundles: that
// of the sorted and joined checksums of its contents.
json BundleJson(const SiteFacts& site, const ov1::GetObjectResponse& found) {
  const std::string& dataset = found.dataset().dataset();
  json contents = json::array();
  std::vector<std::string> checksums;
  std::map<std::string, int> names;
  std::int64_t size = 0;
  for (const ov1::Object& object : found.contents()) {
    // Names within a bundle differ; a version that grew has genotypes in several objects.
    const int before = names[object.name()]++;
    const std::string prefix = before == 0 ? "" : std::to_string(before + 1) + "-";
    contents.push_back({{"name", prefix + object.name() + ".c4gh"},
                        {"id", object.id()},
                        {"drs_uri", json::array({SelfUri(site, object.id())})}});
    checksums.push_back(object.body_sha256());
    size += object.body_size() + (found.readable() ? kReaderHeaderBytes : 0);
  }
  std::sort(checksums.begin(), checksums.end());
  std::string joined;
  for (const std::string& checksum : checksums) joined += checksum;
  json out = {{"id", dataset},
              {"name", dataset},
              {"self_uri", SelfUri(site, dataset)},
              {"version", std::to_string(found.dataset().version())},
              {"size", size},
              {"description", "One version of the dataset."},
              {"checksums",
               json::array({{{"type", found.readable() ? "sha-256-of-crypt4gh-body" : "sha-256"},
                             {"checksum", HexEncode(crypto::Sha256(joined))}}})},
              {"contents", std::move(contents)}};
  if (found.contents_size() > 0)
    SetWholeSeconds(out, "created_time", true, found.contents(0).created());
  return out;
}

json ObjectJson(const SiteFacts& site, const ov1::GetObjectResponse& found,
                const DrsIssuers& issuers) {
  if (!found.has_object()) return BundleJson(site, found);
  const ov1::Object& object = found.object();
  json out = {{"id", object.id()},
              {"name", object.name() + ".c4gh"},
              {"self_uri", SelfUri(site, object.id())},
              {"version", std::to_string(found.dataset().version())},
              {"mime_type", "application/octet-stream"}};
  SetWholeSeconds(out, "created_time", true, object.created());
  SetWholeSeconds(out, "updated_time", true, object.created());
  if (!found.readable()) {
    out["size"] = object.body_size();
    out["description"] = "Encrypted " + object.role() + "; processed at this node only.";
    out["checksums"] = json::array({{{"type", "sha-256"}, {"checksum", object.body_sha256()}}});
    return out;
  }
  // The header differs from reader to reader, so the whole has no checksum that could be told
  // beforehand.
  out["size"] = object.body_size() + kReaderHeaderBytes;
  out["description"] =
      "Crypt4GH file of " + object.role() + " for the reader's key: a header, then the body.";
  out["checksums"] =
      json::array({{{"type", "sha-256-of-crypt4gh-body"}, {"checksum", object.body_sha256()}},
                   {{"type", "sha-256-of-decrypted"}, {"checksum", object.plain_sha256()}}});
  out["aliases"] = json::array({found.dataset().dataset() + "/" +
                                std::to_string(found.dataset().version()) + "/" + object.name()});
  out["access_methods"] = ReaderMethods(object, issuers);
  return out;
}

class DrsRoutes {
 public:
  DrsRoutes(SiteFacts site, std::shared_ptr<const ObjectAccess> access, IssuerSource issuers)
      : site_(std::move(site)), access_(std::move(access)), issuers_(std::move(issuers)) {}

  Result<Response> ServiceInfo(const Request&) const {
    json info = ga4gh::ToJson(ServiceInfoOf(site_, "drs", "1.5.0"));
    info["maxBulkRequestLength"] = kMaxBulk;
    info["drs"] = {{"maxBulkRequestLength", kMaxBulk}};
    return JsonAnswer(info);
  }

  Result<Response> Get(const Request& request) const { return Describe(request, {}); }
  Result<Response> Post(const Request& request) const {
    GF_ASSIGN(const json body, BodyOf(request));
    GF_ASSIGN(const auto passports, ObjectAccess::PassportsOf(body));
    return Describe(request, passports);
  }

  // Says nothing about whether there is such an object: nobody had to say who they are.
  Result<Response> Options(const Request& request) const {
    return JsonAnswer(RenderAuthorizations(request.Param("object_id"), issuers_()));
  }
  Result<Response> BulkOptions(const Request& request) const {
    GF_ASSIGN(const json body, BodyOf(request));
    GF_ASSIGN(const auto objects, TextsOf(body, "bulk_object_ids"));
    Bulk bulk;
    for (const std::string& object : objects)
      GF_TRY(bulk.Add(object, RenderAuthorizations(object, issuers_())));
    return JsonAnswer(bulk.Render("resolved_drs_object"));
  }

  Result<Response> BulkPost(const Request& request) const {
    GF_ASSIGN(const json body, BodyOf(request));
    GF_ASSIGN(const auto passports, ObjectAccess::PassportsOf(body));
    GF_ASSIGN(const auto objects, TextsOf(body, "bulk_object_ids"));
    Bulk bulk;
    for (const std::string& object : objects) {
      const auto found = access_->Describe(request, object, passports);
      GF_TRY(bulk.Add(object, found.ok() ? Result<json>(ObjectJson(site_, *found, issuers_()))
                                         : found.status()));
    }
    return JsonAnswer(bulk.Render("resolved_drs_object"));
  }

  Result<Response> GetAccess(const Request&) const {
    return Error(StatusCode::kPermissionDenied, "PASSPORT_MISSING",
                 "files leave only for a GA4GH passport: POST it to this address");
  }
  Result<Response> PostAccess(const Request& request) const {
    GF_ASSIGN(const json body, BodyOf(request));
    GF_ASSIGN(const auto passports, ObjectAccess::PassportsOf(body));
    GF_ASSIGN(const json url, AccessUrl(request, request.Param("object_id"),
                                        request.Param("access_id"), passports));
    return JsonAnswer(url);
  }
  Result<Response> BulkAccess(const Request& request) const;

  Result<Response> Bytes(const Request& request) const {
    return access_->StreamFile(request, request.Param("object_id"));
  }

 private:
  Result<Response> Describe(const Request& request,
                            const std::vector<std::string>& passports) const {
    GF_ASSIGN(const auto found, access_->Describe(request, request.Param("object_id"), passports));
    return JsonAnswer(ObjectJson(site_, found, issuers_()));
  }

  Result<json> AccessUrl(const Request& request, const std::string& object,
                         const std::string& access_id,
                         const std::vector<std::string>& passports) const {
    if (access_id != kFileAccess && access_id != kHtsgetAccess)
      return Error(StatusCode::kNotFound, "ACCESS_ID_UNKNOWN",
                   "the object has no such access method");
    GF_ASSIGN(const auto opened, access_->Open(request, object, passports));
    const std::string name = http::PercentEncode(object);
    const std::string url = access_id == kFileAccess
                                ? site_.public_url + kBase + "/objects/" + name + "/bytes"
                                : site_.public_url + "/ga4gh/htsget/v1/variants/" + name;
    return json{{"url", url},
                {"headers", json::array({std::string(kAccessHeader) + ": " + opened.access()})}};
  }

  const SiteFacts site_;
  const std::shared_ptr<const ObjectAccess> access_;
  const IssuerSource issuers_;
};

Result<Response> DrsRoutes::BulkAccess(const Request& request) const {
  GF_ASSIGN(const json body, BodyOf(request));
  GF_ASSIGN(const auto passports, ObjectAccess::PassportsOf(body));
  const char* const kList = "bulk_object_access_ids";
  if (!body.contains(kList) || !body.at(kList).is_array() || body.at(kList).empty())
    return InvalidField(kList, "BODY_INVALID", "must be a list that is not empty");
  std::vector<std::pair<std::string, std::string>> wanted;
  for (const json& entry : body.at(kList)) {
    if (!entry.is_object() || !entry.contains("bulk_object_id") ||
        !entry.at("bulk_object_id").is_string())
      return InvalidField(kList, "BODY_INVALID", "each entry names a bulk_object_id");
    GF_ASSIGN(const auto ids, TextsOf(entry, "bulk_access_ids"));
    for (const std::string& id : ids)
      wanted.emplace_back(entry.at("bulk_object_id").get<std::string>(), id);
  }
  if (wanted.size() > kMaxBulk)
    return Error(StatusCode::kInvalidArgument, http::kBodyTooLarge,
                 "at most {} accesses in one request", kMaxBulk);
  Bulk bulk;
  for (const auto& [object, id] : wanted) {
    Result<json> url = AccessUrl(request, object, id, passports);
    if (url.ok()) {
      (*url)["drs_object_id"] = object;
      (*url)["drs_access_id"] = id;
    }
    GF_TRY(bulk.Add(object, std::move(url)));
  }
  return JsonAnswer(bulk.Render("resolved_drs_object_access_urls"));
}

}  // namespace

std::string RenderDrsObject(const SiteFacts& site, const ov1::GetObjectResponse& found,
                            const DrsIssuers& issuers) {
  return DumpJson(ObjectJson(site, found, issuers));
}

void AddDrsRoutes(Api& api, const SiteFacts& site, std::shared_ptr<const ObjectAccess> access,
                  IssuerSource issuers) {
  const auto routes =
      std::make_shared<const DrsRoutes>(site, std::move(access), std::move(issuers));
  using Handler = Result<Response> (DrsRoutes::*)(const Request&) const;
  const auto add = [&](Method method, const char* path, Access who, const char* role,
                       const char* summary, Handler handler) {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.pattern = std::string(kBase) + path;
    endpoint.family = http::ApiFamily::kDrs;
    endpoint.access = who;
    endpoint.who = role;
    endpoint.summary = summary;
    endpoint.handler = [routes, handler](const Request& request) {
      return ((*routes).*handler)(request);
    };
    api.Add(std::move(endpoint));
  };
  constexpr char kReader[] = "smart layers with a passport";
  add(Method::kGet, "/service-info", Access::kPublic, "anyone", "What this service is",
      &DrsRoutes::ServiceInfo);
  add(Method::kGet, "/objects/{object_id}", Access::kUser, "role holder",
      "An object, or a dataset as a bundle of them", &DrsRoutes::Get);
  add(Method::kPost, "/objects/{object_id}", Access::kUser, kReader,
      "The same for a passport, with access methods", &DrsRoutes::Post);
  add(Method::kOptions, "/objects/{object_id}", Access::kPublic, "anyone",
      "What an object is opened by", &DrsRoutes::Options);
  add(Method::kPost, "/objects", Access::kUser, kReader, "Several objects", &DrsRoutes::BulkPost);
  add(Method::kOptions, "/objects", Access::kPublic, "anyone", "What several objects are opened by",
      &DrsRoutes::BulkOptions);
  add(Method::kGet, "/objects/{object_id}/access/{access_id}", Access::kUser, kReader,
      "Always refused: POST a passport", &DrsRoutes::GetAccess);
  add(Method::kPost, "/objects/{object_id}/access/{access_id}", Access::kUser, kReader,
      "Open an access: crypt4gh (the file) or htsget (regions of it)", &DrsRoutes::PostAccess);
  add(Method::kPost, "/objects/access", Access::kUser, kReader, "Open several accesses",
      &DrsRoutes::BulkAccess);
  add(Method::kGet, "/objects/{object_id}/bytes", Access::kUser, kReader,
      "The Crypt4GH file for the access's key; ranges", &DrsRoutes::Bytes);
}

}  // namespace genofed::gateway
