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
using beacon::EntryType;

constexpr char kResponses[] = "framework/json/responses/";
constexpr char kModels[] = "models/json/beacon-v2-default-model/";

beacon::Request Request(EntryType entry, const char* granularity, const char* include = "HIT") {
  json query = {{"requestedGranularity", granularity}, {"includeResultsetResponses", include}};
  if (entry == EntryType::kVariant)
    query["requestParameters"] = {
        {"referenceName", "20"}, {"start", 1000225}, {"referenceBases", "A"}, {"alternateBases", "T"}};
  if (entry == EntryType::kIndividual) query["filters"] = {"HP:0001250"};
  return *beacon::ParseRequest({entry, std::nullopt, ""}, json{{"query", query}}.dump());
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
  allele->set_hgvs("NC_000020.11:g.1000226A>T");
  allele->set_vrs_1_3("ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn2");
  allele->set_vrs_2_0("ga4gh:VA.uV5O4M9zpiwk6sftOd-EDvtw_pkSAvdf");
  auto* es = answer.add_datasets();
  es->set_dataset("GOE-ES-DATASET-1");
  es->set_country("ES");
  auto* member = answer.add_members();
  member->set_site("fi");
  member->set_state(v1::Member::STATE_ANSWERED);
  member->set_epoch(9);
  auto* table = answer.add_frequency_tables();
  table->set_assembly("GRCh38");
  table->set_number(4);
  table->set_digest("5c0f");
  table->set_resolution(0.01);
  *member->mutable_frequency_table() = *table;
  member->mutable_frequency_table()->set_number(3);
  member->set_other_frequency_table(true);
  member = answer.add_members();
  member->set_site("se");
  member->set_state(v1::Member::STATE_UNREACHABLE);
  return answer;
}

json Render(const SiteFacts& site, EntryType entry, const char* granularity, const char* include = "HIT") {
  return json::parse(RenderQueryResponse(site, Request(entry, granularity, include), {{}, Answer()}));
}

TEST(BeaconResponse, AnExactAlleleHasFrequencies) {
  const json document = Render(TestSite(), EntryType::kVariant, "record");
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
  const json& frequencies = result["frequencyInPopulations"][0]["frequencies"];
  ASSERT_EQ(frequencies.size(), 2U) << "portals look for all people, or for those of a country";
  EXPECT_EQ(frequencies[0]["population"], "FI");
  json total = frequencies[0];
  total["population"] = "Total";
  EXPECT_EQ(frequencies[1], total);
  const json& frequency = frequencies[0];
  EXPECT_DOUBLE_EQ(frequency["alleleFrequency"], 0.07);
  // In alleles: 2 x 2 + 9 + 1 = 14.
  EXPECT_EQ(frequency["alleleCountHomozygous"], 4);
  EXPECT_EQ(frequency["alleleCountHeterozygous"], 9);
  EXPECT_EQ(frequency["alleleCountHemizygous"], 1);
  EXPECT_EQ(frequency["alleleCount"], 14);
}

TEST(BeaconResponse, AnAlleleHasTheNamesThatItHas) {
  const auto result = [](const v1::QueryResponse& answer) {
    return json::parse(
        RenderQueryResponse(TestSite(), Request(EntryType::kVariant, "record"),
                            {{}, answer}))["response"]["resultSets"][0]["results"][0];
  };
  v1::QueryResponse answer = Answer();
  EXPECT_EQ(result(answer)["identifiers"],
            json::parse(R"({"genomicHGVSId":"NC_000020.11:g.1000226A>T","variantAlternativeIds":[
              {"id":"ga4gh:VA.uV5O4M9zpiwk6sftOd-EDvtw_pkSAvdf","notes":"GA4GH VRS 2.0"},
              {"id":"ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn2","notes":"GA4GH VRS 1.3"}]})"));
  v1::AlleleCount& allele = *answer.mutable_datasets(0)->mutable_alleles(0);
  allele.clear_hgvs();
  allele.clear_vrs_1_3();
  allele.clear_vrs_2_0();
  EXPECT_FALSE(result(answer).contains("identifiers"));
}

