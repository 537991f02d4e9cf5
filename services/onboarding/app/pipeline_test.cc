// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/pipeline.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "libs/genomics/cohort_index.h"
#include "libs/genomics/individuals.h"
#include "libs/testing/matchers.h"
#include "services/onboarding/adapters/sql_erasure_store.h"
#include "services/onboarding/testing_cohort.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using test::Cohort;
using test::Files;
using test::Lines;
using test::Output;
using test::People;

// Samples of those who permit something, according to what the generator says it planted.
std::vector<std::string> IncludedSamples() {
  auto truth = nlohmann::json::parse(*ReadFile(Cohort::Get().vcf.parent_path() / "truth.json"));
  std::set<std::string> excluded;
  for (const char* group : {"none", "inactive"}) {
    for (const auto& person : truth["consent"][group]) excluded.insert(person.get<std::string>());
  }
  std::vector<std::string> samples;
  for (std::uint32_t i = 1; i <= test::kPeople; ++i) {
    if (!excluded.contains(fmt::format("FI-P{:06}", i))) samples.push_back(fmt::format("FI-S{:06}", i));
  }
  return samples;
}

class PipelineTest : public test::SiteTest {
 protected:
  // Everything by which two runs of the same input can be told apart.
  std::string Outcome(const std::string& id) {
    Submission s = Find(id);
    auto objects = Published(s.dataset.id, s.version);
    std::string findings;
    for (const Finding& finding : s.findings) findings += fmt::format(" {}x{}", finding.code, finding.count);
    return fmt::format("{} v{} {}% {}/{}/{}/{} {}/{}/{} {} {} {} {} {}{}", StateName(s.state), s.version, s.percent(),
                       s.counts.subjects, s.counts.subjects_included, s.counts.subjects_without_consent,
                       s.counts.samples_without_subject, s.counts.records, s.counts.records_quarantined,
                       s.counts.sites, s.index_sha256, HexEncode(crypto::Sha256(Decrypt(objects["genotypes"]))),
                       HexEncode(crypto::Sha256(Decrypt(objects["phenotypes"]))),
                       HexEncode(crypto::Sha256(Decrypt(objects["index"]))), objects.size(), findings);
  }

  void CheckIndexAgainstBcftools(const std::filesystem::path& vcf, const std::vector<std::string>& samples,
                                 const Submission& submission, const std::string& region, std::size_t at_least) {
    auto index = genomics::CohortIndex::Open(layout_.Index(submission.dataset.id, submission.version),
                                             submission.index_sha256);
    ASSERT_TRUE(index.ok()) << Describe(index.status());
    EXPECT_EQ((*index)->info().n_people, samples.size());
    std::string list;
    for (const std::string& sample : samples) list += (list.empty() ? "" : ",") + sample;
    std::size_t compared = 0;
    for (const std::string& line :
         Lines(Output(fmt::format("bcftools view -m2 -M2 -v snps -s {} {} {} | bcftools query -f "
                                  "'%CHROM\\t%POS\\t%REF\\t%ALT\\t%INFO/AC\\t%INFO/AN\\n' | head -200",
                                  list, region, vcf.string())))) {
      auto fields = Split(line, '\t');
      genomics::Variant variant{*genomics::NormaliseContig(fields[0]), *ParseInt(fields[1]) - 1,
                                std::string(fields[2]), std::string(fields[3])};
      auto hit = (*index)->FindExact(variant);
      ASSERT_TRUE(hit.has_value()) << "record " << compared;
      auto counts = (*index)->Count(*hit);
      EXPECT_EQ(static_cast<std::int64_t>(counts.ac), *ParseInt(fields[4]));
      EXPECT_EQ(static_cast<std::int64_t>(counts.an), *ParseInt(fields[5]));
      ++compared;
    }
    EXPECT_GE(compared, at_least);
  }
};

