// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "libs/beacon/search.h"
#include "libs/beacon/snapshot.h"
#include "libs/core/file.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::beacon {
namespace {

using genofed::testing::HasReason;
using genofed::testing::TemporaryDirectory;
using nlohmann::json;

json Person(const std::string& id, const std::string& sex, json more = json::object()) {
  more.update({{"id", id}, {"sex", {{"id", sex}, {"label", sex == "NCIT:C16576" ? "female" : "male"}}}});
  return more;
}

json Variant(const std::string& id, std::vector<std::string> carriers) {
  json out = json::parse(
      R"({"molecularAttributes": {"geneIds": ["ABC"]}, "variation": {"variantType": "SNP", "referenceBases": "A", "alternateBases": "T", "location": {
    "sequence_id": "refseq:NC_000003.12", "interval": {"start": 10, "end": {"value": 11}}}}})");
  out["variantInternalId"] = id;
  for (const std::string& carrier : carriers) out["caseLevelData"].push_back({{"individualId", carrier}});
  return out;
}

class FolderTest : public ::testing::Test {
 protected:
  Folder Read(const std::map<std::string, std::string>& files, const FolderLimits& limits = {}) {
    std::vector<FolderFile> given;
    for (const auto& [name, text] : files) {
      GF_CHECK(WriteFileAtomically(directory_ / name, text).ok());
      given.push_back({name, directory_ / name});
    }
    Findings findings;
    Folder folder = ReadFolder(Context::Background(), given, findings, limits).value();
    findings_ = findings.Take();
    return folder;
  }
  // "CODE file field" of each finding.
  std::vector<std::string> Found() const {
    std::vector<std::string> out;
    for (const Finding& finding : findings_) out.push_back(finding.code + " " + finding.file + " " + finding.field);
    return out;
  }

  TemporaryDirectory directory_;
  std::vector<Finding> findings_;
};

TEST_F(FolderTest, OneDatasetNeedsNoName) {
  const Folder folder = Read({{"individuals.json", json::array({Person("p", "NCIT:C16576")}).dump()},
                              {"genomicVariations.json", json::array({Variant("v", {"p"})}).dump()},
                              {"ontology.json", R"({"A:1": ["A:2"]})"},
                              {"README.md", "# nothing"}});
  EXPECT_TRUE(findings_.empty()) << ::testing::PrintToString(Found());
  EXPECT_EQ(folder.read, 2U);
  EXPECT_EQ(folder.of(EntryType::kDataset).size(), 1U);
  EXPECT_EQ(folder.of(EntryType::kIndividual)[0].dataset, folder.of(EntryType::kDataset)[0].id);
  EXPECT_EQ(folder.ontology.at("A:1"), std::vector<std::string>{"A:2"});
  // Coordinates without types are completed: VRS requires them.
  const json variant = json::parse(folder.of(EntryType::kVariant)[0].json);
  EXPECT_EQ(variant["variation"]["location"]["interval"], (json{{"type", "SequenceInterval"},
                                                                {"start", {{"type", "Number"}, {"value", 10}}},
                                                                {"end", {{"type", "Number"}, {"value", 11}}}}));
  EXPECT_EQ(variant["variation"]["location"]["type"], "SequenceLocation");
}

TEST_F(FolderTest, BadRecordsAreSetAsideWithIndexAndRule) {
  json no_sex = Person("q", "NCIT:C16576"), bare_term = Person("r", "NCIT:C16576");
  no_sex.erase("sex");
  bare_term["sex"]["id"] = "female";
  std::string text = json::array({Person("p", "NCIT:C16576"), no_sex, bare_term, Person("p", "NCIT:C20197"), 7}).dump();
  text.insert(text.size() - 1,
              R"(, {"id": "x", "id": "y"}, {"id": )" + std::string(40, '[') + std::string(40, ']') + "}, oops");
  const Folder folder = Read(
      {{"individuals.json", text}, {"runs.json", R"([{"id": "r", "runDate": "2024-01-01", "biosampleId": "b"}])"}});
  EXPECT_EQ(Found(),
            (std::vector<std::string>{"MEMBER_MISSING individuals.json [1].sex",
                                      "MEMBER_INVALID individuals.json [2].sex", "NOT_AN_OBJECT individuals.json [4]",
                                      "JSON_DUPLICATE_NAME individuals.json [5]", "JSON_TOO_DEEP individuals.json [6]",
                                      "JSON_INVALID individuals.json [7]", "ID_TWICE individuals.json [3].id"}));
  EXPECT_EQ(folder.set_aside, 7U);
  EXPECT_EQ(folder.of(EntryType::kIndividual).size(), 1U);
  EXPECT_EQ(folder.of(EntryType::kRun).size(), 1U);
  for (const Finding& finding : findings_)
    EXPECT_EQ(finding.message.find("oops"), std::string::npos) << "values are not quoted";
}

