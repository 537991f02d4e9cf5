// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/node_frequencies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/app/node_discovery.h"
#include "services/discovery/frequency_test_support.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;

constexpr std::uint32_t kRows = 80;
constexpr int kSites = 60;
constexpr std::int64_t kFloor = 5;
constexpr auto kSettle = std::chrono::seconds(10);

// Sites in two megabases; the further on, the more carriers.
std::vector<TestSite> SitesOf(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<TestSite> sites;
  for (int i = 0; i < kSites; ++i) {
    TestSite site;
    site.variant = {"20", 999'700 + 10 * i, "A", i % 2 == 0 ? "T" : "ACC"};
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const auto draw = random() % kSites;
      if (draw < static_cast<unsigned>(i) / 2)
        site.sets.het.push_back(row);
      else if (draw < static_cast<unsigned>(i) / 3 * 2)
        site.sets.hom.push_back(row);
      else if (draw == kSites - 1)
        site.sets.nocall.push_back(row);
    }
    sites.push_back(std::move(site));
  }
  return sites;
}

// A node with one dataset, in one process.
struct Node {
  Node(const std::string& site, FrequencyDesk& desk, disclosure::Policy policy, unsigned seed)
      : dataset("GOE-" + ToUpper(site) + "-A-1"),
        sites(SitesOf(seed)),
        mechanism(std::move(policy), std::string(32, 'k')),
        hub(desk, site),
        frequencies(view, versions, listing, mechanism, publications, tables, hub, clock, site,
                    kSettle),
        discovery(view, ToUpper(site), mechanism, nullptr, audit, clock, &frequencies) {
    consent.rows = {{dataset, kRows}};
    view.Put(Publish(dataset, 1));
    GF_CHECK(view.Refresh(ctx).ok());
  }

  std::shared_ptr<const Cohort> Publish(const std::string& name, std::int32_t version) {
    versions.all.push_back(WriteCohort(directory.path(), name, version, kRows, sites));
    auto cohort =
        FileCohortOpener(directory.path(), directory / "derived").Open(versions.all.back());
    GF_CHECK(cohort.ok());
    return *cohort;
  }
  void Withdraw(std::uint32_t from, std::uint32_t until, Permission permission) {
    for (std::uint32_t row = from; row < until; ++row) consent.withdrawn[permission].push_back(row);
    ++consent.epoch;
    GF_CHECK(view.Refresh(ctx).ok());
  }
  // Long enough for what is due to be published.
  Status PublishSettled() {
    GF_TRY(frequencies.Publish(ctx));
    clock.Advance(kSettle);
    return frequencies.Publish(ctx);
  }
  bool Counts(std::uint32_t row) const {
    const auto gone = consent.withdrawn.find(Permission::kAlleleFrequency);
    return gone == consent.withdrawn.end() ||
           std::find(gone->second.begin(), gone->second.end(), row) == gone->second.end();
  }
  // Definition: what the node should tell of a site, and how many people it counts.
  std::optional<std::int64_t> Copies(const TestSite& site) const {
    std::int64_t people = 0, carriers = 0, copies = 0, called = 0;
    auto in = [](const std::vector<std::uint32_t>& set, std::uint32_t row) {
      return std::find(set.begin(), set.end(), row) != set.end();
    };
    for (std::uint32_t row = 0; row < kRows; ++row) {
      if (!Counts(row)) continue;
      ++people;
      called += in(site.sets.nocall, row) ? 0 : 2;
      const int own = in(site.sets.het, row) ? 1 : in(site.sets.hom, row) ? 2 : 0;
      copies += own;
      carriers += own > 0 ? 1 : 0;
    }
    if (carriers < kFloor) return std::nullopt;
    return std::llround(static_cast<double>(copies) * 2 * static_cast<double>(people) /
                        static_cast<double>(called));
  }
  std::int64_t People() const {
    std::int64_t people = 0;
    for (std::uint32_t row = 0; row < kRows; ++row) people += Counts(row) ? 1 : 0;
    return people;
  }
  FrequencyTable Published() {
    return ReadTable(tables, publications.published.back().digest)->table;
  }
  std::vector<TableSite> PublishedSites() {
    std::vector<TableSite> all;
    for (const std::uint32_t megabase : {0U, 1U}) {
      const auto read = ReadSites(tables, Published(), "20", megabase);
      GF_CHECK(read.ok());
      all.insert(all.end(), read->begin(), read->end());
    }
    return all;
  }
  Result<Answer> Ask(double below) {
    Query query;
    VariantPattern pattern;
    pattern.form = VariantPattern::Form::kRange;
    pattern.contig = "20";
    pattern.start = 0;
    pattern.end = 1'000'900;
    pattern.below_frequency = below;
    query.variant = pattern;
    query.granularity = Granularity::kCount;
    return discovery.Run(ctx, query);
  }
  // Definition: carriers of those sites that `rarer` accepts.
  std::int64_t Carriers(const std::function<bool(const TestSite&)>& rarer) const {
    std::set<std::uint32_t> people;
    for (const TestSite& site : sites) {
      if (!rarer(site)) continue;
      for (const auto* set : {&site.sets.het, &site.sets.hom}) {
        for (const std::uint32_t row : *set) {
          if (Counts(row)) people.insert(row);
        }
      }
    }
    return static_cast<std::int64_t>(people.size());
  }

