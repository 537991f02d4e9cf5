// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/witness.h"

#include <rapidcheck.h>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

class WitnessTest : public ::testing::Test {
 protected:
  WitnessTest() {
    for (int i = 0; i < 300; ++i) tree_.AppendEntry("entry-" + std::to_string(i));
    for (int i = 0; i < 300; ++i)
      fork_.AppendEntry(i == 99 ? "other" : "entry-" + std::to_string(i));
  }

  AddCheckpoint Request(std::uint64_t old_size, std::uint64_t size, const MerkleTree& tree) const {
    return {old_size, tree.ConsistencyProof(old_size, size).value(),
            SignCheckpoint({kLogName, size, tree.Root(size).value(), {}}, log_).value()};
  }
  AddCheckpoint Request(std::uint64_t old_size, std::uint64_t size) const {
    return Request(old_size, size, tree_);
  }
  std::optional<WitnessedTree> Known(std::uint64_t size) const {
    return WitnessedTree{size, tree_.Root(size).value()};
  }
  std::pair<std::string, int> Judge(const AddCheckpoint& request,
                                    const std::optional<WitnessedTree>& known) const {
    const Status status = JudgeAddCheckpoint(request, log_.verifier(), known).status();
    return {Reason(status), status.ok() ? 200 : WitnessHttpStatus(status)};
  }
  using Answer = std::pair<std::string, int>;

  const NoteSigner log_ = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  const NoteSigner witness_ = CountingSigner(kWitnessName, SignatureType::kCosignature, 0x20);
  MerkleTree tree_, fork_;
};

TEST_F(WitnessTest, AnswersTheVectorByteForByte) {
  GF_NEED_VECTORS();
  const std::string body = Load("cosigned/add-checkpoint.request");
  EXPECT_EQ(FormatAddCheckpoint(Request(255, 300)), body);
  const AddCheckpoint request = ParseAddCheckpoint(body).value();
  EXPECT_EQ(FormatAddCheckpoint(request), body);
  const auto checkpoint = JudgeAddCheckpoint(request, log_.verifier(), Known(255)).value();
  const std::string lines = Cosignature(checkpoint, witness_, 1767225600).value();
  const std::string cosigned = Load("cosigned/checkpoint");
  EXPECT_EQ(cosigned.substr(cosigned.size() - lines.size()), lines);
  EXPECT_EQ(AddCosignature(request.checkpoint, lines, witness_.verifier()).value(), cosigned);
}

TEST_F(WitnessTest, CosignsWhatGrows) {
  EXPECT_EQ(Judge(Request(0, 300), std::nullopt), Answer("", 200));
  EXPECT_EQ(Judge(Request(0, 0), std::nullopt), Answer("", 200));
  EXPECT_EQ(Judge(Request(255, 300), Known(255)), Answer("", 200));
  EXPECT_EQ(Judge(Request(300, 300), Known(300)), Answer("", 200));
}

TEST_F(WitnessTest, SaysWhatItKnowsToAnotherOldSize) {
  EXPECT_EQ(Judge(Request(0, 300), Known(255)), Answer("CHECKPOINT_CONFLICT", 409));
  EXPECT_EQ(Judge(Request(255, 300), std::nullopt), Answer("CHECKPOINT_CONFLICT", 409));
  EXPECT_EQ(Judge(Request(200, 255), Known(300)), Answer("CHECKPOINT_CONFLICT", 409));
}

TEST_F(WitnessTest, RefusesARewrittenHistory) {
  EXPECT_EQ(Judge(Request(255, 300, fork_), Known(255)), Answer("CHECKPOINT_FORKED", 422));
  EXPECT_EQ(Judge(Request(300, 300, fork_), Known(300)), Answer("CHECKPOINT_FORKED", 422));
  AddCheckpoint request = Request(255, 300);
  request.proof.pop_back();
  EXPECT_EQ(Judge(request, Known(255)), Answer("CHECKPOINT_FORKED", 422));
  request = Request(0, 300);
  request.proof.push_back(EmptyRoot());
  EXPECT_EQ(Judge(request, std::nullopt), Answer("CHECKPOINT_FORKED", 422));
  request.proof.clear();
  request.checkpoint = SignCheckpoint({kLogName, 0, tree_.Root(), {}}, log_).value();
  EXPECT_EQ(Judge(request, std::nullopt), Answer("CHECKPOINT_FORKED", 422));
}

