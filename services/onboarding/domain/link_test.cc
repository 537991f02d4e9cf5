// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/link.h"

#include <gtest/gtest.h>

#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {
namespace {

clinical::Phenopacket Packet(std::string subject, std::vector<std::string> biosamples) {
  clinical::Phenopacket packet;
  packet.id = "pp";
  packet.subject_id = std::move(subject);
  packet.biosample_ids = std::move(biosamples);
  packet.features = {{"HP:0001250", "", false, nullptr}};
  packet.diseases = {{"HP:0001250", "", false, nullptr}, {"MONDO:0005148", "", false, nullptr}};
  return packet;
}

class LinkTest : public ::testing::Test {
 protected:
  // "UNKNOWN_SAMPLE 3 biosamples[0].id"
  std::vector<std::string> Errors() {
    std::vector<std::string> out;
    for (const Finding& finding : findings_.Take()) {
      if (finding.severity != Severity::kError) continue;
      out.push_back(finding.code + " " + std::to_string(finding.line) + " " + finding.field);
    }
    return out;
  }
  const std::optional<std::vector<std::string>> samples_ = std::vector<std::string>{"S1", "S2", "S3", "P4"};
  Findings findings_;
  Linker linker_{samples_, findings_};
};

TEST_F(LinkTest, LinksByBiosampleElseBySubjectAndCountsTheRest) {
  linker_.Add(Packet("P1", {"S1"}), 1);
  linker_.Add(Packet("P2", {"RNA-2", "S2", "S2"}), 2);
  linker_.Add(Packet("P4", {}), 4);
  auto subjects = linker_.Finish();
  ASSERT_EQ(subjects.size(), 3u);
  EXPECT_EQ(subjects[1].person_identifier, "P2");
  EXPECT_EQ(subjects[1].sample, "S2");
  EXPECT_EQ(subjects[2].sample, "P4");
  EXPECT_EQ(subjects[0].individual.terms, (std::vector<std::string>{"HP:0001250", "MONDO:0005148"}));
  EXPECT_EQ(linker_.samples_without_subject(), 1);
  auto notes = findings_.Take();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].code, "SAMPLE_WITHOUT_SUBJECT");
  EXPECT_EQ(notes[0].severity, Severity::kNote);
}

TEST_F(LinkTest, FollowUpDataNeedNoSample) {
  Findings findings;
  Linker linker(std::nullopt, findings);
  linker.Add(Packet("P1", {"S9"}), 1);
  linker.Add(Packet("P2", {}), 2);
  auto subjects = linker.Finish();
  ASSERT_EQ(subjects.size(), 2u);
  EXPECT_EQ(subjects[0].person_identifier, "P1");
  EXPECT_EQ(subjects[0].sample, "");
  EXPECT_TRUE(findings.Take().empty());
}

TEST_F(LinkTest, WhatCannotBeLinkedNamesLineAndField) {
  linker_.Add(Packet("P1", {"S1"}), 1);
  linker_.Add(Packet("P1", {"S2"}), 2);
  linker_.Add(Packet("P3", {"S9"}), 3);
  linker_.Add(Packet("P5", {}), 4);
  linker_.Add(Packet("P6", {"S1"}), 5);
  linker_.Add(Packet("P7", {"S2", "S3"}), 6);
  linker_.Add(Packet(std::string("P\n8"), {"S3"}), 7);
  EXPECT_EQ(linker_.Finish().size(), 1u);
  EXPECT_EQ(Errors(), (std::vector<std::string>{
                          "DUPLICATE_SUBJECT 2 subject.id", "UNKNOWN_SAMPLE 3 biosamples[0].id",
                          "UNKNOWN_SAMPLE 4 subject.id", "SAMPLE_CLAIMED_TWICE 5 biosamples",
                          "SEVERAL_SAMPLES 6 biosamples[1].id", "SUBJECT_ID_INVALID 7 subject.id"}));
}

TEST_F(LinkTest, FindingsNeverQuoteIdentifiers) {
  linker_.Add(Packet("HETU-123", {"SAMPLE-123"}), 1);
  for (const Finding& finding : findings_.Take()) EXPECT_EQ(finding.message.find("123"), std::string::npos);
}

TEST_F(LinkTest, AnEmptyFileIsAnError) {
  linker_.Finish();
  EXPECT_EQ(Errors(), std::vector<std::string>{"NO_SUBJECTS 0 "});
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
