// SPDX-License-Identifier: Apache-2.0
// Clinical data of every source through the whole pipeline. Expectations come from etl-equivalence/expected.tsv, which was
// written independently of genofed.
#include <algorithm>

#include "libs/genomics/individuals.h"
#include "libs/testing/matchers.h"
#include "services/onboarding/testing_cohort.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::IsOk;
using test::Files;
using test::Lines;

class SourcesTest : public test::SiteTest {
 protected:
  void SetUp() override {
    SiteTest::SetUp();
    if (testing::SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: etl-equivalence";
    data_ = testing::SharedDir() / "data/etl-equivalence";
  }

  Files With(const std::string& folder) const {
    Files files;
    files.variants = *ReadFile(data_ / "cohort.vcf");
    files.consents = *ReadFile(data_ / "consents.fhir-r4.json");
    if (folder.ends_with(".csv")) {
      files.more[{FileKind::kClinical, folder}] = *ReadFile(data_ / folder);
      return files;
    }
    for (const auto& entry : std::filesystem::directory_iterator(data_ / folder)) {
      files.more[{FileKind::kClinical, entry.path().filename().string()}] = *ReadFile(entry.path());
    }
    return files;
  }

  struct Published {
    Submission submission;
    std::string individuals, phenotypes;
  };
  Published Publish(const Files& files, const std::string& dataset) {
    const std::string id = Submit(files, Dataset(dataset));
    EXPECT_THAT(RunOnce(), IsOk());
    Published out{Find(id), "", ""};
    for (const Finding& finding : out.submission.findings) {
      EXPECT_EQ(finding.severity, Severity::kNote) << finding.code << " " << finding.file << ":" << finding.line << " " << finding.field;
    }
    EXPECT_EQ(out.submission.state, State::kPublished);
    if (out.submission.state != State::kPublished) return out;
    out.individuals = *ReadFile(layout_.Index(dataset, 1) / genomics::kIndividualsFile);
    out.phenotypes = Decrypt(SiteTest::Published(dataset, 1)["phenotypes"]);
    EXPECT_TRUE(NothingInClear(id));
    return out;
  }

  // "pseudonym sex age terms" of those who permit something, as expected.tsv has them.
  std::string ExpectedTable() const {
    std::vector<std::string> rows;
    for (const std::string& line : Lines(*ReadFile(data_ / "expected.tsv"))) {
      const auto cells = Split(line, '\t');
      if (line.starts_with('#') || cells[9] == "NONE") continue;
      std::set<std::string> terms;
      for (std::size_t column : {4U, 6U, 7U, 8U}) {
        for (std::string_view term : Split(cells[column], '|')) {
          if (!term.empty()) terms.emplace(term);
        }
      }
      std::string joined;
      for (const std::string& term : terms) joined += (joined.empty() ? "" : ";") + term;
      rows.push_back(fmt::format("{}\t{}\t\t{}", test::FakeConsent::Pseudonym(std::string(cells[0])), cells[2], joined));
    }
    std::sort(rows.begin(), rows.end());  // FakeConsent gives rows in the order of pseudonyms
    return "pseudonym\tsex\tage_years\tterms\n" + test::Join(rows);
  }

  std::filesystem::path data_;
};

TEST_F(SourcesTest, FourFormatsGiveTheSameSnapshot) {
  const std::string expected = ExpectedTable();
  std::string individuals;
  int number = 0;
  for (const char* source : {"phenopackets", "fhir-r4", "omop54", "redcap.csv"}) {
    SCOPED_TRACE(source);
    const Published published = Publish(With(source), fmt::format("GOE-FI-SAME-{}", ++number));
    EXPECT_EQ(published.phenotypes, expected);
    EXPECT_EQ(published.submission.counts.subjects, 40);
    EXPECT_EQ(published.submission.counts.subjects_included, 30);
    EXPECT_EQ(published.submission.counts.subjects_without_consent, 10);
    EXPECT_EQ(published.submission.counts.clinical_records_quarantined, 0);
    if (individuals.empty()) individuals = published.individuals;
    EXPECT_EQ(published.individuals, individuals);
  }
}

TEST_F(SourcesTest, SourcesThatSpeakOfTheSamePeopleAddUp) {
  Files files = With("omop54");
  files.more.merge(With("redcap.csv").more);
  files.more.merge(With("fhir-r4").more);
  EXPECT_EQ(Publish(files, "GOE-FI-SUM-1").phenotypes, ExpectedTable());
}

TEST_F(SourcesTest, AMappingSaysWhatColumnsMean) {
  Files files = With("redcap.csv");
  std::string& csv = files.more.at({FileKind::kClinical, "redcap.csv"});
  csv = test::Replace(csv, "record_id,sex,dob,hpo_present,hpo_absent,icd10,orpha,sample_id",
                      "Fall,Geschlecht,geboren,ja,nein,ICD,Orphacode,Probe");
  files.more[{FileKind::kMapping, "mapping.json"}] =
      R"({"columns": {"subject": "Fall", "sex": "Geschlecht", "birth_date": "geboren", "hpo_present": "ja",
          "hpo_absent": "nein", "sample": "Probe"}, "codes": {"ICD": "ICD10CM", "Orphacode": "ORPHA"}})";
  EXPECT_EQ(Publish(files, "GOE-FI-MAP-1").phenotypes, ExpectedTable());
}

