// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/vcf_writer.h"

#include <htslib/bgzf.h>
#include <htslib/tbx.h>

#include <utility>

namespace genofed::synth {
namespace {

void AppendAllele(std::int8_t allele, std::string& line) {
  line += allele < 0 ? '.' : static_cast<char>('0' + allele);
}

void AppendCall(const Call& call, std::string& line) {
  AppendAllele(call.first, line);
  if (call.second == Call::kNone) return;
  line += '/';
  AppendAllele(call.second, line);
}

std::string Header(std::string_view country, const std::vector<const Contig*>& contigs,
                   const std::vector<std::string>& samples) {
  std::string header =
      "##fileformat=VCFv4.3\n"
      "##FILTER=<ID=PASS,Description=\"All filters passed\">\n";
  header += fmt::format(
      "##source=genofed-synth\n"
      "##synthetic=Invented people of {}; bases are invented too, positions follow GRCh38\n",
      country);
  for (const Contig* contig : contigs) {
    header += fmt::format("##contig=<ID={},length={},assembly=GRCh38>\n", contig->name, contig->length);
  }
  header +=
      "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Allele count in genotypes, for each ALT allele\">\n"
      "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Number of alleles in called genotypes\">\n"
      "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
  for (const std::string& sample : samples) header += '\t' + sample;
  header += '\n';
  return header;
}

}  // namespace

struct VcfWriter::File {
  BGZF* stream = nullptr;
  std::string path;
  ~File() {
    if (stream != nullptr) bgzf_close(stream);
  }
};

VcfWriter::VcfWriter() : file_(std::make_unique<File>()) {}
VcfWriter::VcfWriter(VcfWriter&&) noexcept = default;
VcfWriter& VcfWriter::operator=(VcfWriter&&) noexcept = default;
VcfWriter::~VcfWriter() = default;

Result<VcfWriter> VcfWriter::Open(const std::filesystem::path& path, std::string_view country,
                                  const std::vector<const Contig*>& contigs,
                                  const std::vector<std::string>& samples) {
  VcfWriter writer;
  writer.file_->path = path.string();
  writer.file_->stream = bgzf_open(writer.file_->path.c_str(), "w6");
  if (writer.file_->stream == nullptr) {
    return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot create {}", path.string());
  }
  GF_TRY(writer.Append(Header(country, contigs, samples)));
  return writer;
}

Status VcfWriter::Append(std::string_view text) {
  const auto written = bgzf_write(file_->stream, text.data(), text.size());
  if (written < 0 || static_cast<std::size_t>(written) != text.size()) {
    return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot write {}", file_->path);
  }
  return {};
}

Status VcfWriter::Write(const Site& site, const std::vector<Call>& calls) {
  std::vector<std::uint32_t> counts(site.alts.size() + 1);
  std::uint32_t called = 0;
  for (const Call& call : calls) {
    for (const std::int8_t allele : {call.first, call.second}) {
      if (allele < 0) continue;
      ++counts[static_cast<std::size_t>(allele)];
      ++called;
    }
  }
  line_ = fmt::format("{}\t{}\t.\t{}\t{}\t.\tPASS\tAC={}", site.contig->name, site.position, site.ref,
                      site.alts[0], counts[1]);
  if (site.alts.size() > 1) {
    line_ = fmt::format("{}\t{}\t.\t{}\t{},{}\t.\tPASS\tAC={},{}", site.contig->name, site.position,
                        site.ref, site.alts[0], site.alts[1], counts[1], counts[2]);
  }
  line_ += fmt::format(";AN={}\tGT", called);
  for (const Call& call : calls) {
    line_ += '\t';
    AppendCall(call, line_);
  }
  line_ += '\n';
  return Append(line_);
}

Status VcfWriter::Finish() {
  if (bgzf_close(std::exchange(file_->stream, nullptr)) != 0) {
    return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot finish {}", file_->path);
  }
  if (tbx_index_build(file_->path.c_str(), 0, &tbx_conf_vcf) != 0) {
    return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot index {}", file_->path);
  }
  return {};
}

}  // namespace genofed::synth
