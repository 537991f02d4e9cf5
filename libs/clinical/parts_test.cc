// SPDX-License-Identifier: Apache-2.0
// The parts that formats are read with: JSON, CSV, dates, codes, terminologies, mappings.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "libs/clinical/csv_mapping.h"
#include "libs/clinical/csv_reader.h"
#include "libs/clinical/json_tree.h"
#include "libs/clinical/omop_tables.h"
#include "libs/clinical/partial_date.h"
#include "libs/clinical/terminology.h"
#include "libs/clinical/test_support.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

using ::testing::ElementsAre;

// "entry[0]@3 entry[1]@4 @1": the pieces and the lines they begin on.
std::string Pieces(std::string_view text) {
  std::string out;
  auto problem = ReadJson(text, [&](const JsonPiece& piece) {
    out += fmt::format("{}{}@{}{}", out.empty() ? "" : " ", piece.Path(), piece.node.line, piece.duplicate_key ? "!" : "");
    return true;
  });
  if (problem) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", problem->code, problem->line);
  return out;
}

TEST(JsonTreeTest, HandsOverElementsWithTheirLines) {
  EXPECT_EQ(Pieces("{\n\"entry\": [\n{\"a\":1},\n{\"a\":2}]}"), "entry[0]@3 entry[1]@4 @1");
  EXPECT_EQ(Pieces("[1,\n2\n]"), "[0]@1 [1]@2 @1");
  EXPECT_EQ(Pieces("{}\n{}\n"), "@1 @2");
  EXPECT_EQ(Pieces("\xEF\xBB\xBF{\"x\":{\"entry\":[1]}}"), "@1") << "only the document's own entries are pieces";
  EXPECT_EQ(Pieces(R"({"a":1,"a":2})"), "@1!");
  EXPECT_EQ(Pieces(R"([{"a":1,"a":2},{}])"), "[0]@1! [1]@1 @1");
  EXPECT_EQ(Pieces(""), "");
}

TEST(JsonTreeTest, RefusesWithTheLine) {
  EXPECT_EQ(Pieces("{\n\"a\":\n}"), "JSON_INVALID:3");
  EXPECT_EQ(Pieces("{\"entry\":[{},\n{"), "entry[0]@1 JSON_INVALID:2");
  EXPECT_EQ(Pieces(std::string(100, '[')), "JSON_TOO_DEEP:1");
  EXPECT_EQ(Pieces("{\"a\":\"" + std::string(kMaxPieceBytes, 'x') + "\"}"), "JSON_TOO_LARGE:1");
  EXPECT_EQ(Pieces("{} x"), "@1 JSON_INVALID:1");
}

TEST(JsonTreeTest, FindsTheWayToANode) {
  ReadJson(R"({"a":[{"b":true},{"c":{"d":1.50}}]})", [](const JsonPiece& piece) {
    const JsonNode& inner = piece.node.Find("a")->items[1];
    EXPECT_EQ(PathOf(piece.node, *inner.Find("c")->Find("d")), "a[1].c.d");
    EXPECT_EQ(inner.Find("c")->Find("d")->text, "1.50");
    EXPECT_EQ(inner.Find("x"), nullptr);
    EXPECT_EQ(inner.Text("c"), "");
    return true;
  });
}

std::string Rows(const std::string& text, char delimiter = '\0') {
  std::istringstream in(text);
  CsvReader reader(in, delimiter);
  std::vector<std::string> row;
  std::string out;
  CsvReader::Outcome outcome;
  while ((outcome = reader.Next(row)) == CsvReader::Outcome::kRow) {
    out += std::to_string(reader.line()) + ":";
    for (const std::string& cell : row) out += "<" + cell + ">";
  }
  return outcome == CsvReader::Outcome::kEnd ? out : out + reader.code() + ":" + std::to_string(reader.line());
}

TEST(CsvReaderTest, ReadsDialects) {
  EXPECT_EQ(Rows("a,b\n1,2\n"), "1:<a><b>2:<1><2>");
  EXPECT_EQ(Rows("\xEF\xBB\xBF" "a;b\r\n\"1;\"\"x\r\ny\";\r\n\r\nz;\r\n"), "1:<a><b>2:<1;\"x\r\ny><>5:<z><>");
  EXPECT_EQ(Rows("a\tb\n1\t2,3"), "1:<a><b>2:<1><2,3>");
  EXPECT_EQ(Rows("a|b"), "1:<a><b>");
  EXPECT_EQ(Rows("a,b\n", ';'), "1:<a,b>");
}

