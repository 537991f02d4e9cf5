// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/content_sniffer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "libs/core/strings.h"

namespace genofed::spe {
namespace {

using namespace std::string_view_literals;

constexpr double kMaxEntropy = 5.2;           // tables of counts stay below 4.5 (airlock_test.cc)
constexpr std::size_t kEntropySample = 2048;  // shorter content has too few bytes to judge

// First bytes of compressed formats: gzip and BGZF, bzip2, xz, zstd, zip, 7z, lz4.
constexpr std::string_view kCompressed[] = {"\x1f\x8b"sv,
                                            "BZh"sv,
                                            "\xfd"
                                            "7zXZ"sv,
                                            "\x28\xb5\x2f\xfd"sv,
                                            "PK\x03\x04"sv,
                                            "7z\xbc\xaf"sv,
                                            "\x04\x22\x4d\x18"sv};
// First bytes of formats with a row or column for each person: VCF, BCF, BAM, CRAM, SAM, PLINK; and
// of containers for anything: HDF5, pickle. Other binary formats are refused for not being text.
constexpr std::string_view kGenotype[] = {"##fileformat=VCF"sv,
                                          "#CHROM\tPOS"sv,
                                          "BCF"sv,
                                          "BAM\x01"sv,
                                          "CRAM"sv,
                                          "@HD\t"sv,
                                          "@SQ\t"sv,
                                          "\x6c\x1b"sv,
                                          "\x89HDF"sv,
                                          "FID\tIID"sv,
                                          "FID IID"sv,
                                          "\x80\x04\x95"sv};

template <std::size_t N>
bool StartsWithAny(std::string_view content, const std::string_view (&prefixes)[N]) {
  return std::any_of(std::begin(prefixes), std::end(prefixes), [&](std::string_view prefix) {
    return content.substr(0, prefix.size()) == prefix;
  });
}

bool IsTableText(std::string_view content) {
  const bool printable = std::all_of(content.begin(), content.end(), [](char c) {
    return c == '\t' || c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
  return printable && IsUtf8(content);
}

}  // namespace

double EntropyBitsPerByte(std::string_view content) {
  if (content.empty()) return 0;
  std::array<std::uint64_t, 256> counts{};
  for (const char c : content) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const std::uint64_t count : counts) {
    if (count == 0) continue;
    const double p = static_cast<double>(count) / static_cast<double>(content.size());
    bits -= p * std::log2(p);
  }
  return bits;
}

std::string_view RefusedContent(std::string_view content) {
  if (StartsWithAny(content, kCompressed)) return "COMPRESSED";
  if (StartsWithAny(content, kGenotype)) return "GENOTYPE_FORMAT";
  if (!IsTableText(content)) return "NOT_TEXT";
  if (content.size() >= kEntropySample && EntropyBitsPerByte(content) > kMaxEntropy)
    return "HIGH_ENTROPY";
  return {};
}

}  // namespace genofed::spe
