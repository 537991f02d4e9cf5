// SPDX-License-Identifier: Apache-2.0
//
// `genofed ledger` as auditors use it: the built program on files, without any site.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libs/ledger/checkpoint.h"
#include "libs/ledger/receipt.h"
#include "libs/ledger/test_support.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::ledger {
namespace {

using Json = nlohmann::json;

struct Outcome {
  int code = -1;
  std::string out, err;
};

class LedgerCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string leaves;
    for (int i = 0; i < 600; ++i) leaves += "entry-" + std::to_string(i) + "\n";
    Write("leaves", leaves);
    std::string seed;
    for (int i = 0; i < 32; ++i) seed += static_cast<char>(i);
    Write("log.pem", crypto::Ed25519Key::FromSeed(seed)->ToPem());
    Write("key", std::string(kLogKey) + "\n");
  }

  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(dir_.path() / name, content).ok());
  }
  std::string Read(const std::string& name) { return ReadFile(dir_.path() / name).value(); }
  // Runs in the directory of the test, through a shell.
  Outcome Shell(const std::string& line) {
    const std::string script =
        "cd '" + dir_.path().string() + "' && { " + line + "; } > out 2> err";
    const int status = std::system(script.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Read("out"), Read("err")};
  }
  Outcome Run(const std::string& arguments) {
    return Shell(std::string(GENOFED_PROGRAM) + " ledger " + arguments);
  }
  // A signed log of the first `size` leaves.
  void Build(int size, const std::string& out) {
    EXPECT_EQ(Shell("head -n " + std::to_string(size) + " leaves > part").code, 0);
    const auto built = Run("build --leaves - --out " + out + " --signing-key log.pem --origin " +
                           kLogName + " < part");
    ASSERT_EQ(built.code, 0) << built.err;
  }
  void Damage(const std::string& name, std::size_t at) { Write(name, Flip(Read(name), at)); }

  testing::TemporaryDirectory dir_;
};

std::string RootOf(int size) {
  MerkleTree tree;
  for (int i = 0; i < size; ++i) tree.AppendEntry("entry-" + std::to_string(i));
  return tree.Root().Hex();
}

TEST_F(LedgerCommand, BuildsTilesAndPrintsSizeAndRoot) {
  const auto built = Run("build --leaves leaves --out log");
  EXPECT_EQ(built.code, 0) << built.err;
  EXPECT_EQ(built.out, "size 600\nroot " + RootOf(600) + "\n");
  std::vector<std::string> names = DirectoryTiles(dir_.path() / "log").List().value();
  EXPECT_EQ(names, (std::vector<std::string>{"tile/0/000", "tile/0/001", "tile/0/002.p/88",
                                             "tile/1/000.p/2", "tile/entries/000",
                                             "tile/entries/001", "tile/entries/002.p/88"}));
  // Again: the same. Another list: refused.
  EXPECT_EQ(Run("build --leaves leaves --out log").code, 0);
  Write("leaves", Flip(Read("leaves"), 3));
  const auto other = Run("build --leaves leaves --out log");
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("LOG_DIFFERS"), std::string::npos) << other.err;
}

TEST_F(LedgerCommand, AFullDiskLeavesNoPartOfATile) {
  // As long as a file may get here is half a tile.
  const auto full = Shell("trap '' XFSZ; ulimit -f 4; " + std::string(GENOFED_PROGRAM) +
                          " ledger build --leaves leaves --out log");
  EXPECT_EQ(full.code, 1) << full.err;
  EXPECT_EQ(Run("build --leaves leaves --out log").code, 0) << "what is there is whole";
}

TEST_F(LedgerCommand, KnowsTheRootsOfTheVectors) {
  GF_NEED_VECTORS();
  for (const auto& row : Rows("tree-513.tsv")) {
    if (row[0] != "root" || ParseInt(row[1]).value() % 73 > 1) continue;
    const auto outcome = Run("root --leaves leaves --size " + row[1]);
    EXPECT_EQ(outcome.out, "size " + row[1] + "\nroot " + row[2] + "\n");
  }
  EXPECT_EQ(Json::parse(Run("root --leaves leaves --size 2 --json").out)["size"], 2);
  EXPECT_EQ(Run("root --leaves leaves --size 601").code, 2);
  EXPECT_EQ(Run("root --leaves nowhere").code, 2);
}

