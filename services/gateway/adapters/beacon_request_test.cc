// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_request.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/testing/matchers.h"

namespace genofed::gateway {
namespace {

using beacon::EntryType;
using genofed::testing::HasReason;
using genofed::testing::IsOk;
using nlohmann::json;
namespace v1 = discovery::v1;

http::Request Get(std::string_view query) {
  http::Request request;
  request.query = *http::Query::Parse(query);
  return request;
}

http::Request Post(const json& query) {
  http::Request request;
  request.method = http::Method::kPost;
  request.headers.Add("Content-Type", "application/json");
  request.body = json{{"meta", {{"apiVersion", "2.0"}}}, {"query", query}}.dump();
  return request;
}

Result<v1::QueryRequest> Cohort(EntryType type, const http::Request& request) {
  GF_ASSIGN(const BeaconRequest parsed, ParseBeacon({type, std::nullopt, ""}, request));
  return CohortQuery(parsed.parsed);
}

Result<v1::QueryRequest> Variant(const json& parameters) {
  return Cohort(EntryType::kVariant, Post({{"requestParameters", parameters}}));
}

TEST(BeaconRequest, CohortsAreAskedForDistributionsThatTheyKnow) {
  json query = {{"requestedGranularity", "aggregated"},
                {"aggregationTerms", {{{"id", "ethnicity"}}, {{"id", "sexByAge"}}}}};
  GF_ASSERT_OK_AND_ASSIGN(const auto asked, Cohort(EntryType::kIndividual, Post(query)));
  ASSERT_EQ(asked.aggregations_size(), 1);
  EXPECT_EQ(asked.aggregations(0), "sexByAge");
  EXPECT_EQ(asked.granularity(), v1::GRANULARITY_COUNT);
  query["requestParameters"] = {{"referenceName", "20"}, {"start", 7}, {"end", 9}};
  GF_ASSERT_OK_AND_ASSIGN(const auto of_carriers, Cohort(EntryType::kIndividual, Post(query)));
  EXPECT_EQ(of_carriers.aggregations_size(), 0);
}

TEST(BeaconRequest, CohortsAreAskedForExactAllelesAndRanges) {
  const json flat = {
      {"referenceName", "chr20"}, {"start", {1000225}}, {"referenceBases", "a"}, {"alternateBases", "T"}};
  for (const json& parameters : {flat, json{{"g_variant", flat}}}) {
    GF_ASSERT_OK_AND_ASSIGN(const auto query, Variant(parameters));
    EXPECT_EQ(query.entity(), v1::ENTITY_VARIANT);
    EXPECT_EQ(query.variant().contig(), "20");
    EXPECT_EQ(query.variant().start(), 1000225);
    EXPECT_EQ(query.variant().end(), 0);
    EXPECT_EQ(query.variant().reference_bases(), "A");
    EXPECT_EQ(query.variant().alternate_bases(), "T");
    EXPECT_EQ(query.variant().assembly(), "");
  }
  for (const char* name : {"chr20", "20", "NC_000020.11", "refseq:NC_000020.11"}) {
    GF_ASSERT_OK_AND_ASSIGN(const auto query,
                            Variant({{"referenceName", name}, {"start", 7}, {"end", 9}, {"assemblyId", "hg38"}}));
    EXPECT_EQ(query.variant().contig(), "20") << name;
    EXPECT_EQ(query.variant().assembly(), "GRCh38") << name;
    EXPECT_EQ(query.variant().end(), 9);
  }
}

TEST(BeaconRequest, WhatCohortsDoNotKnowIsNotAskedOfThem) {
  const json place = {{"referenceName", "20"}, {"start", 7}, {"alternateBases", "T"}};
  const auto with = [&](const char* name, const json& value) {
    json parameters = place;
    parameters[name] = value;
    return Variant(parameters);
  };
  EXPECT_THAT(Variant(place), IsOk());
  for (const char* bases : {"R", "N"})
    EXPECT_THAT(with("alternateBases", bases), HasReason("QUERY_UNSUPPORTED"));
  EXPECT_THAT(Variant({{"genomicAlleleShortForm", "NM_1.1:c.5A>G"}}), HasReason("QUERY_UNSUPPORTED"));
  EXPECT_THAT(Variant(nullptr), HasReason("QUERY_INCOMPLETE"));
  EXPECT_THAT(Cohort(EntryType::kBiosample, Get("")), HasReason("QUERY_UNSUPPORTED"));
  for (const json& refused :
       {json{{"id", "age"}, {"operator", ">"}, {"value", "P70Y6M"}},
        json{{"id", "age"}, {"operator", "!"}, {"value", "P7Y"}},
        json{{"id", "age"}, {"operator", ">"}, {"value", "P7Y"}, {"similarity", "low"}},
        json{{"id", "SO:0001587"}, {"similarity", "low"}}, json{{"id", "female"}, {"similarity", "low"}},
        json{{"id", "alleleFrequency"}, {"operator", ">"}, {"value", "0.1"}},
        json{"HP:0001250", "SO:0001587"}, json("SO:9999999"), json("female"),
        json{{"id", "diseases.ageOfOnset.iso8601duration"}, {"operator", ">"}, {"value", "P40Y"}},
        json{{"id", "HP:0001250"}, {"scope", "biosample"}}}) {
    EXPECT_THAT(Cohort(EntryType::kIndividual, Post({{"filters", json::array({refused})}})),
                HasReason("QUERY_UNSUPPORTED"))
        << refused;
  }
}

TEST(BeaconRequest, CohortsAreAskedForSimilarTerms) {
  const auto filter = [](const json& members) {
    json one = {{"id", "HP:0001250"}};
    one.update(members);
    return Cohort(EntryType::kIndividual, Post({{"filters", json::array({one})}}));
  };
  const std::pair<const char*, v1::Filter::Similar::Level> levels[] = {
      {"high", v1::Filter::Similar::LEVEL_HIGH},
      {"medium", v1::Filter::Similar::LEVEL_MEDIUM},
      {"low", v1::Filter::Similar::LEVEL_LOW}};
  for (const auto& [word, level] : levels) {
    GF_ASSERT_OK_AND_ASSIGN(const auto query, filter({{"similarity", word}, {"includeDescendantTerms", false}}));
    EXPECT_EQ(query.filters(0).similar().term(), "HP:0001250");
    EXPECT_EQ(query.filters(0).similar().level(), level);
    EXPECT_TRUE(query.filters(0).without_descendants());
    EXPECT_EQ(query.filters(0).term(), "");
  }
  GF_ASSERT_OK_AND_ASSIGN(const auto exact, filter({{"similarity", "exact"}}));
  EXPECT_FALSE(exact.filters(0).has_similar());
  EXPECT_EQ(exact.filters(0).term(), "HP:0001250");
  EXPECT_THAT(filter({{"similarity", "nearly"}}), HasReason("FIELD_INVALID"));
}

TEST(BeaconRequest, AnAgeIsADurationOrANumberOfYears) {
  const auto age = [](const char* value) {
    const json filter = {{"id", "age"}, {"operator", ">="}, {"value", value}};
    return Cohort(EntryType::kIndividual, Post({{"filters", {filter}}}));
  };
  for (const char* years : {"P18Y", "18"}) {
    GF_ASSERT_OK_AND_ASSIGN(const auto query, age(years));
    EXPECT_EQ(query.filters(0).ages().from(), 18);
  }
  for (const char* months : {"P216M", "P17Y12M"}) {
    GF_ASSERT_OK_AND_ASSIGN(const auto query, age(months));
    EXPECT_EQ(query.filters(0).ages().from(), 18) << "the same age, however it is written";
  }
  for (const char* between : {"P18M", "P1Y6M", "P200D", "P52W"}) {
    const auto query = age(between);
    EXPECT_THAT(query, HasReason("QUERY_UNSUPPORTED")) << between;
    EXPECT_NE(Message(query.status()).find("ages are held in whole years"), std::string::npos);
  }
  for (const char* wrong : {"old", "P18", "-1"})
    EXPECT_THAT(age(wrong), HasReason("FIELD_INVALID")) << wrong;
}

// Portals send the position of an allele as its start and its end.
TEST(BeaconRequest, AnEmptyIntervalIsAPosition) {
  json place = {{"referenceName", "20"}, {"start", {7}}, {"end", {7}}};
  GF_ASSERT_OK_AND_ASSIGN(const auto base, Variant(place));
  EXPECT_EQ(base.variant().start(), 7);
  EXPECT_EQ(base.variant().end(), 8);
  place["alternateBases"] = "T";
  GF_ASSERT_OK_AND_ASSIGN(const auto allele, Variant(place));
  EXPECT_EQ(allele.variant().end(), 0) << "the allele itself, with its frequency";
}

TEST(BeaconRequest, ThePathNamesTheDataset) {
  const auto asked = [](EntryType parent, const char* id) -> Result<v1::QueryRequest> {
    GF_ASSIGN(const BeaconRequest parsed,
              ParseBeacon({EntryType::kIndividual, parent, id}, Post(json::object())));
    return CohortQuery(parsed.parsed);
  };
  GF_ASSERT_OK_AND_ASSIGN(const auto query, asked(EntryType::kDataset, "GOE-FI-DATASET-1"));
  ASSERT_EQ(query.datasets_size(), 1);
  EXPECT_EQ(query.datasets(0), "GOE-FI-DATASET-1");
  EXPECT_THAT(asked(EntryType::kCohort, "C"), HasReason("QUERY_UNSUPPORTED"));
}

TEST(BeaconRequest, APassportMayOpenRecordsOfIndividuals) {
  const auto asked = [](beacon::Target target, const json& query) -> Result<v1::QueryRequest> {
    GF_ASSIGN(const BeaconRequest parsed, ParseBeacon(std::move(target), Post(query)));
    return CohortQuery(parsed.parsed, "passport");
  };
  const beacon::Target people{EntryType::kIndividual, std::nullopt, ""};
  GF_ASSERT_OK_AND_ASSIGN(const auto page,
                          asked(people, {{"pagination", {{"skip", 2}, {"limit", 5}}}}));
  EXPECT_EQ(page.records().passport(), "passport");
  EXPECT_EQ(page.records().skip(), 2);
  EXPECT_EQ(page.records().limit(), 5);
  EXPECT_EQ(page.records().individual(), "");
  GF_ASSERT_OK_AND_ASSIGN(const auto all, asked(people, {{"pagination", {{"limit", 0}}}}));
  EXPECT_EQ(all.records().limit(), 10'000);
  GF_ASSERT_OK_AND_ASSIGN(const auto one,
                          asked({EntryType::kIndividual, std::nullopt, "D.i4"}, json::object()));
  EXPECT_EQ(one.records().individual(), "D.i4");
  GF_ASSERT_OK_AND_ASSIGN(
      const auto of_dataset,
      asked({EntryType::kIndividual, EntryType::kDataset, "D"}, json::object()));
  EXPECT_TRUE(of_dataset.has_records());
  EXPECT_EQ(of_dataset.records().individual(), "");
  EXPECT_EQ(of_dataset.datasets(0), "D");
  // Nothing else of theirs, and not what a person is part of.
  EXPECT_FALSE(asked(people, {{"requestedGranularity", "aggregated"}})->has_records());
  EXPECT_FALSE(asked({EntryType::kVariant, std::nullopt, ""},
                     {{"requestParameters", {{"geneId", "BRCA1"}}}})
                   ->has_records());
  EXPECT_THAT(asked({EntryType::kIndividual, EntryType::kCohort, "C"}, json::object()),
              HasReason("QUERY_UNSUPPORTED"));
  EXPECT_THAT(asked({EntryType::kBiosample, EntryType::kIndividual, "D.i4"}, json::object()),
              HasReason("QUERY_UNSUPPORTED"));
  EXPECT_FALSE(Cohort(EntryType::kIndividual, Post(json::object()))->has_records());
}

TEST(BeaconRequest, CohortsAreFilteredByTerms) {
  GF_ASSERT_OK_AND_ASSIGN(
      const auto query,
      Cohort(
          EntryType::kIndividual,
          Post({{"filters",
                 {"HP_0001250", {{"id", "NCIT:C16576"}, {"scope", "individuals"}, {"includeDescendantTerms", true}}}},
                {"requestedGranularity", "count"}})));
  EXPECT_EQ(query.entity(), v1::ENTITY_INDIVIDUAL);
  ASSERT_EQ(query.filters_size(), 2);
  EXPECT_EQ(query.filters(0).term(), "HP:0001250");
  EXPECT_EQ(query.filters(1).term(), "NCIT:C16576");
  EXPECT_FALSE(query.has_variant());
  EXPECT_EQ(query.granularity(), v1::GRANULARITY_COUNT);
}

TEST(BeaconRequest, CohortsAreAskedForGenesChangesAndBrackets) {
  GF_ASSERT_OK_AND_ASSIGN(
      const auto gene,
      Cohort(EntryType::kIndividual,
             Post({{"requestParameters", {{"g_variant", {{"geneId", "BRCA1"}, {"variantType", "SNV"}}}}},
                   {"filters",
                    {"SO:0002054",
                     {{"id", "alleleFrequency"}, {"operator", "<"}, {"value", "0.001"}},
                     {{"id", "age"}, {"operator", ">="}, {"value", "P18Y"}},
                     {"HP:0001250", {{"id", "HP:0001251"}, {"includeDescendantTerms", false}}}}}})));
  EXPECT_EQ(gene.variant().gene(), "BRCA1") << "as it was written";
  EXPECT_EQ(gene.variant().type(), "SNP");
  EXPECT_EQ(gene.variant().below_frequency(), 0.001);
  EXPECT_EQ((std::vector<std::string>{gene.variant().consequences().begin(), gene.variant().consequences().end()}),
            (std::vector<std::string>{"splice_acceptor_variant", "splice_donor_variant", "stop_gained",
                                      "frameshift_variant"}));
  ASSERT_EQ(gene.filters_size(), 2);
  EXPECT_EQ(gene.filters(0).ages().from(), 18);
  ASSERT_EQ(gene.filters(1).any_of_size(), 2);
  EXPECT_TRUE(gene.filters(1).any_of(1).without_descendants());
  GF_ASSERT_OK_AND_ASSIGN(const auto bracket,
                          Variant({{"referenceName", "20"}, {"start", {1, 2}}, {"end", {5, 9}}}));
  EXPECT_EQ(bracket.variant().bracket().end_until(), 9);
  GF_ASSERT_OK_AND_ASSIGN(const auto hgvs, Variant({{"genomicAlleleShortForm", "NC_000007.14:g.55181320A>T"}}));
  EXPECT_EQ(hgvs.variant().hgvs(), "NC_000007.14:g.55181320A>T");
  GF_ASSERT_OK_AND_ASSIGN(const auto change, Variant({{"aminoacidChange", "p.Gly12Asp"}}));
  EXPECT_EQ(change.variant().amino_acid_change(), "G12D");
  // Restrictions without a variant restrict nothing.
  EXPECT_THAT(Cohort(EntryType::kIndividual, Post({{"filters", {"SO:0001587"}}})), HasReason("QUERY_INCOMPLETE"));
  EXPECT_THAT(Cohort(EntryType::kVariant, Post({{"requestParameters", {{"geneId", "A"}}}, {"filters", {"SO:0001587", "SO:0001583"}}})),
              HasReason("FIELD_INVALID"));
}

TEST(BeaconRequest, AGetIsPassedOnAsABody) {
  GF_ASSERT_OK_AND_ASSIGN(
      const auto request,
      ParseBeacon({EntryType::kVariant, std::nullopt, ""},
                  Get("referenceName=chr20&start=10&end=20&filters=HP_0001250,NCIT:C16576&skip=2&limit=5&datasets=A,B"
                      "&includeResultsetResponses=ALL&requestedGranularity=count&testMode=true")));
  EXPECT_EQ(request.parsed.datasets, (std::vector<std::string>{"A", "B"}));
  // The service reads the same request from it.
  GF_ASSERT_OK_AND_ASSIGN(const auto again,
                          beacon::ParseRequest({EntryType::kVariant, std::nullopt, ""}, request.body));
  EXPECT_EQ(again.summary, request.parsed.summary);
  EXPECT_THAT(ParseBeacon({}, Get("start=1&start=2")), HasReason("FIELD_INVALID"));
}

TEST(BeaconRequest, OnlyJsonIsABody) {
  http::Request request = Post(json::object());
  request.headers.Set("Content-Type", "application/xml");
  EXPECT_THAT(ParseBeacon({}, request), HasReason("UNSUPPORTED_MEDIA_TYPE"));
}

}  // namespace
}  // namespace genofed::gateway
