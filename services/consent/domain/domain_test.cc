// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "libs/consent/permissions.h"
#include "libs/core/strings.h"
#include "libs/testing/matchers.h"
#include "services/consent/domain/cohort.h"
#include "services/consent/domain/pseudonyms.h"

namespace genofed::consent {
namespace {

using testing::HasReason;

// Expected values: openssl dgst -sha256 -mac HMAC.
TEST(Pseudonyms, AreHmacsThatDifferBetweenDatasets) {
  auto pseudonyms =
      Pseudonyms::Create(
          HexDecode("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").value())
          .value();
  EXPECT_EQ(pseudonyms.Blinded("010190-1234"),
            "fe9d9b2bd2b5ab41ba44f0254f75d37fa8c7413bf6da40a9b3389dd767f5a562");
  EXPECT_EQ(pseudonyms.InDataset("GOE-FI-HEART-1", "010190-1234"),
            "295769452066347bb08f3e41f90084ac");
  EXPECT_NE(pseudonyms.InDataset("GOE-FI-HEART-2", "010190-1234"),
            pseudonyms.InDataset("GOE-FI-HEART-1", "010190-1234"));
  EXPECT_EQ(pseudonyms.Tombstone(pseudonyms.Blinded("010190-1234")),
            "c5d2c925464b8d48677a6bef62ad0d245f37a72afea1a778bcaa6d4629f2d6f1");
  EXPECT_THAT(Pseudonyms::Create("short"), HasReason("KEY_INVALID"));
}

TEST(Pseudonyms, PersonIdentifiersArePlainText) {
  EXPECT_TRUE(IsPersonIdentifier("urn:oid:1.2.246.21|010190-1234"));
  for (std::string_view bad : {std::string_view(""), std::string_view("a\nb"),
                               std::string_view("\xff"), std::string_view("a\0b", 3)}) {
    EXPECT_FALSE(IsPersonIdentifier(bad));
  }
  EXPECT_FALSE(IsPersonIdentifier(std::string(257, 'a')));
}

TEST(Permissions, HaveNamesAndOthers) {
  EXPECT_EQ(PermissionSet::FromBits(5).Names(), "AF,SEC");
  EXPECT_EQ(PermissionSet().Names(), "none");
  EXPECT_EQ(PermissionSet::FromBits(2).Others().Names(), "AF,SEC");
  EXPECT_EQ(ParsePermission("SLQ"), Permission::kSubjectLevelQuery);
  EXPECT_FALSE(ParsePermission("slq").has_value());
}

TEST(Cohort, IncludedComeFirstInOrderOfPseudonyms) {
  auto slots = AssignSlots({{"cc", true}, {"aa", false}, {"bb", true}, {"dd", false}});
  EXPECT_EQ(slots[0].slot, 1);
  EXPECT_EQ(slots[1].slot, 2);
  EXPECT_EQ(slots[2].slot, 0);
  EXPECT_EQ(slots[3].slot, 3);
  EXPECT_FALSE(slots[3].included);
}

TEST(Cohort, BitsGoFromTheLowestUp) {
  const std::vector<bool> bits = {true,  false, false, false, false,
                                  false, false, true,  false, true};
  EXPECT_EQ(HexEncode(PackBits(bits)), "8102");
}

TEST(Cohort, DatasetsAreNamesWithAVersion) {
  EXPECT_TRUE(Validate({"GOE-FI-HEART-1", 1}).ok());
  for (const DatasetVersion& bad :
       {DatasetVersion{"", 1}, {"a/b", 1}, {std::string(65, 'a'), 1}, {"A", 0}}) {
    EXPECT_THAT(Validate(bad), HasReason("DATASET_INVALID"));
  }
  EXPECT_EQ(SnapshotId({"GOE-FI-HEART-1", 2}, Permission::kSecondaryUse, 17, "DUO:0000006",
                       {"DUO:0000021", "DUO:0000045"}),
            "GOE-FI-HEART-1/2/SEC/17/DUO:0000006+DUO:0000021+DUO:0000045");
  EXPECT_EQ(SnapshotId({"GOE-FI-HEART-1", 2}, Permission::kSecondaryUse, 17, "", {"DUO:0000045"}),
            "GOE-FI-HEART-1/2/SEC/17/+DUO:0000045");
  EXPECT_EQ(SnapshotId({"GOE-FI-HEART-1", 2}, Permission::kSecondaryUse, 17),
            "GOE-FI-HEART-1/2/SEC/17");
}

}  // namespace
}  // namespace genofed::consent
