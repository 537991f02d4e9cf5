// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/subset.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "libs/core/strings.h"
#include "libs/genomics/vcf_writer.h"

namespace genofed::genomics {
namespace {

bool IsWord(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           more.find(c) != std::string_view::npos;
  });
}

// Which FORMAT fields the output has: genotypes and declared numbers. Text could hold anything.
bool KeepFormat(const VcfDefinition& field) {
  if (field.id == "GT") return false;  // written with its own definition
  bool numeric = field.type == "Integer" || field.type == "Float";
  return numeric && IsWord(field.id, "_.") && IsWord(field.number, ".");
}

std::string HeaderText(const VcfHeader& in, std::span<const SampleRename> keep) {
  std::string out = "##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"All filters passed\">\n";
  std::set<std::string> seen = {"PASS"};
  for (const std::string& filter : in.filters) {
    if (!IsWord(filter, "_.-+") || !seen.insert(filter).second) continue;
    out += fmt::format("##FILTER=<ID={},Description=\"Filter of the source file\">\n", filter);
  }
  for (const VcfContig& contig : in.contigs) {
    if (contig.name.empty()) continue;
    std::string length = contig.length ? fmt::format(",length={}", *contig.length) : "";
    std::string assembly =
        in.assembly ? fmt::format(",assembly={}", AssemblyName(*in.assembly)) : "";
    out += fmt::format("##contig=<ID={}{}{}>\n", contig.raw, length, assembly);
  }
  out +=
      "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Allele count in the genotypes of this "
      "file\">\n"
      "##INFO=<ID=AF,Number=A,Type=Float,Description=\"Allele frequency in the genotypes of this "
      "file\">\n"
      "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called alleles in the genotypes of this "
      "file\">\n"
      "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n";
  std::set<std::string> formats;
  for (const VcfDefinition& field : in.formats) {
    if (!KeepFormat(field) || !formats.insert(field.id).second) continue;
    out += fmt::format("##FORMAT=<ID={},Number={},Type={},Description=\"{}\">\n", field.id,
                       field.number, field.type, "Field of the source file");
  }
  out += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
  for (const SampleRename& sample : keep) out += "\t" + sample.new_name;
  out += "\n";
  return out;
}

// Sample column for each kept sample, in the order of `keep`.
Result<std::vector<std::size_t>> Columns(const VcfHeader& header,
                                         std::span<const SampleRename> keep) {
  if (keep.empty())
    return Error(StatusCode::kInvalidArgument, "NO_SAMPLES", "no sample is to be kept");
  std::map<std::string_view, std::size_t> by_name;
  for (std::size_t i = 0; i < header.samples.size(); ++i) by_name.emplace(header.samples[i], i);
  std::set<std::string_view> new_names;
  std::set<std::size_t> used;
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    auto found = by_name.find(keep[i].old_name);
    if (found == by_name.end()) {
      return InvalidField(fmt::format("keep[{}].old_name", i), "SAMPLE_UNKNOWN",
                          "no such sample in the file");
    }
    if (!IsWord(keep[i].new_name, "_.-") || !new_names.insert(keep[i].new_name).second ||
        !used.insert(found->second).second) {
      return InvalidField(fmt::format("keep[{}]", i), "SAMPLE_INVALID",
                          "a name is not acceptable or comes twice");
    }
    columns.push_back(found->second);
  }
  return columns;
}

class Subsetter {
 public:
  Subsetter(const VcfHeader& header, std::vector<std::size_t> columns)
      : columns_(std::move(columns)) {
    for (const VcfDefinition& field : header.formats) {
      if (KeepFormat(field)) numeric_formats_.insert(field.id);
    }
    for (const std::string& filter : header.filters) {
      if (IsWord(filter, "_.-+")) filters_.insert(filter);
    }
  }

  // Counts the alleles of the kept samples; says whether any alternative one was seen.
  bool CountAlleles(const VcfRecord& record) {
    counts_.assign(record.alts.size() + 1, 0);
    for (std::size_t column : columns_) {
      for (std::int8_t allele : record.Genotype(column)) {
        if (allele >= 0) ++counts_[static_cast<std::size_t>(allele)];
      }
    }
    return std::any_of(counts_.begin() + 1, counts_.end(), [](std::uint64_t n) { return n > 0; });
  }

