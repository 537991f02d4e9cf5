// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <numeric>

#include "libs/clinical/terminology.h"
#include "libs/phenotype/similarity.h"
#include "libs/testing/matchers.h"

namespace genofed::phenotype {
namespace {

// 118 is divided into A (200) and B (300); A into A1 (210) and A2 (220); A11 (211) is a kind of
// both. 5 is beside.
constexpr const char* kTable =
    "#HPO\ttest\n"
    "#id\tname\tobsolete\treplaced_by\talt_ids\tparents\n"
    "HP:0000001\tAll\t0\t\t\t\n"
    "HP:0000005\tMode of inheritance\t0\t\t\tHP:0000001\n"
    "HP:0000118\tAbnormality\t0\t\t\tHP:0000001\n"
    "HP:0000200\tA\t0\t\t\tHP:0000118\n"
    "HP:0000210\tA1\t0\t\tHP:0000299\tHP:0000200\n"
    "HP:0000211\tA11\t0\t\t\tHP:0000210|HP:0000220\n"
    "HP:0000220\tA2\t0\t\t\tHP:0000200\n"
    "HP:0000300\tB\t0\t\t\tHP:0000118\n";

class PhenotypeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto parsed = clinical::Terminology::Parse(kTable, "");
    ASSERT_THAT(parsed, testing::IsOk());
    terminology_ = *std::move(parsed);
    graph_ = std::make_unique<HpoGraph>(*terminology_);
  }
  HpoGraph::Node Node(std::string_view term) { return graph_->Find(term).value(); }
  std::vector<std::string> Above(std::string_view term) {
    std::vector<std::string> out;
    for (const auto node : graph_->Ancestors(Node(term))) out.push_back(graph_->Term(node));
    std::sort(out.begin(), out.end());
    return out;
  }

  std::unique_ptr<clinical::Terminology> terminology_;
  std::unique_ptr<HpoGraph> graph_;
};

using Terms = std::vector<std::string>;

TEST_F(PhenotypeTest, AGraphOfAbnormalities) {
  EXPECT_EQ(graph_->size(), 6u);
  EXPECT_EQ(Above("HP:0000211"),
            (Terms{"HP:0000118", "HP:0000200", "HP:0000210", "HP:0000211", "HP:0000220"}));
  EXPECT_EQ(graph_->Descendants(0), 6u);
  EXPECT_EQ(graph_->Descendants(Node("HP:0000200")), 4u);
  EXPECT_EQ(graph_->Descendants(Node("HP:0000211")), 1u);
  ASSERT_EQ(graph_->Systems().size(), 2u);
  EXPECT_EQ(graph_->Term(graph_->Systems()[0]), "HP:0000200");
  EXPECT_EQ(graph_->Term(Node("HP:0000299")), "HP:0000210");  // an alternative id
  for (const char* none : {"HP:0000005", "HP:0000001", "HP:9999999", "HP:12", "MONDO:0000200", ""})
    EXPECT_FALSE(graph_->Find(none)) << none;
}

TEST_F(PhenotypeTest, CountsEachPersonOnceForATermAndAllAboveIt) {
  const std::vector<Profile> people = {
      {Node("HP:0000211")}, {Node("HP:0000210"), Node("HP:0000220")}, {Node("HP:0000300")}, {}};
  const auto counts = CountPeople(*graph_, people);
  EXPECT_EQ(counts[0], 3);
  EXPECT_EQ(counts[Node("HP:0000200")], 2);
  EXPECT_EQ(counts[Node("HP:0000210")], 2);
  EXPECT_EQ(counts[Node("HP:0000211")], 1);
  EXPECT_EQ(counts[Node("HP:0000300")], 1);
}

