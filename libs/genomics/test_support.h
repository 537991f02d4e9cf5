// SPDX-License-Identifier: Apache-2.0
// Helpers of this library's tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::genomics {

// A directory that lives as long as the test.
class TempDir {
 public:
  TempDir() {
    // In memory where possible: these tests sync many small files.
    auto base = ::access("/dev/shm", W_OK) == 0 ? std::filesystem::path("/dev/shm")
                                                : std::filesystem::temp_directory_path();
    std::string pattern = (base / "genomics.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::filesystem::path WriteText(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The data folder of GENOFED_SHARED_DIR, or empty.
inline std::filesystem::path SharedDir() {
  const char* dir = std::getenv("GENOFED_SHARED_DIR");
  return dir == nullptr || *dir == '\0' ? std::filesystem::path()
                                        : std::filesystem::path(dir) / "data";
}

inline bool HasBcftools() { return ::access("/usr/bin/bcftools", X_OK) == 0; }

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

// A VCF with the given sample names and record lines; fields are separated by spaces for
// legibility.
inline std::string MakeVcf(std::string_view samples, const std::vector<std::string>& records) {
  std::string text =
      "##fileformat=VCFv4.2\n##contig=<ID=chr20,length=64444167>\n##contig=<ID=chrX,length="
      "156040895>\n"
      "##FILTER=<ID=q10,Description=\"low\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description="
      "\"Genotype\">\n"
      "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n"
      "##FORMAT=<ID=NOTE,Number=1,Type=String,Description=\"Text\">\n"
      "##bcftools_viewCommand=view -s SECRETNAME file.vcf\n"
      "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT ";
  text += samples;
  text += "\n";
  for (const std::string& record : records) text += record + "\n";
  // Header lines after ## keep their spaces only inside quotes, of which these have none that
  // matter.
  std::size_t body = text.find("#CHROM");
  for (std::size_t i = body; i < text.size(); ++i) {
    if (text[i] == ' ') text[i] = '\t';
  }
  return text;
}

}  // namespace genofed::genomics
