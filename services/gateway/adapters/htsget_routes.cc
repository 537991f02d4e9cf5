// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/htsget_routes.h"

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypt4gh/edit_list.h"
#include "services/gateway/adapters/ga4gh_json.h"
#include "services/gateway/adapters/htsget_request.h"

namespace genofed::gateway {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;
namespace ov1 = onboarding::v1;

constexpr char kBase[] = "/ga4gh/htsget/v1";
constexpr char kTicketType[] = "application/vnd.ga4gh.htsget.v1.3.0+json; charset=utf-8";
constexpr std::size_t kMaxBody = std::size_t{256} << 10;  // a passport and a hundred regions

Result<Response> TicketAnswer(const json& document) {
  Response response = http::Json(200, DumpJson(document));
  response.headers.Set("Content-Type", kTicketType);
  return response;
}

// What a client fetches, and what it then leaves out.
struct Pieces {
  std::vector<crypt4gh::ByteRange> body;
  crypt4gh::EditList edit_list;
};

// "Data blocks should not exceed ~1GB": whole segments, 256 MiB at most.
std::vector<crypt4gh::ByteRange> Split(const std::vector<crypt4gh::ByteRange>& body) {
  constexpr std::uint64_t kMost = 4096 * crypt4gh::kSealedSegmentBytes;
  std::vector<crypt4gh::ByteRange> pieces;
  for (const auto& range : body) {
    for (std::uint64_t at = range.begin; at < range.end; at += kMost)
      pieces.push_back({at, std::min(at + kMost, range.end)});
  }
  return pieces;
}

class HtsgetRoutes {
 public:
  HtsgetRoutes(SiteFacts site, std::shared_ptr<const ObjectAccess> access)
      : site_(std::move(site)), access_(std::move(access)) {}

  Result<Response> VariantsInfo(const Request&) const {
    return Info("variants", json::array({"VCF"}));
  }
  Result<Response> ReadsInfo(const Request&) const { return Info("reads", json::array()); }

  Result<Response> Variants(const Request& request) const {
    GF_ASSIGN(const HtsgetRequest asked, ParseHtsgetRequest(request));
    GF_ASSIGN(const std::string access, AccessFor(request, asked));
    GF_ASSIGN(const Pieces pieces, PiecesFor(request, asked, access));
    GF_ASSIGN(const std::string header,
              access_->Header(request, request.Param("id"), access, pieces.edit_list));
    return TicketAnswer(Ticket(request.Param("id"), access, header, pieces));
  }

  Result<Response> Reads(const Request&) const {
    return Error(StatusCode::kNotFound, "NO_READS", "this node has no reads");
  }

  Result<Response> Data(const Request& request) const {
    return access_->StreamBody(request, request.Param("id"));
  }

 private:
  Result<Response> Info(const char* datatype, json formats) const {
    json info = ga4gh::ToJson(ServiceInfoOf(site_, "htsget", "1.3.0"));
    info["htsget"] = {{"datatype", datatype},
                      {"formats", std::move(formats)},
                      {"fieldsParameterEffective", false},
                      {"tagsParametersEffective", false}};
    return JsonAnswer(info);
  }

  // One that was opened through DRS, or one that is opened now.
  Result<std::string> AccessFor(const Request& request, const HtsgetRequest& asked) const {
    if (asked.passports.empty()) return ObjectAccess::AccessOf(request);
    GF_ASSIGN(const auto opened, access_->Open(request, request.Param("id"), asked.passports));
    return opened.access();
  }

