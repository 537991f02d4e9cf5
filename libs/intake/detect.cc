// SPDX-License-Identifier: Apache-2.0
#include "libs/intake/detect.h"

#include <fcntl.h>
#include <htslib/bgzf.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "libs/clinical/csv_reader.h"
#include "libs/clinical/csv_source.h"
#include "libs/core/strings.h"

namespace genofed::intake {
namespace {

constexpr std::size_t kStart = 64U << 10;

Detection Unusable(std::string_view code, std::string_view message) {
  return {FileKind::kUnusable, nullptr, code, message};
}

bool IsVariants(std::string_view start) {
  return start.starts_with("##fileformat") || start.starts_with("#CHROM\t") || start.starts_with("BCF\2");
}

// The first bytes of what a gzip or bgzip file holds.
std::string Inflated(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  BGZF* file = bgzf_fdopen(fd, "r");
  if (file == nullptr) {
    ::close(fd);
    return {};
  }
  std::string text(64, '\0');
  const auto size = bgzf_read(file, text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  bgzf_close(file);
  return text;
}

Detection OfCompressed(const std::filesystem::path& path) {
  const std::string inner = Inflated(path);
  if (IsVariants(inner)) return {FileKind::kVcf};
  if (inner.starts_with("BAM\1")) return Unusable("ALIGNMENTS", "alignments (BAM) are not onboarded; hand over the variants");
  return Unusable("COMPRESSED", "clinical files are read as they are: unpack the file");
}

// A character may be cut in two at the end of what was read.
bool IsUtf8Start(std::string_view start, bool whole) {
  for (std::size_t cut = 0; cut < (whole ? 1U : 4U) && cut <= start.size(); ++cut) {
    if (IsUtf8(start.substr(0, start.size() - cut))) return true;
  }
  return false;
}

Detection OfBinary(std::string_view start) {
  if (start.starts_with("CRAM")) return Unusable("ALIGNMENTS", "alignments (CRAM) are not onboarded; hand over the variants");
  if (start.starts_with("PK\3\4")) return Unusable("BINARY", "a ZIP archive or a spreadsheet: save the sheet as CSV in UTF-8");
  for (std::string_view mark : {"\xFF\xFE", "\xFE\xFF"}) {
    if (start.starts_with(mark)) return Unusable("ENCODING_UTF16", "UTF-16: save the file as UTF-8");
  }
  const auto zeros = static_cast<std::size_t>(std::count(start.begin(), start.end(), '\0'));
  // Latin letters in UTF-16 without its mark: every other byte is zero.
  if (start.size() > 3 && zeros * 5 > start.size() * 2 && zeros * 5 < start.size() * 3) {
    return Unusable("ENCODING_UTF16", "UTF-16: save the file as UTF-8");
  }
  if (zeros > 0) return Unusable("BINARY", "a binary file of no kind that is known here");
  const auto controls = std::count_if(start.begin(), start.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\t' && c != '\n' && c != '\r';
  });
  if (controls > 0) return Unusable("BINARY", "a binary file of no kind that is known here");
  return Unusable("ENCODING_NOT_UTF8", "not UTF-8 (Latin-1 or Windows-1252?): save the file as UTF-8");
}

Detection OfTable(std::string_view start, const clinical::CsvMapping& mapping) {
  std::istringstream in{std::string(start)};
  clinical::CsvReader reader(in, mapping.delimiter);
  std::vector<std::string> header;
  if (reader.Next(header) != clinical::CsvReader::Outcome::kRow) {
    return Unusable("NOT_RECOGNISED", "neither VCF, FHIR, Phenopackets, OMOP nor a table");
  }
  if (const auto* table = clinical::FindOmopTable(header)) return {FileKind::kOmop, table};
  if (header.size() > 1 || clinical::HasSubjectColumn(header, mapping)) return {FileKind::kCsv};
  return Unusable("NOT_RECOGNISED", "neither VCF, FHIR, Phenopackets, OMOP nor a table");
}

Detection OfText(std::string_view start, const clinical::CsvMapping& mapping) {
  std::string_view text = start;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Unusable("EMPTY_FILE", "the file is empty");
  text.remove_prefix(first);
  if (text.front() == '{' || text.front() == '[') return {FileKind::kJson};
  if (text.front() == '<') {
    const bool fhir = text.find("http://hl7.org/fhir") != std::string_view::npos;
    return fhir ? Unusable("FHIR_XML", "FHIR is read as JSON: export the resources as JSON")
                : Unusable("NOT_RECOGNISED", "XML of no kind that is known here");
  }
  if (text.front() == '>') return Unusable("FASTA", "sequences (FASTA) are not onboarded");
  return OfTable(start, mapping);
}

}  // namespace

Detection Detect(const std::filesystem::path& path, const clinical::CsvMapping& mapping) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return Unusable("NOT_A_FILE", "not a regular file");
  std::ifstream in(path, std::ios::binary);
  std::string start(kStart, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  if (in.bad() || !in.is_open()) return Unusable("FILE_FAILED", "the file cannot be read");
  const bool whole = in.eof();
  start.resize(static_cast<std::size_t>(in.gcount()));
  if (start.empty()) return Unusable("EMPTY_FILE", "the file is empty");
  if (IsVariants(start)) return {FileKind::kVcf};
  if (start.starts_with("crypt4gh")) {
    return Unusable("CRYPT4GH_CLOSED", "encrypted (Crypt4GH): decrypt it first, or upload it to be opened by the site");
  }
  if (start.starts_with("\x1F\x8B")) return OfCompressed(path);
  for (std::string_view magic : {"BZh", "\xFD\x37zXZ", "\x28\xB5\x2F\xFD"}) {
    if (start.starts_with(magic)) return Unusable("COMPRESSED", "a compression that is not read here: unpack the file");
  }
  if (!IsUtf8Start(start, whole) || start.find('\0') != std::string::npos) return OfBinary(start);
  return OfText(start, mapping);
}

}  // namespace genofed::intake
