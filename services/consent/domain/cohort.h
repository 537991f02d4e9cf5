// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/consent/permissions.h"
#include "libs/core/status.h"

namespace genofed::consent {

struct DatasetVersion {
  std::string dataset;  // "GOE-FI-DATASET-1"
  std::int32_t version = 0;

  friend auto operator<=>(const DatasetVersion&, const DatasetVersion&) = default;
};

// 1 to 64 letters, digits, '-', '_' and '.', and a version from 1. Errors: DATASET_INVALID.
Status Validate(const DatasetVersion& dataset);

// One person of a dataset version.
struct Slot {
  std::int32_t slot = 0;
  bool included = false;  // false: left out at onboarding, the bit is 0 for ever
};

// Gives every person a slot: the included first, so that the slot is the row; then the others in
// order of pseudonyms. Included people who have a row in the base version keep it; the new ones
// follow in order of pseudonyms. `persons[i]` gets the i-th slot of the result. Pseudonyms are all
// different, and the rows given are 0 to n-1.
struct Candidate {
  std::string pseudonym;
  bool included = false;
  std::int32_t row = -1;  // in the base version
};
std::vector<Slot> AssignSlots(const std::vector<Candidate>& persons);

// Bit i is bit i%8 of byte i/8; bits beyond the end are 0.
std::string PackBits(const std::vector<bool>& bits);

// The name of a cohort's state, used once and never again: "GOE-FI-DATASET-1/2/SEC/17". No epoch
// comes twice. With a purpose: "GOE-FI-DATASET-1/2/SEC/17/DUO:0000006"; with conditions that the
// project meets: ".../DUO:0000006+DUO:0000021+DUO:0000045".
std::string SnapshotId(const DatasetVersion& dataset, Permission permission, std::int64_t epoch,
                       std::string_view purpose = {}, const std::vector<std::string>& met = {});

}  // namespace genofed::consent
