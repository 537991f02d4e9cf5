// SPDX-License-Identifier: Apache-2.0
//
// Which of a site's services answer a Beacon request, and what becomes of it when one does not.
#include "services/gateway/adapters/beacon_routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "genofed/catalogue/v1/catalogue.pb.h"
#include "genofed/discovery/v1/beacon.pb.h"
#include "genofed/discovery/v1/discovery.pb.h"
#include "libs/core/retry_after.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;
namespace cv1 = catalogue::v1;
namespace dv1 = discovery::v1;

constexpr char kQuery[] = "genofed.discovery.v1.DiscoveryService/Query";
constexpr char kTerms[] = "genofed.discovery.v1.DiscoveryService/ListFilteringTerms";
constexpr char kFolders[] = "genofed.discovery.v1.BeaconService/QueryFolders";
constexpr char kFolderTerms[] = "genofed.discovery.v1.BeaconService/ListFolderTerms";
constexpr char kRecords[] = "genofed.catalogue.v1.CatalogueService/ListRecords";
constexpr char kRecord[] = "genofed.catalogue.v1.CatalogueService/GetRecord";
constexpr char kCohort[] = "GOE-FI-DATASET-1";
constexpr char kFolder[] = "GDI-FI-BEACON-1";

Status Spent(const std::string& dataset, int seconds) {
  const Status status = Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "later");
  return WithRetryAfter(WithField(status, "datasets", dataset), std::chrono::seconds(seconds));
}

Status Stale() { return Error(StatusCode::kUnavailable, "CONSENT_STALE", "later"); }

// A node with one cohort, of whom 12 people match; UseFolder() adds a folder, of which 7 records
// do.
class BeaconRoutesTest : public ::testing::Test {
 protected:
  explicit BeaconRoutesTest(bool hub = false) : api_(router_, TestTokens()) {
    AddBeaconRoutes(api_, TestSite(hub), services_.Caller());
    dv1::QueryResponse found;
    found.set_exists(true);
    found.set_count(12);
    found.set_minimum_count(5);
    auto* dataset = found.add_datasets();
    dataset->set_dataset(kCohort);
    dataset->set_version(1);
    dataset->set_country("FI");
    dataset->set_exists(true);
    dataset->set_count(12);
    services_.Answer(kQuery, found);
    services_.Answer(kFolders, dv1::QueryFoldersResponse());
    services_.Answer(kFolderTerms, dv1::ListFolderTermsResponse());
    List({kCohort});
  }

  void List(const std::vector<std::string>& datasets) {
    cv1::ListRecordsResponse records;
    for (const std::string& dataset : datasets) {
      cv1::DatasetRecord& record = *records.add_records();
      record.set_id(dataset);
      record.set_version(1);
    }
    services_.Answer(kRecords, records);
  }
  void UseFolder() {
    folders_.Clear();
    folders_.set_holds(true);
    folders_.set_exists(true);
    folders_.set_count(7);
    folders_.set_granularity("count");
    folders_.set_answered(1);
    folders_.add_folders(kFolder);
    auto* set = folders_.add_sets();
    set->set_id("INNER");
    set->set_folder(kFolder);
    set->set_exists(true);
    set->set_count(7);
    services_.Answer(kFolders, folders_);
    List({kCohort, kFolder});
  }

