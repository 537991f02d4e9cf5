// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/genomics/ingest.h"
#include "libs/qc/accumulator.h"

namespace genofed::qc {

const PseudoautosomalRegions& ParOf(genomics::Assembly assembly);

struct QcStageOptions {
  bool pass_only = false;  // as genomics::IndexStageOptions: count what the index has
  // Also FORMAT/AD of carriers, for the hint of contamination. Needs records as text, and so is not
  // possible while files of different people are joined: see Accumulator::TakeDepths.
  bool allele_depths = false;
};

// Feeds quality control from the pass over a cohort (genomics::RunPass, genomics::BuildSegment):
// each sequence allele once, with its carriers as the index keeps them. Takes time in proportion to
// the carriers; with allele depths also to the columns of biallelic SNVs. In a join Begin is not
// called, and is not needed.
class QcStage final : public genomics::SiteConsumer {
 public:
  // `counts` is borrowed and has the rows of the pass.
  QcStage(Accumulator& counts, genomics::Assembly assembly, QcStageOptions options = {});

  bool NeedsText() const override { return options_.allele_depths; }
  Status Begin(const genomics::VcfHeader& header,
               std::span<const std::int32_t> column_of_row) override;
  Status Take(const genomics::SiteCall& site) override;

 private:
  void FindFields(std::string_view format);
  void AddDepths(const genomics::SiteCall& site, const genomics::AlleleCall& allele);
  void AddDepths(std::string_view sample, std::uint32_t row, Zygosity call, std::size_t allele);

  Accumulator& counts_;
  const PseudoautosomalRegions& par_;
  QcStageOptions options_;
  std::vector<std::int32_t> column_of_row_;
  std::size_t n_columns_ = 0;
  std::string format_;  // that the two places belong to
  std::size_t depth_field_ = 0;
  std::size_t quality_field_ = 0;
  std::vector<std::uint32_t> tabs_;
};

}  // namespace genofed::qc
