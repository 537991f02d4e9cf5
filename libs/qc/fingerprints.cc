// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/fingerprints.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "libs/core/file.h"
#include "libs/crypto/hash.h"
#include "libs/qc/site.h"

namespace genofed::qc {
namespace {

constexpr std::string_view kMagic = "GFPRINT1";
constexpr std::size_t kMaxFileBytes = std::size_t{2} << 30;
static_assert(std::endian::native == std::endian::little, "the file is little-endian");

void Append(std::string& out, std::span<const std::uint64_t> numbers) {
  out.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
}

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kDataLoss, "FINGERPRINTS_CORRUPT", "{}: {}", kFingerprintsFile, what);
}

}  // namespace

Fingerprints::Fingerprints(std::size_t people, std::vector<std::uint64_t> sites)
    : people_(people),
      sites_(std::move(sites)),
      words_((sites_.size() + 63) / 64),
      planes_(people_ * 3 * words_) {
  GF_CHECK(std::is_sorted(sites_.begin(), sites_.end()));
}

PersonBits Fingerprints::Person(std::size_t person) const {
  GF_CHECK(person < people_);
  const std::uint64_t* at = planes_.data() + person * 3 * words_;
  return {{at, words_}, {at + words_, words_}, {at + 2 * words_, words_}};
}

std::size_t Fingerprints::Megabases() const {
  std::size_t count = 0;
  std::uint64_t last = ~0ULL;
  for (std::uint64_t site : sites_) {
    const std::uint64_t here = ChromosomeOf(site) << 32 | PositionOf(site) / 1'000'000;
    count += here != last ? 1 : 0;
    last = here;
  }
  return count;
}

void Fingerprints::Set(std::size_t person, std::size_t site, Genotype genotype) {
  GF_CHECK(person < people_ && site < sites_.size());
  std::uint64_t* at = planes_.data() + person * 3 * words_ + site / 64;
  const std::uint64_t bit = 1ULL << (site % 64);
  at[0] = (at[0] & ~bit) | (genotype == Genotype::kHet ? bit : 0);
  at[words_] = (at[words_] & ~bit) | (genotype == Genotype::kHom ? bit : 0);
  at[2 * words_] = (at[2 * words_] & ~bit) | (genotype == Genotype::kRef ? bit : 0);
}

void Fingerprints::SetWord(std::size_t person, std::size_t word, std::uint64_t het,
                           std::uint64_t hom, std::uint64_t ref) {
  GF_CHECK(person < people_ && word < words_);
  std::uint64_t* at = planes_.data() + person * 3 * words_ + word;
  at[0] = het;
  at[words_] = hom;
  at[2 * words_] = ref;
}

void Fingerprints::Forget(std::size_t person) {
  GF_CHECK(person < people_);
  std::fill_n(planes_.begin() + static_cast<std::ptrdiff_t>(person * 3 * words_), 3 * words_, 0);
}

Fingerprints Fingerprints::At(std::span<const std::uint64_t> sites) const {
  std::vector<std::uint64_t> common;
  std::set_intersection(sites_.begin(), sites_.end(), sites.begin(), sites.end(),
                        std::back_inserter(common));
  std::vector<std::size_t> from;
  for (std::uint64_t site : common) {
    from.push_back(static_cast<std::size_t>(std::lower_bound(sites_.begin(), sites_.end(), site) -
                                            sites_.begin()));
  }
  Fingerprints out(people_, std::move(common));
  for (std::size_t plane = 0; plane < 3 * people_; ++plane) {
    const std::uint64_t* source = planes_.data() + plane * words_;
    std::uint64_t* target = out.planes_.data() + plane * out.words_;
    for (std::size_t i = 0; i < from.size(); ++i) {
      target[i / 64] |= (source[from[i] / 64] >> (from[i] % 64) & 1) << (i % 64);
    }
  }
  return out;
}

std::string Fingerprints::Bytes() const {
  std::string bytes(kMagic);
  const std::uint64_t counts[] = {people_, sites_.size()};
  Append(bytes, counts);
  Append(bytes, sites_);
  Append(bytes, planes_);
  bytes += crypto::Sha256(bytes);
  return bytes;
}

Status Fingerprints::Save(const std::filesystem::path& path) const {
  return WriteFileAtomically(path, Bytes(), 0600);
}

Result<Fingerprints> Fingerprints::Load(const std::filesystem::path& path) {
  GF_ASSIGN(const std::string bytes, ReadFile(path, kMaxFileBytes));
  return Parse(bytes);
}

Result<Fingerprints> Fingerprints::Parse(std::string_view bytes) {
  std::uint64_t counts[2] = {};
  const std::size_t head = kMagic.size() + sizeof counts;
  if (!bytes.starts_with(kMagic) || bytes.size() < head + crypto::kSha256Bytes) {
    return Corrupt("not a fingerprint file, or cut off");
  }
  std::memcpy(counts, bytes.data() + kMagic.size(), sizeof counts);
  if (counts[0] > kMaxFingerprintPeople || counts[1] > kMaxPanelSites) {
    return Corrupt("more people or sites than allowed");
  }
  const std::size_t words = (counts[1] + 63) / 64;
  const std::size_t body = 8 * (counts[1] + counts[0] * 3 * words);
  if (bytes.size() != head + body + crypto::kSha256Bytes) return Corrupt("its size is wrong");
  const std::size_t end = head + body;
  if (crypto::Sha256(bytes.substr(0, end)) != bytes.substr(end)) {
    return Corrupt("its digest is wrong");
  }
  std::vector<std::uint64_t> sites(counts[1]);
  if (!sites.empty()) std::memcpy(sites.data(), bytes.data() + head, 8 * sites.size());
  if (std::adjacent_find(sites.begin(), sites.end(), std::greater_equal<>()) != sites.end()) {
    return Corrupt("its sites are out of order");
  }
  Fingerprints out(counts[0], std::move(sites));
  if (!out.planes_.empty()) {
    std::memcpy(out.planes_.data(), bytes.data() + head + 8 * counts[1], 8 * out.planes_.size());
  }
  const std::uint64_t tail = counts[1] % 64 == 0 ? 0 : ~0ULL << (counts[1] % 64);
  for (std::size_t person = 0; person < out.people_; ++person) {
    const PersonBits bits = out.Person(person);
    for (std::size_t word = 0; word < words; ++word) {
      const std::uint64_t any = bits.het[word] | bits.hom[word] | bits.ref[word];
      const std::uint64_t twice = (bits.het[word] & bits.hom[word]) |
                                  (bits.het[word] & bits.ref[word]) |
                                  (bits.hom[word] & bits.ref[word]);
      if (twice != 0 || (word + 1 == words && (any & tail) != 0)) {
        return Corrupt("a genotype is two at once");
      }
    }
  }
  return out;
}

}  // namespace genofed::qc
