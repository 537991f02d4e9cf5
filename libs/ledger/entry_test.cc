// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/entry.h"

#include <rapidcheck.h>

#include <nlohmann/json.hpp>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

Entry Sample() {
  Entry entry;
  entry.kind = EntryKind::kRun;
  entry.time = "2026-01-31T12:00:00Z";
  entry.fields = {
      {"project", "Rare diseases \xC3\xA4 \"quoted\""}, {"dataset", "fi-wgs"}, {"version", "3"}};
  entry.numbers = {{"epoch", 7}};
  entry.commitments = {{"researcher", LeafHash("x")}};
  return entry;
}

TEST(Entry, HasOneCanonicalForm) {
  std::string bytes = EncodeEntry(Sample()).value();
  EXPECT_EQ(
      bytes,
      "{\"commitments\":{\"researcher\":\"" + LeafHash("x").Hex() +
          "\"},\"dataset\":\"fi-wgs\",\"epoch\":7,\"kind\":\"run\","
          "\"project\":\"Rare diseases \xC3\xA4 \\\"quoted\\\"\",\"time\":\"2026-01-31T12:00:00Z\","
          "\"v\":1,\"version\":\"3\"}");
  EXPECT_EQ(DecodeEntry(bytes).value(), Sample());
}

TEST(Entry, EveryKindHasItsName) {
  for (const char* name : {"consent-set", "consent-withdraw", "snapshot", "run", "grant", "access",
                           "denied", "query-batch", "release", "erase", "policy", "key-event",
                           "dataset", "contact", "checkpoint"}) {
    Entry entry;
    entry.kind = ParseKind(name).value();
    entry.time = "2026-01-31T12:00:00Z";
    EXPECT_EQ(KindName(entry.kind), name);
    EXPECT_EQ(DecodeEntry(EncodeEntry(entry).value()).value(), entry);
  }
  EXPECT_FALSE(ParseKind("other").ok());
}

TEST(Entry, HoldsWhatAGrantAndABatchOfQuestionsSay) {
  Entry entry = Sample();
  entry.kind = EntryKind::kGrant;
  entry.fields["agreement_sha256"] = std::string(64, 'a');
  entry.fields["purpose_code"] = "DUO:0000007";
  entry.fields["until"] = "2027-01-31T12:00:00Z";
  EXPECT_EQ(DecodeEntry(EncodeEntry(entry).value()).value(), entry);
  entry.fields["until"] = "next year";
  EXPECT_FALSE(EncodeEntry(entry).ok());

  entry = Sample();
  entry.kind = EntryKind::kQueryBatch;
  entry.fields["since"] = "2026-01-31T11:00:00Z";
  entry.fields["audit_sha256"] = std::string(64, 'b');
  entry.numbers = {{"answers", 12}, {"refusals", 0}, {"audit_links", 40}};
  EXPECT_EQ(DecodeEntry(EncodeEntry(entry).value()).value(), entry);
  entry.fields["audit_sha256"] = "short";
  EXPECT_FALSE(EncodeEntry(entry).ok());
}

TEST(LedgerText, IsOneBoundedLine) {
  EXPECT_EQ(LedgerText(" a\nb\tc\x7f "), "a b c");
  EXPECT_EQ(LedgerText(""), "-");
  EXPECT_EQ(LedgerText("\n"), "-");
  EXPECT_EQ(LedgerText("\xff"), "-");
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(LedgerText(umlauts).size(), 1024U);
  EXPECT_EQ(LedgerText("x" + umlauts).size(), 1023U);
}

// Whatever people write, the entry is taken.
TEST(LedgerText, AlwaysFitsIntoAnEntry) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    Entry entry = Sample();
    entry.SetText("reason", text);
    RC_ASSERT(entry.fields.contains("reason") == !text.empty());
    RC_ASSERT(EncodeEntry(entry).ok());
  }));
}

// Another JSON library writes the same bytes.
TEST(Entry, IsWrittenAsJsonIs) {
  EXPECT_TRUE(rc::check([](const std::string& text, std::uint32_t number) {
    Entry entry = Sample();
    entry.fields["reason"] = "\\ \" / \xE2\x82\xAC " + text;
    entry.numbers["slots"] = number;
    entry.fields["snapshot"] = "s";
    entry.fields["snapshot_root"] = std::string(64, '0');
    entry.commitments["a"] = LeafHash(text);
    const auto bytes = EncodeEntry(entry);
    if (!bytes.ok()) return;  // not plain text
    RC_ASSERT(nlohmann::json::parse(*bytes).dump() == *bytes);
    RC_ASSERT(DecodeEntry(*bytes).value() == entry);
  }));
}

