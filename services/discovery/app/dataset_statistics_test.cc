// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/dataset_statistics.h"

#include <gtest/gtest.h>

#include "libs/disclosure/budget.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/file_people_reader.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using genomics::Individual;
using genomics::Sex;
using testing::HasReason;
using testing::IsOk;

class FakeStatisticsStore final : public StatisticsStore {
 public:
  Result<std::optional<Statistics>> Find(const Context&, const std::string& dataset,
                                         std::int32_t version) override {
    const auto found = kept.find({dataset, version});
    return found == kept.end() ? std::optional<Statistics>() : found->second;
  }
  Result<Statistics> Keep(const Context&, const std::string& dataset, std::int32_t version,
                          const Statistics& statistics) override {
    return kept.try_emplace({dataset, version}, statistics).first->second;
  }
  std::map<DatasetVersion, Statistics> kept;
};

constexpr const char* kDataset = "GOE-FI-A-1";

class DatasetStatisticsTest : public ::testing::Test {
 protected:
  // Publishes people under a policy and asks for their numbers.
  Result<Statistics> Publish(const std::vector<Individual>& people,
                             const disclosure::Policy& policy) {
    mechanism_.emplace(policy, std::string(32, 'k'));
    view_.emplace(consent_, listing_, *mechanism_, std::chrono::hours(1));
    budgets_.emplace(budget_store_, clock_);
    statistics_.emplace(*mechanism_, policy.HasBudget() ? &*budgets_ : nullptr, *view_,
                        publications_, reader_, store_);
    const auto rows = static_cast<std::uint32_t>(people.size());
    const Publication publication = WriteCohort(dir_.path(), kDataset, 1, rows, {}, people);
    GF_TRY(publications_.Add(ctx_, publication));
    FileCohortOpener opener(dir_.path(), dir_ / "derived");
    GF_ASSIGN(const auto cohort, opener.Open(publication));
    view_->Put(cohort);
    consent_.rows[kDataset] = rows;
    return Ask(rows);
  }
  Result<Statistics> Ask(std::int64_t people) {
    return statistics_->Run(ctx_, kDataset, 1, people);
  }

  static std::map<std::string, std::int64_t> Of(const Statistics& statistics,
                                                const std::string& dimension) {
    std::map<std::string, std::int64_t> out;
    for (const PeopleGroup& group : statistics.groups) {
      if (group.dimension == dimension) out[group.id] = group.individuals;
    }
    return out;
  }

  const Context ctx_ = Context::Background();
  testing::TemporaryDirectory dir_;
  testing::FakeClock clock_;
  FakeConsent consent_;
  FakeListing listing_;
  FakePublicationStore publications_;
  FakeStatisticsStore store_;
  FakeBudgetStore budget_store_;
  FilePeopleReader reader_{dir_.path()};
  std::optional<disclosure::Mechanism> mechanism_;
  std::optional<ConsentView> view_;
  std::optional<Budgets> budgets_;
  std::optional<DatasetStatistics> statistics_;
};

using Counts = std::map<std::string, std::int64_t>;

// 60 people: 36 women and 21 men and 3 of whom it is not known; 30 are 20 years old, 27 are 70, of
// 3 the age is unknown. 40 have seizures (nervous system, HP:0000707), 4 a cleft palate (head or
// neck, HP:0000152).
std::vector<Individual> SixtyPeople() {
  std::vector<Individual> people(60);
  for (std::size_t i = 0; i < people.size(); ++i) {
    people[i].sex = i < 36 ? Sex::kFemale : i < 57 ? Sex::kMale : Sex::kUnknown;
    if (i < 57) people[i].age_months = i % 19 < 10 ? 20 * 12 : 70 * 12;
    if (i < 40) people[i].terms = {"HP:0001250"};
    if (i >= 56) people[i].terms = {"HP:0000175"};
  }
  return people;
}

TEST_F(DatasetStatisticsTest, ASmallGroupIsNotToldAndCannotBeComputed) {
  auto told = Publish(SixtyPeople(), FloorOfFive());
  ASSERT_THAT(told, IsOk());
  EXPECT_EQ(told->individuals, 60);
  // 60 - 36 - 21 would be the three: the men are not told, either.
  EXPECT_EQ(Of(*told, "sex"), (Counts{{"NCIT:C16576", 36}}));
  EXPECT_EQ(Of(*told, "age"), (Counts{{"P18Y-P39Y", 30}}));
  EXPECT_EQ(Of(*told, "phenotype"), (Counts{{"HP:0000707", 40}}));
}

