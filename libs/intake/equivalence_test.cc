// SPDX-License-Identifier: Apache-2.0
// The same people in four formats, and forms of them, give the same bytes; and those that expected.tsv has, which was
// written independently.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "libs/intake/test_support.h"

namespace genofed::intake {
namespace {

using clinical::FilesIn;
using clinical::ReadText;
using clinical::SharedDir;
using Json = nlohmann::ordered_json;
using Paths = std::vector<std::filesystem::path>;

class EquivalenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: etl-equivalence";
    data_ = SharedDir() / "etl-equivalence";
    expected_ = ReadText(data_ / "expected.tsv");
    auto consents = clinical::ParseFhirConsents(ReadText(data_ / "consents.fhir-r4.json"));
    ASSERT_TRUE(consents.ok());
    consents_ = *consents;
  }

  // The table, once every file is accepted.
  std::string Table(const Paths& files) {
    Options options;
    options.consents = consents_;
    options.together = true;
    const Judgement judgement = JudgeFiles(files, options);
    for (const FileJudgement& file : judgement.files) EXPECT_EQ(file.verdict, Verdict::kAccept) << file.file << Print(file);
    return clinical::WriteTable(judgement.people);
  }

  std::vector<Json> Resources() {
    std::vector<Json> out;
    for (const auto& path : FilesIn(data_ / "fhir-r4")) {
      const Json bundle = Json::parse(ReadText(path));
      for (const Json& entry : bundle["entry"]) out.push_back(entry["resource"]);
    }
    return out;
  }

  std::filesystem::path data_;
  std::string expected_;
  std::vector<clinical::ConsentRecord> consents_;
  Scratch scratch_;
};

TEST_F(EquivalenceTest, FourFormats) {
  EXPECT_EQ(Table(FilesIn(data_ / "phenopackets")), expected_);
  EXPECT_EQ(Table(FilesIn(data_ / "fhir-r4")), expected_);
  EXPECT_EQ(Table(FilesIn(data_ / "omop54")), expected_);
  EXPECT_EQ(Table({data_ / "redcap.csv"}), expected_);
}

TEST_F(EquivalenceTest, AllAtOnceWithTheGenotypes) {
  Paths files = {data_ / "redcap.csv", data_ / "cohort.vcf"};
  for (const char* folder : {"omop54", "phenopackets", "fhir-r4"}) {
    for (const auto& path : FilesIn(data_ / folder)) files.push_back(path);
  }
  EXPECT_EQ(Table(files), expected_);
  std::reverse(files.begin(), files.end());
  EXPECT_EQ(Table(files), expected_);
}

TEST_F(EquivalenceTest, NdjsonByResourceTypeAsBulkExportsHaveIt) {
  std::map<std::string, std::string> by_type;
  for (const Json& resource : Resources()) by_type[resource["resourceType"]] += resource.dump() + "\n";
  Paths files;
  for (const auto& [type, lines] : by_type) files.push_back(scratch_.Write(type + ".ndjson", lines));
  EXPECT_EQ(Table(files), expected_);
  std::string packets;
  for (const auto& path : FilesIn(data_ / "phenopackets")) packets += Json::parse(ReadText(path)).dump() + "\n";
  EXPECT_EQ(Table({scratch_.Write("packets.ndjson", packets)}), expected_);
}

// What R5 changed in what is read: Condition.clinicalStatus is required, subjects may be given by urn, and an
// Observation may state when it was triggered. Values, codes and statuses are the same.
TEST_F(EquivalenceTest, FhirR5) {
  Json bundle = {{"resourceType", "Bundle"}, {"type", "collection"}, {"entry", Json::array()}};
  for (Json resource : Resources()) {
    if (resource["resourceType"] == "Condition") {
      resource["clinicalStatus"] = {{"coding", {{{"system", "http://terminology.hl7.org/CodeSystem/condition-clinical"}, {"code", "active"}}}}};
      resource["participant"] = {{{"actor", {{"reference", "Practitioner/1"}}}}};
    }
    if (resource["resourceType"] == "Observation") {
      resource["instantiatesCanonical"] = "http://example.org/ObservationDefinition/1";
      resource["triggeredBy"] = Json::array({{{"observation", {{"reference", "Observation/0"}}}, {"type", "reflex"}}});
    }
    std::string url = "urn:uuid:" + resource["id"].get<std::string>();
    if (resource.contains("subject")) {
      const std::string patient = resource["subject"]["reference"];
      resource["subject"] = {{"reference", "urn:uuid:" + patient.substr(patient.find('/') + 1)}, {"type", "Patient"}};
    }
    bundle["entry"].push_back({{"fullUrl", url}, {"resource", resource}});
  }
  const auto path = scratch_.Write("r5.json", bundle.dump(1));
  EXPECT_EQ(Table({path}), expected_);
  // Consents of R5, by the rules that hl7.org/fhir/R5/consent.html gives for the conversion from R4.
  Json consents = Json::parse(ReadText(data_ / "consents.fhir-r4.json"));
  for (Json& entry : consents["entry"]) {
    Json& consent = entry["resource"];
    consent["subject"] = consent["patient"];
    consent["date"] = consent["dateTime"].get<std::string>().substr(0, 10);
    consent["decision"] = consent["provision"]["type"];
    Json provisions = consent["provision"]["provision"];
    for (Json& provision : provisions) provision.erase("type");
    for (const char* name : {"patient", "dateTime", "scope", "provision"}) consent.erase(name);
    consent["provision"] = provisions;
  }
  auto read = clinical::ParseFhirConsents(consents.dump());
  ASSERT_TRUE(read.ok()) << Describe(read.status());
  consents_ = *read;
  EXPECT_EQ(Table({path}), expected_);
}

