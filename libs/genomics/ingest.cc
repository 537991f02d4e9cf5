// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/ingest.h"

#include <algorithm>
#include <unordered_map>

#include "libs/genomics/base_signs.h"
#include "libs/genomics/row_mapper.h"

namespace genofed::genomics {
namespace {

Result<std::vector<std::int32_t>> ColumnOfRow(const VcfHeader& header,
                                              std::span<const std::string> rows) {
  constexpr std::int32_t kTaken = -2;
  std::unordered_map<std::string_view, std::int32_t> by_name(header.samples.size() + rows.size());
  for (std::size_t i = 0; i < header.samples.size(); ++i)
    by_name.emplace(header.samples[i], static_cast<std::int32_t>(i));
  std::vector<std::int32_t> out;
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].empty()) {  // nobody's; there may be several
      out.push_back(-1);
      continue;
    }
    std::int32_t& column = by_name.try_emplace(rows[i], -1).first->second;
    if (column == kTaken) {
      return InvalidField(fmt::format("rows[{}]", i), "SAMPLE_INVALID",
                          "the same sample for two rows");
    }
    out.push_back(column);
    column = kTaken;
  }
  return out;
}

// A, C, G and T alone; records have them in upper case.
bool IsIndexable(std::string_view alt) { return BaseSignsOf(alt) == kPlainBase; }

// Turns records into SiteCalls; keeps its buffers from one record to the next.
class SiteMaker {
 public:
  SiteMaker(Reference* reference, std::size_t n_columns,
            std::span<const std::int32_t> column_of_row)
      : reference_(reference), mapper_(n_columns, column_of_row) {}

  Result<SiteCall> Make(const ScannedRecord& record, PassReport& report) {
    std::span<const Call> calls = mapper_.Map(record.calls);
    std::uint64_t an = 2 * mapper_.n_rows();
    for (const Call& call : calls) an -= static_cast<std::uint64_t>(2 - call.called());
    // The scanner has one text for all records of a contig.
    if (record.contig.data() != contig_.data() || record.contig.size() != contig_.size()) {
      contig_ = record.contig;
      alleles_.clear();
    }
    std::size_t n = 0;
    for (std::size_t i = 0; i < record.alts.size(); ++i) {
      std::string_view alt = record.alts[i];
      if (!IsIndexable(alt)) {
        if (alt != "<NON_REF>" && alt != "<*>") ++report.skipped_alleles;
        continue;
      }
      if (n == alleles_.size()) alleles_.emplace_back().variant.contig = record.contig;
      AlleleCall& allele = alleles_[n++];
      allele.index = static_cast<std::int8_t>(i + 1);
      allele.variant.pos = record.pos;
      allele.variant.ref = record.ref;
      allele.variant.alt = alt;
      GF_TRY(NormaliseVariant(allele.variant, reference_));
      CarriersOf(calls, allele.index, allele.carriers);
    }
    if (record.is_reference_block) ++report.reference_blocks;
    return SiteCall{record, calls, an, std::span(alleles_).first(n)};
  }

 private:
  Reference* reference_;
  RowMapper mapper_;
  std::string_view contig_;  // of alleles_
  std::vector<AlleleCall> alleles_;
};

}  // namespace

Result<PassReport> RunPass(const VcfInput& input, std::span<const std::string> rows,
                           const PassOptions& options, std::span<SiteConsumer* const> stages) {
  ScanOptions scan;
  scan.reference = options.reference;
  scan.judge_values = options.judge_values;
  scan.on_issue = options.on_issue;
  scan.text = std::any_of(stages.begin(), stages.end(),
                          [](const SiteConsumer* stage) { return stage->NeedsText(); });
  GF_ASSIGN(auto scanner, RecordScanner::Open(input, scan));
  GF_ASSIGN(auto column_of_row, ColumnOfRow(scanner->header(), rows));
  for (SiteConsumer* stage : stages) GF_TRY(stage->Begin(scanner->header(), column_of_row));
  SiteMaker maker(options.reference, scanner->header().samples.size(), column_of_row);
  PassReport report;
  while (true) {
    GF_ASSIGN(RecordScanner::Outcome outcome, scanner->Next());
    if (outcome == RecordScanner::Outcome::kEnd) return report;
    ++report.records;
    if (outcome == RecordScanner::Outcome::kLeftOut) ++report.left_out;
    if (outcome == RecordScanner::Outcome::kSetAside) ++report.set_aside[scanner->problem().code];
    if (outcome != RecordScanner::Outcome::kRecord) continue;
    GF_ASSIGN(SiteCall site, maker.Make(scanner->record(), report));
    for (SiteConsumer* stage : stages) GF_TRY(stage->Take(site));
  }
}

Status IndexStage::Take(const SiteCall& site) {
  if (options_.pass_only && !site.record.passed) {
    ++filtered_;
    return absl::OkStatus();
  }
  if (site.record.is_reference_block || site.record.has_unspecified) GF_TRY(AddCoverage(site));
  for (const AlleleCall& allele : site.alleles) {
    GF_TRY(builder_.Add(allele.variant, allele.carriers));
    ++sites_;
  }
  return absl::OkStatus();
}

Status IndexStage::AddCoverage(const SiteCall& site) {
  std::string contig(site.record.contig);
  auto call = site.calls.begin();
  for (std::uint32_t row = 0; row < builder_.info().n_people; ++row) {
    int called = 2;
    if (call != site.calls.end() && call->index == row) called = (call++)->called();
    if (called == 0) continue;
    GF_TRY(builder_.AddCoverage(contig, row, site.record.pos, site.record.end, called == 1));
  }
  return absl::OkStatus();
}

}  // namespace genofed::genomics
