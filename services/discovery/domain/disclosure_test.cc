// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/disclosure.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace genofed::discovery {
namespace {

// Every population up to 40, every floor up to 10, every number of matches.
template <typename Visit>
void ForAll(Visit visit) {
  for (std::int64_t floor = 1; floor <= 10; ++floor) {
    for (std::int64_t population = 0; population <= 40; ++population) visit(population, floor);
  }
}

TEST(Disclose, NeverSaysANumberBelowTheFloorAndNeverExistsWithoutACount) {
  ForAll([](std::int64_t n, std::int64_t k) {
    for (bool subject_level : {false, true}) {
      for (std::int64_t c = 0; c <= n; ++c) {
        const Disclosed said = Disclose(c, n, k, subject_level);
        EXPECT_TRUE(said.count == 0 || said.count >= k);
        EXPECT_EQ(said.exists(), said.count > 0);
        EXPECT_EQ(said.suppressed, said.count != c);
        EXPECT_LE(said.count, n);
      }
    }
  });
}

TEST(Disclose, OfSubjectsNeverLeavesAFewOut) {
  ForAll([](std::int64_t n, std::int64_t k) {
    for (std::int64_t c = 0; c <= n; ++c) {
      const std::int64_t rest = n - Disclose(c, n, k, true).count;
      EXPECT_TRUE(rest == 0 || rest == n || rest >= k) << c << " of " << n;
    }
  });
}

TEST(Disclose, OneAnswerStandsForAllSmallNumbersAndOneForAllNearlyFullOnes) {
  ForAll([](std::int64_t n, std::int64_t k) {
    std::map<std::int64_t, std::set<std::int64_t>> truths;  // answer -> what may be behind it
    for (std::int64_t c = 0; c <= n; ++c) truths[Disclose(c, n, k, true).count].insert(c);
    for (const auto& [answer, behind] : truths) {
      if (answer == 0) {
        EXPECT_EQ(behind.size(), static_cast<std::size_t>(std::min(n + 1, k)));
      } else if (answer == n && n >= 2 * k - 1) {
        EXPECT_EQ(behind.size(), static_cast<std::size_t>(k));
      } else if (answer != n) {
        EXPECT_EQ(behind, std::set<std::int64_t>{answer});
      }
    }
  });
}

TEST(Disclose, IsMonotoneAndExactInTheMiddle) {
  ForAll([](std::int64_t n, std::int64_t k) {
    std::int64_t before = 0;
    for (std::int64_t c = 0; c <= n; ++c) {
      const std::int64_t said = Disclose(c, n, k, true).count;
      EXPECT_GE(said, before);
      if (c >= k && n - c >= k) {
        EXPECT_EQ(said, c);
      }
      before = said;
    }
  });
}

TEST(Disclose, HandExamples) {
  EXPECT_EQ(Disclose(4, 100, 5, true).count, 0);
  EXPECT_EQ(Disclose(5, 100, 5, true).count, 5);
  EXPECT_EQ(Disclose(95, 100, 5, true).count, 95);
  EXPECT_EQ(Disclose(96, 100, 5, true).count, 100);
  EXPECT_EQ(Disclose(96, 100, 5, false).count, 96);
  EXPECT_EQ(Disclose(4, 4, 5, true).count, 0);  // a dataset that is small itself says nothing
}

TEST(DiscloseAllele, MentionsOnlyAllelesAndGenotypesOfEnoughPeople) {
  for (std::int64_t k = 1; k <= 6; ++k) {
    for (std::int64_t hom = 0; hom <= 8; ++hom) {
      for (std::int64_t het = 0; het <= 8; ++het) {
        for (std::int64_t hemi = 0; hemi <= 8; ++hemi) {
          const GenotypeCounts truth{het + 2 * hom + hemi, 60, het + hom + hemi, hom, het, hemi};
          const DisclosedAllele said = DiscloseAllele(truth, k);
          ASSERT_EQ(said.disclosed, truth.carriers >= k);
          if (!said.disclosed) {
            ASSERT_EQ(said.counts, GenotypeCounts());
            continue;
          }
          ASSERT_EQ(said.counts.allele_count, truth.allele_count);
          for (auto people :
               {said.counts.homozygotes, said.counts.heterozygotes, said.counts.hemizygotes}) {
            ASSERT_TRUE(people == 0 || people >= k);
          }
          // Two of three groups would give the third away: all or none.
          ASSERT_TRUE(said.suppressed || said.counts == truth);
          if (said.suppressed) {
            ASSERT_EQ(said.counts.homozygotes + said.counts.heterozygotes + said.counts.hemizygotes,
                      0);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace genofed::discovery
