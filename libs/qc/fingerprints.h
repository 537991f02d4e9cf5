// SPDX-License-Identifier: Apache-2.0
//
// Genotypes of people at a few thousand common variants: enough to see that two of them are the
// same person or close relatives, in this batch or an earlier one of the same dataset. They
// identify people: keep them where the genotypes are kept, under the same protection, and nowhere
// else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "libs/core/status.h"

namespace genofed::qc {

inline constexpr const char* kFingerprintsFile = "fingerprints.bin";
inline constexpr std::size_t kMaxPanelSites = 8192;
inline constexpr std::size_t kMaxFingerprintPeople = 10'000'000;

// Bits of one person, one for each site; none of the three where the genotype is missing.
struct PersonBits {
  std::span<const std::uint64_t> het;
  std::span<const std::uint64_t> hom;  // two alternative alleles
  std::span<const std::uint64_t> ref;  // two other alleles
};

class Fingerprints {
 public:
  Fingerprints() = default;
  // Everybody's genotypes are missing at first. `sites` are ascending SiteFacts::snv_key.
  Fingerprints(std::size_t people, std::vector<std::uint64_t> sites);

  std::size_t people() const { return people_; }
  std::span<const std::uint64_t> sites() const { return sites_; }
  PersonBits Person(std::size_t person) const;
  // How many different megabases the sites lie in.
  std::size_t Megabases() const;

  enum class Genotype { kMissing, kRef, kHet, kHom };
  void Set(std::size_t person, std::size_t site, Genotype genotype);
  // Sites 64 * word and the following at once; the three have no bit in common.
  void SetWord(std::size_t person, std::size_t word, std::uint64_t het, std::uint64_t hom,
               std::uint64_t ref);
  // Makes all genotypes of a person missing, so that nobody is compared with them again: for people
  // who withdrew. Save afterwards.
  void Forget(std::size_t person);

  // The same people at those of `sites` (ascending) that are here too.
  Fingerprints At(std::span<const std::uint64_t> sites) const;

  // People in the order of their rows. The file ends with a SHA-256 over all of it.
  Status Save(const std::filesystem::path& path) const;
  // DataLoss FINGERPRINTS_CORRUPT when size, digest, order or bits are wrong.
  static Result<Fingerprints> Load(const std::filesystem::path& path);
  static Result<Fingerprints> Parse(std::string_view bytes);

  bool operator==(const Fingerprints&) const = default;

 private:
  std::string Bytes() const;

  std::size_t people_ = 0;
  std::vector<std::uint64_t> sites_;
  std::size_t words_ = 0;              // of one plane of one person
  std::vector<std::uint64_t> planes_;  // person by person: het, hom, ref
};

}  // namespace genofed::qc
