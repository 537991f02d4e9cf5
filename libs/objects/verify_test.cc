// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/verify.h"

#include <filesystem>
#include <fstream>

#include "libs/core/file.h"
#include "libs/objects/local_store.h"
#include "libs/objects/store_contract.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::objects {
namespace {

constexpr std::size_t kSegment = 65'564;  // of a Crypt4GH body

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest()
      : store_(LocalStore::Open(directory_ / "objects").value()), body_(SomeBytes(4 * kSegment)) {
    auto writer = store_->Create(ctx_, "a").value();
    EXPECT_THAT(writer->Append(ctx_, body_), IsOk());
    const Written written = writer->Commit(ctx_).value();
    expected_ = {written.size, written.sha256};
  }

  // The code of the finding after the file has become `bytes`; "" without a finding.
  std::string After(std::string_view bytes) {
    EXPECT_THAT(WriteFileAtomically(directory_ / "objects" / "a", bytes, 0600), IsOk());
    return Code();
  }
  std::string Code() {
    const auto finding = VerifyObject(ctx_, *store_, "a", expected_);
    EXPECT_THAT(finding, IsOk());
    if (!finding.ok() || !*finding) return "";
    EXPECT_EQ((*finding)->file, "a");
    EXPECT_EQ((*finding)->severity, Severity::kError);
    return (*finding)->code;
  }

  const Context ctx_ = Context::Background();
  genofed::testing::TemporaryDirectory directory_;
  std::unique_ptr<LocalStore> store_;
  std::string body_;
  ExpectedBody expected_;
};

TEST_F(VerifyTest, NothingToSayAboutWhatWasWritten) { EXPECT_EQ(Code(), ""); }

TEST_F(VerifyTest, AMissingObject) {
  EXPECT_THAT(store_->Remove(ctx_, "a"), IsOk());
  EXPECT_EQ(Code(), "OBJECT_MISSING");
}

TEST_F(VerifyTest, AFlippedBit) {
  for (const std::size_t at : {std::size_t{0}, body_.size() / 2, body_.size() - 1}) {
    std::string changed = body_;
    changed[at] ^= 1;
    EXPECT_EQ(After(changed), "DIGEST_DIFFERS") << at;
  }
}

TEST_F(VerifyTest, ALostTailAtASegmentsBorder) {
  // A Crypt4GH reader without a manifest takes this for the whole file.
  EXPECT_EQ(After(body_.substr(0, 3 * kSegment)), "SIZE_DIFFERS");
  EXPECT_EQ(After(body_ + "x"), "SIZE_DIFFERS");
  EXPECT_EQ(After(""), "SIZE_DIFFERS");
}

TEST_F(VerifyTest, SwappedSegments) {
  const std::string swapped = body_.substr(0, kSegment) + body_.substr(2 * kSegment, kSegment) +
                              body_.substr(kSegment, kSegment) + body_.substr(3 * kSegment);
  EXPECT_EQ(After(swapped), "DIGEST_DIFFERS");
}

TEST_F(VerifyTest, NotKnowingIsNotAFinding) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(VerifyObject(ctx_.WithStop(stop.get_token()), *store_, "a", expected_),
              HasCode(StatusCode::kCancelled));
}

}  // namespace
}  // namespace genofed::objects
