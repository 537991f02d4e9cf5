// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/transcoder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "genofed/access/v1/access.pb.h"
#include "genofed/catalogue/v1/catalogue.pb.h"
#include "genofed/consent/v1/consent.pb.h"
#include "genofed/dispatcher/v1/dispatcher.pb.h"
#include "genofed/onboarding/v1/onboarding.pb.h"
#include "libs/testing/matchers.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using http::Method;
using nlohmann::json;

const http::Headers kJson = {{"Content-Type", "application/json"},
                             {"Authorization", "Bearer good"}};

class TranscoderTest : public ::testing::Test {
 protected:
  explicit TranscoderTest(bool hub = false) : api_(router_, TestTokens()) {
    AddSiteRoutes(api_, TestSite(hub));
    AddRpcRows(api_, NativeRows(), services_.Caller(), {.hub = hub, .max_raw_body_bytes = 1000});
    api_.AddNotFound();
  }

  http::Response Send(Method method, const std::string& target, std::string body = "",
                      http::Headers headers = kJson) {
    http::Request request = MakeRequest(method, target, std::move(body), std::move(headers));
    return router_.Handle(request);
  }
  static json BodyOf(const http::Response& response) {
    return json::parse(std::get<std::string>(response.body));
  }

  // The field that a 400 blames.
  std::string Blamed(Method method, const std::string& target, std::string body = "") {
    const http::Response response = Send(method, target, std::move(body));
    EXPECT_EQ(response.status, 400) << target;
    EXPECT_EQ(response.headers.Get("Content-Type"), "application/problem+json");
    const json problem = BodyOf(response);
    return problem.contains("errors") ? problem["errors"][0]["field"].get<std::string>()
                                      : problem["reason"].get<std::string>();
  }

  ScriptedServices services_;
  http::Router router_;
  Api api_;
};

class HubTranscoderTest : public TranscoderTest {
 protected:
  HubTranscoderTest() : TranscoderTest(true) {}
};

