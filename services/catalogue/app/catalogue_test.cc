// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/app/catalogue.h"

#include <gtest/gtest.h>

#include <map>

#include "libs/testing/fakes.h"

namespace genofed::catalogue {
namespace {

class FakeRecordStore final : public RecordStore {
 public:
  Status Add(const Context&, const DatasetRecord& record) override {
    records.try_emplace({record.id, record.version}, record);
    return absl::OkStatus();
  }
  Status Replace(const Context&, const DatasetRecord& record, bool announce) override {
    for (auto& [key, other] : records) {
      if (key.first == record.id && other.state == RecordState::kListed &&
          record.state == RecordState::kListed) {
        other.state = RecordState::kSuperseded;
      }
    }
    records[{record.id, record.version}] = record;
    announced += announce ? 1 : 0;
    return absl::OkStatus();
  }
  Result<DatasetRecord> Find(const Context&, const std::string& id, std::int32_t version) override {
    auto it = records.find({id, version});
    if (it == records.end()) return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no");
    return it->second;
  }
  Result<DatasetRecord> FindCurrent(const Context&, const std::string& id) override {
    const DatasetRecord* best = nullptr;
    for (const auto& [key, record] : records) {
      if (key.first == id && (best == nullptr || best->state != RecordState::kListed))
        best = &record;
    }
    if (best == nullptr) return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no");
    return *best;
  }
  Result<std::vector<DatasetRecord>> List(const Context&, const RecordFilter& filter) override {
    std::vector<DatasetRecord> found;
    for (const auto& [key, record] : records) {
      if (key.first > filter.after_id && static_cast<int>(found.size()) < filter.limit)
        found.push_back(record);
    }
    return found;
  }
  Result<int> CountListed(const Context&, const RecordFilter&) override {
    return static_cast<int>(records.size());
  }

  std::map<std::pair<std::string, std::int32_t>, DatasetRecord> records;
  int announced = 0;
};

DatasetRecord Record(std::int32_t version = 1) {
  DatasetRecord record;
  record.id = "GOE-FI-DATASET-1";
  record.version = version;
  record.country = "FI";
  record.title = record.description = record.publisher = "x";
  record.contact_email = "a@b";
  record.assembly = "GRCh38";
  record.individuals = 123;
  return record;
}

class CatalogueTest : public ::testing::Test {
 protected:
  FakeRecordStore store_;
  testing::FakeClock clock_;
  Catalogue node_{store_, clock_, "FI"};
  Catalogue hub_{store_, clock_, ""};
  Context ctx_ = Context::Background();
};

TEST_F(CatalogueTest, ARecordIsListedOnlyAfterReviewAndAnnouncedOnce) {
  ASSERT_TRUE(node_.Submit(ctx_, Record()).ok());
  EXPECT_EQ(Reason(node_.Get(ctx_, "GOE-FI-DATASET-1", false).status()), "DATASET_UNKNOWN");
  EXPECT_EQ(node_.Get(ctx_, "GOE-FI-DATASET-1", true)->individuals, 120);
  EXPECT_EQ(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, true, "")->state, RecordState::kListed);
  EXPECT_TRUE(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, true, "").ok());
  EXPECT_EQ(store_.announced, 1);
  EXPECT_TRUE(node_.Get(ctx_, "GOE-FI-DATASET-1", false).ok());
}

TEST_F(CatalogueTest, ARecordIsReturnedWithAReasonAndNotListedAfterwards) {
  ASSERT_TRUE(node_.Submit(ctx_, Record()).ok());
  EXPECT_EQ(Reason(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, false, " ").status()),
            "COMMENT_MISSING");
  EXPECT_EQ(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, false, "no ethics approval")->state,
            RecordState::kReturned);
  EXPECT_EQ(Reason(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, true, "").status()),
            "RECORD_NOT_WAITING");
  EXPECT_EQ(store_.announced, 0);
}

TEST_F(CatalogueTest, ANodeHoldsAndAnnouncesItsOwnCountryOnly) {
  DatasetRecord spanish = Record();
  spanish.country = "ES";
  spanish.id = "GOE-ES-DATASET-1";
  EXPECT_EQ(Reason(node_.Submit(ctx_, spanish)), "COUNTRY_MISMATCH");
  EXPECT_EQ(hub_.TakeAnnouncement(ctx_, "FI", spanish).code(), StatusCode::kPermissionDenied);
}

TEST_F(CatalogueTest, AnOvertakenAnnouncementChangesNothing) {
  DatasetRecord second = Record(2), first = Record(1);
  second.state = first.state = RecordState::kListed;
  ASSERT_TRUE(hub_.TakeAnnouncement(ctx_, "FI", second).ok());
  ASSERT_TRUE(hub_.TakeAnnouncement(ctx_, "FI", first).ok());
  EXPECT_EQ(hub_.Get(ctx_, "GOE-FI-DATASET-1", false)->version, 2);
}

}  // namespace
}  // namespace genofed::catalogue