TEST_F(FolderTest, SeveralDatasetsMustBeNamed) {
  const Folder folder = Read(
      {{"datasets.json", R"([{"id": "A", "name": "a"}, {"id": "B", "name": "b"}])"},
       {"individuals.json", json::array({Person("p", "NCIT:C16576"), Person("q", "NCIT:C16576", {{"datasetId", "C"}}),
                                         Person("q", "NCIT:C16576", {{"datasetId", "A"}})})
                                .dump()}});
  EXPECT_EQ(Found(), (std::vector<std::string>{"DATASET_NOT_DESCRIBED datasets.json ",
                                               "DATASET_MISSING individuals.json [0].datasetId"}));
  EXPECT_EQ(folder.of(EntryType::kDataset).size(), 3U);
  EXPECT_EQ(folder.of(EntryType::kIndividual).size(), 2U) << "the same identifier in two datasets is two records";
}

TEST_F(FolderTest, FilesThatCannotBeReadAreErrors) {
  Read({{"individuals.json", "[{\"id\""}});
  EXPECT_EQ(Found().front(), "ARRAY_INVALID individuals.json ");
  Read({{"individuals.json", json::array({Person("p", "NCIT:C16576")}).dump()}, {"ontology.json", "[1]"}});
  EXPECT_EQ(Found().front(), "ONTOLOGY_INVALID ontology.json ");
  Read({{"individuals.json", "[]"}, {"ontology.json", "{}"}});
  EXPECT_EQ(Found().front(), "NO_RECORDS  ");
  Read({{"individuals.json", json::array({Person("p", "NCIT:C16576"), Person("q", "NCIT:C16576")}).dump()},
        {"ontology.json", "{}"}},
       {.max_records = 1});
  EXPECT_EQ(Found().front(), "TOO_MANY_RECORDS individuals.json ");
  Read({{"individuals.json", json::array({Person("p", "NCIT:C16576")}).dump()}, {"ontology.json", "{}"}},
       {.max_file_bytes = 10});
  EXPECT_EQ(Found().front(), "FILE_FAILED individuals.json ");
}

TEST_F(FolderTest, WhoWasLeftOutIsNowhere) {
  Folder folder = Read(
      {{"individuals.json", json::array({Person("p", "NCIT:C16576"), Person("q", "NCIT:C20197")}).dump()},
       {"biosamples.json",
        R"([{"id": "b", "individualId": "p", "biosampleStatus": {"id": "EFO:1"}, "sampleOriginType": {"id": "UBERON:1"}}])"},
       {"runs.json", R"([{"id": "r", "biosampleId": "b", "runDate": "2024-01-01"}])"},
       {"genomicVariations.json", json::array({Variant("v", {"p", "q"})}).dump()}});
  EXPECT_EQ(PeopleOf(folder), (std::vector<std::string>{"p", "q"}));
  SetRows(folder, std::vector<std::int32_t>{-1, 0});
  EXPECT_EQ(folder.of(EntryType::kIndividual).size(), 1U);
  EXPECT_TRUE(folder.of(EntryType::kBiosample).empty());
  EXPECT_TRUE(folder.of(EntryType::kRun).empty());
  EXPECT_EQ(json::parse(folder.of(EntryType::kVariant)[0].json)["caseLevelData"].size(), 1U);
}

