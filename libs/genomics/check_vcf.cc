// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/check_vcf.h"

#include <array>

#include "libs/genomics/line_source.h"
#include "libs/genomics/vcf_scanner.h"

namespace genofed::genomics {
namespace {

// Keeps the first findings of each code and counts the others without building them, so that a
// file in which everything is wrong costs no more than another.
class Collector {
 public:
  explicit Collector(const CheckVcfOptions& options) : options_(options) {}

  void Add(const VcfIssue& issue) {
    VcfEffect effect = EffectOf(issue.code);
    if (options_.on_set_aside &&
        (effect == VcfEffect::kRecordSetAside || effect == VcfEffect::kFileRejected)) {
      set_aside_by_ = ToFinding(issue, options_.file);
    }
    std::size_t code = static_cast<std::size_t>(issue.code);
    if (++counts_[code] <= Findings::kMaxPerCode)
      kept_[code].push_back(ToFinding(issue, options_.file));
  }

  // The last reason to set a record aside; kept only where somebody asks for it.
  const Finding& set_aside_by() const { return set_aside_by_; }
  void Drop(VcfCode code) {
    counts_[static_cast<std::size_t>(code)] = 0;
    kept_[static_cast<std::size_t>(code)].clear();
  }

  std::vector<Finding> Take() {
    Findings findings;
    for (std::size_t i = 0; i < kVcfCodes; ++i) {
      std::uint64_t more = counts_[i] - kept_[i].size();
      for (Finding& finding : kept_[i]) findings.Add(std::move(finding));
      if (more == 0) continue;
      Finding rest = ToFinding({static_cast<VcfCode>(i), 0, "", "", ""}, options_.file);
      rest.count = static_cast<std::int64_t>(more);
      findings.Add(std::move(rest));
    }
    return findings.Take();
  }

 private:
  const CheckVcfOptions& options_;
  std::array<std::uint64_t, kVcfCodes> counts_ = {};
  std::array<std::vector<Finding>, kVcfCodes> kept_;
  Finding set_aside_by_;
};

// A file of the same assembly agrees in all but a few records. By chance, a quarter of the bases of
// another assembly agree.
void JudgeReference(const VcfReport& report, Collector& collector) {
  std::uint64_t compared = 0;
  std::uint64_t agreed = 0;
  for (const VcfContigFacts& contig : report.contigs) {
    compared += contig.compared;
    agreed += contig.agreed;
  }
  if (2 * agreed < compared) {
    collector.Drop(VcfCode::kRefMismatch);
    std::string message = fmt::format(
        "REF agrees with the reference genome in {} of {} records ({:.0f} %): probably another "
        "assembly",
        agreed, compared, 100.0 * static_cast<double>(agreed) / static_cast<double>(compared));
    collector.Add({VcfCode::kAssemblyMismatch, 0, "REF", "", message});
    return;
  }
  // One contig can be of another source than the others: the mitochondrion of hg19 is the known
  // case.
  for (const VcfContigFacts& contig : report.contigs) {
    if (2 * contig.agreed >= contig.compared || !IsPrimaryContig(contig.name)) continue;
    std::string message = fmt::format(
        "REF agrees with the reference genome in {} of {} records of contig {}: another version of "
        "it",
        contig.agreed, contig.compared, contig.name);
    collector.Add({VcfCode::kRefMismatch, 0, "CHROM", "", message});
  }
}

// Whether the file could be read to its end.
bool ReadRecords(VcfScanner& scanner, const CheckVcfOptions& options, Collector& collector,
                 VcfReport& report) {
  while (true) {
    auto more = scanner.Next();
    if (!more.ok()) return false;
    if (!*more) return true;
    const VcfSite& site = scanner.site();
    report.is_gvcf = report.is_gvcf || site.has_unspecified || site.IsLongBlock();
    switch (scanner.verdict()) {
      case VcfVerdict::kUse:
        ++report.accepted;
        break;
      case VcfVerdict::kLeaveOut:
        ++report.left_out;
        break;
      case VcfVerdict::kSetAside:
        ++report.set_aside;
        if (options.on_set_aside) options.on_set_aside(collector.set_aside_by(), scanner.line());
        break;
    }
  }
}

}  // namespace

VcfReport CheckVcf(const std::filesystem::path& path, const CheckVcfOptions& options) {
  VcfReport report;
  Collector collector(options);
  VcfIssueSink sink = [&collector](const VcfIssue& issue) { collector.Add(issue); };
  auto source = LineSource::OpenPath(path);
  if (!source.ok()) {
    ReportStatus(source.status(), 0, sink);
    report.findings = collector.Take();
    return report;
  }
  auto scanner = VcfScanner::Open(*std::move(source), sink, options.reference);
  if (!scanner.ok()) {
    report.findings = collector.Take();
    return report;
  }
  const VcfHeader& header = (*scanner)->header();
  report.version = header.version;
  report.samples = header.samples;
  report.assembly = header.assembly;
  report.assembly_evidence = header.assembly_evidence;
  bool whole = ReadRecords(**scanner, options, collector, report);
  report.contigs = (*scanner)->conformance().contigs();
  JudgeReference(report, collector);
  if (!whole) {
    // Why is among the findings already.
  } else if (report.accepted + report.left_out + report.set_aside == 0) {
    sink({VcfCode::kNoDataLines, header.lines, "", "", ""});
  } else if (report.accepted + report.left_out == 0) {
    sink({VcfCode::kNoRecords, 0, "", "", ""});
  }
  report.findings = collector.Take();
  return report;
}

}  // namespace genofed::genomics
