// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/synth/genotypes.h"
#include "libs/synth/sites.h"

namespace genofed::synth {

// A bgzipped VCF 4.3 with FORMAT GT and INFO AC and AN, compressed at a fixed level.
class VcfWriter {
 public:
  // Writes the header at once. `contigs` in the order of their records.
  static Result<VcfWriter> Open(const std::filesystem::path& path, std::string_view country,
                                const std::vector<const Contig*>& contigs,
                                const std::vector<std::string>& samples);
  VcfWriter(VcfWriter&&) noexcept;
  VcfWriter& operator=(VcfWriter&&) noexcept;
  ~VcfWriter();  // an unfinished file stays behind, without an index

  // Records must come in the order of their position.
  Status Write(const Site& site, const std::vector<Call>& calls);
  // Closes the file and writes its tabix index beside it.
  Status Finish();

 private:
  struct File;
  VcfWriter();
  Status Append(std::string_view text);

  std::unique_ptr<File> file_;
  std::string line_;
};

}  // namespace genofed::synth
