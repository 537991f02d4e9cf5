// SPDX-License-Identifier: Apache-2.0
// Helpers of the tests of normalisation.
#pragma once

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/genomics/norm_vcf.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/test_support.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

// A reference of one small contig, in memory.
class TextReference final : public Reference {
 public:
  TextReference(std::string contig, std::string bases)
      : contig_(std::move(contig)), bases_(std::move(bases)) {}
  std::int64_t Length(std::string_view contig) const override {
    return contig == contig_ ? static_cast<std::int64_t>(bases_.size()) : -1;
  }
  Result<std::string_view> View(std::string_view contig, std::int64_t start,
                                std::int64_t length) override {
    if (contig != contig_) return Error(StatusCode::kNotFound, "CONTIG_UNKNOWN", "unknown");
    if (start >= Length(contig)) return std::string_view();
    return std::string_view(bases_).substr(static_cast<std::size_t>(start), static_cast<std::size_t>(length));
  }

 private:
  std::string contig_;
  std::string bases_;
};

// A few known bases of a large contig, and N elsewhere. `start` is 0-based.
class SparseReference final : public Reference {
 public:
  SparseReference(std::string contig, std::int64_t length,
                  std::vector<std::pair<std::int64_t, std::string>> pieces)
      : contig_(std::move(contig)), length_(length), pieces_(std::move(pieces)) {}
  std::int64_t Length(std::string_view contig) const override {
    return contig == contig_ ? length_ : -1;
  }
  Result<std::string_view> View(std::string_view contig, std::int64_t start,
                                std::int64_t length) override {
    if (contig != contig_) return Error(StatusCode::kNotFound, "CONTIG_UNKNOWN", "unknown");
    length = std::max<std::int64_t>(0, std::min(length, length_ - start));
    bases_.assign(static_cast<std::size_t>(length), 'N');
    for (const auto& [at, piece] : pieces_) {
      for (std::size_t i = 0; i < piece.size(); ++i) {
        std::int64_t pos = at + static_cast<std::int64_t>(i) - start;
        if (pos >= 0 && pos < length) bases_[static_cast<std::size_t>(pos)] = piece[i];
      }
    }
    return std::string_view(bases_);
  }

 private:
  std::string contig_;
  std::int64_t length_;
  std::vector<std::pair<std::int64_t, std::string>> pieces_;
  std::string bases_;  // last given
};

// The sequence after a variant.
inline std::string Applied(const std::string& bases, const Variant& variant) {
  auto pos = static_cast<std::size_t>(variant.pos);
  return bases.substr(0, pos) + variant.alt + bases.substr(pos + variant.ref.size());
}

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