// Somebody without a sample of their own has the one of their name.
TEST_F(SourcesTest, WithoutASampleColumnThePersonsNameIsTheSamples) {
  Files files = With("redcap.csv");
  std::string& csv = files.more.at({FileKind::kClinical, "redcap.csv"});
  std::vector<std::string> lines = Lines(csv);
  for (std::string& line : lines) line.resize(line.rfind(','));
  csv = test::Join(lines);
  for (std::size_t at = 0; (at = files.variants.find("\tPS0", at)) != std::string::npos;) files.variants.replace(at, 4, "\tP0");
  EXPECT_EQ(Publish(files, "GOE-FI-NAME-1").phenotypes, ExpectedTable());
}

// The same consents beside the clinical resources, as a FHIR server hands them over.
TEST_F(SourcesTest, ConsentsAmongTheClinicalResourcesCount) {
  Files files = With("fhir-r4");
  files.more[{FileKind::kClinical, "consents.json"}] = files.consents;
  files.consents = R"({"resourceType":"Bundle","type":"collection"})";
  EXPECT_EQ(Publish(files, "GOE-FI-OWN-1").phenotypes, ExpectedTable());
}

TEST_F(SourcesTest, PeopleWithoutGenotypesAreLeftOutAndCounted) {
  Files files = With("fhir-r4");
  files.more[{FileKind::kClinical, "more.json"}] =
      R"({"resourceType":"Patient","id":"other","identifier":[{"system":"urn:hospital:mrn","value":"P9999"}]})";
  const Published published = Publish(files, "GOE-FI-MORE-1");
  EXPECT_EQ(published.phenotypes, ExpectedTable());
  EXPECT_EQ(published.submission.counts.subjects, 41);
  EXPECT_EQ(published.submission.counts.subjects_without_sample, 1);
  EXPECT_EQ(published.submission.counts.subjects_without_consent, 10);
}

TEST_F(SourcesTest, FollowUpDataComeFromAnySource) {
  Publish(With("phenopackets"), "GOE-FI-VISIT-1");
  publisher_.listed = 1;
  Files files;
  files.consents = *ReadFile(data_ / "consents.fhir-r4.json");
  files.clinical = "record_id,hpo_present\nP0001,HP:0001250\n";
  const std::string id = Submit(files, Dataset("GOE-FI-VISIT-1"), Mode::kFollowUp);
  ASSERT_THAT(RunOnce(), IsOk());
  const Submission submission = Find(id);
  EXPECT_EQ(submission.state, State::kPublished);
  EXPECT_EQ(submission.difference.people_changed, 1);
}

}  // namespace
}  // namespace genofed::onboarding
