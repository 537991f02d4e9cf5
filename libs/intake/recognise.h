// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "libs/clinical/csv_mapping.h"
#include "libs/intake/detect.h"

namespace genofed::intake {

// What a file is to a submission. (A mapping is never recognised: somebody says which one it is.)
enum class Role : std::uint8_t { kVariants, kClinical, kConsents };

struct Recognised {
  std::optional<Role> role;  // none: see detection
  Detection detection;
};

// By content, and of an encrypted file (Crypt4GH) by its name: *.vcf, *.vcf.gz and *.bcf are variants, *.json and *.ndjson
// with "consent" in the name consents, other *.json, *.ndjson and *.csv clinical data, each with .c4gh behind it.
Recognised Recognise(const std::filesystem::path& path, const clinical::CsvMapping& mapping);

// Whether a JSON file is FHIR Consent resources, and nothing else.
bool HoldsOnlyConsents(const std::filesystem::path& path);

}  // namespace genofed::intake