TEST_F(DatasetStatisticsTest, WhoDoesNotPermitQuestionsIsInNoGroup) {
  for (std::uint32_t row = 0; row < 10; ++row)
    consent_.withdrawn[Permission::kSubjectLevelQuery].push_back(row);
  auto told = Publish(SixtyPeople(), FloorOfFive());
  ASSERT_THAT(told, IsOk());
  EXPECT_EQ(told->individuals, 60);
  EXPECT_EQ(Of(*told, "phenotype"), (Counts{{"HP:0000707", 30}}));
}

TEST_F(DatasetStatisticsTest, ItIsDecidedOnce) {
  auto first = Publish(SixtyPeople(), FloorOfFive());
  ASSERT_THAT(first, IsOk());
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {0, 1, 2};
  ++consent_.epoch;
  EXPECT_EQ(*Ask(60), *first);
  EXPECT_EQ(*Ask(61), *first);
}

TEST_F(DatasetStatisticsTest, FolderVersionsHaveATotalAlone) {
  ASSERT_THAT(Publish(SixtyPeople(), FloorOfFive()), IsOk());
  const auto folder = statistics_->Run(ctx_, "GDI-FI-BEACON-1", 1, 44);
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->individuals, 44);
  EXPECT_TRUE(folder->groups.empty());
  EXPECT_EQ(statistics_->Run(ctx_, "GDI-FI-BEACON-2", 1, 4)->individuals, 0);
  EXPECT_THAT(statistics_->Run(ctx_, "GDI-FI-BEACON-3", 1, -4), HasReason("FIELD_INVALID"));
}

// At the product's own settings: noisy, the same as Beacon says, and never dearer than a quarter of
// a budget.
TEST_F(DatasetStatisticsTest, TakesAQuarterOfTheBudgetAtMost) {
  std::vector<Individual> people(20'000);
  for (std::size_t i = 0; i < people.size(); ++i) {
    people[i].sex = i % 2 == 0 ? Sex::kFemale : Sex::kMale;
    people[i].age_months = (i % 80) * 12;
    if (i % 10 == 0) people[i].terms = {"HP:0001250"};
  }
  const disclosure::Policy policy;
  auto told = Publish(people, policy);
  ASSERT_THAT(told, IsOk());
  const Counts sexes = Of(*told, "sex");
  ASSERT_EQ(sexes.size(), 2u);
  const auto holding = view_->Prepare(ctx_, kDataset, 1);
  Query query;
  query.entity = Entity::kIndividual;
  query.filters = {{Filter{"NCIT:C16576"}}};
  EXPECT_EQ(sexes.at("NCIT:C16576"),
            mechanism_->Count({holding->state, Canonical(query)}, {10'000, 20'000}, true).count);
  double charged = 0;
  for (const Spending& spending : budget_store_.charged[std::string(kCatalogueAccount)])
    charged += spending.nats;
  EXPECT_GT(charged, 0);
  EXPECT_LE(charged, disclosure::BudgetOf(policy) / 4);
}

TEST_F(DatasetStatisticsTest, WhatWouldCostTooMuchIsLeftOut) {
  std::vector<Individual> people(60);
  for (std::size_t i = 0; i < people.size(); ++i) people[i].age_months = 20 * 12;
  auto told = Publish(people, disclosure::Policy());
  ASSERT_THAT(told, IsOk());
  double charged = 0;
  for (const Spending& spending : budget_store_.charged[std::string(kCatalogueAccount)])
    charged += spending.nats;
  EXPECT_LE(charged, disclosure::BudgetOf(disclosure::Policy()) / 4);
  EXPECT_TRUE(Of(*told, "phenotype").empty());
}

TEST_F(DatasetStatisticsTest, WhatCannotBeChargedIsNotTold) {
  budget_store_.up = false;
  EXPECT_THAT(Publish(SixtyPeople(), disclosure::Policy()), HasReason("BUDGET_UNKNOWN"));
  EXPECT_TRUE(store_.kept.empty());
}

}  // namespace
}  // namespace genofed::discovery