  const Context ctx = Context::Background();
  const std::string dataset;
  const std::vector<TestSite> sites;
  testing::TemporaryDirectory directory;
  testing::FakeClock clock;
  const disclosure::Mechanism mechanism;
  FakeConsent consent;
  FakeListing listing;
  FakePublicationStore versions;
  ConsentView view{consent, listing, mechanism, std::chrono::hours(1)};
  FakeAuditStore audit_store;
  DisclosureAudit audit{audit_store};
  MemoryTables tables;
  MemoryPublications publications;
  DeskHub hub;
  NodeFrequencies frequencies;
  NodeDiscovery discovery;
};

class NodeFrequenciesTest : public ::testing::Test {
 protected:
  void ShipOnce(std::vector<Node*> nodes) {
    for (Node* node : nodes) ASSERT_TRUE(node->PublishSettled().ok());
    for (Node* node : nodes) ASSERT_TRUE(node->frequencies.Exchange(ctx_).ok());
    ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
    for (Node* node : nodes) {
      const Status status = node->frequencies.Exchange(ctx_);
      ASSERT_TRUE(status.ok()) << Describe(status);
      ASSERT_TRUE(node->frequencies.Apply(ctx_).ok());
    }
  }
  // The same sum, by definition.
  std::optional<double> Frequency(const TestSite& site, std::vector<Node*> nodes) {
    std::int64_t copies = 0, chromosomes = 0;
    bool told = false;
    for (Node* node : nodes) {
      chromosomes += 2 * node->People();
      for (const TestSite& own : node->sites) {
        if (own.variant != site.variant) continue;
        const auto count = node->Copies(own);
        told = told || count.has_value();
        copies += count.value_or(0);
      }
    }
    if (!told) return std::nullopt;
    return static_cast<double>(copies) / static_cast<double>(chromosomes);
  }

  const Context ctx_ = Context::Background();
  MemoryTables at_hub_;
  FrequencyDesk desk_{at_hub_, {"es", "fi"}};
};

TEST_F(NodeFrequenciesTest, PublishesCopiesOfPeopleWhoPermitAboveTheFloor) {
  Node fi("fi", desk_, FloorOfFive(), 1);
  fi.Withdraw(0, 9, Permission::kAlleleFrequency);
  ASSERT_TRUE(fi.PublishSettled().ok());
  const FrequencyTable table = fi.Published();
  EXPECT_EQ(table.source, "fi");
  EXPECT_EQ(table.chromosomes, 2 * (kRows - 9));
  EXPECT_EQ(table.least, 2 * kFloor);
  std::map<genomics::Variant, std::int64_t> told;
  for (const TableSite& site : fi.PublishedSites())
    told[{"20", site.position, site.ref, site.alt}] = site.copies;
  std::map<genomics::Variant, std::int64_t> expected;
  for (const TestSite& site : fi.sites) {
    if (const auto copies = fi.Copies(site)) expected[site.variant] = *copies;
  }
  EXPECT_EQ(told, expected);
  EXPECT_GT(expected.size(), 30U);
  EXPECT_LT(expected.size(), fi.sites.size()) << "some site must be below the floor";
}

TEST_F(NodeFrequenciesTest, RarerThanMeansTheSameAtAllNodes) {
  Node fi("fi", desk_, FloorOfFive(), 1), es("es", desk_, FloorOfFive(), 2);
  ShipOnce({&fi, &es});
  const TableName name = desk_.Current().at("GRCh38");
  // 2 * 5 of 160 at both: what is not in the table is rarer than 1/16.
  EXPECT_EQ(name.resolution, 0.0625);
  for (Node* node : {&fi, &es}) {
    for (const double below : {0.0625, 0.1, 0.2, 0.3, 0.5, 1.0}) {
      const auto answer = node->Ask(below);
      ASSERT_TRUE(answer.ok()) << Describe(answer.status());
      EXPECT_EQ(answer->table, name);
      const std::int64_t expected = node->Carriers([&](const TestSite& site) {
        const auto frequency = Frequency(site, {&fi, &es});
        return !frequency || static_cast<float>(*frequency) < static_cast<float>(below);
      });
      EXPECT_EQ(answer->count, expected < kFloor ? 0 : expected) << below;
    }
  }
}

