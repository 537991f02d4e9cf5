// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::synth {

enum class ContigKind { kAutosome, kX, kY };

struct Contig {
  std::uint32_t rank = 0;  // 1..22, 23 for chrX, 24 for chrY: the order in the VCF
  std::string_view name;
  std::uint32_t length = 0;  // of GRCh38
  ContigKind kind = ContigKind::kAutosome;
};

// The contig of that name, or null.
const Contig* FindContig(std::string_view name);

// Pseudo-autosomal regions of chrX in GRCh38 (Genome Reference Consortium), 1-based, inclusive.
bool InPseudoAutosomalRegion(std::uint32_t position);

// The base of the synthetic reference at a 1-based position. Depends on nothing else.
char BaseAt(const Contig& contig, std::uint32_t position);
std::string BasesAt(const Contig& contig, std::uint32_t position, std::uint32_t count);

struct ReferencePart {
  const Contig* contig = nullptr;
  std::uint32_t end = 0;  // last position to write
};

// FASTA with 60 bases a line, each contig from position 1 to its `end`.
Status WriteReference(const std::filesystem::path& path, const std::vector<ReferencePart>& parts);

}  // namespace genofed::synth
