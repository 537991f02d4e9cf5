// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/variant_names.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace genofed::beacon {
namespace {

using nlohmann::json;

json Record(const std::string& ref, const std::string& alt, int start, int end, const char* sequence = "refseq:NC_000003.12") {
  return {{"variantInternalId", "v"},
          {"caseLevelData", {{{"individualId", "p"}}}},
          {"variation",
           {{"referenceBases", ref},
            {"alternateBases", alt},
            {"location",
             {{"type", "SequenceLocation"},
              {"sequence_id", sequence},
              {"interval",
               {{"type", "SequenceInterval"},
                {"start", {{"type", "Number"}, {"value", start}}},
                {"end", {{"type", "Number"}, {"value", end}}}}}}}}}};
}

class WithNamesTest : public ::testing::Test {
 protected:
  json Named(const json& record) {
    return json::parse(WithNames(record.dump(), [this](genomics::Assembly assembly, const genomics::Variant& variant) {
      asked_.push_back(std::string(genomics::AssemblyName(assembly)) + " " + genomics::FormatVariant(variant));
      return names_;
    }));
  }

  genomics::VariantNames names_{"NC_000003.12:g.11A>T", "ga4gh:VA.one", "ga4gh:VA.two", ""};
  std::vector<std::string> asked_;
};

const json kVrs = {{{"id", "ga4gh:VA.two"}, {"notes", "GA4GH VRS 2.0"}}, {{"id", "ga4gh:VA.one"}, {"notes", "GA4GH VRS 1.3"}}};

TEST_F(WithNamesTest, ARecordGetsWhatItLacks) {
  const json record = Record("a", "T", 10, 11);
  json expected = record;
  expected["identifiers"] = {{"genomicHGVSId", "NC_000003.12:g.11A>T"}, {"variantAlternativeIds", kVrs}};
  EXPECT_EQ(Named(record), expected);
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0], "GRCh38 " + genomics::FormatVariant({"3", 10, "A", "T"}));
  // Those that cannot be computed are left out, and nothing is empty.
  names_ = {};
  EXPECT_EQ(Named(record), record);
  names_.vrs_2_0 = "ga4gh:VA.two";
  EXPECT_EQ(Named(record)["identifiers"], (json{{"variantAlternativeIds", json::array({kVrs[0]})}}));
}

TEST_F(WithNamesTest, WhatItStatesStays) {
  json record = Record("A", "T", 10, 11);
  record["identifiers"] = {{"genomicHGVSId", "NC_000003.12:g.11a>t"},
                           {"clinvarVariantId", "clinvar:1"},
                           {"variantAlternativeIds", json::array({{{"id", "dbSNP:rs1"}}})}};
  json named = Named(record);
  EXPECT_EQ(named["identifiers"]["genomicHGVSId"], "NC_000003.12:g.11a>t");
  EXPECT_EQ(named["identifiers"]["clinvarVariantId"], "clinvar:1");
  EXPECT_EQ(named["identifiers"]["variantAlternativeIds"], json::array({{{"id", "dbSNP:rs1"}}, kVrs[0], kVrs[1]}));
  record["identifiers"].erase("genomicHGVSId");
  record["identifiers"]["variantAlternativeIds"].push_back({{"id", "ga4gh:VA.own"}});
  named = Named(record);
  EXPECT_EQ(named["identifiers"]["variantAlternativeIds"], record["identifiers"]["variantAlternativeIds"]);
  EXPECT_EQ(named["identifiers"]["genomicHGVSId"], "NC_000003.12:g.11A>T");
  record["identifiers"] = {{"genomicHGVSId", json::array({"x"})}, {"variantAlternativeIds", "y"}};
  EXPECT_EQ(Named(record), record) << "of another shape";
  record.erase("identifiers");
  for (const char* name : {"id", "_id"}) {
    json of_vrs = record;
    of_vrs["variation"][name] = "ga4gh:VA.own";
    EXPECT_EQ(Named(of_vrs)["identifiers"], (json{{"genomicHGVSId", "NC_000003.12:g.11A>T"}})) << name;
  }
  record["identifiers"] = json::array();
  EXPECT_EQ(Named(record), record);
}

TEST_F(WithNamesTest, OnlyOneAlleleAtAKnownPlaceHasNames) {
  json of_a_band = Record("", "A", 0, 0);
  of_a_band["variation"]["location"] = {{"type", "ChromosomeLocation"}, {"chr", "NC_000003.12"}};
  json contradicts = Record("A", "T", 10, 11);
  contradicts["identifiers"]["genomicHGVSId"] = "NC_000004.12:g.11A>T";
  json of_another_assembly = contradicts;
  of_another_assembly["identifiers"]["genomicHGVSId"] = "NC_000003.11:g.11A>T";
  json without_bases = Record("A", "T", 10, 11);
  without_bases["variation"].erase("referenceBases");
  for (const json& record :
       {Record("A", "T", 10, 12), Record("A", "N", 10, 11), Record("A", "<DEL>", 10, 11), Record("A", "A", 10, 11),
        Record("A", "T", 10, 11, "contig:3"), of_a_band, contradicts, of_another_assembly, without_bases, json::object(), json(7)}) {
    EXPECT_EQ(Named(record), record);
  }
  EXPECT_TRUE(asked_.empty());
  // The assembly may be said by the description alone; the mitochondrion has one sequence in both.
  json by_description = Record("A", "T", 10, 11, "HGVSid:3:g.11A>T");
  by_description["identifiers"]["genomicHGVSId"] = "NC_000003.11:g.11A>T";
  EXPECT_NE(Named(by_description), by_description);
  const json mitochondrial = Record("A", "T", 10, 11, "refseq:NC_012920.1");
  EXPECT_NE(Named(mitochondrial), mitochondrial);
  const json deletion = Record("CA", "C", 10, 12), trimmed = Record("A", "-", 11, 12);
  EXPECT_NE(Named(deletion), deletion);
  EXPECT_NE(Named(trimmed), trimmed);
  ASSERT_EQ(asked_.size(), 4u);
  EXPECT_TRUE(asked_[0].starts_with("GRCh37"));
}

}  // namespace
}  // namespace genofed::beacon
