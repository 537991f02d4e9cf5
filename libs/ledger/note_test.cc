// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/note.h"

#include <rapidcheck.h>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

// The example of c2sp.org/signed-note; its verifier key is not published, so only the form is
// checked.
constexpr char kExample[] =
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\xC3\xA8 subito "
    "sera.\n\n"
    "\xE2\x80\x94 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/"
    "5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

TEST(Note, ReadsTheExample) {
  Note note = ParseNote(kExample).value();
  EXPECT_EQ(note.text.substr(note.text.size() - 16), "\xC3\xA8 subito sera.\n");
  ASSERT_EQ(note.signatures.size(), 1U);
  EXPECT_EQ(note.signatures[0].name, "quasimodo.example/salvatore");
  EXPECT_EQ(note.signatures[0].key_id, 0x367ba04bU);
  EXPECT_EQ(FormatNote(note), kExample);
}

TEST(Note, KeysHaveTheirKnownText) {
  EXPECT_EQ(CountingSigner(kLogName, SignatureType::kEd25519, 0).verifier().ToString(), kLogKey);
  EXPECT_EQ(CountingSigner(kWitnessName, SignatureType::kCosignature, 0x20).verifier().ToString(),
            kWitnessKey);
  for (std::string text : {kLogKey, kWitnessKey, kGoldenKey})
    EXPECT_EQ(NoteVerifier::Parse(text)->ToString(), text);
}

TEST(Note, RefusesChangedKeys) {
  std::string key = kLogKey;
  for (std::size_t at = 0; at < key.size(); ++at)
    EXPECT_FALSE(NoteVerifier::Parse(Flip(key, at)).ok()) << at;
  for (const char* bad : {"", "a", "a+b", "++", "name+00000000+", "name+00000000+AQ=="}) {
    EXPECT_FALSE(NoteVerifier::Parse(bad).ok()) << bad;
  }
  auto key_of = crypto::Ed25519Key::Generate().value();
  for (const char* name : {"", "with space", "with+plus", "with\nline"}) {
    EXPECT_EQ(Reason(NoteSigner::Create(name, SignatureType::kEd25519, key_of).status()),
              "VERIFIER_KEY_INVALID");
  }
}

TEST(Note, SignsAndVerifies) {
  NoteSigner log = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  NoteSigner witness = CountingSigner(kWitnessName, SignatureType::kCosignature, 0x20);
  Note note{"text\n\nmore\n", {}};
  ASSERT_TRUE(log.Sign(note).ok());
  EXPECT_EQ(Reason(witness.verifier().Verify(note).status()), "NOTE_UNSIGNED");
  EXPECT_EQ(Reason(witness.Sign(note)), "NOTE_INVALID") << "a cosignature needs a time";
  ASSERT_TRUE(witness.Sign(note, 1767225600).ok());
  Note again = ParseNote(FormatNote(note)).value();
  EXPECT_EQ(log.verifier().Verify(again).value(), 0);
  EXPECT_EQ(witness.verifier().Verify(again).value(), 1767225600);
  // One bad signature of a known key spoils the note, even beside a good one.
  again.signatures.push_back(again.signatures[0]);
  again.signatures.back().signature[0] =
      static_cast<char>(again.signatures.back().signature[0] ^ 1);
  EXPECT_EQ(Reason(log.verifier().Verify(again).status()), "NOTE_SIGNATURE_INVALID");
}

TEST(Note, CannotHoldControlCharacters) {
  NoteSigner log = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  for (std::string text : {"", "no newline", "tab\there\n", "\xFF\n"}) {
    Note note{text, {}};
    EXPECT_EQ(Reason(log.Sign(note)), "NOTE_INVALID");
  }
}

TEST(Note, LimitsHold) {
  EXPECT_FALSE(ParseNote(std::string(kMaxNoteBytes + 1, 'a')).ok());
  std::string note = "text\n\n";
  std::string line = "\xE2\x80\x94 a AAAAAAA=\n";
  for (std::size_t i = 0; i < kMaxNoteSignatures; ++i) note += line;
  EXPECT_TRUE(ParseNote(note).ok());
  EXPECT_FALSE(ParseNote(note + line).ok());
  for (std::string bad :
       {"", "\n\n", "text\n", "text\n\n", "text\n\nno dash\n", "text\n\n\xE2\x80\x94 a AAAA\n"}) {
    EXPECT_FALSE(ParseNote(bad).ok()) << bad;
  }
}

TEST(Note, AnyChangedByteIsNoticed) {
  NoteSigner log = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  Note note{"first line\nsecond line\n", {}};
  ASSERT_TRUE(log.Sign(note).ok());
  std::string text = FormatNote(note);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = ParseNote(Flip(text, at, bit));
      EXPECT_FALSE(changed.ok() && log.verifier().Verify(*changed).ok()) << at;
    }
  }
}

TEST(Note, ArbitraryBytesNeverCrash) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    (void)ParseNote(bytes);
    (void)ParseNote("text\n\n\xE2\x80\x94 " + bytes + "\n");
    (void)NoteVerifier::Parse(bytes);
  }));
}

}  // namespace
}  // namespace genofed::ledger
