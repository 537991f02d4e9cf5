// SPDX-License-Identifier: Apache-2.0
// Phenotype table, phenopackets and consents.
#include <gmock/gmock.h>

#include "libs/core/strings.h"
#include "libs/genomics/fhir_consent.h"
#include "libs/genomics/individuals.h"
#include "libs/genomics/phenopacket.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
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
  EXPECT_THAT(packet->phenotypes, ElementsAre("HP:0001250"));
  EXPECT_THAT(packet->diseases, ElementsAre("ORPHA:111"));
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

TEST(IndividualsTest, SurvivesTheFileAndFindsDamage) {
  TempDir dir;
  std::vector<Individual> rows = {{Sex::kFemale, 42, {"HP:0000002", "HP:0000001", "HP:0000002"}},
                                  {Sex::kMale, std::nullopt, {}},
                                  {Sex::kUnknown, 500, {"HP:0000001"}}};
  ASSERT_TRUE(WriteIndividuals(dir / kIndividualsFile, rows).ok());
  auto read = ReadIndividuals(dir / kIndividualsFile);
  ASSERT_TRUE(read.ok()) << Describe(read.status());
  EXPECT_THAT((*read)[0].terms, ElementsAre("HP:0000001", "HP:0000002"));
  EXPECT_EQ((*read)[1], rows[1]);
  EXPECT_THAT(RowsOfSex(*read, Sex::kFemale).ToRows(), ElementsAre(0));
  EXPECT_THAT(RowsOfAge(*read, 42, 100).ToRows(), ElementsAre(0));
  auto terms = TermBitmaps::Build(*read);
  EXPECT_THAT(terms.Get("HP:0000001").ToRows(), ElementsAre(0, 2));
  EXPECT_EQ(terms.Get("HP:9999999"), Bitmap(3));
  auto closed = TermBitmaps::Build(
      *read, [](const std::string&) { return std::vector<std::string>{"HP:0000118"}; });
  EXPECT_THAT(closed.Get("HP:0000118").ToRows(), ElementsAre(0, 2));
  std::string text = ReadText(dir / kIndividualsFile);
  WriteText(dir / "damaged", Replaced(text, "C16576", "C20197"));
  EXPECT_EQ(Reason(ReadIndividuals(dir / "damaged").status()), "INDIVIDUALS_CORRUPT");
  for (std::size_t size : {std::size_t{0}, std::size_t{20}, text.size() - 5}) {
    WriteText(dir / "damaged", text.substr(0, size));
    EXPECT_FALSE(ReadIndividuals(dir / "damaged").ok());
  }
}

std::string Code(const std::string& code, const char* system = "urn:1plusmg:consent-permission") {
  return R"("code":[{"coding":[{"system":")" + std::string(system) + R"(","code":")" + code +
         R"("}]}])";
}

std::string Consent(const std::string& person, const std::string& provision,
                    const std::string& status = "active") {
  return R"({"resource":{"resourceType":"Consent","status":")" + status +
         R"(","patient":{"identifier":{"value":")" + person +
         R"("}},"dateTime":"2024-02","provision":)" + provision + "}}";
}

std::string Bundle(const std::vector<std::string>& entries) {
  std::string text = R"({"resourceType":"Bundle","type":"searchset","entry":[)";
  for (std::size_t i = 0; i < entries.size(); ++i) text += (i > 0 ? "," : "") + entries[i];
  return text + "]}";
}

int Permissions(const std::string& provision, const std::string& status = "active") {
  auto records = ParseFhirConsents(Bundle({Consent("P", provision, status)}));
  return records.ok() ? (*records)[0].permissions : -1;
}

TEST(ConsentTest, DenyWinsAndOnlyActiveCounts) {
  std::string permit_af = R"({"type":"permit",)" + Code("AF") + "}";
  std::string permit_slq = R"({"type":"permit",)" + Code("SLQ") + "}";
  std::string deny_af = R"({"type":"deny",)" + Code("AF") + "}";
  std::string base = R"({"type":"deny","provision":[)";
  EXPECT_EQ(Permissions(base + permit_af + "]}"), kPermitAlleleFrequency);
  EXPECT_EQ(Permissions(base + permit_af + "," + permit_slq + "]}"),
            kPermitAlleleFrequency | kPermitSubjectLevel);
  EXPECT_EQ(Permissions(base + deny_af + "," + permit_af + "," + permit_slq + "]}"),
            kPermitSubjectLevel);
  EXPECT_EQ(Permissions(base + permit_af + "," + deny_af + "]}"), 0);
  EXPECT_EQ(Permissions(base + permit_af + R"(,{"type":"deny"}]})"), 0) << "a denial of everything";
  EXPECT_EQ(Permissions(base + permit_af + R"(,{"type":"deny",)" + Code("x", "urn:other") + "}]}"),
            0);
  EXPECT_EQ(Permissions(R"({"type":"permit"})"), 0) << "a permission must be named";
  EXPECT_EQ(Permissions(base + permit_af + "]}", "inactive"), 0);
  EXPECT_EQ(Permissions(base + permit_af + "]}", "on-hold"), -1);
  EXPECT_EQ(Permissions(base + R"({"type":"permit",)" + Code("XX") + "}]}"), -1);
  EXPECT_EQ(Permissions(base + R"({"type":"permit","purpose":[],)" + Code("AF") + "}]}"), -1);
}

