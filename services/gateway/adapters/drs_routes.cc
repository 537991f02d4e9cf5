// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/drs_routes.h"

#include <nlohmann/json.hpp>

#include "services/gateway/adapters/ga4gh_json.h"

namespace genofed::gateway {
namespace {

using http::Request;
using http::Response;
using nlohmann::json;
namespace v1 = onboarding::v1;

constexpr char kBase[] = "/ga4gh/drs/v1";
constexpr char kListSubmissions[] = "genofed.onboarding.v1.OnboardingService/ListSubmissions";
constexpr char kListObjects[] = "genofed.onboarding.v1.OnboardingService/ListObjects";

std::string HostOf(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

// Looks through the datasets of the caller's own submissions: an object of somebody else is as
// unknown as none.
Result<Response> Get(const Request& request, const SiteFacts& site, const UnaryCaller& caller) {
  GF_ASSIGN(const auto submissions,
            Call<v1::ListSubmissionsResponse>(caller, request.ctx, "onboarding", kListSubmissions,
                                              v1::ListSubmissionsRequest()));
  for (const v1::Submission& submission : submissions.submissions()) {
    if (submission.state() != v1::Submission::STATE_PUBLISHED) continue;
    v1::ListObjectsRequest list;
    list.mutable_dataset()->set_dataset(submission.dataset().id());
    list.mutable_dataset()->set_version(submission.version());
    const auto objects =
        Call<v1::ListObjectsResponse>(caller, request.ctx, "onboarding", kListObjects, list);
    if (!objects.ok()) {
      // Coordinators and operators see submissions, but no objects.
      if (objects.status().code() == StatusCode::kPermissionDenied ||
          objects.status().code() == StatusCode::kNotFound)
        continue;
      return objects.status();
    }
    for (const v1::Object& object : objects->objects()) {
      if (object.id() == request.Param("object_id")) {
        return http::Json(200, RenderDrsObject(site, object, submission.version()));
      }
    }
  }
  return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN",
               "there is no such object, or it is not yours");
}

}  // namespace

std::string RenderDrsObject(const SiteFacts& site, const v1::Object& object, std::int32_t version) {
  json out = {
      {"id", object.id()},
      {"name", object.name() + ".c4gh"},
      {"self_uri", "drs://" + HostOf(site.public_url) + "/" + object.id()},
      {"size", object.body_size()},
      {"version", std::to_string(version)},
      {"mime_type", "application/octet-stream"},
      {"description", "Encrypted " + object.role() + "; processed at this node only."},
      {"checksums", json::array({{{"type", "sha-256"}, {"checksum", object.body_sha256()}}})}};
  SetWholeSeconds(out, "created_time", true, object.created());
  SetWholeSeconds(out, "updated_time", true, object.created());
  return DumpJson(out);
}

void AddDrsRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller) {
  json info = ga4gh::ToJson(ServiceInfoOf(site, "drs", "1.5.0"));
  info["maxBulkRequestLength"] = 1;
  info["drs"] = {{"maxBulkRequestLength", 1}};
  Endpoint about;
  about.pattern = std::string(kBase) + "/service-info";
  about.family = http::ApiFamily::kDrs;
  about.summary = "What this service is";
  about.handler = [text = info.dump()](const Request&) -> Result<Response> {
    return http::Json(200, text);
  };
  api.Add(std::move(about));

  Endpoint object;
  object.pattern = std::string(kBase) + "/objects/{object_id}";
  object.family = http::ApiFamily::kDrs;
  object.access = Access::kUser;
  object.who = "role holder";
  object.summary = "What this node keeps of a dataset; no bytes leave";
  object.handler = [site, caller](const Request& request) { return Get(request, site, caller); };
  api.Add(std::move(object));
}

}  // namespace genofed::gateway
