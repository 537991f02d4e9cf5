// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/index_vcf.h"

#include <set>
#include <vector>

#include "libs/genomics/normalise.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

Result<std::vector<std::int32_t>> SampleOfRow(const VcfHeader& header,
                                              std::span<const std::string> rows) {
  std::map<std::string_view, std::int32_t> by_name;
  for (std::size_t i = 0; i < header.samples.size(); ++i) {
    by_name.emplace(header.samples[i], static_cast<std::int32_t>(i));
  }
  std::set<std::string_view> seen;
  std::vector<std::int32_t> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!seen.insert(rows[i]).second) {
      return InvalidField(fmt::format("rows[{}]", i), "SAMPLE_INVALID",
                          "the same sample for two rows");
    }
    auto found = by_name.find(rows[i]);
    out.push_back(found == by_name.end() ? -1 : found->second);
  }
  return out;
}

}  // namespace

Result<IndexVcfReport> IndexVcf(const std::filesystem::path& vcf, std::span<const std::string> rows,
                                SegmentBuilder& builder, const IndexVcfOptions& options) {
  GF_ASSIGN(auto reader, VcfReader::Open(vcf, options.reference));
  GF_ASSIGN(auto sample_of_row, SampleOfRow(reader->header(), rows));
  IndexVcfReport report;
  VcfRecord record;
  while (true) {
    GF_ASSIGN(VcfReader::Outcome outcome, reader->Next(record));
    if (outcome == VcfReader::Outcome::kEnd) return report;
    ++report.records;
    if (outcome == VcfReader::Outcome::kRejected) {
      ++report.rejected[reader->problem().code];
      continue;
    }
    if (options.pass_only && record.filter != "PASS" && record.filter != ".") {
      ++report.filtered;
      continue;
    }
    GF_ASSIGN(auto alleles, SplitRecord(record, options.reference, &report.skipped_alleles));
    for (const SplitAllele& allele : alleles) {
      GF_TRY(builder.Add(allele.variant, CarriersOf(record, allele.index, sample_of_row)));
      ++report.sites;
    }
  }
}

}  // namespace genofed::genomics
