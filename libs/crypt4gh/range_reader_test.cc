// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/range_reader.h"

#include <fcntl.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <algorithm>

#include "libs/crypt4gh/file.h"
#include "libs/crypt4gh/test_support.h"

namespace genofed::crypt4gh {
namespace {

// Remembers which parts of the body were asked for.
ReadBody From(const std::string& body, std::vector<ByteRange>& asked) {
  return [&body, &asked](std::uint64_t offset, std::span<char> out) -> Status {
    asked.push_back({offset, offset + out.size()});
    if (asked.back().end > body.size()) return Error(StatusCode::kDataLoss, "SHORT", "short");
    body.copy(out.data(), out.size(), offset);
    return absl::OkStatus();
  };
}

Result<std::string> ReadRange(RangeReader& reader, ByteRange range) {
  std::string out;
  GF_TRY(reader.Read(range, Into(out)));
  return out;
}

class RangeTest : public ::testing::Test {
 protected:
  RangeReader Open(const std::string& body, const std::string& header) {
    asked_.clear();
    return RangeReader::Create(header, key_, body.size(), From(body, asked_)).value();
  }

  SystemRandom random_;
  SecretKey key_ = CountingKey(1);
  SecretKey other_ = CountingKey(0x21);
  std::string plain_ = Pattern(300'000);
  Encrypted e_ = Encrypt(plain_, key_);
  std::vector<ByteRange> asked_;
};

TEST_F(RangeTest, FetchesOnlyTheSegmentsItNeeds) {
  RangeReader reader = Open(e_.body, e_.manifest.header);
  EXPECT_EQ(reader.size(), 300'000U);
  EXPECT_EQ(ReadRange(reader, {70'000, 70'010}).value(), plain_.substr(70'000, 10));
  EXPECT_EQ(asked_, (std::vector<ByteRange>{{65564, 2 * 65564}}));
  EXPECT_EQ(ReadRange(reader, {70'010, 70'020}).value(), plain_.substr(70'010, 10));
  EXPECT_EQ(asked_.size(), 1U) << "the segment was there";
  EXPECT_EQ(ReadRange(reader, {131'000, 300'000}).value(), plain_.substr(131'000));
  EXPECT_EQ(asked_.size(), 2U) << "one request for neighbours";
  EXPECT_EQ(ReadRange(reader, {299'999, 400'000}).value(), plain_.substr(299'999));
  EXPECT_EQ(ReadRange(reader, {300'000, 300'001}).value(), "");
  EXPECT_EQ(ReadRange(reader, {5, 5}).value(), "");
  EXPECT_EQ(Reason(ReadRange(reader, {6, 5}).status()), "RANGE_INVALID");
}

TEST_F(RangeTest, DamageElsewhereDoesNotMatter) {
  std::string body = e_.body;
  body[65564 + 100] = static_cast<char>(body[65564 + 100] ^ 1);
  RangeReader reader = Open(body, e_.manifest.header);
  EXPECT_EQ(ReadRange(reader, {0, 65536}).value(), plain_.substr(0, 65536));
  std::string out;
  EXPECT_EQ(Reason(reader.Read({65530, 65540}, Into(out))), "CRYPT4GH_SEGMENT_INVALID");
  EXPECT_EQ(out, plain_.substr(65530, 6));
  EXPECT_EQ(ReadRange(reader, {131072, 131080}).value(), plain_.substr(131072, 8));
}

TEST_F(RangeTest, ErrorsOfTheSourceArePassedOn) {
  RangeReader reader = Open(e_.body, e_.manifest.header);
  e_.body.resize(100'000);
  EXPECT_EQ(Reason(ReadRange(reader, {70'000, 70'001}).status()), "SHORT");
  EXPECT_EQ(Reason(ReadRange(reader, {70'000, 70'001}).status()), "SHORT");
  EXPECT_EQ(ReadRange(reader, {0, 1}).value(), plain_.substr(0, 1));
  EXPECT_EQ(Reason(RangeReader::Create(e_.manifest.header, key_, 65565, {}).status()),
            "CRYPT4GH_BODY_INVALID");
  EXPECT_EQ(Reason(RangeReader::Create(e_.manifest.header, other_, 29, {}).status()),
            "CRYPT4GH_NOT_A_RECIPIENT");
}

TEST_F(RangeTest, ReadsFiles) {
  TempDir dir;
  ASSERT_TRUE(WriteFileAtomically(dir / "file", e_.manifest.header + e_.body).ok());
  int fd = ::open((dir / "file").c_str(), O_RDONLY | O_CLOEXEC);
  auto open = [&](std::uint64_t size) {
    return RangeReader::Create(e_.manifest.header, key_, size,
                               FileBody(fd, e_.manifest.header.size()))
        .value();
  };
  RangeReader reader = open(e_.body.size());
  EXPECT_EQ(ReadRange(reader, {65'000, 200'000}).value(), plain_.substr(65'000, 135'000));
  RangeReader too_long = open(e_.body.size() + 65564);
  EXPECT_EQ(Reason(ReadRange(too_long, {299'999, 300'001}).status()), "CRYPT4GH_BODY_INVALID");
  ::close(fd);
}

TEST_F(RangeTest, ReadsTheVectorsWithEditLists) {
  GF_NEED_VECTORS();
  for (std::string name : {"editlist_even", "editlist_odd", "two_recipients"}) {
    std::string file = Load("generated/" + name + ".c4gh");
    std::string header = file.substr(0, HeaderSize(file).value());
    EditList list = OpenHeader(header, key_)->edit_list.value_or(EditList{});
    std::string expected = Edited(Pattern(140'000), list);
    std::string body = file.substr(header.size());
    RangeReader reader = Open(body, header);
    EXPECT_EQ(reader.size(), expected.size());
    EXPECT_TRUE(ReadRange(reader, {0, reader.size()}).value() == expected) << name;
    EXPECT_TRUE(ReadRange(reader, {7'000, 9'000}).value() == expected.substr(7'000, 2'000)) << name;
  }
}

// Lengths around a segment, so that lists cover the file.
rc::Gen<EditList> EditLists() {
  return rc::gen::container<EditList>(rc::gen::inRange<std::uint64_t>(0, 90'000));
}
rc::Gen<ByteRange> RangesBelow(std::uint64_t size) {
  return rc::gen::map(
      rc::gen::pair(rc::gen::inRange<std::uint64_t>(0, size),
                    rc::gen::inRange<std::uint64_t>(0, size)),
      [](std::pair<std::uint64_t, std::uint64_t> ends) {
        return ByteRange{std::min(ends.first, ends.second), std::max(ends.first, ends.second)};
      });
}

TEST_F(RangeTest, AnyRangeIsASliceOfTheEditedPlaintext) {
  DataKey data_key = OpenHeader(e_.manifest.header, key_)->data_keys[0];
  EXPECT_TRUE(rc::check([&] {
    EditList list = *EditLists();
    std::string header = BuildHeader({{data_key}, list}, {&key_.public_key(), 1}, random_).value();
    std::string seen = Edited(plain_, list);
    RangeReader reader = Open(e_.body, header);
    RC_ASSERT(reader.size() == seen.size());
    ByteRange range = *RangesBelow(310'000);
    std::string expected = range.begin < seen.size() ? seen.substr(range.begin, range.size()) : "";
    RC_ASSERT(ReadRange(reader, range).value() == expected);
  }));
}

TEST_F(RangeTest, APlannedPartDecryptsToItsSlices) {
  DataKey data_key = OpenHeader(e_.manifest.header, key_)->data_keys[0];
  Secret32 secret = Secret32::Generate(random_);
  RepeatableWriter writer{secret, "object", "grant"};
  EXPECT_TRUE(rc::check([&] {
    EditList list = *EditLists();
    auto ranges = *rc::gen::container<std::vector<ByteRange>>(RangesBelow(310'000));
    HeaderContent content{{data_key}, std::nullopt};
    if (!list.empty()) content.edit_list = list;
    std::string header = BuildHeader(content, {&key_.public_key(), 1}, random_).value();
    RangeHeader part =
        ReencryptRange(header, key_, other_.public_key(), writer, plain_.size(), ranges).value();
    std::string body;
    for (const ByteRange& sent : part.plan.body) body += e_.body.substr(sent.begin, sent.size());
    std::string out;
    auto decryptor = Decryptor::CreateUnverified(part.header, other_, Into(out)).value();
    RC_ASSERT(decryptor.Push(body).ok() && decryptor.Finish().ok());

    std::string seen = Edited(plain_, list);
    std::string expected;
    std::vector<bool> wanted(seen.size());
    for (const ByteRange& range : ranges) {
      for (std::uint64_t i = range.begin; i < std::min<std::uint64_t>(range.end, seen.size()); ++i)
        wanted[i] = true;
    }
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (wanted[i]) expected += seen[i];
    }
    RC_ASSERT(out == expected);
    RC_ASSERT(part.plan.plain_size == expected.size());
    RC_ASSERT(part.plan.body_size == body.size());
    // The same request again: the same bytes.
    RC_ASSERT(
        ReencryptRange(header, key_, other_.public_key(), writer, plain_.size(), ranges)->header ==
        part.header);
  }));
}

}  // namespace
}  // namespace genofed::crypt4gh
