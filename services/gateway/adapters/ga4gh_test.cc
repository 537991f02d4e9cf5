// SPDX-License-Identifier: Apache-2.0
//
// WES and TES: shapes checked against the required members of their OpenAPI documents.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/gateway/adapters/listing.h"
#include "services/gateway/adapters/tes_routes.h"
#include "services/gateway/adapters/test_support.h"
#include "services/gateway/adapters/wes_routes.h"

namespace genofed::gateway {
namespace {

using genofed::testing::HasReason;
using http::Method;
using nlohmann::json;

constexpr char kMultipart[] = "multipart/form-data; boundary=b0";
constexpr char kDescriptor[] = R"({"name": "allele-counts", "image": "sha256:00"})";

using Fields = std::map<std::string, std::string>;

Fields GoodFields() {
  return {
      {"workflow_type", "OCI"},
      {"workflow_type_version", "1.0"},
      {"workflow_url", "allele-counts.workflow.json"},
      {"workflow_params",
       R"({"application": "app-1", "datasets": ["GOE-FI-DATASET-1"], "parameters": {"CASE_TERM": "HP:0001250"}})"},
      {"tags", R"({"study": "epilepsy"})"}};
}

std::string Form(const Fields& fields,
                 const std::string& file_name = "allele-counts.workflow.json") {
  std::string body;
  for (const auto& [name, value] : fields) {
    body +=
        "--b0\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  }
  if (!file_name.empty()) {
    body += "--b0\r\nContent-Disposition: form-data; name=\"workflow_attachment\"; filename=\"" +
            file_name + "\"\r\nContent-Type: application/json\r\n\r\n" + kDescriptor + "\r\n";
  }
  return body + "--b0--\r\n";
}

Result<dispatcher::v1::RunRequest> With(const std::string& name, const std::string& value) {
  Fields fields = GoodFields();
  fields[name] = value;
  return ParseRunRequest(kMultipart, Form(fields));
}

TEST(WesRequest, TakesAnAttachedDescriptor) {
  GF_ASSERT_OK_AND_ASSIGN(const auto run, ParseRunRequest(kMultipart, Form(GoodFields())));
  EXPECT_EQ(run.application(), "app-1");
  ASSERT_EQ(run.datasets_size(), 1);
  EXPECT_EQ(run.datasets(0), "GOE-FI-DATASET-1");
  EXPECT_EQ(run.parameters().at("CASE_TERM"), "HP:0001250");
  EXPECT_EQ(run.tags().at("study"), "epilepsy");
  EXPECT_EQ(run.workflow(), kDescriptor);  // byte for byte: nodes compare its digest
  EXPECT_EQ(run.workflow_url(), "allele-counts.workflow.json");
}

TEST(WesRequest, RefusesWhatItCannotRun) {
  EXPECT_THAT(With("workflow_type", "CWL"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("workflow_type_version", "2.0"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("workflow_url", "https://elsewhere.example/w.json"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("workflow_params", "not json"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("workflow_params", R"({"datasets": []})"), HasReason("FIELD_MISSING"));
  EXPECT_THAT(With("workflow_params", R"({"application": "a", "colour": 1})"),
              HasReason("FIELD_UNKNOWN"));
  EXPECT_THAT(With("workflow_params", R"({"application": "a", "parameters": {"N": 1}})"),
              HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("tags", R"({"n": 1})"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("workflow_engine", "nextflow"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("workflow_engine_parameters", R"({"privileged": "true"})"),
              HasReason("FIELD_INVALID"));
  EXPECT_THAT(With("colour", "red"), HasReason("FIELD_UNKNOWN"));
  EXPECT_THAT(ParseRunRequest(kMultipart, Form(GoodFields(), "")), HasReason("FIELD_MISSING"));
  EXPECT_FALSE(
      ParseRunRequest(kMultipart, Form(GoodFields(), "../allele-counts.workflow.json")).ok());
  EXPECT_FALSE(ParseRunRequest("application/json", "{}").ok());
}

dispatcher::v1::Run TestRun() {
  dispatcher::v1::Run run;
  run.set_id("run-1");
  run.set_state(dispatcher::v1::STATE_COMPLETE);
  *run.mutable_request() = *ParseRunRequest(kMultipart, Form(GoodFields()));
  run.add_outputs("counts.tsv");
  run.mutable_created()->set_seconds(1'795'332'028);
  run.mutable_created()->set_nanos(500'000'000);
  for (const char* site : {"es", "fi"}) {
    auto* part = run.add_parts();
    part->set_id(std::string("part-") + site);
    part->set_site(site);
    part->set_dataset("D");
    part->set_state(dispatcher::v1::STATE_COMPLETE);
  }
  return run;
}

TEST(WesResponse, ARunLogNamesItsOutputs) {
  const json log = json::parse(RenderRunLog(TestSite(true), TestRun()));
  EXPECT_EQ(log["run_id"], "run-1");
  EXPECT_EQ(log["state"], "COMPLETE");
  EXPECT_EQ(log["request"]["workflow_type"], "OCI");
  EXPECT_EQ(log["request"]["workflow_params"]["application"], "app-1");  // an object, not a string
  EXPECT_EQ(log["run_log"]["start_time"], "2026-11-22T07:20:28Z");       // whole seconds
  EXPECT_EQ(log["outputs"]["counts.tsv"],
            "https://hub.example:8443/api/v1/runs/run-1/outputs/counts.tsv");
  EXPECT_EQ(log["task_logs_url"], "https://hub.example:8443/ga4gh/wes/v1/runs/run-1/tasks");
}

TEST(WesResponse, TasksArePaged) {
  const json first = json::parse(RenderRunTasks(TestRun(), 0, 1));
  ASSERT_EQ(first["task_logs"].size(), 1U);
  EXPECT_EQ(first["task_logs"][0]["name"], "es/D");
  EXPECT_EQ(first["next_page_token"], "1");
  const json second = json::parse(RenderRunTasks(TestRun(), 1, 1));
  EXPECT_EQ(second["task_logs"][0]["id"], "part-fi");
  EXPECT_EQ(second["next_page_token"], "");
  EXPECT_TRUE(json::parse(RenderRunTasks(TestRun(), 9, 1))["task_logs"].empty());
}

class RoutesTest : public ::testing::TestWithParam<bool> {
 protected:
  RoutesTest() : api_(router_, TestTokens()) {
    const SiteFacts site = TestSite(GetParam());
    AddSiteRoutes(api_, site);
    AddRpcRows(api_, NativeRows(), services_.Caller(), {.hub = site.hub});
    AddWesRoutes(api_, site, services_.Caller(), clock_, random_);
    if (!site.hub) AddTesRoutes(api_, site, services_.Caller());
    AddListingRoutes(api_, site);
    api_.AddNotFound();
  }
  http::Response Send(Method method, const std::string& target, std::string body = "",
                      http::Headers headers = {{"Authorization", "Bearer good"}}) {
    http::Request request = MakeRequest(method, target, std::move(body), std::move(headers));
    return router_.Handle(request);
  }
  static json BodyOf(const http::Response& response) {
    return json::parse(std::get<std::string>(response.body));
  }

  genofed::testing::FakeClock clock_;
  genofed::testing::SeededRandom random_;
  ScriptedServices services_;
  http::Router router_;
  Api api_;
};
class HubRoutes : public RoutesTest {};
INSTANTIATE_TEST_SUITE_P(Hub, HubRoutes, ::testing::Values(true));

class NodeRoutesTest : public RoutesTest {};
INSTANTIATE_TEST_SUITE_P(Node, NodeRoutesTest, ::testing::Values(false));

TEST_P(HubRoutes, ARunIsSubmittedWithAKey) {
  dispatcher::v1::SubmitRunResponse answer;
  answer.set_id("run-1");
  constexpr char kSubmit[] = "genofed.dispatcher.v1.RunService/SubmitRun";
  services_.Answer(kSubmit, answer);
  http::Headers headers = {{"Authorization", "Bearer good"}, {"Content-Type", kMultipart}};
  EXPECT_EQ(BodyOf(Send(Method::kPost, "/ga4gh/wes/v1/runs", Form(GoodFields()), headers)),
            (json{{"run_id", "run-1"}}));
  EXPECT_FALSE(
      services_.Asked<dispatcher::v1::SubmitRunRequest>(kSubmit).idempotency_key().empty());
  headers.Set("Idempotency-Key", "mine");
  Send(Method::kPost, "/ga4gh/wes/v1/runs", Form(GoodFields()), headers);
  EXPECT_EQ(services_.Asked<dispatcher::v1::SubmitRunRequest>(kSubmit).idempotency_key(), "mine");
}

TEST_P(HubRoutes, WesErrorsHaveTheirOwnShape) {
  services_.Fail("genofed.dispatcher.v1.RunService/GetRun",
                 Error(StatusCode::kNotFound, "RUN_UNKNOWN", "no such run"));
  const auto missing = Send(Method::kGet, "/ga4gh/wes/v1/runs/run-9");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(BodyOf(missing), (json{{"msg", "no such run"}, {"status_code", 404}}));
  EXPECT_EQ(BodyOf(Send(Method::kGet, "/ga4gh/wes/v1/runs", "", {}))["status_code"], 401);
  EXPECT_EQ(BodyOf(Send(Method::kGet, "/ga4gh/wes/v1/runs?page_size=0"))["status_code"], 400);
}

TEST_P(HubRoutes, ServiceInfoHasWhatWesRequires) {
  const json info = BodyOf(Send(Method::kGet, "/ga4gh/wes/v1/service-info", "", {}));
  for (const char* member :
       {"id", "name", "type", "organization", "version", "workflow_type_versions",
        "supported_wes_versions", "supported_filesystem_protocols", "workflow_engine_versions",
        "default_workflow_engine_parameters", "system_state_counts", "auth_instructions_url",
        "tags"}) {
    EXPECT_TRUE(info.contains(member)) << member;
  }
  EXPECT_EQ(info["workflow_type_versions"]["OCI"]["workflow_type_version"], json::array({"1.0"}));
}

TEST_P(HubRoutes, TheListingIsOpenApi) {
  const json openapi = BodyOf(Send(Method::kGet, "/openapi.json", "", {}));
  EXPECT_TRUE(openapi["openapi"].get<std::string>().starts_with("3."));
  EXPECT_EQ(openapi["paths"]["/api/v1/datasets"]["get"]["security"], json::array());
  const json& create = openapi["paths"]["/api/v1/applications"]["post"];
  EXPECT_EQ(create["security"][0], (json{{"bearer", json::array()}}));
  const std::string reference =
      create["requestBody"]["content"]["application/json"]["schema"]["$ref"];
  EXPECT_EQ(reference, "#/components/schemas/genofed.access.v1.CreateApplicationRequest");
  // Every reference leads somewhere, every placeholder is a parameter.
  const json& schemas = openapi["components"]["schemas"];
  const std::string text = openapi.dump();
  constexpr std::string_view kRef = "\"#/components/schemas/";
  for (auto at = text.find(kRef); at != std::string::npos; at = text.find(kRef, at + 1)) {
    const auto begin = at + kRef.size();
    EXPECT_TRUE(schemas.contains(text.substr(begin, text.find('"', begin) - begin)));
  }
  for (const auto& [path, operations] : openapi["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      const auto placeholders = std::count(path.begin(), path.end(), '{');
      long in_path = 0;
      for (const json& parameter : operation["parameters"])
        in_path += parameter["in"] == "path" ? 1 : 0;
      EXPECT_EQ(in_path, placeholders) << method << " " << path;
    }
  }
  EXPECT_FALSE(openapi["paths"].contains("/api/v1/me/permissions"));  // that is at nodes
}

TEST_P(HubRoutes, TheDocsLoadNothing) {
  const auto docs = Send(Method::kGet, "/docs", "", {});
  const auto& html = std::get<std::string>(docs.body);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("src="), std::string::npos);
  EXPECT_NE(html.find("role central_dac"), std::string::npos);
  EXPECT_NE(docs.headers.Get("Content-Security-Policy").value_or("").find("style-src 'sha256-"),
            std::string::npos);
}

TEST_P(NodeRoutesTest, RunsCannotBeSubmittedAtANode) {
  EXPECT_EQ(Send(Method::kPost, "/ga4gh/wes/v1/runs").status, 405);
  EXPECT_EQ(Send(Method::kPost, "/ga4gh/tes/v1/tasks").status, 405);
}

TEST_P(NodeRoutesTest, TasksHaveViews) {
  spe::v1::GetTaskResponse answer;
  auto* task = answer.mutable_task();
  task->set_id("task-1");
  task->set_state(spe::v1::TASK_STATE_IN_REVIEW);
  task->set_workflow(R"({"image": "sha256:00", "command": ["count"]})");
  task->set_reason("OUT_OF_MEMORY");
  task->set_requester_subject("maria");
  services_.Answer("genofed.spe.v1.TaskService/GetTask", answer);
  EXPECT_EQ(BodyOf(Send(Method::kGet, "/ga4gh/tes/v1/tasks/task-1")),
            (json{{"id", "task-1"}, {"state", "RUNNING"}}));
  const json basic = BodyOf(Send(Method::kGet, "/ga4gh/tes/v1/tasks/task-1?view=BASIC"));
  EXPECT_EQ(basic["executors"][0]["image"], "sha256:00");
  EXPECT_EQ(basic["executors"][0]["command"], json::array({"count"}));
  EXPECT_FALSE(basic["logs"][0].contains("system_logs"));
  const json full = BodyOf(Send(Method::kGet, "/ga4gh/tes/v1/tasks/task-1?view=FULL"));
  EXPECT_EQ(full["logs"][0]["system_logs"], json::array({"OUT_OF_MEMORY"}));
  EXPECT_EQ(full.dump().find("maria"), std::string::npos);
  EXPECT_EQ(Send(Method::kGet, "/ga4gh/tes/v1/tasks/task-1?view=ALL").status, 400);
  services_.Answer("genofed.spe.v1.TaskService/CancelTask", spe::v1::CancelTaskResponse());
  EXPECT_EQ(BodyOf(Send(Method::kPost, "/ga4gh/tes/v1/tasks/task-1:cancel")), json::object());
}

}  // namespace
}  // namespace genofed::gateway
