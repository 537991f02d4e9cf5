// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/check_variants.h"

#include "libs/genomics/check_vcf.h"

namespace genofed::onboarding {
namespace {

using genomics::Assembly;

// A chromosome of the reference has exactly the length that the other assembly gives it.
bool IsOfOtherAssembly(const genomics::Reference& reference, Assembly assembly) {
  Assembly other = assembly == Assembly::kGrch38 ? Assembly::kGrch37 : Assembly::kGrch38;
  for (int i = 1; i <= 22; ++i) {
    std::string contig = std::to_string(i);
    std::int64_t length = reference.Length(contig);
    if (length > 0 && length == genomics::ContigLength(other, contig) &&
        length != genomics::ContigLength(assembly, contig)) {
      return true;
    }
  }
  return false;
}

Finding About(const std::string& name, Severity severity, std::string code, std::string field, std::string message) {
  return {severity, std::move(code), name, 0, std::move(field), std::move(message)};
}

// A VCF can be valid and yet of no use here: without samples, or without records.
void AddFindings(const genomics::VcfReport& report, const std::string& name, Findings& findings) {
  for (Finding finding : report.findings) {
    if (finding.code == genomics::VcfCodeName(genomics::VcfCode::kNotVcf)) finding.code = "NOT_A_VCF";
    if (finding.code == genomics::VcfCodeName(genomics::VcfCode::kNoSamples)) finding.severity = Severity::kError;
    findings.Add(std::move(finding));
  }
  if (!report.HasError() && report.accepted == 0) {
    findings.Add(About(name, Severity::kError, "NO_RECORDS", "", "the file has no record that can be used"));
  }
}

}  // namespace

Result<std::unique_ptr<genomics::Reference>> OpenReference(const std::filesystem::path& fasta, Assembly assembly) {
  if (fasta.empty()) return std::unique_ptr<genomics::Reference>();
  auto reference = genomics::Reference::Open(fasta);
  if (!reference.ok()) {
    // Internal: people mend it, and the work is tried again.
    return Error(StatusCode::kInternal, Reason(reference.status()), "the reference genome cannot be read");
  }
  if (IsOfOtherAssembly(**reference, assembly)) return std::unique_ptr<genomics::Reference>();
  return *std::move(reference);
}

CheckedVariants CheckVariants(const std::filesystem::path& vcf, const std::string& name, Assembly assembly,
                              genomics::Reference* reference, Findings& findings, Counts& counts) {
  genomics::VcfReport report = genomics::CheckVcf(vcf, {.reference = reference, .file = name});
  counts.records += static_cast<std::int64_t>(report.accepted + report.left_out + report.set_aside);
  counts.records_quarantined += static_cast<std::int64_t>(report.set_aside);
  AddFindings(report, name, findings);
  CheckedVariants checked{report.samples, {}};
  for (const genomics::VcfContigFacts& contig : report.contigs) checked.contigs.push_back(contig.name);
  if (report.HasError()) return checked;
  if (!report.assembly) {
    findings.Add(About(name, Severity::kNote, "ASSEMBLY_UNKNOWN", "##contig",
                       "the header does not tell the assembly; the description's was taken"));
  } else if (*report.assembly != assembly) {
    findings.Add(About(name, Severity::kError, "ASSEMBLY_MISMATCH", "##contig",
                       fmt::format("the header is of {}, the description says {}",
                                   genomics::AssemblyName(*report.assembly), genomics::AssemblyName(assembly))));
  }
  if (reference == nullptr) {
    findings.Add(About(name, Severity::kNote, "REFERENCE_NOT_CHECKED", "REF",
                       "this node has no reference genome of the assembly: REF was not compared, and alleles are "
                       "trimmed but not left-aligned"));
  }
  return checked;
}

}  // namespace genofed::onboarding