TEST(BeaconResponse, FrequenciesNameThePeopleTheyAreOf) {
  v1::QueryResponse answer = Answer();
  v1::AlleleCount& allele = *answer.mutable_datasets(0)->mutable_alleles(0);
  allele.set_homozygotes(0);
  allele.set_heterozygotes(0);
  const std::pair<const char*, const char*> populations[] = {
      {"", "FI"},
      {"NCIT:C16576", "FI_F"},
      {"NCIT:C20197", "FI_M"},
      {"NCIT:C16576 AND age >= 60", "FI: NCIT:C16576 AND age >= 60"}};
  for (const auto& [filters, population] : populations) {
    allele.set_population(filters);
    const json document = json::parse(
        RenderQueryResponse(TestSite(), Request(EntryType::kVariant, "record"), {{}, answer}));
    const json& frequency = document["response"]["resultSets"][0]["results"][0]
                                    ["frequencyInPopulations"][0]["frequencies"][0];
    EXPECT_EQ(frequency["population"], population);
    EXPECT_EQ(frequency["alleleCount"], 14);
    EXPECT_FALSE(frequency.contains("alleleCountHemizygous")) << "carriers are not divided";
  }
}

TEST(BeaconResponse, ResultSetsFollowTheRequest) {
  EXPECT_EQ(Render(TestSite(), EntryType::kVariant, "record", "ALL")["response"]["resultSets"].size(), 2U);
  const json miss = Render(TestSite(), EntryType::kVariant, "record", "MISS")["response"]["resultSets"];
  ASSERT_EQ(miss.size(), 1U);
  EXPECT_EQ(miss[0]["id"], "GOE-ES-DATASET-1");
  EXPECT_EQ(miss[0]["resultsCount"], 0);
  EXPECT_TRUE(Render(TestSite(), EntryType::kVariant, "record", "NONE")["response"]["resultSets"].empty());
}

TEST(BeaconResponse, CoarserGranularitiesSayLess) {
  const json count = Render(TestSite(), EntryType::kIndividual, "count");
  EXPECT_EQ(count["responseSummary"]["numTotalResults"], 12);
  EXPECT_FALSE(count.contains("response"));
  const json boolean = Render(TestSite(), EntryType::kIndividual, "boolean");
  EXPECT_EQ(boolean["responseSummary"], (json{{"exists", true}}));
  EXPECT_FALSE(boolean.contains("response"));
}

TEST(BeaconResponse, WithoutCountsOnlyYesOrNoIsReturned) {
  v1::QueryResponse answer;
  answer.set_exists(true);
  const json document =
      json::parse(RenderQueryResponse(TestSite(), Request(EntryType::kIndividual, "record"), {{}, answer}));
  EXPECT_EQ(document["meta"]["returnedGranularity"], "boolean");
  EXPECT_FALSE(document["responseSummary"].contains("numTotalResults"));
}

// Of people no records are there, and of a range no alleles: then numbers were answered, and it
// says so.
TEST(BeaconResponse, TheGranularityIsThatOfWhatCohortsAnswer) {
  const auto returned = [](EntryType entry, const v1::QueryResponse& answer) {
    return json::parse(RenderQueryResponse(TestSite(), Request(entry, "record"), {{}, answer}));
  };
  const json people = returned(EntryType::kIndividual, Answer());
  EXPECT_EQ(people["meta"]["returnedGranularity"], "count");
  EXPECT_EQ(people["response"]["resultSets"][0]["resultsCount"], 12)
      << "the portal reads counts of datasets";
  EXPECT_FALSE(people["response"]["resultSets"][0].contains("results"));
  v1::QueryResponse answer = Answer();
  answer.mutable_datasets(0)->clear_alleles();
  EXPECT_EQ(returned(EntryType::kVariant, answer)["meta"]["returnedGranularity"], "count");
  EXPECT_EQ(returned(EntryType::kVariant, v1::QueryResponse())["meta"]["returnedGranularity"],
            "record");
}

TEST(BeaconResponse, EveryDatasetSaysWhereToApplyForIt) {
  for (const bool hub : {false, true}) {
    const SiteFacts site = TestSite(hub);
    const json set = Render(site, EntryType::kIndividual, "record")["response"]["resultSets"][0];
    ASSERT_EQ(set["resultsHandovers"].size(), 2U);
    EXPECT_EQ(set["resultsHandovers"][0]["url"],
              site.public_url + "/beacon/v2/datasets/GOE-FI-DATASET-1");
    EXPECT_EQ(set["resultsHandovers"][1]["handoverType"]["id"], "CUSTOM:data-access");
    EXPECT_EQ(set["resultsHandovers"][1]["url"],
              site.public_url + "/api/v1/datasets/GOE-FI-DATASET-1");
  }
  v1::QueryResponse foreign = Answer();
  foreign.mutable_datasets(0)->clear_country();
  const json document = json::parse(RenderQueryResponse(
      TestSite(true), Request(EntryType::kIndividual, "record"), {{}, foreign}));
  EXPECT_FALSE(document["response"]["resultSets"][0].contains("resultsHandovers"))
      << "not in the catalogue";
}