TEST_F(NodeFrequenciesTest, QuestionsAboutAnythingElseNameNoTable) {
  Node fi("fi", desk_, FloorOfFive(), 1);
  EXPECT_EQ(fi.Ask(0.5)->table, std::nullopt);
  ShipOnce({&fi});
  EXPECT_NE(fi.Ask(0.5)->table, std::nullopt);
  EXPECT_EQ(fi.Ask(std::numeric_limits<double>::infinity())->table, std::nullopt);
}

TEST_F(NodeFrequenciesTest, FewPeopleMakeNoNewVersion) {
  disclosure::Policy policy = FloorOfFive();
  policy.batch = 20;
  Node fi("fi", desk_, policy, 1);
  ASSERT_TRUE(fi.PublishSettled().ok());
  ASSERT_EQ(fi.publications.published.size(), 1U);
  fi.Withdraw(0, 19, Permission::kAlleleFrequency);
  ASSERT_TRUE(fi.PublishSettled().ok());
  EXPECT_EQ(fi.publications.published.size(), 1U);
  // These are not counted in frequencies.
  fi.Withdraw(30, 60, Permission::kSubjectLevelQuery);
  ASSERT_TRUE(fi.PublishSettled().ok());
  EXPECT_EQ(fi.publications.published.size(), 1U);
  fi.Withdraw(19, 20, Permission::kAlleleFrequency);
  ASSERT_TRUE(fi.PublishSettled().ok());
  ASSERT_EQ(fi.publications.published.size(), 2U);
  EXPECT_EQ(fi.Published().chromosomes, 2 * (kRows - 20));
}

TEST_F(NodeFrequenciesTest, NoMoreVersionsThanThePolicyAllowsWithinItsDays) {
  disclosure::Policy policy = FloorOfFive();
  policy.table_versions = 2;
  Node fi("fi", desk_, policy, 1);
  for (std::uint32_t row = 0; row < 4; ++row) {
    ASSERT_TRUE(fi.PublishSettled().ok());
    EXPECT_EQ(fi.publications.published.size(), std::min<std::size_t>(row + 1, 2));
    fi.Withdraw(row, row + 1, Permission::kAlleleFrequency);
  }
  fi.clock.Advance(std::chrono::days(policy.budget_days));
  ASSERT_TRUE(fi.PublishSettled().ok());
  EXPECT_EQ(fi.publications.published.size(), 3U);
}

TEST_F(NodeFrequenciesTest, WhatIsAboutToChangeIsNotPublished) {
  Node fi("fi", desk_, FloorOfFive(), 1);
  ASSERT_TRUE(fi.frequencies.Publish(ctx_).ok());
  fi.clock.Advance(kSettle - std::chrono::seconds(1));
  fi.Withdraw(0, 1, Permission::kAlleleFrequency);
  ASSERT_TRUE(fi.frequencies.Publish(ctx_).ok());
  fi.clock.Advance(std::chrono::seconds(2));
  ASSERT_TRUE(fi.frequencies.Publish(ctx_).ok());
  EXPECT_TRUE(fi.publications.published.empty());
  fi.clock.Advance(kSettle);
  ASSERT_TRUE(fi.frequencies.Publish(ctx_).ok());
  EXPECT_EQ(fi.publications.published.size(), 1U);
}