TEST_F(PipelineTest, PublishesACohort) {
  MakePipeline(Cohort::Get().reference);
  std::string id = Submit(Cohort::Get().files);
  EXPECT_THAT(RunOnce(), IsOk());
  Submission submission = Find(id);
  auto included = IncludedSamples();
  ASSERT_LT(included.size(), test::kPeople);
  EXPECT_EQ(submission.state, State::kPublished);
  EXPECT_EQ(submission.version, 1);
  EXPECT_EQ(submission.percent(), 100);
  EXPECT_EQ(submission.counts.subjects, 60);
  EXPECT_EQ(submission.counts.subjects_included, static_cast<int>(included.size()));
  EXPECT_EQ(submission.counts.subjects_without_consent, 60 - static_cast<int>(included.size()));
  EXPECT_EQ(submission.counts.records, 300);
  EXPECT_GE(submission.counts.sites, 300);
  EXPECT_TRUE(NothingInClear(id));
  EXPECT_EQ((publisher_.indices[{"GOE-FI-HEART-1", 1}]),
            std::set<std::string>{"onboarding/index/GOE-FI-HEART-1/1 " + submission.index_sha256 + " " +
                                  submission.individuals_sha256});
  EXPECT_EQ((publisher_.records[{"GOE-FI-HEART-1", 1}]), std::set<int>{submission.counts.subjects_included});
  auto table = layout_.Index("GOE-FI-HEART-1", 1) / genomics::kIndividualsFile;
  EXPECT_EQ(submission.individuals_sha256, HexEncode(crypto::Sha256(*ReadFile(table))));
  auto individuals = genomics::ReadIndividuals(table);
  ASSERT_TRUE(individuals.ok());
  EXPECT_EQ(individuals->size(), included.size());
}

TEST_F(PipelineTest, TheIndexCountsAsBcftoolsDoes) {
  if (!test::HasBcftools()) GTEST_SKIP() << "needs bcftools";
  std::string id = Submit(Cohort::Get().files);
  ASSERT_THAT(RunOnce(), IsOk());
  CheckIndexAgainstBcftools(Cohort::Get().vcf, IncludedSamples(), Find(id), "", 150);
}

TEST_F(PipelineTest, FilesOfChromosomesAndOfSinglePeopleGiveWhatOneFileGives) {
  if (!test::HasBcftools()) GTEST_SKIP() << "needs bcftools";
  auto publish = [&](const Files& files, const std::string& dataset) {
    const std::string id = Submit(files, Dataset(dataset));
    EXPECT_THAT(RunOnce(), IsOk());
    Submission submission = Find(id);
    EXPECT_EQ(submission.state, State::kPublished) << submission.message;
    return submission;
  };
  // Pseudonyms of the fake do not depend on the dataset, so rows are the same.
  auto records = [&](const std::string& dataset) {
    auto vcf = test::Write(directory_ / (dataset + ".vcf.gz"), Decrypt(Published(dataset, 1)["genotypes"]));
    return Output("bcftools query -H -f '%CHROM %POS %REF %ALT %AC %AN[ %GT]\\n' " + vcf.string());
  };
  publish(Cohort::Get().files, "GOE-FI-WHOLE-1");
  const std::string expected = records("GOE-FI-WHOLE-1");
  ASSERT_GT(Lines(expected).size(), 300u);

  const std::string vcf = Cohort::Get().vcf.string();
  Files by_chromosome = Cohort::Get().files;
  by_chromosome.variants.clear();
  for (const std::string& contig : Lines(Output("bcftools index -s " + vcf + " | cut -f1"))) {
    by_chromosome.more[{FileKind::kVariants, contig + ".vcf"}] = Output("bcftools view -r " + contig + " " + vcf);
  }
  ASSERT_GE(by_chromosome.more.size(), 3u);
  Submission submission = publish(by_chromosome, "GOE-FI-CHROMOSOMES-1");
  EXPECT_EQ(records("GOE-FI-CHROMOSOMES-1"), expected);
  CheckIndexAgainstBcftools(Cohort::Get().vcf, IncludedSamples(), submission, "", 150);

  Files by_person = Cohort::Get().files;
  by_person.variants.clear();
  for (const std::string& sample : Lines(Output("bcftools query -l " + vcf))) {
    by_person.more[{FileKind::kVariants, sample + ".vcf"}] = Output("bcftools view -s " + sample + " " + vcf);
  }
  ASSERT_EQ(by_person.more.size(), test::kPeople);
  submission = publish(by_person, "GOE-FI-PEOPLE-1");
  EXPECT_EQ(records("GOE-FI-PEOPLE-1"), expected);
  CheckIndexAgainstBcftools(Cohort::Get().vcf, IncludedSamples(), submission, "", 150);
}

