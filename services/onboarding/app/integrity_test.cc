// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/integrity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "libs/testing/matchers.h"
#include "services/onboarding/adapters/sql_object_checks.h"
#include "services/onboarding/testing_cohort.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::IsOk;
using ::testing::ElementsAre;

class IntegrityTest : public test::SiteTest {
 protected:
  void SetUp() override {
    SiteTest::SetUp();
    checks_ = std::make_unique<SqlObjectChecks>(*database_);
    integrity_ = std::make_unique<Integrity>(*checks_, *bodies_, consent_, clock_, metrics_,
                                             std::chrono::hours(24));
    Submit(test::Cohort::Get().files);
    ASSERT_THAT(RunOnce(), IsOk());
    objects_ = Published("GOE-FI-HEART-1", 1);
    ASSERT_EQ(objects_.size(), 3u);
  }

  // Looks at everything that is due; how many objects that were.
  int VerifyAll() {
    for (int looked = 0;; ++looked) {
      const auto more = integrity_->VerifyNext(Context::Background());
      EXPECT_THAT(more, IsOk());
      if (!more.ok() || !*more) return looked;
    }
  }

  std::filesystem::path Body(const std::string& role) const {
    return layout_.Objects() / BodyName(objects_.at(role).id);
  }

  // "role reason" of what the caller sees as damaged.
  std::vector<std::string> Damaged(const Context& ctx) {
    std::vector<std::string> found;
    const auto summary = integrity_->Report(ctx);
    EXPECT_THAT(summary, IsOk());
    for (const CheckedObject& object : summary->damaged) {
      found.push_back(object.object.record.role + " " + object.damage);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  std::unique_ptr<SqlObjectChecks> checks_;
  std::unique_ptr<Integrity> integrity_;
  std::map<std::string, ObjectRecord> objects_;
};

TEST_F(IntegrityTest, EachBodyIsLookedAtOnceInAnInterval) {
  const Context operators = As("olga", {"operator"});
  EXPECT_EQ(integrity_->Report(operators)->never_checked, 4);
  EXPECT_EQ(VerifyAll(), 4);
  auto summary = integrity_->Report(operators);
  EXPECT_EQ(summary->objects, 4);
  EXPECT_EQ(summary->never_checked, 0);
  EXPECT_EQ(summary->oldest_check, clock_.Now());
  EXPECT_TRUE(summary->damaged.empty());
  EXPECT_EQ(VerifyAll(), 0);
  clock_.Advance(std::chrono::hours(25));
  EXPECT_EQ(VerifyAll(), 4);
}

TEST_F(IntegrityTest, DamageIsReportedUntilItIsRepaired) {
  VerifyAll();
  const auto good = *ReadFile(Body("genotypes"));
  {
    std::fstream body(Body("genotypes"), std::ios::in | std::ios::out | std::ios::binary);
    body.seekp(100);
    body.put(static_cast<char>(good[100] ^ 1));
  }
  std::filesystem::resize_file(Body("phenotypes"), 50);
  std::filesystem::remove(Body("index"));
  EXPECT_TRUE(Damaged(As("olga", {"operator"})).empty());  // nobody has looked
  clock_.Advance(std::chrono::hours(25));
  EXPECT_EQ(VerifyAll(), 4);
  const auto all =
      ElementsAre("genotypes DIGEST_DIFFERS", "index OBJECT_MISSING", "phenotypes SIZE_DIFFERS");
  EXPECT_THAT(Damaged(As("olga", {"operator"})), all);
  EXPECT_THAT(Damaged(As("anna", {"holder"})), all);
  EXPECT_TRUE(Damaged(As("other", {"holder"})).empty());
  const auto entry =
      consent_.events.find("damage:" + objects_.at("genotypes").id + ":DIGEST_DIFFERS");
  ASSERT_NE(entry, consent_.events.end());
  EXPECT_EQ(entry->second.outcome, "damaged");
  EXPECT_EQ(entry->second.dataset, "GOE-FI-HEART-1");

  ASSERT_THAT(WriteFileAtomically(Body("genotypes"), good, 0600), IsOk());  // from the backup
  clock_.Advance(std::chrono::hours(25));
  VerifyAll();
  EXPECT_THAT(Damaged(As("olga", {"operator"})),
              ElementsAre("index OBJECT_MISSING", "phenotypes SIZE_DIFFERS"));
}

TEST_F(IntegrityTest, AnObjectThatCannotBeReadIsDamagedAndHoldsUpNoOther) {
  std::filesystem::remove(Body("genotypes"));
  std::filesystem::create_directory(Body("genotypes"));
  EXPECT_EQ(VerifyAll(), 4);
  EXPECT_THAT(Damaged(As("olga", {"operator"})), ElementsAre("genotypes UNREADABLE"));
}

// Fails in one way.
class BrokenStore final : public objects::ObjectStore {
 public:
  explicit BrokenStore(Status status) : status_(std::move(status)) {}
  Result<std::unique_ptr<objects::ObjectWriter>> Create(const Context&, std::string_view) override {
    return status_;
  }
  Status Read(const Context&, std::string_view, std::uint64_t, std::uint64_t,
              const objects::Sink&) override {
    return status_;
  }
  Result<objects::ObjectInfo> Stat(const Context&, std::string_view) override { return status_; }
  Status Remove(const Context&, std::string_view) override { return status_; }
  Result<objects::ObjectPage> List(const Context&, std::string_view, std::string_view,
                                   std::size_t) override {
    return status_;
  }
  Result<std::string> PresignGet(std::string_view, std::chrono::seconds) override {
    return status_;
  }
  Status Probe(const Context&) override { return status_; }

 private:
  const Status status_;
};

TEST_F(IntegrityTest, AStoreThatDoesNotAnswerIsNoDamage) {
  for (const Status& status : {Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE", "away"),
                               Error(StatusCode::kInternal, "STORE_FAILED", "every call")}) {
    BrokenStore store(status);
    Integrity integrity(*checks_, store, consent_, clock_, metrics_, std::chrono::hours(24));
    EXPECT_FALSE(integrity.VerifyNext(Context::Background()).ok());
    EXPECT_TRUE(Damaged(As("olga", {"operator"})).empty());
  }
}

}  // namespace
}  // namespace genofed::onboarding