TEST_F(FolderTest, SnapshotsAreCheckedAndKeepEverything) {
  Folder folder =
      Read({{"individuals.json", json::array({Person("p", "NCIT:C16576"), Person("q", "NCIT:C20197")}).dump()},
            {"genomicVariations.json", json::array({Variant("v", {"q"})}).dump()},
            {"ontology.json", R"({"NCIT:ANY": ["NCIT:C16576", "NCIT:C20197"]})"}});
  SetRows(folder, std::vector<std::int32_t>{1, 0});
  const auto path = directory_ / kSnapshotFile;
  GF_ASSERT_OK_AND_ASSIGN(const std::string sha256, WriteSnapshot(path, folder, true));
  GF_ASSERT_OK_AND_ASSIGN(const Collection collection, ReadSnapshot(path, sha256));
  EXPECT_TRUE(collection.test());
  EXPECT_EQ(collection.people(), 2U);
  EXPECT_EQ(collection.records(EntryType::kIndividual)[0].id, "p") << "in the folder's order, whatever the rows";
  genomics::Bitmap first_row(2);
  first_row.Set(0);
  EXPECT_EQ(collection.Individuals(first_row).ToRows(), std::vector<std::uint32_t>{1});
  const auto count = [&](EntryType type, const char* query) {
    return Search(Context::Background(), collection,
                  ParseRequest({type, std::nullopt, ""}, query).value(), genomics::Bitmap(2, true))
        ->rows.Count();
  };
  EXPECT_EQ(count(EntryType::kIndividual, R"({"query": {"filters": ["NCIT:ANY"]}})"), 2U);
  EXPECT_EQ(
      count(EntryType::kIndividual, R"({"query": {"filters": [{"id": "NCIT:ANY", "includeDescendantTerms": false}]}})"),
      0U);
  EXPECT_EQ(count(EntryType::kVariant, R"({"query": {"filters": ["NCIT:C20197"]}})"), 1U)
      << "of the scope where the term occurs";
  EXPECT_EQ(count(EntryType::kVariant, R"({"query": {"filters": ["NCIT:C16576"]}})"), 0U);
  // Somebody who does not permit it is not there, and neither is what only they carry.
  const Request everything = ParseRequest({EntryType::kVariant, std::nullopt, ""}, "").value();
  EXPECT_EQ(
      Search(Context::Background(), collection, everything, genomics::Bitmap(2))->rows.Count(), 0U);

  std::fstream(path, std::ios::in | std::ios::out) << 'X';
  EXPECT_THAT(ReadSnapshot(path, sha256), HasReason("SNAPSHOT_CORRUPT"));
  EXPECT_THAT(ReadSnapshot(directory_ / "none", sha256), HasReason("SNAPSHOT_MISSING"));
}

TEST_F(FolderTest, ASnapshotIsWrittenAnewWithoutForgottenPeople) {
  Folder folder = Read(
      {{"individuals.json",
        json::array({Person("p", "NCIT:C16576"), Person("q", "NCIT:C20197"), Person("r", "NCIT:C20197")}).dump()},
       {"biosamples.json",
        R"([{"id": "b", "individualId": "p", "biosampleStatus": {"id": "EFO:1"}, "sampleOriginType": {"id": "UBERON:1"}}])"},
       {"runs.json", R"([{"id": "r", "biosampleId": "b", "runDate": "2024-01-01"}])"},
       {"genomicVariations.json",
        json::array({Variant("both", {"p", "q"}), Variant("hers", {"p"}), Variant("nobodys", {})}).dump()}});
  SetRows(folder, std::vector<std::int32_t>{2, 0, 1});
  GF_ASSERT_OK_AND_ASSIGN(const std::string before, WriteSnapshot(directory_ / "before", folder, true));
  EXPECT_THAT(WriteWithout(directory_ / "before", std::string(64, '0'), {2}, directory_ / "x"),
              HasReason("SNAPSHOT_CORRUPT"));
  GF_ASSERT_OK_AND_ASSIGN(const std::string same, WriteWithout(directory_ / "before", before, {7}, directory_ / "same"));
  GF_ASSERT_OK_AND_ASSIGN(const std::string after, WriteWithout(directory_ / "before", before, {2}, directory_ / "after"));
  EXPECT_EQ(ReadFile(directory_ / "after")->find("\"p\""), std::string::npos);
  GF_ASSERT_OK_AND_ASSIGN(const Collection all, ReadSnapshot(directory_ / "same", same));
  EXPECT_EQ(all.records(EntryType::kVariant).size(), 3U);
  GF_ASSERT_OK_AND_ASSIGN(const Collection left, ReadSnapshot(directory_ / "after", after));
  EXPECT_TRUE(left.test());
  EXPECT_EQ(left.people(), 2U);
  EXPECT_EQ(left.consent_rows(), 3U) << "consent still has the row";
  EXPECT_TRUE(left.records(EntryType::kBiosample).empty());
  EXPECT_TRUE(left.records(EntryType::kRun).empty());
  ASSERT_EQ(left.records(EntryType::kVariant).size(), 2U);
  EXPECT_EQ(left.records(EntryType::kVariant)[0].id, "both");
  EXPECT_EQ(left.carriers(0).size(), 1U);
  EXPECT_EQ(left.records(EntryType::kVariant)[1].id, "nobodys");
  // Everybody else keeps the row.
  genomics::Bitmap second(3);
  second.Set(1);
  EXPECT_EQ(left.records(EntryType::kIndividual)[left.Individuals(second).ToRows()[0]].id, "r");
}

