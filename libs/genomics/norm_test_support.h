// SPDX-License-Identifier: Apache-2.0
// Helpers of the tests of normalisation.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "libs/genomics/norm_vcf.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/test_support.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

// A reference of a few bases, in memory.
class TextReference final : public Reference {
 public:
  explicit TextReference(std::map<std::string, std::string, std::less<>> contigs)
      : contigs_(std::move(contigs)) {}
  std::int64_t Length(std::string_view contig) const override {
    auto found = contigs_.find(contig);
    return found == contigs_.end() ? -1 : static_cast<std::int64_t>(found->second.size());
  }
  Result<std::string> Fetch(std::string_view contig, std::int64_t start,
                            std::int64_t length) override {
    auto found = contigs_.find(contig);
    if (found == contigs_.end()) return Error(StatusCode::kNotFound, "CONTIG_UNKNOWN", "unknown");
    std::int64_t size = static_cast<std::int64_t>(found->second.size());
    if (start >= size) return std::string();
    return found->second.substr(static_cast<std::size_t>(start),
                                static_cast<std::size_t>(std::min(length, size - start)));
  }

 private:
  std::map<std::string, std::string, std::less<>> contigs_;
};

// Copies a FASTA and writes the index (samtools faidx: name, length, offset, bases and bytes of a
// line) beside it.
inline std::filesystem::path CopyWithIndex(const std::filesystem::path& fasta,
                                           const std::filesystem::path& copy) {
  std::string text = ReadText(fasta);
  WriteText(copy, text);
  std::ostringstream index;
  std::istringstream lines(text);
  std::string name;
  std::size_t length = 0, offset = 0, width = 0, at = 0;
  auto end = [&] {
    if (!name.empty())
      index << name << '\t' << length << '\t' << offset << '\t' << width << '\t' << width + 1
            << '\n';
  };
  for (std::string line; std::getline(lines, line);) {
    at += line.size() + 1;
    if (line[0] == '>') {
      end();
      name = line.substr(1, std::min(line.find_first_of(" \t"), line.size()) - 1);
      length = width = 0;
      offset = at;
    } else {
      width = std::max(width, line.size());
      length += line.size();
    }
  }
  end();
  WriteText(copy.string() + ".fai", index.str());
  return copy;
}

struct Normalised {
  Status status;
  std::vector<std::string> records;  // without header
  NormaliseReport report;
};

inline Normalised NormaliseText(std::string_view vcf, const NormaliseOptions& options,
                                Reference* reference = nullptr) {
  Normalised out;
  auto normaliser = VcfNormaliser::Create(options, reference, [&](std::string_view line) {
    if (!line.starts_with('#')) out.records.emplace_back(line);
    return absl::OkStatus();
  });
  out.status = normaliser.status();
  std::istringstream lines{std::string(vcf)};
  for (std::string line; out.status.ok() && std::getline(lines, line);)
    out.status = (*normaliser)->Add(line);
  if (!out.status.ok()) return out;
  auto report = (*normaliser)->Finish();
  out.status = report.status();
  if (report.ok()) out.report = *std::move(report);
  return out;
}

inline std::vector<std::string> RecordsOf(std::string_view vcf) {
  std::vector<std::string> records;
  std::istringstream lines{std::string(vcf)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) records.push_back(line);
  }
  return records;
}

}  // namespace genofed::genomics
