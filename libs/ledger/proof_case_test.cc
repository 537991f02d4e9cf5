// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/proof_case.h"

#include <rapidcheck.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

TEST(ProofCase, JudgesAllReferenceCasesAsStated) {
  GF_NEED_VECTORS();
  int accepted = 0;
  int refused = 0;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(Vectors() + "/merkle-testdata/testdata")) {
    if (file.path().extension() != ".json") continue;
    const std::string text = ReadFile(file.path()).value();
    const bool wanted = !nlohmann::json::parse(text)["wantErr"].get<bool>();
    EXPECT_EQ(JudgeProofCase(text).status.ok(), wanted) << file.path();
    ++(wanted ? accepted : refused);
  }
  EXPECT_EQ(accepted, 36);
  EXPECT_EQ(refused, 482);
}

TEST(ProofCase, KeepsTheName) {
  EXPECT_EQ(JudgeProofCase(R"({"name":"n"})").name, "n");
  EXPECT_EQ(JudgeProofCase(R"({"name":7})").name, "");
  EXPECT_EQ(JudgeProofCase(R"({"desc":"d","name":"n"})").name, "n");
  EXPECT_EQ(JudgeProofCase(R"({"desc":"d"})").name, "d");
  EXPECT_EQ(JudgeProofCase("[1]").name, "");
}

TEST(ProofCase, RefusesWhatIsMalformed) {
  for (const char* bad :
       {"", "null", "1", "[]", "{", "{}", R"({"leafIdx":0})", R"({"leafIdx":-1,"treeSize":1})",
        R"({"leafIdx":0.0,"treeSize":1,"root":"","leafHash":"","proof":[]})",
        R"({"size1":1,"size2":1,"root1":"!","root2":"!","proof":[]})",
        R"({"size1":1,"size2":1,"root1":"AAAA","root2":"AAAA","proof":{}})",
        R"({"size1":1,"size2":1,"root1":"AAAA","root2":"AAAA","proof":[1]})",
        R"({"size1":18446744073709551616,"size2":1,"root1":"AAAA","root2":"AAAA"})",
        R"({"start":0,"end":1})"}) {
    EXPECT_EQ(JudgeProofCase(bad).status.code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_TRUE(JudgeProofCase(R"({"size1":1,"size2":1,"root1":"AAAA","root2":"AAAA"})").status.ok());
  EXPECT_FALSE(JudgeProofCase(std::string(kMaxProofCaseBytes + 1, ' ')).status.ok());
  EXPECT_FALSE(JudgeProofCase(std::string(100'000, '[')).status.ok());
}

TEST(ProofCase, ArbitraryBytesNeverCrash) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(!JudgeProofCase(bytes).status.ok());
    (void)JudgeProofCase(R"({"leafIdx":1,"treeSize":2,"proof":)" + bytes + "}");
  }));
}

}  // namespace
}  // namespace genofed::ledger
