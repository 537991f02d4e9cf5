// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/link.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {
namespace {

using Rows = std::vector<clinical::HarmonisedRow>;

// People of one file, each on a line of their own.
class LinkTest : public ::testing::Test {
 protected:
  LinkTest() { sources_.BeginFile("clinical"); }

  void Add(std::string subject, std::vector<std::string> samples, std::vector<clinical::NamedVariants> variants = {}) {
    sources_.BeginRecord({++line_});
    sources_.RecordOf(sources_.origin()).fields = &fields_;
    clinical::HarmonisedRow row;
    row.subject = std::move(subject);
    row.samples = std::move(samples);
    row.variants = std::move(variants);
    row.origin = sources_.origin();
    rows_.push_back(std::move(row));
  }

  LinkedPeople Link(const std::optional<std::vector<VariantsFile>>& files) {
    return LinkPeople(rows_, files, sources_, findings_);
  }

  // "UNKNOWN_SAMPLE clinical 3 biosamples"
  std::vector<std::string> Errors() {
    std::vector<Finding> all = findings_.Take();
    for (Finding& finding : sources_.files()[0].findings.Take()) all.push_back(std::move(finding));
    std::vector<std::string> out;
    for (const Finding& finding : all) {
      if (finding.severity == Severity::kError) {
        out.push_back(fmt::format("{} {} {} {}", finding.code, finding.file, finding.line, finding.field));
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  const clinical::FieldNames fields_ = {"subject.id", "", "", "biosamples", ""};
  clinical::Collector sources_{clinical::Terminology::Embedded(), Time()};
  Rows rows_;
  Findings findings_;
  std::uint32_t line_ = 0;
  const std::vector<VariantsFile> one_ = {{"v.vcf", {"S1", "S2", "S3"}, {"20"}}};
};

using Refs = std::vector<SampleRef>;

TEST_F(LinkTest, LinksByTheNamesOfSamplesAndCountsTheRest) {
  Add("P1", {"S1"});
  Add("P2", {"RNA-2", "S2"});
  Add("P3", {});
  auto linked = Link(one_);
  ASSERT_EQ(linked.subjects.size(), 2u);
  EXPECT_EQ(linked.subjects[1].person_identifier, "P2");
  EXPECT_EQ(linked.subjects[1].samples, (Refs{{0, "S2"}}));
  EXPECT_EQ(linked.samples_without_subject, 1);
  EXPECT_EQ(linked.subjects_without_sample, 1);
  auto notes = findings_.Take();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].code, "SAMPLE_WITHOUT_SUBJECT");
  EXPECT_EQ(notes[0].severity, Severity::kNote);
}

TEST_F(LinkTest, FollowUpDataNeedNoSample) {
  Add("P1", {"S9"});
  Add("P2", {});
  auto linked = Link(std::nullopt);
  ASSERT_EQ(linked.subjects.size(), 2u);
  EXPECT_EQ(linked.subjects[0].person_identifier, "P1");
  EXPECT_TRUE(linked.subjects[0].samples.empty());
  EXPECT_TRUE(Errors().empty());
}

TEST_F(LinkTest, WhatCannotBeLinkedNamesLineAndField) {
  Add("P1", {"S1"});
  Add("P2", {"S9"});
  Add("P3", {"S2", "S3"});
  EXPECT_EQ(Link(one_).subjects.size(), 1u);
  EXPECT_EQ(Errors(), (std::vector<std::string>{"SEVERAL_SAMPLES clinical 3 biosamples", "UNKNOWN_SAMPLE clinical 2 biosamples"}));
}

TEST_F(LinkTest, FindingsNeverQuoteIdentifiers) {
  Add("HETU-123", {"SAMPLE-123"});
  Link(one_);
  for (const Finding& finding : sources_.files()[0].findings.Take()) EXPECT_EQ(finding.message.find("123"), std::string::npos);
}

TEST_F(LinkTest, FilesOfOtherChromosomesAndOtherPeopleAreOneCohort) {
  Add("P1", {"S1"});
  Add("P2", {"S2"});
  Add("P3", {"S3"});
  auto linked = Link({{{"20.vcf", {"S2", "S1"}, {"20"}}, {"21.vcf", {"S1", "S2"}, {"21"}}, {"more.vcf", {"S3"}, {"20", "21"}}}});
  ASSERT_EQ(linked.subjects.size(), 3u);
  EXPECT_EQ(linked.subjects[0].samples, (Refs{{0, "S1"}, {1, "S1"}}));
  EXPECT_EQ(linked.subjects[1].samples, (Refs{{0, "S2"}, {1, "S2"}}));
  EXPECT_EQ(linked.subjects[2].samples, (Refs{{2, "S3"}}));
  EXPECT_TRUE(Errors().empty());
}

TEST_F(LinkTest, OneNameInTwoFilesOfAChromosomeIsRefused) {
  Add("P1", {"sample"});
  Link({{{"a.vcf", {"sample"}, {"20"}}, {"b.vcf", {"sample"}, {"20", "21"}}}});
  auto all = findings_.Take();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].code, "DUPLICATE_SAMPLE");
  EXPECT_EQ(all[0].file, "b.vcf");
  EXPECT_NE(all[0].message.find("a.vcf and b.vcf"), std::string::npos);
}

