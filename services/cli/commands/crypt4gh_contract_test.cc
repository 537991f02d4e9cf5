// SPDX-License-Identifier: Apache-2.0
//
// `genofed crypt4gh` as auditors use it: the built program, through standard input and output.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "libs/crypt4gh/edit_list.h"
#include "libs/crypt4gh/header.h"
#include "libs/crypt4gh/test_support.h"
#include "libs/crypto/hash.h"

namespace genofed::crypt4gh {
namespace {

using Json = nlohmann::json;

struct Outcome {
  int code = -1;
  std::string out, err;
};

class Crypt4ghCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("a.sec", HexEncode(a_.bytes()) + "\n");
    Write("a.pub", HexEncode(a_.public_key().raw()));
    Write("b.sec", HexEncode(b_.bytes()));
    Write("b.pub", HexEncode(b_.public_key().raw()) + "\n");
  }

  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(dir_ / name, content).ok());
  }
  std::string Path(const std::string& name) { return (dir_ / name).string(); }

  // Runs in the directory of the test, through a shell: `arguments` may quote and redirect.
  Outcome Shell(const std::string& line) {
    const std::string script = "cd '" + dir_.path().string() + "' && { " + line + "; } > out 2> err";
    const int status = std::system(script.c_str());
    Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(dir_ / "out").value(), ReadFile(dir_ / "err").value()};
    EXPECT_EQ(outcome.code == 0 || outcome.code == 3, outcome.err.find("genofed: ") == std::string::npos || outcome.err.find("note:") != std::string::npos)
        << line << "\n" << outcome.err;
    return outcome;
  }
  Outcome Run(const std::string& arguments, const std::string& input) {
    Write("in", input);
    return Shell(Program() + " crypt4gh " + arguments + " < in");
  }
  Outcome Decrypt(const std::string& input, const std::string& key = "a.sec") { return Run("decrypt --secret-key " + key, input); }
  static std::string Program() { return GENOFED_PROGRAM; }

  SecretKey a_ = CountingKey(1);
  SecretKey b_ = CountingKey(0x21);
  TempDir dir_;
};

TEST_F(Crypt4ghCommand, DecryptsTheVectors) {
  GF_NEED_VECTORS();
  int cases = 0;
  for (const auto& row : Rows("generated/index.tsv")) {
    if (row[0] == "name") continue;
    ++cases;
    const auto outcome = Decrypt(Load("generated/" + row[0] + ".c4gh"), row[0] == "reencrypt_after_for_B" ? "b.sec" : "a.sec");
    if (row[2] == "ERROR") {
      EXPECT_EQ(outcome.code, 1) << row[0];
      EXPECT_NE(outcome.err.find("(CRYPT4GH_"), std::string::npos) << outcome.err;
      EXPECT_EQ(outcome.out, row[0] == "bad_mac_last_segment" ? Pattern(131072) : "") << row[0];
    } else {
      EXPECT_EQ(outcome.code, 0) << row[0] << ": " << outcome.err;
      EXPECT_EQ(HexEncode(crypto::Sha256(outcome.out)), row[3]) << row[0];
    }
  }
  EXPECT_EQ(cases, 14);
}