  http::Response Send(const std::string& path, const json& query) {
    http::Headers headers;
    headers.Set("Content-Type", "application/json");
    auto request =
        MakeRequest(http::Method::kPost, "/beacon/v2" + path,
                    json{{"meta", {{"apiVersion", "2.0"}}}, {"query", query}}.dump(), headers);
    return router_.Handle(request);
  }
  json Ask(const std::string& path, const json& query = json::object(), int status = 200) {
    const http::Response response = Send(path, query);
    EXPECT_EQ(response.status, status) << path << " " << query;
    const std::string& body = std::get<std::string>(response.body);
    Note(body);
    return json::parse(body);
  }
  // Every answer is held against the official schemas.
  void Note(const std::string& body) {
    const json document = json::parse(body);
    std::string schema = "beaconErrorResponse.json";
    if (!document.contains("error") && !document["meta"].contains("returnedGranularity")) {
      schema = document["response"].contains("filteringTerms") ? "beaconFilteringTermsResponse.json"
               : document["response"].contains("endpointSets") ? "beaconMapResponse.json"
               : document["response"].contains("$schema")      ? "beaconConfigurationResponse.json"
                                                               : "beaconEntryTypesResponse.json";
    } else if (!document.contains("error")) {
      const std::string granularity = document["meta"]["returnedGranularity"];
      const bool collections =
          document.contains("response") && document["response"].contains("collections");
      schema = granularity == "boolean" ? "beaconBooleanResponse.json"
               : granularity == "count" ? "beaconCountResponse.json"
               : collections            ? "beaconCollectionsResponse.json"
                                        : "beaconResultsetsResponse.json";
    }
    schemas_.Add("framework/json/responses/" + schema, body);
  }
  void TearDown() override {
    if (BeaconSchemas::Missing().empty()) {
      EXPECT_EQ(schemas_.Violations(), "");
    }
  }

  static std::vector<std::string> Sets(const json& answer) {
    std::vector<std::string> ids;
    for (const json& set : answer.at("response").at("resultSets")) ids.push_back(set["id"]);
    return ids;
  }
  static std::vector<std::string> Named(const json& answer, const char* list) {
    std::vector<std::string> ids;
    for (const json& one : answer.value("info", json::object()).value(list, json::array()))
      ids.push_back(one["dataset"]);
    return ids;
  }

  ScriptedServices services_;
  dv1::QueryFoldersResponse folders_;
  http::Router router_;
  Api api_;
  BeaconSchemas schemas_;
};
using Names = std::vector<std::string>;

class BeaconNetworkTest : public BeaconRoutesTest {
 protected:
  BeaconNetworkTest() : BeaconRoutesTest(true) {}
};

const json kPlace = {
    {"referenceName", "20"}, {"start", {7}}, {"referenceBases", "A"}, {"alternateBases", "T"}};

TEST_F(BeaconRoutesTest, ThePathOfADatasetAsksThatCohort) {
  for (const char* entry : {"individuals", "g_variants"}) {
    const json answer =
        Ask(std::string("/datasets/GOE-FI-DATASET-1/") + entry, {{"requestParameters", kPlace}});
    EXPECT_EQ(answer["responseSummary"]["numTotalResults"], 12) << entry;
    const auto asked = services_.Asked<dv1::QueryRequest>(kQuery);
    ASSERT_EQ(asked.datasets_size(), 1);
    EXPECT_EQ(asked.datasets(0), kCohort);
  }
}

// An empty list would have asked all.
TEST_F(BeaconRoutesTest, APathAndAListThatContradictEachOtherAskNobody) {
  const json answer = Ask("/datasets/GOE-FI-DATASET-1/individuals",
                          {{"requestParameters", {{"datasets", {"GOE-FI-DATASET-2"}}}}});
  EXPECT_EQ(answer["responseSummary"]["exists"], false);
  EXPECT_FALSE(services_.WasAsked(kQuery));
}

TEST_F(BeaconNetworkTest, ThePathOfADatasetAsksForItAtTheHubToo) {
  EXPECT_EQ(Sets(Ask("/datasets/GOE-FI-DATASET-1/individuals")), (Names{kCohort}));
  EXPECT_EQ(services_.Asked<dv1::QueryRequest>(kQuery).datasets(0), kCohort);
  Ask("/datasets/GOE-FI-DATASET-1/biosamples", {}, 404);
  const json endpoints = Ask("/map")["response"]["endpointSets"]["dataset"]["endpoints"];
  EXPECT_TRUE(endpoints.contains("individual") && endpoints.contains("genomicVariant"));
  EXPECT_EQ(endpoints.size(), 2U);
}