TEST_F(PipelineTest, WhoAskedToBeForgottenIsLeftOutAndCounted) {
  const auto included = IncludedSamples();
  consent_.wants_to_be_forgotten = {test::Replace(included[0], "FI-S", "FI-P")};
  const std::string id = Submit(Cohort::Get().files);
  ASSERT_THAT(RunOnce(), IsOk());
  const Submission submission = Find(id);
  ASSERT_EQ(submission.state, State::kPublished) << submission.message;
  const auto some = static_cast<int>(included.size());
  EXPECT_EQ(submission.counts.subjects_included, some - 1);
  EXPECT_EQ(submission.counts.subjects_forgotten, 1);
  EXPECT_EQ(submission.counts.subjects_without_consent, 60 - some);
  const auto found = std::ranges::find(submission.findings, "FORGOTTEN", &Finding::code);
  ASSERT_NE(found, submission.findings.end());
  EXPECT_EQ(found->count, 1);
}

TEST_F(PipelineTest, ObjectsHoldPseudonymsInTheOrderOfRowsAndTheSameGenotypes) {
  if (!test::HasBcftools()) GTEST_SKIP() << "needs bcftools";
  std::string id = Submit(Cohort::Get().files);
  ASSERT_THAT(RunOnce(), IsOk());
  std::vector<std::pair<std::string, std::string>> expected;  // pseudonym, sample
  for (const std::string& sample : IncludedSamples()) {
    expected.emplace_back(test::FakeConsent::Pseudonym(test::Replace(sample, "FI-S", "FI-P")), sample);
  }
  std::sort(expected.begin(), expected.end());
  auto objects = Published("GOE-FI-HEART-1", 1);
  auto vcf = test::Write(directory_ / "genotypes.vcf.gz", Decrypt(objects["genotypes"]));
  std::vector<std::string> pseudonyms;
  for (const auto& [pseudonym, sample] : expected) pseudonyms.push_back(pseudonym);
  EXPECT_EQ(Lines(Output("bcftools query -l " + vcf.string())), pseudonyms);
  for (std::size_t i : {std::size_t{0}, expected.size() - 1}) {
    std::string query = "bcftools query -f '%CHROM %POS[ %GT]\\n' -s ";
    EXPECT_EQ(Output(query + expected[i].first + " " + vcf.string()),
              Output(query + expected[i].second + " " + Cohort::Get().vcf.string()));
  }
  EXPECT_EQ(Output("bcftools view -h " + vcf.string()).find("FI-S"), std::string::npos);
  EXPECT_EQ(objects["index"].name, objects["genotypes"].name + ".csi");
  test::Write(directory_ / "genotypes.vcf.gz.csi", Decrypt(objects["index"]));
  const auto sites = Lines(Output("bcftools query -f '%CHROM\\t%POS\\n' " + vcf.string()));
  const std::string contig = sites.at(150).substr(0, sites.at(150).find('\t'));
  const std::string pos = sites.at(150).substr(contig.size() + 1);
  EXPECT_EQ(Lines(Output(fmt::format("bcftools query -f '%CHROM\\t%POS\\n' -r {}:{}-{} {}", contig, pos, pos, vcf.string()))),
            std::vector<std::string>{sites.at(150)});
  auto table = Lines(Decrypt(objects["phenotypes"]));
  ASSERT_EQ(table.size(), expected.size() + 1);
  EXPECT_EQ(table[0], "pseudonym\tsex\tage_years\tterms");
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(table[i + 1].starts_with(expected[i].first + "\t"));
}