TEST(ConsentTest, OneWrongEntryRefusesTheBundleAndIsNamed) {
  std::string good = Consent("P1", R"({"type":"deny"})");
  auto records =
      ParseFhirConsents(Bundle({good, R"({"resource":{"resourceType":"Patient"}})",
                                R"({"resource":{"resourceType":"Consent","status":"active"}})"}));
  EXPECT_EQ(Reason(records.status()), "CONSENT_INVALID");
  ASSERT_EQ(Fields(records.status()).size(), 2U);
  EXPECT_EQ(Fields(records.status())[0].field, "entry[2].resource.patient");
  EXPECT_EQ(Fields(records.status())[1].field, "entry[2].resource.provision");
  for (const char* bad : {"", "[]", "{}", R"({"resourceType":"Bundle","entry":7})",
                          R"({"resourceType":"Bundle","entry":[7]})"}) {
    EXPECT_FALSE(ParseFhirConsents(bad).ok()) << bad;
  }
  EXPECT_TRUE(ParseFhirConsents(R"({"resourceType":"Bundle"})")->empty());
}

TEST(ConsentTest, SeveralConsentsOfOnePersonIntersect) {
  auto provision = [](const std::string& codes, const std::string& period) {
    std::string text = R"({"type":"deny",)" + period + R"("provision":[)";
    for (std::string_view code : Split(codes, ' ')) {
      text += std::string(text.back() == '[' ? "" : ",") + R"({"type":"permit",)" +
              Code(std::string(code)) + "}";
    }
    return text + "]}";
  };
  auto records = ParseFhirConsents(
      Bundle({Consent("P1", provision("AF SLQ", "")), Consent("P1", provision("AF SEC", "")),
              Consent("P1", provision("SEC", ""), "inactive"),
              Consent("P2", provision("AF", ""), "rejected"),
              Consent("P3", provision("AF", R"("period":{"start":"2024","end":"2024-06-30"},)"))}));
  ASSERT_TRUE(records.ok()) << Describe(records.status());
  auto at = [&](const char* time) { return EffectivePermissions(*records, *ParseRfc3339(time)); };
  EXPECT_EQ(at("2024-05-01T00:00:00Z")["P1"], kPermitAlleleFrequency);
  EXPECT_EQ(at("2024-05-01T00:00:00Z")["P2"], 0);
  EXPECT_EQ(at("2024-06-30T23:59:59Z")["P3"], kPermitAlleleFrequency)
      << "the end date is inclusive";
  EXPECT_EQ(at("2024-07-01T00:00:00Z")["P3"], 0);
  EXPECT_EQ(at("2023-12-31T23:59:59Z")["P3"], 0);
}

// expected.tsv was written independently: last column, for example AF,SLQ,SEC.
TEST(ConsentTest, SharedBundleGivesTheExpectedPermissions) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the consent bundle";
  auto records = ParseFhirConsents(ReadText(SharedDir() / "etl-equivalence/consents.fhir-r4.json"));
  ASSERT_TRUE(records.ok()) << Describe(records.status());
  EXPECT_EQ(records->size(), 30U);
  auto effective = EffectivePermissions(*records, *ParseRfc3339("2025-01-01T00:00:00Z"));
  std::string table = ReadText(SharedDir() / "etl-equivalence/expected.tsv");
  int people = 0;
  for (std::string_view line : Split(table, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    auto columns = Split(line, '\t');
    int expected = 0;
    for (std::string_view word : Split(Trim(columns.back()), ',')) {
      expected |= word == "AF" ? 1 : word == "SLQ" ? 2 : word == "SEC" ? 4 : 0;
    }
    EXPECT_EQ(effective[std::string(columns[0])], expected) << "person " << people;
    ++people;
  }
  EXPECT_EQ(people, 40);
}

}  // namespace
}  // namespace genofed::genomics