  Result<Pieces> PiecesFor(const Request& request, const HtsgetRequest& asked,
                           const std::string& access) const {
    GF_ASSIGN(const auto facts, access_->Facts(request, request.Param("id"), access));
    if (facts.role() != "genotypes")
      return Error(StatusCode::kNotFound, "NOT_VARIANTS", "this object holds no variants");
    if (!asked.header_only && asked.regions.empty())
      return Pieces{Split({{0, static_cast<std::uint64_t>(facts.body_size())}}), {}};
    ov1::PlanRegionsRequest plan;
    plan.set_object(request.Param("id"));
    plan.set_access(access);
    plan.set_peer(request.peer);
    for (const HtsgetRegion& region : asked.regions) {
      ov1::Region* out = plan.add_regions();
      out->set_reference(region.reference);
      out->set_start(region.start);
      if (region.end) out->set_end(*region.end);
    }
    GF_ASSIGN(const auto planned, access_->Plan(request, plan));
    std::vector<crypt4gh::ByteRange> ranges;
    for (const ov1::ByteRange& range : planned.ranges())
      ranges.push_back(
          {static_cast<std::uint64_t>(range.begin()), static_cast<std::uint64_t>(range.end())});
    GF_ASSIGN(auto plan_of_body,
              crypt4gh::PlanRange(static_cast<std::uint64_t>(facts.plain_size()), ranges));
    return Pieces{Split(plan_of_body.body), std::move(plan_of_body.edit_list)};
  }

  json Ticket(const std::string& id, const std::string& access, const std::string& header,
              const Pieces& pieces) const {
    json urls =
        json::array({{{"url", "data:application/octet-stream;base64," + Base64Encode(header)}}});
    const std::string data = site_.public_url + kBase + "/data/" + http::PercentEncode(id);
    for (const crypt4gh::ByteRange& piece : pieces.body) {
      urls.push_back({{"url", data},
                      {"headers",
                       {{kAccessHeader, access},
                        {"Range", fmt::format("bytes={}-{}", piece.begin, piece.end - 1)}}}});
    }
    return {{"htsget", {{"format", "VCF"}, {"urls", std::move(urls)}}}};
  }

  const SiteFacts site_;
  const std::shared_ptr<const ObjectAccess> access_;
};

}  // namespace

void AddHtsgetRoutes(Api& api, const SiteFacts& site, std::shared_ptr<const ObjectAccess> access) {
  const auto routes = std::make_shared<const HtsgetRoutes>(site, std::move(access));
  using Handler = Result<Response> (HtsgetRoutes::*)(const Request&) const;
  const auto add = [&](Method method, const char* path, Access who, const char* summary,
                       Handler handler) {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.pattern = std::string(kBase) + path;
    endpoint.family = http::ApiFamily::kHtsget;
    endpoint.access = who;
    endpoint.who = who == Access::kPublic ? "anyone" : "smart layers with an access";
    endpoint.summary = summary;
    endpoint.max_body_bytes = kMaxBody;
    endpoint.handler = [routes, handler](const Request& request) {
      return ((*routes).*handler)(request);
    };
    api.Add(std::move(endpoint));
  };
  add(Method::kGet, "/service-info", Access::kPublic, "What this service is",
      &HtsgetRoutes::VariantsInfo);
  add(Method::kGet, "/variants/service-info", Access::kPublic, "The same",
      &HtsgetRoutes::VariantsInfo);
  add(Method::kGet, "/reads/service-info", Access::kPublic, "That there are no reads",
      &HtsgetRoutes::ReadsInfo);
  add(Method::kGet, "/variants/{id}", Access::kUser,
      "A ticket for genotypes: whole, header, or a region", &HtsgetRoutes::Variants);
  add(Method::kPost, "/variants/{id}", Access::kUser, "The same for several regions",
      &HtsgetRoutes::Variants);
  add(Method::kGet, "/reads/{id}", Access::kUser, "There are no reads", &HtsgetRoutes::Reads);
  add(Method::kPost, "/reads/{id}", Access::kUser, "There are no reads", &HtsgetRoutes::Reads);
  add(Method::kGet, "/data/{id}", Access::kUser, "A block that a ticket names",
      &HtsgetRoutes::Data);
}

}  // namespace genofed::gateway
