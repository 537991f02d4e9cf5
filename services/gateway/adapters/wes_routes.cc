// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/wes_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/ga4gh/service_info.h"
#include "services/gateway/adapters/ga4gh_json.h"

namespace genofed::gateway {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;
namespace v1 = dispatcher::v1;

constexpr std::string_view kRuns = "genofed.dispatcher.v1.RunService/";
constexpr char kBase[] = "/ga4gh/wes/v1";
constexpr std::size_t kDefaultTasks = 100;

std::string StateOf(v1::State state) { return WithoutPrefix(v1::State_Name(state), "STATE_"); }

json RequestOf(const v1::RunRequest& run) {
  json params = {{"application", run.application()},
                 {"datasets", json::array()},
                 {"parameters", json::object()}};
  for (const std::string& dataset : run.datasets()) params["datasets"].push_back(dataset);
  for (const auto& [name, value] : run.parameters()) params["parameters"][name] = value;
  json tags = json::object();
  for (const auto& [name, value] : run.tags()) tags[name] = value;
  return {{"workflow_params", std::move(params)},
          {"workflow_type", run.workflow_type()},
          {"workflow_type_version", run.workflow_type_version()},
          {"workflow_url", run.workflow_url()},
          {"tags", std::move(tags)}};
}

bool HasEnded(v1::State state) { return state >= v1::STATE_COMPLETE; }

// One part: the share of a node in a run, as a task of it.
json TaskLog(const v1::Part& part) {
  json task = {{"id", part.id()},
               {"name", part.site() + "/" + part.dataset()},
               {"cmd", json::array()},
               {"state", StateOf(part.state())},
               {"system_logs", json::array()}};
  if (!part.reason().empty()) task["system_logs"].push_back(part.reason());
  if (!part.message().empty()) task["system_logs"].push_back(part.message());
  if (HasEnded(part.state())) SetWholeSeconds(task, "end_time", part.has_changed(), part.changed());
  return task;
}

class Wes {
 public:
  Wes(const SiteFacts& site, const UnaryCaller& caller, const Clock& clock, Random& random)
      : site_(site), caller_(caller), clock_(clock), random_(random) {}

  Result<Response> Submit(const Request& request) const {
    v1::SubmitRunRequest submit;
    GF_ASSIGN(*submit.mutable_run(),
              ParseRunRequest(request.headers.Get("Content-Type").value_or(""), request.body));
    // Calls between services are repeated when one does not answer: without a key of the caller's
    // it gets ours.
    const auto key = request.headers.Get("Idempotency-Key");
    submit.set_idempotency_key(key ? std::string(*key) : NewId("wes", clock_, random_));
    GF_ASSIGN(const auto answer, Rpc<v1::SubmitRunResponse>(request, "SubmitRun", submit));
    return RunId(answer.id());
  }

  Result<Response> List(const Request& request) const {
    v1::ListRunsRequest list;
    GF_ASSIGN(const std::size_t size, PageSize(request, 0));
    list.set_page_size(static_cast<std::int32_t>(size));
    list.set_page_token(std::string(request.query.Get("page_token").value_or("")));
    GF_ASSIGN(const auto answer, Rpc<v1::ListRunsResponse>(request, "ListRuns", list));
    return http::Json(200, RenderRunList(answer));
  }

  Result<Response> Log(const Request& request) const {
    GF_ASSIGN(const v1::Run run, Get(request));
    return http::Json(200, RenderRunLog(site_, run));
  }

  Result<Response> Status(const Request& request) const {
    GF_ASSIGN(const v1::Run run, Get(request));
    return JsonAnswer({{"run_id", run.id()}, {"state", StateOf(run.state())}});
  }

  Result<Response> Cancel(const Request& request) const {
    v1::CancelRunRequest cancel;
    cancel.set_id(request.Param("run_id"));
    GF_ASSIGN(const auto answer, Rpc<v1::CancelRunResponse>(request, "CancelRun", cancel));
    return RunId(cancel.id());
  }

  Result<Response> Tasks(const Request& request) const {
    GF_ASSIGN(const v1::Run run, Get(request));
    GF_ASSIGN(const std::size_t size, PageSize(request, kDefaultTasks));
    const auto token = request.query.Get("page_token").value_or("");
    const auto first = token.empty() ? Result<std::int64_t>(0) : ParseInt(token);
    if (!first.ok() || *first < 0)
      return InvalidField("page_token", "FIELD_INVALID", "is not one of ours");
    return http::Json(
        200, RenderRunTasks(run, static_cast<std::size_t>(*first), std::max<std::size_t>(size, 1)));
  }

  Result<Response> Task(const Request& request) const {
    GF_ASSIGN(const v1::Run run, Get(request));
    for (const v1::Part& part : run.parts()) {
      if (part.id() == request.Param("task_id")) return JsonAnswer(TaskLog(part));
    }
    return Error(StatusCode::kNotFound, "TASK_UNKNOWN", "this run has no such task");
  }

  std::string ServiceInfo() const {
    ga4gh::ServiceInfo info = ServiceInfoOf(site_, "wes", "1.1.0");
    json out = ga4gh::ToJson(info);
    out["workflow_type_versions"]["OCI"]["workflow_type_version"] = json::array({"1.0"});
    out["workflow_engine_versions"]["genofed"]["workflow_engine_version"] = json::array({"0.1.0"});
    out["supported_wes_versions"] = json::array({"1.1.0"});
    out["supported_filesystem_protocols"] = json::array();
    out["default_workflow_engine_parameters"] = json::array();
    out["system_state_counts"] = json::object();
    out["auth_instructions_url"] = site_.public_url + "/docs";
    out["tags"] = {{"accepts_runs", site_.hub ? "true" : "false"}};
    return out.dump();
  }