TEST(BeaconResponse, TheHubNamesNodesThatDidNotAnswer) {
  const json members = Render(TestSite(true), EntryType::kVariant, "boolean")["info"]["members"];
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0]["state"], "ANSWERED");
  EXPECT_EQ(members[1]["site"], "se");
  EXPECT_EQ(members[1]["state"], "UNREACHABLE");
  EXPECT_FALSE(Render(TestSite(false), EntryType::kVariant, "boolean")["info"].contains("members"));
}

TEST(BeaconResponse, TheHubNamesWhoCannotBeAsked) {
  v1::QueryResponse answer = Answer();
  answer.mutable_members(1)->set_state(v1::Member::STATE_NOT_ASKED);
  auto* whole = answer.add_not_asked();
  whole->set_site("se");
  whole->set_reason("QUERY_UNSUPPORTED");
  auto* one = answer.add_not_asked();
  one->set_site("other");
  one->set_dataset("EGAD1");
  one->set_reason("QUERY_UNSUPPORTED");
  one->set_detail("no labels");
  const json info = json::parse(RenderQueryResponse(TestSite(true), Request(EntryType::kIndividual, "count"), {{}, answer}))["info"];
  EXPECT_EQ(info["members"][1]["state"], "NOT_ASKED");
  EXPECT_EQ(info["notAsked"],
            json::array({{{"site", "se"}, {"reason", "QUERY_UNSUPPORTED"}, {"detail", ""}},
                         {{"site", "other"}, {"dataset", "EGAD1"}, {"reason", "QUERY_UNSUPPORTED"}, {"detail", "no labels"}}}));
  EXPECT_FALSE(Render(TestSite(true), EntryType::kVariant, "count")["info"].contains("notAsked"));
}

TEST(BeaconResponse, RarityIsSaidToBeByWhichTable) {
  const json info = Render(TestSite(true), EntryType::kVariant, "count")["info"];
  const json table = {
      {"assembly", "GRCh38"}, {"version", 4}, {"digest", "5c0f"}, {"resolution", 0.01}};
  EXPECT_EQ(info["frequencyTables"], json::array({table}));
  EXPECT_EQ(info["members"][0]["frequencyTable"]["version"], 3);
  EXPECT_EQ(info["members"][0]["otherFrequencyTable"], true);
  EXPECT_FALSE(info["members"][1].contains("otherFrequencyTable"));
}

TEST(BeaconResponse, SkipCountsPagesWithinADataset) {
  v1::QueryResponse answer = Answer();
  for (int i = 0; i < 24; ++i) *answer.mutable_datasets(0)->add_alleles() = answer.datasets(0).alleles(0);
  beacon::Request request = Request(EntryType::kVariant, "record");
  request.skip = 2;
  request.limit = 8;
  const json document = json::parse(RenderQueryResponse(TestSite(), request, {{}, answer}));
  EXPECT_EQ(document["response"]["resultSets"][0]["results"].size(), 8U);  // 17 to 24 of 25
  request.skip = 3;
  EXPECT_EQ(json::parse(RenderQueryResponse(TestSite(), request, {{}, answer}))["response"]["resultSets"][0]["results"]
                .size(),
            1U);
}

std::vector<catalogue::v1::DatasetRecord> Records();

// Two of three records of a folder's dataset, one that is not disclosed record by record, and one without any.
v1::QueryFoldersResponse Folders() {
  v1::QueryFoldersResponse folders;
  folders.set_holds(true);
  folders.set_exists(true);
  folders.set_count(10);
  folders.set_granularity("record");
  auto* open = folders.add_sets();
  open->set_id("OPEN");
  open->set_exists(true);
  open->set_count(3);
  open->set_records(true);
  open->set_exact(true);
  open->add_results(R"({"id":"a","sex":{"id":"NCIT:C16576"}})");
  open->add_results(R"({"id":"b","sex":{"id":"NCIT:C16576"}})");
  auto* closed = folders.add_sets();
  closed->set_id("CLOSED");
  closed->set_folder("GDI-FI-BEACON-1");
  closed->set_exists(true);
  closed->set_count(7);
  auto* empty = folders.add_sets();
  empty->set_id("EMPTY");
  empty->set_records(true);
  return folders;
}