TEST_F(PipelineTest, AKilledProcessGoesOnAndEndsTheSame) {
  std::string baseline;
  int step = 0;
  for (bool crashed = true; crashed; ++step) {
    SCOPED_TRACE(step);
    consent_.registrations.clear();
    consent_.rows.clear();
    consent_.headers.clear();
    publisher_.indices.clear();
    publisher_.records.clear();
    ASSERT_TRUE(database_->Transact(Context::Background(), [](sql::Tx& tx) {
                  return tx.Exec("TRUNCATE submissions, files, objects, jobs, snapshots, snapshot_segments, reports").status();
                }).ok());
    for (const std::string& body : StrayBodies()) std::filesystem::remove(layout_.Objects() / body);
    std::string id = Submit(Cohort::Get().files);
    crash_.Arm(step);  // 0: never
    RunOnce().IgnoreError();
    crashed = crash_.fired() || step == 0;
    crash_.Arm(0);
    if (step > 0 && crashed) {
      ExpireLeases();
      MakePipeline("");
      EXPECT_THAT(RunOnce(), IsOk());
    }
    EXPECT_EQ(consent_.registrations.size(), 1u);
    SqlErasureStore erasures(*database_);
    Erasure erasure(layout_, erasures, *bodies_, consent_, publisher_, clock_, random_, metrics_);
    EXPECT_THAT(erasure.Run(Context::Background()), IsOk());
    EXPECT_THAT(StrayBodies(), ::testing::IsEmpty()) << "what the killed process made is removed";
    EXPECT_EQ(publisher_.records.size(), 1u);
    EXPECT_EQ((publisher_.indices[{"GOE-FI-HEART-1", 1}].size()), 1u);
    EXPECT_EQ(consent_.headers.size(), 4u)
        << "genotypes, their index, what each person carries, phenotypes";
    EXPECT_TRUE(NothingInClear(id));
    if (step == 0) baseline = Outcome(id);
    else EXPECT_EQ(Outcome(id), baseline);
  }
  EXPECT_GT(step, 40);  // it did die at every call to the database and to peers
}

TEST_F(PipelineTest, WaitsForAPeerThatIsAwayAndSaysSo) {
  consent_.away = 1;
  std::string id = Submit(Cohort::Get().files);
  EXPECT_THAT(RunOnce(), HasReason("PEER_UNAVAILABLE"));
  Submission waiting = Find(id);
  EXPECT_EQ(waiting.state, State::kRunning);
  EXPECT_EQ(waiting.stage, Stage::kConsent);
  EXPECT_EQ(waiting.message, "waiting for consent (PEER_UNAVAILABLE)");
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(id).state, State::kPublished);
  EXPECT_EQ(Find(id).message, "");
}

TEST_F(PipelineTest, AnIndexThatDiscoveryRefusesFailsTheSubmissionAndLeavesNothing) {
  publisher_.refuse_index = true;
  std::string id = Submit(Cohort::Get().files);
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(id).state, State::kFailed);
  EXPECT_EQ(Find(id).message, "discovery refused: INDEX_CORRUPT");
  EXPECT_TRUE(NothingInClear(id));
  EXPECT_TRUE(std::filesystem::is_empty(layout_.root() / "objects"));
  EXPECT_FALSE(std::filesystem::exists(layout_.Index("GOE-FI-HEART-1", 1)));
  EXPECT_THAT(submissions_->Objects(Context::Background(), "GOE-FI-HEART-1", 1), HasReason("DATASET_UNKNOWN"));
  EXPECT_THAT(*SqlErasureStore(*database_).Versions(ctx_, "GOE-FI-HEART-1"), ::testing::IsEmpty());
}

TEST_F(PipelineTest, OncePublishedNothingIsTakenBack) {
  publisher_.record_errors = 1;
  std::string id = Submit(Cohort::Get().files);
  EXPECT_THAT(RunOnce(), HasReason("RECORD_INVALID"));
  EXPECT_EQ(Find(id).state, State::kRunning);
  EXPECT_TRUE(std::filesystem::exists(layout_.Index("GOE-FI-HEART-1", 1)));
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(id).state, State::kPublished);
}

TEST_F(PipelineTest, NorIsItByALaterRunThatIsRefusedBeforeThat) {
  publisher_.record_errors = 1;
  std::string id = Submit(Cohort::Get().files);
  EXPECT_THAT(RunOnce(), HasReason("RECORD_INVALID"));
  auto& asked = consent_.registrations[{"GOE-FI-HEART-1", 1}];
  asked["somebody else"] = 1;
  EXPECT_THAT(RunOnce(), HasReason("VERSION_REGISTERED"));
  EXPECT_EQ(Find(id).state, State::kRunning);
  EXPECT_TRUE(std::filesystem::exists(layout_.Index("GOE-FI-HEART-1", 1)));
  asked.erase("somebody else");
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(id).state, State::kPublished);
}

