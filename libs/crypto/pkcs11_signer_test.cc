// SPDX-License-Identifier: Apache-2.0
// With a real token: SoftHSM, in a temporary directory, its keys made by pkcs11-tool.
#include "libs/crypto/pkcs11_signer.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <p11-kit/pkcs11.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/jws.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::crypto {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using testing::HasCode;
using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
constexpr const char* kClaims = R"({"iss":"https://dac.fi.example","n":1})";
constexpr const char* kPin = "1234-user-pin";

// Cryptoki as SoftHSM itself has it, past p11-kit: to take sessions and logins away from the
// signer.
CK_FUNCTION_LIST* RawModule() {
  static CK_FUNCTION_LIST* list = [] {
    CK_FUNCTION_LIST* found = nullptr;
    void* module = dlopen(kModule, RTLD_NOW);
    auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(module, "C_GetFunctionList"));
    return get(&found) == CKR_OK ? found : nullptr;
  }();
  return list;
}

class Pkcs11SignerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(kModule)) << "is the package softhsm2 installed?";
    std::filesystem::create_directory(tokens_);
    const std::string conf = (dir_.path() / "softhsm2.conf").string();
    ASSERT_THAT(WriteFileAtomically(conf, "directories.tokendir = " + tokens_.string() +
                                              "\nobjectstore.backend = file\nlog.level = ERROR\n"),
                IsOk());
    setenv("SOFTHSM2_CONF", conf.c_str(), 1);
    setenv("TEST_PIN", kPin, 1);
    setenv("TEST_SO_PIN", "officer-pin", 1);
    Tool("--init-token --slot-index 0 --label genofed-fi --so-pin env:TEST_SO_PIN");
    Tool(
        "--token-label genofed-fi --init-pin --login --login-type so --so-pin env:TEST_SO_PIN "
        "--new-pin env:TEST_PIN");
  }
  static void Tool(const std::string& arguments) {
    const std::string command =
        fmt::format("pkcs11-tool --module {} {} >/dev/null", kModule, arguments);
    ASSERT_EQ(std::system(command.c_str()), 0) << command << ": is the package opensc installed?";
  }
  static void MakeKey(const std::string& label, const std::string& type = "EC:prime256v1",
                      const std::string& more = "") {
    Tool(
        fmt::format("--token-label genofed-fi --login --pin env:TEST_PIN --keypairgen --key-type "
                    "{} --label {} --id {:02x} "
                    "--usage-sign {}",
                    type, label, next_id_++, more));
  }
  static std::string Uri(std::string_view token, std::string_view object) {
    return fmt::format("pkcs11:token={};object={}?module-path={}", token, object, kModule);
  }
  static Result<std::unique_ptr<Pkcs11Signer>> Open(std::string_view object = "national",
                                                    std::string pin = kPin,
                                                    std::string_view token = "genofed-fi") {
    return Pkcs11Signer::Open({Uri(token, object), std::move(pin)});
  }
  static Status Verify(const std::string& token, const PublicKey& key) {
    return VerifyJws(token, {.types = {"test+jwt"}},
                     [&](const KeyQuery& query) -> Result<PublicKey> {
                       if (query.kid != key.kid())
                         return Error(StatusCode::kNotFound, "KEY_UNKNOWN", "another key");
                       return key;
                     })
        .status();
  }
  static CK_SLOT_ID Slot() {
    CK_SLOT_ID slots[8] = {};
    CK_ULONG count = 8;
    EXPECT_EQ(RawModule()->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    return slots[0];
  }

  static inline int next_id_ = 1;
  testing::TemporaryDirectory dir_;
  const std::filesystem::path tokens_ = dir_.path() / "tokens";
};

