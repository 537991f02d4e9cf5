// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "libs/clinical/csv_mapping.h"
#include "libs/clinical/omop_tables.h"

namespace genofed::intake {

enum class FileKind : std::uint8_t {
  kVcf,   // plain, gzip or bgzip; and BCF
  kJson,  // FHIR or Phenopackets, one document or many
  kOmop,
  kCsv,
  kUnusable,  // nothing that is onboarded, or in a form that is not read: see Detection::code
};

struct Detection {
  FileKind kind = FileKind::kUnusable;
  const clinical::OmopTable* omop_table = nullptr;  // of kOmop
  // Of kUnusable: EMPTY_FILE, NOT_A_FILE, FILE_FAILED, CRYPT4GH_CLOSED, COMPRESSED, FHIR_XML, NOT_RECOGNISED, FASTA,
  // ALIGNMENTS, ENCODING_UTF16, ENCODING_NOT_UTF8, BINARY.
  std::string_view code = {};
  std::string_view message = {};
};

// What a file is, by its content; names mean nothing. Reads at most its first 64 KiB, and of compressed files what they
// begin with. (The first row of a table may be longer than that; then it is no table.)
Detection Detect(const std::filesystem::path& path, const clinical::CsvMapping& mapping);

}  // namespace genofed::intake
