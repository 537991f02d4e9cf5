// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "libs/beacon/duration.h"
#include "libs/beacon/json_split.h"
#include "libs/beacon/ontology.h"
#include "libs/beacon/redact.h"
#include "libs/beacon/request.h"
#include "libs/testing/matchers.h"

namespace genofed::beacon {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using nlohmann::json;

TEST(Duration, IsIso8601) {
  EXPECT_DOUBLE_EQ(DurationDays("P2W").value(), 14);
  EXPECT_DOUBLE_EQ(DurationDays("P1DT12H").value(), 1.5);
  EXPECT_DOUBLE_EQ(DurationDays("P1Y").value(), 365.2425);
  EXPECT_DOUBLE_EQ(DurationDays("P1Y").value(), DurationDays("P12M").value());
  EXPECT_LT(DurationDays("P70Y").value(), DurationDays("P70Y1D").value());
  EXPECT_DOUBLE_EQ(DurationDays("P0.5Y").value(), 182.62125);
  for (const char* wrong :
       {"", "P", "PT", "P1", "P1Y1", "P1YT", "P1M1Y", "1Y", "P-1Y", "P1H", "P1X", "p1y", "P1Y P1M", "P1e3Y"}) {
    EXPECT_FALSE(DurationDays(wrong)) << wrong;
  }
}

TEST(JsonSplit, CutsArraysAndLines) {
  const auto split = [](std::string_view text) {
    std::vector<std::string> parts;
    const Status status = ForEachElement(text, [&](std::size_t index, std::string_view element) {
      EXPECT_EQ(index, parts.size());
      parts.emplace_back(element);
      return absl::OkStatus();
    });
    return status.ok() ? Result<std::vector<std::string>>(parts) : status;
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(*split(R"( [ {"a":"]},["} , [1,2],"x\"," ] )"), (Parts{R"({"a":"]},["})", "[1,2]", R"("x\",")"}));
  EXPECT_EQ(*split("[]"), Parts{});
  EXPECT_EQ(*split("\xef\xbb\xbf[1]"), Parts{"1"});
  EXPECT_EQ(*split("{\"a\":1}\n\n{\"b\":2}"), (Parts{"{\"a\":1}", "{\"b\":2}"}));
  EXPECT_EQ(*split("[1,,2]"), (Parts{"1", "", "2"})) << "what is no JSON is the parser's to refuse";
  for (const char* wrong : {"", "x", "[1", "[1,", "[\"a", "[{\"a\":1", "[1] 2", "[1]]", "[1}"}) {
    EXPECT_THAT(split(wrong), HasReason("ARRAY_INVALID")) << wrong;
  }
}

TEST(Ontology, SimilarityWidensByStepsAlongTheHierarchy) {
  const Ontology ontology(
      {{"T:root", {"T:a", "T:b"}}, {"T:a", {"T:a1", "T:a2"}}, {"T:a1", {"T:a11", "T:a"}}});  // with a cycle
  using Terms = std::set<std::string>;
  EXPECT_EQ(ontology.Expand("T:a", false, Similarity::kExact), Terms{"T:a"});
  EXPECT_EQ(ontology.Expand("T:a1", true, Similarity::kExact), (Terms{"T:a1", "T:a11", "T:a", "T:a2"}));
  EXPECT_EQ(ontology.Expand("T:a2", false, Similarity::kHigh), (Terms{"T:a2", "T:a"}));
  EXPECT_EQ(ontology.Expand("T:a2", false, Similarity::kMedium), (Terms{"T:a2", "T:a", "T:a1", "T:root"}));
  EXPECT_EQ(ontology.Expand("T:a2", false, Similarity::kLow), (Terms{"T:a2", "T:a", "T:a1", "T:root", "T:a11", "T:b"}));
  EXPECT_EQ(ontology.Expand("T:unknown", true, Similarity::kLow), Terms{"T:unknown"});
  EXPECT_EQ(ontology.WithAncestors({"T:a11", "T:unknown"}), (Terms{"T:a11", "T:a1", "T:a", "T:root", "T:unknown"}));
  EXPECT_EQ(ontology.WithAncestors({}), Terms{});
}

TEST(Filter, IsReadFromTextAndObjects) {
  const auto text = [](std::string_view given) { return ParseFilterText(given).value(); };
  EXPECT_EQ(text("HP_0001250").id, "HP:0001250");
  EXPECT_EQ(text("HP_0001250").op, Operator::kNone);
  EXPECT_EQ(text("age:>P70Y").id, "age");
  EXPECT_EQ(text("age:>P70Y").op, Operator::kGreater);
  EXPECT_EQ(text("age:>P70Y").value, "P70Y");
  EXPECT_EQ(text("PATO_0000011:<=P5Y").id, "PATO:0000011");
  EXPECT_EQ(text("PATO_0000011:<=P5Y").op, Operator::kLessEqual);
  EXPECT_EQ(text("platform!Illumina").op, Operator::kNot);
  EXPECT_EQ(text("library_strategy=WGS").id, "library_strategy") << "no digit: the name of a field";
  EXPECT_EQ(text("age:>P70Y").Text(), "age:>P70Y");
  for (const char* wrong : {"", " ", "=WGS", "age>"}) EXPECT_FALSE(ParseFilterText(wrong).ok()) << wrong;

  GF_ASSERT_OK_AND_ASSIGN(const auto groups,
                          ParseFilters(json::array({{{"id", "HP:1"}, {"similarity", "low"}, {"scope", "Biosamples"}},
                                                    {"A:1", {{"id", "bmi"}, {"operator", ">"}, {"value", 30}}}})));
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0][0].similarity, Similarity::kLow);
  EXPECT_EQ(groups[0][0].scope, EntryType::kBiosample);
  EXPECT_TRUE(groups[0][0].descendants) << "the schema's default";
  ASSERT_EQ(groups[1].size(), 2U);
  EXPECT_EQ(groups[1][1].value, "30");
  EXPECT_TRUE(ParseFilters(nullptr)->empty());
  for (const json& wrong :
       {json(7), json{{"id", "HP:1"}}, json::array({7}), json::array({json::object()}), json::array({json::array()}),
        json::array({{{"id", "age"}, {"operator", ">"}}}), json::array({{{"id", "a"}, {"includeDescendantTerms", 1}}}),
        json::array({{{"id", "a"}, {"mood", "good"}}}), json::array({{{"id", std::string(513, 'a')}}}),
        json::array({json::array({"A:1", json::array({"B:1"})})}), json(std::vector<std::string>(65, "A:1"))}) {
    EXPECT_FALSE(ParseFilters(wrong).ok()) << wrong;
  }
}

