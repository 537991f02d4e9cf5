// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/description.h"

#include <gtest/gtest.h>

namespace genofed::onboarding {
namespace {

Description Good() {
  Description description;
  description.id = "GOE-FI-HEART-1";
  description.title = description.description = description.publisher = "Heart cohort";
  description.contact_email = "data@example.org";
  description.keywords = {"cardiology"};
  description.data_use = {"DUO:0000042"};
  description.assembly = "GRCh38";
  return description;
}

TEST(Description, AcceptsWhatTheCatalogueAccepts) {
  EXPECT_TRUE(Validate(Good(), "FI").ok());
  Description gdi = Good();
  gdi.id = "GDI-FI-X-007";
  gdi.assembly = "GRCh37";
  EXPECT_TRUE(Validate(gdi, "FI").ok());
}

TEST(Description, RefusesIdentifiersOfOtherShapesAndCountries) {
  for (const char* id : {"", "GOE-ES-HEART-1", "GOE-FI-heart-1", "GOE-FI-HEART", "GOE-FI-HEART-1-2", "GOE-FI--1",
                         "XYZ-FI-HEART-1", "GOE-FI-HEART-1x", "../GOE-FI-HEART-1", "GOE-FI-HE ART-1"}) {
    Description description = Good();
    description.id = id;
    Status status = Validate(description, "FI");
    EXPECT_EQ(Reason(status), "DESCRIPTION_INVALID") << id;
    ASSERT_EQ(Fields(status).size(), 1u) << id;
    EXPECT_EQ(Fields(status)[0].field, "dataset.id");
  }
}

TEST(Description, NamesEveryWrongField) {
  Description description = Good();
  description.title = "  ";
  description.publisher = "a\x01";
  description.contact_email = "nobody";
  description.data_use = {"DUO:0000042", "HP:0001250"};
  description.assembly = "hg38";
  std::vector<std::string> fields;
  for (const auto& violation : Fields(Validate(description, "FI"))) fields.push_back(violation.field);
  EXPECT_EQ(fields, (std::vector<std::string>{"dataset.title", "dataset.publisher", "dataset.contact_email",
                                              "dataset.data_use[1]", "dataset.assembly"}));
}

}  // namespace
}  // namespace genofed::onboarding
