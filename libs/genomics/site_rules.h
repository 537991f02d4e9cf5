// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: what the text and the BCF scanner ask of the site of a record. The
// rules and their order are VcfReader's, made for many millions of records: nothing is allocated
// for a usual one.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "libs/genomics/record_scanner.h"

namespace genofed::genomics {

class SiteRules {
 public:
  SiteRules(const VcfHeader& header, Reference* reference);

  // Each returns whether the rule holds; if not, problem() says what is wrong.
  bool SetContig(std::string_view chrom, ScannedRecord& record);
  bool SetPosition(std::int64_t pos, ScannedRecord& record);  // 1-based
  bool SetRef(std::string_view ref, ScannedRecord& record);   // begins a new set of alleles
  bool AddAlt(std::string_view alt, ScannedRecord& record);
  // Order in the file and agreement with the reference; once all else is set.
  bool CheckPlace(const ScannedRecord& record);
  bool CheckGenotypes(GenotypeProblem problem);
  // Sets the end and whether the record is a reference block. `info` may be empty.
  static void SetExtent(std::string_view info, ScannedRecord& record);

  bool Reject(VcfCode code, std::string_view field, std::string message);
  void set_line(std::uint64_t line) { line_ = line; }
  const VcfProblem& problem() const { return problem_; }

 private:
  struct Contig {
    std::string name;  // normalised; empty when not acceptable
    std::optional<std::int64_t> length;
    std::int64_t last_pos = -1;
    bool seen = false;
  };
  Contig* Find(std::string_view chrom);
  bool CheckReference(const ScannedRecord& record);
  std::string_view Upper(std::string_view bases);

  Reference* reference_;
  bool declared_;                                             // the header has contig lines
  std::map<std::string, Contig, std::less<>> by_name_;        // normalised
  std::map<std::string, Contig*, std::less<>> by_raw_;
  std::map<std::string, std::int64_t, std::less<>> lengths_;  // by raw name
  std::string current_raw_;
  Contig* current_ = nullptr;         // of current_raw_
  std::optional<std::int64_t> length_;  // of current_raw_
  const Contig* last_ = nullptr;      // of the record before
  std::deque<std::string> upper_;     // alleles of this record that were in lower case
  std::uint64_t line_ = 0;
  VcfProblem problem_;
};

}  // namespace genofed::genomics
