// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/person_records.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "libs/core/file.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

using Alleles = std::vector<CarriedAllele>;

IndexInfo RecordedInfo(std::uint32_t n_people, std::uint32_t batch = kDefaultBatchSize) {
  return IndexInfo{"ds", "1", Assembly::kGrch38, n_people, batch};
}

Result<Alleles> AllOf(PersonRecord record) {
  Alleles all;
  for (CarriedAllele next;;) {
    GF_ASSIGN(const bool any, record.Next(next));
    if (!any) return all;
    all.push_back(next);
  }
}

// Everything that the format's description says, by hand.
std::string ByHand() {
  std::string text = "GFPEOPL1";
  text += {2, 0, 0, 0, 1, '1', 1, 'X'};                     // contigs
  text += {3, 0, 0, 0};                                      // people
  text += {0, 0, 0, 0, 2, 'P', 'a', 12, 0, 0, 0, 0, 0, 0, 0};  // row, name, size
  text += {1, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0};              // without a name
  text += {2, 0, 0, 0, 2, 'P', 'c', 0, 0, 0, 0, 0, 0, 0, 0};
  // Contig 1: A>C at 5 on one of two chromosomes; 300 further CA>C on both: 300 << 2 | 2 is 1202,
  // 0xb2 0x09.
  text += {1, 5 << 2 | 1, 1, '\xb2', 9, 16, 2, 'C', 'A', 1, 'C', 0};
  // Contig 1: the same A>C; X: A>C at 1, the only chromosome.
  text += {1, 5 << 2 | 1, 1, 0, 2, 1 << 2 | 3, 1, 0};
  return text;
}

TEST(PersonRecords, AreWrittenAsTheirFormatSays) {
  TempDir dir;
  auto builder = SegmentBuilder::Create(dir / "index", RecordedInfo(3));
  ASSERT_TRUE((*builder)->Add({"1", 5, "A", "C"}, {{0, 1}, {}, {}, {}, {2}}).ok());
  ASSERT_TRUE((*builder)->Add({"1", 305, "CA", "C"}, {{}, {0}, {}, {2}, {}}).ok());
  ASSERT_TRUE((*builder)->Add({"X", 1, "A", "C"}, {{}, {}, {1}, {}, {}}).ok());
  ASSERT_TRUE((*builder)->Finish().ok());
  const auto index = CohortIndex::Open(dir / "index");
  const std::vector<std::string> names = {"Pa", "", "Pc"};
  ASSERT_TRUE(WritePersonRecords(Context::Background(), **index, names, dir / "people").ok());
  const auto bytes = ReadFile(dir / "people");
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(*bytes, ByHand());
  EXPECT_FALSE(std::filesystem::exists(dir / "people.spill"));

  const auto records = PersonRecords::Open(dir / "people");
  ASSERT_TRUE(records.ok());
  EXPECT_EQ((*records)->Find(0)->name, "Pa");
  EXPECT_EQ((*records)->Find(1)->name, "");
  EXPECT_EQ((*records)->Find(3), nullptr);
  EXPECT_EQ(*AllOf((*records)->Of(0)),
            (Alleles{{{"1", 5, "A", "C"}, Copies::kHet}, {{"1", 305, "CA", "C"}, Copies::kHom}}));
  EXPECT_EQ(*AllOf((*records)->Of(1)),
            (Alleles{{{"1", 5, "A", "C"}, Copies::kHet}, {{"X", 1, "A", "C"}, Copies::kHemi}}));
  EXPECT_EQ(*AllOf((*records)->Of(2)), Alleles());
}

// So many carriers that they are put in order in two goes.
TEST(PersonRecords, OfManyPeopleAreWholeToo) {
  constexpr std::uint32_t kPeople = 450'000;
  TempDir dir;
  auto builder = SegmentBuilder::Create(dir / "index", RecordedInfo(kPeople));
  CarrierSets everybody;
  for (std::uint32_t row = 0; row < kPeople; ++row) everybody.hom.push_back(row);
  Alleles expected;
  for (std::int64_t pos = 0; pos < 10; ++pos) {
    expected.push_back({{"1", 1000 * pos, "A", "C"}, Copies::kHom});
    ASSERT_TRUE((*builder)->Add(expected.back().variant, everybody).ok());
  }
  ASSERT_TRUE((*builder)->Finish().ok());
  const auto index = CohortIndex::Open(dir / "index");
  const std::vector<std::string> names(kPeople);
  ASSERT_TRUE(WritePersonRecords(Context::Background(), **index, names, dir / "people").ok());
  const auto records = PersonRecords::Open(dir / "people");
  ASSERT_TRUE(records.ok());
  for (std::uint32_t row = 0; row < kPeople; row += 1777)
    ASSERT_EQ(*AllOf((*records)->Of(row)), expected) << row;
}

TEST(PersonRecords, NeedANameForEachRow) {
  TempDir dir;
  auto builder = SegmentBuilder::Create(dir / "index", RecordedInfo(1));
  ASSERT_TRUE((*builder)->Finish().ok());
  const auto index = CohortIndex::Open(dir / "index");
  for (const auto& names : {std::vector<std::string>{}, {"a", "b"}, {std::string(256, 'a')}}) {
    EXPECT_EQ(Reason(WritePersonRecords(Context::Background(), **index, names, dir / "people")),
              "NAMES_INVALID");
  }
}

