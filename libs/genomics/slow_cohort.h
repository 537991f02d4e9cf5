// SPDX-License-Identifier: Apache-2.0
//
// The definition of who carries what, written down person by person: what tests compare the fast
// pass with.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/normalise.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {

struct SplitAllele {
  std::int8_t index = 1;  // into {REF, ALT...}
  Variant variant;
};

// The sequence alleles of a record, normalised.
inline std::vector<SplitAllele> SplitRecord(const VcfRecord& record, Reference* reference) {
  std::vector<SplitAllele> out;
  for (std::size_t i = 0; i < record.alts.size(); ++i) {
    const std::string& alt = record.alts[i];
    if (ClassifyAllele(alt) != AlleleKind::kBases || alt.find('N') != std::string::npos) continue;
    SplitAllele split{static_cast<std::int8_t>(i + 1),
                      Variant{record.contig, record.pos, record.ref, alt}};
    GF_CHECK(NormaliseVariant(split.variant, reference).ok());
    out.push_back(std::move(split));
  }
  return out;
}

// `sample_of_row[row]` is a sample column, or -1 for a row that is missing.
inline CarrierSets SlowCarriersOf(const VcfRecord& record, std::int8_t allele,
                                  std::span<const std::int32_t> sample_of_row) {
  CarrierSets sets;
  for (std::uint32_t row = 0; row < sample_of_row.size(); ++row) {
    if (sample_of_row[row] < 0) {
      sets.nocall.push_back(row);
      continue;
    }
    auto genotype = record.Genotype(static_cast<std::size_t>(sample_of_row[row]));
    int called = (genotype[0] >= 0 ? 1 : 0) + (genotype[1] >= 0 ? 1 : 0);
    int count = (genotype[0] == allele ? 1 : 0) + (genotype[1] == allele ? 1 : 0);
    if (called == 2) {
      if (count == 1) sets.het.push_back(row);
      if (count == 2) sets.hom.push_back(row);
    } else if (called == 1) {
      (count == 1 ? sets.hemi : sets.single).push_back(row);
    } else {
      sets.nocall.push_back(row);
    }
  }
  return sets;
}

// Somebody's own file: one record says how many alleles were called on [pos, end).
struct OwnRecord {
  VcfRecord record;  // of one sample
  std::int64_t end = 0;
};
struct OwnFile {
  std::vector<OwnRecord> records;
  bool has_blocks = false;
};

// Who carries `variant` when everybody has a file of their own: what a record of the file says of
// the allele; else how many alleles any record calls at the position; else nothing where the file
// has reference blocks, and `absent` alleles where it has none.
inline CarrierSets SlowJoin(std::span<const OwnFile> files, const Variant& variant, int absent,
                            Reference* reference = nullptr) {
  CarrierSets sets;
  for (std::uint32_t row = 0; row < files.size(); ++row) {
    constexpr std::int32_t kColumn[] = {0};
    int called = files[row].has_blocks ? 0 : absent;
    bool covered = false;
    const VcfRecord* own = nullptr;
    std::int8_t allele = 0;
    for (const OwnRecord& at : files[row].records) {
      if (at.record.contig != variant.contig) continue;
      for (const SplitAllele& split : SplitRecord(at.record, reference)) {
        if (split.variant == variant && own == nullptr) own = &at.record, allele = split.index;
      }
      if (variant.pos < at.record.pos || variant.pos >= at.end) continue;
      int here = (at.record.alleles[0] >= 0 ? 1 : 0) + (at.record.alleles[1] >= 0 ? 1 : 0);
      called = covered ? std::max(called, here) : here;
      covered = true;
    }
    if (own != nullptr) {
      CarrierSets one = SlowCarriersOf(*own, allele, kColumn);
      if (!one.het.empty()) sets.het.push_back(row);
      if (!one.hom.empty()) sets.hom.push_back(row);
      if (!one.hemi.empty()) sets.hemi.push_back(row);
      if (!one.single.empty()) sets.single.push_back(row);
      if (!one.nocall.empty()) sets.nocall.push_back(row);
    } else if (called < 2) {
      (called == 1 ? sets.single : sets.nocall).push_back(row);
    }
  }
  return sets;
}

// Feeds a builder record by record and person by person.
inline Status SlowIndex(const std::filesystem::path& vcf, std::span<const std::string> rows,
                        SegmentBuilder& builder, Reference* reference = nullptr) {
  GF_ASSIGN(auto reader, VcfReader::Open(vcf, reference));
  std::vector<std::int32_t> sample_of_row;
  for (const std::string& row : rows) {
    const auto& samples = reader->header().samples;
    auto found = std::find(samples.begin(), samples.end(), row);
    sample_of_row.push_back(
        found == samples.end() ? -1 : static_cast<std::int32_t>(found - samples.begin()));
  }
  VcfRecord record;
  while (true) {
    GF_ASSIGN(VcfReader::Outcome outcome, reader->Next(record));
    if (outcome == VcfReader::Outcome::kEnd) return absl::OkStatus();
    if (outcome == VcfReader::Outcome::kRejected) continue;
    for (const SplitAllele& allele : SplitRecord(record, reference))
      GF_TRY(builder.Add(allele.variant, SlowCarriersOf(record, allele.index, sample_of_row)));
  }
}

}  // namespace genofed::genomics
