// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/reference.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "libs/synth/prng.h"

namespace genofed::synth {
namespace {

using enum ContigKind;

// Lengths of the GRCh38 assembly, GCA_000001405.15.
constexpr std::array<Contig, 24> kContigs = {{
    {1, "chr1", 248956422, kAutosome},   {2, "chr2", 242193529, kAutosome},
    {3, "chr3", 198295559, kAutosome},   {4, "chr4", 190214555, kAutosome},
    {5, "chr5", 181538259, kAutosome},   {6, "chr6", 170805979, kAutosome},
    {7, "chr7", 159345973, kAutosome},   {8, "chr8", 145138636, kAutosome},
    {9, "chr9", 138394717, kAutosome},   {10, "chr10", 133797422, kAutosome},
    {11, "chr11", 135086622, kAutosome}, {12, "chr12", 133275309, kAutosome},
    {13, "chr13", 114364328, kAutosome}, {14, "chr14", 107043718, kAutosome},
    {15, "chr15", 101991189, kAutosome}, {16, "chr16", 90338345, kAutosome},
    {17, "chr17", 83257441, kAutosome},  {18, "chr18", 80373285, kAutosome},
    {19, "chr19", 58617616, kAutosome},  {20, "chr20", 64444167, kAutosome},
    {21, "chr21", 46709983, kAutosome},  {22, "chr22", 50818468, kAutosome},
    {23, "chrX", 156040895, kX},         {24, "chrY", 57227415, kY},
}};

}  // namespace

const Contig* FindContig(std::string_view name) {
  const auto* found = std::ranges::find(kContigs, name, &Contig::name);
  return found == kContigs.end() ? nullptr : found;
}

bool InPseudoAutosomalRegion(std::uint32_t position) {
  return (position >= 10001 && position <= 2781479) || (position >= 155701383 && position <= 156030895);
}

char BaseAt(const Contig& contig, std::uint32_t position) {
  const std::uint64_t key = (std::uint64_t{contig.rank} << 40) | position;
  return "ACGT"[Mix(key * 0x9e3779b97f4a7c15U) >> 62];
}

std::string BasesAt(const Contig& contig, std::uint32_t position, std::uint32_t count) {
  std::string bases;
  for (std::uint32_t i = 0; i < count; ++i) bases += BaseAt(contig, position + i);
  return bases;
}

Status WriteReference(const std::filesystem::path& path, const std::vector<ReferencePart>& parts) {
  constexpr std::uint32_t kLine = 60;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  for (const ReferencePart& part : parts) {
    out << '>' << part.contig->name << " synthetic\n";
    for (std::uint32_t start = 1; start <= part.end; start += kLine) {
      out << BasesAt(*part.contig, start, std::min(kLine, part.end - start + 1)) << '\n';
    }
  }
  out.close();
  if (!out) return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot write {}", path.string());
  return {};
}

}  // namespace genofed::synth
