// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/count_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "libs/core/strings.h"

namespace genofed::spe {
namespace {

// 1 to 15 digits without sign or leading zeros: one way to write each number, so that spelling
// carries nothing.
bool ParseCount(std::string_view text, std::int64_t& value) {
  if (text.empty() || text.size() > 15 || (text.size() > 1 && text[0] == '0')) return false;
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return true;
}

bool IsKey(std::string_view text, std::size_t max_chars) {
  return !text.empty() && text.size() <= max_chars && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool IsSmall(std::int64_t count, std::int64_t per_person, std::int64_t minimum) {
  return count > 0 && (count + per_person - 1) / per_person < minimum;
}

}  // namespace

std::string CountTable::Header() const {
  std::vector<std::string> names = declaration_.keys;
  for (const CountColumn& column : declaration_.counts) names.push_back(column.name);
  return fmt::format("{}\n", fmt::join(names, "\t"));
}

std::string_view CountTable::FindWholes() {
  wholes_.clear();
  for (const CountColumn& column : declaration_.counts) {
    const auto whole =
        std::find_if(declaration_.counts.begin(), declaration_.counts.end(),
                     [&](const CountColumn& other) { return other.name == column.part_of; });
    if (column.per_person < 1 || (!column.part_of.empty() && whole == declaration_.counts.end())) {
      return "BAD_DECLARATION";
    }
    wholes_.push_back(
        column.part_of.empty() ? -1 : static_cast<int>(whole - declaration_.counts.begin()));
  }
  return declaration_.keys.empty() || wholes_.empty() ? "BAD_DECLARATION" : "";
}

std::string_view CountTable::ParseRow(std::string_view line, std::size_t max_key_chars) {
  const std::vector<std::string_view> cells = Split(line, '\t');
  const std::size_t keys = declaration_.keys.size();
  if (cells.size() != keys + declaration_.counts.size()) return "WRONG_CELL_COUNT";
  Row row;
  for (std::size_t i = 0; i < keys; ++i) {
    if (!IsKey(cells[i], max_key_chars)) return "BAD_KEY";
    row.keys.push_back(cells[i]);
  }
  for (std::size_t i = keys; i < cells.size(); ++i) {
    std::int64_t value = 0;
    if (!ParseCount(cells[i], value)) return "NOT_A_COUNT";
    row.counts.push_back(value);
  }
  for (std::size_t i = 0; i < wholes_.size(); ++i) {
    if (wholes_[i] >= 0 && row.counts[i] > row.counts[static_cast<std::size_t>(wholes_[i])]) {
      return "PART_EXCEEDS_WHOLE";
    }
  }
  rows_.push_back(std::move(row));
  return {};
}

TableProblem CountTable::Parse(std::string_view content, std::int64_t max_cells,
                               std::size_t max_key_chars) {
  rows_.clear();
  if (const std::string_view code = FindWholes(); !code.empty()) return {code, 0};
  const std::string header = Header();
  if (content.substr(0, header.size()) != header) return {"BAD_HEADER", 1};
  content.remove_prefix(header.size());
  const auto columns =
      static_cast<std::int64_t>(declaration_.keys.size() + declaration_.counts.size());
  std::unordered_set<std::string_view>
      seen;  // the key cells of each row, as they stand in the content
  for (std::int64_t line = 2; !content.empty(); ++line) {
    const std::size_t end = content.find('\n');
    if (end == std::string_view::npos) return {"NO_LINE_END", line};
    if ((line - 1) * columns > max_cells) return {"TOO_MANY_CELLS", line};
    if (const std::string_view code = ParseRow(content.substr(0, end), max_key_chars);
        !code.empty()) {
      return {code, line};
    }
    const std::string_view last_key = rows_.back().keys.back();
    const auto length =
        static_cast<std::size_t>(last_key.data() + last_key.size() - content.data());
    if (!seen.insert(content.substr(0, length)).second) return {"DUPLICATE_KEY", line};
    content.remove_prefix(end + 1);
  }
  return {};
}

bool CountTable::HasSmallCount(const Row& row, std::int64_t minimum) const {
  for (std::size_t i = 0; i < row.counts.size(); ++i) {
    const std::int64_t per_person = declaration_.counts[i].per_person;
    if (IsSmall(row.counts[i], per_person, minimum)) return true;
    if (wholes_[i] < 0) continue;
    const std::int64_t rest = row.counts[static_cast<std::size_t>(wholes_[i])] - row.counts[i];
    if (IsSmall(rest, per_person, minimum)) return true;
  }
  return false;
}

std::int64_t CountTable::LeaveOutSmallCounts(std::int64_t minimum) {
  std::int64_t left_out = 0;
  for (Row& row : rows_) {
    row.left_out = row.left_out || HasSmallCount(row, minimum);
    left_out += row.left_out ? 1 : 0;
  }
  if (!declaration_.rows_add_up || left_out != 1) return left_out;
  // A single missing row is the public total minus the others, so a second one goes with it; one
  // that tells something.
  const auto total = [](const Row& row) {
    return std::accumulate(row.counts.begin(), row.counts.end(), std::int64_t{0});
  };
  Row* second = nullptr;
  for (Row& row : rows_) {
    if (row.left_out || total(row) == 0) continue;
    if (second == nullptr || total(row) < total(*second)) second = &row;
  }
  if (second != nullptr) {
    second->left_out = true;
    ++left_out;
  }
  return left_out;
}

std::string CountTable::Format() const {
  std::string text = Header();
  for (const Row& row : rows_) {
    if (row.left_out) continue;
    fmt::format_to(std::back_inserter(text), "{}\t{}\n", fmt::join(row.keys, "\t"),
                   fmt::join(row.counts, "\t"));
  }
  return text;
}

}  // namespace genofed::spe