TEST_F(FolderTest, AnExcludedFeatureIsNoFeature) {
  const json features = {{{"featureType", {{"id", "HP:1"}}}, {"excluded", true}, {"severity", {{"id", "HP:9"}}}},
                         {{"featureType", {{"id", "HP:2"}}}, {"excluded", false}}};
  const Folder folder = Read(
      {{"individuals.json", json::array({Person("p", "NCIT:C16576", {{"phenotypicFeatures", features}})}).dump()}});
  GF_ASSERT_OK_AND_ASSIGN(const Collection collection, CollectionOf(folder, false));
  const auto finds = [&](const char* term) {
    return collection
               .Matching(Context::Background(), EntryType::kIndividual,
                         ParseFilterText(term).value(), Look::kShared)
               ->Count() == 1;
  };
  EXPECT_FALSE(finds("HP:1"));
  EXPECT_FALSE(finds("HP:9"));
  EXPECT_TRUE(finds("HP:2"));
  EXPECT_TRUE(finds("female")) << "a label";
  EXPECT_TRUE(finds("sex:female")) << "a custom filter";
  EXPECT_TRUE(finds("sex.label=fem%"));
  EXPECT_FALSE(finds("sex.label!female"));
  EXPECT_FALSE(finds("ethnicity!European")) << "what is not known is not known to differ";
}

// Seizure is a kind of abnormality of the nervous system, of which folders need not tell us.
TEST_F(FolderTest, DescendantsAreThoseOfThePhenotypeOntologyAndOfTheFolder) {
  const json seizure = {{{"featureType", {{"id", "HP:0001250"}}}}},
             own = {{{"featureType", {{"id", "MY:3"}}}}};
  const std::string people =
      json::array({Person("p", "NCIT:C16576", {{"phenotypicFeatures", seizure}}),
                   Person("q", "NCIT:C16576", {{"phenotypicFeatures", own}}),
                   Person("r", "NCIT:C16576")})
          .dump();
  const auto rows = [](const Collection& collection, const char* term, bool descendants = true,
                       Similarity similarity = Similarity::kExact) {
    Filter filter;
    filter.id = term;
    filter.descendants = descendants;
    filter.similarity = similarity;
    return collection
        .Matching(Context::Background(), EntryType::kIndividual, filter, Look::kShared)
        ->ToRows();
  };
  using Rows = std::vector<std::uint32_t>;
  const Folder plain = Read({{"individuals.json", people}});
  GF_ASSERT_OK_AND_ASSIGN(const Collection without, CollectionOf(plain, false));
  GF_ASSERT_OK_AND_ASSIGN(const std::string sha256,
                          WriteSnapshot(directory_ / "snapshot", plain, false));
  GF_ASSERT_OK_AND_ASSIGN(const Collection read, ReadSnapshot(directory_ / "snapshot", sha256));
  for (const Collection* collection : {&without, &read}) {
    for (const char* term : {"HP:0000118", "HP:0000707", "HP:0012638", "HP:0001250"})
      EXPECT_EQ(rows(*collection, term), Rows{0}) << term;
    EXPECT_EQ(rows(*collection, "HP:0000118", false), Rows{});
    EXPECT_EQ(rows(*collection, "HP:0000478"), Rows{}) << "of the eye";
    // Headache, of which nobody has anything, is a sibling.
    EXPECT_EQ(rows(*collection, "HP:0002315", true, Similarity::kHigh), Rows{});
    EXPECT_EQ(rows(*collection, "HP:0002315", true, Similarity::kMedium), Rows{0});
  }
  // On top of it: above a term of HPO, and below one that nobody has.
  const Folder more =
      Read({{"individuals.json", people},
            {"ontology.json", R"({"MY:1": ["HP:0000707"], "HP:0002315": ["MY:3"]})"}});
  GF_ASSERT_OK_AND_ASSIGN(const Collection with, CollectionOf(more, false));
  EXPECT_EQ(rows(with, "MY:1"), (Rows{0, 1}));
  EXPECT_EQ(rows(with, "HP:0000118"), (Rows{0, 1}));
  EXPECT_EQ(rows(with, "HP:0001250"), Rows{0});
}

