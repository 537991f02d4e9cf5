// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/domain/dataset_record.h"

#include <gtest/gtest.h>

namespace genofed::catalogue {
namespace {

DatasetRecord Good() {
  DatasetRecord record;
  record.id = "GOE-FI-DATASET-1";
  record.version = 1;
  record.country = "FI";
  record.title = "Cohort";
  record.description = "A cohort";
  record.publisher = "Hospital";
  record.contact_email = "data@hospital.example";
  record.data_use = {"DUO:0000042"};
  record.assembly = "GRCh38";
  return record;
}

std::string WrongField(const DatasetRecord& record) {
  Status status = Validate(record);
  return status.ok() ? "" : Fields(status).at(0).field;
}

TEST(DatasetRecord, TheIdentifierFollowsTheGenomeOfEuropeRule) {
  EXPECT_EQ(WrongField(Good()), "");
  // GoE_NL_HRI_1 is the identifier in GDI's own example; it breaks GDI's own pattern.
  for (const char* id : {"", "GoE_NL_HRI_1", "GOE-ES-DATASET-1", "GOE-FI-dataset-1",
                         "GOE-FI-DATASET-", "XXX-FI-A-1", "GOE-FI-A-1-2", "GOE-FI--1"}) {
    DatasetRecord record = Good();
    record.id = id;
    EXPECT_EQ(WrongField(record), "id") << id;
  }
}

TEST(DatasetRecord, EveryWrongFieldIsNamed) {
  DatasetRecord record = Good();
  record.title = " ";
  record.contact_email = "nobody";
  record.data_use = {"DUO:0000042", "GRU"};
  record.assembly = "hg19";
  std::vector<std::string> fields;
  for (const auto& violation : Fields(Validate(record))) fields.push_back(violation.field);
  EXPECT_EQ(fields,
            (std::vector<std::string>{"title", "contact_email", "data_use[1]", "assembly"}));
}

TEST(DatasetRecord, SizesAreRoundedDownToTen) {
  EXPECT_EQ(PublishedIndividuals(9), 0);
  EXPECT_EQ(PublishedIndividuals(10), 10);
  EXPECT_EQ(PublishedIndividuals(409), 400);
}

}  // namespace
}  // namespace genofed::catalogue
