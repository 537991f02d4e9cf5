// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/query.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "libs/core/parts.h"
#include "libs/testing/matchers.h"
#include "services/discovery/domain/publication.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;
using Form = VariantPattern::Form;

RawQuery VariantQuery(RawVariant variant) {
  RawQuery raw;
  raw.entity = Entity::kVariant;
  raw.variant = std::move(variant);
  return raw;
}

TEST(Validate, KnowsTheThreeForms) {
  EXPECT_EQ(Validate(VariantQuery({"GRCh38", "20", 100, 0, "A", "T"}))->variant->form,
            Form::kExact);
  EXPECT_EQ(Validate(VariantQuery({"GRCh38", "20", 100, 101, "A", "T"}))->variant->form,
            Form::kExact);
  EXPECT_EQ(Validate(VariantQuery({"GRCh38", "20", 100, 0, "", "T"}))->variant->form,
            Form::kAtStart);
  EXPECT_EQ(Validate(VariantQuery({"GRCh38", "20", 100, 200, "", ""}))->variant->form,
            Form::kRange);
  EXPECT_EQ(Validate(VariantQuery({"GRCh38", "20", 100, 200, "A", "T"}))->variant->form,
            Form::kRange);
}

TEST(Validate, NormalisesNamesAndAlleles) {
  auto query = Validate(VariantQuery({"hg38", "chr20", 100, 0, "gat", "gt"}));
  ASSERT_TRUE(query.ok()) << Describe(query.status());
  EXPECT_EQ(query->variant->contig, "20");
  EXPECT_EQ(query->variant->assembly, genomics::Assembly::kGrch38);
  EXPECT_EQ(query->variant->ref, "GA");
  EXPECT_EQ(query->variant->alt, "G");
  EXPECT_EQ(Validate(VariantQuery({"", "NC_000020.10", 1, 0, "A", "T"}))->variant->assembly,
            genomics::Assembly::kGrch37);
}

