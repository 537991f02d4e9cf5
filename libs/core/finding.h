// SPDX-License-Identifier: Apache-2.0
//
// What was noticed about something that somebody handed in. Every reader of hospital files reports
// in this form, so that a data manager sees one kind of list whatever the file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace genofed {

enum class Severity {
  kNote,     // nothing is wrong: left out by rule, or not checked
  kWarning,  // a record or value was set aside because it is wrong or ambiguous
  kError,    // nothing of the file can be used
};

// One thing that was noticed, with enough to mend it. Says where, and never quotes values of the
// file: coordinators and operators read findings too.
struct Finding {
  Severity severity = Severity::kNote;
  std::string code;
  std::string file;       // "variants"
  std::int64_t line = 0;  // 1-based; 0: the file as a whole
  std::string field;      // "REF", "biosamples[0].id"
  std::string message;
  std::int64_t count = 1;

  bool operator==(const Finding&) const = default;
};

// Collects findings. Of one file and code only the first `kMaxPerCode` are kept one by one; a last
// one stands for the rest.
class Findings {
 public:
  static constexpr std::size_t kMaxPerCode = 20;

  void Add(Finding finding);
  bool has_error() const { return has_error_; }
  // Errors first, then warnings, then notes; else in the order of Add.
  std::vector<Finding> Take();

 private:
  struct Tally {
    std::size_t kept = 0;
    std::int64_t more = 0;
    Severity severity = Severity::kNote;
  };
  std::vector<Finding> findings_;
  std::map<std::pair<std::string, std::string>, Tally> by_code_;  // file and code
  bool has_error_ = false;
};

}  // namespace genofed