TEST_F(FolderTest, ASearchThatIsNotWantedAnyMoreStops) {
  const Folder folder =
      Read({{"individuals.json", json::array({Person("p", "NCIT:C16576")}).dump()},
            {"genomicVariations.json", json::array({Variant("v", {"p"})}).dump()}});
  GF_ASSERT_OK_AND_ASSIGN(const Collection collection, CollectionOf(folder, false));
  std::stop_source stop;
  stop.request_stop();
  const Context stopped = Context::Background().WithStop(stop.get_token());
  // A field's values, a term, a custom filter, and what has first to be looked for in every type.
  for (const char* filter : {"sex.label=%em%", "NCIT:C16576", "sex:female", "variantType=SNP"}) {
    const std::string query = fmt::format(R"({{"query": {{"filters": ["{}"]}}}})", filter);
    const auto request = ParseRequest({EntryType::kIndividual, std::nullopt, ""}, query).value();
    const genomics::Bitmap everybody(1, true);
    EXPECT_EQ(Search(stopped, collection, request, everybody).status().code(),
              StatusCode::kCancelled)
        << filter;
    EXPECT_EQ(Search(Context::Background(), collection, request, everybody)->rows.Count(), 1U)
        << filter;
  }
  // Variants wherever they are looked for, and the ways from one type to another.
  for (const char* variant : {R"({"referenceName": "3", "start": [10], "end": [11]})",
                              R"({"geneId": "ABC"})", R"({"aminoacidChange": "G12D"})"}) {
    const std::string query = fmt::format(R"({{"query": {{"requestParameters": {}}}}})", variant);
    const auto request = ParseRequest({EntryType::kVariant, std::nullopt, ""}, query).value();
    EXPECT_TRUE(collection.Variants(Context::Background(), *request.variant).ok());
    EXPECT_EQ(collection.Variants(stopped, *request.variant).status().code(),
              StatusCode::kCancelled)
        << variant;
  }
  const genomics::Bitmap one(1, true);
  EXPECT_EQ(collection.CarriedBy(stopped, &one, nullptr).status().code(), StatusCode::kCancelled);
  for (const auto& [from, to] : {std::pair(EntryType::kVariant, EntryType::kIndividual),
                                 std::pair(EntryType::kVariant, EntryType::kBiosample),
                                 std::pair(EntryType::kIndividual, EntryType::kVariant)}) {
    EXPECT_TRUE(collection.Linked(Context::Background(), from, one, to).ok());
    EXPECT_EQ(collection.Linked(stopped, from, one, to).status().code(), StatusCode::kCancelled);
  }
}