TEST_F(LinkTest, AFileThatTheClinicalDataNameIsThatPersons) {
  Add("P1", {"sample"}, {{"a.vcf", ""}});
  Add("P2", {}, {{"b.vcf", ""}, {"reads.bam", ""}});
  Add("P3", {}, {{"c.vcf", "T3"}});
  auto linked = Link({{{"a.vcf", {"sample"}, {"20"}}, {"b.vcf", {"sample"}, {"20"}}, {"c.vcf", {"T1", "T3"}, {"20"}}}});
  ASSERT_EQ(linked.subjects.size(), 3u);
  EXPECT_EQ(linked.subjects[0].samples, (Refs{{0, "sample"}}));
  EXPECT_EQ(linked.subjects[1].samples, (Refs{{1, "sample"}}));
  EXPECT_EQ(linked.subjects[2].samples, (Refs{{2, "T3"}}));
  EXPECT_TRUE(Errors().empty());
}

TEST_F(LinkTest, TwoPeopleCannotBothHaveAFile) {
  Add("P1", {}, {{"a.vcf", ""}});
  Add("P2", {}, {{"a.vcf", ""}});
  Add("P3", {}, {{"a.vcf", "other"}});
  EXPECT_EQ(Link({{{"a.vcf", {"sample"}, {"20"}}}}).subjects.size(), 1u);
  EXPECT_EQ(Errors(), (std::vector<std::string>{"SAMPLE_CLAIMED_TWICE clinical 2 biosamples", "UNKNOWN_SAMPLE clinical 3 biosamples"}));
}

TEST(Findings, KeepsTheFirstOfACodeAndCountsTheOthers) {
  Findings findings;
  findings.Add({Severity::kNote, "NOTE", "variants", 0, "", ""});
  for (int i = 0; i < 50; ++i) findings.Add({Severity::kWarning, "PLOIDY", "variants", i, "", ""});
  findings.Add({Severity::kError, "UNSORTED", "variants", 9, "", ""});
  EXPECT_TRUE(findings.has_error());
  auto all = findings.Take();
  ASSERT_EQ(all.size(), 1 + Findings::kMaxPerCode + 1 + 1);
  EXPECT_EQ(all.front().code, "UNSORTED");
  EXPECT_EQ(all[Findings::kMaxPerCode + 1].count, 30);
  EXPECT_EQ(all.back().code, "NOTE");
}

TEST(Stages, NamesGoBothWaysAndProgressRises) {
  for (int i = 1; i <= 8; ++i) {
    auto stage = static_cast<Stage>(i);
    EXPECT_EQ(ParseStage(StageName(stage)), stage);
    EXPECT_GT(PercentAt(stage), PercentAt(static_cast<Stage>(i - 1)));
  }
  EXPECT_EQ(ParseStage("other"), Stage::kNone);
}

TEST(Holder, IsThePersonOrTheirOrganisation) {
  Holder holder{"iss", "anna", "THL"};
  User user;
  user.issuer = "iss";
  user.subject = "anna";
  EXPECT_TRUE(holder.Is(user));
  user.subject = "bertil";
  EXPECT_FALSE(holder.Is(user));
  user.organisation = "THL";
  EXPECT_TRUE(holder.Is(user));
  user.issuer = "other";
  EXPECT_FALSE(holder.Is(user));
  User nobody;
  nobody.issuer = "iss";
  EXPECT_FALSE((Holder{"iss", "anna", ""}.Is(nobody)));  // two empty organisations are not the same
}

}  // namespace
}  // namespace genofed::onboarding