TEST(Validate, RefusesWithTheReason) {
  EXPECT_THAT(Validate(RawQuery()), HasReason("ENTITY_MISSING"));
  RawQuery no_variant;
  no_variant.entity = Entity::kVariant;
  EXPECT_THAT(Validate(no_variant), HasReason("VARIANT_MISSING"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", 100, 0, "A", ""})),
              HasReason("ALLELE_MISSING"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", -1, 0, "A", "T"})),
              HasReason("POSITION_INVALID"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", 100, 100, "", ""})),
              HasReason("POSITION_INVALID"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", 100, -5, "", ""})),
              HasReason("POSITION_INVALID"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", 0, 1'000'001, "", ""})),
              HasReason("RANGE_TOO_LONG"));
  EXPECT_TRUE(Validate(VariantQuery({"GRCh38", "20", 0, 1'000'000, "", ""})).ok());
  EXPECT_THAT(Validate(VariantQuery({"T2T", "20", 1, 0, "A", "T"})), HasReason("ASSEMBLY_UNKNOWN"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "../20", 1, 0, "A", "T"})),
              HasReason("CONTIG_INVALID"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", 1, 0, "A", "N"})), HasReason("BASES_INVALID"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", 1, 0, "A", "A"})),
              HasReason("VARIANT_INVALID"));
  EXPECT_THAT(Validate(VariantQuery({"GRCh38", "20", 1, 0, "A", std::string(10'001, 'C')})),
              HasReason("BASES_TOO_LONG"));
}

TEST(Validate, LimitsFiltersAndDatasets) {
  RawQuery raw;
  raw.entity = Entity::kIndividual;
  raw.filters.assign(20, {Filter{"HP:0001250"}});
  auto query = Validate(raw);
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->filters.size(), 1u);
  raw.filters = {FilterGroup(21, Filter{"HP:0001250"})};
  EXPECT_THAT(Validate(raw), HasReason("TOO_MANY_FILTERS"));
  for (const char* term : {"", "HP", ":1", "HP:", "HP:1 2", "HP:\n1", "HP:1:2", "HP:1|HP:2",
                           "HP:1!", "A:1/B:2", "20:999-1000:A>G", "H P:1"}) {
    raw.filters = {{Filter{term}}};
    EXPECT_THAT(Validate(raw), HasReason("FILTER_INVALID")) << term;
  }
  raw.filters = {};
  raw.datasets.assign(101, "x");
  EXPECT_THAT(Validate(raw), HasReason("TOO_MANY_DATASETS"));
}

TEST(Validate, KnowsSearches) {
  auto search = [](auto change) {
    RawVariant raw;
    change(raw);
    return Validate(VariantQuery(raw));
  };
  EXPECT_EQ(search([](RawVariant& v) { v.gene = "BRCA1"; })->variant->search.gene, "brca1");
  EXPECT_EQ(search([](RawVariant& v) { v.amino_acid_change = "p.Gly12Asp"; })->variant->search.amino_acid_change, "G12D");
  const auto hgvs = search([](RawVariant& v) { v.hgvs = "NC_000017.11:g.43045703A>G"; });
  ASSERT_THAT(hgvs, testing::IsOk());
  EXPECT_EQ(hgvs->variant->contig, "17");
  EXPECT_EQ(hgvs->variant->assembly, genomics::Assembly::kGrch38);
  EXPECT_TRUE(hgvs->variant->OfAllele()(43045702, "A", "G"));
  EXPECT_FALSE(hgvs->variant->OfAllele()(43045702, "A", "T"));
  EXPECT_FALSE(hgvs->variant->OfAllele()(43045701, "A", "G"));
  const auto bracket = search([](RawVariant& v) {
    v.contig = "20";
    v.start_bracket = {100, 200};
    v.end_bracket = {150, 250};
  });
  ASSERT_THAT(bracket, testing::IsOk());
  EXPECT_TRUE(bracket->variant->OfAllele()(199, "A", "T"));
  EXPECT_FALSE(bracket->variant->OfAllele()(200, "A", "T"));
  EXPECT_FALSE(bracket->variant->OfAllele()(100, "A", "T")) << "ends at 101";
  // A restriction alone says no place.
  EXPECT_THAT(search([](RawVariant& v) { v.type = "SNP"; }), HasReason("VARIANT_MISSING"));
  EXPECT_THAT(search([](RawVariant& v) { v.consequences = {"stop_gained"}; }), HasReason("CONTIG_INVALID"));
  EXPECT_THAT(search([](RawVariant& v) { v.gene = "BR CA"; }), HasReason("FIELD_INVALID"));
  EXPECT_THAT(search([](RawVariant& v) { v.hgvs = "BRCA1:c.1A>G"; }), HasReason("HGVS_INVALID"));
  EXPECT_THAT(search([](RawVariant& v) {
                v.gene = "BRCA1";
                v.below_frequency = 1.5;
              }),
              HasReason("FIELD_INVALID"));
  EXPECT_THAT(search([](RawVariant& v) {
                v.gene = "BRCA1";
                v.consequences = {"bad"};
              }),
              HasReason("CONSEQUENCE_UNKNOWN"));
  EXPECT_THAT(search([](RawVariant& v) {
                v.contig = "20";
                v.start_bracket = {0, 2'000'000};
                v.end_bracket = {0, 2'000'000};
              }),
              HasReason("RANGE_TOO_LONG"));
}

TEST(Canonical, IsOneForTheSameQuestion) {
  auto canonical = [](RawVariant variant, const std::vector<std::string>& filters = {}) {
    RawQuery raw = VariantQuery(std::move(variant));
    for (const std::string& filter : filters) raw.filters.push_back({{filter}});
    return Canonical(*Validate(raw));
  };
  const std::string exact = canonical({"GRCh38", "chr20", 100, 0, "a", "t"});
  EXPECT_EQ(canonical({"", "20", 100, 101, "A", "T"}), exact);
  EXPECT_EQ(canonical({"", "20", 99, 0, "CA", "CT"}), exact);  // trimmed
  EXPECT_NE(canonical({"", "20", 100, 0, "A", "C"}), exact);
  EXPECT_NE(canonical({"", "20", 100, 0, "", "T"}), exact);
  EXPECT_NE(canonical({"", "20", 100, 200, "", "T"}), canonical({"", "20", 100, 201, "", "T"}));
  EXPECT_EQ(canonical({"", "20", 1, 0, "A", "T"}, {"HP:2", "HP:1", "HP:2"}),
            canonical({"", "20", 1, 0, "A", "T"}, {"HP:1", "HP:2"}));
  RawQuery people = VariantQuery({"", "20", 100, 0, "A", "T"});
  people.entity = Entity::kIndividual;  // counts other people
  EXPECT_NE(Canonical(*Validate(people)), exact);
}

// Nobody counts as older than 119.
TEST(Canonical, AgesBeyondTheOldestAreOneText) {
  const auto of = [](std::int32_t from, std::int32_t to) {
    RawQuery raw;
    raw.entity = Entity::kIndividual;
    raw.filters = {{Filter{"", true, std::pair(from, to)}}};
    return Canonical(*Validate(raw));
  };
  for (const std::int32_t to : {130, 200, INT32_MAX}) EXPECT_EQ(of(70, to), of(70, 119)) << to;
  EXPECT_NE(of(70, 118), of(70, 119));
  EXPECT_EQ(of(120, 130), of(140, 150)) << "nobody";
  EXPECT_NE(of(119, 130), of(120, 130));
  // Alternatives that are the same are one.
  RawQuery raw;
  raw.entity = Entity::kIndividual;
  raw.filters = {{Filter{"", true, std::pair(70, 130)}, Filter{"", true, std::pair(70, 200)}}};
  EXPECT_EQ(Canonical(*Validate(raw)), of(70, 119));
}

// What a person must meet to be found, in a form of its own.
struct Meant {
  Entity entity = Entity::kIndividual;
  std::string gene, change;
  bool below = false, stop = false;
  std::vector<FilterGroup> filters = {};

  bool operator==(const Meant&) const = default;
};

Meant AnyMeaning() {
  // Pieces of which a text of many parts is made.
  const auto text = [] {
    std::string made;
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i)
      made +=
          *rc::gen::element<std::string>("A:1", "|", "/", "!", ":change=", "B", "4:", "term", "1:");
    return made;
  };
  Meant meant;
  meant.entity = *rc::gen::element(Entity::kIndividual, Entity::kVariant);
  meant.gene = text();
  if (*rc::gen::arbitrary<bool>()) meant.change = text();
  meant.below = *rc::gen::arbitrary<bool>();
  meant.stop = *rc::gen::arbitrary<bool>();
  for (int groups = *rc::gen::inRange(0, 3); groups > 0; --groups) {
    FilterGroup group;
    for (int filters = *rc::gen::inRange(1, 3); filters > 0; --filters) {
      Filter filter;
      filter.descendants = *rc::gen::arbitrary<bool>();
      if (*rc::gen::inRange(0, 3) == 0)
        filter = Filter{"", true, std::pair(*rc::gen::inRange(1, 3), *rc::gen::inRange(10, 13))};
      else
        filter.term = text();
      if (!filter.ages)
        filter.similarity = *rc::gen::element(beacon::Similarity::kExact, beacon::Similarity::kHigh,
                                              beacon::Similarity::kLow);
      group.push_back(filter);
    }
    meant.filters.push_back(group);
    meant.entity = Entity::kIndividual;  // whatever has filters is about people
  }
  return meant;
}

std::string CanonicalOf(const Meant& meant) {
  Query query;
  query.entity = meant.entity;
  query.variant.emplace();
  query.variant->form = Form::kSearch;
  query.variant->search.gene = meant.gene;
  query.variant->search.amino_acid_change = meant.change;
  if (meant.below) query.variant->below_frequency = 0.01;
  if (meant.stop) query.variant->consequences = cohort::Of(cohort::Consequence::kStopGained);
  query.filters = meant.filters;
  return Canonical(query);
}

// What keeps questions apart does not rest on what terms may contain: these are not valid.
RC_GTEST_PROP(Canonical, DifferentQuestionsNeverHaveOneText, ()) {
  const Meant one = AnyMeaning();
  Meant other = AnyMeaning();
  if (*rc::gen::arbitrary<bool>()) {  // differs in the filters alone, or not at all
    other = one;
    for (FilterGroup& group : other.filters) group.push_back(Filter{group.front().Text()});
  }
  if (*rc::gen::inRange(0, 4) == 0) other = one;
  RC_ASSERT((CanonicalOf(one) == CanonicalOf(other)) == (one == other));
}

TEST(Canonical, KeepsAlikeQuestionsApart) {
  const auto of = [](std::vector<FilterGroup> filters, std::optional<VariantPattern> variant = {}) {
    Query query;
    query.entity = Entity::kIndividual;
    query.variant = std::move(variant);
    query.filters = std::move(filters);
    return Canonical(query);
  };
  VariantPattern exact{Form::kExact, {}, "20", 999, 1000, "A", "G"};
  VariantPattern search;
  search.form = Form::kSearch;
  search.search.gene = "a:change=b";
  VariantPattern two = search;
  two.search.gene = "a";
  two.search.amino_acid_change = "b:change=";
  std::vector<std::string> texts = {
      of({{Filter{"20:999-1000:A>G"}}}),
      of({}, exact),
      of({{Filter{"HP:1|HP:2"}}}),
      of({{Filter{"HP:1"}}, {Filter{"HP:2"}}}),
      of({{Filter{"HP:1"}, Filter{"HP:2"}}}),
      of({{Filter{"HP:1/HP:2"}}}),
      of({{Filter{"HP:1!"}}}),
      of({{Filter{"HP:1", false}}}),
      of({{Filter{"HP:1"}}}),
      of({{Filter{"age:18-40"}}}),
      of({{Filter{"", true, std::pair(18, 40)}}}),
      of({}, search),
      of({}, two),
  };
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::adjacent_find(texts.begin(), texts.end()), texts.end());
}

// Each level is a question of its own; the text of one without is what it always was.
TEST(Canonical, SaysHowSimilarTermsMayBe) {
  RawQuery raw;
  raw.entity = Entity::kIndividual;
  std::set<std::string> texts;
  for (const auto similarity : {beacon::Similarity::kExact, beacon::Similarity::kHigh,
                                beacon::Similarity::kMedium, beacon::Similarity::kLow}) {
    for (const bool descendants : {true, false}) {
      raw.filters = {{Filter{"HP:0001250", descendants, {}, similarity}}};
      const auto query = Validate(raw);
      ASSERT_TRUE(query.ok());
      texts.insert(Canonical(*query));
    }
  }
  EXPECT_EQ(texts.size(), 8u);
  raw.filters = {{Filter{"HP:0001250"}}};
  EXPECT_TRUE(texts.contains(Canonical(*Validate(raw))));
  EXPECT_EQ(Filter{"HP:0001250"}.Text(), JoinParts({"term", "HP:0001250"}));
  raw.filters = {{Filter{"", true, std::pair(18, 64), beacon::Similarity::kLow}}};
  EXPECT_THAT(Validate(raw), testing::HasReason("FILTER_INVALID"));
}

TEST(PopulationOf, NamesTheFilters) {
  Query query;
  EXPECT_EQ(PopulationOf(query), "");
  query.filters = {{Filter{"NCIT:C16576"}},
                   {Filter{"HP:0001250"}, Filter{"OMIM:1", false}},
                   {Filter{"", true, std::pair(18, 64)}},
                   {Filter{"", true, std::pair(60, 200)}},
                   {Filter{"", true, std::pair(7, 7)}}};
  EXPECT_EQ(
      PopulationOf(query),
      "NCIT:C16576 AND (HP:0001250 OR OMIM:1 without descendants) AND age 18-64 AND age >= 60 "
      "AND age 7");
  query.filters = {{Filter{"HP:0001250", false, {}, beacon::Similarity::kMedium}}};
  EXPECT_EQ(PopulationOf(query), "HP:0001250 with medium similarity without descendants");
}

TEST(Publication, StaysBelowTheDataDirectory) {
  EXPECT_TRUE(IsPathBelow("onboarding/index/GOE-FI-A-1/1"));
  for (const char* path : {"", "/etc", "..", "a/../b", "a/..", "./a", "a//b", "a/", "a\\b"}) {
    EXPECT_FALSE(IsPathBelow(path)) << path;
  }
  EXPECT_FALSE(IsPathBelow(std::string_view("a\0b", 3)));
}

TEST(Publication, IsOfTheSitesOwnCountryAndComplete) {
  const std::string hash(64, 'a');
  const Publication good{"GOE-FI-A-1", 1, "GRCh38", {{"index", hash}}, "people", hash};
  EXPECT_TRUE(Validate(good, "FI").ok());
  EXPECT_THAT(Validate(good, "ES"), HasReason("COUNTRY_MISMATCH"));
  Publication bad = good;
  bad.individuals_path = "../people";
  EXPECT_THAT(Validate(bad, "FI"), HasReason("PATH_INVALID"));
  bad = good;
  bad.segments.clear();
  EXPECT_THAT(Validate(bad, "FI"), HasReason("SEGMENTS_INVALID"));
  bad.segments = {{"index", hash}, {"../index", hash}};
  EXPECT_THAT(Validate(bad, "FI"), HasReason("PATH_INVALID"));
  bad = good;
  bad.individuals_sha256 = "";
  EXPECT_THAT(Validate(bad, "FI"), HasReason("SHA256_INVALID"));
  bad = good;
  bad.version = 0;
  EXPECT_THAT(Validate(bad, "FI"), HasReason("VERSION_INVALID"));
  bad = good;
  bad.assembly = "hg38";
  EXPECT_THAT(Validate(bad, "FI"), HasReason("ASSEMBLY_UNKNOWN"));
}

}  // namespace
}  // namespace genofed::discovery
