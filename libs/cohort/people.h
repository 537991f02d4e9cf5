// SPDX-License-Identifier: Apache-2.0
//
// What is known of the people beside a cohort, by columns: row i is the same person as row i of the
// cohort. A term has everybody who has it or a descendant of it, so that a phenotype is one set at
// query time; ages are cumulative, so that a range is two.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/cohort/kernels.h"
#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"
#include "libs/genomics/individuals.h"

namespace genofed::cohort {

inline constexpr std::uint32_t kMaxAge = 119;  // years; older people count as this old
inline constexpr std::size_t kPurposes = 8;    // of consent

// Terms and what they are a kind of.
struct Ontology {
  std::vector<std::string> terms;
  std::vector<std::vector<std::uint32_t>> parents;  // by term; no cycles
};

// Every condition holds of a person who is selected.
struct Selection {
  std::vector<std::string> terms;  // each of them, or a descendant
  std::optional<genomics::Sex> sex;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> ages;  // years, both included
  std::uint32_t purposes = 0;  // bits of those that must be permitted
};

// Immutable and safe for any number of threads.
class People {
 public:
  std::uint32_t n_people() const { return n_rows_; }
  std::size_t n_terms() const { return terms_.size(); }
  // Those of `live` who are selected. A term that nobody has selects nobody.
  genomics::Bitmap Select(const Selection& selection, const genomics::Bitmap& live) const;
  // Into a bitmap of n_people bits, without allocating. Returns how many.
  std::uint64_t Select(const Selection& selection, const genomics::Bitmap& live,
                       genomics::Bitmap& out) const;
  std::uint64_t CountOf(std::string_view term) const;
  std::vector<std::string> Terms() const;

  // Of `rows` by sex (unknown, female, male) and age; the ages of band i are [bounds[i],
  // bounds[i+1]). Who has no known age is in no band.
  std::vector<std::array<std::uint64_t, 3>> CrossTable(const genomics::Bitmap& rows,
                                                       std::span<const std::uint32_t> bounds) const;

  // A file with its own SHA-256. DataLoss PEOPLE_CORRUPT.
  Status Write(const std::filesystem::path& path) const;
  static Result<People> Read(const std::filesystem::path& path);
  std::uint64_t bytes() const;  // in memory

 private:
  friend class PeopleBuilder;
  // A bitset, or the members when they are few.
  struct Posting {
    std::uint32_t members = 0;
    std::uint64_t place = 0;  // in lists_, or words in bits_
  };
  bool IsList(std::uint32_t members) const { return std::uint64_t{members} * 64 < n_rows_; }
  std::size_t words() const { return (std::size_t{n_rows_} + 63) / 64; }
  const std::uint64_t* Sex(genomics::Sex sex) const {
    return fixed_.data() + static_cast<std::size_t>(sex) * words();
  }
  const std::uint64_t* Purpose(std::size_t purpose) const {
    return fixed_.data() + (3 + purpose) * words();
  }
  const std::uint64_t* AtMost(std::uint32_t age) const {
    return fixed_.data() + (3 + kPurposes + age) * words();
  }

  std::uint32_t n_rows_ = 0;
  std::map<std::string, Posting, std::less<>> terms_;
  std::vector<std::uint32_t> lists_;
  std::vector<std::uint64_t> bits_;
  // Sexes, purposes, and who is at most 0, 1, 2... years old.
  std::vector<std::uint64_t> fixed_;
};

class PeopleBuilder {
 public:
  explicit PeopleBuilder(std::uint32_t n_rows);
  // Rows lie below n_rows. Unknown sex and age unless set.
  void SetSex(std::uint32_t row, genomics::Sex sex) { sex_[row] = sex; }
  void SetAge(std::uint32_t row, std::uint32_t years) {
    age_[row] = static_cast<std::int16_t>(years > kMaxAge ? kMaxAge : years);
  }
  void SetPurposes(std::uint32_t row, std::uint32_t purposes) {
    purposes_[row] = static_cast<std::uint8_t>(purposes);
  }
  // A number in the ontology. Rows come in ascending order.
  void AddTerm(std::uint32_t row, std::uint32_t term) { terms_.emplace_back(row, term); }
  People Finish(const Ontology& ontology);

 private:
  std::vector<genomics::Sex> sex_;
  std::vector<std::int16_t> age_;
  std::vector<std::uint8_t> purposes_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> terms_;
};

}  // namespace genofed::cohort