TEST(CsvReaderTest, SaysWhatIsBroken) {
  EXPECT_EQ(Rows("a,b\n\"1,2\n3,4\n"), "1:<a><b>CSV_QUOTE_OPEN:2");
  EXPECT_EQ(Rows("a,b\nM\xFCller,2\n"), "1:<a><b>ENCODING_NOT_UTF8:2");
  EXPECT_EQ(Rows(std::string("a,b\n\0,2\n", 8)), "1:<a><b>CSV_BINARY:2");
  EXPECT_EQ(Rows("a\n" + std::string(CsvReader::kMaxRowBytes + 1, 'x')), "1:<a>CSV_ROW_TOO_LONG:2");
  EXPECT_EQ(Rows(std::string(CsvReader::kMaxColumns, ',')), "CSV_TOO_MANY_COLUMNS:1");
}

std::string Iso(std::string_view text) {
  auto date = ParseIsoDateTime(text);
  return date ? date->ToString() : "-";
}

TEST(PartialDateTest, OnlyIso8601AndOnlyTheCalendar) {
  EXPECT_EQ(Iso("2001"), "2001");
  EXPECT_EQ(Iso("2001-04"), "2001-04");
  EXPECT_EQ(Iso("2000-02-29"), "2000-02-29");
  EXPECT_EQ(Iso("2001-04-03T23:59:00+02:00"), "2001-04-03") << "a birthday does not move with the offset";
  EXPECT_EQ(Iso("2001-04-03 00:00:00"), "2001-04-03");
  for (const char* bad : {"", "1", "01-04-2001", "2001-4-3", "2001-02-29", "2001-13", "2001-00-01", "2001-04-31", "20010403",
                          "2001-04-03T", "2001-04-03x", "0000-01-01"}) {
    EXPECT_EQ(Iso(bad), "-") << bad;
  }
}

TEST(PartialDateTest, ByPattern) {
  EXPECT_EQ(ParseDateAs("3.4.2001", "DD.MM.YYYY")->ToString(), "2001-04-03");
  EXPECT_EQ(ParseDateAs("03/04/2001", "MM/DD/YYYY")->ToString(), "2001-03-04");
  EXPECT_EQ(ParseDateAs("20010403", "YYYYMMDD")->ToString(), "2001-04-03");
  for (const char* bad : {"3.4.01", "31.02.2001", "2001-04-03", "3.4.2001x", ""}) {
    EXPECT_FALSE(ParseDateAs(bad, "DD.MM.YYYY").has_value()) << bad;
  }
  EXPECT_TRUE(IsDatePattern("DD.MM.YYYY"));
  EXPECT_FALSE(IsDatePattern("DD.MM.YY"));
  EXPECT_FALSE(IsDatePattern("%Y-%m-%d"));
  EXPECT_TRUE(LooksLikeOtherDate("03/04/2001"));
  EXPECT_FALSE(LooksLikeOtherDate("spring 2001"));
}

TEST(PartialDateTest, BirthsLieInThePastAndNotTooFar) {
  EXPECT_EQ(WrongBirthDate({2025, 6, 2}, TestTime()), "");
  EXPECT_EQ(WrongBirthDate({2025, 6, 3}, TestTime()), "DATE_IN_FUTURE");
  EXPECT_EQ(WrongBirthDate({2025, 0, 0}, TestTime()), "");
  EXPECT_EQ(WrongBirthDate({1895, 1, 1}, TestTime()), "");
  EXPECT_EQ(WrongBirthDate({1894, 12, 31}, TestTime()), "DATE_IMPLAUSIBLE");
  EXPECT_TRUE((PartialDate{2001, 4, 0}).Contains({2001, 4, 3}));
  EXPECT_FALSE((PartialDate{2001, 4, 3}).Contains({2001, 4, 0}));
}

TEST(CodeTest, KnowsTheNamesOfSystems) {
  const std::pair<const char*, const char*> names[] = {
      {"http://purl.obolibrary.org/obo/hp.owl", "HP"},
      {"http://human-phenotype-ontology.org", "HP"},
      {"https://hpo.jax.org/app/", "HP"},
      {"urn:oid:2.16.840.1.113883.6.339", "HP"},
      {"http://www.orpha.net", "ORPHA"},
      {"https://www.orpha.net/", "ORPHA"},
      {"http://hl7.org/fhir/sid/icd-10", "ICD10WHO"},
      {"http://hl7.org/fhir/sid/icd-10-cm|2024", "ICD10CM"},
      {"urn:oid:2.16.840.1.113883.6.90", "ICD10CM"},
      {"http://fhir.de/CodeSystem/bfarm/icd-10-gm", "ICD10GM"},
      {"http://fhir.de/CodeSystem/dimdi/icd-10-gm", "ICD10GM"},
      {"https://omim.org", "OMIM"},
      {"http://purl.obolibrary.org/obo/mondo.owl", "MONDO"},
      {"http://snomed.info/sct/900000000000207008/version/20240101", "SNOMED"},
      {"urn:hospital:codes", "urn:hospital:codes"}};
  for (const auto& [written, system] : names) EXPECT_EQ(CanonicalSystem(written), system) << written;
}