TEST(BeaconResponse, FoldersComeRecordByRecordWhereTheyMay) {
  const json document =
      json::parse(RenderQueryResponse(TestSite(), Request(EntryType::kIndividual, "record", "ALL"), {Folders(), {}}));
  EXPECT_EQ(document["responseSummary"],
            (json{{"exists", true}, {"numTotalResults", 10}, {"countPrecision", "imprecise"}}));
  const json& sets = document["response"]["resultSets"];
  ASSERT_EQ(sets.size(), 3U);
  EXPECT_EQ(sets[0]["results"][1]["id"], "b");
  EXPECT_EQ(sets[0]["countPrecision"], "exact");
  EXPECT_FALSE(sets[1].contains("results"));
  EXPECT_EQ(sets[1]["countPrecision"], "imprecise");
  EXPECT_EQ(sets[1]["resultsHandovers"][1]["handoverType"]["id"], "CUSTOM:data-access");
  EXPECT_EQ(sets[1]["resultsHandovers"][1]["url"],
            "https://fi.example:8443/api/v1/datasets/GDI-FI-BEACON-1")
      << "what the catalogue lists";
  EXPECT_EQ(sets[2]["results"], json::array());
}

// A cohort that a passport opened; beside it one that it did not.
v1::QueryResponse Opened() {
  v1::QueryResponse answer = Answer();
  auto* fi = answer.mutable_datasets(0);
  fi->clear_alleles();
  fi->set_opened(true);
  fi->set_count_precision(v1::COUNT_PRECISION_EXACT);
  auto* person = fi->add_individuals();
  person->set_id("GOE-FI-DATASET-1.i4");
  person->set_sex("NCIT:C16576");
  person->set_age_years(37);
  for (const auto& [id, label] : {std::pair("HP:0001250", "Seizure"), std::pair("ORPHA:33069", "")}) {
    person->add_terms()->set_id(id);
    person->mutable_terms()->rbegin()->set_label(label);
  }
  fi->add_individuals()->set_id("GOE-FI-DATASET-1.i9");
  fi->mutable_individuals(1)->set_sex("NCIT:C17998");
  return answer;
}

TEST(BeaconResponse, CohortsHaveRecordsWhereAPassportOpensThem) {
  const json document = json::parse(RenderQueryResponse(
      TestSite(), Request(EntryType::kIndividual, "record", "ALL"), {{}, Opened()}));
  EXPECT_EQ(document["meta"]["returnedGranularity"], "record");
  const json& sets = document["response"]["resultSets"];
  EXPECT_EQ(sets[0]["results"],
            (json{{{"id", "GOE-FI-DATASET-1.i4"},
                   {"sex", {{"id", "NCIT:C16576"}, {"label", "female"}}},
                   {"info", {{"ageYears", 37}}},
                   {"phenotypicFeatures",
                    {{{"featureType", {{"id", "HP:0001250"}, {"label", "Seizure"}}}}}},
                   {"diseases", {{{"diseaseCode", {{"id", "ORPHA:33069"}}}}}}},
                  {{"id", "GOE-FI-DATASET-1.i9"},
                   {"sex", {{"id", "NCIT:C17998"}, {"label", "unknown"}}}}}));
  EXPECT_EQ(sets[0]["countPrecision"], "exact");
  EXPECT_FALSE(sets[1].contains("results"));
}

TEST(BeaconResponse, NoDatasetIsThereTwice) {
  v1::QueryFoldersResponse folders = Folders();
  folders.mutable_sets(0)->set_id("GOE-FI-DATASET-1");
  const json document =
      json::parse(RenderQueryResponse(TestSite(), Request(EntryType::kVariant, "record", "ALL"), {folders, Answer()}));
  std::vector<std::string> ids;
  for (const json& set : document["response"]["resultSets"]) ids.push_back(set["id"]);
  EXPECT_EQ(ids, (std::vector<std::string>{"GOE-FI-DATASET-1", "CLOSED", "EMPTY", "GOE-ES-DATASET-1"}));
}