TEST_F(LedgerCommand, TakesLinesAsTheyAre) {
  auto root = [this](const std::string& text) {
    Write("l", text);
    return Run("root --leaves l").out;
  };
  EXPECT_EQ(root(""), "size 0\nroot " + EmptyRoot().Hex() + "\n");
  EXPECT_EQ(root("\n"), "size 1\nroot " + LeafHash("").Hex() + "\n");
  EXPECT_EQ(root("a"), root("a\n"));
  EXPECT_EQ(root("a\r\n"), "size 1\nroot " + LeafHash("a\r").Hex() + "\n");
  Write("l", std::string(65536, 'x'));
  EXPECT_EQ(Run("root --leaves l").code, 2);
}

TEST_F(LedgerCommand, JudgesTheReferenceCases) {
  GF_NEED_VECTORS();
  std::string input;
  std::string expected;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(Vectors() + "/merkle-testdata/testdata")) {
    if (file.path().extension() != ".json") continue;
    Json one = Json::parse(ReadFile(file.path()).value());
    one["name"] = file.path().string();
    input += one.dump() + "\n";
    expected +=
        Json{{"name", one["name"]}, {"verdict", one["wantErr"] ? "refuse" : "accept"}}.dump() +
        "\n";
  }
  Write("cases", input);
  const auto outcome = Run("check-proofs < cases");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, expected);
}

TEST_F(LedgerCommand, RefusesMalformedLinesAndGoesOn) {
  Write("cases",
        "\n{\"name\":\"x\"}\nnot json\n\xff\n{\"name\":\"\xff\"}\n[[[[\n"
        R"({"name":"good","size1":1,"size2":1,"root1":"AAAA","root2":"AAAA"})");
  const auto outcome = Run("check-proofs < cases");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(
      outcome.out,
      "{\"name\":\"line 1\",\"verdict\":\"refuse\"}\n{\"name\":\"x\",\"verdict\":\"refuse\"}\n"
      "{\"name\":\"line 3\",\"verdict\":\"refuse\"}\n{\"name\":\"line 4\",\"verdict\":\"refuse\"}\n"
      "{\"name\":\"line 5\",\"verdict\":\"refuse\"}\n{\"name\":\"line 6\",\"verdict\":\"refuse\"}\n"
      "{\"name\":\"good\",\"verdict\":\"accept\"}\n");
}

TEST_F(LedgerCommand, FsckNamesWhatIsBad) {
  Build(600, "log");
  auto good = Run("fsck log --key key");
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_NE(good.out.find("root " + RootOf(600) + "\nOK: 7 files"), std::string::npos) << good.out;
  Damage("log/tile/entries/001", 2);
  auto bad = Run("fsck log --key key");
  EXPECT_EQ(bad.code, 3);
  EXPECT_NE(bad.out.find("BAD tile/entries/001 entry 256: "), std::string::npos) << bad.out;
  const Json json = Json::parse(Run("fsck log --key key --json").out);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["findings"][0]["path"], "tile/entries/001");
  Damage("log/tile/entries/001", 2);
  Damage("log/checkpoint", 30);
  bad = Run("fsck log --key key");
  EXPECT_EQ(bad.code, 3);
  EXPECT_NE(bad.out.find("BAD checkpoint"), std::string::npos) << bad.out;
  // From tiles alone.
  std::filesystem::remove(dir_.path() / "log/checkpoint");
  EXPECT_EQ(Run("fsck log").code, 0);
  EXPECT_EQ(Run("fsck log --root " + RootOf(600)).code, 0);
  EXPECT_EQ(Run("fsck log --root " + RootOf(599)).code, 3);
  EXPECT_EQ(Run("fsck log --key key").code, 3) << "a key without a checkpoint";
  EXPECT_EQ(Run("fsck nowhere").code, 2);
}

