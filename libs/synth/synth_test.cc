// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/synth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/unique_fd.h"

namespace genofed::synth {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class SynthTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "synth-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  // A cohort of `country` in a directory of its own.
  fs::path Make(const std::string& name, const std::string& country, std::uint32_t people = 400) {
    SynthOptions options;
    options.country = country;
    options.people = people;
    options.sites = 2000;
    options.seed = 7;
    options.directory = root_ / name;
    options.write_reference = true;
    const Status status = WriteCohort(options, nullptr);
    EXPECT_TRUE(status.ok()) << Describe(status);
    return options.directory;
  }

  fs::path root_;
};

bool HaveBcftools() { return std::system("bcftools --version >/dev/null 2>&1") == 0; }

// The standard output of a command; the test fails when the command does.
std::string OutputOf(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 65536> buffer{};
  while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return out;
}

std::vector<std::vector<std::string>> Table(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::vector<std::string>& row = rows.emplace_back();
    for (std::string field; std::getline(fields, field, '\t');) row.push_back(field);
  }
  return rows;
}

std::string Content(const fs::path& path) {
  auto content = ReadFile(path);
  EXPECT_TRUE(content.ok()) << path;
  return content.ok() ? *content : "";
}

Json JsonOf(const fs::path& path) { return Json::parse(Content(path)); }

TEST_F(SynthTest, SameOptionsGiveTheSameBytes) {
  const fs::path first = Make("first", "FI", 50);
  const fs::path second = Make("second", "FI", 50);
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(first)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(Content(entry.path()), Content(second / fs::relative(entry.path(), first))) << entry.path();
  }
  EXPECT_EQ(files, 50 + 7);
}

TEST_F(SynthTest, BcftoolsAcceptsTheCohortAndRecountsTheSame) {
  if (!HaveBcftools()) GTEST_SKIP() << "needs bcftools";
  const fs::path dir = Make("fi", "FI");
  const std::string vcf = (dir / "cohort.vcf.gz").string();
  EXPECT_EQ(OutputOf("bcftools view -H " + vcf + " 2>&1 >/dev/null"), "");
  EXPECT_EQ(OutputOf("bcftools index -n " + vcf), "2000\n");
  const std::string query = " | bcftools query -f '%CHROM\\t%POS\\t%ALT\\t%AC\\t%AN\\n'";
  EXPECT_EQ(OutputOf("bcftools view " + vcf + query), OutputOf("bcftools +fill-tags " + vcf + " -- -t AC,AN" + query));
  EXPECT_EQ(OutputOf("bcftools norm --check-ref e -f " + (dir / "reference.fa").string() + " " + vcf +
                " 2>/dev/null | bcftools view -H"),
            OutputOf("bcftools view -H " + vcf))
      << "REF agrees with the reference, and every indel is left-aligned already";
}

TEST_F(SynthTest, HasTheVariantsOfARealCohort) {
  if (!HaveBcftools()) GTEST_SKIP() << "needs bcftools";
  const fs::path dir = Make("fi", "FI");
  const auto rows = Table(OutputOf("bcftools query -r chr20 -f '%REF\\t%ALT\\t%AC\\t%AN\\n' " +
                                   (dir / "cohort.vcf.gz").string()));
  int multi = 0, indels = 0, singletons = 0, common = 0;
  long called = 0;
  for (const auto& row : rows) {
    multi += row[1].find(',') != std::string::npos ? 1 : 0;
    indels += row[0].size() > 1 || row[1].find(',') == std::string::npos ? (row[0].size() != row[1].size()) : 0;
    singletons += row[2] == "1" ? 1 : 0;
    common += std::atoi(row[2].c_str()) >= 40 ? 1 : 0;
    called += std::atol(row[3].c_str());
  }
  const auto n = static_cast<double>(rows.size());
  EXPECT_NEAR(multi / n, 0.02, 0.012);
  EXPECT_NEAR(indels / n, 0.08, 0.025);
  EXPECT_GT(singletons / n, 0.15);
  EXPECT_GT(common / n, 0.10);
  EXPECT_NEAR(1 - static_cast<double>(called) / (n * 800), 0.003, 0.0015) << "missing calls";
}

TEST_F(SynthTest, SexChromosomesFollowTheSexOfThePerson) {
  if (!HaveBcftools()) GTEST_SKIP() << "needs bcftools";
  const fs::path dir = Make("fi", "FI", 60);
  std::set<std::string> males;
  for (const auto& entry : fs::directory_iterator(dir / "phenopackets")) {
    const Json packet = JsonOf(entry.path());
    if (packet["subject"]["sex"] == "MALE") males.insert(packet["biosamples"][0]["id"]);
  }
  EXPECT_GT(males.size(), 15U);
  EXPECT_LT(males.size(), 45U);
  const auto rows = Table(OutputOf("bcftools query -r chrX,chrY -f '[%CHROM\\t%POS\\t%SAMPLE\\t%GT\\n]' " +
                              (dir / "cohort.vcf.gz").string()));
  EXPECT_GT(rows.size(), 3000U);
  int diploid_in_males = 0;
  for (const auto& row : rows) {
    const bool male = males.contains(row[2]);
    const bool diploid = row[3].find('/') != std::string::npos;
    const bool par = row[0] == "chrX" && std::stol(row[1]) <= 2781479;
    EXPECT_EQ(diploid, row[0] == "chrX" && (par || !male)) << row[0] << ' ' << row[1];
    if (row[0] == "chrY" && !male) {
      EXPECT_EQ(row[3], ".");
    }
    diploid_in_males += par && male ? 1 : 0;
  }
  EXPECT_GT(diploid_in_males, 0) << "pseudo-autosomal sites";
}

