// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/app/catalogue.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

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
    const auto rank = [](const DatasetRecord& record) {
      return std::tuple(record.state == RecordState::kListed,
                        record.state == RecordState::kWithdrawn, record.version);
    };
    for (const auto& [key, record] : records) {
      if (key.first == id && (best == nullptr || rank(record) > rank(*best))) best = &record;
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
  EXPECT_EQ(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, {true})->state, RecordState::kListed);
  EXPECT_TRUE(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, {true}).ok());
  EXPECT_EQ(store_.announced, 1);
  EXPECT_TRUE(node_.Get(ctx_, "GOE-FI-DATASET-1", false).ok());
}

TEST_F(CatalogueTest, ARecordIsReturnedWithAReasonAndNotListedAfterwards) {
  ASSERT_TRUE(node_.Submit(ctx_, Record()).ok());
  EXPECT_EQ(Reason(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, {false, " "}).status()),
            "COMMENT_MISSING");
  EXPECT_EQ(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, {false, "no ethics approval"})->state,
            RecordState::kReturned);
  EXPECT_EQ(Reason(node_.Review(ctx_, "GOE-FI-DATASET-1", 1, {true}).status()),
            "RECORD_NOT_WAITING");
  EXPECT_EQ(store_.announced, 0);
}

TEST_F(CatalogueTest, NothingIsListedWhileARequiredCriterionIsUnmet) {
  DatasetRecord record = Record();
  record.inclusion = {{"ethics_approval", "Ethics approval", true, false, false, ""},
                      {"quality", "Quality thresholds", true, true, true, "all met"},
                      {"lay_summary", "Lay summary", false, false, false, ""}};
  ASSERT_TRUE(node_.Submit(ctx_, record).ok());
  const Status unmet = node_.Review(ctx_, record.id, 1, {true}).status();
  EXPECT_EQ(Reason(unmet), "INCLUSION_UNMET");
  ASSERT_EQ(Fields(unmet).size(), 1u);
  EXPECT_EQ(Fields(unmet)[0].field, "evidence.ethics_approval");
  // What is computed cannot be declared, and what nobody asks for neither.
  EXPECT_EQ(Reason(node_.Review(ctx_, record.id, 1, {true, "", {{"quality", "seen"}}}).status()),
            "EVIDENCE_INVALID");
  EXPECT_EQ(Reason(node_.Review(ctx_, record.id, 1, {true, "", {{"other", "seen"}}}).status()),
            "EVIDENCE_INVALID");
  auto listed = node_.Review(ctx_, record.id, 1, {true, "", {{"ethics_approval", "HUS/1/2026"}}});
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->inclusion[0].evidence, "HUS/1/2026");
}

TEST_F(CatalogueTest, AComputedCriterionThatIsUnmetCannotBeHelped) {
  DatasetRecord record = Record();
  record.inclusion = {{"quality", "Quality thresholds", true, true, false, "3 samples below"}};
  ASSERT_TRUE(node_.Submit(ctx_, record).ok());
  EXPECT_EQ(Reason(node_.Review(ctx_, record.id, 1, {true}).status()), "INCLUSION_UNMET");
  EXPECT_TRUE(node_.Review(ctx_, record.id, 1, {false, "quality"}).ok());
}