TEST_F(BeaconRoutesTest, ACohortHasFilteringTerms) {
  cv1::GetRecordResponse record;
  record.mutable_record()->set_id(kCohort);
  services_.Answer(kRecord, record);
  dv1::ListFilteringTermsResponse terms;
  terms.add_terms()->set_id("HP:0001250");
  services_.Answer(kTerms, terms);
  const auto ids = [&](const std::string& dataset) {
    const json answer = Ask("/datasets/" + dataset + "/filtering_terms");
    std::vector<std::string> out;
    for (const json& term : answer["response"]["filteringTerms"]) out.push_back(term["id"]);
    return out;
  };
  const auto own = ids(kCohort);
  EXPECT_NE(std::find(own.begin(), own.end(), "HP:0001250"), own.end());
  UseFolder();
  EXPECT_EQ(ids(kFolder), Names()) << "a folder's terms are those of its datasets";
}

TEST_F(BeaconRoutesTest, WhatCohortsCannotBeAskedIsSaid) {
  UseFolder();
  const auto asks = [](const json& parameters) { return json{{"requestParameters", parameters}}; };
  const auto filtered = [](const json& filter) { return json{{"filters", json::array({filter})}}; };
  json any_base = kPlace;
  any_base["alternateBases"] = "N";
  const std::vector<std::pair<std::string, json>> questions = {
      {"/individuals", filtered({{"id", "HP:0001250"}, {"scope", "biosample"}})},
      {"/individuals", filtered({{"id", "age"}, {"operator", ">"}, {"value", "P1Y6M"}})},
      {"/individuals",
       filtered(
           {{"id", "diseases.ageOfOnset.iso8601duration"}, {"operator", ">"}, {"value", "P40Y"}})},
      {"/individuals", filtered("female")},
      {"/g_variants", asks(any_base)},
      {"/g_variants", json::object()},
      {"/biosamples", json::object()},
      {"/individuals/p1", json::object()},
      {"/datasets", filtered("HP:0001250")}};
  for (const auto& [path, query] : questions) {
    const json answer = Ask(path, query);
    EXPECT_EQ(Named(answer, "notAsked"), (Names{kCohort})) << path << query;
    const json& one = answer["info"]["notAsked"][0];
    EXPECT_TRUE(one["reason"].get<std::string>().starts_with("QUERY_")) << one;
    EXPECT_FALSE(one["detail"].get<std::string>().empty());
  }
  EXPECT_FALSE(services_.WasAsked(kQuery));
  services_.Fail(kQuery, InvalidField("variant.end", "RANGE_TOO_LONG", "at most so many"));
  EXPECT_EQ(Ask("/g_variants", asks(kPlace))["info"]["notAsked"][0]["reason"], "RANGE_TOO_LONG");
}

TEST_F(BeaconRoutesTest, OnlyDatasetsThatWereMeantAreNamed) {
  UseFolder();
  List({kCohort, "GOE-FI-DATASET-2", kFolder});
  const json answer =
      Ask("/biosamples", {{"requestParameters", {{"datasets", {"GOE-FI-DATASET-2"}}}}});
  EXPECT_EQ(Named(answer, "notAsked"), (Names{"GOE-FI-DATASET-2"}));
}

// What is no question stays refused where nobody understands it.
TEST_F(BeaconRoutesTest,
       WithoutFoldersAQuestionThatCohortsDoNotUnderstandIsAnsweredAndANonsensicalOneRefused) {
  const json onset = {{"id", "ageOfOnset"}, {"operator", ">"}, {"value", "P40Y"}};
  const json answer = Ask("/individuals", {{"filters", {onset}}});
  EXPECT_EQ(answer["responseSummary"]["exists"], false);
  EXPECT_EQ(Named(answer, "notAsked"), (Names{kCohort}));
  const json old = {{"id", "age"}, {"operator", ">"}, {"value", "old"}};
  Ask("/individuals", {{"filters", {old}}}, 400);
  Ask("/g_variants", json::object(), 400);
  EXPECT_FALSE(services_.WasAsked(kQuery));
}