TEST_F(Crypt4ghCommand, TakesKeyFilesOfOtherTools) {
  GF_NEED_VECTORS();
  Write("pass", "password\n");
  EXPECT_EQ(Run("decrypt --passphrase-file pass --secret-key " + Vectors() + "/keys/crypt4gh-x25519-enc.sec.pem", Load("neicnordic/sample.txt.enc")).out,
            Load("neicnordic/sample.txt"));
  const std::string bob = "decrypt --secret-key " + Vectors() + "/htsget-rs/c4gh/keys/bob.sec";
  EXPECT_EQ(Run(bob, Load("htsget-rs/c4gh/spec-v4.3.bcf.c4gh")).out, Load("htsget-rs/bcf/spec-v4.3.bcf"));
  Write("ssh", "123123");
  const auto ssh = Run("encrypt --secret-key " + Vectors() + "/keys/ssh-ed25519-enc.sec.pem --passphrase-file ssh --recipient-key " + Vectors() +
                           "/keys/ssh-ed25519.pub",
                       "to a key of OpenSSH");
  EXPECT_EQ(Run("decrypt --secret-key " + Vectors() + "/keys/ssh-ed25519.sec.pem", ssh.out).out, "to a key of OpenSSH");

  const auto missing = Run("decrypt --secret-key " + Vectors() + "/keys/crypt4gh-x25519-enc.sec.pem", "");
  EXPECT_EQ(missing.code, 2);
  EXPECT_NE(missing.err.find("--passphrase-file"), std::string::npos) << missing.err;
  Write("pass", "wrong");
  const auto wrong = Run("decrypt --passphrase-file pass --secret-key " + Vectors() + "/keys/crypt4gh-x25519-enc.sec.pem", "");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.err.find("CRYPT4GH_PASSPHRASE_WRONG"), std::string::npos) << wrong.err;
  EXPECT_EQ(Run("decrypt --secret-key " + Vectors() + "/keys/bad.pem", "").code, 2);
}