  void Rewrite(std::string_view line, std::string& out) {
    fields_.clear();
    for (std::size_t at = 0; at <= line.size();) {
      std::size_t end = std::min(line.size(), line.find('\t', at));
      fields_.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    out.clear();
    for (std::size_t i = 0; i < 6; ++i) out.append(fields_[i]).push_back('\t');
    out.append(Filter(fields_[6])).push_back('\t');
    AppendInfo(out);
    AppendFormat(fields_[8], out);
    for (std::size_t column : columns_) {
      out.push_back('\t');
      AppendSample(fields_[9 + column], out);
    }
  }

 private:
  // Filters that the header does not declare are left out; BCF cannot hold them.
  std::string Filter(std::string_view text) const {
    if (text == "PASS" || text == ".") return std::string(text);
    std::string kept;
    for (std::string_view name : Split(text, ';')) {
      if (!filters_.contains(name)) continue;
      if (!kept.empty()) kept.push_back(';');
      kept.append(name);
    }
    return kept.empty() ? "." : kept;
  }

  void AppendInfo(std::string& out) const {
    std::uint64_t an = 0;
    for (std::uint64_t count : counts_) an += count;
    if (counts_.size() > 1) {
      std::string ac = "AC=";
      std::string af = ";AF=";
      for (std::size_t i = 1; i < counts_.size(); ++i) {
        std::string_view comma = i > 1 ? "," : "";
        ac += fmt::format("{}{}", comma, counts_[i]);
        af += an == 0 ? fmt::format("{}.", comma)
                      : fmt::format("{}{:.6g}", comma,
                                    static_cast<double>(counts_[i]) / static_cast<double>(an));
      }
      out += ac + af + ";";
    }
    out += fmt::format("AN={}\t", an);
  }

  void AppendFormat(std::string_view format, std::string& out) {
    kept_.clear();
    std::size_t index = 0;
    std::set<std::string_view> seen;
    all_kept_ = true;
    for (std::string_view id : Split(format, ':')) {
      bool keep = (index == 0 || numeric_formats_.contains(id)) && seen.insert(id).second;
      all_kept_ = all_kept_ && keep;
      if (keep) {
        if (index > 0) out.push_back(':');
        out.append(id);
        kept_.push_back(index);
      }
      ++index;
    }
  }

  void AppendSample(std::string_view sample, std::string& out) const {
    if (all_kept_) {
      out.append(sample);
      return;
    }
    std::size_t index = 0;
    std::size_t next = 0;
    for (std::string_view value : Split(sample, ':')) {
      if (next < kept_.size() && kept_[next] == index) {
        if (next++ > 0) out.push_back(':');
        out.append(value);
      }
      ++index;
    }
  }

  std::vector<std::size_t> columns_;
  std::set<std::string, std::less<>> numeric_formats_;
  std::set<std::string, std::less<>> filters_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::string_view> fields_;
  std::vector<std::size_t> kept_;
  bool all_kept_ = true;
};

bool Inside(const VcfRecord& record, const std::optional<Region>& region) {
  if (!region) return true;
  return record.contig == region->contig && record.pos < region->end &&
         record.pos + static_cast<std::int64_t>(record.ref.size()) > region->start;
}

Result<std::unique_ptr<VcfReader>> OpenInput(const VcfInput& input) {
  if (const int* fd = std::get_if<int>(&input)) return VcfReader::OpenFd(*fd);
  return VcfReader::Open(std::get<std::filesystem::path>(input));
}

}  // namespace

Result<SubsetReport> SubsetVcf(const VcfInput& input, std::span<const SampleRename> keep,
                               const std::filesystem::path& output, const SubsetOptions& options) {
  GF_ASSIGN(auto reader, OpenInput(input));
  const VcfHeader& header = reader->header();
  GF_ASSIGN(auto columns, Columns(header, keep));
  if (header.contigs.empty() && output.extension() == ".bcf") {
    return Error(StatusCode::kFailedPrecondition, "CONTIG_NOT_IN_HEADER",
                 "BCF needs contig lines, and the input's header has none");
  }
  GF_ASSIGN(auto writer, VcfWriter::Create(output, HeaderText(header, keep)));
  Subsetter subsetter(header, std::move(columns));
  SubsetReport report;
  VcfRecord record;
  std::string line;
  while (true) {
    GF_ASSIGN(VcfReader::Outcome outcome, reader->Next(record));
    if (outcome == VcfReader::Outcome::kEnd) break;
    if (outcome == VcfReader::Outcome::kRejected) {
      ++report.rejected[reader->problem().code];
      continue;
    }
    bool observed = subsetter.CountAlleles(record);
    if (!Inside(record, options.region) || (options.drop_unobserved && !observed)) {
      ++report.outside;
      continue;
    }
    subsetter.Rewrite(reader->line(), line);
    GF_TRY(writer->Write(line));
    ++report.records;
  }
  GF_TRY(writer->Commit());
  return report;
}

}  // namespace genofed::genomics