TEST_F(LedgerCommand, FsckOfABeginningIsOfWhatTheCheckpointSigns) {
  Build(300, "log");
  Build(600, "log");
  const Json good = Json::parse(Run("fsck log --key key --size 300 --json").out);
  EXPECT_EQ(good["ok"], true);
  EXPECT_EQ(good["signature_checked"], true);
  EXPECT_EQ(good["root"], RootOf(300));
  const auto bad = [&](const std::string& arguments) {
    const auto outcome = Run("fsck " + arguments + " --key key --json");
    EXPECT_EQ(outcome.code, 3) << arguments;
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["ok"], false) << arguments;
    return json;
  };
  EXPECT_EQ(bad("log --size 601")["signature_checked"], false);
  bad("log --root " + RootOf(599));
  // Other entries below the checkpoint of the good ones.
  Write("leaves", Flip(Read("leaves"), 3));
  Build(300, "other");
  Write("other/checkpoint", Read("log/checkpoint"));
  EXPECT_EQ(bad("other --size 300")["signature_checked"], false);
  Build(600, "other");
  Write("other/checkpoint", Read("log/checkpoint"));
  EXPECT_EQ(bad("other --size 300")["signature_checked"], false);
}

TEST_F(LedgerCommand, FsckAndVerifyTakeTheGoldenLog) {
  GF_NEED_VECTORS();
  const std::string golden = Vectors() + "/tessera-golden-log/log --key " + kGoldenKey;
  EXPECT_EQ(Run("fsck " + golden).code, 0);
  EXPECT_EQ(Run("verify " + golden).code, 0);
}

TEST_F(LedgerCommand, ProvesWhatItChecks) {
  Build(600, "log");
  auto made = Run("prove log --key key --index 257 --save-entry entry > proof");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(Read("entry"), "entry-257");
  EXPECT_EQ(Run("verify proof --entry entry --key key").code, 0);
  Write("entry", "entry-258");
  const auto wrong = Run("verify proof --entry entry --key key");
  EXPECT_EQ(wrong.code, 3);
  EXPECT_NE(wrong.err.find("PROOF_INVALID"), std::string::npos) << wrong.err;
  EXPECT_EQ(Run("verify proof --key key").code, 2) << "without the entry";
  for (const char* question :
       {"--index 0 --json", "--index 599 --json", "--index 3 --size 7 --json",
        "--from 255 --size 300", "--from 600", "--from 1 --size 2"}) {
    const auto proof = Run(std::string("prove log ") + question + " | tee case | " +
                           GENOFED_PROGRAM + " ledger check-proofs");
    EXPECT_NE(proof.out.find("accept"), std::string::npos) << question << proof.out << proof.err;
  }
  EXPECT_EQ(Run("prove log --index 600").code, 2);
  EXPECT_EQ(Run("prove log --from 601").code, 2);
  EXPECT_EQ(Run("prove log").code, 2);
  EXPECT_EQ(Run("prove log --index 3 --size 7").code, 1) << "no checkpoint of that size";
  Damage("log/tile/0/001", 0);  // the sibling of entry 257
  EXPECT_EQ(Run("prove log --key key --index 257").code, 3);
}

TEST_F(LedgerCommand, VerifiesTheCosignedVector) {
  GF_NEED_VECTORS();
  Write("entry", "entry-256");
  const std::string proof =
      "verify " + Vectors() + "/cosigned/entry-256.tlog-proof --entry entry --key " + kLogKey;
  EXPECT_EQ(Run(proof + " --witness-key " + kWitnessKey + " --witnesses 1").code, 0);
  const auto outcome = Run(proof + " --witnesses 1");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("WITNESSES_MISSING"), std::string::npos) << outcome.err;
}

