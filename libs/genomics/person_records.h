// SPDX-License-Identifier: Apache-2.0
//
// A cohort index, the other way round (sample-major): the index says who carries an allele, the
// record of a person which alleles they carry. Nobody asks it anything. It is made beside an index
// and kept cold and encrypted for the day on which somebody asks to be forgotten: what is taken out
// of the index then has to be what their record says, all of it and nothing else (EraseRows).
//
//   8 bytes             "GFPEOPL1"
//   u32                 number of contigs, and for each u8 length and name
//   u32                 number of people, and for each, by ascending row: u32 row, u8 length and
//                       name (may be empty), u64 size of the record in bytes
//   records             in the same order
//
// Numbers with a size are little-endian, all others LEB128. A record has for each contig with an
// allele 1 + its number, then the alleles in the order of the index (position, REF, ALT), then 0. An
// allele is the distance to the position of the one before (the first: to 0) << 2 | 1 + Copies, and
// one byte: 4 * REF + ALT of a SNV (A, C, G, T are 0 to 3), or 16, and REF and ALT with their lengths.
// A record is of its own: it does not refer to the sites of the index, which change when others are
// forgotten.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

class MappedFile;

// How somebody carries an allele, as in CarrierSets.
enum class Copies : std::uint8_t { kHet, kHom, kHemi };

struct CarriedAllele {
  Variant variant;
  Copies copies = Copies::kHet;

  bool operator==(const CarriedAllele&) const = default;
};

// One person's alleles, one after the other. Refers to the records that it is of.
class PersonRecord {
 public:
  PersonRecord() = default;  // nobody's: no allele
  PersonRecord(std::string_view bytes, const std::vector<std::string>& contigs)
      : rest_(bytes), contigs_(&contigs) {}

  // False behind the last one. DataLoss RECORDS_CORRUPT.
  Result<bool> Next(CarriedAllele& allele);

 private:
  std::string_view rest_;
  const std::vector<std::string>* contigs_ = nullptr;
  std::uint64_t contig_ = 0;  // 1 + its number; 0: the next one has to be read
  std::int64_t pos_ = 0;
};

// Opened records; what is in the file stays there. Immutable and safe for any number of threads.
class PersonRecords {
 public:
  struct Person {
    std::uint32_t row = 0;  // of the index
    std::string name;       // pseudonym; empty: nobody's when the records were made
    std::string_view bytes;
  };

  // DataLoss RECORDS_CORRUPT, also for what is no such file.
  static Result<std::unique_ptr<PersonRecords>> Open(const std::filesystem::path& path);
  // The same of bytes, which outlive it.
  static Result<std::unique_ptr<PersonRecords>> Read(std::string_view bytes);
  ~PersonRecords();

  const std::vector<Person>& people() const { return people_; }
  // Null for rows that the index does not have, and of people who were forgotten since.
  const Person* Find(std::uint32_t row) const;
  // Empty where Find has nothing.
  PersonRecord Of(std::uint32_t row) const;
  // Everybody's but those of `rows`, which ascend. Internal FILE_FAILED.
  Status WriteWithout(std::span<const std::uint32_t> rows, const std::filesystem::path& out) const;

 private:
  PersonRecords() = default;
  Status Parse(std::string_view bytes);

  std::unique_ptr<MappedFile> file_;
  std::vector<std::string> contigs_;
  std::vector<Person> people_;  // by row
};

// Writes the records of all rows of an index, which have these names. Holds about 50 MB and up to
// 8 KiB a person in memory; what is not in order yet lies beside `out`, in a file that goes with the
// call. Errors: InvalidArgument NAMES_INVALID (one of up to 255 bytes for each row), Internal
// FILE_FAILED, those of `ctx`.
Status WritePersonRecords(const Context& ctx, const CohortIndex& index,
                          std::span<const std::string> names, const std::filesystem::path& out);

}  // namespace genofed::genomics