Result<Request> Parse(const json& query) {
  return ParseRequest({}, json{{"meta", json::object()}, {"query", query}}.dump());
}

TEST(Request, DefaultsAreTheFrameworks) {
  for (const char* body :
       {"", "{}", R"({"meta":{}})", R"({"query":null})", R"({"query":{"requestParameters":null,"filters":null}})"}) {
    GF_ASSERT_OK_AND_ASSIGN(const Request request, ParseRequest({}, body));
    EXPECT_EQ(request.include, Include::kHit);
    EXPECT_EQ(request.limit, 10);
    EXPECT_EQ(request.skip, 0);
    EXPECT_FALSE(request.test_mode);
    EXPECT_FALSE(request.variant);
  }
  GF_ASSERT_OK_AND_ASSIGN(const Request all, Parse({{"pagination", {{"skip", "2"}, {"limit", 0}}}}));
  EXPECT_EQ(all.limit, kMaxLimit);
  EXPECT_EQ(json::parse(all.summary)["pagination"], (json{{"skip", 2}, {"limit", 0}})) << "echoed as it was asked";
}

TEST(Request, WhatIsNotUnderstoodIsRefused) {
  for (const char* body :
       {"[]", "{", "null", R"({"query":[]})", R"({"query":{"pagination":{"limit":-1}}})",
        R"({"query":{"pagination":7}})", R"({"query":{"pagination":{"nextPage":"x"}}})",
        R"({"query":{"requestedGranularity":"all"}})", R"({"query":{"includeResultsetResponses":"SOME"}})",
        R"({"query":{"testMode":"yes"}})", R"({"query":{"filtersLogic":"OR"}})",
        R"({"query":{"requestParameters":[1]}})", R"({"query":{"requestParameters":{"planet":"Mars"}}})",
        R"({"query":{"requestParameters":{"start":[1],"g_variant":{"start":[1]}}}})", R"({"query":{},"query":{}})"}) {
    EXPECT_FALSE(ParseRequest({}, body).ok()) << body;
  }
  EXPECT_THAT(ParseRequest({}, "{\"query\":" + std::string(20, '[') + std::string(20, ']') + "}"),
              HasReason("JSON_TOO_DEEP"));
  EXPECT_THAT(ParseRequest({}, std::string(kMaxRequestBytes + 1, ' ')), HasReason("JSON_TOO_LARGE"));
}

