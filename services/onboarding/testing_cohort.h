// SPDX-License-Identifier: Apache-2.0
// Input files of this service's tests.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/synth/synth.h"
#include "services/onboarding/testing_site.h"

namespace genofed::onboarding::test {

inline constexpr std::uint32_t kPeople = 60;

// Standard output of a command line made of constants and paths of the test itself.
inline std::string Output(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return out;
  char buffer[65536];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  ::pclose(pipe);
  return out;
}

inline bool HasBcftools() { return ::access("/usr/bin/bcftools", X_OK) == 0; }

inline std::filesystem::path Write(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

// A synthetic cohort of 60 people on chr20, chrX and chrY, made once for all tests of the binary, with its reference.
struct Cohort {
  Files files;
  std::filesystem::path vcf;
  std::filesystem::path reference;
  std::string vcf_text;  // the same genotypes uncompressed; empty without bgzip

  static const Cohort& Get() {
    static const testing::TemporaryDirectory directory;
    static const Cohort cohort = Make(directory.path());
    return cohort;
  }

 private:
  static Cohort Make(const std::filesystem::path& directory) {
    synth::SynthOptions options;
    options.people = kPeople;
    options.sites = 300;
    options.seed = 5;
    options.directory = directory / "cohort";
    options.write_reference = true;
    GF_CHECK(synth::WriteCohort(options, nullptr).ok());
    Cohort cohort;
    cohort.vcf = options.directory / "cohort.vcf.gz";
    cohort.files.variants = *ReadFile(cohort.vcf);
    cohort.files.consents = *ReadFile(options.directory / "consents.fhir-r4.json");
    for (std::uint32_t i = 1; i <= kPeople; ++i) {
      auto name = fmt::format("FI-P{:06}.json", i);
      cohort.files.clinical += *ReadFile(options.directory / "phenopackets" / name);
    }
    cohort.reference = options.directory / "reference.fa";
    WriteFai(cohort.reference);
    cohort.vcf_text = Output("bgzip -dc " + cohort.vcf.string());
    return cohort;
  }

  // NAME LENGTH OFFSET LINEBASES LINEWIDTH (samtools faidx(5)).
  static void WriteFai(const std::filesystem::path& fasta) {
    std::string text = *ReadFile(fasta, std::size_t{1} << 30);
    std::string fai;
    std::size_t at = 0;
    while (at < text.size()) {
      std::size_t name_end = text.find('\n', at);
      std::string name = text.substr(at + 1, name_end - at - 1);
      name = name.substr(0, name.find(' '));
      std::size_t begin = name_end + 1;
      std::size_t next = std::min(text.size(), text.find('>', begin));
      std::size_t width = text.find('\n', begin) - begin;
      auto lines = static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                                       text.begin() + static_cast<std::ptrdiff_t>(next), '\n'));
      fai += fmt::format("{}\t{}\t{}\t{}\t{}\n", name, next - begin - lines, begin, width, width + 1);
      at = next;
    }
    Write(fasta.string() + ".fai", fai);
  }
};

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::string_view line : Split(text, '\n')) lines.emplace_back(line);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

inline std::string Join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

inline std::string Replace(std::string text, std::string_view from, std::string_view to) {
  std::size_t at = text.find(from);
  GF_CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// The phenopackets of people [from, to) of the cohort; the VCF has everybody's samples.
inline Files People(std::size_t from, std::size_t to) {
  Files files = Cohort::Get().files;
  const auto packets = Lines(files.clinical);
  files.clinical.clear();
  for (std::size_t i = from; i < to; ++i) files.clinical += packets[i] + "\n";
  return files;
}

}  // namespace genofed::onboarding::test
