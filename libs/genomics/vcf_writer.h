// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "libs/core/status.h"
#include "libs/genomics/bgzf_writer.h"

namespace genofed::genomics {

// Writes VCF text lines as bgzipped VCF or as BCF, by the name of the output. The file appears with
// Commit().
class VcfWriter {
 public:
  virtual ~VcfWriter() = default;

  // `header` is the whole header text, its last line the #CHROM line.
  static Result<std::unique_ptr<VcfWriter>> Create(const std::filesystem::path& output,
                                                   const std::string& header);
  // Bgzipped VCF; Commit() only ends it.
  static Result<std::unique_ptr<VcfWriter>> ToSink(ByteSink sink, const std::string& header);
  // One record without the line end. `line` may be changed.
  virtual Status Write(std::string& line) = 0;
  // Ends the file with the bgzip end-of-file block, syncs it and moves it to its place.
  virtual Status Commit() = 0;
};

}  // namespace genofed::genomics
