// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_response.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/ga4gh/errors.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;
namespace v1 = discovery::v1;

constexpr char kResponses[] = "framework/json/responses/";
constexpr char kModels[] = "models/json/beacon-v2-default-model/";

BeaconRequest Request(BeaconEntry entry, const char* granularity, const char* include = "HIT") {
  std::string query =
      std::string("requestedGranularity=") + granularity + "&includeResultsetResponses=" + include;
  if (entry == BeaconEntry::kVariant)
    query += "&referenceName=20&start=1000225&referenceBases=A&alternateBases=T";
  if (entry == BeaconEntry::kIndividual) query += "&filters=HP:0001250";
  return *ParseBeaconGet(entry, *http::Query::Parse(query));
}

// Finland has 12 carriers (2 homozygous, 1 hemizygous), Spain too few to tell; Sweden is down.
v1::QueryResponse Answer() {
  v1::QueryResponse answer;
  answer.set_exists(true);
  answer.set_count(12);
  answer.set_minimum_count(5);
  auto* fi = answer.add_datasets();
  fi->set_dataset("GOE-FI-DATASET-1");
  fi->set_version(2);
  fi->set_country("FI");
  fi->set_exists(true);
  fi->set_count(12);
  auto* allele = fi->add_alleles();
  allele->set_contig("20");
  allele->set_start(1000225);
  allele->set_reference_bases("A");
  allele->set_alternate_bases("T");
  allele->set_allele_count(14);
  allele->set_allele_number(200);
  allele->set_homozygotes(2);
  allele->set_heterozygotes(9);
  allele->set_assembly("GRCh38");
  auto* es = answer.add_datasets();
  es->set_dataset("GOE-ES-DATASET-1");
  es->set_country("ES");
  auto* member = answer.add_members();
  member->set_site("fi");
  member->set_state(v1::Member::STATE_ANSWERED);
  member->set_epoch(9);
  member = answer.add_members();
  member->set_site("se");
  member->set_state(v1::Member::STATE_UNREACHABLE);
  return answer;
}

json Render(const SiteFacts& site, BeaconEntry entry, const char* granularity,
            const char* include = "HIT") {
  return json::parse(RenderQueryResponse(site, Request(entry, granularity, include), Answer()));
}

TEST(BeaconResponse, AnExactAlleleHasFrequencies) {
  const json document = Render(TestSite(), BeaconEntry::kVariant, "record");
  EXPECT_EQ(document["meta"]["returnedGranularity"], "record");
  EXPECT_EQ(document["meta"]["beaconId"], "example.1mg.fi.beacon");
  EXPECT_EQ(document["responseSummary"], (json{{"exists", true}, {"numTotalResults", 12}}));
  ASSERT_EQ(document["response"]["resultSets"].size(), 1U);
  const json& set = document["response"]["resultSets"][0];
  EXPECT_EQ(set["id"], "GOE-FI-DATASET-1");
  EXPECT_EQ(set["resultsCount"], 12);
  const json& result = set["results"][0];
  EXPECT_EQ(result["variantInternalId"], "GRCh38-20-1000226-A-T");
  EXPECT_EQ(result["variation"]["location"]["sequence_id"], "refseq:NC_000020.11");
  EXPECT_EQ(result["variation"]["location"]["interval"]["end"]["value"], 1000226);
  const json& frequency = result["frequencyInPopulations"][0]["frequencies"][0];
  EXPECT_EQ(frequency["population"], "FI");
  EXPECT_DOUBLE_EQ(frequency["alleleFrequency"], 0.07);
  // In alleles: 2 x 2 + 9 + 1 = 14.
  EXPECT_EQ(frequency["alleleCountHomozygous"], 4);
  EXPECT_EQ(frequency["alleleCountHeterozygous"], 9);
  EXPECT_EQ(frequency["alleleCountHemizygous"], 1);
  EXPECT_EQ(frequency["alleleCount"], 14);
}

TEST(BeaconResponse, ResultSetsFollowTheRequest) {
  EXPECT_EQ(
      Render(TestSite(), BeaconEntry::kVariant, "record", "ALL")["response"]["resultSets"].size(),
      2U);
  const json miss =
      Render(TestSite(), BeaconEntry::kVariant, "record", "MISS")["response"]["resultSets"];
  ASSERT_EQ(miss.size(), 1U);
  EXPECT_EQ(miss[0]["id"], "GOE-ES-DATASET-1");
  EXPECT_EQ(miss[0]["resultsCount"], 0);
  EXPECT_TRUE(Render(TestSite(), BeaconEntry::kVariant, "record", "NONE")["response"]["resultSets"]
                  .empty());
}

TEST(BeaconResponse, CoarserGranularitiesSayLess) {
  const json count = Render(TestSite(), BeaconEntry::kIndividual, "count");
  EXPECT_EQ(count["responseSummary"]["numTotalResults"], 12);
  EXPECT_FALSE(count.contains("response"));
  const json boolean = Render(TestSite(), BeaconEntry::kIndividual, "boolean");
  EXPECT_EQ(boolean["responseSummary"], (json{{"exists", true}}));
  EXPECT_FALSE(boolean.contains("response"));
}

TEST(BeaconResponse, WithoutCountsOnlyYesOrNoIsReturned) {
  v1::QueryResponse answer;
  answer.set_exists(true);
  const json document = json::parse(
      RenderQueryResponse(TestSite(), Request(BeaconEntry::kIndividual, "record"), answer));
  EXPECT_EQ(document["meta"]["returnedGranularity"], "boolean");
  EXPECT_FALSE(document["responseSummary"].contains("numTotalResults"));
}