// Three variants and twelve people are not fifteen of anything.
TEST(BeaconResponse, VariantsAndPeopleAreNotAddedUp) {
  v1::QueryFoldersResponse folders = Folders();
  const auto render = [&](EntryType entry) {
    return json::parse(
        RenderQueryResponse(TestSite(), Request(entry, "record"), {folders, Answer()}));
  };
  json document = render(EntryType::kVariant);
  EXPECT_EQ(document["responseSummary"]["numTotalResults"], 10);
  EXPECT_EQ(document["info"]["counted"], "records");
  EXPECT_EQ(document["info"]["totals"], (json{{"records", 10}, {"individuals", 12}}));
  folders.set_exists(false);
  folders.set_count(0);
  document = render(EntryType::kVariant);
  EXPECT_EQ(document["responseSummary"]["numTotalResults"], 12)
      << "not nobody, where somebody exists";
  EXPECT_EQ(document["info"]["counted"], "individuals");
  folders = Folders();
  document = render(EntryType::kIndividual);
  EXPECT_EQ(document["responseSummary"]["numTotalResults"], 22)
      << "a record of an individual is one";
  EXPECT_EQ(document["info"]["counted"], "individuals");
  EXPECT_FALSE(document["info"].contains("totals"));
}

// Of two datasets of cohorts and a folder; its shape is that of upstream pull request 259.
TEST(BeaconResponse, DistributionsAreAddedUp) {
  beacon::Request request =
      *beacon::ParseRequest({EntryType::kIndividual, std::nullopt, ""}, R"({"query":{
    "requestedGranularity":"aggregated","aggregationTerms":[{"id":"sexByAge"},{"id":"sex"},{"id":"ethnicity"}]}})");
  v1::QueryResponse answer = Answer();
  const auto add = [](v1::DatasetResult* dataset, const char* by, std::vector<std::string> values,
                      int count) {
    auto* distribution = dataset->add_distributions();
    distribution->set_aggregation(by);
    auto* cell = distribution->add_cells();
    cell->mutable_values()->Add(values.begin(), values.end());
    cell->set_count(count);
  };
  add(answer.mutable_datasets(0), "sexByAge", {"NCIT:C16576", "P65Y-"}, 20);
  add(answer.mutable_datasets(1), "sexByAge", {"NCIT:C16576", "P65Y-"}, 7);
  add(answer.mutable_datasets(1), "sex", {"NCIT:C16576"}, 9);
  v1::QueryFoldersResponse folders;
  auto* sexes = folders.add_aggregations();
  sexes->set_term("sex");
  auto* women = sexes->add_distribution();
  women->set_id("NCIT:C16576");
  women->set_count(30);
  const json document = json::parse(RenderQueryResponse(TestSite(), request, {folders, answer}));
  EXPECT_EQ(document["meta"]["returnedGranularity"], "aggregated");
  EXPECT_EQ(document["responseSummary"]["numTotalResults"], 12);
  const json& aggregations = document["responseAggregation"];
  ASSERT_EQ(aggregations.size(), 2U);
  EXPECT_EQ(aggregations[0]["id"], "sexByAge");
  EXPECT_EQ(aggregations[0]["concepts"],
            json::parse(R"([{"property":"individual.sex.id"},{"property":"individual.age"}])"));
  EXPECT_EQ(aggregations[0]["distribution"],
            json::parse(R"([{"conceptValues":[{"id":"NCIT:C16576"},{"id":"P65Y-"}],"count":27}])"));
  EXPECT_EQ(aggregations[1]["distribution"],
            json::parse(R"([{"conceptValues":[{"id":"NCIT:C16576"}],"count":39}])"));
  // Who tells no distribution is asked for a count.
  EXPECT_EQ(json::parse(RenderQueryResponse(TestSite(true), request,
                                            {{}, Answer()}))["meta"]["returnedGranularity"],
            "count");
}

TEST(BeaconResponse, WhatCanBeAggregatedIsListed) {
  const auto listed = [](bool hub) {
    const json document = json::parse(RenderAggregationTerms(TestSite(hub)));
    std::vector<std::string> ids;
    for (const json& term : document["response"]["aggregationTerms"]) ids.push_back(term["id"]);
    return ids;
  };
  EXPECT_EQ(listed(false), (std::vector<std::string>{"sex", "ethnicity", "geographicOrigin",
                                                     "diseases", "age", "sexByAge"}));
  EXPECT_EQ(listed(true), (std::vector<std::string>{"sex", "age", "sexByAge"}));
}

