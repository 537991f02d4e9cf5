// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libs/testing/matchers.h"
#include "services/discovery/adapters/shard_mapping.h"

namespace genofed::discovery {
namespace {

using genomics::Bitmap;
using testing::HasReason;

Bitmap Rows(std::size_t size, const std::vector<std::uint32_t>& rows) {
  return Bitmap::FromRows(size, rows);
}

TEST(RowSet, TakesTheShortestForm) {
  // 300 is 0x12c: 0xac 0x02; 301 to 301 + 128 is 0x80 0x01.
  const v1::RowSet few = ToProto(Rows(1000, {0, 5, 305, 433}));
  EXPECT_EQ(few.members(), std::string("\x00\x05\xac\x02\x80\x01", 6));
  EXPECT_EQ(few.size(), 1000U);
  Bitmap most(1000, true);
  most.Clear(3);
  EXPECT_EQ(ToProto(most).others(), "\x03");
  EXPECT_EQ(ToProto(Rows(10, {0, 1, 2, 9})).bits(), "\x07\x02");
  EXPECT_EQ(ToProto(Bitmap(10)).form_case(), v1::RowSet::kMembers);
  EXPECT_EQ(ToProto(Bitmap(10, true)).form_case(), v1::RowSet::kOthers);
}

TEST(RowSet, AListOfLongDistancesMayBeLongerThanBits) {
  // 1,248 of 10,000 rows: 1,180 in a row, then 68 with distances of 128, which take two bytes. A
  // list has 1,180 + 2 * 68 = 1,316 bytes, and bits have 1,250.
  std::vector<std::uint32_t> members;
  for (std::uint32_t row = 0; row < 1180; ++row) members.push_back(row);
  for (int i = 0; i < 68; ++i) members.push_back(members.back() + 128);
  const Bitmap rows = Rows(10'000, members);
  EXPECT_EQ(ToProto(rows).bits().size(), 1250U);
  EXPECT_EQ(ToProto(Bitmap(10'000, true).AndNot(rows)).bits().size(), 1250U);
}

RC_GTEST_PROP(RowSet, IsTheSameAfterTheWay, (std::uint64_t seed)) {
  const auto size = static_cast<std::size_t>(*rc::gen::inRange(0, 1000));
  const int share = *rc::gen::element(0, 1, 10, 50, 95, 99, 100);
  Bitmap rows(size);
  for (std::size_t row = 0; row < size; ++row) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    if (static_cast<int>((seed >> 33) % 100) < share) rows.Set(row);
  }
  const auto back = FromProto(ToProto(rows));
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == rows);
}

TEST(RowSet, RefusesWhatIsNoSetOfRows) {
  v1::RowSet rows;
  rows.set_size(10);
  EXPECT_THAT(FromProto(rows), HasReason("ROWS_INVALID"));
  for (const char* bits : {"", "\x01", "\x01\x04", "\x01\x01\x01"}) {
    rows.set_bits(bits);
    EXPECT_THAT(FromProto(rows), HasReason("ROWS_INVALID"));
  }
  // Behind the end, twice, cut off, longer than a row.
  for (const std::string& list :
       {std::string("\x0a"), std::string("\x05\x05"), std::string("\x05\x00", 2),
        std::string("\x80"), std::string("\x80\x80\x80\x80\x80\x01"),
        std::string("\xff\xff\xff\xff\x7f")}) {
    rows.set_members(list);
    EXPECT_THAT(FromProto(rows), HasReason("ROWS_INVALID"));
    rows.set_others(list);
    EXPECT_THAT(FromProto(rows), HasReason("ROWS_INVALID"));
  }
  rows.set_size(4'000'000'000U);
  EXPECT_THAT(FromProto(rows), HasReason("ROWS_INVALID"));
}

TEST(ShardMapping, AllelesAndSitesAreTheSameAfterTheWay) {
  const FoundAllele allele{{"20", 99, "A", "TC"}, {7, 40, 3, 1, 2, 6}};
  const auto alleles = FromProto(ToProto(std::vector{allele}), "20");
  ASSERT_EQ(alleles.size(), 1U);
  EXPECT_EQ(alleles[0].variant, allele.variant);
  EXPECT_EQ(alleles[0].counts, allele.counts);
  SitePiece piece;
  piece.sites = {{100, 1, 2, 3, 4, "AC", "G"}};
  piece.next = 1000;
  const SitePiece back = FromProto(ToProto(piece));
  ASSERT_EQ(back.sites.size(), 1U);
  const SitePiece::Site& site = back.sites[0];
  EXPECT_EQ(std::tie(site.position, site.n_het, site.n_hom, site.n_hemi, site.missing, site.ref,
                     site.alt),
            std::make_tuple(100U, 1U, 2U, 3U, 4U, std::string("AC"), std::string("G")));
  EXPECT_EQ(back.next, 1000);
}

}  // namespace
}  // namespace genofed::discovery
