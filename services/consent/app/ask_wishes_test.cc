// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/ask_wishes.h"

#include <gtest/gtest.h>

#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};

class AskWishesTest : public ::testing::Test {
 protected:
  static Statement Wishing(int bits, std::optional<bool> recontact, std::optional<bool> findings) {
    Statement says = Says(bits);
    says.recontact = recontact;
    says.incidental_findings = findings;
    return says;
  }
  void SetUp() override {
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1,
                                                {{"both", Wishing(7, true, true)},
                                                 {"one", Wishing(7, true, {})},
                                                 {"no", Wishing(7, false, false)},
                                                 {"silent", Says(7)},
                                                 {"out", Wishing(0, true, true)}}}),
                IsOk());
    ASSERT_THAT(node_.registrar.Run(node_.ctx,
                                    {{"GOE-FI-B-1", 1}, {{"elsewhere", Wishing(7, true, true)}}}),
                IsOk());
  }
  Result<std::vector<Wishes>> Ask(const std::vector<std::string>& people,
                                  const std::string& dataset = "GOE-FI-A-1") {
    Principal holder;
    holder.user = User();
    holder.user->organisation = "Biobank";
    return wishes_.Run(node_.ctx.WithPrincipal(holder), dataset, people);
  }
  MemoryStore store_;
  Node node_{store_};
  AskWishes wishes_{store_, node_.ledger, node_.pseudonyms, node_.rules, node_.random};
};

TEST_F(AskWishesTest, TheHolderLearnsWhomItMayAsk) {
  const auto wishes = Ask({"no", "both", "stranger", "one", "silent", "out", "elsewhere", "both"});
  ASSERT_THAT(wishes, IsOk());
  const Wishes nothing, both{true, true};
  EXPECT_EQ(*wishes, (std::vector<Wishes>{
                         nothing, both, nothing, {true, false}, nothing, nothing, nothing, both}))
      << "of people without a row in the dataset nothing is told";
  EXPECT_EQ(*Ask({"elsewhere"}, "GOE-FI-B-1"), std::vector<Wishes>{both});
}

TEST_F(AskWishesTest, ThePersonsOwnWordReplacesTheHoldersForItsTime) {
  ASSERT_THAT(node_.mine.Set(node_.ctx, "both", Wishing(7, {}, true)), IsOk());
  EXPECT_EQ(*Ask({"both"}), (std::vector<Wishes>{{false, true}}));
  Statement choice = Wishing(7, true, true);
  choice.until = node_.clock.Now() + std::chrono::hours(1);
  ASSERT_THAT(node_.mine.Set(node_.ctx, "both", choice), IsOk());
  EXPECT_EQ(*Ask({"both"}), (std::vector<Wishes>{{true, true}}));
  node_.clock.Advance(std::chrono::hours(1));
  EXPECT_EQ(*Ask({"both"}), std::vector<Wishes>{Wishes()});
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "one"), IsOk());
  EXPECT_EQ(*Ask({"one"}), std::vector<Wishes>{Wishes()});
}

TEST_F(AskWishesTest, EveryQuestionIsInTheLedgerBeforeItsAnswer) {
  const std::int64_t size = *node_.ledger.Size(node_.ctx);
  ASSERT_THAT(Ask({"both"}), IsOk());
  ASSERT_THAT(Ask({"both"}), IsOk());
  ASSERT_EQ(*node_.ledger.Size(node_.ctx), size + 2);
  const auto entry = *ledger::DecodeEntry(node_.ledger.List(node_.ctx, size, 1)->at(0));
  EXPECT_EQ(entry.kind, ledger::EntryKind::kContact);
  EXPECT_EQ(entry.fields, (std::map<std::string, std::string>{{"dataset", "GOE-FI-A-1"},
                                                              {"organisation", "Biobank"},
                                                              {"outcome", "wishes-asked"}}));
  node_.ledger.Freeze("a witness has seen more of it");
  EXPECT_THAT(Ask({"both"}), HasReason("LEDGER_FROZEN"));
}

TEST_F(AskWishesTest, RefusesWhatItCannotKnow) {
  EXPECT_THAT(Ask({}), HasReason("PEOPLE_INVALID"));
  EXPECT_THAT(Ask({""}), HasReason("PEOPLE_INVALID"));
  EXPECT_THAT(Ask(std::vector<std::string>(AskWishes::kMaxPeople + 1, "p")),
              HasReason("PEOPLE_INVALID"));
  EXPECT_THAT(Ask({"both"}, "no dataset"), HasReason("DATASET_INVALID"));
  RegistryRow silent;
  silent.name = "national";
  store_.state.registries["national"] = silent;
  EXPECT_THAT(Ask({"both"}), HasReason("REGISTRY_STALE"));
}

TEST(Wishes, ANoWinsAndAGuardiansYesLapses) {
  const Time now = FromUnixSeconds(1'800'000'000);
  const auto says = [](std::optional<bool> recontact, bool guardian = false) {
    Statement statement;
    statement.recontact = recontact;
    statement.by_guardian = guardian;
    return statement;
  };
  EXPECT_TRUE(WishesOf({{says({}), says(true)}, {}}, now).recontact);
  EXPECT_FALSE(WishesOf({{says(true), says(false)}, {}}, now).recontact);
  EXPECT_FALSE(WishesOf({{says(false), says(true)}, {}}, now).recontact);
  EXPECT_FALSE(WishesOf({{says(true, true)}, {}}, now).recontact) << "nobody knows of which age";
  EXPECT_TRUE(
      WishesOf({{says(true, true)}, {now + std::chrono::hours(1), {}, false}}, now).recontact);
  EXPECT_FALSE(WishesOf({{says(true, true)}, {now, {}, false}}, now).recontact);
  EXPECT_FALSE(WishesOf({{says(false, true), says(true)}, {now, {}, false}}, now).recontact)
      << "what a guardian refused stays";
  EXPECT_FALSE(WishesOf({{says(true)}, {{}, now, false}}, now).recontact) << "of the dead";
  EXPECT_FALSE(WishesOf({{says(true)}, {{}, {}, true}}, now).recontact);
}

}  // namespace
}  // namespace genofed::consent
