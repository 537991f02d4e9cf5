// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: BCF 2.1 and 2.2 as VCF text lines.
//
// Decoded here rather than by htslib, which allocates whatever lengths a file claims (8 GiB for one
// record) and writes tabs and line ends inside of strings as they are.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/bcf_values.h"
#include "libs/genomics/bgzf_reader.h"
#include "libs/genomics/line_source.h"

namespace genofed::genomics {

class BcfDictionaries;

// A LineSource of the whole file. Whoever needs genotypes as BCF has them, and the other columns as
// text, goes over to NextRecord once the header's lines are read.
class BcfSource final : public LineSource {
 public:
  // Reads the header. Errors: BAD_HEADER (longer than 64 MiB), CORRUPT_BCF, and those of the
  // reader.
  static Result<std::unique_ptr<BcfSource>> Open(std::unique_ptr<BgzfReader> reader);
  ~BcfSource() override;

  Result<bool> Next(std::string_view* line) override;
  std::uint64_t line_number() const override { return number_; }

  // Reads the next record without writing it as text; false at the end.
  Result<bool> NextRecord();
  // Of the record last read, valid until the next one. Each appends to `line` and is false when the
  // bytes are not what they should be; in this order, once each.
  bool AppendSite(std::string& line);    // CHROM to INFO
  bool AppendFormat(std::string& line);  // a tab and FORMAT
  // A tab and a column for each sample. Stops early when `line` becomes longer than kMaxLine.
  bool AppendSamples(std::string& line);
  // The values of GT, when it is the first field and of numbers; after AppendFormat.
  struct Genotypes {
    BcfVector first;  // of the first sample
    std::size_t stride = 0;
  };
  std::optional<Genotypes> genotypes() const;

 private:
  struct Field {
    BcfVector first;  // of the first sample
    std::size_t stride = 0;
    bool genotype = false;
  };

  explicit BcfSource(std::unique_ptr<BgzfReader> reader);
  Status ReadHeader();
  bool WriteRecord();
  bool WriteAlleles(BcfCursor& in, std::uint32_t count, std::string& line) const;
  bool WriteFilters(BcfCursor& in, std::string& line) const;
  bool WriteInfo(BcfCursor& in, std::uint32_t count, std::string& line) const;
  const std::string* TakeKey(BcfCursor& in) const;

  std::unique_ptr<BgzfReader> reader_;
  std::string header_;
  std::size_t header_done_ = 0;
  std::size_t samples_ = 0;
  std::unique_ptr<BcfDictionaries> names_;
  std::size_t taken_ = 0;    // bytes of the record last read, in the reader's window
  std::string_view record_;  // without its two lengths
  std::size_t shared_ = 0;   // bytes of it that are about the site
  std::uint32_t n_formats_ = 0;
  std::vector<Field> fields_;
  std::string line_;
  std::uint64_t number_ = 0;
};

}  // namespace genofed::genomics
