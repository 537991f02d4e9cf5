// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::qc::html {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// The length of the UTF-8 sequence at the beginning of `text`, or 0.
std::size_t SequenceLength(std::string_view text) {
  for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    if (IsUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

bool IsControl(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  return sequence.size() == 1 ? first < 0x20 || first == 0x7f
                              : sequence.size() == 2 && first == 0xc2 &&
                                    static_cast<unsigned char>(sequence[1]) < 0xa0;
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(sequence.size());
    if (length == 0 || IsControl(sequence)) {
      out += kReplacement;
    } else if (sequence == "&") {
      out += "&amp;";
    } else if (sequence == "<") {
      out += "&lt;";
    } else if (sequence == ">") {
      out += "&gt;";
    } else if (sequence == "\"") {
      out += "&quot;";
    } else if (sequence == "'") {
      out += "&#39;";
    } else {
      out += sequence;
    }
  }
  return out;
}

std::string Foreign(std::string_view text) { return "<bdi>" + Escape(text) + "</bdi>"; }

std::string Number(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, "\xe2\x80\xaf");  // U+202F, narrow no-break space
  }
  return digits;
}

std::string Fixed(std::optional<double> value, int decimals) {
  return value ? fmt::format("{:.{}f}", *value, decimals) : "–";
}

std::string Percent(std::optional<double> value, int decimals) {
  return value ? fmt::format("{:.{}f}\xe2\x80\xaf%", *value * 100, decimals) : "–";
}

std::string Bytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f}\xe2\x80\xaf{}", value, unit == 0 ? 0 : 1, kUnits[unit]);
}

Table::Table(std::string_view caption, std::string_view align, std::vector<std::string> heads)
    : align_(align), head_(fmt::format("<caption>{}</caption>\n<thead><tr>", caption)) {
  for (std::size_t i = 0; i < heads.size(); ++i) {
    head_ += fmt::format("<th scope=\"col\"{}>{}</th>", align_[i] == 'r' ? " class=\"r\"" : "",
                         heads[i]);
  }
  head_ += "</tr></thead>\n";
}

void Table::Row(const std::vector<std::string>& cells, std::string_view row_class) {
  body_ += row_class.empty() ? "<tr>" : fmt::format("<tr class=\"{}\">", row_class);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const char* tag = i == 0 ? "th scope=\"row\"" : "td";
    body_ += fmt::format("<{}{}>{}</{}>", tag, align_[i] == 'r' ? " class=\"r\"" : "", cells[i],
                         i == 0 ? "th" : "td");
  }
  body_ += "</tr>\n";
}

std::string Table::Shown() const {
  return fmt::format(
      "<div class=\"scroll\" tabindex=\"0\"><table>{}<tbody>\n{}</tbody></table></div>\n", head_,
      body_);
}

std::string Table::Folded(std::string_view summary) const {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", summary, Shown());
}

}  // namespace genofed::qc::html