TEST(CodeTest, OneSpelling) {
  auto code = [](const char* system, const char* text) { return NormaliseCode(system, text).value_or("-"); };
  EXPECT_EQ(code("HP", "HP:0001250"), "0001250");
  EXPECT_EQ(code("HP", "HP_0001250"), "0001250");
  EXPECT_EQ(code("HP", "0001250"), "0001250");
  EXPECT_EQ(code("HP", "HP:1250"), "-");
  EXPECT_EQ(code("ORPHA", "ORPHA:111"), "111");
  EXPECT_EQ(code("ORPHA", "Orphanet_111"), "111");
  EXPECT_EQ(code("ORPHA", "ORPHA111"), "111");
  EXPECT_EQ(code("ORPHA", "0111"), "111");
  EXPECT_EQ(code("ORPHA", "Barth"), "-");
  EXPECT_EQ(code("ICD10CM", "E78.71"), "E78.71");
  EXPECT_EQ(code("ICD10CM", "e7871"), "E78.71");
  EXPECT_EQ(code("ICD10GM", "G30.0+"), "G30.0");
  EXPECT_EQ(code("ICD10WHO", "F00.0*"), "F00.0");
  EXPECT_EQ(code("ICD10WHO", "A17.0\u2020"), "A17.0");
  EXPECT_EQ(code("ICD10CM", "250.00"), "-");
  EXPECT_EQ(code("ICD10CM", "Barth syndrome"), "-");
  EXPECT_EQ(code("OMIM", "302060"), "302060");
  EXPECT_EQ(code("OMIM", "30206"), "-");
  EXPECT_EQ(ParseCurie("Orphanet:111")->system, "ORPHA");
  EXPECT_EQ(ParseCurie("OMIM:PS123456")->system, "OMIMPS");
  EXPECT_FALSE(ParseCurie("foo:111").has_value());
  EXPECT_FALSE(ParseCurie("FOO:111").has_value());
  EXPECT_FALSE(ParseCurie("HP:12").has_value());
}

// Ids and mappings looked up in the releases by hand.
TEST(TerminologyTest, TheProductsTables) {
  const Terminology& tables = Terminology::Embedded();
  EXPECT_EQ(tables.hpo_release(), "2024-08-13");
  EXPECT_EQ(tables.FindHpo(1250).state, HpoTerm::State::kCurrent);
  EXPECT_EQ(tables.FindHpo(57).state, HpoTerm::State::kReplaced);
  EXPECT_EQ(tables.FindHpo(57).id, 8665U);
  EXPECT_EQ(tables.FindHpo(4715).state, HpoTerm::State::kAlternative);
  EXPECT_EQ(tables.FindHpo(4715).id, 3U);
  EXPECT_EQ(tables.FindHpo(9999999).state, HpoTerm::State::kUnknown);
  EXPECT_EQ(tables.HpoName(1250), "Seizure");
  EXPECT_EQ(tables.HpoName(57), "") << "was replaced";
  EXPECT_THAT(tables.HpoParents(1250), ElementsAre(12638U));
  EXPECT_TRUE(tables.HpoParents(1).empty()) << "the root";
  EXPECT_TRUE(tables.IsNameOfOther("seizure", 252));
  EXPECT_FALSE(tables.IsNameOfOther("Seizure", 1250));
  EXPECT_FALSE(tables.IsNameOfOther("Krampfanfall", 252));
  ASSERT_EQ(tables.Find("ORPHA", "111").size(), 1U);
  EXPECT_EQ(tables.Find("ORPHA", "111")[0].target, "MONDO:0010543");
  EXPECT_THAT(tables.ExactCodes("MONDO:0010543"), ElementsAre("ICD10CM:E78.71", "ICD11:452199926", "OMIM:302060", "ORPHA:111"));
  EXPECT_TRUE(tables.Find("ICD10CM", "J45.909").empty());
}

