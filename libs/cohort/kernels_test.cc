// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/kernels.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "libs/cohort/tile_layout.h"

namespace genofed::cohort {
namespace {

// Every kernel against loops over single rows, for sizes around the widths of registers.
TEST(KernelsTest, AllAgreeWithSingleRows) {
  std::mt19937_64 rng(1);
  for (const std::uint32_t n_rows : {1U, 63U, 64U, 300U, 511U, 512U, 1000U, 5000U}) {
    for (const unsigned sparse : {1U, 3U, 40U}) {
      const std::size_t words = (n_rows + 63) / 64;
      auto draw = [&](unsigned one_in) {
        std::vector<std::uint64_t> set(words);
        for (std::uint32_t row = 0; row < n_rows; ++row) {
          if (rng() % one_in == 0) set[row / 64] |= 1ULL << (row % 64);
        }
        return set;
      };
      auto has = [](const std::vector<std::uint64_t>& set, std::uint32_t row) {
        return (set[row / 64] >> (row % 64) & 1) != 0;
      };
      const auto a = draw(sparse), b = draw(2), c = draw(3);
      std::vector<std::uint32_t> rows, expected;  // in no order, some twice
      for (std::uint32_t i = 0; i < n_rows; ++i)
        rows.push_back(static_cast<std::uint32_t>(rng() % n_rows));
      for (const std::uint32_t row : rows) {
        if (has(a, row)) expected.push_back(row);
      }
      std::vector<cohort::Run> runs;
      for (const std::uint32_t row : rows)
        runs.push_back(
            cohort::Run::Of(row, static_cast<std::uint32_t>(rng() % 1024), 1023, 1 + row % 2));
      std::uint64_t both = 0, selected = 0;
      for (std::uint32_t row = 0; row < n_rows; ++row) {
        both += has(a, row) && has(b, row);
        selected += has(a, row) && has(b, row) && !has(c, row);
      }
      // Pages of many members and of few, of which several are looked at together.
      struct Paged {
        std::vector<std::uint8_t> bytes;
        std::uint64_t in_a = 0;
      };
      std::vector<Paged> paged;
      for (const unsigned one_in : {2U, 9U, 15U, 18U, 60U, 400U}) {
        const auto members = draw(one_in);
        Paged& pages = paged.emplace_back();
        pages.bytes.resize(PageCount(n_rows));
        for (std::uint32_t row = 0; row < n_rows; ++row) {
          if (row % 256 == 255 || !has(members, row)) continue;
          ++pages.bytes[row / 256];
          pages.bytes.push_back(static_cast<std::uint8_t>(row % 256));
          pages.in_a += has(a, row);
        }
      }
      for (const Kernels& kernels : AvailableKernels()) {
        SCOPED_TRACE(kernels.name);
        EXPECT_EQ(kernels.count_and(a.data(), b.data(), words), both);
        std::vector<std::uint64_t> out(words);
        const std::vector<const std::uint64_t*> in = {a.data(), b.data()};
        EXPECT_EQ(kernels.intersect(in, c.data(), out.data(), words), selected);
        for (std::uint32_t row = 0; row < n_rows; ++row)
          ASSERT_EQ(has(out, row), has(a, row) && has(b, row) && !has(c, row));
        out = c;
        kernels.mark_and(a.data(), b.data(), out.data(), words);
        for (std::uint32_t row = 0; row < n_rows; ++row)
          ASSERT_EQ(has(out, row), has(c, row) || (has(a, row) && has(b, row)));
        EXPECT_EQ(kernels.count_rows(rows.data(), rows.size(), a.data()), expected.size());
        for (const Paged& pages : paged) {
          EXPECT_EQ(kernels.count_pages(pages.bytes.data(), n_rows, a.data()), pages.in_a);
          EXPECT_EQ(kernels.count_pages_and(pages.bytes.data(), b.data(), n_rows, a.data()),
                    std::pair(pages.in_a, both));
        }
        std::vector<std::uint64_t> bits((rows.size() + 63) / 64 + 1, ~0ULL);
        kernels.test_rows(rows.data(), rows.size(), a.data(), bits.data());
        EXPECT_EQ(bits.back(), ~0ULL) << "written beyond the rows";
        for (std::uint32_t i = 0; i < rows.size(); ++i) ASSERT_EQ(has(bits, i), has(a, rows[i]));
        std::vector<BitSpan> spans;
        std::vector<std::uint32_t> expected_counts;
        for (std::uint32_t begin = 0; begin < rows.size(); begin += 7) {
          for (const std::uint32_t count : {1U, 2U, 63U, 64U, 65U, 200U}) {
            if (begin + count > rows.size()) continue;
            spans.push_back({begin, count});
            std::uint32_t& members = expected_counts.emplace_back(0);
            for (std::uint32_t i = begin; i < begin + count; ++i) members += has(a, rows[i]);
          }
        }
        std::vector<std::uint32_t> counts(spans.size());
        kernels.count_spans(bits.data(), spans.data(), spans.size(), counts.data());
        EXPECT_EQ(counts, expected_counts);
        bits.assign(bits.size(), ~0ULL);
        kernels.test_runs(runs.data(), runs.size(), a.data(), bits.data());
        EXPECT_EQ(bits.back(), ~0ULL) << "written beyond the runs";
        for (std::uint32_t i = 0; i < rows.size(); ++i) ASSERT_EQ(has(bits, i), has(a, rows[i]));
      }
    }
  }
}

}  // namespace
}  // namespace genofed::cohort