TEST_F(BeaconRoutesTest, ASpentHalfDoesNotSilenceTheOther) {
  UseFolder();
  services_.Fail(kFolders, Spent(kFolder, 9));
  json answer = Ask("/individuals");
  EXPECT_EQ(Sets(answer), (Names{kCohort}));
  const json withheld = {
      {"dataset", kFolder}, {"reason", "BUDGET_SPENT"}, {"retryAfterSeconds", 9}};
  EXPECT_EQ(answer["info"]["withheld"], json::array({withheld}));
  services_.Fail(kQuery, Spent(kCohort, 7));
  http::Response response = Send("/individuals", json::object());
  EXPECT_EQ(response.status, 429) << "all is withheld";
  EXPECT_EQ(response.headers.Get("Retry-After"), "7");
}

TEST_F(BeaconRoutesTest, SpentCohortsDoNotSilenceFolders) {
  UseFolder();
  services_.Fail(kQuery, Spent(kCohort, 7));
  const json answer = Ask("/individuals");
  EXPECT_EQ(Sets(answer), (Names{"INNER"}));
  EXPECT_EQ(Named(answer, "withheld"), (Names{kCohort}));
  folders_.set_answered(0);
  folders_.clear_sets();
  services_.Answer(kFolders, folders_);
  Ask("/individuals", {}, 429);
}

TEST_F(BeaconRoutesTest, OneOfTwoFoldersThatIsSpentIsNamed) {
  UseFolder();
  auto* withheld = folders_.add_withheld();
  withheld->set_folder("GDI-FI-BEACON-2");
  withheld->set_reason(dv1::WithheldFolder::REASON_BUDGET_SPENT);
  withheld->set_retry_after_seconds(5);
  services_.Answer(kFolders, folders_);
  EXPECT_EQ(Named(Ask("/individuals"), "withheld"), (Names{"GDI-FI-BEACON-2"}));
  EXPECT_EQ(Named(Ask("/datasets", {{"filters", {"HP:0001250"}}}), "withheld"),
            (Names{"GDI-FI-BEACON-2"}));
}

TEST_F(BeaconRoutesTest, AFolderOfWhichTooMuchWouldBeToldDoesNotSilenceTheCohorts) {
  UseFolder();
  const Status too_much = Error(StatusCode::kInvalidArgument, "TOO_MUCH_AT_ONCE", "ask for one");
  services_.Fail(kFolders, too_much);
  EXPECT_EQ(Named(Ask("/individuals"), "withheld"), (Names{kFolder}));
  Ask("/biosamples", {}, 400);
}

TEST_F(BeaconRoutesTest, WhileAFolderIsOpenedTheCohortsAnswer) {
  UseFolder();
  services_.Fail(kFolders, Stale());
  const json answer = Ask("/g_variants", {{"requestParameters", kPlace}});
  EXPECT_EQ(Sets(answer), (Names{kCohort}));
  EXPECT_EQ(answer["info"]["withheld"],
            json::array({{{"dataset", kFolder}, {"reason", "CONSENT_STALE"}}}));
  Ask("/biosamples", {}, 503);
  services_.Answer(kQuery, dv1::QueryResponse());
  Ask("/individuals", {}, 503);
}

TEST_F(BeaconRoutesTest, OfPeopleWhosePermissionsAreNotKnownNothingIsSaid) {
  UseFolder();
  services_.Fail(kQuery, Stale());
  Ask("/individuals", {}, 503);
}

TEST_F(BeaconRoutesTest, TestModeIsNotAboutPeople) {
  for (const char* path :
       {"/individuals", "/g_variants", "/datasets", "/datasets/GOE-FI-DATASET-1/individuals"}) {
    const json answer = Ask(path, {{"testMode", true}});
    EXPECT_EQ(answer["meta"]["testMode"], true);
    EXPECT_EQ(answer["responseSummary"]["exists"], false) << path;
  }
  UseFolder();
  EXPECT_EQ(Sets(Ask("/individuals", {{"testMode", true}})), (Names{"INNER"})) << "of test folders";
  EXPECT_FALSE(services_.WasAsked(kQuery));
  EXPECT_TRUE(Ask("/filtering_terms", {{"testMode", true}})["response"]["filteringTerms"].empty());
}

