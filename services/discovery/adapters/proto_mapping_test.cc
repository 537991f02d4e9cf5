// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/proto_mapping.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

RawQuery VariantQuery(RawVariant variant) {
  RawQuery raw;
  raw.entity = Entity::kVariant;
  raw.variant = std::move(variant);
  return raw;
}

// The hub sends on what it understood; a node must understand the same.
RC_GTEST_PROP(ProtoMapping, MeansTheSameAfterTheWayFromHubToNode, ()) {
  const auto bases = [](int min) {
    return *rc::gen::suchThat(rc::gen::container<std::string>(rc::gen::element('A', 'C', 'G', 'T')),
                              [min](const std::string& text) {
                                return text.size() >= static_cast<std::size_t>(min) &&
                                       text.size() < 6;
                              });
  };
  RawVariant variant{"GRCh38", "20",     *rc::gen::inRange<std::int64_t>(0, 1000),
                     0,        bases(0), bases(0)};
  if (*rc::gen::arbitrary<bool>())
    variant.end = variant.start + *rc::gen::inRange<std::int64_t>(1, 50);
  auto at_hub = Validate(VariantQuery(variant));
  RC_PRE(at_hub.ok());
  auto at_node = Validate(FromProto(ToProto(*at_hub)));
  RC_ASSERT(at_node.ok());
  RC_ASSERT(at_node->variant->form == at_hub->variant->form);
  RC_ASSERT(at_node->variant->start == at_hub->variant->start);
  RC_ASSERT(at_node->variant->end == at_hub->variant->end);
  RC_ASSERT(at_node->variant->ref == at_hub->variant->ref);
  RC_ASSERT(at_node->variant->alt == at_hub->variant->alt);
}

RC_GTEST_PROP(ProtoMapping, SearchesAndFiltersMeanTheSame, ()) {
  RawVariant variant;
  auto maybe = [] { return *rc::gen::inRange(0, 3) == 0; };
  if (maybe()) variant.gene = *rc::gen::element("BRCA1", "tp53");
  if (maybe()) variant.amino_acid_change = "Gly12Asp";
  if (maybe()) variant.hgvs = *rc::gen::element("NC_000007.14:g.55181320A>T", "NC_000007.14:g.100_102del");
  if (maybe()) variant.type = "DEL";
  if (maybe()) variant.min_length = 3;
  if (maybe()) variant.max_length = 30;
  if (maybe()) variant.consequences = {"stop_gained", "missense_variant"};
  if (maybe()) variant.below_frequency = *rc::gen::element(0.001, 0.1 + 0.2, 1.0);
  if (maybe()) {
    variant.contig = "7";
    variant.start_bracket = {100, 200};
    variant.end_bracket = {150, 250};
  } else if (maybe()) {
    variant.contig = "7";
    variant.start = 10;
    variant.end = 1000;
  }
  RawQuery raw = VariantQuery(variant);
  const int n = *rc::gen::inRange(0, 3);
  for (int i = 0; i < n; ++i) {
    FilterGroup group = {Filter{"HP:0001250", *rc::gen::arbitrary<bool>()}};
    group[0].similarity = static_cast<beacon::Similarity>(*rc::gen::inRange(0, 4));
    if (maybe()) group.push_back(Filter{"", true, std::pair(18, 64)});
    raw.filters.push_back(group);
  }
  const auto at_hub = Validate(raw);
  RC_PRE(at_hub.ok());
  const auto at_node = Validate(FromProto(ToProto(*at_hub)));
  RC_ASSERT(at_node.ok());
  RC_ASSERT(Canonical(*at_node) == Canonical(*at_hub));
  RC_ASSERT(at_node->variant->assembly == at_hub->variant->assembly);
  RC_ASSERT(at_node->variant->search.described == at_hub->variant->search.described);
}

// Of three amino acids that were inserted the letters are those of a fourth, and one may repeat "p.".
TEST(ProtoMapping, AChangeWhoseLettersSpellAnAminoAcidStaysWhatItIs) {
  const std::pair<const char*, const char*> changes[] = {
      {"p.Ala5_Ser6insAlaSerPro", "A5_S6INSASP"},
      {"Val7delinsValAlaSerProAla", "V7DELINSVASPA"},
      {"p.p.Gly12Asp", "P.G12D"},
      {"G12D", "G12D"}};
  for (const auto& [text, normalised] : changes) {
    const auto at_hub = Validate(VariantQuery({.amino_acid_change = text}));
    ASSERT_TRUE(at_hub.ok());
    EXPECT_EQ(at_hub->variant->search.amino_acid_change, normalised);
    const auto at_node = Validate(FromProto(ToProto(*at_hub)));
    ASSERT_TRUE(at_node.ok());
    EXPECT_EQ(at_node->variant->search.amino_acid_change, normalised);
  }
}