Result<Request> Variant(const json& parameters) { return Parse({{"requestParameters", parameters}}); }

TEST(Request, VariantQueriesAreComplete) {
  const json place = {{"referenceName", "3"}};
  const auto with = [&](json more) {
    more.update(place);
    return Variant(more);
  };
  EXPECT_THAT(with({{"start", {7}}, {"alternateBases", "T"}}), IsOk());
  EXPECT_THAT(with({{"start", {7}}, {"end", {9}}}), IsOk());
  EXPECT_THAT(with({{"start", {7, 8}}, {"end", {9, 10}}}), IsOk());
  EXPECT_THAT(with({{"start", {7}}, {"referenceBases", "A"}, {"alternateBases", ""}}), IsOk()) << "a trimmed deletion";
  EXPECT_THAT(Variant({{"geneId", "BRCA1"}}), IsOk());
  EXPECT_THAT(Variant({{"geneid", "BRCA1"}, {"aminoacidChange", "V600E"}}), IsOk());
  EXPECT_THAT(Variant({{"allele", "NC_000003.12:g.8A>T"}}), IsOk());
  for (const json& incomplete :
       {json{{"start", {7}}}, json{{"start", {7}}, {"alternateBases", ""}}, json{{"end", {7}}}, json::object(),
        json{{"start", {7, 8}}, {"end", {9}}}, json{{"start", {7}}, {"end", {9, 10}}},
        json{{"start", {7, 8}}, {"alternateBases", "A"}}}) {
    EXPECT_THAT(with(incomplete), HasReason("QUERY_INCOMPLETE")) << incomplete;
  }
  EXPECT_THAT(Variant({{"start", {7}}, {"end", {9}}}), HasReason("QUERY_INCOMPLETE"));
  for (const json& wrong : {json{{"start", {9}}, {"end", {7}}}, json{{"start", {8, 7}}, {"end", {9, 10}}},
                            json{{"start", {1, 2, 3}}}, json{{"start", -1}}, json{{"start", "1x"}},
                            json{{"start", 1.5}}, json{{"start", 1}, {"alternateBases", "<DEL>"}},
                            json{{"start", 1}, {"end", 2}, {"variantMinLength", 5}, {"variantMaxLength", 4}},
                            json{{"start", 1}, {"end", 2}, {"assemblyId", "T2T"}}}) {
    EXPECT_THAT(with(wrong), HasReason("FIELD_INVALID")) << wrong;
  }
  EXPECT_THAT(Variant({{"referenceName", "NC_000003.12"}, {"assemblyId", "hg19"}, {"start", 7}, {"end", 9}}),
              HasReason("FIELD_INVALID"));
  EXPECT_THAT(Variant({{"referenceName", "chr 3"}, {"start", 7}, {"end", 9}}), HasReason("CONTIG_INVALID"));
}

// A deletion of CA -> C at 45828195 (0-based) on chromosome 3 of GRCh38, in a gene.
json Deletion() {
  return {{"variantInternalId", "v"},
          {"identifiers",
           {{"genomicHGVSId", "NC_000003.12:g.45828197del"}, {"proteinHGVSIds", {"NP_004976.2:p.Gly12Asp"}}}},
          {"molecularAttributes", {{"geneIds", {"LZTFL1"}}}},
          {"variation",
           {{"variantType", "DEL"},
            {"referenceBases", "CA"},
            {"alternateBases", "C"},
            {"location",
             {{"type", "SequenceLocation"},
              {"sequence_id", "refseq:NC_000003.12"},
              {"interval",
               {{"type", "SequenceInterval"},
                {"start", {{"type", "Number"}, {"value", 45828195}}},
                {"end", {{"type", "Number"}, {"value", 45828197}}}}}}}}}};
}

