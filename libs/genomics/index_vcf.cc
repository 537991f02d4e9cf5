// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/index_vcf.h"

#include "libs/genomics/ingest.h"

namespace genofed::genomics {

Result<IndexVcfReport> IndexVcf(const std::filesystem::path& vcf, std::span<const std::string> rows,
                                SegmentBuilder& builder, const IndexVcfOptions& options) {
  IndexStage index(builder, {.pass_only = options.pass_only});
  SiteConsumer* stages[] = {&index};
  GF_ASSIGN(PassReport pass, RunPass(vcf, rows, {.reference = options.reference}, stages));
  IndexVcfReport report;
  report.records = pass.records;
  report.sites = index.sites();
  report.skipped_alleles = pass.skipped_alleles;
  report.filtered = index.filtered();
  report.rejected = std::move(pass.set_aside);
  return report;
}

}  // namespace genofed::genomics
