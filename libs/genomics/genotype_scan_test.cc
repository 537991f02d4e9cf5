// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/genotype_scan.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <string>

#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RC_GTEST_PROP(ScanKernelsProperty, AllAgreeWithTheDefinition, ()) {
  auto n = *rc::gen::inRange<std::size_t>(0, 300);
  auto rarity = *rc::gen::element(1, 20, 1000);
  std::vector<std::uint8_t> pairs;
  std::string lanes;
  std::vector<std::uint32_t> other_pairs;
  std::vector<std::uint32_t> other_lanes;
  bool regular = true;
  for (std::uint32_t i = 0; i < n; ++i) {
    bool other = *rc::gen::inRange(0, rarity) == 0;
    auto phase = static_cast<std::uint8_t>(*rc::gen::inRange(0, 4));
    pairs.push_back(static_cast<std::uint8_t>(2 | (phase & 1)));
    pairs.push_back(static_cast<std::uint8_t>(2 | phase >> 1));
    std::string lane = phase < 2 ? "0|0\t" : "0/0\t";
    if (other) {
      auto byte = *rc::gen::arbitrary<std::uint8_t>();
      pairs[pairs.size() - 1 - (phase & 1)] = byte;
      if ((byte & 0xfe) != 2) other_pairs.push_back(i);
      char letter = *rc::gen::element('1', '.', '0', '\t', '|', 'x');
      std::size_t place = *rc::gen::element<std::size_t>(0, 2, 1);
      if (place == 1 && letter != '|') regular = false;
      // A separator among the alleles is not found by every kernel in the same way; the form is
      // irregular to the one, and no allele to what decodes lanes after the other.
      if (place != 1 && (letter == '\t' || letter == '|')) letter = '1';
      lane[place] = letter;
      if (lane[0] != '0' || lane[2] != '0') other_lanes.push_back(i);
    }
    lanes += lane;
  }
  for (const ScanKernels& kernels : AvailableKernels()) {
    RC_LOG() << kernels.name;
    std::vector<std::uint32_t> out(n + 1);
    out.resize(kernels.pairs(pairs.data(), n, out.data()));
    RC_ASSERT(out == other_pairs);
    out.assign(n + 1, 0);
    std::size_t count = kernels.lanes(lanes.data(), n, out.data());
    if (!regular) {
      RC_ASSERT(count == kIrregular);
      continue;
    }
    out.resize(count);
    RC_ASSERT(out == other_lanes);
  }
}

TEST(ScanKernelsTest, ThisMachineRunsMoreThanThePortableOne) {
  EXPECT_STREQ(AvailableKernels().front().name, "portable");
#if defined(__x86_64__)
  EXPECT_EQ(AvailableKernels().size() > 1, __builtin_cpu_supports("avx2") != 0);
#endif
}

struct Scanned {
  bool good = false;
  std::vector<Call> calls;
  bool lanes = false;
};

Scanned Text(std::string_view samples, std::size_t n, std::size_t n_alleles = 3) {
  Scanned out{};
  out.good = ScanText(samples, n, n_alleles, out.calls, &out.lanes);
  return out;
}

TEST(ScanTextTest, LanesAndOtherForms) {
  auto lanes = Text("0|0\t0/1\t.|.\t2|0\t0/0", 5);
  EXPECT_TRUE(lanes.good);
  EXPECT_TRUE(lanes.lanes);
  EXPECT_THAT(lanes.calls, ElementsAre(Call{1, 0, 1}, Call{2, -1, -1}, Call{3, 2, 0}));
  auto mixed = Text("0\t1\t.\t./1\t0|0:12\t1/1:3:x\t0/0", 7);
  EXPECT_TRUE(mixed.good);
  EXPECT_FALSE(mixed.lanes);
  EXPECT_THAT(mixed.calls, ElementsAre(Call{0, 0, -2}, Call{1, 1, -2}, Call{2, -1, -2},
                                       Call{3, -1, 1}, Call{5, 1, 1}));
  EXPECT_THAT(Text("0/10", 1, 11).calls, ElementsAre(Call{0, 0, 10}));
}