bool Finds(json parameters) {
  const auto request = Variant(parameters);
  EXPECT_THAT(request, IsOk()) << parameters;
  return request.ok() && request->variant->Matches(ReadVariantFacts(Deletion()).value());
}

TEST(VariantQuery, AnInversionIsFoundByItsBases) {
  const auto finds = [](const char* hgvs, const char* ref, const char* alt) {
    VariantFacts facts;
    facts.contig = "3";
    facts.start = 99;
    facts.end = facts.start + static_cast<std::int64_t>(std::string_view(ref).size());
    facts.ref = ref;
    facts.alt = alt;
    return Variant({{"genomicAlleleShortForm", hgvs}})->variant->Matches(facts);
  };
  EXPECT_TRUE(finds("NC_000003.12:g.100_102inv", "CTC", "GAG"));
  EXPECT_TRUE(finds("NC_000003.12:g.101_103inv", "ACTC", "AGAG")) << "with a base before";
  EXPECT_FALSE(finds("NC_000003.12:g.100_102inv", "CTC", "GTG")) << "other bases";
  EXPECT_FALSE(finds("NC_000003.12:g.99_101inv", "CTC", "GAG"));
  EXPECT_FALSE(finds("NC_000004.12:g.100_102inv", "CTC", "GAG"));
}

TEST(VariantQuery, FindsWhatItAsksFor) {
  const auto at = [](json more) {
    more.update({{"referenceName", "chr3"}});
    return Finds(more);
  };
  EXPECT_TRUE(at({{"start", 45828195}, {"alternateBases", "C"}}));
  EXPECT_TRUE(at({{"start", 45828195}, {"referenceBases", "NN"}, {"alternateBases", "N"}}));
  EXPECT_TRUE(at({{"start", 45828195}, {"referenceBases", "SW"}, {"alternateBases", "y"}})) << "IUPAC codes";
  EXPECT_FALSE(at({{"start", 45828195}, {"alternateBases", "NN"}}));
  EXPECT_FALSE(at({{"start", 45828196}, {"alternateBases", "C"}}));
  EXPECT_TRUE(at({{"start", 45828196}, {"referenceBases", "A"}, {"alternateBases", ""}})) << "the same, trimmed";
  // Half-open: what ends where the range begins does not overlap.
  EXPECT_TRUE(at({{"start", 45828196}, {"end", 45828197}}));
  EXPECT_FALSE(at({{"start", 45828197}, {"end", 45828198}}));
  EXPECT_FALSE(at({{"start", 45828194}, {"end", 45828195}}));
  EXPECT_FALSE(at({{"start", 45828194}, {"end", 45828199}, {"variantType", "SNP"}}));
  EXPECT_TRUE(at({{"start", 45828194}, {"end", 45828199}, {"variantMinLength", 2}, {"variantMaxLength", 2}}));
  EXPECT_FALSE(at({{"start", 45828194}, {"end", 45828199}, {"variantMinLength", 3}}));
  // "precise matches can be achieved by setting start[1]=start[0]+1" (requestParameters.json).
  EXPECT_TRUE(at({{"start", {45828195, 45828196}}, {"end", {45828197, 45828198}}}));
  EXPECT_FALSE(at({{"start", {45828194, 45828195}}, {"end", {45828197, 45828198}}}));
  EXPECT_FALSE(Finds({{"referenceName", "4"}, {"start", 45828195}, {"alternateBases", "C"}}));
  EXPECT_FALSE(Finds({{"referenceName", "3"}, {"assemblyId", "GRCh37"}, {"start", 45828195}, {"alternateBases", "C"}}));
  EXPECT_TRUE(Finds({{"geneId", "lztfl1"}}));
  for (const char* change : {"G12D", "Gly12Asp", "p.Gly12Asp", "p.(Gly12Asp)"})
    EXPECT_TRUE(Finds({{"aminoacidChange", change}})) << change;
  EXPECT_FALSE(Finds({{"aminoacidChange", "G12V"}}));
  EXPECT_TRUE(Finds({{"genomicAlleleShortForm", "nc_000003.12:g.45828197del"}}));
  // By its coordinates where the record has no such identifier.
  json nameless = Deletion();
  nameless.erase("identifiers");
  const auto request = Variant({{"genomicAlleleShortForm", "NC_000003.12:g.45828197del"}});
  EXPECT_TRUE(request->variant->Matches(ReadVariantFacts(nameless).value()));
  EXPECT_FALSE(Finds({{"genomicAlleleShortForm", "NC_000003.11:g.45828197del"}})) << "another assembly";
}