TEST(BeaconResponse, TheHubNamesNodesThatDidNotAnswer) {
  const json members = Render(TestSite(true), BeaconEntry::kVariant, "boolean")["info"]["members"];
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0]["state"], "ANSWERED");
  EXPECT_EQ(members[1]["site"], "se");
  EXPECT_EQ(members[1]["state"], "UNREACHABLE");
  EXPECT_FALSE(
      Render(TestSite(false), BeaconEntry::kVariant, "boolean")["info"].contains("members"));
}

TEST(BeaconResponse, SkipCountsPagesWithinADataset) {
  v1::QueryResponse answer = Answer();
  for (int i = 0; i < 24; ++i)
    *answer.mutable_datasets(0)->add_alleles() = answer.datasets(0).alleles(0);
  BeaconRequest request = Request(BeaconEntry::kVariant, "record");
  request.skip = 2;
  request.limit = 8;
  const json document = json::parse(RenderQueryResponse(TestSite(), request, answer));
  EXPECT_EQ(document["response"]["resultSets"][0]["results"].size(), 8U);  // 17 to 24 of 25
  request.skip = 3;
  EXPECT_EQ(json::parse(RenderQueryResponse(TestSite(), request,
                                            answer))["response"]["resultSets"][0]["results"]
                .size(),
            1U);
}

std::vector<catalogue::v1::DatasetRecord> Records() {
  catalogue::v1::DatasetRecord record;
  record.set_id("GOE-FI-DATASET-1");
  record.set_version(1);
  record.set_title("A cohort");
  record.set_country("FI");
  record.add_data_use("DUO:0000042");
  record.mutable_issued()->set_seconds(1'795'332'028);
  return {record};
}

TEST(BeaconResponse, EveryAnswerIsValidBeacon) {
  if (const std::string missing = BeaconSchemas::Missing(); !missing.empty())
    GTEST_SKIP() << missing;
  BeaconSchemas schemas;
  const auto add = [&](const char* schema, const std::string& document) {
    schemas.Add(std::string(kResponses) + schema, document);
  };
  for (bool hub : {false, true}) {
    const SiteFacts site = TestSite(hub);
    for (BeaconEntry entry : {BeaconEntry::kVariant, BeaconEntry::kIndividual}) {
      for (const char* include : {"HIT", "ALL", "MISS", "NONE"}) {
        add("beaconResultsetsResponse.json", Render(site, entry, "record", include).dump());
      }
      add("beaconCountResponse.json", Render(site, entry, "count").dump());
      add("beaconBooleanResponse.json", Render(site, entry, "boolean").dump());
    }
    const auto datasets = [&](const char* granularity) {
      return RenderDatasets(site, Request(BeaconEntry::kDataset, granularity), Records());
    };
    add("beaconCollectionsResponse.json", datasets("record"));
    add("beaconCountResponse.json", datasets("count"));
    add("beaconBooleanResponse.json", datasets("boolean"));
    schemas.Add(std::string(kModels) + "datasets/defaultSchema.json",
                json::parse(datasets("record"))["response"]["collections"][0].dump());
    schemas.Add(
        std::string(kModels) + "genomicVariations/defaultSchema.json",
        Render(site, BeaconEntry::kVariant, "record")["response"]["resultSets"][0]["results"][0]
            .dump());
    add("beaconInfoResponse.json", RenderBeaconInfo(site));
    add("ga4gh-service-info-1-0-0-schema.json", RenderBeaconServiceInfo(site));
    add("beaconConfigurationResponse.json", RenderBeaconConfiguration(site));
    add("beaconEntryTypesResponse.json", RenderBeaconEntryTypes(site));
    add("beaconMapResponse.json", RenderBeaconMap(site));
    v1::FilteringTerm term;
    term.set_id("HP:0001250");
    term.set_label("Seizure");
    add("beaconFilteringTermsResponse.json", RenderFilteringTerms(site, {term}));
    add("beaconErrorResponse.json",
        ga4gh::RenderBeaconError(400, "no", site.ServiceId("beacon"), kBeaconApiVersion));
  }
  EXPECT_EQ(schemas.Violations(), "");
}

TEST(BeaconResponse, TheValidatorNoticesWrongAnswers) {
  if (const std::string missing = BeaconSchemas::Missing(); !missing.empty())
    GTEST_SKIP() << missing;
  BeaconSchemas schemas;
  json wrong = Render(TestSite(), BeaconEntry::kVariant, "record");
  wrong["meta"]["receivedRequestSummary"]["requestParameters"] = {{"start", 7}};  // a flat echo
  schemas.Add(std::string(kResponses) + "beaconResultsetsResponse.json", wrong.dump());
  json variant = Render(TestSite(), BeaconEntry::kVariant,
                        "record")["response"]["resultSets"][0]["results"][0];
  variant["variation"]["location"]["interval"]["start"] = 7;
  schemas.Add(std::string(kModels) + "genomicVariations/defaultSchema.json", variant.dump());
  const std::string violations = schemas.Violations();
  EXPECT_NE(violations.find("beaconResultsetsResponse"), std::string::npos) << violations;
  EXPECT_NE(violations.find("genomicVariations"), std::string::npos) << violations;
}

}  // namespace
}  // namespace genofed::gateway
