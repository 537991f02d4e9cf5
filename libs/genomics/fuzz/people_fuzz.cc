// SPDX-License-Identifier: Apache-2.0
// Records of people of any bytes: read or refused, and what is read is written as it was.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "libs/core/file.h"
#include "libs/genomics/person_records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::genomics;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto records = PersonRecords::Read(bytes);
  if (!records.ok()) return 0;
  for (const auto& person : (*records)->people()) {
    PersonRecord record = (*records)->Of(person.row);
    CarriedAllele allele;
    for (auto any = record.Next(allele); any.ok() && *any; any = record.Next(allele))
      GF_CHECK(allele.variant.pos >= 0);
  }
  static const auto again = std::filesystem::temp_directory_path() / ("people_fuzz." + std::to_string(::getpid()));
  GF_CHECK((*records)->WriteWithout({}, again).ok());
  const auto copy = genofed::ReadFile(again);
  GF_CHECK(copy.ok() && *copy == bytes);
  return 0;
}
