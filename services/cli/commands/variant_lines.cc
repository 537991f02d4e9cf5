// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/variant_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>

namespace genofed::cli {

Result<int> OpenInput(const std::string& file) {
  int fd = file == "-" ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Error(StatusCode::kNotFound, "FILE_FAILED", "cannot open {}: {}", file,
                 std::strerror(errno));
  }
  return fd;
}

Result<std::unique_ptr<genomics::Reference>> OpenReference(const std::string& fasta,
                                                           genomics::BaseCase base_case) {
  if (fasta.empty()) return std::unique_ptr<genomics::Reference>();
  return genomics::Reference::Open(fasta, base_case);
}

void AddInput(CLI::App& command, std::string& file, std::string& reference) {
  command.add_option("file", file, "VCF or BCF, plain or bgzipped; - is standard input")
      ->capture_default_str();
  command.add_option("--reference", reference,
                     "Reference genome: FASTA with its .fai index beside it (samtools faidx)");
}

Status PutLine(std::string_view line) {
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() ||
      std::fputc('\n', stdout) == EOF) {
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write to standard output");
  }
  return absl::OkStatus();
}

void PrintFindings(std::FILE* out, const Json& findings) {
  for (const Json& finding : findings) {
    const auto line = finding.value("line", 0LL), count = finding.value("count", 1LL);
    std::string where = line > 0 ? fmt::format("line {}, ", line) : "";
    if (const std::string field = TextOf(finding, "field"); !field.empty()) where += field + ": ";
    std::fprintf(out, "%s: %s%s (%s)", TextOf(finding, "severity").c_str(), where.c_str(),
                 TextOf(finding, "message").c_str(), TextOf(finding, "code").c_str());
    if (count > 1) std::fprintf(out, ", %lld times", count);
    std::fputc('\n', out);
  }
}

}  // namespace genofed::cli