TEST(ProtoMapping, AllelesArriveWithNamesAndPopulation) {
  Answer answer;
  answer.datasets = {{"GOE-FI-A-1", 1, "FI", true, 9, {}}};
  answer.datasets[0].alleles = {{"GRCh38",
                                 "20",
                                 1,
                                 "A",
                                 "T",
                                 8,
                                 20,
                                 1,
                                 6,
                                 "NCIT:C16576",
                                 {"NC_000020.11:g.2A>T", "ga4gh:VA.a", "ga4gh:VA.b", ""}}};
  const AlleleAnswer allele = FromProto(ToProto(answer)).datasets[0].alleles[0];
  EXPECT_EQ(allele.heterozygotes, 6);
  EXPECT_EQ(allele.population, "NCIT:C16576");
  EXPECT_EQ(allele.names.hgvs, "NC_000020.11:g.2A>T");
  EXPECT_EQ(allele.names.vrs_1_3, "ga4gh:VA.a");
  EXPECT_EQ(allele.names.vrs_2_0, "ga4gh:VA.b");
}

TEST(ProtoMapping, DistributionsAreAskedForAndArrive) {
  RawQuery raw;
  raw.entity = Entity::kIndividual;
  raw.distributions = {"sex", "sexByAge"};
  const Query query = *Validate(raw);
  EXPECT_EQ(Validate(FromProto(ToProto(query)))->distributions, query.distributions);
  Answer answer;
  answer.datasets = {{"GOE-FI-A-1", 1, "FI", true, 9, {}}};
  answer.datasets[0].distributions = {{By::kSexByAge, {{{"NCIT:C16576", "P65Y-"}, 9}}}};
  v1::QueryResponse response = ToProto(answer);
  response.mutable_datasets(0)->add_distributions()->set_aggregation("of a later version");
  const auto arrived = FromProto(response).datasets[0].distributions;
  ASSERT_EQ(arrived.size(), 1u);
  EXPECT_EQ(arrived[0].by, By::kSexByAge);
  EXPECT_EQ(arrived[0].cells[0].values, (std::vector<std::string>{"NCIT:C16576", "P65Y-"}));
  EXPECT_EQ(arrived[0].cells[0].count, 9);
}

TEST(ProtoMapping, AFilterSaysOneThing) {
  v1::QueryRequest request;
  request.set_entity(v1::ENTITY_INDIVIDUAL);
  auto* filter = request.add_filters();
  filter->set_term("HP:0001250");
  filter->add_any_of()->set_term("HP:0000002");
  EXPECT_FALSE(Validate(FromProto(request)).ok());
  filter->clear_term();
  EXPECT_TRUE(Validate(FromProto(request)).ok());
  filter->mutable_any_of(0)->mutable_ages()->set_to(-1);
  EXPECT_FALSE(Validate(FromProto(request)).ok());
  filter->clear_any_of();
  auto* similar = filter->mutable_similar();
  similar->set_term("HP:0001250");
  EXPECT_FALSE(Validate(FromProto(request)).ok()) << "how similar?";
  for (const int level : {-1, 4}) {
    similar->set_level(static_cast<v1::Filter::Similar::Level>(level));
    EXPECT_FALSE(Validate(FromProto(request)).ok()) << "a level of a later version";
  }
  similar->set_level(v1::Filter::Similar::LEVEL_LOW);
  EXPECT_TRUE(Validate(FromProto(request)).ok());
  filter->mutable_ages()->set_to(5);
  EXPECT_FALSE(Validate(FromProto(request)).ok());
}

// A node of an earlier version knows neither the field nor a term, and refuses.
TEST(ProtoMapping, SimilarityIsNeverReadAsAnotherQuestion) {
  RawQuery raw;
  raw.entity = Entity::kIndividual;
  raw.filters = {{Filter{"HP:0001250", false, {}, beacon::Similarity::kMedium}}};
  v1::QueryRequest sent = ToProto(*Validate(raw));
  ASSERT_EQ(sent.filters_size(), 1);
  EXPECT_EQ(sent.filters(0).similar().term(), "HP:0001250");
  EXPECT_EQ(sent.filters(0).similar().level(), v1::Filter::Similar::LEVEL_MEDIUM);
  EXPECT_TRUE(sent.filters(0).without_descendants());
  sent.mutable_filters(0)->clear_similar();
  EXPECT_THAT(Validate(FromProto(sent)), testing::HasReason("FILTER_INVALID"));
}

TEST(ProtoMapping, WithoutAGranularityTheLeastIsSaid) {
  v1::QueryRequest request;
  EXPECT_EQ(FromProto(request).granularity, Granularity::kBoolean);
  EXPECT_FALSE(FromProto(request).entity.has_value());
}

TEST(ProtoMapping, PagesTermsWithoutGapOrRepetition) {
  const std::vector<FilteringTerm> terms = {{"HP:1", ""}, {"HP:2", ""}, {"HP:3", "x"}};
  auto first = Page(terms, 2, "");
  EXPECT_EQ(first.terms_size(), 2);
  EXPECT_EQ(first.next_page_token(), "HP:2");
  auto second = Page(terms, 2, first.next_page_token());
  ASSERT_EQ(second.terms_size(), 1);
  EXPECT_EQ(second.terms(0).label(), "x");
  EXPECT_TRUE(second.next_page_token().empty());
  EXPECT_EQ(Page(terms, 2, "ZZZ").terms_size(), 0);
}

}  // namespace
}  // namespace genofed::discovery