TEST_F(SynthTest, CountriesShareSitesAndDifferInFrequency) {
  if (!HaveBcftools()) GTEST_SKIP() << "needs bcftools";
  std::map<std::string, double> finnish;
  const std::string query = "bcftools query -f '%CHROM:%POS:%REF:%ALT\\t%AC{0}\\t%AN\\n' ";
  for (const auto& row : Table(OutputOf(query + (Make("fi", "FI") / "cohort.vcf.gz").string()))) {
    finnish[row[0]] = std::stod(row[1]) / std::stod(row[2]);
  }
  int shared = 0, common = 0;
  double fst_above = 0, fst_below = 0;
  for (const auto& row : Table(OutputOf(query + (Make("es", "ES", 500) / "cohort.vcf.gz").string()))) {
    const auto found = finnish.find(row[0]);
    if (found == finnish.end()) continue;
    ++shared;
    const double p = found->second, q = std::stod(row[1]) / std::stod(row[2]);
    if (p + q < 0.2 || p + q > 1.8) continue;
    ++common;
    // Hudson's estimator (Bhatia et al. 2013), as a ratio of sums.
    fst_above += (p - q) * (p - q) - p * (1 - p) / 799 - q * (1 - q) / 999;
    fst_below += p * (1 - q) + q * (1 - p);
  }
  EXPECT_GT(shared, 0.9 * 2000);
  EXPECT_GT(common, 200);
  EXPECT_NEAR(fst_above / fst_below, 0.01, 0.004);
}

TEST_F(SynthTest, PlantedAssociationIsInTheFiles) {
  if (!HaveBcftools()) GTEST_SKIP() << "needs bcftools";
  const fs::path dir = Make("fi", "FI");
  const Json truth = JsonOf(dir / "truth.json");
  ASSERT_EQ(truth["planted"].size(), 2U);
  for (const Json& planted : truth["planted"]) {
    std::set<std::string> cases;  // samples
    for (const auto& entry : fs::directory_iterator(dir / "phenopackets")) {
      const Json packet = JsonOf(entry.path());
      for (const Json& feature : packet["phenotypicFeatures"]) {
        if (feature["type"]["id"] == planted["term"]["id"]) cases.insert(packet["biosamples"][0]["id"]);
      }
    }
    const std::string where = planted["chrom"].get<std::string>() + ":" + std::to_string(planted["pos"].get<int>());
    std::array<std::array<int, 2>, 2> table{};
    for (const auto& row : Table(OutputOf("bcftools query -r " + where + " -f '[%SAMPLE\\t%GT\\n]' " +
                                     (dir / "cohort.vcf.gz").string()))) {
      if (row[1] == "./.") continue;
      ++table[cases.contains(row[0]) ? 1 : 0][row[1] != "0/0" ? 1 : 0];
    }
    const Json& observed = planted["observed"]["everybody"];
    EXPECT_EQ(observed["case_carriers"], table[1][1]);
    EXPECT_EQ(observed["case_others"], table[1][0]);
    EXPECT_EQ(observed["control_carriers"], table[0][1]);
    EXPECT_EQ(observed["control_others"], table[0][0]);
    const double odds_ratio = static_cast<double>(table[1][1]) * table[0][0] / (table[1][0] * table[0][1]);
    EXPECT_GT(odds_ratio, planted["odds_ratio"].get<double>() / 2);
    EXPECT_LT(odds_ratio, planted["odds_ratio"].get<double>() * 2);
  }
  const Json spain = JsonOf(Make("es", "ES", 100) / "truth.json");
  for (const char* field : {"chrom", "pos", "ref", "alt"}) {
    EXPECT_EQ(truth["planted"][0][field], spain["planted"][0][field]);
  }
}

TEST_F(SynthTest, PhenopacketsHaveTheRequiredFields) {
  const fs::path dir = Make("fi", "FI", 50);
  int packets = 0;
  for (const auto& entry : fs::directory_iterator(dir / "phenopackets")) {
    const Json packet = JsonOf(entry.path());
    ++packets;
    EXPECT_EQ(packet["subject"]["id"].get<std::string>() + ".json", entry.path().filename());
    EXPECT_EQ(packet["biosamples"][0]["individualId"], packet["subject"]["id"]);
    EXPECT_NE(packet["biosamples"][0]["id"], packet["subject"]["id"]);
    EXPECT_TRUE(packet.contains("id"));
    // Required by the schema: created, createdBy, resources.
    EXPECT_EQ(packet["metaData"]["phenopacketSchemaVersion"], "2.0");
    EXPECT_EQ(packet["metaData"]["resources"][0]["namespacePrefix"], "HP");
    EXPECT_EQ(packet["metaData"]["created"], "2025-01-15T10:00:00Z");
    const auto observed = std::ranges::count_if(
        packet["phenotypicFeatures"], [](const Json& feature) { return !feature.contains("excluded"); });
    EXPECT_GE(observed, 2);
    EXPECT_LE(observed, 10);
  }
  EXPECT_EQ(packets, 50);
}

