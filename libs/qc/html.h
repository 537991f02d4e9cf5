// SPDX-License-Identifier: Apache-2.0
//
// The few pieces of HTML that the report is made of. Text from outside goes through Escape, and
// where it stands alone through Foreign.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::qc::html {

// For text and for attributes in double quotes. Bytes that are not UTF-8, and control characters,
// become U+FFFD.
std::string Escape(std::string_view text);
// Escaped, and kept apart so that right-to-left signs in it cannot rearrange the page.
std::string Foreign(std::string_view text);

std::string Number(std::uint64_t value);                         // 1 234 567, with narrow spaces
std::string Fixed(std::optional<double> value, int decimals);    // "–" without a value
std::string Percent(std::optional<double> value, int decimals);  // "99.87 %"
std::string Bytes(std::uint64_t bytes);                          // "1.2 GB"

// A table with a caption. Cells are HTML; column i is right-aligned when align[i] is 'r'.
class Table {
 public:
  Table(std::string_view caption, std::string_view align, std::vector<std::string> heads);
  void Row(const std::vector<std::string>& cells, std::string_view row_class = "");
  // Rows are many: the table is folded away behind `summary`.
  std::string Folded(std::string_view summary) const;
  std::string Shown() const;

 private:
  std::string align_;
  std::string head_;
  std::string body_;
};

}  // namespace genofed::qc::html