TEST_F(BeaconNetworkTest, TestModeIsNotAboutPeopleAtTheHub) {
  const json answer = Ask("/g_variants", {{"testMode", true}, {"requestParameters", kPlace}});
  EXPECT_EQ(answer["meta"]["testMode"], true);
  EXPECT_EQ(answer["responseSummary"]["exists"], false);
  EXPECT_FALSE(services_.WasAsked(kQuery));
}

// As the GDI User Portal writes them, to a node and to the hub.
void AskAsThePortal(const std::function<json(const std::string&, const json&)>& ask) {
  const auto query = [](const json& parameters, const json& filters, int limit) {
    return json{{"filters", filters},
                {"includeResultsetResponses", "HIT"},
                {"requestedGranularity", "record"},
                {"testMode", false},
                {"pagination", {{"skip", 0}, {"limit", limit}}},
                {"requestParameters", parameters}};
  };
  const json one = {
      {"referenceName", "20"}, {"start", {7}}, {"end", {7}}, {"assemblyId", "GRCh38"}};
  json allele = one, range = one;
  allele["referenceBases"] = "A";
  allele["alternateBases"] = "T";
  range["end"] = {900};
  for (const json& parameters : {one, allele, range}) {
    const json answer =
        ask("/g_variants", query(parameters, json::array(), parameters == range ? 1000 : 1));
    EXPECT_EQ(answer["responseSummary"]["exists"], true);
    EXPECT_TRUE(answer["response"]["resultSets"][0]["results"].is_array()) << "the portal reads it";
  }
  const json sex = {{"id", "NCIT:C16576"}, {"scope", "individual"}};
  const json onset = {{"id", "diseases.ageOfOnset.iso8601duration"},
                      {"operator", ">"},
                      {"value", "P40Y"},
                      {"scope", "individual"}};
  const json text = {{"referenceName", "20"}, {"start", "7"}, {"end", "9"}, {"geneId", ""}};
  EXPECT_EQ(ask("/individuals",
                query(text, json::array({sex}), 1))["response"]["resultSets"][0]["resultsCount"],
            12);
  const json not_asked = ask("/individuals", query(text, json::array({sex, onset}), 1));
  EXPECT_TRUE(not_asked["response"]["resultSets"].empty());
  EXPECT_EQ(not_asked["info"]["notAsked"][0]["dataset"], kCohort);
}

TEST_F(BeaconRoutesTest, AnswersThePortal) {
  AskAsThePortal([this](const std::string& path, const json& query) { return Ask(path, query); });
}

TEST_F(BeaconNetworkTest, AnswersThePortal) {
  AskAsThePortal([this](const std::string& path, const json& query) { return Ask(path, query); });
}

TEST_F(BeaconRoutesTest, WhetherVariantsMayBeAskedForWithoutAPlaceDependsOnTheFolders) {
  const auto unfiltered = [&](const std::string& path, const char* entry) {
    return Ask(path)["response"]["entryTypes"][entry]["nonFilteredQueriesAllowed"].get<bool>();
  };
  for (const char* path : {"/configuration", "/entry_types"}) {
    services_.Answer(kFolders, dv1::QueryFoldersResponse());
    EXPECT_FALSE(unfiltered(path, "genomicVariant"));
    EXPECT_TRUE(unfiltered(path, "individual"));
    UseFolder();
    EXPECT_TRUE(unfiltered(path, "genomicVariant"));
    services_.Fail(kFolders, Stale());
    EXPECT_FALSE(unfiltered(path, "genomicVariant"));
  }
}

}  // namespace
}  // namespace genofed::gateway
