// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/beacon_disclosure.h"

#include <algorithm>

#include "libs/beacon/redact.h"
#include "services/discovery/domain/disclosure.h"

namespace genofed::discovery {
namespace {

bool Few(std::int64_t count, std::int32_t floor) { return count > 0 && count < floor; }

// Counts are alleles: as many people as alleles for those with one copy, half as many for those with two.
std::optional<beacon::PopulationCounts> DisclosePopulation(const beacon::PopulationCounts& counts, std::int32_t floor) {
  if (counts.allele_count < 0 || counts.allele_number < counts.allele_count) return std::nullopt;
  if (Few((counts.allele_count + 1) / 2, floor) || Few((counts.allele_number - counts.allele_count + 1) / 2, floor))
    return std::nullopt;
  beacon::PopulationCounts out = counts;
  const bool split = out.homozygous && out.heterozygous;
  const bool few = !split || Few(*out.homozygous / 2, floor) || Few(*out.heterozygous, floor) ||
                   Few(out.hemizygous.value_or(0), floor);
  if (few) out.homozygous = out.heterozygous = out.hemizygous = std::nullopt;
  return out;
}

}  // namespace

std::optional<std::int64_t> DiscloseRecords(const RecordCount& count, std::int32_t floor) {
  const Disclosed disclosed = Disclose(count.people, count.population, floor, true);
  if (!disclosed.exists()) return std::nullopt;
  // Everybody is said to match: then so is everything that is theirs.
  return disclosed.count == count.people ? count.records : count.all;
}

bool MayMention(std::int64_t carriers, std::int64_t allele_count, std::int32_t floor) {
  const std::int64_t people = std::max(carriers, (allele_count + 1) / 2);
  return DiscloseAllele({allele_count, 0, people, 0, 0, 0}, floor).disclosed;
}

std::string PublicVariant(const std::string& record, std::int32_t floor) {
  return beacon::PublicVariant(
      record, [floor](const beacon::PopulationCounts& counts) { return DisclosePopulation(counts, floor); });
}

}  // namespace genofed::discovery
