// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/genotype_scan.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

const ScanKernels& Best() {
  static const ScanKernels& best = AvailableKernels().back();
  return best;
}

// Indices that a kernel writes; kept, because records come by the million.
std::uint32_t* Scratch(std::size_t n) {
  thread_local std::vector<std::uint32_t> scratch;
  if (scratch.size() < n) scratch.resize(n);
  return scratch.data();
}

// One GT subfield of one or two alleles.
bool ParseGenotype(std::string_view text, std::size_t n_alleles, Call* call) {
  std::int8_t* out[2] = {&call->first, &call->second};
  call->second = kAlleleAbsent;
  for (std::size_t ploidy = 0; ploidy < 2; ++ploidy) {
    std::size_t end = std::min(text.size(), text.find_first_of("/|"));
    std::string_view allele = text.substr(0, end);
    if (allele == ".") {
      *out[ploidy] = kAlleleMissing;
    } else {
      std::uint32_t index = 0;
      auto [stop, error] = std::from_chars(allele.data(), allele.data() + allele.size(), index);
      if (error != std::errc() || stop != allele.data() + allele.size() || index >= n_alleles)
        return false;
      *out[ploidy] = static_cast<std::int8_t>(index);
    }
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

bool IsHomRef(const Call& call) { return call.first == 0 && call.second == 0; }

// One allele of a four-byte lane. False when it is not one character of the usual kind.
bool LaneAllele(char c, std::size_t n_alleles, std::int8_t* allele) {
  if (c == '.') {
    *allele = kAlleleMissing;
    return true;
  }
  *allele = static_cast<std::int8_t>(c - '0');
  return c >= '0' && c <= '9' && static_cast<std::size_t>(*allele) < n_alleles;
}

// Columns of exactly three characters: "0|1". False when some are not, or are wrong; the general
// parser then says what it is.
bool ScanLanes(std::string_view samples, std::size_t n, std::size_t n_alleles,
               std::vector<Call>& calls) {
  if (samples.size() != 4 * n - 1) return false;
  std::uint32_t* others = Scratch(n);
  std::size_t count = Best().lanes(samples.data(), n - 1, others);
  if (count == kIrregular) return false;
  std::string_view last = samples.substr(4 * (n - 1));
  if (last[1] != '|' && last[1] != '/') return false;
  others[count++] = static_cast<std::uint32_t>(n - 1);
  std::size_t before = calls.size();
  calls.resize(before + count);
  Call* call = calls.data() + before;
  for (std::size_t i = 0; i < count; ++i, ++call) {
    const char* lane = samples.data() + std::size_t{4} * others[i];
    call->index = others[i];
    if (!LaneAllele(lane[0], n_alleles, &call->first) ||
        !LaneAllele(lane[2], n_alleles, &call->second)) {
      calls.resize(before);
      return false;
    }
  }
  if (IsHomRef(calls.back())) calls.pop_back();
  return true;
}

template <typename Value>
bool ScanValues(const std::uint8_t* data, std::size_t per_sample, std::size_t n_samples,
                std::size_t n_alleles, std::vector<Call>& calls) {
  // BCF 2.2, section 6.3.3: 0x81, 0x8001 and 0x80000001 end a short vector.
  constexpr Value kEnd = std::numeric_limits<Value>::min() + 1;
  for (std::size_t sample = 0; sample < n_samples; ++sample) {
    Call call{static_cast<std::uint32_t>(sample), kAlleleMissing, kAlleleAbsent};
    std::int8_t* out[2] = {&call.first, &call.second};
    for (std::size_t i = 0; i < per_sample; ++i) {
      Value value;
      std::memcpy(&value, data + (sample * per_sample + i) * sizeof value, sizeof value);
      if (value == kEnd) break;
      std::int64_t allele = static_cast<std::int64_t>(value >> 1) - 1;
      if (i == 2 || value < 0 || allele >= static_cast<std::int64_t>(n_alleles)) return false;
      *out[i] = static_cast<std::int8_t>(allele);
    }
    if (!IsHomRef(call)) calls.push_back(call);
  }
  return true;
}

constexpr std::uint8_t kEndOfVector8 = 0x81;

// Diploid 8-bit genotypes: nearly all of the world's BCF. Others than 0/0 are decoded one by one.
bool ScanPairs(const std::uint8_t* data, std::size_t n_samples, std::size_t n_alleles,
               std::vector<Call>& calls) {
  std::uint32_t* others = Scratch(n_samples);
  std::size_t count = Best().pairs(data, n_samples, others);
  std::size_t before = calls.size();
  calls.resize(before + count);
  Call* call = calls.data() + before;
  // Values of regular calls; all else (end of vector, 64 and more alleles) goes the general way.
  const unsigned limit = static_cast<unsigned>(std::min<std::size_t>(n_alleles, 63)) + 1;
  for (std::size_t i = 0; i < count; ++i, ++call) {
    unsigned a = data[std::size_t{2} * others[i]] >> 1;
    unsigned b = data[std::size_t{2} * others[i] + 1] >> 1;
    if (a < limit && data[std::size_t{2} * others[i] + 1] == kEndOfVector8) {  // haploid
      *call = {others[i], static_cast<std::int8_t>(static_cast<int>(a) - 1), kAlleleAbsent};
      continue;
    }
    if (a >= limit || b >= limit) {
      calls.resize(before);
      return ScanValues<std::int8_t>(data, 2, n_samples, n_alleles, calls);
    }
    *call = {others[i], static_cast<std::int8_t>(static_cast<int>(a) - 1),
             static_cast<std::int8_t>(static_cast<int>(b) - 1)};
  }
  return true;
}

// Calls visit(number, GT subfield) for each column; it returns whether to go on. True when all
// `n_samples` columns were there, and no others.
template <typename Visit>
bool ForEachColumn(std::string_view samples, std::size_t n_samples, Visit visit) {
  if (samples.empty()) return false;
  const char* at = samples.data();
  const char* end = at + samples.size();
  for (std::size_t sample = 0; sample < n_samples; ++sample) {
    const void* tab = std::memchr(at, '\t', static_cast<std::size_t>(end - at));
    const char* stop = tab == nullptr ? end : static_cast<const char*>(tab);
    if (!visit(static_cast<std::uint32_t>(sample),
               std::string_view(at, static_cast<std::size_t>(stop - at))))
      return false;
    if ((tab == nullptr) != (sample + 1 == n_samples)) return false;
    at = stop + (tab == nullptr ? 0 : 1);
  }
  return true;
}

}  // namespace

bool ScanText(std::string_view samples, std::size_t n_samples, std::size_t n_alleles,
              std::vector<Call>& calls, bool* lanes) {
  std::size_t before = calls.size();
  *lanes = ScanLanes(samples, n_samples, n_alleles, calls);
  if (*lanes) return true;
  bool good = ForEachColumn(samples, n_samples, [&](std::uint32_t sample, std::string_view column) {
    Call call{sample, 0, 0};
    bool usual = column.size() >= 3 && (column.size() == 3 || column[3] == ':') &&
                 (column[1] == '/' || column[1] == '|') &&
                 LaneAllele(column[0], n_alleles, &call.first) &&
                 LaneAllele(column[2], n_alleles, &call.second);
    if (!usual && !ParseGenotype(column.substr(0, column.find(':')), n_alleles, &call))
      return false;
    if (!IsHomRef(call)) calls.push_back(call);
    return true;
  });
  if (!good) calls.resize(before);
  return good;
}

void TakeText(std::string_view samples, std::size_t n_samples, std::size_t n_alleles,
              std::vector<Call>& calls) {
  ForEachColumn(samples, n_samples, [&](std::uint32_t sample, std::string_view column) {
    std::string_view text = column.substr(0, column.find(':'));
    if (text.starts_with('/') || text.starts_with('|')) text.remove_prefix(1);
    // As many alleles as an index can have, so that only those of a missing ALT are too many.
    Call call{sample, kAlleleMissing, kAlleleMissing};
    if (!ParseGenotype(text, kMaxAlts + 1, &call)) call = {sample, kAlleleMissing, kAlleleMissing};
    if (call.first >= static_cast<int>(n_alleles)) call.first = kAlleleMissing;
    if (call.second >= static_cast<int>(n_alleles)) call.second = kAlleleMissing;
    if (!IsHomRef(call)) calls.push_back(call);
    return true;
  });
}

bool ScanBcf(std::span<const std::uint8_t> data, std::size_t width, std::size_t per_sample,
             std::size_t n_samples, std::size_t n_alleles, std::vector<Call>& calls) {
  std::size_t before = calls.size();
  bool good = false;
  if (width == 1 && per_sample == 2) {
    good = ScanPairs(data.data(), n_samples, n_alleles, calls);
  } else if (width == 1) {
    good = ScanValues<std::int8_t>(data.data(), per_sample, n_samples, n_alleles, calls);
  } else if (width == 2) {
    good = ScanValues<std::int16_t>(data.data(), per_sample, n_samples, n_alleles, calls);
  } else if (width == 4) {
    good = ScanValues<std::int32_t>(data.data(), per_sample, n_samples, n_alleles, calls);
  }
  if (!good) calls.resize(before);
  return good;
}

}  // namespace genofed::genomics