// 15 people; A 12, A1 10, A2 6, A11 2, B 3. In octaves from 5: 10, 10, 5, 0, 0. Of 6 terms 4, 2, 2,
// 1, 1 are a kind of each. So p = (10 + 4/6) / 16, (10 + 2/6) / 16, (5 + 2/6) / 16, (1/6) / 16,
// (1/6) / 16.
TEST_F(PhenotypeTest, SimilarityByHand) {
  std::vector<std::int64_t> counts(6);
  counts[0] = 15;
  counts[Node("HP:0000200")] = 12;
  counts[Node("HP:0000210")] = 10;
  counts[Node("HP:0000220")] = 6;
  counts[Node("HP:0000211")] = 2;
  counts[Node("HP:0000300")] = 3;
  const auto content = InformationContent(*graph_, counts, 15, 5);
  EXPECT_EQ(content[0], 0);
  EXPECT_NEAR(content[Node("HP:0000200")], 0.405465, 1e-6);
  EXPECT_NEAR(content[Node("HP:0000210")], 0.437214, 1e-6);
  EXPECT_NEAR(content[Node("HP:0000220")], 1.098612, 1e-6);
  EXPECT_NEAR(content[Node("HP:0000211")], 4.564348, 1e-6);
  EXPECT_NEAR(content[Node("HP:0000300")], 4.564348, 1e-6);

  const auto of = [&](const char* a, const char* b) {
    return Similarity(*graph_, content, Node(a), Node(b));
  };
  EXPECT_NEAR(of("HP:0000210", "HP:0000220"), 0.528009, 1e-6);  // A: 2 * 0.405465 / 1.535825
  EXPECT_NEAR(of("HP:0000211", "HP:0000220"), 0.387999, 1e-6);  // A2: 2 * 1.098612 / 5.662960
  EXPECT_EQ(of("HP:0000211", "HP:0000220"), of("HP:0000220", "HP:0000211"));
  EXPECT_EQ(of("HP:0000210", "HP:0000300"), 0);  // nothing but the root in common
  EXPECT_EQ(of("HP:0000300", "HP:0000300"), 1);
  EXPECT_EQ(of("HP:0000118", "HP:0000118"), 0);  // says nothing

  // {A1, B} and {A2}: ((0.528009 + 0) / 2 + 0.528009) / 2.
  const Profile p = {Node("HP:0000210"), Node("HP:0000300")};
  const Profile q = {Node("HP:0000220")};
  Comparison with_p(*graph_, content, p);
  EXPECT_NEAR(with_p.With(q), 0.396007, 1e-6);
  EXPECT_NEAR(with_p.With(q), 0.396007, 1e-6);
  EXPECT_NEAR(Comparison(*graph_, content, q).With(p), 0.396007, 1e-6);
  EXPECT_EQ(with_p.With(p), 1);
  EXPECT_EQ(with_p.With({}), 0);
  EXPECT_EQ(Comparison(*graph_, content, {}).With(p), 0);
}

// What fewer than `least` people have looks the same, whoever of them is there.
TEST_F(PhenotypeTest, FewPeopleDoNotMoveTheContent) {
  std::vector<std::int64_t> none = {40, 40, 20, 20, 0, 0}, few = {40, 40, 20, 20, 4, 4};
  EXPECT_EQ(InformationContent(*graph_, none, 40, 5), InformationContent(*graph_, few, 40, 5));
}

TEST(HpoGraph, OfTheProductsRelease) {
  const HpoGraph& graph = HpoGraph::Embedded();
  const auto seizure = graph.Find("HP:0001250");
  ASSERT_TRUE(seizure);
  const auto& above = graph.Ancestors(*seizure);
  const auto nervous_system = graph.Find("HP:0000707");
  EXPECT_TRUE(std::binary_search(above.begin(), above.end(), nervous_system.value()));
  EXPECT_GT(graph.Systems().size(), 20u);
  EXPECT_LT(graph.Systems().size(), 30u);
  for (HpoGraph::Node node = 1; node < graph.size(); ++node) {
    ASSERT_EQ(graph.Ancestors(node).front(), 0u);  // everything is an abnormality
    ASSERT_LE(graph.Descendants(node), graph.size());
  }
}

}  // namespace
}  // namespace genofed::phenotype
