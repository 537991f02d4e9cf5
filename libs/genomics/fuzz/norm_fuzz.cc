// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/genomics/norm_test_support.h"

// The first two bytes choose what is done; the rest is a VCF. What is split, moved or taken apart
// must be readable again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::genomics;
  if (size < 2) return 0;
  TextReference reference("1", "GGATTTACACACACNRTTTGGGCATGCATcatgcatTTTTTTTT");
  const int modes = data[0] + (data[1] << 8);
  NormaliseOptions options;
  options.on_mismatch = static_cast<ReferenceMismatch>(modes & 3);
  options.multiallelics = static_cast<Multiallelics>(((modes >> 2) & 3) % 3);
  options.multiallelic_kinds = static_cast<ChangeKinds>((modes >> 4) & 3);
  options.duplicates = static_cast<Duplicates>(((modes >> 6) & 7) % 6);
  options.atomise = (modes & 512) != 0;
  options.count_alleles = (modes & 1024) != 0;
  options.keep_depth_sum = (modes & 2048) != 0;
  options.atom_overlap_missing = (modes & 4096) != 0;
  if ((modes & 8192) != 0) options.original_field = "OLD";
  if ((modes & 16384) != 0) options.other_allele = OtherAllele::kMissing;
  const std::string_view vcf(reinterpret_cast<const char*>(data + 2), size - 2);
  const auto once = NormaliseText(vcf, options, (modes & 32768) != 0 ? nullptr : &reference);
  if (!once.status.ok()) return 0;
  std::string again;
  for (std::string_view rest = vcf; rest.starts_with("#");) {
    const std::size_t line = std::min(rest.find('\n'), rest.size());
    again.append(rest.substr(0, line)).push_back('\n');
    rest.remove_prefix(std::min(line + 1, rest.size()));
  }
  for (const std::string& record : once.records) again += record + "\n";
  const auto twice = NormaliseText(again, NormaliseOptions());
  GF_CHECK(twice.status.ok() && twice.records == once.records);
  return 0;
}
