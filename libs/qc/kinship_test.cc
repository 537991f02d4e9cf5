// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/kinship.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "libs/core/file.h"
#include "libs/qc/testing_cohort.h"
#include "rapidcheck.h"

namespace genofed::qc {
namespace {

using Genotype = Fingerprints::Genotype;

// 10 sites: genotypes as counts of the alternative allele, "." missing.
Fingerprints Two(std::string_view a, std::string_view b) {
  std::vector<std::uint64_t> sites;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sites.push_back(
        DescribeSite("1", static_cast<std::int64_t>(i) * 10'000, "A", "G", kParGrch38).snv_key);
  }
  Fingerprints out(2, sites);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto set = [&](std::size_t person, char sign) {
      out.Set(person, i,
              sign == '0'   ? Genotype::kRef
              : sign == '1' ? Genotype::kHet
              : sign == '2' ? Genotype::kHom
                            : Genotype::kMissing);
    };
    set(0, a[i]);
    set(1, b[i]);
  }
  return out;
}

TEST(Kinship, CountsByHand) {
  const Fingerprints people = Two("0112210.1", "0120211..");
  const PairCounts counts = CountPair(people.Person(0), people.Person(1));
  EXPECT_EQ(counts.sites, 7U);     // all but the last two
  EXPECT_EQ(counts.same, 4U);      // sites 1, 2, 5 and 6
  EXPECT_EQ(counts.het_het, 2U);   // sites 2 and 6
  EXPECT_EQ(counts.opposite, 1U);  // site 4
  EXPECT_EQ(counts.het_a, 3U);     // its heterozygous last site is not called in the other
  EXPECT_EQ(counts.het_b, 3U);
  // (2 - 2 * 1) / (2 * 3) + 1/2 - (3 + 3) / (4 * 3) = 0
  EXPECT_DOUBLE_EQ(Kinship(counts).value(), 0);
}

TEST(Kinship, OfOneselfIsAHalf) {
  const Fingerprints people = Two("0112210.1", "0112210.1");
  EXPECT_DOUBLE_EQ(Kinship(CountPair(people.Person(0), people.Person(1))).value(), 0.5);
}

TEST(Kinship, IsUnknownWithoutHeterozygousSites) {
  const Fingerprints people = Two("0022", "0122");
  EXPECT_FALSE(Kinship(CountPair(people.Person(0), people.Person(1))).has_value());
}

// Manichaikul et al. 2010, table 1: powers of two.
TEST(Kinship, BoundsOfRelations) {
  EXPECT_EQ(RelationOf(0.36), Relation::kDuplicate);
  EXPECT_EQ(RelationOf(0.35), Relation::kFirstDegree);
  EXPECT_EQ(RelationOf(0.18), Relation::kFirstDegree);
  EXPECT_EQ(RelationOf(0.17), Relation::kSecondDegree);
  EXPECT_EQ(RelationOf(0.089), Relation::kSecondDegree);
  EXPECT_EQ(RelationOf(0.088), Relation::kUnrelated);
}

// 0 and 1 with the children 40 and 41; 42 is a child of 40 and 3; 43 is 20 again.
std::vector<SimulatedPerson> Family() {
  std::vector<SimulatedPerson> people = Founders(40);
  people.push_back({.sex = Sex::kFemale, .mother = 0, .father = 1});
  people.push_back({.sex = Sex::kMale, .mother = 0, .father = 1});
  people.push_back({.sex = Sex::kMale, .mother = 40, .father = 3});
  people.push_back({.sex = Sex::kFemale, .copy_of = 20, .missing = 0.06});
  return people;
}

Fingerprints PanelOf(const std::vector<SimulatedPerson>& people, std::uint64_t seed) {
  const auto sites = Simulation(people, seed).Sites(400, 0, 0, false);
  return Count(static_cast<std::uint32_t>(people.size()), sites).panel().Genotypes();
}

std::set<std::pair<std::size_t, std::size_t>> PairsOf(const Comparison& comparison,
                                                      Relation relation) {
  std::set<std::pair<std::size_t, std::size_t>> out;
  for (const RelatedPair& pair : comparison.found) {
    if (pair.relation == relation) out.emplace(pair.a, pair.b);
  }
  return out;
}

TEST(Compare, FindsTheFamilyAndTheCopy) {
  const Comparison within = CompareWithin(PanelOf(Family(), 3));
  EXPECT_TRUE(within.relatives);
  EXPECT_TRUE(within.complete);
  EXPECT_EQ(within.pairs, 44U * 43 / 2);
  EXPECT_EQ(within.compared, within.pairs);
  using testing::ElementsAre;
  using testing::Pair;
  EXPECT_THAT(PairsOf(within, Relation::kDuplicate), ElementsAre(Pair(20, 43)));
  EXPECT_THAT(PairsOf(within, Relation::kFirstDegree),
              ElementsAre(Pair(0, 40), Pair(0, 41), Pair(1, 40), Pair(1, 41), Pair(3, 42),
                          Pair(40, 41), Pair(40, 42)));
  EXPECT_THAT(PairsOf(within, Relation::kSecondDegree),
              ElementsAre(Pair(0, 42), Pair(1, 42), Pair(41, 42)));
  EXPECT_EQ(within.found.front().relation, Relation::kDuplicate);
}

TEST(Compare, FindsCopiesAmongTooManyForAllPairs) {
  const Comparison within = CompareWithin(PanelOf(Family(), 3), {.max_pairs = 900});
  EXPECT_FALSE(within.relatives);
  EXPECT_TRUE(within.complete);
  EXPECT_LT(within.compared, 20U);
  EXPECT_THAT(PairsOf(within, Relation::kDuplicate), testing::ElementsAre(testing::Pair(20, 43)));
}

TEST(Compare, SaysWhenCandidatesWereTooMany) {
  std::vector<SimulatedPerson> people = Founders(1);
  for (int i = 0; i < 60; ++i) people.push_back({.copy_of = 0});
  people.push_back({.sex = Sex::kMale});
  const Comparison within = CompareWithin(PanelOf(people, 4), {.max_pairs = 80});
  EXPECT_FALSE(within.complete);
  EXPECT_LE(within.compared, 80U);
}

TEST(Compare, NeedsEnoughSites) {
  const Comparison within = CompareWithin(Two("0112210.1", "0112210.1"));
  EXPECT_FALSE(within.enough_sites);
  EXPECT_EQ(within.compared, 0U);
}

// In a narrow region siblings and strangers are not told apart; the same person is.
TEST(Compare, ListsOnlyCopiesInANarrowRegion) {
  const Fingerprints whole = PanelOf(Family(), 3);
  const auto end = std::find_if(whole.sites().begin(), whole.sites().end(),
                                [](std::uint64_t key) { return ChromosomeOf(key) > 2; });
  const Comparison within = CompareWithin(whole.At({whole.sites().begin(), end}));
  EXPECT_FALSE(within.relatives);
  EXPECT_THAT(PairsOf(within, Relation::kDuplicate), testing::ElementsAre(testing::Pair(20, 43)));
  EXPECT_EQ(within.found.size(), 1U);
}

TEST(Compare, FindsPeopleOfAnEarlierBatch) {
  // One population, cut into an earlier batch of 30 and a later one of 22, of whom 8 were in both.
  std::vector<SimulatedPerson> all = Founders(44);
  for (int i = 0; i < 8; ++i)
    all.push_back({.sex = all[static_cast<std::size_t>(i) + 4].sex, .copy_of = i + 4});
  const auto sites = Simulation(all, 11).Sites(400, 0, 0, false);
  const auto part = [&](std::uint32_t from, std::uint32_t to) {
    Accumulator counts(to - from);
    for (const SimulatedSite& site : sites) {
      const auto rows = [&](const std::vector<std::uint32_t>& list) {
        std::vector<std::uint32_t> out;
        for (std::uint32_t row : list) {
          if (row >= from && row < to) out.push_back(row - from);
        }
        return out;
      };
      const auto het = rows(site.het), hom = rows(site.hom), nocall = rows(site.nocall);
      counts.AddSite(site.facts, {het, hom, {}, {}, nocall});
    }
    return counts.panel().Genotypes();
  };
  Fingerprints earlier = part(0, 30);
  const Fingerprints later = part(30, 52);
  for (const std::uint64_t max_pairs : {10'000U, 600U}) {  // all pairs, and by groups
    const Comparison found = CompareWith(later, earlier, {.max_pairs = max_pairs});
    EXPECT_GT(found.sites, 1000U);
    std::set<std::pair<std::size_t, std::size_t>> expected;
    for (std::size_t i = 0; i < 8; ++i) expected.emplace(14 + i, 4 + i);
    EXPECT_EQ(PairsOf(found, Relation::kDuplicate), expected) << max_pairs;
  }
  earlier.Forget(4);
  EXPECT_EQ(PairsOf(CompareWith(later, earlier), Relation::kDuplicate).size(), 7U);
}

class FingerprintFile : public testing::Test {
 protected:
  FingerprintFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gf-qc-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ / kFingerprintsFile;
  }
  ~FingerprintFile() override { std::filesystem::remove_all(directory_); }
  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(FingerprintFile, ReadsWhatItWrote) {
  const Fingerprints people = PanelOf(Family(), 3);
  ASSERT_TRUE(people.Save(path_).ok());
  EXPECT_EQ(std::filesystem::status(path_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const Result<Fingerprints> read = Fingerprints::Load(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, people);
  const Fingerprints nobody(0, {});
  ASSERT_TRUE(nobody.Save(path_).ok());
  EXPECT_EQ(Fingerprints::Load(path_).value(), nobody);
}

TEST_F(FingerprintFile, RefusesEveryChangedOrMissingByte) {
  ASSERT_TRUE(Two("0112210.1", "0120211..").Save(path_).ok());
  const std::string bytes = ReadFile(path_).value();
  ASSERT_TRUE(Fingerprints::Parse(bytes).ok());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(Reason(Fingerprints::Parse(changed).status()), "FINGERPRINTS_CORRUPT") << i;
    EXPECT_FALSE(Fingerprints::Parse(std::string_view(bytes).substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(Fingerprints::Parse(bytes + '\0').ok());
}

}  // namespace
}  // namespace genofed::qc
