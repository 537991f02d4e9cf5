// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/describe_variants.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/genomics/normalise.h"
#include "libs/genomics/sequence_digests.h"
#include "libs/genomics/variant_names.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kSampleColumn = 9;

// Bytes that are no UTF-8 are replaced: the text is the file's.
std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json ToJson(const std::vector<Finding>& findings) {
  json list = json::array();
  for (const Finding& finding : findings) {
    const char* severity = finding.severity == Severity::kNote      ? "note"
                           : finding.severity == Severity::kWarning ? "warning"
                                                                    : "error";
    list.push_back({{"severity", severity},
                    {"code", finding.code},
                    {"line", finding.line},
                    {"field", finding.field},
                    {"message", finding.message},
                    {"count", finding.count}});
  }
  return list;
}

class Describer {
 public:
  Describer(VcfReader& reader, std::string file, const DescribeOptions& options)
      : reader_(reader),
        file_(std::move(file)),
        reference_(options.reference),
        records_read_(options.records_read) {
    if (reference_ != nullptr) digests_.emplace(*reference_);
  }

  Result<DescribeReport> Run(const DescribeOptions& options,
                             const std::function<Status(const DescribedVariant&)>& sink) {
    if (reader_.header().samples.size() != 1) {
      return Error(StatusCode::kInvalidArgument, "SAMPLES_NOT_ONE",
                   "{} has {} samples; describe takes the file of one person", file_,
                   reader_.header().samples.size());
    }
    GF_TRY(FindAssembly(options));
    VcfRecord record;
    while (true) {
      GF_ASSIGN(VcfReader::Outcome outcome, reader_.Next(record));
      if (outcome == VcfReader::Outcome::kEnd) break;
      ++report_.records;
      if (records_read_ != nullptr) *records_read_ = static_cast<std::int64_t>(report_.records);
      if (outcome == VcfReader::Outcome::kRejected) {
        Finding problem = reader_.problem();
        problem.file = file_;
        findings_.Add(std::move(problem));
        continue;
      }
      GF_TRY(DescribeRecord(record, sink));
    }
    report_.has_reference = reference_ != nullptr;
    report_.findings = findings_.Take();
    return std::move(report_);
  }

 private:
  // The accession and the digest of one contig; empty where there is none.
  struct Sequence {
    bool has_hgvs = false;
    std::string refget;
  };

  void Note(Severity severity, std::string_view code, std::uint64_t line, std::string_view field,
            std::string_view message) {
    findings_.Add({.severity = severity,
                   .code = std::string(code),
                   .file = file_,
                   .line = static_cast<std::int64_t>(line),
                   .field = std::string(field),
                   .message = std::string(message)});
  }

  Status FindAssembly(const DescribeOptions& options) {
    const auto& stated = reader_.header().assembly;
    if (options.assembly && stated && *options.assembly != *stated) {
      return Error(StatusCode::kInvalidArgument, "ASSEMBLY_CONFLICT",
                   "the header of {} says {}, not {}", file_, AssemblyName(*stated),
                   AssemblyName(*options.assembly));
    }
    report_.assembly = options.assembly ? options.assembly : stated;
    if (!report_.assembly) {
      Note(Severity::kNote, "ASSEMBLY_UNKNOWN", 0, "##contig",
           "the header does not name the assembly, so say it, GRCh37 or GRCh38: until then there are no "
           "names");
    }
    if (reference_ == nullptr) {
      Note(Severity::kNote, "NOT_LEFT_ALIGNED", 0, "",
           "there is no reference genome of the file's assembly: REF was not compared, insertions and "
           "deletions were not left-aligned and have no HGVS description and no VRS identifier");
    }
    return absl::OkStatus();
  }

  // What a contig of the file is called. The file's own length of it tells a look-alike apart, such
  // as chrM of hg19, which is not the mitochondrial genome of GRCh37.
  Result<const Sequence*> SequenceOf(const std::string& contig) {
    auto [found, is_new] = sequences_.try_emplace(contig);
    Sequence& sequence = found->second;
    if (!is_new) return &sequence;
    std::optional<std::int64_t> expected;
    if (report_.assembly) expected = ContigLength(*report_.assembly, contig);
    bool known = expected.has_value();
    for (const VcfContig& declared : reader_.header().contigs) {
      if (known && declared.name == contig && declared.length && *declared.length != *expected) {
        known = false;
        Note(Severity::kNote, "CONTIG_NOT_OF_ASSEMBLY", 0, "##contig",
             "the header gives a contig another length than the assembly: its variants get no "
             "names of the assembly");
      }
    }
    if (reference_ == nullptr || reference_->Length(contig) < 0) {
      sequence.has_hgvs = known;
      if (known) sequence.refget = RefgetAccession(*report_.assembly, contig).value_or("");
      return &sequence;
    }
    GF_ASSIGN(sequence.refget, digests_->Accession(contig));
    sequence.has_hgvs = known && reference_->Length(contig) == *expected;
    if (expected && sequence.refget != RefgetAccession(*report_.assembly, contig)) {
      Note(Severity::kNote, "REFERENCE_NOT_OF_ASSEMBLY", 0, "",
           fmt::format("contig {} of the reference is not, base for base, that of {}: VRS "
                       "identifiers are those of the reference as it is{}",
                       contig, AssemblyName(*report_.assembly),
                       sequence.has_hgvs ? "" : ", and there are no HGVS descriptions"));
    }
    return &sequence;
  }