// However a change is written, all that is asked of it must hold.
TEST(VariantQuery, AChangeIsOneHoweverManyBasesAreAroundIt) {
  const auto at = [](std::int64_t start, const char* ref, const char* alt,
                     json more = json::object()) {
    more.update({{"referenceName", "3"},
                 {"start", start},
                 {"referenceBases", ref},
                 {"alternateBases", alt}});
    return Finds(more);
  };
  EXPECT_TRUE(at(45828195, "CA", "C"));
  EXPECT_TRUE(at(45828195, "CAG", "CG")) << "from the same place";
  EXPECT_TRUE(at(45828194, "GCA", "GC"));
  EXPECT_TRUE(at(45828196, "A", ""));
  EXPECT_FALSE(at(45828194, "CA", "C"));
  EXPECT_FALSE(at(45828196, "A", "", {{"variantType", "SNP"}}));
  EXPECT_FALSE(at(45828196, "A", "", {{"geneId", "ABC"}}));
  EXPECT_TRUE(at(45828196, "A", "", {{"geneId", "LZTFL1"}}));
}

TEST(VariantQuery, HasOneTextHoweverItIsSpelled) {
  const auto text = [](const json& parameters) { return Variant(parameters)->variant->Meaning(); };
  const auto all_same = [&](const std::vector<json>& queries) {
    for (const json& query : queries) EXPECT_EQ(text(query), text(queries.front())) << query;
  };
  all_same(
      {{{"referenceName", "20"}, {"start", {9}}, {"referenceBases", "A"}, {"alternateBases", "T"}},
       {{"referenceName", "chr20"},
        {"start", "9"},
        {"referenceBases", "a"},
        {"alternateBases", "t"}},
       {{"referenceName", "20"},
        {"start", 8},
        {"referenceBases", "CA"},
        {"alternateBases", "CT"}}});
  all_same({{{"referenceName", "NC_000020.11"}, {"start", 9}, {"end", 12}},
            {{"referenceName", "refseq:NC_000020.11"},
             {"start", 9},
             {"end", 12},
             {"assemblyId", "hg38"}},
            {{"referenceName", "20"}, {"start", 9}, {"end", 12}, {"assemblyId", "GRCh38.p14"}}});
  all_same({{{"geneId", "brca1"}}, {{"geneId", "BRCA1"}}, {{"geneid", "Brca1"}}});
  all_same({{{"geneId", "A"}, {"variantType", "SNP"}}, {{"geneId", "A"}, {"variantType", "snv"}}});
  all_same({{{"aminoacidChange", "G12D"}}, {{"aminoacidChange", "p.Gly12Asp"}}});
  all_same({{{"genomicAlleleShortForm", "NC_000003.12:g.45828197del"}},
            {{"allele", "NC_000003.12:g.45828197del"}}});

  const std::vector<json> others = {
      {{"referenceName", "20"}, {"start", 9}, {"referenceBases", "A"}, {"alternateBases", "T"}},
      {{"referenceName", "20"}, {"start", 9}, {"referenceBases", "A"}, {"alternateBases", "C"}},
      {{"referenceName", "20"}, {"start", 9}, {"referenceBases", "A"}, {"alternateBases", ""}},
      {{"referenceName", "20"}, {"start", 9}, {"referenceBases", "N"}, {"alternateBases", "T"}},
      {{"referenceName", "20"}, {"start", 9}, {"alternateBases", "T"}},
      {{"referenceName", "20"},
       {"start", 9},
       {"end", 10},
       {"referenceBases", "A"},
       {"alternateBases", "T"}},
      {{"referenceName", "20"}, {"start", 9}, {"end", 10}},
      {{"referenceName", "20"}, {"start", 9}, {"end", 10}, {"variantMinLength", 1}},
      {{"referenceName", "20"}, {"start", 9}, {"end", 10}, {"variantMaxLength", 1}},
      {{"referenceName", "20"}, {"start", 9}, {"end", 10}, {"assemblyId", "GRCh37"}},
      {{"referenceName", "20"}, {"start", 9}, {"end", 10}, {"assemblyId", "GRCh38"}},
      {{"referenceName", "20"}, {"start", {9, 10}}, {"end", {10, 11}}},
      {{"geneId", "A"}},
      {{"aminoacidChange", "A"}},
      {{"genomicAlleleShortForm", "A"}},
      {{"geneId", "A"}, {"variantType", "A"}}};
  std::set<std::string> texts;
  for (const json& one : others) EXPECT_TRUE(texts.insert(text(one)).second) << one;
}