TEST_F(WitnessTest, RefusesOthersCheckpointsAndSizes) {
  AddCheckpoint request = Request(255, 300);
  request.old_size = 301;
  EXPECT_EQ(Judge(request, Known(255)), Answer("OLD_SIZE_INVALID", 400));
  request = Request(255, 300);
  request.checkpoint = SignCheckpoint({kLogName, 300, tree_.Root(), {}},
                                      CountingSigner(kLogName, SignatureType::kEd25519, 7))
                           .value();
  EXPECT_EQ(Judge(request, Known(255)), Answer("CHECKPOINT_UNSIGNED", 403));
}

TEST_F(WitnessTest, TakesOnlyTheWitnessesOwnCosignatures) {
  const std::string note = Request(0, 300).checkpoint;
  const Checkpoint checkpoint = ParseCheckpoint(ParseNote(note)->text).value();
  const NoteSigner other = CountingSigner("other/w", SignatureType::kCosignature, 0x40);
  const std::string mine = Cosignature(checkpoint, witness_, 1).value();
  const std::string others = Cosignature(checkpoint, other, 1).value();
  EXPECT_EQ(AddCosignature(note, others + mine, witness_.verifier()).value(), note + mine);
  EXPECT_EQ(Reason(AddCosignature(note, others, witness_.verifier()).status()), "NOTE_UNSIGNED");
  Checkpoint wrong = checkpoint;
  wrong.size = 299;
  EXPECT_EQ(
      Reason(AddCosignature(note, Cosignature(wrong, witness_, 1).value(), witness_.verifier())
                 .status()),
      "NOTE_SIGNATURE_INVALID");
  EXPECT_FALSE(AddCosignature(note, "", witness_.verifier()).ok());
}

TEST_F(WitnessTest, RefusesOtherForms) {
  const std::string note = Request(0, 300).checkpoint;
  const std::string hash = EmptyRoot().Base64() + "\n";
  std::string many;
  for (int i = 0; i < 63; ++i) many += hash;
  EXPECT_TRUE(ParseAddCheckpoint("old 1\n" + many + "\n" + note).ok());
  for (const std::string& bad :
       {std::string(), std::string("old 0\n"), "old 0\n" + note, "old 00\n\n" + note,
        "old -1\n\n" + note, "old 18446744073709551616\n\n" + note, "Old 0\n\n" + note,
        "old 0 \n\n" + note, "old 0\nAAAA\n\n" + note, "old 1\n" + many + hash + "\n" + note,
        "old 0\n\n\n" + note, std::string("old 0\n\nno note\n")}) {
    EXPECT_EQ(ParseAddCheckpoint(bad).status().code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(WitnessHttpStatus(ParseAddCheckpoint(bad).status()), 400);
  }
}

TEST_F(WitnessTest, AnyChangedByteIsNoticed) {
  const std::string body = FormatAddCheckpoint(Request(255, 300));
  for (std::size_t at = 0; at < body.size(); ++at) {
    const auto request = ParseAddCheckpoint(Flip(body, at, static_cast<int>(at % 8)));
    EXPECT_FALSE(request.ok() && JudgeAddCheckpoint(*request, log_.verifier(), Known(255)).ok())
        << at;
  }
}

TEST_F(WitnessTest, ArbitraryBytesNeverCrash) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    (void)ParseAddCheckpoint(bytes);
    (void)ParseAddCheckpoint("old 1\n" + bytes);
  }));
}

}  // namespace
}  // namespace genofed::ledger