TEST(Entry, HasNoPlaceForPersonalData) {
  for (const char* name :
       {"subject", "person_identifier", "researcher", "pseudonym", "", "v", "kind"}) {
    Entry entry = Sample();
    entry.fields[name] = "x";
    EXPECT_EQ(Reason(EncodeEntry(entry).status()), "ENTRY_INVALID") << name;
  }
}

TEST(Entry, RefusesBadValues) {
  auto refused = [](auto change) {
    Entry entry = Sample();
    change(entry);
    return Reason(EncodeEntry(entry).status()) == "ENTRY_INVALID";
  };
  EXPECT_TRUE(refused([](Entry& e) { e.time = "yesterday"; }));
  EXPECT_TRUE(refused([](Entry& e) { e.time = "2026-13-31T12:00:00Z"; }));
  EXPECT_TRUE(refused([](Entry& e) { e.time = "2026-01-31T12:00:00+01:00"; }));
  EXPECT_TRUE(refused([](Entry& e) { e.fields["project"] = ""; }));
  EXPECT_TRUE(refused([](Entry& e) { e.fields["project"] = "a\nb"; }));
  EXPECT_TRUE(refused([](Entry& e) { e.fields["project"] = "\xFF"; }));
  EXPECT_TRUE(
      refused([](Entry& e) { e.fields["project"] = std::string(kMaxFieldBytes + 1, 'a'); }));
  EXPECT_TRUE(refused([](Entry& e) { e.fields["workflow_sha256"] = "ABC"; }));
  EXPECT_TRUE(refused([](Entry& e) { e.numbers["epoch"] = -1; }));
  EXPECT_TRUE(refused([](Entry& e) { e.numbers["age"] = 1; }));
  EXPECT_TRUE(refused([](Entry& e) { e.commitments["Name"] = Hash(); }));
  EXPECT_TRUE(refused([](Entry& e) { e.fields["snapshot"] = "s1"; }));
  EXPECT_TRUE(refused([](Entry& e) { e.numbers["slots"] = 5; }));
}

TEST(Entry, RefusesOtherSpellings) {
  std::string good = R"({"kind":"policy","time":"2026-01-31T12:00:00Z","v":1})";
  EXPECT_TRUE(DecodeEntry(good).ok());
  for (std::string bad :
       {R"({"kind":"policy", "time":"2026-01-31T12:00:00Z","v":1})",
        R"({"time":"2026-01-31T12:00:00Z","kind":"policy","v":1})",
        R"({"kind":"policy","kind":"policy","time":"2026-01-31T12:00:00Z","v":1})",
        R"({"kind":"policy","time":"2026-01-31T12:00:00Z"})",
        R"({"kind":"policy","time":"2026-01-31T12:00:00Z","v":2})",
        R"({"kind":"policy","time":"2026-01-31T12:00:00Z","v":1.0})",
        R"({"commitments":{},"kind":"policy","time":"2026-01-31T12:00:00Z","v":1})",
        R"({"epoch":18446744073709551615,"kind":"policy","time":"2026-01-31T12:00:00Z","v":1})",
        R"([])", R"()", R"({)", R"(null)"}) {
    EXPECT_FALSE(DecodeEntry(bad).ok()) << bad;
  }
  EXPECT_FALSE(DecodeEntry(std::string(60000, '[')).ok());
  EXPECT_FALSE(DecodeEntry(std::string(kMaxEntryBytes + 1, ' ')).ok());
}

TEST(Entry, AnyChangedByteIsAnotherEntryOrNone) {
  std::string bytes = EncodeEntry(Sample()).value();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = Flip(bytes, at, bit);
      EXPECT_NE(LeafHash(changed), LeafHash(bytes));
      auto entry = DecodeEntry(changed);
      EXPECT_FALSE(entry.ok() && *entry == Sample()) << at;
    }
  }
}

TEST(Entry, ArbitraryBytesNeverCrash) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) { RC_ASSERT(!DecodeEntry(bytes).ok()); }));
}

TEST(Commitment, HidesAndOpens) {
  SystemRandom random;
  Commitment a = Commit("subject-1", random);
  Commitment b = Commit("subject-1", random);
  EXPECT_NE(a.value, b.value);
  EXPECT_TRUE(Opens(a.value, a.key, "subject-1"));
  EXPECT_FALSE(Opens(a.value, a.key, "subject-2"));
  EXPECT_FALSE(Opens(a.value, b.key, "subject-1"));
  // RFC 4231 test case 2.
  EXPECT_TRUE(Opens(
      Hash::FromHex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").value(),
      "Jefe", "what do ya want for nothing?"));
}

}  // namespace
}  // namespace genofed::ledger