TEST_F(SynthTest, TermsAreThoseOfTheOntology) {
  const char* shared = std::getenv("GENOFED_SHARED_DIR");
  if (shared == nullptr || *shared == '\0') GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the ontology";
  std::map<std::string, std::string> labels;
  for (const auto& row : Table(Content(fs::path(shared) / "data/ontologies/hpo-2024-08-13.tsv"))) {
    if (row.size() > 2 && row[2] == "0") labels[row[0]] = row[1];
  }
  ASSERT_GT(labels.size(), 10'000U);
  for (const auto& entry : fs::directory_iterator(Make("fi", "FI", 300) / "phenopackets")) {
    const Json packet = JsonOf(entry.path());  // named: the loop would outlive a temporary
    for (const Json& feature : packet.at("phenotypicFeatures")) {
      EXPECT_EQ(labels[feature["type"]["id"]], feature["type"]["label"]);
    }
  }
}

TEST_F(SynthTest, ConsentsAndTruthAgree) {
  const fs::path dir = Make("fi", "FI");
  const Json truth = JsonOf(dir / "truth.json");
  const Json bundle = JsonOf(dir / "consents.fhir-r4.json");
  std::map<std::string, std::string> permits;  // person -> "AF,SLQ,SEC,", of consents in force
  for (const Json& entry : bundle["entry"]) {
    const Json& consent = entry["resource"];
    std::string& codes = permits[consent["patient"]["identifier"]["value"]];
    if (consent["status"] != "active") continue;
    for (const Json& provision : consent["provision"]["provision"]) {
      codes += provision["code"][0]["coding"][0]["code"].get<std::string>() + ",";
    }
  }
  EXPECT_EQ(bundle["total"], bundle["entry"].size());
  const Json& groups = truth["consent"];
  EXPECT_EQ(groups["none"].size() + groups["inactive"].size(), 20U);
  EXPECT_EQ(groups["af_only"].size(), 20U);
  EXPECT_EQ(groups["af_slq"].size(), 20U);
  EXPECT_EQ(groups["full"], 340);
  for (const auto& id : groups["none"]) EXPECT_FALSE(permits.contains(id));
  for (const auto& id : groups["inactive"]) EXPECT_EQ(permits.at(id), "");
  for (const auto& id : groups["af_only"]) EXPECT_EQ(permits.at(id), "AF,");
  for (const auto& id : groups["af_slq"]) EXPECT_EQ(permits.at(id), "AF,SLQ,");
  EXPECT_EQ(permits.at(truth["demo_citizens"]["full_consent"]["person"]), "AF,SLQ,SEC,");
  EXPECT_FALSE(permits.contains(truth["demo_citizens"]["no_consent"]["person"]));
}

TEST_F(SynthTest, RefusesBadOptionsAndForeignFiles) {
  SynthOptions options;
  options.directory = root_ / "x";
  const auto code = [&](auto change) {
    SynthOptions changed = options;
    change(changed);
    return WriteCohort(changed, nullptr).code();
  };
  EXPECT_EQ(code([](SynthOptions& o) { o.country = "fi"; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.people = 1; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.sites = 10; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.sites = 10'000'000; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.without_consent = 1.5; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.af_only = 0.99; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.contigs = {"chrX"}; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.contigs = {"20"}; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](SynthOptions& o) { o.directory.clear(); }), StatusCode::kInvalidArgument);

  fs::create_directories(options.directory);
  std::ofstream(options.directory / "mine.txt") << "keep";
  EXPECT_EQ(code([](SynthOptions&) {}), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code([](SynthOptions& o) { o.replace = true; o.people = 20; o.sites = 300; }), StatusCode::kOk);
  EXPECT_EQ(Content(options.directory / "mine.txt"), "keep");
}

// With truth.json a directory is complete: when it is replaced, that goes first.
TEST_F(SynthTest, WhatIsReplacedIsIncompleteAtOnce) {
  SynthOptions options;
  options.directory = Make("replaced", "FI", 20);
  options.people = 20;
  options.sites = 300;
  options.replace = true;
  const UniqueFd events(inotify_init1(IN_CLOEXEC));
  ASSERT_GE(inotify_add_watch(events.get(), options.directory.c_str(), IN_DELETE), 0);
  ASSERT_TRUE(WriteCohort(options, nullptr).ok());
  alignas(inotify_event) std::array<char, 4096> buffer{};
  ASSERT_GT(read(events.get(), buffer.data(), buffer.size()), 0);
  EXPECT_STREQ(reinterpret_cast<const inotify_event*>(buffer.data())->name, "truth.json");
}

}  // namespace
}  // namespace genofed::synth