// Wherever the run was interrupted, everybody else stays.
TEST_F(PipelineTest, SomebodyForgottenMeanwhileLeavesABlankRow) {
  for (const bool late : {false, true}) {
    SCOPED_TRACE(late);
    const std::string dataset = late ? "GOE-FI-LATE-1" : "GOE-FI-EARLY-1";
    const std::string id = Submit(Cohort::Get().files, Dataset(dataset));
    publisher_.record_errors = late ? 1 : 0;
    consent_.away_for_keys = late ? 0 : 1;
    EXPECT_FALSE(RunOnce().ok());
    const auto rows = consent_.rows[{dataset, 1}];
    for (const std::size_t row : {std::size_t{4}, rows.size() - 1}) {
      for (const auto& [person, permissions] : consent_.registrations[{dataset, 1}]) {
        if (test::FakeConsent::Pseudonym(person) == rows[row]) consent_.Forget(person, dataset);
      }
    }
    ASSERT_THAT(RunOnce(), IsOk());
    const Submission submission = Find(id);
    ASSERT_EQ(submission.state, State::kPublished) << submission.message;
    if (late) continue;  // what was made before is erased like everything else
    const auto individuals =
        genomics::ReadIndividuals(layout_.Index(dataset, 1) / genomics::kIndividualsFile);
    ASSERT_THAT(individuals, IsOk());
    ASSERT_EQ(individuals->size(), rows.size());
    EXPECT_EQ((*individuals)[4], genomics::Individual());
    EXPECT_NE((*individuals)[5], genomics::Individual());
    const auto table = Lines(Decrypt(Published(dataset, 1)["phenotypes"]));
    EXPECT_TRUE(table[6].starts_with(rows[5]));
    if (!test::HasBcftools()) continue;
    auto vcf =
        test::Write(directory_ / "genotypes.vcf.gz", Decrypt(Published(dataset, 1)["genotypes"]));
    auto left = rows;
    left.pop_back();
    left.erase(left.begin() + 4);
    EXPECT_EQ(Lines(Output("bcftools query -l " + vcf.string())), left);
    EXPECT_THAT(
        submission.findings,
        ::testing::Not(::testing::Contains(::testing::Field(&Finding::code, "SAMPLE_CALL_RATE"))));
  }
}

TEST_F(PipelineTest, NobodyLeftIsNothingToPublish) {
  const std::string id = Submit(People(0, 3));
  consent_.away_for_keys = 1;
  EXPECT_FALSE(RunOnce().ok());
  const auto asked = consent_.registrations[{"GOE-FI-HEART-1", 1}];
  for (const auto& [person, permissions] : asked) consent_.Forget(person);
  ASSERT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(id).state, State::kRejected);
  EXPECT_EQ(Find(id).findings.at(0).code, "NO_CONSENTING_SUBJECT");
}

TEST_F(PipelineTest, VersionsCountUpOneAtATimeAndBelongToTheirHolder) {
  consent_.away = 1;
  std::string first = Submit(Cohort::Get().files);
  EXPECT_THAT(RunOnce(), HasReason("PEER_UNAVAILABLE"));
  std::string second = Submit(Cohort::Get().files);
  ASSERT_TRUE(database_->Transact(ctx_, [&](sql::Tx& tx) {
                return tx.Exec("UPDATE jobs SET not_before = now() + interval '1 hour' WHERE id = $1", first).status();
              }).ok());
  EXPECT_THAT(RunOnce(), HasReason("DATASET_BUSY"));
  EXPECT_EQ(Find(second).message, "waiting for stage consent (DATASET_BUSY)");
  ASSERT_TRUE(database_->Transact(ctx_, [&](sql::Tx& tx) {
                return tx.Exec("UPDATE jobs SET not_before = now() - interval '1 hour' WHERE id = $1", first).status();
              }).ok());
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(first).version, 1);
  EXPECT_EQ(Find(second).version, 2);
  EXPECT_EQ(Find(second).state, State::kPublished);
  EXPECT_THAT(submissions_->Create(As("bertil", {"holder"}), {Dataset(), "k"}), HasReason("DATASET_OF_ANOTHER_HOLDER"));
  EXPECT_THAT(submissions_->Objects(As("bertil", {"holder"}), "GOE-FI-HEART-1", 1), HasReason("DATASET_UNKNOWN"));
  EXPECT_THAT(submissions_->Objects(ctx_, "GOE-FI-HEART-1", 1), IsOk());
}