// Whatever the order of files and of resources in them, and however often they come.
TEST_F(EquivalenceTest, TheOrderDoesNotMatter) {
  const std::vector<Json> resources = Resources();
  rc::check([&] {
    std::mt19937 random(*rc::gen::arbitrary<unsigned>());
    std::vector<Json> shuffled = resources;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    const auto n_files = static_cast<std::size_t>(*rc::gen::element(1, 2, 3));
    std::vector<std::string> texts(n_files);
    for (std::size_t i = 0; i < shuffled.size(); ++i) {
      texts[i % n_files] += shuffled[i].dump() + "\n";
      if (random() % 8 == 0) texts[random() % n_files] += shuffled[i].dump() + "\n";
    }
    Paths files;
    for (std::size_t i = 0; i < n_files; ++i) files.push_back(scratch_.Write(std::to_string(i), texts[i]));
    RC_ASSERT(Table(files) == expected_);
  });
}

// Reading the harmonised table again changes nothing.
TEST_F(EquivalenceTest, HarmoniseIsIdempotent) {
  Options options;
  options.consents = consents_;
  options.mapping = *clinical::CsvMapping::Parse(R"({"columns":{"subject":"#subject_source_id","sample":"sample_source_id",
    "sex":"sex","birth_date":"birth_date","hpo_present":"hpo_present","hpo_absent":"hpo_absent"},
    "codes":{"disease_mondo":"MONDO","disease_orpha":"ORPHA","disease_icd10cm":"ICD10CM"},"list_separator":"|"})");
  const auto judgement = JudgeFiles({scratch_.Write("table", expected_)}, options);
  EXPECT_EQ(judgement.files[0].verdict, Verdict::kAccept) << Print(judgement.files[0]);
  EXPECT_EQ(clinical::WriteTable(judgement.people), expected_);
}

TEST(PublishedCasesTest, AllPhenopacketsAreAccepted) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: published phenopackets";
  const auto judgement = JudgeFiles(FilesIn(SharedDir() / "phenopackets"));
  ASSERT_EQ(judgement.files.size(), 368U);
  int newer = 0;
  for (const FileJudgement& file : judgement.files) {
    EXPECT_EQ(file.verdict, Verdict::kAccept) << file.file << Print(file);
    EXPECT_EQ(file.accepted, 1);
    for (const Finding& reason : file.reasons) {
      newer += reason.code == "HPO_TERM_NEWER" ? 1 : 0;
      // They have no samples; some use terms of later releases than ours, and say which; some OMIM numbers are newer
      // than the mappings.
      EXPECT_TRUE(reason.code == "SUBJECT_WITHOUT_SAMPLE" || reason.code == "HPO_TERM_NEWER" || reason.code == "NO_EXACT_MAPPING")
          << Print(file);
    }
  }
  EXPECT_EQ(newer, 10) << "counted in the files and the release by a script";
}

// ICD-10-CM A81.9 is broader than MONDO:0035614 in the release, and the same as nothing.
TEST(MappingTest, OnlyExactMatchesLeadOn) {
  const Scratch scratch;
  const auto judgement = JudgeFiles({scratch.Write("x", "record_id,icd10,mondo\nA,e7871,\nB,A81.9,\nC,,MONDO:0035614\nD,J45.909,\n")});
  ASSERT_EQ(judgement.people.size(), 4U);
  EXPECT_EQ(judgement.files[0].verdict, Verdict::kAccept) << Print(judgement.files[0]);
  EXPECT_TRUE(HasReason(judgement.files[0], "NO_EXACT_MAPPING"));
  using ::testing::ElementsAre;
  EXPECT_THAT(judgement.people[0].orpha, ElementsAre("ORPHA:111"));
  EXPECT_THAT(judgement.people[1].icd10cm, ElementsAre("ICD10CM:A81.9"));
  EXPECT_TRUE(judgement.people[1].mondo.empty());
  EXPECT_TRUE(judgement.people[1].orpha.empty());
  EXPECT_THAT(judgement.people[2].mondo, ElementsAre("MONDO:0035614"));
  EXPECT_TRUE(judgement.people[2].icd10cm.empty());
  EXPECT_THAT(judgement.people[3].icd10cm, ElementsAre("ICD10CM:J45.909"));
}

TEST(MappingTest, ASitesTableMapsSnomedAndOmop) {
  const Scratch scratch;
  clinical::Terminology tables = clinical::Terminology::Embedded();
  ASSERT_TRUE(tables.AddTable("SNOMED\t297231002\texact\tORPHA:111\nSNOMED\t1\tbroad\tORPHA:42\nOMOP\t377091\texact\tHP:0001250\n").ok());
  Options options;
  options.terminology = &tables;
  const auto fhir = JudgeFiles({scratch.Write("f", R"({"resourceType":"Patient","id":"1"}
{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"297231002"}]},"subject":{"reference":"Patient/1"}}
{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"1"}]},"subject":{"reference":"Patient/1"}}
)")}, options);
  EXPECT_EQ(fhir.files[0].verdict, Verdict::kAccept) << Print(fhir.files[0]);
  ASSERT_EQ(fhir.people.size(), 1U);
  EXPECT_THAT(fhir.people[0].mondo, ::testing::ElementsAre("MONDO:0010543"));
  const auto omop = JudgeFiles(
      {scratch.Write("o/p", "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n7,0,1980,0,0\n"),
       scratch.Write("o/c", "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_type_concept_id\n"
                            "1,7,377091,2024-01-01,32817\n")}, options);
  ASSERT_EQ(omop.people.size(), 1U);
  EXPECT_THAT(omop.people[0].hpo_present, ::testing::ElementsAre("HP:0001250"));
}

}  // namespace
}  // namespace genofed::intake
