// SPDX-License-Identifier: Apache-2.0
//
// What may be said of a Beacon folder's records: the one place where they meet disclosure control
// (domain/disclosure.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libs/beacon/collection.h"

namespace genofed::discovery {

// How many of the records of one dataset may be said to match; none: not even that there are any.
// `people` of the `population` who permit the query are behind `records` of `all` records of that type.
struct RecordCount {
  std::int64_t records = 0, all = 0, people = 0, population = 0;
};
std::optional<std::int64_t> DiscloseRecords(const RecordCount& count, std::int32_t floor);

// Whether a variant may be mentioned: by the people who carry it, or by the allele count it was loaded with, each
// person having at most two copies.
bool MayMention(std::int64_t carriers, std::int64_t allele_count, std::int32_t floor);
// The variant as everybody may see it: no people, and frequencies of groups in which neither those who carry the allele
// nor those who do not are few.
std::string PublicVariant(const std::string& record, std::int32_t floor);

}  // namespace genofed::discovery
