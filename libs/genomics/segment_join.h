// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: joins files of different people by position. What each file says is
// written to one spill file, in bins of the genome; then bin after bin is read back and put in
// order. One file is open at a time, however many there are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/build_segment.h"
#include "libs/genomics/spill_file.h"

namespace genofed::genomics {

// Records by bin, written once in any order and read bin by bin. Bins are of 125,000 bases.
class Spill {
 public:
  static constexpr std::int64_t kBinBases = 125'000;

  // The file is removed with this object.
  static Result<std::unique_ptr<Spill>> Create(const std::filesystem::path& path);

  struct BinKey {
    std::size_t contig = 0;  // in contigs()
    std::int64_t bin = 0;
  };
  std::size_t ContigNumber(std::string_view contig);
  const std::vector<std::string>& contigs() const { return contigs_; }

  Status Append(const BinKey& bin, std::string_view bytes);
  // Bins that have something, by contig and position.
  std::vector<BinKey> Bins() const;
  Result<std::string> Read(const BinKey& bin) const;

 private:
  explicit Spill(std::unique_ptr<SpillFile> file) : file_(std::move(file)) {}

  std::unique_ptr<SpillFile> file_;
  std::vector<std::string> contigs_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

// Feeds the spill from a pass over one file.
class SpillStage final : public SiteConsumer {
 public:
  // `rows[i]` is the row in the cohort of row i of the pass.
  SpillStage(Spill& spill, std::vector<std::uint32_t> rows, IndexStageOptions options)
      : spill_(spill), rows_(std::move(rows)), options_(options), runs_(rows_.size()) {}

  Status Take(const SiteCall& site) override;
  // After the pass.
  Status Finish();
  // Whether the file has reference blocks, and so tells itself where nobody was called.
  bool has_blocks() const { return has_blocks_; }
  std::uint64_t filtered() const { return filtered_; }

 private:
  // Positions on which a row has the same number of called alleles, not yet written.
  struct Run {
    std::int64_t begin = 0;
    std::int64_t end = 0;  // 0: none
    int called = 0;
  };
  Status AddRun(std::size_t row, std::int64_t begin, std::int64_t end, int called);
  Status WriteRun(std::size_t row);
  Status WriteAllele(const AlleleCall& allele);
  Status WriteRow(const Variant& variant, std::size_t kind, std::uint32_t row);

  Spill& spill_;
  std::vector<std::uint32_t> rows_;
  IndexStageOptions options_;
  std::string contig_;
  std::size_t contig_number_ = 0;
  std::vector<Run> runs_;
  bool has_blocks_ = false;
  std::uint64_t filtered_ = 0;
};

// What people whose file lists nothing at a position are there.
struct JoinDefaults {
  AbsentSite absent = AbsentSite::kIsReference;
  std::vector<bool> has_blocks;  // by row of the cohort: nothing listed is not called
};

// Reads the spill bin by bin into the builder and the stages.
Status JoinSpill(const Spill& spill, const JoinDefaults& defaults, SegmentBuilder& builder,
                 std::span<SiteConsumer* const> stages);

}  // namespace genofed::genomics
