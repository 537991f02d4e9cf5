// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/phenopacket.h"

#include <gmock/gmock.h>

#include "libs/clinical/test_support.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kPacket = R"({"id":"pp1","subject":{"id":"S1","sex":"FEMALE",
  "timeAtLastEncounter":{"age":{"iso8601duration":"P3Y6M"}}},
  "phenotypicFeatures":[{"type":{"id":"HP:0001250","label":"Seizure"}},{"type":{"id":"HP:0000252"},"excluded":true}],
  "diseases":[{"term":{"id":"Orphanet:111"}}],"biosamples":[{"id":"B1","individualId":"S1"}],
  "metaData":{"created":"2025-01-15T10:00:00Z","createdBy":"me","phenopacketSchemaVersion":"2.0"}})";

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  out.replace(out.find(from), from.size(), to);
  return out;
}

TEST(PhenopacketTest, ReadsWhatWasObserved) {
  auto packet = ParsePhenopacket(kPacket);
  ASSERT_TRUE(packet.ok()) << Describe(packet.status());
  EXPECT_EQ(packet->subject_id, "S1");
  EXPECT_EQ(packet->sex, Sex::kFemale);
  EXPECT_EQ(packet->age_months, 42U);
  EXPECT_THAT(packet->ObservedTerms(), ElementsAre("HP:0001250", "ORPHA:111"));
  EXPECT_EQ(packet->features.size(), 2U);
  EXPECT_TRUE(packet->features[1].excluded);
  EXPECT_THAT(packet->biosample_ids, ElementsAre("B1"));
}

TEST(PhenopacketTest, AgeFromATimestampNeedsADateOfBirth) {
  std::string text = Replaced(kPacket, R"({"age":{"iso8601duration":"P3Y6M"}})",
                              R"({"timestamp":"2024-03-14T00:00:00Z"})");
  EXPECT_EQ(ParsePhenopacket(text)->age_months, std::nullopt);
  text = Replaced(text, R"("sex")", R"("dateOfBirth":"2000-03-15T00:00:00Z","sex")");
  EXPECT_EQ(ParsePhenopacket(text)->age_months, 287U);  // one day before the 24th birthday
}

TEST(PhenopacketTest, NamesThePathOfEveryWrongField) {
  auto first = [](const std::string& text) {
    auto packet = ParsePhenopacket(text);
    auto fields = Fields(packet.status());
    return packet.ok() ? "ok" : fields.empty() ? Reason(packet.status()) : fields[0].field;
  };
  EXPECT_EQ(first(Replaced(kPacket, R"("id":"pp1",)", "")), "id");
  EXPECT_EQ(first(Replaced(kPacket, R"("id":"S1",)", "")), "subject.id");
  EXPECT_EQ(first(Replaced(kPacket, R"("FEMALE")", R"("female")")), "subject.sex");
  EXPECT_EQ(first(Replaced(kPacket, "P3Y6M", "3 years")),
            "subject.timeAtLastEncounter.age.iso8601duration");
  EXPECT_EQ(first(Replaced(kPacket, "HP:0000252", "HP:252")), "phenotypicFeatures[1].type.id");
  EXPECT_EQ(first(Replaced(kPacket, "true", "\"yes\"")), "phenotypicFeatures[1].excluded");
  EXPECT_EQ(first(Replaced(kPacket, R"([{"term")", R"([7,{"term")")), "diseases[0].term");
  EXPECT_EQ(first(Replaced(kPacket, R"("individualId":"S1")", R"("individualId":"S2")")),
            "biosamples[0].individualId");
  EXPECT_EQ(first(Replaced(kPacket, "metaData", "meta")), "metaData");
  EXPECT_EQ(first("[]"), "");
  EXPECT_EQ(first("{"), "JSON_INVALID");
  EXPECT_EQ(first(std::string(100'000, '[')), "JSON_INVALID");
  EXPECT_EQ(Fields(ParsePhenopacket("{}").status()).size(), 3U);
}

TEST(PhenopacketTest, NamesOfTheProtoFieldsAreReadToo) {
  auto packet = ParsePhenopacket(R"({"id":"p","subject":{"id":"S1","date_of_birth":"2001-02-03T00:00:00+02:00"},
    "phenotypic_features":[{"type":{"id":"HP:0001250"}}],"biosamples":[{"id":"B","individual_id":"S2"}],
    "meta_data":{"created":"2025-01-15T10:00:00Z","created_by":"me","phenopacket_schema_version":"2.0"}})");
  ASSERT_EQ(Fields(packet.status()).size(), 1U);
  EXPECT_EQ(Fields(packet.status())[0].field, "biosamples[0].individual_id");
}

TEST(PhenopacketTest, DurationsInMonths) {
  EXPECT_EQ(MonthsOfDuration("P8Y"), 96U);
  EXPECT_EQ(MonthsOfDuration("P1Y2M3D"), 14U);
  EXPECT_EQ(MonthsOfDuration("P10W"), 2U);
  EXPECT_EQ(MonthsOfDuration("P0D"), 0U);
  EXPECT_EQ(MonthsOfDuration("PT5H"), 0U);
  for (const char* bad : {"", "P", "8Y", "P8", "P8X", "PT8Y", "P-1Y", "P9999999Y", "P900Y"}) {
    EXPECT_EQ(MonthsOfDuration(bad), std::nullopt) << bad;
  }
}

TEST(PhenopacketTest, PublishedCasesParse) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: published phenopackets";
  int count = 0;
  for (const char* folder : {"phenopackets", "etl-equivalence/phenopackets"}) {
    for (const auto& entry : std::filesystem::directory_iterator(SharedDir() / folder)) {
      if (entry.path().extension() != ".json") continue;
      auto packet = ParsePhenopacket(ReadText(entry.path()));
      EXPECT_TRUE(packet.ok()) << entry.path() << " " << Describe(packet.status());
      ++count;
    }
  }
  EXPECT_EQ(count, 368 + 40);
}

}  // namespace
}  // namespace genofed::clinical