  Status DescribeRecord(const VcfRecord& record,
                        const std::function<Status(const DescribedVariant&)>& sink) {
    auto alleles = record.Genotype(0);
    int called = (alleles[0] >= 0 ? 1 : 0) + (alleles[1] >= 0 ? 1 : 0);
    for (int i = 0; i < 2; ++i) {
      int allele = alleles[static_cast<std::size_t>(i)];
      if (allele <= 0 || (i == 1 && alleles[0] == allele)) continue;
      const std::string& alt = record.alts[static_cast<std::size_t>(allele - 1)];
      if (ClassifyAllele(alt) != AlleleKind::kBases) {
        Note(Severity::kNote, "ALLELE_NOT_DESCRIBED", record.line, "ALT",
             "a symbolic allele, breakend or '*' has no HGVS or VRS name here");
        continue;
      }
      if (called == 1 && alleles[1] != kAlleleAbsent) {
        Note(Severity::kNote, "HALF_CALLED", record.line, "FORMAT/GT",
             "one of two copies was not called: reported as heterozygous, which is the least");
      }
      DescribedVariant out;
      out.line = record.line;
      out.variant = {record.contig, record.pos, record.ref, alt};
      out.filter = record.filter;
      out.genotype = GenotypeText();
      out.zygosity = alleles[1] == kAlleleAbsent ? Zygosity::kHemizygous
                     : alleles[0] == alleles[1]  ? Zygosity::kHomozygous
                                                 : Zygosity::kHeterozygous;
      GF_TRY(Name(out));
      ++report_.variants;
      GF_TRY(sink(out));
    }
    return absl::OkStatus();
  }

  // The GT value as written.
  std::string GenotypeText() const {
    std::string_view line = reader_.line();
    for (std::size_t i = 0; i < kSampleColumn; ++i) {
      std::size_t tab = line.find('\t');
      if (tab == std::string_view::npos) return "";
      line.remove_prefix(tab + 1);
    }
    return std::string(line.substr(0, line.find_first_of(":\t")));
  }

  Status Name(DescribedVariant& out) {
    if (out.variant.ref == out.variant.alt) {
      out.not_given = "VARIANT_INVALID";
      return absl::OkStatus();
    }
    GF_TRY(NormaliseVariant(out.variant, reference_));
    GF_ASSIGN(const Sequence* sequence, SequenceOf(out.variant.contig));
    bool has_bases = reference_ != nullptr && reference_->Length(out.variant.contig) >= 0;
    Reference* reference = has_bases ? reference_ : nullptr;
    VariantNames names =
        NameVariant(out.variant, sequence->has_hgvs ? report_.assembly : std::nullopt,
                    sequence->refget, reference);
    out.hgvs = std::move(names.hgvs);
    out.vrs_1_3 = std::move(names.vrs_1_3);
    out.vrs_2_0 = std::move(names.vrs_2_0);
    out.not_given = std::move(names.not_given);
    if (out.not_given.empty() && (out.hgvs.empty() || out.vrs_2_0.empty()))
      out.not_given = report_.assembly ? "SEQUENCE_UNKNOWN" : "ASSEMBLY_UNKNOWN";
    return absl::OkStatus();
  }

  VcfReader& reader_;
  std::string file_;
  Reference* reference_;
  std::atomic<std::int64_t>* records_read_;
  std::optional<SequenceDigests> digests_;
  std::map<std::string, Sequence> sequences_;
  Findings findings_;
  DescribeReport report_;
};

}  // namespace

std::string_view ZygosityName(Zygosity zygosity) {
  switch (zygosity) {
    case Zygosity::kHeterozygous:
      return "heterozygous";
    case Zygosity::kHomozygous:
      return "homozygous";
    case Zygosity::kHemizygous:
      return "hemizygous";
  }
  return "";
}

Result<DescribeReport> DescribeVariants(
    const Context& ctx, int fd, const std::string& file, const DescribeOptions& options,
    const std::function<Status(const DescribedVariant&)>& sink) {
  GF_ASSIGN(auto reader, VcfReader::OpenFd(fd, options.reference));
  reader->StopWith(ctx);
  return Describer(*reader, file, options).Run(options, sink);
}

std::string VariantJson(const DescribedVariant& one) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json() : json(text); };
  return Dump({{"line", one.line},
               {"contig", one.variant.contig},
               {"position", one.variant.pos + 1},
               {"ref", one.variant.ref},
               {"alt", one.variant.alt},
               {"genotype", one.genotype},
               {"zygosity", ZygosityName(one.zygosity)},
               {"filter", one.filter},
               {"hgvs", or_null(one.hgvs)},
               {"vrs_1_3", or_null(one.vrs_1_3)},
               {"vrs_2_0", or_null(one.vrs_2_0)},
               {"not_given", or_null(one.not_given)}});
}

std::string SummaryJson(const std::string& file, const DescribeReport& report) {
  return Dump({{"summary",
                {{"file", file},
                 {"assembly", report.assembly ? json(AssemblyName(*report.assembly)) : json()},
                 {"reference", report.has_reference},
                 {"records", report.records},
                 {"variants", report.variants},
                 {"findings", ToJson(report.findings)}}}});
}

std::string FindingsJson(const std::vector<Finding>& findings) { return Dump(ToJson(findings)); }

}  // namespace genofed::genomics
