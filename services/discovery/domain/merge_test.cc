// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/merge.h"

#include <gtest/gtest.h>

namespace genofed::discovery {
namespace {

DatasetAnswer Dataset(const std::string& country, std::int64_t count,
                      const std::string& number = "1") {
  return {"GOE-" + country + "-A-" + number, 1, country, count > 0, count, {}};
}

NodeReply Answered(const std::string& site, std::vector<DatasetAnswer> datasets) {
  Answer answer;
  answer.minimum_count = 5;
  answer.epoch = 7;
  answer.count = 999;  // a node's own total is never believed
  answer.datasets = std::move(datasets);
  return {{site, MemberState::kAnswered, 12, 0}, answer};
}

Query Counting(Granularity granularity = Granularity::kRecord) {
  Query query;
  query.granularity = granularity;
  return query;
}

TEST(Merge, AddsUpAndNamesEveryNode) {
  auto merged = Merge(Counting(),
                      {Answered("fi", {Dataset("FI", 20), Dataset("FI", 0, "2")}),
                       {{"pt", MemberState::kTimedOut, 2000, 0}, std::nullopt},
                       Answered("es", {Dataset("ES", 5)})},
                      5);
  EXPECT_TRUE(merged.exists);
  EXPECT_EQ(merged.count, 25);
  ASSERT_EQ(merged.datasets.size(), 3u);
  EXPECT_EQ(merged.datasets[0].dataset, "GOE-ES-A-1");
  ASSERT_EQ(merged.members.size(), 3u);
  EXPECT_EQ(merged.members[0].site, "es");
  EXPECT_EQ(merged.members[0].epoch, 7);
  EXPECT_EQ(merged.members[2].state, MemberState::kTimedOut);
}

// Each of these is refused as a whole, and the honest node's answer stays.
TEST(Merge, RefusesAnswersThatCannotBeTrue) {
  DatasetAnswer negative = Dataset("ES", -3), contradiction = Dataset("ES", 7),
                below_floor = Dataset("ES", 4);
  contradiction.exists = false;
  DatasetAnswer huge = Dataset("ES", 2'000'000'000), of_finland = Dataset("FI", 50),
                false_flag = Dataset("FI", 50);
  false_flag.country = "ES";
  DatasetAnswer impossible_allele = Dataset("ES", 7), few_alleles = Dataset("ES", 7),
                no_version = Dataset("ES", 7);
  impossible_allele.alleles = {{"GRCh38", "20", 1, "A", "T", 30, 20, 0, 0}};
  few_alleles.alleles = {{"GRCh38", "20", 1, "A", "T", 8, 20, 4, 4}};
  no_version.version = 0;
  for (const auto& datasets :
       std::vector<std::vector<DatasetAnswer>>{{negative},
                                               {contradiction},
                                               {below_floor},
                                               {huge},
                                               {of_finland},
                                               {false_flag},
                                               {impossible_allele},
                                               {few_alleles},
                                               {no_version},
                                               {Dataset("ES", 9), Dataset("ES", 9)},
                                               {Dataset("ES", 9), of_finland}}) {
    auto merged =
        Merge(Counting(), {Answered("es", datasets), Answered("fi", {Dataset("FI", 20)})}, 5);
    EXPECT_EQ(merged.count, 20) << datasets[0].dataset << " " << datasets[0].count;
    EXPECT_EQ(merged.datasets.size(), 1u);
    EXPECT_EQ(merged.members[0].state, MemberState::kRefused);
    EXPECT_EQ(merged.members[1].state, MemberState::kAnswered);
  }
}

TEST(Merge, SaysItselfOfWhomFrequenciesAreAndPassesOnNamesThatCanBe) {
  const auto merge = [](genomics::VariantNames names) {
    DatasetAnswer dataset = Dataset("ES", 9);
    dataset.alleles = {
        {"GRCh38", "20", 1, "A", "T", 8, 20, 0, 0, "everybody of the world", std::move(names)}};
    Query query = Counting();
    query.filters = {{Filter{"NCIT:C16576"}}};
    return Merge(query, {Answered("es", {dataset})}, 5);
  };
  const std::string id = "ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn2";
  const Answer good = merge({"NC_000020.11:g.2A>T", id, id, ""});
  ASSERT_EQ(good.datasets.size(), 1u);
  EXPECT_EQ(good.datasets[0].alleles[0].population, "NCIT:C16576");
  EXPECT_EQ(good.datasets[0].alleles[0].names.vrs_2_0, id);
  for (const genomics::VariantNames& wrong : std::vector<genomics::VariantNames>{
           {"<script>", "", "", ""},
           {"", id + "x", "", ""},
           {"", "", "ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn!", ""}})
    EXPECT_EQ(merge(wrong).members[0].state, MemberState::kRefused);
}

TEST(Merge, DistributionsArePassedOnAsAskedAndAboveTheHighestFloor) {
  const auto dataset = [](const std::string& country, std::vector<Distribution> distributions) {
    DatasetAnswer out = Dataset(country, 50);
    out.distributions = std::move(distributions);
    return out;
  };
  Query query = Counting(Granularity::kCount);
  query.entity = Entity::kIndividual;
  query.distributions = {By::kSex};
  NodeReply strict = Answered("es", {dataset("ES", {{By::kSex, {{{"NCIT:C16576"}, 20}}}})});
  strict.answer->minimum_count = 10;
  const Answer merged = Merge(
      query,
      {strict,
       Answered("fi", {dataset("FI", {{By::kSex, {{{"NCIT:C16576"}, 30}, {{"NCIT:C20197"}, 7}}},
                                      {By::kAge, {{{"P65Y-"}, 9}}}})})},
      5);
  ASSERT_EQ(merged.datasets.size(), 2u);
  const auto& told = merged.datasets[1].distributions;
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].by, By::kSex);
  ASSERT_EQ(told[0].cells.size(), 1u);
  EXPECT_EQ(told[0].cells[0].count, 30);
  for (const auto& wrong : std::vector<std::vector<Distribution>>{
           {{By::kSex, {{{"NCIT:C16576"}, 4}}}},                        // below the floor
           {{By::kSex, {{{"NCIT:C16576"}, 9}, {{"NCIT:C16576"}, 9}}}},  // twice
           {{By::kSex, {{{"P65Y-"}, 9}}}},                              // no sex
           {{By::kSexByAge, {{{"NCIT:C16576"}, 9}}}},                   // no age
           {{By::kSex, {}}, {By::kSex, {}}}})
    EXPECT_EQ(Merge(query, {Answered("es", {dataset("ES", wrong)})}, 5).members[0].state,
              MemberState::kRefused);
}

TEST(Merge, NeverPassesOnMoreThanWasAsked) {
  DatasetAnswer talkative = Dataset("FI", 20);
  talkative.alleles = {{"GRCh38", "20", 1, "A", "T", 10, 40, 0, 0}};
  talkative.adjusted_to = 20;
  auto merged = Merge(Counting(Granularity::kBoolean), {Answered("fi", {talkative})}, 5);
  EXPECT_TRUE(merged.exists);
  EXPECT_EQ(merged.count, 0);
  EXPECT_EQ(merged.datasets[0].count, 0);
  EXPECT_EQ(merged.datasets[0].adjusted_to, 1);
  EXPECT_TRUE(merged.datasets[0].alleles.empty());
  Query one = Counting();
  one.datasets = {"GOE-FI-A-2"};
  EXPECT_TRUE(Merge(one, {Answered("fi", {talkative})}, 5).datasets.empty());
}

TEST(Merge, TheHighestFloorHoldsForAll) {
  NodeReply strict = Answered("es", {Dataset("ES", 30)});
  strict.answer->minimum_count = 10;
  const auto merged =
      Merge(Counting(), {strict, Answered("fi", {Dataset("FI", 7), Dataset("FI", 12, "2")})}, 7);
  EXPECT_EQ(merged.minimum_count, 10);
  EXPECT_EQ(merged.count, 42);
  EXPECT_FALSE(merged.datasets[1].exists);
  EXPECT_EQ(Merge(Counting(), {}, 7).minimum_count, 7);
  strict.answer->minimum_count = 1'000'000;  // would silence everybody
  strict.answer->datasets.clear();
  EXPECT_EQ(Merge(Counting(), {strict, Answered("fi", {Dataset("FI", 7)})}, 7).count, 7);
}

// Also where only yes or no was asked: what a count would not show must not show there.
TEST(Merge, TheHighestFloorHoldsInEveryGranularity) {
  for (const Granularity granularity :
       {Granularity::kBoolean, Granularity::kCount, Granularity::kRecord}) {
    const Query query = Counting(granularity);
    EXPECT_GE(AsksNodes(query).granularity, Granularity::kCount);
    EXPECT_GE(AsksNodes(query).granularity, granularity);
    NodeReply strict = Answered("es", {Dataset("ES", 0)});
    strict.answer->minimum_count = 10;
    const auto merged = Merge(query, {strict, Answered("fi", {Dataset("FI", 7)})}, 5);
    EXPECT_FALSE(merged.exists);
    EXPECT_FALSE(merged.datasets[1].exists);
    EXPECT_EQ(merged.count, 0);
  }
}

// A node that keeps its numbers to itself says that it has some, and that is not lost in the total.
TEST(Merge, BelievesANodeThatOnlySaysYes) {
  DatasetAnswer yes = Dataset("ES", 0);
  yes.exists = true;
  const auto merged =
      Merge(Counting(Granularity::kCount), {Answered("es", {yes}), Answered("fi", {})}, 5);
  EXPECT_TRUE(merged.exists);
  EXPECT_EQ(merged.count, 0);
  EXPECT_TRUE(merged.datasets[0].exists);
}

TEST(Merge, AnotherBeaconsDatasetsAddUpButMayNotPassForANodes) {
  auto foreign = [](const std::string& site, std::vector<DatasetAnswer> datasets) {
    NodeReply reply = Answered(site, std::move(datasets));
    reply.answer->minimum_count = 1;
    reply.foreign = true;
    return reply;
  };
  DatasetAnswer theirs{"EGAD00000000001", 0, "", true, 8, {}};
  const auto merged = Merge(Counting(),
                            {Answered("fi", {Dataset("FI", 20)}), foreign("other", {theirs}),
                             foreign("mirror", {theirs})},
                            5);
  EXPECT_EQ(merged.count, 28);  // a dataset that two serve counts once
  EXPECT_EQ(merged.datasets.size(), 2u);
  const auto forged = Merge(
      Counting(), {Answered("fi", {Dataset("FI", 20)}), foreign("other", {Dataset("ES", 50)})}, 5);
  EXPECT_EQ(forged.count, 20);
  EXPECT_EQ(forged.members[1].state, MemberState::kRefused);
}

// A Beacon that answered of nothing but what it was not asked said no "no".
TEST(Merge, NamesWhoCannotBeAsked) {
  const auto foreign = [](std::vector<DatasetAnswer> datasets, std::vector<NotAsked> not_asked) {
    NodeReply reply = Answered("other", std::move(datasets));
    reply.foreign = true;
    reply.answer->not_asked = std::move(not_asked);
    return reply;
  };
  const NotAsked said{"a site of its choice", "EGAD1", "QUERY_UNSUPPORTED", "no labels"};
  const NotAsked shown{"other", "EGAD1", "QUERY_UNSUPPORTED", "no labels"};
  const Answer none = Merge(Counting(), {Answered("fi", {Dataset("FI", 20)}), foreign({}, {said})}, 5);
  EXPECT_EQ(none.members[1].state, MemberState::kNotAsked);
  EXPECT_EQ(none.not_asked, std::vector{shown});
  EXPECT_EQ(none.count, 20);
  const Answer some = Merge(Counting(), {foreign({{"EGAD2", 0, "", true, 8, {}}}, {said, said})}, 5);
  EXPECT_EQ(some.members[0].state, MemberState::kAnswered);
  EXPECT_EQ(some.not_asked, std::vector{shown}) << "once";
  EXPECT_EQ(some.count, 8);
  // Of datasets that were not asked for nothing is said.
  Query other = Counting();
  other.datasets = {"EGAD2"};
  EXPECT_TRUE(Merge(other, {foreign({{"EGAD2", 0, "", true, 8, {}}}, {said})}, 5).not_asked.empty());
  // What a member said when it was asked alone is combined to the same.
  NodeReply alone{{"other", MemberState::kNotAsked, 3, 0}, Answer(), true};
  alone.answer->not_asked = {shown};
  EXPECT_EQ(Merge(Counting(), {alone}, 5).not_asked, std::vector{shown});
  alone.answer->not_asked.clear();
  EXPECT_EQ(Merge(Counting(), {alone}, 5).not_asked,
            (std::vector{NotAsked{"other", "", "QUERY_UNSUPPORTED", ""}}));
}

// Others' names and words are shown as far as they can be theirs, and can be shown.
TEST(Merge, WhatIsSaidOfTheNotAskedCannotPassForAnythingElse) {
  const auto said = [](NotAsked one, bool foreign) {
    NodeReply reply = Answered("es", {});
    reply.foreign = foreign;
    reply.answer->not_asked = {std::move(one)};
    return Merge(Counting(), {reply}, 5).not_asked.at(0);
  };
  const std::string word = "QUERY_UNSUPPORTED";
  EXPECT_EQ(said({"", "GOE-FI-A-1", word, ""}, true).dataset, "");
  EXPECT_EQ(said({"", "GOE-FI-A-1", word, ""}, false).dataset, "");
  EXPECT_EQ(said({"", "GOE-ES-A-1", word, ""}, false).dataset, "GOE-ES-A-1");
  EXPECT_EQ(said({"", std::string(300, 'x'), word, ""}, true).dataset, "");
  EXPECT_EQ(said({"", "A", "<b>", ""}, true).reason, word);
  EXPECT_EQ(said({"", "A", "RANGE_TOO_LONG", ""}, true).reason, "RANGE_TOO_LONG");
  for (const std::string& text : {std::string("\x1b[2J"), std::string("\xff"), std::string(501, 'x')})
    EXPECT_EQ(said({"", "A", word, text}, true).detail, "");
  EXPECT_EQ(said({"", "A", word, "not älter"}, true).detail, "not älter");
}

TEST(Merge, TheTotalIsAsPreciseAsItsLeastPrecisePart) {
  DatasetAnswer exact = Dataset("FI", 21), noisy = Dataset("ES", 40);
  noisy.precision = disclosure::Precision::kImprecise;
  noisy.adjusted_to = 10;
  const auto merged = Merge(Counting(), {Answered("es", {noisy}), Answered("fi", {exact})}, 5);
  EXPECT_EQ(merged.precision, disclosure::Precision::kImprecise);
  EXPECT_EQ(merged.adjusted_to, 1);
  EXPECT_EQ(Merge(Counting(), {Answered("es", {noisy})}, 5).adjusted_to, 10);
}

TEST(Merge, NamesWhoWentByAnotherTableOfFrequencies) {
  const TableName now{"GRCh38", 4, std::string(64, 'a'), 0.01},
      old{"GRCh38", 3, std::string(64, 'b'), 0.02};
  auto by = [](NodeReply reply, std::optional<TableName> table) {
    reply.answer->table = std::move(table);
    return reply;
  };
  Query rare = Counting();
  rare.variant = VariantPattern();
  rare.variant->below_frequency = 0.05;
  const auto merge = [&](const Query& query) {
    Answer merged = Merge(query,
                          {by(Answered("es", {Dataset("ES", 20)}), now),
                           by(Answered("fi", {Dataset("FI", 20)}), old),
                           by(Answered("no", {Dataset("NO", 20)}), std::nullopt),
                           by(Answered("pt", {}), std::nullopt),
                           {{"se", MemberState::kTimedOut, 2000, 0}, std::nullopt}},
                          5);
    NameTables(query, {{"GRCh37", {"GRCh37", 9, std::string(64, 'c'), 0.1}}, {"GRCh38", now}},
               merged);
    return merged;
  };
  const Answer merged = merge(rare);
  EXPECT_EQ(merged.network_tables, std::vector{now});
  EXPECT_EQ(merged.members[0].table, now);
  EXPECT_EQ(merged.members[1].table, old);
  const std::vector<bool> others = {false, true, true, false, false};
  for (std::size_t i = 0; i < others.size(); ++i)
    EXPECT_EQ(merged.members[i].other_table, others[i]) << merged.members[i].site;
  // Of other questions nothing is said, and what cannot be a table is a lie like others.
  const Answer other = merge(Counting());
  EXPECT_TRUE(other.network_tables.empty());
  EXPECT_EQ(other.members[0].table, std::nullopt);
  EXPECT_FALSE(other.members[1].other_table);
  for (const TableName& lie : {TableName{"GRCh38", 0, std::string(64, 'a'), 0.1},
                               {"T2T", 1, std::string(64, 'a'), 0.1},
                               {"GRCh38", 1, "a", 0.1},
                               {"GRCh38", 1, std::string(64, 'a'), 1.5}}) {
    EXPECT_EQ(Merge(rare, {by(Answered("es", {}), lie)}, 5).members[0].state,
              MemberState::kRefused);
  }
}

}  // namespace
}  // namespace genofed::discovery