TEST_F(LedgerCommand, VerifyNamesTheSlotOfAReceipt) {
  const std::string secrets(11 * kSlotSecretBytes, 's');
  const Snapshot snapshot =
      Snapshot::Build("A/1/SEC/7", SlotSet(std::vector<std::uint32_t>{4}), {{secrets}}).value();
  Entry entry;
  entry.kind = EntryKind::kRun;
  entry.time = "2026-01-31T12:00:00Z";
  entry.fields = {{"snapshot", snapshot.id()}, {"snapshot_root", snapshot.root().Hex()}};
  entry.numbers = {{"slots", 11}, {"epoch", 7}};
  Receipt receipt;
  receipt.entry = EncodeEntry(entry).value();
  MerkleTree tree;
  tree.AppendEntry(receipt.entry);
  receipt.origin = kLogName;
  receipt.checkpoint = SignCheckpoint({kLogName, 1, tree.Root(), {}},
                                      CountingSigner(kLogName, SignatureType::kEd25519, 0))
                           .value();
  Write("entry", receipt.entry);
  for (const std::uint32_t slot : {4U, 9U}) {
    receipt.snapshot = snapshot.Prove(slot, secrets).value();
    Write("receipt", FormatReceipt(receipt));
    Write("proof", FormatReceiptAsTlogProof(receipt));
    const std::string said = slot == 4 ? "was used (slot 4)" : "was NOT used (slot 9)";
    for (const char* what : {"receipt", "proof --entry entry"}) {
      const auto shown = Run(std::string("verify ") + what + " --key key");
      EXPECT_EQ(shown.code, 0) << shown.err;
      EXPECT_NE(shown.out.find(said), std::string::npos) << shown.out;
      EXPECT_EQ(Json::parse(Run(std::string("verify ") + what + " --key key --json").out)["slot"],
                slot);
    }
  }
}

TEST_F(LedgerCommand, WatchSeesGrowthAndRaisesTheAlarmOnAnythingElse) {
  Build(255, "log");
  EXPECT_EQ(Run("watch log --key key --state seen --once").code, 0);
  // Seen before, and still without the witness that is now asked for.
  const auto alone = Run("watch log --key key --state seen --once --witness-key " +
                         std::string(kWitnessKey) + " --witnesses 1");
  EXPECT_EQ(alone.code, 3);
  EXPECT_NE(alone.err.find("WITNESSES_MISSING"), std::string::npos) << alone.err;
  Build(300, "log");
  auto grown = Run("watch log --key key --state seen --once");
  EXPECT_EQ(grown.code, 0) << grown.err;
  EXPECT_NE(grown.out.find("size 300 root " + RootOf(300) + ", contains 255"), std::string::npos)
      << grown.out;
  // Rolled back, forked at the same size, and rewritten.
  Build(255, "older");
  auto alarm = Run("watch older --key key --state seen --once");
  EXPECT_EQ(alarm.code, 3);
  EXPECT_NE(alarm.err.find("ALARM: older: "), std::string::npos) << alarm.err;
  EXPECT_NE(alarm.err.find("LEDGER_ROLLED_BACK"), std::string::npos) << alarm.err;
  Write("leaves", Flip(Read("leaves"), 3));
  Build(300, "forked");
  EXPECT_NE(Run("watch forked --key key --state seen --once").err.find("LEDGER_FORKED"),
            std::string::npos);
  Build(600, "rewritten");
  alarm = Run("watch rewritten --key key --state seen --once");
  EXPECT_EQ(alarm.code, 3);
  EXPECT_NE(alarm.err.find("LEDGER_FORKED"), std::string::npos) << alarm.err;
  EXPECT_EQ(Run("watch log --key key --state seen --once").code, 0) << "the good one is still good";
  // What is missing or no tile hides as much.
  for (const std::string path : {"log/tile/0/001.p/44", "log/tile/1/000.p/1"}) {
    const std::string whole = Read(path);
    for (const bool missing : {false, true}) {
      if (missing) {
        std::filesystem::remove(dir_.path() / path);
      } else {
        Write(path, whole.substr(1));
      }
      alarm = Run("watch log --key key --once");
      EXPECT_EQ(alarm.code, 3) << path;
      EXPECT_NE(alarm.err.find("LEDGER_DAMAGED"), std::string::npos) << alarm.err;
    }
    Write(path, whole);
  }
  Damage("log/tile/1/000.p/1", 0);
  EXPECT_EQ(Run("watch log --key key --once").code, 3);
}

TEST_F(LedgerCommand, SaysHowItIsUsed) {
  for (const char* command :
       {"build", "root", "check-proofs", "verify", "fsck", "prove", "watch"}) {
    const auto help = Run(std::string(command) + " --help");
    EXPECT_EQ(help.code, 0);
    EXPECT_NE(help.out.find("Example"), std::string::npos) << command;
  }
}

}  // namespace
}  // namespace genofed::ledger