TEST_F(FolderTest, AValueIsComparedAlikeInEveryCell) {
  const Folder folder = Read(
      {{"individuals.json", json::array({Person("p", "NCIT:C16576"), Person("q", "NCIT:C20197"),
                                         Person("r", "NCIT:C16576")})
                                .dump()}});
  GF_ASSERT_OK_AND_ASSIGN(const Collection collection, CollectionOf(folder, false));
  const auto rows = [&](const char* filter) {
    return collection
        .Matching(Context::Background(), EntryType::kIndividual, ParseFilterText(filter).value(),
                  Look::kShared)
        ->ToRows();
  };
  EXPECT_EQ(rows("sex.label=FEM%"), (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(rows("sex.label!female"), std::vector<std::uint32_t>{1});
}

// One record of the Genome of Europe's exchange: PROVENANCE.md says what it holds.
TEST_F(FolderTest, AlleleCountsOfAVcfBecomeFrequencies) {
  const auto shared = genofed::testing::SharedDir();
  if (shared.empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: an allele-frequency VCF";
  GF_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(shared / "testdata/beacon-goe-af/goe-sample.GRCh38.vcf"));
  const Folder folder = Read({{"goe-sample.GRCh38.vcf", text}});
  EXPECT_TRUE(findings_.empty()) << ::testing::PrintToString(Found());
  ASSERT_EQ(folder.of(EntryType::kVariant).size(), 1U);
  EXPECT_EQ(folder.of(EntryType::kVariant)[0].dataset, "goe-sample");
  const json record = json::parse(folder.of(EntryType::kVariant)[0].json);
  EXPECT_EQ(record["variation"]["location"]["sequence_id"], "refseq:NC_000003.12");
  EXPECT_EQ(record["variation"]["location"]["interval"]["start"]["value"], 45823239);
  std::map<std::string, json> by_population;
  for (const json& frequency : record["frequencyInPopulations"][0]["frequencies"])
    by_population[frequency["population"]] = frequency;
  EXPECT_EQ(by_population.size(), 12U) << "Total, F, M, and three countries with both sexes";
  const auto count = [&](const char* population, const char* member = "alleleCount") {
    return by_population[population][member].get<int>();
  };
  EXPECT_EQ(count("Total"), 618);
  EXPECT_EQ(count("Total", "alleleNumber"), 8000);
  EXPECT_EQ(count("EE") + count("FI") + count("LV"), 618);
  for (const auto& [population, frequency] : by_population) {
    EXPECT_EQ(count(population.c_str()), count(population.c_str(), "alleleCountHomozygous") +
                                             count(population.c_str(), "alleleCountHeterozygous") +
                                             count(population.c_str(), "alleleCountHemizygous"))
        << population;
  }
}

TEST_F(FolderTest, OfAVcfNoMoreIsHeldThanAFolderMayHave) {
  std::string vcf =
      "##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,"
      "Description=\"\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\n";
  for (int i = 1; i <= 100; ++i) vcf += fmt::format("1\t{}\t.\tA\tC,G\t.\t.\t.\tGT\t1/2\n", i);
  const Folder all = Read({{"a.vcf", vcf}, {"b.vcf", vcf}});
  EXPECT_EQ(all.of(EntryType::kVariant).size(), 400U) << "one of each alternative allele";
  EXPECT_TRUE(findings_.empty()) << ::testing::PrintToString(Found());
  const Folder many = Read({{"a.vcf", vcf}, {"b.vcf", vcf}}, {.max_records = 250});
  EXPECT_EQ(Found(), std::vector<std::string>{"TOO_MANY_RECORDS b.vcf "});
  EXPECT_EQ(many.of(EntryType::kVariant).size(), 250U);
  EXPECT_EQ(many.read, 126U) << "nothing behind the limit was read";
  const Folder large = Read({{"a.vcf", vcf}, {"b.vcf", vcf}}, {.max_file_bytes = 10'000});
  EXPECT_EQ(Found(), std::vector<std::string>{"RECORDS_TOO_LARGE a.vcf "});
  EXPECT_LT(large.of(EntryType::kVariant).size(), 100U);
  EXPECT_LT(large.read, 100U);
}

TEST_F(FolderTest, RecordsGoBeforeAVcfOfTheSame) {
  Read({{"genomicVariations.json", json::array({Variant("v", {})}).dump()}, {"a.vcf", "no VCF at all"}});
  EXPECT_EQ(Found(), (std::vector<std::string>{"FILE_NOT_USED a.vcf "}));
}

}  // namespace
}  // namespace genofed::beacon