// Two processes of a node, of which one opens and hears things later.
TEST_F(NodeFrequenciesTest, AReplicaThatLagsPublishesNothingAgainstTheOther) {
  Node fi("fi", desk_, FloorOfFive(), 1);
  const std::string other = fi.dataset + "1";
  fi.consent.rows[other] = kRows;
  ConsentView behind(fi.consent, fi.listing, fi.mechanism, std::chrono::hours(1));
  NodeFrequencies lagging(behind, fi.versions, fi.listing, fi.mechanism, fi.publications, fi.tables,
                          fi.hub, fi.clock, "fi", kSettle);
  const auto rounds = [&] {
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(lagging.Publish(ctx_).ok());
      ASSERT_TRUE(fi.PublishSettled().ok());
      ASSERT_TRUE(lagging.Publish(ctx_).ok());
      fi.clock.Advance(kSettle);
    }
  };
  behind.Put((*fi.view.Current())->holdings.at(fi.dataset).cohort);
  ASSERT_TRUE(behind.Refresh(ctx_).ok());
  const auto first = fi.Publish(other, 1);
  fi.view.Put(first);
  ASSERT_TRUE(fi.view.Refresh(ctx_).ok());
  rounds();
  ASSERT_EQ(fi.publications.published.size(), 1U);
  EXPECT_EQ(fi.publications.published.back().counted.size(), 2U);
  // The next version is listed in the place of the first, and the other one has opened neither.
  const auto second = fi.Publish(other, 2);
  fi.view.Put(second);
  fi.listing.unlisted = {{other, 1}};
  ASSERT_TRUE(fi.view.Refresh(ctx_).ok());
  ASSERT_TRUE(behind.Refresh(ctx_).ok());
  rounds();
  EXPECT_EQ(fi.publications.published.size(), 1U);
  behind.Put(second);
  ASSERT_TRUE(behind.Refresh(ctx_).ok());
  rounds();
  EXPECT_EQ(fi.publications.published.size(), 1U);
  // Somebody withdrew, and the other one hears of it a moment later.
  fi.Withdraw(0, 1, Permission::kAlleleFrequency);
  ASSERT_TRUE(fi.PublishSettled().ok());
  ASSERT_TRUE(lagging.Publish(ctx_).ok());
  ASSERT_TRUE(behind.Refresh(ctx_).ok());
  rounds();
  EXPECT_EQ(fi.publications.published.size(), 2U);
}

// Whoever is overtaken again and again still leaves what was published under its name.
TEST_F(NodeFrequenciesTest, WhatIsPublishedKeepsItsName) {
  Node fi("fi", desk_, FloorOfFive(), 1);
  ASSERT_TRUE(fi.PublishSettled().ok());
  const std::string published = fi.publications.published.back().digest;
  for (std::uint32_t row = 0; row < 4; ++row) {
    fi.Withdraw(row, row + 1, Permission::kAlleleFrequency);
    fi.publications.overtaken = true;
    EXPECT_THAT(fi.PublishSettled(), HasReason("TABLE_OVERTAKEN"));
  }
  const auto& named = fi.tables.names["own-GRCh38"];
  EXPECT_EQ(named.size(), 3U);
  EXPECT_NE(std::find(named.begin(), named.end(), published), named.end());
}

// The product's default says nothing; a policy with noise keeps its rules.
TEST_F(NodeFrequenciesTest, NoiseAndTheDefault) {
  Node quiet("es", desk_, disclosure::Policy(), 1);
  ASSERT_TRUE(quiet.PublishSettled().ok());
  EXPECT_TRUE(quiet.publications.published.empty());
  disclosure::Policy policy;
  policy.table = true;
  policy.table_auc = 0.999;
  policy.table_versions = 1;
  Node fi("fi", desk_, policy, 1);
  ASSERT_TRUE(fi.PublishSettled().ok());
  const FrequencyTable table = fi.Published();
  EXPECT_GT(table.least, 2 * kFloor);
  EXPECT_EQ(table.chromosomes % 20, 0) << "two for each of a rounded number of people";
  int exact = 0, told = 0;
  for (const TableSite& site : fi.PublishedSites()) {
    EXPECT_GE(site.copies, table.least);
    ++told;
    for (const TestSite& own : fi.sites)
      exact += own.variant.pos == site.position && fi.Copies(own) == site.copies ? 1 : 0;
  }
  EXPECT_GT(told, 5);
  EXPECT_LT(exact, told / 2);
}