TEST_F(TranscoderTest, QueryParametersBecomeFields) {
  catalogue::v1::ListRecordsResponse answer;
  answer.add_records()->set_sites(5'000'000'000);
  services_.Answer("genofed.catalogue.v1.CatalogueService/ListRecords", answer);
  const auto response =
      Send(Method::kGet, "/api/v1/datasets?text=heart%20rate&page_size=7&all=true", "", {});
  ASSERT_EQ(response.status, 200);
  const auto asked = services_.Asked<catalogue::v1::ListRecordsRequest>(
      "genofed.catalogue.v1.CatalogueService/ListRecords");
  EXPECT_EQ(services_.service(), "catalogue");
  EXPECT_EQ(asked.text(), "heart rate");
  EXPECT_EQ(asked.page_size(), 7);
  EXPECT_TRUE(asked.all());
  // Original names, 64-bit integers as strings, defaults written out.
  const json record = BodyOf(response)["records"][0];
  EXPECT_EQ(record["sites"], "5000000000");
  EXPECT_EQ(record["contact_email"], "");
  EXPECT_EQ(record["state"], "STATE_UNSPECIFIED");
}

TEST_F(TranscoderTest, WrongParametersAreNamed) {
  EXPECT_EQ(Blamed(Method::kGet, "/api/v1/datasets?page_size=many"), "page_size");
  EXPECT_EQ(Blamed(Method::kGet, "/api/v1/datasets?page_size=5000000000"), "page_size");
  EXPECT_EQ(Blamed(Method::kGet, "/api/v1/datasets?all=yes"), "all");
  EXPECT_EQ(Blamed(Method::kGet, "/api/v1/datasets?colour=red"), "colour");
  EXPECT_EQ(Blamed(Method::kGet, "/api/v1/datasets?text=a&text=b"), "text");
  EXPECT_EQ(Blamed(Method::kGet, "/api/v1/datasets/A?id=B"), "id");
  EXPECT_EQ(Blamed(Method::kGet, "/api/v1/datasets", "{}"), "BODY_INVALID");
}

TEST_F(TranscoderTest, TheBodyIsTheRequestAndThePathItsFields) {
  constexpr char kReview[] = "genofed.catalogue.v1.CatalogueService/ReviewRecord";
  services_.Answer(kReview, catalogue::v1::ReviewRecordResponse());
  const char* body = R"({"version": 3, "approve": true, "comment": "fine"})";
  ASSERT_EQ(Send(Method::kPost, "/api/v1/datasets/GOE-FI-DATASET-1/review", body).status, 200);
  const auto asked = services_.Asked<catalogue::v1::ReviewRecordRequest>(kReview);
  EXPECT_EQ(asked.id(), "GOE-FI-DATASET-1");
  EXPECT_EQ(asked.version(), 3);
  EXPECT_EQ(services_.user(), "maria");

  const std::string path = "/api/v1/datasets/A/review";
  EXPECT_EQ(Blamed(Method::kPost, path, R"({"colour": 1})"), "colour");
  EXPECT_EQ(Blamed(Method::kPost, path, R"({"version": "x"})"), "version");
  EXPECT_EQ(Blamed(Method::kPost, path, R"({"id": "B"})"), "id");
  EXPECT_EQ(Blamed(Method::kPost, path, R"([1])"), "BODY_INVALID");
  EXPECT_EQ(Blamed(Method::kPost, path, R"({"version": 1, "version": 2})"), "BODY_INVALID");
  EXPECT_EQ(Blamed(Method::kPost, path, "{'version': 1}"), "BODY_INVALID");
  EXPECT_EQ(Send(Method::kPost, path, "version=1",
                 {{"Authorization", "Bearer good"}, {"Content-Type", "text/plain"}})
                .status,
            415);
}

TEST_F(TranscoderTest, NestedFieldsAreNamedByTheirPath) {
  EXPECT_EQ(Blamed(Method::kPost, "/api/v1/submissions", R"({"dataset": {"colour": "red"}})"),
            "dataset.colour");
  // protobuf names the object that holds a value of another kind.
  EXPECT_EQ(Blamed(Method::kPost, "/api/v1/submissions", R"({"dataset": {"title": {}}})"),
            "dataset");
}

TEST_F(TranscoderTest, OctetsAndEnumsOfThePath) {
  constexpr char kPut[] = "genofed.onboarding.v1.OnboardingService/PutChunk";
  onboarding::v1::PutChunkResponse answer;
  answer.set_size(13);
  services_.Answer(kPut, answer);
  const std::string octets("\x00\xff{", 3);
  const auto response =
      Send(Method::kPut, "/api/v1/submissions/sub-1/files/variants?offset=10", octets);
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(BodyOf(response), (json{{"size", "13"}}));
  const auto asked = services_.Asked<onboarding::v1::PutChunkRequest>(kPut);
  EXPECT_EQ(asked.submission(), "sub-1");
  EXPECT_EQ(asked.kind(), onboarding::v1::FILE_KIND_VARIANTS);
  EXPECT_EQ(asked.offset(), 10);
  EXPECT_EQ(asked.data(), octets);
  EXPECT_EQ(Blamed(Method::kPut, "/api/v1/submissions/sub-1/files/pictures?offset=0"), "kind");
  EXPECT_EQ(Blamed(Method::kPut, "/api/v1/submissions/sub-1/files/variants?data=x"), "data");
}

TEST_F(TranscoderTest, ErrorsOfServicesKeepReasonAndFields) {
  constexpr char kGet[] = "genofed.catalogue.v1.CatalogueService/GetRecord";
  services_.Fail(kGet, Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no dataset"));
  const auto response = Send(Method::kGet, "/api/v1/datasets/X", "", {});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(BodyOf(response)["reason"], "DATASET_UNKNOWN");
}

TEST_F(TranscoderTest, TheLedgerIsPlainText) {
  consent::v1::GetCheckpointResponse answer;
  answer.set_checkpoint("fi.1mg.example/ledger\n1\nhash\n\n- sig\n");
  answer.set_verifier_key("fi.1mg.example/ledger+1+k");
  services_.Answer("genofed.consent.v1.LedgerService/GetCheckpoint", answer);
  const auto checkpoint = Send(Method::kGet, "/ledger/checkpoint", "", {});
  EXPECT_EQ(std::get<std::string>(checkpoint.body), answer.checkpoint());
  EXPECT_EQ(checkpoint.headers.Get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(std::get<std::string>(Send(Method::kGet, "/ledger/key", "", {}).body),
            answer.verifier_key() + "\n");
}

TEST_F(HubTranscoderTest, ARunsOutputIsAFile) {
  dispatcher::v1::GetOutputResponse answer;
  answer.set_content("a\tb\n");
  answer.set_media_type("text/tab-separated-values");
  services_.Answer("genofed.dispatcher.v1.RunService/GetOutput", answer);
  const auto response = Send(Method::kGet, "/api/v1/runs/run-1/outputs/co%22unts.tsv");
  EXPECT_EQ(std::get<std::string>(response.body), "a\tb\n");
  EXPECT_EQ(response.headers.Get("Content-Type"), "text/tab-separated-values");
  EXPECT_EQ(response.headers.Get("Content-Disposition"), "attachment; filename=\"co_unts.tsv\"");
}

TEST_F(HubTranscoderTest, AnEmptyBodyIsAnEmptyMessage) {
  constexpr char kSubmit[] = "genofed.access.v1.ApplicationService/SubmitApplication";
  services_.Answer(kSubmit, access::v1::SubmitApplicationResponse());
  EXPECT_EQ(Send(Method::kPost, "/api/v1/applications/app-1/submit").status, 200);
  EXPECT_EQ(services_.Asked<access::v1::SubmitApplicationRequest>(kSubmit).id(), "app-1");
}

TEST_F(HubTranscoderTest, RoutesOfNodesAreAbsentAtTheHub) {
  EXPECT_EQ(Send(Method::kGet, "/api/v1/airlock").status, 404);
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me/permissions").status, 404);
}

TEST_F(TranscoderTest, TokensAreVerifiedBeforeAnythingElse) {
  const auto missing = Send(Method::kGet, "/api/v1/me", "", {});
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.headers.Get("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(BodyOf(missing)["reason"], "TOKEN_MISSING");
  // A bad token is refused on public routes too, and so is any other scheme.
  for (const char* bad : {"Bearer bad", "Basic good", "Bearer", "good"}) {
    const auto refused = Send(Method::kGet, "/api/v1/datasets", "", {{"Authorization", bad}});
    EXPECT_EQ(refused.status, 401) << bad;
    EXPECT_EQ(BodyOf(refused)["reason"], "TOKEN_REFUSED");
  }
  const auto me = BodyOf(Send(Method::kGet, "/api/v1/me"));
  EXPECT_EQ(me["subject"], "maria");
  EXPECT_EQ(me["roles"], (json{"user", "researcher"}));
  EXPECT_EQ(me.dump().find("010190"), std::string::npos);  // the national identifier stays inside
}

TEST_F(TranscoderTest, EveryAnswerCarriesTheSecurityHeaders) {
  for (const char* path : {"/api/v1/site", "/api/v1/me", "/nothing", "/beacon/v2/nothing"}) {
    const auto response = Send(Method::kGet, path, "", {});
    EXPECT_TRUE(
        response.headers.Get("Strict-Transport-Security").value_or("").starts_with("max-age="))
        << path;
    EXPECT_TRUE(response.headers.Get("Content-Security-Policy")
                    .value_or("")
                    .starts_with("default-src 'none'"))
        << path;
    EXPECT_EQ(response.headers.Get("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.headers.Get("Cache-Control"), "no-store");
  }
  EXPECT_TRUE(BodyOf(Send(Method::kGet, "/beacon/v2/nothing", "", {}))
                  .contains("meta"));  // in the family's shape
}

TEST(FillRequest, EnumsHaveTwoSpellings) {
  for (const auto& [text, ok] :
       std::vector<std::pair<std::string, bool>>{{"variants", true},
                                                 {"FILE_KIND_VARIANTS", true},
                                                 {"VARIANTS", false},
                                                 {"", false},
                                                 {"1", false}}) {
    http::Request request = MakeRequest(Method::kPost, "/?kind=" + text);
    onboarding::v1::SealFileRequest message;
    EXPECT_EQ(FillRequest(request, "*", &message).ok(), ok) << text;
  }
}

}  // namespace
}  // namespace genofed::gateway