TEST_F(PipelineTest, AWorkerWhoseLeaseWasTakenOverWritesNothing) {
  std::string id = Submit(Cohort::Get().files);
  auto background = Context::Background();
  auto claim = [&] {
    return database_->Transact(background, [&](sql::Tx& tx) { return leases_.Claim(tx, "worker", 1); })->at(0);
  };
  SqlRunStore slow(*database_, leases_, claim());
  ExpireLeases();
  SqlRunStore fast(*database_, leases_, claim());
  Submission submission = Find(id);
  submission.state = State::kFailed;
  EXPECT_THAT(slow.Save(background, submission), HasReason("LEASE_LOST"));
  EXPECT_THAT(slow.ReserveVersion(background), HasReason("LEASE_LOST"));
  EXPECT_THAT(slow.AddObject(background, {}), HasReason("LEASE_LOST"));
  EXPECT_THAT(slow.DropObjects(background), HasReason("LEASE_LOST"));
  EXPECT_EQ(*fast.ReserveVersion(background), 1);
  EXPECT_EQ(*fast.ReserveVersion(background), 1);
}

TEST_F(PipelineTest, TakesARealCohort) {
  auto vcf = testing::SharedDir() / "data/vcf/1000g-chr20/kgp_chr20_1-4Mb.300samples.phased.vcf.gz";
  if (testing::SharedDir().empty() || !std::filesystem::exists(vcf)) {
    GTEST_SKIP() << "needs GENOFED_SHARED_DIR: data/vcf/1000g-chr20";
  }
  if (!test::HasBcftools()) GTEST_SKIP() << "needs bcftools";
  auto samples = Lines(Output("bcftools query -l " + vcf.string()));
  ASSERT_EQ(samples.size(), 300u);
  Files files;
  files.variants = *ReadFile(vcf);
  nlohmann::json entries = nlohmann::json::array();
  std::vector<std::string> included;
  for (std::size_t i = 0; i + 10 < samples.size(); ++i) {  // ten samples without a person
    files.clinical += fmt::format(
        R"({{"id":"pp{0}","subject":{{"id":"person-{0}","sex":"FEMALE"}},"biosamples":[{{"id":"{1}"}}],)"
        R"("metaData":{{"created":"2026-01-01T00:00:00Z","createdBy":"test"}}}})", i, samples[i]) + "\n";
    if (i % 5 == 0) continue;  // says nothing about consent
    included.push_back(samples[i]);
    entries.push_back(nlohmann::json::parse(fmt::format(
        R"({{"resource":{{"resourceType":"Consent","status":"active",)"
        R"("patient":{{"identifier":{{"value":"person-{}"}}}},)"
        R"("provision":{{"type":"deny","provision":[{{"type":"permit","code":[{{"coding":[)"
        R"({{"system":"urn:1plusmg:consent-permission","code":"SEC"}}]}}]}}]}}}}}})", i)));
  }
  files.consents = nlohmann::json{{"resourceType", "Bundle"}, {"entry", entries}}.dump();
  std::string id = Submit(files, Dataset("GOE-FI-KGP-1", "GRCh37"));
  ASSERT_THAT(RunOnce(), IsOk());
  Submission submission = Find(id);
  ASSERT_EQ(submission.state, State::kPublished) << submission.message;
  EXPECT_EQ(submission.counts.records, 24'990);
  EXPECT_EQ(submission.counts.samples_without_subject, 10);
  EXPECT_EQ(submission.counts.subjects_without_consent, 58);
  CheckIndexAgainstBcftools(vcf, included, submission, "-r 20:1000000-1200000", 100);
}

}  // namespace
}  // namespace genofed::onboarding