 private:
  template <typename Answer, typename Message>
  Result<Answer> Rpc(const Request& request, std::string_view method,
                     const Message& message) const {
    return Call<Answer>(caller_, request.ctx, "dispatcher",
                        std::string(kRuns) + std::string(method), message);
  }

  Result<v1::Run> Get(const Request& request) const {
    v1::GetRunRequest get;
    get.set_id(request.Param("run_id"));
    GF_ASSIGN(auto answer, Rpc<v1::GetRunResponse>(request, "GetRun", get));
    return std::move(*answer.mutable_run());
  }

  static Result<Response> RunId(const std::string& id) { return JsonAnswer({{"run_id", id}}); }

  const SiteFacts site_;
  const UnaryCaller caller_;
  const Clock& clock_;
  Random& random_;
};

using WesMethod = Result<Response> (Wes::*)(const Request&) const;

}  // namespace

std::string RenderRunLog(const SiteFacts& site, const v1::Run& run) {
  json log = {{"name", run.request().workflow_url()},
              {"cmd", json::array()},
              {"system_logs", json::array()}};
  SetWholeSeconds(log, "start_time", run.has_created(), run.created());
  SetWholeSeconds(log, "end_time", run.has_finished(), run.finished());
  if (!run.message().empty()) log["system_logs"].push_back(run.message());
  json outputs = json::object();
  for (const std::string& name : run.outputs()) {
    outputs[name] = site.public_url + "/api/v1/runs/" + http::PercentEncode(run.id()) +
                    "/outputs/" + http::PercentEncode(name);
  }
  return DumpJson({{"run_id", run.id()},
                   {"request", RequestOf(run.request())},
                   {"state", StateOf(run.state())},
                   {"run_log", std::move(log)},
                   {"task_logs_url",
                    site.public_url + kBase + "/runs/" + http::PercentEncode(run.id()) + "/tasks"},
                   {"outputs", std::move(outputs)}});
}

std::string RenderRunList(const v1::ListRunsResponse& answer) {
  json out = {{"runs", json::array()}, {"next_page_token", answer.next_page_token()}};
  for (const v1::Run& run : answer.runs()) {
    json one = {{"run_id", run.id()}, {"state", StateOf(run.state())}, {"tags", json::object()}};
    SetWholeSeconds(one, "start_time", run.has_created(), run.created());
    SetWholeSeconds(one, "end_time", run.has_finished(), run.finished());
    for (const auto& [name, value] : run.request().tags()) one["tags"][name] = value;
    out["runs"].push_back(std::move(one));
  }
  return DumpJson(out);
}

std::string RenderRunTasks(const v1::Run& run, std::size_t first, std::size_t count) {
  json out = {{"task_logs", json::array()}, {"next_page_token", ""}};
  const auto total = static_cast<std::size_t>(run.parts_size());
  const std::size_t begin = std::min(first, total);
  const std::size_t end = begin + std::min(count, total - begin);
  for (std::size_t i = begin; i < end; ++i)
    out["task_logs"].push_back(TaskLog(run.parts(static_cast<int>(i))));
  if (end < total) out["next_page_token"] = std::to_string(end);
  return DumpJson(out);
}

void AddWesRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller, const Clock& clock,
                  Random& random) {
  const auto wes = std::make_shared<const Wes>(site, caller, clock, random);
  const auto add = [&](Method method, std::string path, const char* who, std::string summary,
                       WesMethod handler) {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.pattern = kBase + path;
    endpoint.family = http::ApiFamily::kWes;
    endpoint.access = Access::kUser;
    endpoint.who = who;
    endpoint.summary = std::move(summary);
    endpoint.max_body_bytes = std::size_t{4} << 20;
    endpoint.handler = [wes, handler](const Request& request) {
      return ((*wes).*handler)(request);
    };
    api.Add(std::move(endpoint));
  };
  Endpoint info;
  info.pattern = std::string(kBase) + "/service-info";
  info.family = http::ApiFamily::kWes;
  info.summary = "What this service runs";
  info.handler = [text = wes->ServiceInfo()](const Request&) -> Result<Response> {
    return http::Json(200, text);
  };
  api.Add(std::move(info));

  const char* seen = site.hub ? "the owner" : "roles holder, operator";
  if (site.hub)
    add(Method::kPost, "/runs", "role researcher", "Submit a run (multipart/form-data)",
        &Wes::Submit);
  add(Method::kGet, "/runs", seen, "Runs that the caller may see", &Wes::List);
  add(Method::kGet, "/runs/{run_id}", seen, "One run with its results", &Wes::Log);
  add(Method::kGet, "/runs/{run_id}/status", seen, "State of a run", &Wes::Status);
  add(Method::kPost, "/runs/{run_id}/cancel", seen, "Cancel a run", &Wes::Cancel);
  add(Method::kGet, "/runs/{run_id}/tasks", seen, "The parts of a run at each node", &Wes::Tasks);
  add(Method::kGet, "/runs/{run_id}/tasks/{task_id}", seen, "One part of a run", &Wes::Task);
}

}  // namespace genofed::gateway