TEST(BeaconResponse, GranularityIsLoweredWithTheFolders) {
  v1::QueryFoldersResponse folders = Folders();
  folders.set_granularity("count");
  const json document =
      json::parse(RenderQueryResponse(TestSite(), Request(EntryType::kIndividual, "record"), {folders, {}}));
  EXPECT_EQ(document["meta"]["returnedGranularity"], "count");
  EXPECT_EQ(document["response"]["resultSets"].size(), 3U) << "the portal reads counts of datasets";
}

TEST(BeaconResponse, WhatIsMissingInTheCountsIsNamed) {
  BeaconAnswers answers;
  answers.folders.set_holds(true);
  answers.folders.set_granularity("count");
  auto* spent = answers.folders.add_withheld();
  spent->set_folder("GDI-FI-BEACON-1");
  spent->add_datasets("A");
  spent->add_datasets("B");
  spent->set_reason(v1::WithheldFolder::REASON_BUDGET_SPENT);
  spent->set_retry_after_seconds(60);
  auto* large = answers.folders.add_withheld();
  large->set_folder("GDI-FI-BEACON-2");
  large->add_datasets("C");
  large->set_reason(v1::WithheldFolder::REASON_TOO_MUCH_AT_ONCE);
  const json later = {{"reason", "BUDGET_SPENT"}, {"retryAfterSeconds", 60}};
  json expected = json::array({later, later, {{"dataset", "C"}, {"reason", "TOO_MUCH_AT_ONCE"}}});
  expected[0]["dataset"] = "A";
  expected[1]["dataset"] = "B";
  const json document = json::parse(
      RenderQueryResponse(TestSite(), Request(EntryType::kIndividual, "count"), answers));
  EXPECT_EQ(document["info"].value("withheld", json()), expected);
  // Of datasets themselves the folder.
  answers.folders.mutable_withheld(0)->clear_datasets();
  answers.folders.mutable_withheld()->RemoveLast();
  expected = json::array({later});
  expected[0]["dataset"] = "GDI-FI-BEACON-1";
  for (const char* granularity : {"count", "record"}) {
    const json collections = json::parse(RenderCollections(
        TestSite(), Request(EntryType::kDataset, granularity), answers.folders, {}));
    EXPECT_EQ(collections.value("info", json::object()).value("withheld", json()), expected);
  }
}

TEST(BeaconResponse, CataloguedDatasetsComeBehindThoseOfFolders) {
  v1::QueryFoldersResponse folders;
  folders.set_count(11);
  folders.add_collections(R"({"id":"K","name":"eleventh"})");
  beacon::Request request = Request(EntryType::kDataset, "record");
  request.skip = 1;
  const json document = json::parse(RenderCollections(TestSite(), request, folders, Records()));
  EXPECT_EQ(document["responseSummary"]["numTotalResults"], 12);
  ASSERT_EQ(document["response"]["collections"].size(), 2U);
  EXPECT_EQ(document["response"]["collections"][1]["id"], "GOE-FI-DATASET-1");
}

TEST(BeaconResponse, VisasAreALevelOfSecurityWhereTheyOpenRecords) {
  const auto levels = [](const SiteFacts& site) {
    return json::parse(
        RenderBeaconConfiguration(site, false))["response"]["securityAttributes"]["securityLevels"];
  };
  SiteFacts site = TestSite();
  EXPECT_EQ(levels(site), (json{"PUBLIC", "CONTROLLED"}));
  EXPECT_EQ(levels(TestSite(true)), json::array({"PUBLIC"}));
  site.disclosure_off = true;
  EXPECT_EQ(levels(site), json::array({"PUBLIC"}));
}

