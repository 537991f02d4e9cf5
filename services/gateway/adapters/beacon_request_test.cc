// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_request.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/testing/matchers.h"

namespace genofed::gateway {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using nlohmann::json;
namespace v1 = discovery::v1;

Result<BeaconRequest> Get(BeaconEntry entry, std::string_view query) {
  return ParseBeaconGet(entry, *http::Query::Parse(query));
}

std::string Body(const json& query) {
  return json{{"meta", {{"apiVersion", "2.0"}}}, {"query", query}}.dump();
}

Result<BeaconRequest> Variant(const json& parameters) {
  return ParseBeaconPost(BeaconEntry::kVariant, Body({{"requestParameters", parameters}}));
}

TEST(BeaconRequest, FlatAndNestedParametersAreTheSame) {
  const json flat = {{"referenceName", "chr20"},
                     {"start", {1000225}},
                     {"referenceBases", "a"},
                     {"alternateBases", "T"}};
  for (const json& parameters : {flat, json{{"g_variant", flat}}}) {
    GF_ASSERT_OK_AND_ASSIGN(const auto request, Variant(parameters));
    EXPECT_EQ(request.query.entity(), v1::ENTITY_VARIANT);
    EXPECT_EQ(request.query.variant().contig(), "20");
    EXPECT_EQ(request.query.variant().start(), 1000225);
    EXPECT_EQ(request.query.variant().end(), 0);
    EXPECT_EQ(request.query.variant().reference_bases(), "A");
    EXPECT_EQ(request.query.variant().alternate_bases(), "T");
    EXPECT_EQ(request.query.variant().assembly(), "");
  }
}

TEST(BeaconRequest, StartMayBeListIntegerOrString) {
  for (const json& start : {json(7), json("7"), json({7}), json({"7"})}) {
    GF_ASSERT_OK_AND_ASSIGN(
        const auto request,
        Variant({{"referenceName", "20"}, {"start", start}, {"alternateBases", "T"}}));
    EXPECT_EQ(request.query.variant().start(), 7) << start;
  }
}

TEST(BeaconRequest, ReferenceNamesHaveOneSpelling) {
  for (const char* name : {"chr20", "20", "NC_000020.11", "refseq:NC_000020.11"}) {
    GF_ASSERT_OK_AND_ASSIGN(
        const auto request,
        Variant({{"referenceName", name}, {"start", 7}, {"end", 9}, {"assemblyId", "GRCh38"}}));
    EXPECT_EQ(request.query.variant().contig(), "20") << name;
    EXPECT_EQ(request.query.variant().assembly(), "GRCh38") << name;
    EXPECT_EQ(request.query.variant().end(), 9);
  }
  // The accession alone names the assembly.
  GF_ASSERT_OK_AND_ASSIGN(const auto request,
                          Variant({{"referenceName", "NC_000020.10"}, {"start", 7}, {"end", 9}}));
  EXPECT_EQ(request.query.variant().assembly(), "GRCh37");
  EXPECT_THAT(
      Variant(
          {{"referenceName", "NC_000020.10"}, {"start", 7}, {"end", 9}, {"assemblyId", "GRCh38"}}),
      HasReason("FIELD_INVALID"));
}

TEST(BeaconRequest, WhatIsNotUnderstoodIsRefused) {
  const json place = {{"referenceName", "20"}, {"start", 7}, {"alternateBases", "T"}};
  const auto with = [&](const char* name, const json& value) {
    json parameters = place;
    parameters[name] = value;
    return Variant(parameters);
  };
  EXPECT_THAT(with("geneId", "BRCA1"), HasReason("QUERY_UNSUPPORTED"));
  EXPECT_THAT(with("start", {1, 2}), HasReason("QUERY_UNSUPPORTED"));  // bracket
  EXPECT_THAT(with("start", {1, 2, 3}), HasReason("FIELD_INVALID"));
  EXPECT_THAT(with("start", -1), HasReason("FIELD_INVALID"));
  EXPECT_THAT(with("start", "1x"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(with("start", 1e300), HasReason("FIELD_INVALID"));
  EXPECT_THAT(with("end", 7), HasReason("FIELD_INVALID"));
  EXPECT_THAT(with("alternateBases", "<DEL>"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(with("referenceName", "chr 20"), HasReason("CONTIG_INVALID"));
  EXPECT_THAT(with("assemblyId", "T2T"), HasReason("FIELD_INVALID"));
  EXPECT_THAT(with("g_variant", {{"start", 8}}), HasReason("FIELD_INVALID"));  // twice
  EXPECT_THAT(with("geneId", ""), IsOk());  // left empty in a form
  EXPECT_THAT(with("geneId", nullptr), IsOk());
}

TEST(BeaconRequest, IncompleteVariantQueriesAreRefused) {
  EXPECT_THAT(Variant({}), HasReason("QUERY_INCOMPLETE"));
  EXPECT_THAT(Variant(nullptr), HasReason("QUERY_INCOMPLETE"));
  EXPECT_THAT(Variant({{"referenceName", "20"}}), HasReason("QUERY_INCOMPLETE"));
  EXPECT_THAT(Variant({{"referenceName", "20"}, {"start", 7}}), HasReason("QUERY_INCOMPLETE"));
  EXPECT_THAT(Variant({{"start", 7}, {"end", 8}}), HasReason("QUERY_INCOMPLETE"));
}

TEST(BeaconRequest, BodiesThatAreNoRequestsAreRefused) {
  for (const char* body :
       {"[]", "{", "null", "{\"query\":[]}", "{\"query\":{\"filters\":{\"id\":\"HP:1\"}}}",
        "{\"query\":{\"requestParameters\":[1]}}", "{\"query\":{\"pagination\":{\"limit\":-1}}}",
        "{\"query\":{\"requestedGranularity\":\"aggregated\"}}",
        "{\"query\":{\"filtersLogic\":\"OR\"}}", "{\"query\":{},\"query\":{}}"}) {
    EXPECT_FALSE(ParseBeaconPost(BeaconEntry::kIndividual, body).ok()) << body;
  }
}

TEST(BeaconRequest, FiltersAreObjectsOrStrings) {
  const json filters = {
      "HP:0001250",
      {{"id", "NCIT:C16576"}, {"scope", "individual"}, {"includeDescendantTerms", true}}};
  GF_ASSERT_OK_AND_ASSIGN(const auto request,
                          ParseBeaconPost(BeaconEntry::kIndividual, Body({{"filters", filters}})));
  EXPECT_EQ(request.query.entity(), v1::ENTITY_INDIVIDUAL);
  ASSERT_EQ(request.query.filters_size(), 2);
  EXPECT_EQ(request.query.filters(0).term(), "HP:0001250");
  EXPECT_EQ(request.query.filters(1).term(), "NCIT:C16576");
  EXPECT_FALSE(request.query.has_variant());
  EXPECT_EQ(json::parse(request.summary)["filters"],
            (json{"HP:0001250", "NCIT:C16576"}));  // strings only

  for (const json& refused :
       {json{{"id", "age"}, {"operator", ">"}, {"value", "P70Y"}}, json{"HP:0001250"},
        json{{"id", "HP:0001250"}, {"similarity", "low"}}, json{{"scope", "individual"}}, json(7),
        json{{"id", "HP:0001250"}, {"scope", "biosample"}}, json("age:>P70Y")}) {
    EXPECT_FALSE(
        ParseBeaconPost(BeaconEntry::kIndividual, Body({{"filters", json::array({refused})}})).ok())
        << refused;
  }
}

TEST(BeaconRequest, GetHasListsJoinedByCommas) {
  GF_ASSERT_OK_AND_ASSIGN(
      const auto request,
      Get(BeaconEntry::kVariant,
          "referenceName=chr20&start=10&end=20&filters=HP_0001250,NCIT:C16576&skip=2&limit=5&"
          "datasets=A,B"
          "&includeResultsetResponses=ALL&requestedGranularity=count&testMode=true"));
  EXPECT_EQ(request.query.variant().end(), 20);
  EXPECT_EQ(request.query.filters(0).term(), "HP:0001250");
  EXPECT_EQ(request.query.filters(1).term(), "NCIT:C16576");
  EXPECT_EQ(request.query.datasets_size(), 2);
  EXPECT_EQ(request.query.granularity(), v1::GRANULARITY_COUNT);
  EXPECT_EQ(request.include, BeaconRequest::Include::kAll);
  EXPECT_EQ(request.skip, 2);
  EXPECT_EQ(request.limit, 5);
  EXPECT_TRUE(request.test_mode);
  EXPECT_THAT(Get(BeaconEntry::kVariant, "referenceName=20&start=10,11&end=20,21"),
              HasReason("QUERY_UNSUPPORTED"));
  EXPECT_THAT(Get(BeaconEntry::kVariant, "referenceName=20&start=1&start=2&end=3"),
              HasReason("FIELD_INVALID"));
  EXPECT_THAT(Get(BeaconEntry::kIndividual, "unknown=1"), HasReason("QUERY_UNSUPPORTED"));
}

TEST(BeaconRequest, TheSummaryEchoesObjectsOnly) {
  GF_ASSERT_OK_AND_ASSIGN(
      const auto request,
      Variant({{"referenceName", "20"}, {"start", "7"}, {"alternateBases", "t"}}));
  const json summary = json::parse(request.summary);
  EXPECT_EQ(summary["apiVersion"], "2.0");
  EXPECT_EQ(
      summary["requestParameters"],
      (json{{"g_variant",
             {{"referenceName", "20"}, {"start", json::array({7})}, {"alternateBases", "T"}}}}));
  EXPECT_EQ(summary["requestedGranularity"], "record");
  EXPECT_EQ(summary["pagination"], (json{{"skip", 0}, {"limit", 10}}));
}

}  // namespace
}  // namespace genofed::gateway
