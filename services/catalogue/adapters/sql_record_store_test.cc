// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/adapters/sql_record_store.h"

#include <gtest/gtest.h>

#include "libs/testing/temporary_postgres.h"

namespace genofed::catalogue {
extern const genofed::EmbeddedFile kMigrations[];
namespace {

DatasetRecord Record(std::string id, std::int32_t version, RecordState state) {
  DatasetRecord record;
  record.id = std::move(id);
  record.version = version;
  record.country = record.id.substr(4, 2);
  record.title = "Heart cohort of " + record.country;
  record.keywords = {"Cardiology"};
  record.state = state;
  return record;
}

class SqlRecordStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto options = testing::TemporaryPostgres::Get().CreateSchema("catalogue");
    database_ = *sql::Database::Open(options);
    ASSERT_TRUE(database_->Migrate(kMigrations).ok());
    store_ = std::make_unique<SqlRecordStore>(*database_);
  }
  std::int64_t Messages() {
    return *database_->Read(
        ctx_, [](sql::Tx& tx) -> Result<std::int64_t> { return sql::Outbox().Pending(tx); });
  }
  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<SqlRecordStore> store_;
  Context ctx_ = Context::Background();
};

TEST_F(SqlRecordStoreTest, ListingAVersionSupersedesTheOneBeforeAndStoresTheMessageWithIt) {
  ASSERT_TRUE(store_->Replace(ctx_, Record("GOE-FI-A-1", 1, RecordState::kListed), true).ok());
  ASSERT_TRUE(store_->Replace(ctx_, Record("GOE-FI-A-1", 2, RecordState::kListed), true).ok());
  EXPECT_EQ(store_->FindCurrent(ctx_, "GOE-FI-A-1")->version, 2);
  EXPECT_EQ(Messages(), 2);
  EXPECT_EQ(Reason(store_->Find(ctx_, "GOE-FI-A-1", 3).status()), "DATASET_UNKNOWN");
}

TEST_F(SqlRecordStoreTest, AddingTwiceKeepsTheFirst) {
  ASSERT_TRUE(store_->Add(ctx_, Record("GOE-FI-A-1", 1, RecordState::kWaiting)).ok());
  DatasetRecord other = Record("GOE-FI-A-1", 1, RecordState::kWaiting);
  other.title = "other";
  ASSERT_TRUE(store_->Add(ctx_, other).ok());
  EXPECT_EQ(store_->Find(ctx_, "GOE-FI-A-1", 1)->title, "Heart cohort of FI");
}

TEST_F(SqlRecordStoreTest, SearchesWordsCountryAndPages) {
  for (const char* id : {"GOE-ES-A-1", "GOE-FI-A-1", "GOE-FI-B-1"}) {
    ASSERT_TRUE(store_->Replace(ctx_, Record(id, 1, RecordState::kListed), false).ok());
  }
  ASSERT_TRUE(store_->Add(ctx_, Record("GOE-FI-C-1", 1, RecordState::kWaiting)).ok());
  RecordFilter filter;
  filter.words = {"heart", "cardio"};
  EXPECT_EQ(store_->List(ctx_, filter)->size(), 3u);
  filter.country = "FI";
  EXPECT_EQ(*store_->CountListed(ctx_, filter), 2);
  filter.after_id = "GOE-FI-A-1";
  EXPECT_EQ(store_->List(ctx_, filter)->at(0).id, "GOE-FI-B-1");
  filter.only_listed = false;
  EXPECT_EQ(store_->List(ctx_, filter)->size(), 2u);
  filter.words = {"x' OR '1'='1"};
  EXPECT_EQ(store_->List(ctx_, filter)->size(), 0u);
}

}  // namespace
}  // namespace genofed::catalogue