TEST_F(Crypt4ghCommand, RoundTripsForEveryRecipient) {
  const std::string plain = Pattern(140'000);
  const auto file = Run("encrypt --recipient-key a.pub --recipient-key b.pub", plain);
  ASSERT_EQ(file.code, 0) << file.err;
  EXPECT_EQ(file.out.size(), 16U + 2 * 108 + 140'084);
  EXPECT_TRUE(Decrypt(file.out, "a.sec").out == plain);
  EXPECT_TRUE(Decrypt(file.out, "b.sec").out == plain);
  // The writer's key is the one given; without a recipient he writes for himself.
  const auto own = Run("encrypt --secret-key b.sec --recipient-key a.pub", plain);
  EXPECT_EQ(own.out.substr(24, 32), b_.public_key().raw());
  EXPECT_TRUE(Decrypt(own.out, "a.sec").out == plain);
  EXPECT_TRUE(Decrypt(Run("encrypt --secret-key b.sec", plain).out, "b.sec").out == plain);
  // From a pipe to a pipe.
  Write("plain", plain);
  EXPECT_TRUE(Shell("cat plain | " + Program() + " crypt4gh encrypt --recipient-key a.pub | " + Program() + " crypt4gh decrypt --secret-key a.sec").out == plain);
}

TEST_F(Crypt4ghCommand, CutFilesYieldWholeSegmentsOnly) {
  const std::string file = Run("encrypt --recipient-key a.pub", Pattern(140'000)).out;
  constexpr std::size_t kHeader = 124;
  for (std::size_t size : {0U, 1U, 7U, 8U, 11U, 15U, 16U, 19U, 20U, 55U, 123U}) {
    const auto outcome = Decrypt(file.substr(0, size));
    EXPECT_EQ(outcome.code, 1) << size;
    EXPECT_EQ(outcome.out, "") << size;
  }
  for (std::size_t body : {1U, 11U, 12U, 27U, 28U, 100U, 65563U, 65565U, 65592U, 100'000U, 131127U, 131129U, 140'083U}) {
    const auto outcome = Decrypt(file.substr(0, kHeader + body));
    EXPECT_EQ(outcome.code, 1) << body;
    EXPECT_TRUE(outcome.out == Pattern(body / kSealedSegmentBytes * kSegmentBytes)) << body;
  }
  // Between segments the format cannot tell, so the command says that.
  for (std::size_t segments : {0U, 1U, 2U}) {
    const auto outcome = Decrypt(file.substr(0, kHeader + segments * kSealedSegmentBytes));
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(outcome.out == Pattern(segments * kSegmentBytes));
    EXPECT_NE(outcome.err.find("note:"), std::string::npos);
  }
  EXPECT_EQ(Decrypt(file).err, "");
}

TEST_F(Crypt4ghCommand, NothingOfADamagedSegmentIsWritten) {
  const std::string file = Run("encrypt --recipient-key a.pub", Pattern(140'000)).out;
  for (std::size_t segment : {0U, 1U, 2U}) {
    for (std::size_t at : {0U, 11U, 12U, 5'000U, 8'900U}) {
      std::string damaged = file;
      char& byte = damaged[124 + segment * kSealedSegmentBytes + at];
      byte = static_cast<char>(byte ^ 0x10);
      const auto outcome = Decrypt(damaged);
      EXPECT_EQ(outcome.code, 1);
      EXPECT_TRUE(outcome.out == Pattern(segment * kSegmentBytes)) << segment << " " << at;
      EXPECT_NE(outcome.err.find("segment " + std::to_string(segment)), std::string::npos) << outcome.err;
    }
  }
}

TEST_F(Crypt4ghCommand, ManifestsNoticeWhatTheFormatCannot) {
  const std::string file = Run("encrypt --recipient-key a.pub --manifest m.json", Pattern(196'608)).out;
  const auto manifest = Json::parse(ReadFile(dir_ / "m.json").value());
  EXPECT_EQ(manifest["plain_size"], 196'608);
  EXPECT_EQ(manifest["body_sha256"], HexEncode(crypto::Sha256(file.substr(124))));
  EXPECT_EQ(manifest["plain_sha256"], HexEncode(crypto::Sha256(Pattern(196'608))));
  const auto check = [&](const std::string& body) { return Run("decrypt --secret-key a.sec --manifest m.json", file.substr(0, 124) + body); };
  const std::string one = file.substr(124, 65564), two = file.substr(124 + 65564, 65564), three = file.substr(124 + 2 * 65564);
  EXPECT_TRUE(check(one + two + three).out == Pattern(196'608));
  const auto dropped = check(one + two);
  EXPECT_EQ(dropped.code, 1);
  EXPECT_EQ(dropped.out, "") << "the size was known before";
  EXPECT_EQ(check(two + one + three).code, 1);
  EXPECT_EQ(check(one + one + three).code, 1);
  // For another reader the manifest stays what it was.
  const auto passed_on = Run("reencrypt --secret-key a.sec --recipient-key b.pub", file);
  EXPECT_EQ(Run("decrypt --secret-key b.sec --manifest m.json", passed_on.out).code, 0);
  Write("m.json", "{}");
  EXPECT_EQ(check(one + two + three).code, 2);
}

TEST_F(Crypt4ghCommand, RangesAreSlices) {
  GF_NEED_VECTORS();
  const std::string file = Load("generated/editlist_even.c4gh");
  const std::string seen = Decrypt(file).out;
  ASSERT_EQ(seen.size(), 37853U);
  Write("file", file);
  for (auto [range, begin, size] : {std::tuple{"0-10", 0U, 10U}, {"7850-7860", 7850U, 10U}, {"37000-", 37000U, 853U}, {"37852-99999", 37852U, 1U},
                                    {"5-5", 5U, 0U}, {"37853-", 37853U, 0U}}) {
    const std::string line = Program() + " crypt4gh decrypt --secret-key a.sec --range " + range;
    for (const auto& outcome : {Shell(line + " < file"), Shell("cat file | " + line)}) {
      EXPECT_EQ(outcome.code, 0) << range << outcome.err;
      EXPECT_EQ(outcome.out, seen.substr(begin, size)) << range;
    }
  }
  for (std::string range : {"37854-", "40000-50000"}) {
    const std::string line = Program() + " crypt4gh decrypt --secret-key a.sec --range " + range;
    EXPECT_EQ(Shell(line + " < file").code, 1);
    EXPECT_EQ(Shell("cat file | " + line).code, 1);
  }
  for (std::string range : {"5", "-5", "5-4", "a-b", "1-2-3", "0x1-5"}) EXPECT_EQ(Shell(Program() + " crypt4gh decrypt --secret-key a.sec --range=" + range + " < file").code, 2) << range;
  // Damage elsewhere in a file does not matter to a range of it.
  std::string damaged = Load("generated/bad_mac_last_segment.c4gh");
  EXPECT_EQ(Run("decrypt --secret-key a.sec --range 65530-65540", damaged).out, Pattern(65540).substr(65530));
  EXPECT_EQ(Run("decrypt --secret-key a.sec --range 131070-131080", damaged).out, Pattern(131072).substr(131070));
}

TEST_F(Crypt4ghCommand, ReencryptCopiesTheBody) {
  GF_NEED_VECTORS();
  const std::string before = Load("generated/reencrypt_before.c4gh");
  const auto after = Run("reencrypt --secret-key a.sec --recipient-key b.pub", before);
  ASSERT_EQ(after.code, 0) << after.err;
  EXPECT_TRUE(after.out.substr(124) == Load("generated/reencrypt_after_for_B.c4gh").substr(124));
  EXPECT_TRUE(Decrypt(after.out, "b.sec").out == Pattern(140'000));
  EXPECT_EQ(Decrypt(after.out, "a.sec").code, 1);
  // The body is not looked at, the edit list goes along.
  const std::string damaged = Load("generated/bad_mac_last_segment.c4gh");
  EXPECT_TRUE(Run("reencrypt --secret-key a.sec --recipient-key b.pub", damaged).out.substr(124) == damaged.substr(124));
  const auto edited = Run("reencrypt --secret-key a.sec --recipient-key b.pub", Load("generated/editlist_odd.c4gh"));
  EXPECT_EQ(Decrypt(edited.out, "b.sec").out.size(), 74'484U);
  const auto refused = Run("reencrypt --secret-key a.sec --recipient-key b.pub", Load("generated/not_for_me.c4gh"));
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out, "");
}

TEST_F(Crypt4ghCommand, InspectTellsWhatIsInAHeader) {
  GF_NEED_VECTORS();
  const auto inspect = [&](const std::string& options, const std::string& name) { return Run("inspect --json " + options, Load("generated/" + name + ".c4gh")); };
  auto shown = Json::parse(inspect("--secret-key a.sec", "editlist_even").out);
  EXPECT_EQ(shown["version"], 1);
  EXPECT_EQ(shown["packets"].size(), 2U);
  EXPECT_EQ(shown["readable_packets"], 2);
  EXPECT_EQ(shown["data_keys"], 1);
  EXPECT_EQ(shown["edit_list"], (Json{0, 7853, 71721, 30000}));
  EXPECT_EQ(shown["header_bytes"], 232);
  EXPECT_EQ(shown["body_bytes"], 140'084);
  EXPECT_EQ(shown["plain_bytes"], 140'000);
  EXPECT_EQ(shown["problem"], nullptr);
  shown = Json::parse(inspect("", "two_recipients").out);
  EXPECT_EQ(shown["packets"].size(), 2U);
  EXPECT_EQ(shown["readable_packets"], nullptr);
  EXPECT_EQ(shown["packets"][0]["content"], nullptr);
  shown = Json::parse(inspect("--secret-key a.sec", "two_recipients").out);
  EXPECT_EQ(shown["readable_packets"], 1);
  EXPECT_EQ(shown["packets"][0]["content"], "not readable");
  EXPECT_EQ(shown["packets"][1]["content"], "data key");
  EXPECT_EQ(inspect("--secret-key a.sec", "not_for_me").code, 3);
  EXPECT_EQ(inspect("--secret-key a.sec", "bad_magic").code, 1);
  const auto human = Run("inspect --secret-key a.sec", Load("generated/editlist_even.c4gh"));
  EXPECT_NE(human.out.find("[0,7853,71721,30000]"), std::string::npos);
  // The data key of the vectors is 61 62 … in hexadecimal: nowhere in what is shown.
  EXPECT_EQ((human.out + shown.dump()).find("616263"), std::string::npos);
}

TEST_F(Crypt4ghCommand, RefusesWhatIsNoCrypt4gh) {
  Write("huge", std::string("crypt4gh\1\0\0\0\xff\xff\xff\xff", 16) + std::string(200, 'x'));
  Write("long", std::string("crypt4gh\1\0\0\0\1\0\0\0\xff\xff\xff\xff", 20) + std::string(200, 'x'));
  for (std::string input : {"huge", "long", "/dev/null", "a.sec", "/"}) {
    for (std::string command : {"decrypt --secret-key a.sec", "reencrypt --secret-key a.sec --recipient-key b.pub", "inspect"}) {
      const auto outcome = Shell(Program() + " crypt4gh " + command + " < " + input);
      EXPECT_EQ(outcome.code, 1) << command << " " << input;
      EXPECT_EQ(outcome.out, "");
    }
  }
  EXPECT_EQ(Shell(Program() + " crypt4gh decrypt --secret-key a.sec <&-").code, 1);
}

TEST_F(Crypt4ghCommand, OutputThatCannotBeWrittenIsAFailure) {
  Write("file", Run("encrypt --recipient-key a.pub", Pattern(1'000'000)).out);
  Write("empty", Run("encrypt --recipient-key a.pub", "").out);
  const std::string decrypt = Program() + " crypt4gh decrypt --secret-key a.sec";
  const auto full = Shell(decrypt + " < file > /dev/full");
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.err.find("No space left"), std::string::npos) << full.err;
  EXPECT_EQ(Shell(decrypt + " < file >&-").code, 1);
  EXPECT_EQ(Shell(decrypt + " < empty >&-").code, 1);
  EXPECT_EQ(Shell(Program() + " crypt4gh encrypt --recipient-key a.pub < file > /dev/full").code, 1);
  // A reader that goes away: a reason, not a signal.
  const auto gone = Shell("{ " + decrypt + " < file; echo \"code $?\" >&2; } | head -c 10 > /dev/null; false");
  EXPECT_NE(gone.err.find("Broken pipe"), std::string::npos) << gone.err;
  EXPECT_NE(gone.err.find("code 1"), std::string::npos) << gone.err;
}

TEST_F(Crypt4ghCommand, WrongCommandLinesAreUsageErrors) {
  for (std::string arguments : {"", "encrypt", "decrypt", "reencrypt --secret-key a.sec", "decrypt --secret-key none.sec", "encrypt --recipient-key a.sec.none",
                                "decrypt --secret-key a.sec --passphrase-file none", "decrypt --secret-key a.sec --range 0-1 --manifest m", "keygen"}) {
    const int status = std::system(("cd '" + dir_.path().string() + "' && " + Program() + " crypt4gh " + arguments + " < /dev/null > out 2> err").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 2) << arguments;
    EXPECT_EQ(ReadFile(dir_ / "out").value(), "") << arguments;
  }
}

TEST_F(Crypt4ghCommand, KeyGenMakesAPairAndOverwritesNothing) {
  Write("pass", "correct horse\n");
  EXPECT_EQ(Shell(Program() + " crypt4gh keygen --secret-key n.sec --public-key n.pub --passphrase-file pass").code, 0);
  struct stat info {};
  ASSERT_EQ(::stat(Path("n.sec").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto file = Run("encrypt --recipient-key n.pub", "text");
  EXPECT_EQ(Run("decrypt --secret-key n.sec --passphrase-file pass", file.out).out, "text");
  const std::string before = ReadFile(dir_ / "n.sec").value();
  EXPECT_EQ(Shell(Program() + " crypt4gh keygen --secret-key n.sec --public-key o.pub").code, 2);
  EXPECT_EQ(Shell(Program() + " crypt4gh keygen --secret-key o.sec --public-key n.pub").code, 2);
  EXPECT_EQ(ReadFile(dir_ / "n.sec").value(), before);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "o.sec"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "o.pub"));
}

}  // namespace
}  // namespace genofed::crypt4gh