TEST(PersonRecords, DamageIsNoticed) {
  const std::string good = ByHand();
  ASSERT_TRUE(PersonRecords::Read(good).ok());
  EXPECT_EQ(Reason(PersonRecords::Read(good + "x").status()), "RECORDS_CORRUPT");
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(Reason(PersonRecords::Read(good.substr(0, size)).status()), "RECORDS_CORRUPT") << size;
  // One record, the last thing in the file: of each way in which it may be wrong, one.
  std::string alone = good.substr(0, 16);
  alone += {1, 0, 0, 0};
  alone += good.substr(20, 15);
  struct Case {
    const char* what;
    std::string record;
  };
  const Case cases[] = {{"a contig that is not there", {3, 5, 1, 0}},
                        {"an end without a contig", {0}},
                        {"no end", {1, 5, 1}},
                        {"no allele", {1, 5}},
                        {"a number of copies that is none", {1, 4, 1, 0}},
                        {"an allele that is none", {1, 5, 17, 0}},
                        {"more letters than bytes", {1, 5, 16, 9, 'A', 1, 'C', 0}},
                        {"a position behind all", std::string("\x01\xff\xff\xff\xff\x7f\x01\x00", 8)},
                        {"a number without an end", std::string("\x01\xff\xff\xff\xff\xff\x01\x00", 8)}};
  for (const Case& one : cases) {
    std::string text = alone + one.record;
    text[8 + 8 + 4 + 7] = static_cast<char>(one.record.size());
    const auto records = PersonRecords::Read(text);
    ASSERT_TRUE(records.ok()) << one.what;
    EXPECT_EQ(Reason(AllOf((*records)->Of(0)).status()), "RECORDS_CORRUPT") << one.what;
  }
}

// Each record is what one finds by asking the index of each allele who carries it.
RC_GTEST_PROP(PersonRecordsProperty, SayWhatTheIndexSays, ()) {
  const auto n = *rc::gen::inRange<std::uint32_t>(1, 150);
  const auto batch = *rc::gen::element<std::uint32_t>(64, 65'536);
  TempDir dir;
  auto builder = SegmentBuilder::Create(dir / "index", RecordedInfo(n, batch));
  std::map<std::uint32_t, Alleles> expected;
  for (const std::string contig : {"2", "1", "MT"}) {
    const auto sites = *rc::gen::inRange(0, 6);
    std::int64_t pos = 0;
    for (int s = 0; s < sites; ++s) {
      pos += *rc::gen::element<std::int64_t>(1, 90, 16'500, 700'000);
      const Variant variant{contig, pos,
                            *rc::gen::element<std::string>("A", "G", "N", "ACCCT"),
                            *rc::gen::element<std::string>("C", "T", "CAC")};
      CarrierSets sets;
      std::vector<std::uint32_t>* const kinds[] = {&sets.het, &sets.hom, &sets.hemi, &sets.single,
                                                   &sets.nocall};
      for (std::uint32_t row = 0; row < n; ++row) {
        const auto kind = *rc::gen::inRange<std::size_t>(0, 10);
        if (kind >= std::size(kinds)) continue;
        kinds[kind]->push_back(row);
        if (kind < 3) expected[row].push_back({variant, static_cast<Copies>(kind)});
      }
      RC_ASSERT((*builder)->Add(variant, sets).ok());
    }
  }
  RC_ASSERT((*builder)->Finish().ok());
  const auto index = CohortIndex::Open(dir / "index");
  std::vector<std::string> names;
  std::vector<std::uint32_t> forgotten;
  for (std::uint32_t row = 0; row < n; ++row) {
    names.push_back(*rc::gen::element<std::string>("", "P", "Q"));
    if (*rc::gen::inRange(0, 3) == 0) forgotten.push_back(row);
  }
  RC_ASSERT(WritePersonRecords(Context::Background(), **index, names, dir / "people").ok());
  const auto records = PersonRecords::Open(dir / "people");
  RC_ASSERT(records.ok());
  RC_ASSERT((*records)->people().size() == n);
  RC_ASSERT((*records)->WriteWithout(forgotten, dir / "left").ok());
  const auto left = PersonRecords::Open(dir / "left");
  RC_ASSERT(left.ok());
  RC_ASSERT((*left)->people().size() == n - forgotten.size());
  for (std::uint32_t row = 0; row < n; ++row) {
    const auto all = AllOf((*records)->Of(row));
    RC_ASSERT(all.ok());
    RC_ASSERT(*all == expected[row]);
    RC_ASSERT((*records)->Find(row)->name == names[row]);
    const bool gone = std::ranges::count(forgotten, row) > 0;
    RC_ASSERT(((*left)->Find(row) == nullptr) == gone);
    RC_ASSERT(*AllOf((*left)->Of(row)) == (gone ? Alleles() : expected[row]));
  }
}

}  // namespace
}  // namespace genofed::genomics