TEST(BeaconResponse, DisclosureControlThatIsOffIsSaidLoudly) {
  SiteFacts site = TestSite();
  EXPECT_EQ(json::parse(RenderBeaconInfo(site))["response"]["info"]["disclosureControl"], "on");
  site.disclosure_off = true;
  const json info = json::parse(RenderBeaconInfo(site))["response"];
  EXPECT_EQ(info["info"]["disclosureControl"], "off");
  EXPECT_EQ(info["environment"], "test");
  EXPECT_NE(info["description"].get<std::string>().find("DISCLOSURE CONTROL IS OFF"), std::string::npos);
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
  if (const std::string missing = BeaconSchemas::Missing(); !missing.empty()) GTEST_SKIP() << missing;
  BeaconSchemas schemas;
  const auto add = [&](const char* schema, const std::string& document) {
    schemas.Add(std::string(kResponses) + schema, document);
  };
  for (bool hub : {false, true}) {
    const SiteFacts site = TestSite(hub);
    for (const EntryType entry : {EntryType::kVariant, EntryType::kIndividual}) {
      for (const char* include : {"HIT", "ALL", "MISS", "NONE"}) {
        add("beaconResultsetsResponse.json", Render(site, entry, "record", include).dump());
      }
      add("beaconResultsetsResponse.json",
          RenderQueryResponse(
              site, Request(entry, "record", "ALL"),
              {Folders(),
               Answer(),
               {{"GOE-FI-DATASET-2", "QUERY_UNSUPPORTED", "why"}},
               {{"GDI-FI-BEACON-2", "BUDGET_SPENT", "", std::chrono::seconds(5)}}}));
      add("beaconResultsetsResponse.json", RenderQueryResponse(site, Request(entry, "record", "ALL"), {Folders(), {}}));
      const std::string opened =
          RenderQueryResponse(site, Request(EntryType::kIndividual, "record"), {{}, Opened()});
      add("beaconResultsetsResponse.json", opened);
      const json document = json::parse(opened);
      for (const json& person : document["response"]["resultSets"][0]["results"])
        schemas.Add(std::string(kModels) + "individuals/defaultSchema.json", person.dump());
      add("beaconCountResponse.json", Render(site, entry, "count").dump());
      add("beaconBooleanResponse.json", Render(site, entry, "boolean").dump());
    }
    const auto datasets = [&](const char* granularity) {
      return RenderCollections(site, Request(EntryType::kDataset, granularity), {}, Records());
    };
    add("beaconCollectionsResponse.json", datasets("record"));
    add("beaconCountResponse.json", datasets("count"));
    add("beaconBooleanResponse.json", datasets("boolean"));
    schemas.Add(std::string(kModels) + "datasets/defaultSchema.json",
                json::parse(datasets("record"))["response"]["collections"][0].dump());
    schemas.Add(std::string(kModels) + "genomicVariations/defaultSchema.json",
                Render(site, EntryType::kVariant, "record")["response"]["resultSets"][0]["results"][0].dump());
    add("beaconInfoResponse.json", RenderBeaconInfo(site));
    add("ga4gh-service-info-1-0-0-schema.json", RenderBeaconServiceInfo(site));
    add("beaconConfigurationResponse.json", RenderBeaconConfiguration(site, !hub));
    add("beaconEntryTypesResponse.json", RenderBeaconEntryTypes(site, !hub));
    add("beaconMapResponse.json", RenderBeaconMap(site));
    v1::FolderTerm term;
    term.set_type("ontology");
    term.set_id("HP:0001250");
    term.set_label("Seizure");
    term.add_scopes("individual");
    add("beaconFilteringTermsResponse.json", RenderFilteringTerms(site, {term}));
    add("beaconErrorResponse.json", ga4gh::RenderBeaconError(400, "no", site.ServiceId("beacon"), kBeaconApiVersion));
  }
  EXPECT_EQ(schemas.Violations(), "");
}

TEST(BeaconResponse, TheValidatorNoticesWrongAnswers) {
  if (const std::string missing = BeaconSchemas::Missing(); !missing.empty()) GTEST_SKIP() << missing;
  BeaconSchemas schemas;
  json wrong = Render(TestSite(), EntryType::kVariant, "record");
  wrong["meta"]["receivedRequestSummary"]["requestParameters"] = {{"start", 7}};  // a flat echo
  schemas.Add(std::string(kResponses) + "beaconResultsetsResponse.json", wrong.dump());
  json variant = Render(TestSite(), EntryType::kVariant, "record")["response"]["resultSets"][0]["results"][0];
  variant["variation"]["location"]["interval"]["start"] = 7;
  schemas.Add(std::string(kModels) + "genomicVariations/defaultSchema.json", variant.dump());
  const std::string violations = schemas.Violations();
  EXPECT_NE(violations.find("beaconResultsetsResponse"), std::string::npos) << violations;
  EXPECT_NE(violations.find("genomicVariations"), std::string::npos) << violations;
}

}  // namespace
}  // namespace genofed::gateway
