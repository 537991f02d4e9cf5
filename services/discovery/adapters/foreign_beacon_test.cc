// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/foreign_beacon.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/core/retry_after.h"
#include "libs/http/server.h"
#include "libs/testing/matchers.h"
#include "services/discovery/adapters/worker_pool.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;
using testing::IsOk;

std::unique_ptr<NodeClient> Beacon(ForeignBeaconOptions options) {
  return MakeForeignBeacon(std::move(options), MakeWorkerPool(1, 1));
}

// Examples of the specification's three kinds of answers.
TEST(ForeignBeacon, ReadsBooleansCountsAndResultSets) {
  auto yes = ParseBeaconAnswer("other", R"({"meta": {}, "responseSummary": {"exists": true}})");
  ASSERT_THAT(yes, IsOk());
  EXPECT_TRUE(yes->datasets.at(0).exists);
  EXPECT_EQ(yes->datasets[0].dataset, "other");
  EXPECT_EQ(yes->datasets[0].count, 0);
  auto count =
      ParseBeaconAnswer("other", R"({"responseSummary": {"exists": true, "numTotalResults": 12,
                                              "countPrecision": "rounded"}})");
  EXPECT_EQ(count->datasets.at(0).count, 12);
  EXPECT_EQ(count->datasets[0].precision, disclosure::Precision::kRounded);
  auto sets = ParseBeaconAnswer(
      "other", R"({"responseSummary": {"exists": true}, "response": {"resultSets": [
      {"id": "a", "exists": true, "resultsCount": 3}, {"id": "b", "exists": false, "resultsCount": 0},
      {"id": "a", "exists": true, "resultsCount": 9}]}})");
  ASSERT_THAT(sets, IsOk());
  ASSERT_EQ(sets->datasets.size(), 2u);  // no dataset twice
  EXPECT_EQ(sets->datasets[0].count, 3);
}

// As the Beacons of this federation say it (docs/guides/beacon.md).
TEST(ForeignBeacon, ANoOfThoseWhoWereNotAskedIsNone) {
  const std::string said = R"("info": {"notAsked": [
      {"dataset": "EGAD1", "reason": "QUERY_UNSUPPORTED", "detail": "no labels"}, {"site": "es", "reason": 5}, "x"]})";
  const auto no = ParseBeaconAnswer("other", R"({"responseSummary": {"exists": false}, )" + said + "}");
  ASSERT_THAT(no, IsOk());
  EXPECT_TRUE(no->datasets.empty());
  ASSERT_EQ(no->not_asked.size(), 2u);
  EXPECT_EQ(no->not_asked[0], (NotAsked{"", "EGAD1", "QUERY_UNSUPPORTED", "no labels"}));
  EXPECT_EQ(no->not_asked[1], NotAsked());
  const auto yes = ParseBeaconAnswer("other", R"({"responseSummary": {"exists": true, "numTotalResults": 3}, )" + said + "}");
  EXPECT_EQ(yes->datasets.at(0).count, 3);
  EXPECT_EQ(yes->not_asked.size(), 2u);
  for (const char* info : {R"("info": {"notAsked": {}})", R"("info": [])", R"("info": {"notAsked": []})"}) {
    const auto plain = ParseBeaconAnswer("other", R"({"responseSummary": {"exists": false}, )" + std::string(info) + "}");
    ASSERT_THAT(plain, IsOk()) << info;
    EXPECT_EQ(plain->datasets.size(), 1u) << info;
  }
}

TEST(ForeignBeacon, RefusesNonsense) {
  for (
      const char* text :
      {"", "no", "[]", "{}", "<html>", R"({"responseSummary": 5})",
       R"({"responseSummary": {"exists": "yes"}})",
       R"({"responseSummary": {"exists": true, "numTotalResults": -1}})",
       R"({"responseSummary": {"exists": false, "numTotalResults": 3}})",
       R"({"responseSummary": {"exists": true, "numTotalResults": 1e30}})",
       R"({"responseSummary": {"exists": true}, "response": {"resultSets": {"id": "a"}}})",
       R"({"responseSummary": {"exists": true}, "response": {"resultSets": [{"exists": true}]}})"}) {
    EXPECT_THAT(ParseBeaconAnswer("other", text), HasReason("ANSWER_INVALID")) << text;
  }
}