TEST(Filter, HasOneTextHoweverItIsSpelled) {
  const auto text = [](const json& filter) {
    return ParseFilters(json::array({filter}))->at(0).at(0).Meaning();
  };
  const auto all_same = [&](const std::vector<json>& filters) {
    for (const json& filter : filters) EXPECT_EQ(text(filter), text(filters.front())) << filter;
  };
  all_same({"age:>=P18Y", "Age:>=P18Y", "PATO_0000011>=P18Y", "NCIT:C25150>=18", "age:>=P216M"});
  all_same({"female", "Female"});
  all_same({"sex.label=fem%", "sex.label=FEM%%", {{"id", "sex.label"}, {"value", "Fem%"}}});
  all_same({"bmi>30",
            "bmi>30.0",
            {{"id", "bmi"}, {"operator", ">"}, {"value", 30}, {"includeDescendantTerms", false}}});
  std::set<std::string> texts;
  const std::vector<json> others = {"A:1",
                                    "a:1",
                                    {{"id", "A:1"}, {"includeDescendantTerms", false}},
                                    {{"id", "A:1"}, {"similarity", "low"}},
                                    {{"id", "A:1"}, {"scope", "biosample"}},
                                    "A:1=x",
                                    "x",
                                    "x=x",
                                    "x!x",
                                    "x=1",
                                    "x=P1Y",
                                    "x>a%",
                                    "x>a%%",
                                    "X=x"};
  for (const json& one : others) EXPECT_TRUE(texts.insert(text(one)).second) << one;
}

TEST(VariantQuery, RecordsThatCannotBeAnsweredInTheModelAreRefused) {
  EXPECT_THAT(ReadVariantFacts(Deletion()), IsOk());
  EXPECT_THAT(ReadVariantFacts({{"variation", nullptr}}), HasReason("VARIATION_INVALID"));
  for (const char* pointer : {"/variation/location", "/variation/location/interval", "/variation/location/sequence_id",
                              "/variation/location/interval/end"}) {
    json record = Deletion();
    record[json::json_pointer(pointer)] = 7;
    EXPECT_THAT(ReadVariantFacts(record), HasReason("VARIATION_INVALID")) << pointer;
  }
}

TEST(Redact, SmallPopulationsTakeTheOthersWithThem) {
  const auto frequency = [](const char* population, int count) {
    return json{
        {"population", population}, {"alleleCount", count}, {"alleleNumber", 100}, {"alleleFrequency", count / 100.0}};
  };
  const json record = {
      {"caseLevelData", {{{"individualId", "p"}}}},
      {"frequencyInPopulations",
       {{{"source", "a"},
         {"sourceReference", "u"},
         {"frequencies", {frequency("FI", 40), frequency("Total", 42), frequency("EE", 2)}}},
        {{"source", "b"}, {"sourceReference", "u"}, {"frequencies", {frequency("FI", 40), frequency("EE", 20)}}}}}};
  const json out = json::parse(PublicVariant(record.dump(), [](const PopulationCounts& counts) {
    return counts.allele_count >= 10 ? std::optional(counts) : std::nullopt;
  }));
  EXPECT_FALSE(out.contains("caseLevelData"));
  ASSERT_EQ(out["frequencyInPopulations"].size(), 2U);
  // FI could be told from Total less FI, so that only the total is left.
  EXPECT_EQ(out["frequencyInPopulations"][0]["frequencies"], (json{frequency("Total", 42)}));
  EXPECT_EQ(out["frequencyInPopulations"][1]["frequencies"].size(), 2U);
  EXPECT_EQ(LargestAlleleCount(record.dump()), 42);
  EXPECT_EQ(json::parse(WithCases(record.dump(), {false}))["caseLevelData"], json::array());
}

}  // namespace
}  // namespace genofed::beacon
