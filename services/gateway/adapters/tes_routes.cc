// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/tes_routes.h"

#include <nlohmann/json.hpp>

#include "services/gateway/adapters/ga4gh_json.h"

namespace genofed::gateway {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;
namespace v1 = spe::v1;

constexpr char kBase[] = "/ga4gh/tes/v1";
constexpr char kGetTask[] = "genofed.spe.v1.TaskService/GetTask";
constexpr char kListTasks[] = "genofed.spe.v1.TaskService/ListTasks";
constexpr char kCancelTask[] = "genofed.spe.v1.TaskService/CancelTask";

std::string StateOf(v1::TaskState state) {
  if (state == v1::TASK_STATE_IN_REVIEW) return "RUNNING";
  return WithoutPrefix(v1::TaskState_Name(state), "TASK_STATE_");
}

// image and command of the descriptor; a descriptor this node would refuse has none.
json ExecutorOf(const v1::Task& task) {
  json executor = {{"image", "unknown"}, {"command", json::array()}, {"env", json::object()}};
  const json descriptor = json::parse(task.workflow(), nullptr, false);
  if (descriptor.is_object()) {
    if (descriptor.contains("image") && descriptor["image"].is_string())
      executor["image"] = descriptor["image"];
    if (descriptor.contains("command") && descriptor["command"].is_array()) {
      for (const json& word : descriptor["command"]) {
        if (word.is_string()) executor["command"].push_back(word);
      }
    }
  }
  for (const auto& [name, value] : task.parameters()) executor["env"][name] = value;
  return executor;
}

json LogOf(const v1::Task& task, TesView view) {
  json log = {{"logs", json::array()}, {"outputs", json::array()}, {"metadata", json::object()}};
  SetWholeSeconds(log, "start_time", task.has_started(), task.started());
  SetWholeSeconds(log, "end_time", task.has_ended(), task.ended());
  if (task.has_ended()) {
    json executor = {{"exit_code", task.exit_code()}};
    SetWholeSeconds(executor, "end_time", true, task.ended());
    log["logs"].push_back(std::move(executor));
  }
  if (view == TesView::kFull && !task.reason().empty())
    log["system_logs"] = json::array({task.reason()});
  return log;
}

json TaskJson(const v1::Task& task, TesView view) {
  json out = {{"id", task.id()}, {"state", StateOf(task.state())}};
  if (view == TesView::kMinimal) return out;
  out["name"] = task.id();
  out["executors"] = json::array({ExecutorOf(task)});
  out["tags"] = {
      {"run", task.run()}, {"application", task.application()}, {"project", task.project()}};
  for (const auto& input : task.inputs()) {
    out["tags"]["dataset"] = input.dataset().dataset();
    out["tags"]["dataset_version"] = std::to_string(input.dataset().version());
  }
  SetWholeSeconds(out, "creation_time", task.has_created(), task.created());
  out["logs"] = json::array({LogOf(task, view)});
  return out;
}

Result<TesView> ViewOf(const Request& request) {
  const auto view = request.query.Get("view").value_or("MINIMAL");
  if (view == "MINIMAL") return TesView::kMinimal;
  if (view == "BASIC") return TesView::kBasic;
  if (view == "FULL") return TesView::kFull;
  return InvalidField("view", "FIELD_INVALID", "must be MINIMAL, BASIC or FULL");
}

// Filters narrow each page: TES allows pages with fewer tasks than asked for.
Result<Response> List(const Request& request, const UnaryCaller& caller) {
  GF_ASSIGN(const TesView view, ViewOf(request));
  for (const char* name : {"tag_key", "tag_value"}) {
    if (request.query.Has(name))
      return InvalidField(name, "QUERY_UNSUPPORTED", "this filter is not supported");
  }
  v1::ListTasksRequest list;
  GF_ASSIGN(const std::size_t size, PageSize(request, 256));
  if (size > 2047) return InvalidField("page_size", "FIELD_INVALID", "must be less than 2048");
  list.set_page_size(static_cast<std::int32_t>(size));
  list.set_page_token(std::string(request.query.Get("page_token").value_or("")));
  GF_ASSIGN(const auto answer,
            Call<v1::ListTasksResponse>(caller, request.ctx, "spe", kListTasks, list));
  const auto prefix = request.query.Get("name_prefix").value_or("");
  const auto state = request.query.Get("state").value_or("");
  json out = {{"tasks", json::array()}};
  for (const v1::Task& task : answer.tasks()) {
    if (!std::string_view(task.id()).starts_with(prefix)) continue;
    if (!state.empty() && StateOf(task.state()) != state) continue;
    out["tasks"].push_back(TaskJson(task, view));
  }
  if (!answer.next_page_token().empty()) out["next_page_token"] = answer.next_page_token();
  return JsonAnswer(out);
}

Result<Response> Get(const Request& request, const UnaryCaller& caller) {
  GF_ASSIGN(const TesView view, ViewOf(request));
  v1::GetTaskRequest get;
  get.set_id(request.Param("id"));
  GF_ASSIGN(const auto answer,
            Call<v1::GetTaskResponse>(caller, request.ctx, "spe", kGetTask, get));
  return http::Json(200, RenderTask(answer.task(), view));
}

Result<Response> Cancel(const Request& request, const UnaryCaller& caller) {
  v1::CancelTaskRequest cancel;
  cancel.set_id(request.Param("id"));
  GF_TRY(Call<v1::CancelTaskResponse>(caller, request.ctx, "spe", kCancelTask, cancel));
  return http::Json(200, "{}");
}

}  // namespace

std::string RenderTask(const v1::Task& task, TesView view) {
  return DumpJson(TaskJson(task, view));
}

void AddTesRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller) {
  const auto add = [&](Method method, std::string path, Access access, const char* who,
                       std::string summary, http::Handler handler) {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.pattern = kBase + path;
    endpoint.family = http::ApiFamily::kTes;
    endpoint.access = access;
    endpoint.who = who;
    endpoint.summary = std::move(summary);
    endpoint.handler = std::move(handler);
    api.Add(std::move(endpoint));
  };
  json info = ga4gh::ToJson(ServiceInfoOf(site, "tes", "1.1.0"));
  info["storage"] = json::array();
  info["tesResources_backend_parameters"] = json::array();
  add(Method::kGet, "/service-info", Access::kPublic, "anyone", "What this service is",
      [text = info.dump()](const Request&) -> Result<Response> { return http::Json(200, text); });
  add(Method::kGet, "/tasks", Access::kUser, "roles operator, holder", "Tasks of this node",
      [caller](const Request& request) { return List(request, caller); });
  add(Method::kGet, "/tasks/{id}", Access::kUser, "roles operator, holder", "One task",
      [caller](const Request& request) { return Get(request, caller); });
  add(Method::kPost, "/tasks/{id}:cancel", Access::kUser, "role operator",
      "End a task and all its processes",
      [caller](const Request& request) { return Cancel(request, caller); });
}

}  // namespace genofed::gateway