TEST_F(NodeFrequenciesTest, AHubThatLiesIsRefusedAndTheTableStays) {
  Node fi("fi", desk_, FloorOfFive(), 1), es("es", desk_, FloorOfFive(), 2);
  ShipOnce({&fi, &es});
  const TableName first = desk_.Current().at("GRCh38");
  es.Withdraw(0, 10, Permission::kAlleleFrequency);
  ASSERT_TRUE(es.PublishSettled().ok());
  ASSERT_TRUE(es.frequencies.Exchange(ctx_).ok());
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  const TableName second = desk_.Current().at("GRCh38");
  ASSERT_EQ(second.number, 2);
  const std::string text = *desk_.Text(second.digest);
  const auto named = [](const std::string& content, std::int64_t number = 2) {
    return TableName{"GRCh38", number, DigestOf(content), 0};
  };
  auto refused = [&] {
    const Status status = fi.frequencies.Exchange(ctx_);
    EXPECT_TRUE(fi.frequencies.Apply(ctx_).ok());
    EXPECT_EQ(fi.Ask(0.5)->table, first);
    return status;
  };
  fi.hub.text = text.substr(0, text.size() / 2);  // cut off
  EXPECT_THAT(refused(), HasReason("TABLE_REFUSED"));
  fi.hub.offered = named(*fi.hub.text);  // and named so
  EXPECT_THAT(refused(), HasReason("TABLE_REFUSED"));
  // Another text under its own digest, with pages that are not what it says.
  std::string changed = text;
  changed.replace(changed.find("least 20"), 8, "least 21");
  fi.hub.text = changed;
  fi.hub.offered = named(changed, 3);  // number
  EXPECT_THAT(refused(), HasReason("TABLE_REFUSED"));
  // A table of ours that is not ours.
  const std::string ours = fi.publications.published.back().digest;
  changed = text;
  changed.replace(changed.find(ours), 64, DigestOf("invented"));
  fi.hub.text = changed;
  fi.hub.offered = named(changed);
  EXPECT_THAT(refused(), HasReason("TABLE_REFUSED"));
  // Of an assembly that is not known.
  fi.hub.offered->assembly = "../../x";
  EXPECT_THAT(refused(), HasReason("TABLE_REFUSED"));
  fi.hub.text.reset();
  fi.hub.offered.reset();
  // Pages.
  fi.hub.page = "1\tA\tC\t9\n";
  EXPECT_THAT(refused(), HasReason("TABLE_REFUSED"));
  fi.hub.page = "";
  EXPECT_THAT(refused(), HasReason("TABLE_REFUSED"));
  fi.hub.page.reset();
  ASSERT_TRUE(fi.frequencies.Exchange(ctx_).ok());
  ASSERT_TRUE(fi.frequencies.Apply(ctx_).ok());
  EXPECT_EQ(fi.Ask(0.5)->table, second);
  EXPECT_EQ(fi.tables.names["network-GRCh38"], (std::vector{second.digest, first.digest}));
}

TEST_F(NodeFrequenciesTest, PagesThatAreThereAreNotFetchedAgain) {
  Node fi("fi", desk_, FloorOfFive(), 1);
  ShipOnce({&fi});
  // The sum of one table has its pages.
  EXPECT_EQ(fi.hub.pages_fetched, 0);
  EXPECT_EQ(fi.hub.tables_fetched, 1);
  ASSERT_TRUE(fi.frequencies.Exchange(ctx_).ok());
  EXPECT_EQ(fi.hub.tables_fetched, 1);
}

TEST_F(NodeFrequenciesTest, ADamagedTableIsReplacedByTheOneBefore) {
  Node fi("fi", desk_, FloorOfFive(), 1), es("es", desk_, FloorOfFive(), 2);
  ShipOnce({&fi, &es});
  const TableName first = desk_.Current().at("GRCh38");
  es.Withdraw(0, 10, Permission::kAlleleFrequency);
  ShipOnce({&fi, &es});
  const TableName second = desk_.Current().at("GRCh38");
  // After a restart.
  const std::string page = ParseTable(fi.tables.content[second.digest])->pages[0].sha256;
  fi.tables.content[page] = "damaged";
  NodeFrequencies again(fi.view, fi.versions, fi.listing, fi.mechanism, fi.publications, fi.tables,
                        fi.hub, fi.clock, "fi", kSettle);
  const auto cohort = (*fi.view.Current())->holdings.at(fi.dataset).cohort;
  EXPECT_FALSE(again.Apply(ctx_).ok());
  ASSERT_NE(again.For(*cohort), nullptr);
  EXPECT_EQ(again.For(*cohort)->name, first);
  // And mended by the hub.
  ASSERT_TRUE(again.Exchange(ctx_).ok());
  ASSERT_TRUE(again.Apply(ctx_).ok());
  EXPECT_EQ(again.For(*cohort)->name, second);
}

TEST(ChangedPeople, CountsWhoIsInOneAndNotInTheOther) {
  const CountedByDataset before = {{"A", {1, std::string("\x0f\x01", 2)}}, {"B", {1, "\x03"}}};
  EXPECT_EQ(ChangedPeople(before, before), 0);
  EXPECT_EQ(ChangedPeople({}, before), 7);
  EXPECT_EQ(ChangedPeople(before, {{"A", {2, std::string("\x0e\x01", 2)}}}), 3);
  EXPECT_EQ(ChangedPeople(before, {{"A", {2, "\x0f"}}, {"C", {1, "\x01"}}}), 4);
}

}  // namespace
}  // namespace genofed::discovery