TEST(ForeignBeacon, AsksInBeaconsWords) {
  Query query;
  query.granularity = Granularity::kRecord;
  query.account = "never told";
  query.account_tokens = std::make_shared<const AccountTokens>(AccountTokens{{"other", "never told"}});
  query.variant = VariantPattern{
      VariantPattern::Form::kExact, genomics::Assembly::kGrch38, "20", 1000, 1001, "A", "T"};
  query.filters = {{Filter{"HP:0001250"}}, {Filter{"HP:0000002", false}}, {Filter{"", true, std::pair(18, 64)}},
                   {Filter{"HP:0000002", true, {}, beacon::Similarity::kHigh}}};
  const auto body = nlohmann::json::parse(RenderBeaconQuery(query));
  EXPECT_EQ(body["query"]["requestParameters"]["start"], nlohmann::json::array({1000}));
  EXPECT_EQ(body["query"]["requestParameters"]["assemblyId"], "GRCh38");
  EXPECT_FALSE(body["query"]["requestParameters"].contains("end"));
  EXPECT_EQ(body["query"]["filters"][0]["id"], "HP:0001250");
  EXPECT_EQ(body["query"]["filters"][1]["includeDescendantTerms"], false);
  EXPECT_EQ(body["query"]["filters"][2], nlohmann::json({{"id", "age"}, {"operator", ">="}, {"value", "P18Y"}}));
  EXPECT_EQ(body["query"]["filters"][3], nlohmann::json({{"id", "age"}, {"operator", "<"}, {"value", "P65Y"}}));
  EXPECT_EQ(body["query"]["filters"][4], nlohmann::json({{"id", "HP:0000002"}, {"similarity", "high"}}));
  EXPECT_FALSE(body["query"]["filters"][0].contains("similarity"));
  EXPECT_EQ(body["query"]["requestedGranularity"], "count");
  EXPECT_EQ(body.dump().find("never told"), std::string::npos);
}

TEST(ForeignBeacon, AsksForGenesAndChanges) {
  RawQuery raw;
  raw.entity = Entity::kVariant;
  raw.variant = RawVariant();
  raw.variant->gene = "KRAS";
  raw.variant->amino_acid_change = "p.Gly12Asp";
  const auto body = nlohmann::json::parse(RenderBeaconQuery(*Validate(raw)));
  EXPECT_EQ(body["query"]["requestParameters"],
            nlohmann::json({{"geneId", "KRAS"}, {"aminoacidChange", "G12D"}}));
  // A Beacon that tells upper from lower case has to be asked as its genes are written.
  raw.variant->gene = "C9orf72";
  EXPECT_EQ(nlohmann::json::parse(
                RenderBeaconQuery(*Validate(raw)))["query"]["requestParameters"]["geneId"],
            "C9orf72");
  // What Beacon has no words for is not asked as something else.
  raw.variant->consequences = {"stop_gained"};
  auto beacon = Beacon({"other", "http://127.0.0.1:1", "", std::chrono::seconds(1)});
  EXPECT_THAT(AskAndWait(*beacon, Context::Background(), *Validate(raw)),
              HasReason("QUERY_UNSUPPORTED"));
}

// Over the wire, from a Beacon that says what it is told to.
TEST(ForeignBeacon, IsNamedForWhatItDoesWrong) {
  std::string body;
  int status = 200;
  http::Router router;
  http::Route route;
  route.method = http::Method::kPost;
  route.pattern = "/api/individuals";
  route.handler = [&](const http::Request&) -> Result<http::Response> {
    http::Response response = http::Json(status, body);
    if (status == 429) response.headers.Set("Retry-After", "90");
    return response;
  };
  router.Add(std::move(route));
  http::ServerOptions options;
  options.address = "127.0.0.1";
  auto server = http::Server::Start(options, router);
  ASSERT_THAT(server, IsOk());
  auto client = Beacon({"other", fmt::format("http://127.0.0.1:{}/api", (*server)->port()), "",
                        std::chrono::milliseconds(2000)});
  Query query;
  query.entity = Entity::kIndividual;
  body = R"({"responseSummary": {"exists": true, "numTotalResults": 12}})";
  EXPECT_EQ(AskAndWait(*client, Context::Background(), query)->datasets.at(0).count, 12);
  body = "<html>sorry</html>";
  EXPECT_THAT(AskAndWait(*client, Context::Background(), query), HasReason("ANSWER_INVALID"));
  status = 500;
  EXPECT_THAT(AskAndWait(*client, Context::Background(), query), HasReason("PEER_FAILED"));
  status = 401;
  EXPECT_THAT(AskAndWait(*client, Context::Background(), query), HasReason("PEER_REFUSED"));
  for (const int cannot : {400, 422, 501}) {
    status = cannot;
    EXPECT_THAT(AskAndWait(*client, Context::Background(), query), HasReason("QUERY_UNSUPPORTED"));
  }
  status = 429;
  const auto later = AskAndWait(*client, Context::Background(), query);
  EXPECT_THAT(later, HasReason("BUDGET_SPENT"));
  EXPECT_EQ(RetryAfter(later.status()), std::chrono::seconds(90));
}

// Nobody there: named as unreachable, not as an error of the network.
TEST(ForeignBeacon, SaysWhenNobodyIsThere) {
  auto client = Beacon({"other", "http://127.0.0.1:9", "", std::chrono::milliseconds(500)});
  EXPECT_TRUE(client->foreign());
  EXPECT_THAT(AskAndWait(*client, Context::Background(), Query()), HasReason("PEER_UNAVAILABLE"));
}

}  // namespace
}  // namespace genofed::discovery