TEST_F(Pkcs11SignerTest, SignsWhatVerifiersAccept) {
  MakeKey("national");
  GF_ASSERT_OK_AND_ASSIGN(auto signer, Open());
  EXPECT_THAT(signer->warnings(), IsEmpty());
  EXPECT_EQ(signer->public_key().algorithm(), Algorithm::kEs256);
  EXPECT_EQ(signer->public_key().kid(), signer->public_key().thumbprint());
  for (int i = 0; i < 20; ++i) {
    const auto token = signer->SignJws("test+jwt", kClaims);
    ASSERT_THAT(token, IsOk());
    EXPECT_THAT(Verify(*token, signer->public_key()), IsOk());
  }
  EXPECT_THAT(signer->SignJws("test+jwt", "[]"), HasReason("CLAIMS_INVALID"));
  GF_ASSERT_OK_AND_ASSIGN(const std::string with_jku,
                          signer->SignJws("test+jwt", kClaims, "https://dac.fi.example/jwks.json"));
  EXPECT_THAT(*Base64UrlDecode(Split(with_jku, '.')[0]),
              HasSubstr(R"("jku":"https://dac.fi.example/jwks.json")"));
  EXPECT_THAT(Verify(with_jku, signer->public_key()), IsOk());
}

TEST_F(Pkcs11SignerTest, AWrongPinIsNamedAndNeverTriedAgain) {
  MakeKey("national");
  const auto refused = Open("national", "not-the-pin");
  EXPECT_THAT(refused, AllOf(HasCode(StatusCode::kFailedPrecondition), HasReason("PIN_REFUSED")));
  EXPECT_EQ(Message(refused.status()).find("not-the-pin"), std::string::npos);
  EXPECT_THAT(Open(), IsOk());  // one attempt does not lock

  // The PIN changes while the signer runs, and the token restarts.
  GF_ASSERT_OK_AND_ASSIGN(auto signer, Open());
  setenv("TEST_NEW_PIN", "another-pin", 1);
  Tool(
      "--token-label genofed-fi --login --pin env:TEST_PIN --change-pin --new-pin "
      "env:TEST_NEW_PIN");
  ASSERT_EQ(RawModule()->C_Finalize(nullptr), CKR_OK);
  EXPECT_THAT(signer->SignJws("test+jwt", kClaims), HasReason("PIN_REFUSED"));
  // Even with the old PIN restored: who knows how often it was tried.
  Tool(
      "--token-label genofed-fi --login --pin env:TEST_NEW_PIN --change-pin --new-pin "
      "env:TEST_PIN");
  EXPECT_THAT(signer->SignJws("test+jwt", kClaims), HasReason("PIN_REFUSED"));
}

TEST_F(Pkcs11SignerTest, SaysWhatIsMissing) {
  MakeKey("national");
  EXPECT_THAT(Open("international"), HasReason("KEY_NOT_FOUND"));
  EXPECT_THAT(Open("national", kPin, "genofed-xx"), HasReason("TOKEN_NOT_FOUND"));
  EXPECT_THAT(
      Pkcs11Signer::Open({"pkcs11:token=genofed-fi;object=national?module-path=/nowhere.so", kPin}),
      AllOf(HasReason("KEY_STORE_INVALID"), HasCode(StatusCode::kInvalidArgument)));
  MakeKey("national");
  EXPECT_THAT(Open("national"), HasReason("KEY_AMBIGUOUS"));
}

TEST_F(Pkcs11SignerTest, RefusesUrisThatAreNoKeysName) {
  for (const char* uri :
       {"", "file:/x", "pkcs11:token=a;object=b", "pkcs11:token=a?module-path=/m.so",
        "pkcs11:token=a;object=b?module-path=relative.so",
        "pkcs11:token=a;object=b?module-path=/m.so&pin-value=1234",
        "pkcs11:token=a;object=b?module-path=/m.so&pin-source=/etc/pin",
        "pkcs11:token=a;object=b;colour=red?module-path=/m.so"}) {
    EXPECT_THAT(Pkcs11Signer::Open({uri, kPin}), HasReason("KEY_URI_INVALID")) << uri;
  }
}

TEST_F(Pkcs11SignerTest, RefusesOtherCurvesAndKinds) {
  MakeKey("wide", "EC:secp384r1");
  EXPECT_THAT(Open("wide"), HasReason("KEY_INVALID"));
  EXPECT_THAT(Message(Open("wide").status()), HasSubstr("P-256"));
  MakeKey("rsa", "rsa:2048");
  EXPECT_THAT(Open("rsa"), HasReason("KEY_INVALID"));
}

TEST_F(Pkcs11SignerTest, WarnsOfAKeyThatCanLeaveTheToken) {
  MakeKey("loose", "EC:prime256v1", "--extractable");
  GF_ASSERT_OK_AND_ASSIGN(auto signer, Open("loose"));
  EXPECT_THAT(signer->warnings(), AllOf(SizeIs(1), Each(HasSubstr("extractable"))));
}

TEST_F(Pkcs11SignerTest, RefusesAPublicKeyThatIsNotThePrivateKeys) {
  MakeKey("national");
  MakeKey("other");
  // The public object of "other" takes the place of the national one.
  const int other = next_id_ - 1, national = next_id_ - 2;
  Tool(
      "--token-label genofed-fi --login --pin env:TEST_PIN --delete-object --type pubkey --label "
      "national");
  Tool(
      fmt::format("--token-label genofed-fi --login --pin env:TEST_PIN --set-id {:02x} --type "
                  "pubkey --id {:02x}",
                  national, other));
  const auto refused = Open("national");
  EXPECT_THAT(refused, HasReason("KEY_INVALID"));
  EXPECT_THAT(Message(refused.status()), HasSubstr("does not verify"));
}

TEST_F(Pkcs11SignerTest, ManyThreadsSignAtOnce) {
  MakeKey("national");
  GF_ASSERT_OK_AND_ASSIGN(auto signer, Open());
  std::vector<int> good(4);
  {
    std::vector<std::jthread> threads;
    for (int& count : good) {
      threads.emplace_back([&signer, &count] {
        for (int i = 0; i < 50; ++i) {
          const auto token = signer->SignJws("test+jwt", kClaims);
          if (token.ok() && Verify(*token, signer->public_key()).ok()) ++count;
        }
      });
    }
  }
  EXPECT_THAT(good, Each(50));
}

TEST_F(Pkcs11SignerTest, OpensALostSessionAgain) {
  MakeKey("national");
  GF_ASSERT_OK_AND_ASSIGN(auto signer, Open());
  ASSERT_EQ(RawModule()->C_CloseAllSessions(Slot()), CKR_OK);  // the handle is invalid
  EXPECT_THAT(signer->SignJws("test+jwt", kClaims), IsOk());
  CK_SESSION_HANDLE session = 0;
  ASSERT_EQ(RawModule()->C_OpenSession(Slot(), CKF_SERIAL_SESSION, nullptr, nullptr, &session),
            CKR_OK);
  ASSERT_EQ(RawModule()->C_Logout(session), CKR_OK);  // logins are of the process
  EXPECT_THAT(signer->SignJws("test+jwt", kClaims), IsOk());
  ASSERT_EQ(RawModule()->C_Finalize(nullptr), CKR_OK);  // the module restarted
  const auto token = signer->SignJws("test+jwt", kClaims);
  ASSERT_THAT(token, IsOk());
  EXPECT_THAT(Verify(*token, signer->public_key()), IsOk());
}

TEST_F(Pkcs11SignerTest, IsUnavailableWhileTheTokenIsAwayAndSignsWhenItIsBack) {
  MakeKey("national");
  GF_ASSERT_OK_AND_ASSIGN(auto signer, Open());
  const auto away = dir_.path() / "away";
  std::filesystem::rename(tokens_, away);
  std::filesystem::create_directory(tokens_);
  ASSERT_EQ(RawModule()->C_Finalize(nullptr), CKR_OK);
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(signer->SignJws("test+jwt", kClaims), HasCode(StatusCode::kUnavailable));
  std::filesystem::remove(tokens_);
  std::filesystem::rename(away, tokens_);
  EXPECT_THAT(signer->SignJws("test+jwt", kClaims), IsOk());
}

TEST_F(Pkcs11SignerTest, AnotherKeyUnderTheSameNameIsNotUsed) {
  MakeKey("national");
  GF_ASSERT_OK_AND_ASSIGN(auto signer, Open());
  for (const char* type : {"privkey", "pubkey"}) {
    Tool(
        fmt::format("--token-label genofed-fi --login --pin env:TEST_PIN --delete-object --type {} "
                    "--label national",
                    type));
  }
  MakeKey("national");
  ASSERT_EQ(RawModule()->C_Finalize(nullptr), CKR_OK);
  EXPECT_THAT(signer->SignJws("test+jwt", kClaims), HasReason("KEY_CHANGED"));
}

}  // namespace
}  // namespace genofed::crypto