TEST_F(CatalogueTest, ReturningToAnEarlierVersionMovesWhatIsListed) {
  for (int version : {1, 2}) {
    ASSERT_TRUE(node_.Submit(ctx_, Record(version)).ok());
    ASSERT_TRUE(node_.Review(ctx_, Record().id, version, {true}).ok());
    clock_.Advance(std::chrono::seconds(1));
  }
  ASSERT_TRUE(node_.Submit(ctx_, Record(3)).ok());
  EXPECT_EQ(Reason(node_.Activate(ctx_, Record().id, 3, "no")), "VERSION_NOT_LISTED_BEFORE");
  ASSERT_TRUE(node_.Activate(ctx_, Record().id, 1, "wrong files").ok());
  ASSERT_TRUE(node_.Activate(ctx_, Record().id, 1, "wrong files").ok());
  EXPECT_EQ(node_.Get(ctx_, Record().id, false)->version, 1);
  EXPECT_EQ(store_.announced, 3);
  // The hub believes the later word, though the version is lower.
  DatasetRecord back = *store_.Find(ctx_, Record().id, 1),
                before = *store_.Find(ctx_, Record().id, 2);
  before.state = RecordState::kListed;
  FakeRecordStore hub_store;
  Catalogue hub(hub_store, clock_, "");
  ASSERT_TRUE(hub.TakeAnnouncement(ctx_, "FI", before).ok());
  ASSERT_TRUE(hub.TakeAnnouncement(ctx_, "FI", back).ok());
  ASSERT_TRUE(hub.TakeAnnouncement(ctx_, "FI", before).ok());
  EXPECT_EQ(hub.Get(ctx_, Record().id, false)->version, 1);
}

TEST_F(CatalogueTest, AnUpdateIsListedOnlyWhileItsBaseIs) {
  ASSERT_TRUE(node_.Submit(ctx_, Record()).ok());
  ASSERT_TRUE(node_.Review(ctx_, Record().id, 1, {true}).ok());
  for (int version : {2, 3}) {  // both were made while version 1 was listed
    DatasetRecord update = Record(version);
    update.base_version = 1;
    ASSERT_TRUE(node_.Submit(ctx_, update).ok());
  }
  ASSERT_TRUE(node_.Review(ctx_, Record().id, 2, {true}).ok());
  EXPECT_EQ(Reason(node_.Review(ctx_, Record().id, 3, {true}).status()), "BASE_NOT_LISTED");
  EXPECT_EQ(node_.Get(ctx_, Record().id, false)->version, 2);
  EXPECT_TRUE(node_.Review(ctx_, Record().id, 3, {false, "submit it again"}).ok());
}

TEST_F(CatalogueTest, ADecommissionedDatasetKeepsATombstone) {
  ASSERT_TRUE(node_.Submit(ctx_, Record()).ok());
  ASSERT_TRUE(node_.Review(ctx_, Record().id, 1, {true}).ok());
  ASSERT_TRUE(node_.Withdraw(ctx_, Record().id, "the study ended").ok());
  ASSERT_TRUE(node_.Withdraw(ctx_, Record().id, "again").ok());
  auto tombstone = node_.Get(ctx_, Record().id, false);
  ASSERT_TRUE(tombstone.ok());
  EXPECT_EQ(tombstone->state, RecordState::kWithdrawn);
  EXPECT_EQ(tombstone->review_comment, "the study ended");
  EXPECT_EQ(store_.announced, 2);
}

TEST_F(CatalogueTest, NothingOfADecommissionedDatasetComesBack) {
  for (int version : {1, 2}) {
    ASSERT_TRUE(node_.Submit(ctx_, Record(version)).ok());
    ASSERT_TRUE(node_.Review(ctx_, Record().id, version, {true}).ok());
  }
  ASSERT_TRUE(node_.Submit(ctx_, Record(3)).ok());
  ASSERT_TRUE(node_.Withdraw(ctx_, Record().id, "the study ended").ok());
  EXPECT_EQ(Reason(node_.Submit(ctx_, Record(4))), "DATASET_DECOMMISSIONED");
  EXPECT_EQ(Reason(node_.Review(ctx_, Record().id, 3, {true}).status()), "DATASET_DECOMMISSIONED");
  EXPECT_EQ(Reason(node_.Activate(ctx_, Record().id, 1, "no")), "DATASET_DECOMMISSIONED");
  EXPECT_EQ(node_.Get(ctx_, Record().id, false)->state, RecordState::kWithdrawn);
  EXPECT_TRUE(node_.Review(ctx_, Record().id, 3, {false, "the study ended"}).ok());
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
