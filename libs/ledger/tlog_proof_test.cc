// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/tlog_proof.h"

#include <rapidcheck.h>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

const NoteVerifier& Log() {
  static const NoteVerifier log = NoteVerifier::Parse(kLogKey).value();
  return log;
}
const NoteVerifier& Witness() {
  static const NoteVerifier witness = NoteVerifier::Parse(kWitnessKey).value();
  return witness;
}

std::string Example() {
  MerkleTree tree;
  for (int i = 0; i < 300; ++i) tree.AppendEntry("entry-" + std::to_string(i));
  TlogProof proof{std::nullopt, 256, tree.InclusionProof(256, 300).value(), ""};
  const NoteSigner log = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  const NoteSigner witness = CountingSigner(kWitnessName, SignatureType::kCosignature, 0x20);
  proof.checkpoint = SignCheckpoint({kLogName, 300, tree.Root(), {}}, log).value();
  proof.checkpoint = CosignCheckpoint(proof.checkpoint, witness, 1767225600).value();
  return FormatTlogProof(proof);
}

Status Verify(std::string_view text, std::string_view entry) {
  GF_ASSIGN(const TlogProof proof, ParseTlogProof(text));
  return VerifyTlogProof(proof, LeafHash(entry), Log(), {&Witness(), 1}, 1).status();
}

TEST(TlogProof, IsTheVectorByteForByte) {
  GF_NEED_VECTORS();
  const std::string text = Load("cosigned/entry-256.tlog-proof");
  EXPECT_EQ(Example(), text);
  const TlogProof proof = ParseTlogProof(text).value();
  EXPECT_EQ(proof.index, 256U);
  EXPECT_EQ(FormatTlogProof(proof), text);
  const auto checkpoint =
      VerifyTlogProof(proof, LeafHash("entry-256"), Log(), {&Witness(), 1}, 1).value();
  EXPECT_EQ(checkpoint.size, 300U);
}

TEST(TlogProof, SaysWhatIsWrong) {
  const TlogProof proof = ParseTlogProof(Example()).value();
  const Hash leaf = LeafHash("entry-256");
  EXPECT_EQ(Reason(VerifyTlogProof(proof, LeafHash("other"), Log()).status()), "PROOF_INVALID");
  EXPECT_EQ(Reason(VerifyTlogProof(proof, leaf, Log(), {&Witness(), 1}, 2).status()),
            "WITNESSES_MISSING");
  EXPECT_EQ(Reason(VerifyTlogProof(proof, leaf, NoteVerifier::Parse(kGoldenKey).value()).status()),
            "NOTE_UNSIGNED");
}

TEST(TlogProof, KeepsExtraData) {
  TlogProof proof = ParseTlogProof(Example()).value();
  for (const std::string& extra : {std::string(), std::string("\0\xff any", 6)}) {
    proof.extra = extra;
    EXPECT_EQ(ParseTlogProof(FormatTlogProof(proof))->extra, extra);
  }
}

TEST(TlogProof, RefusesOtherForms) {
  const std::string good = Example();
  const std::string head(kTlogProofHeader);
  const std::string note = good.substr(good.find("\n\n") + 2);
  EXPECT_TRUE(ParseTlogProof(head + "\nindex 0\n\n" + note).ok());
  const std::string hash = EmptyRoot().Base64() + "\n";
  std::string many;
  for (int i = 0; i < 64; ++i) many += hash;
  for (const std::string& bad :
       {std::string(), head, head + "\n", "c2sp.org/tlog-proof@v2\nindex 0\n\n" + note,
        head + "\r\nindex 0\n\n" + note, head + "\nindex 00\n\n" + note,
        head + "\nindex -1\n\n" + note, head + "\nindex 18446744073709551616\n\n" + note,
        head + "\nindex 0\n" + note, head + "\nextra !\nindex 0\n\n" + note,
        head + "\nindex 0\nextra AAAA\n\n" + note, head + "\nindex 0\nAAAA\n\n" + note,
        head + "\nindex 0\n" + many + "\n" + note, head + "\nindex 0\n\n"}) {
    EXPECT_FALSE(ParseTlogProof(bad).ok()) << bad;
  }
}

TEST(TlogProof, AnyChangedByteIsNoticed) {
  const std::string text = Example();
  ASSERT_TRUE(Verify(text, "entry-256").ok());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit)
      EXPECT_FALSE(Verify(Flip(text, at, bit), "entry-256").ok()) << at;
    EXPECT_FALSE(Verify(text.substr(0, at), "entry-256").ok()) << at;
  }
}

TEST(TlogProof, ArbitraryBytesNeverCrash) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    (void)ParseTlogProof(bytes);
    (void)ParseTlogProof(std::string(kTlogProofHeader) + "\nindex 1\n" + bytes);
  }));
}

}  // namespace
}  // namespace genofed::ledger