TEST(TerminologyTest, ASiteAddsTables) {
  Terminology tables = Terminology::Embedded();
  ASSERT_TRUE(tables.AddTable("# comment\r\nhttp://snomed.info/sct\t84757009\texact\tHP:0001250\r\nOMOP\t1\tbroad\tORPHA:111\n").ok());
  ASSERT_EQ(tables.Find("SNOMED", "84757009").size(), 1U);
  EXPECT_EQ(tables.Find("SNOMED", "84757009")[0].target, "HP:0001250");
  EXPECT_EQ(tables.Find("OMOP", "1")[0].predicate, Predicate::kBroad);
  for (const char* bad : {"SNOMED\t1\texact", "SNOMED\t1\tsame\tHP:0001250", "SNOMED\t1\texact\tfever"}) {
    EXPECT_EQ(Reason(tables.AddTable(bad)), "TERMINOLOGY_INVALID") << bad;
  }
  EXPECT_FALSE(Terminology::Parse("id\tname\n", "").ok());
  const std::string two = "#HPO\tr\nHP:0000002\tb\t0\t\t\tHP:0000001\nHP:0000001\ta\t0\t\t\t";
  EXPECT_THAT((*Terminology::Parse(two + "\n", ""))->HpoTerms(), ElementsAre(1U, 2U));
  EXPECT_FALSE(Terminology::Parse(two + "HP:0000002\n", "").ok()) << "each a kind of the other";
}

TEST(CsvMappingTest, NamesWhatIsWrong) {
  auto field = [](const char* json) {
    auto mapping = CsvMapping::Parse(json);
    return mapping.ok() ? "ok" : Fields(mapping.status()).empty() ? Message(mapping.status()) : Fields(mapping.status())[0].field;
  };
  EXPECT_EQ(field(R"({"columns":{"subject":"ID"},"date_format":"DD.MM.YYYY","sex":{"m":"MALE"},"codes":{"dx":"ICD10GM"}})"), "ok");
  EXPECT_EQ(field("{}"), "columns.subject");
  EXPECT_EQ(field(R"({"columns":{"subject":"ID","name":"x"}})"), "columns.name");
  EXPECT_EQ(field(R"({"columns":{"subject":"ID"},"sex":{"m":"man"}})"), "sex.m");
  EXPECT_EQ(field(R"({"columns":{"subject":"ID"},"date_format":"%d"})"), "date_format");
  EXPECT_EQ(field(R"({"columns":{"subject":"ID"},"features":{"q":"fever"}})"), "features.q");
  EXPECT_EQ(field(R"({"columns":{"subject":"ID"},"colums":{}})"), "colums");
  EXPECT_FALSE(CsvMapping::Parse("").ok());
  EXPECT_FALSE(CsvMapping::Parse("{").ok());
}

// The definition that OHDSI publishes, field by field.
TEST(OmopTablesTest, AgreeWithTheDefinition) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the OMOP CDM 5.4 definition";
  std::ifstream in(SharedDir() / "omop/OMOP_CDMv5.4_Field_Level.csv");
  CsvReader reader(in);
  std::vector<std::string> row;
  ASSERT_EQ(reader.Next(row), CsvReader::Outcome::kRow);
  std::map<std::string, std::vector<std::vector<std::string>>> fields;
  while (reader.Next(row) == CsvReader::Outcome::kRow) fields[row[0]].push_back(row);
  const std::map<std::string, OmopType> types = {
      {"integer", OmopType::kInteger}, {"float", OmopType::kFloat}, {"date", OmopType::kDate}, {"datetime", OmopType::kDateTime}};
  for (const OmopTable& table : UsedOmopTables()) {
    const auto& defined = fields[std::string(table.name)];
    ASSERT_EQ(table.fields.size(), defined.size()) << table.name;
    std::vector<std::string> header;
    for (std::size_t i = 0; i < defined.size(); ++i) {
      const OmopField& field = table.fields[i];
      EXPECT_EQ(field.name, defined[i][1]);
      EXPECT_EQ(field.required, defined[i][2] == "Yes") << field.name;
      auto type = types.find(ToLower(defined[i][3]));
      EXPECT_EQ(field.type, type == types.end() ? OmopType::kText : type->second) << field.name;
      header.emplace_back(field.name);
    }
    EXPECT_EQ(FindOmopTable(header), &table);
  }
  for (const auto& [name, defined] : fields) {
    std::vector<std::string> header;
    for (const auto& field : defined) header.push_back(field[1]);
    EXPECT_NE(FindOmopTable(header), nullptr) << name;
  }
}

}  // namespace
}  // namespace genofed::clinical