TEST(ScanTextTest, LeavesTheUnusualToOthers) {
  EXPECT_FALSE(Text("0|0\t0|3\t0|0", 3).good);
  EXPECT_FALSE(Text("0|0\t0|x\t0|0", 3).good);
  EXPECT_FALSE(Text("0|0\t0/0/1", 2).good);
  EXPECT_FALSE(Text("0|0\t", 2).good);
  EXPECT_FALSE(Text("0|0\t0|0", 3).good);
  EXPECT_FALSE(Text("0|0\t0|0\t0|0", 2).good);
  EXPECT_FALSE(Text("", 1).good);
  EXPECT_FALSE(Text("99999999999", 1).good);
  EXPECT_THAT(Text("0|1\t0|3", 2).calls, IsEmpty()) << "nothing of a record that is wrong";
  // Seven characters, but not two columns of three.
  EXPECT_TRUE(Text("0\t0|1:5", 2).good);
}

TEST(TakeTextTest, TakesWhatWasJudged) {
  std::vector<Call> calls;
  TakeText("0/0/1\t0/1\t|1|0\t.\t0|0:9\t1", 6, 2, calls);
  EXPECT_THAT(calls, ElementsAre(Call{0, -1, -1}, Call{1, 0, 1}, Call{2, 1, 0}, Call{3, -1, -2},
                                 Call{5, 1, -2}));
  calls.clear();
  TakeText("0/1\t1", 2, 1, calls);  // ALT is missing
  EXPECT_THAT(calls, ElementsAre(Call{0, 0, -1}, Call{1, -1, -2}));
}

template <typename Value>
Scanned Bcf(std::vector<Value> values, std::size_t per_sample, std::size_t n_alleles = 3) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(Value));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  Scanned out{};
  out.good =
      ScanBcf(bytes, sizeof(Value), per_sample, values.size() / per_sample, n_alleles, out.calls);
  return out;
}

// Values as the BCF specification (section 6.3.3) writes them: (allele + 1) << 1 | phased.
template <typename Value>
void SpecifiedValues() {
  constexpr Value kEnd = static_cast<Value>(std::numeric_limits<Value>::min() + 1);
  auto out = Bcf<Value>({2, 2, 2, 3, 2, 4, 5, 5, 0, 0, 0, 5, 4, kEnd, 2, kEnd, 0, kEnd, 6, 3}, 2);
  EXPECT_TRUE(out.good);
  EXPECT_THAT(out.calls,
              ElementsAre(Call{2, 0, 1}, Call{3, 1, 1}, Call{4, -1, -1}, Call{5, -1, 1},
                          Call{6, 1, -2}, Call{7, 0, -2}, Call{8, -1, -2}, Call{9, 2, 0}));
  EXPECT_THAT(Bcf<Value>({2, 4, 0}, 1).calls,
              ElementsAre(Call{0, 0, -2}, Call{1, 1, -2}, Call{2, -1, -2}));
  EXPECT_THAT(Bcf<Value>({2, 4, kEnd, 2, 2, kEnd}, 3).calls, ElementsAre(Call{0, 0, 1}));
  EXPECT_FALSE(Bcf<Value>({2, 4, 2}, 3).good);
  EXPECT_FALSE(Bcf<Value>({2, 2, 2, 8}, 2).good);
  EXPECT_FALSE(Bcf<Value>({2, 2, 2, std::numeric_limits<Value>::min()}, 2).good);
  EXPECT_THAT(Bcf<Value>({4, 2, 2, 8}, 2).calls, IsEmpty());
}

TEST(ScanBcfTest, EveryWidth) {
  SpecifiedValues<std::int8_t>();
  SpecifiedValues<std::int16_t>();
  SpecifiedValues<std::int32_t>();
  // More alleles than 8 bits hold.
  EXPECT_THAT(Bcf<std::int16_t>({2, 202}, 2, 127).calls, ElementsAre(Call{0, 0, 100}));
  EXPECT_THAT(Bcf<std::int8_t>({2, 126}, 2, 63).calls, ElementsAre(Call{0, 0, 62}));
}

RC_GTEST_PROP(FindTabsProperty, FindsTheFirstOnes, ()) {
  auto text = *rc::gen::container<std::string>(rc::gen::element('\t', 'a', 'b', '|'));
  text += *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(0, 200),
                                           rc::gen::element('\t', 'a', 'c', 'd', 'e'));
  auto limit = *rc::gen::inRange<std::size_t>(0, 20);
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < text.size() && expected.size() < limit; ++i) {
    if (text[i] == '\t') expected.push_back(i);
  }
  std::vector<std::uint32_t> tabs;
  FindTabs(text, limit, tabs);
  RC_ASSERT(tabs == expected);
}

}  // namespace
}  // namespace genofed::genomics
