// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "libs/core/strings.h"

namespace genofed::dispatcher {
namespace {

using Keys = std::vector<std::string_view>;  // into the contents of the tables

struct Row {
  Keys keys;
  std::vector<std::int64_t> counts;
};

struct Sum {
  std::vector<std::int64_t> counts;
  std::set<std::string_view> nodes;
};

Status Bad(std::int64_t line, std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "OUTPUT_INVALID", "line {} {}", line, why);
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsKey(std::string_view text) {
  return !text.empty() && text.size() <= 1000 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string Header(const TableOutput& output) {
  std::vector<std::string> names = output.keys;
  names.insert(names.end(), output.counts.begin(), output.counts.end());
  return fmt::format("{}", fmt::join(names, "\t"));
}

// None for a row of which a node says no numbers: as if it were not there.
Result<std::optional<Row>> ParseRow(const TableOutput& output, std::string_view text,
                                    std::int64_t line) {
  const auto cells = Split(text, '\t');
  if (cells.size() != output.keys.size() + output.counts.size())
    return Bad(line, "has another number of cells");
  Row row;
  bool masked = false;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i < output.keys.size()) {
      if (!IsKey(cells[i])) return Bad(line, "has a key that is empty, long or not printable");
      row.keys.push_back(cells[i]);
    } else if (cells[i] == "NA") {
      masked = true;  // by a node of an earlier version
    } else {
      if (!IsNumber(cells[i]) || cells[i].size() > 15)
        return Bad(line, "has a cell that is no count");
      GF_ASSIGN(const std::int64_t count, ParseInt(cells[i]));
      row.counts.push_back(count);
    }
  }
  if (masked) return std::optional<Row>();
  return std::optional<Row>(std::move(row));
}

// The rows of `content`, which must outlive them.
Result<std::vector<Row>> ParseTable(const TableOutput& output, std::string_view content) {
  const std::string header = Header(output) + "\n";
  if (content.substr(0, header.size()) != header) return Bad(1, "is not the declared header");
  content.remove_prefix(header.size());
  std::vector<Row> rows;
  std::set<Keys> seen;
  for (std::int64_t line = 2; !content.empty(); ++line) {
    const std::size_t end = content.find('\n');
    if (end == std::string_view::npos) return Bad(line, "does not end");
    GF_ASSIGN(std::optional<Row> row, ParseRow(output, content.substr(0, end), line));
    if (row && !seen.insert(row->keys).second)
      return Bad(line, "has the key of an earlier line");
    if (row) rows.push_back(*std::move(row));
    content.remove_prefix(end + 1);
  }
  return rows;
}

// Sorts autosomes, then X, Y and the mitochondrion, then everything else by name.
std::tuple<int, std::string_view> ChromosomeRank(std::string_view name) {
  std::string_view bare = StartsWithIgnoreCase(name, "chr") ? name.substr(3) : name;
  if (IsNumber(bare) && bare.size() <= 2)
    return {(bare[0] - '0') * (bare.size() == 2 ? 10 : 1) + (bare.size() == 2 ? bare[1] - '0' : 0),
            name};
  if (bare == "X") return {100, name};
  if (bare == "Y") return {101, name};
  if (bare == "M" || bare == "MT") return {102, name};
  return {103, name};
}

// Numbers of any length by value and before other text.
std::tuple<bool, std::size_t, std::string_view> PositionRank(std::string_view text) {
  if (!IsNumber(text)) return {true, 0, text};
  const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size() - 1);
  text.remove_prefix(zeros);
  return {false, text.size(), text};
}

class KeyOrder {
 public:
  explicit KeyOrder(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      kinds_.push_back(name == "chrom" ? Kind::kChromosome
                       : name == "pos" ? Kind::kPosition
                                       : Kind::kText);
  }
  bool operator()(const Keys& a, const Keys& b) const {
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      if (a[i] == b[i]) continue;
      if (kinds_[i] == Kind::kChromosome && ChromosomeRank(a[i]) != ChromosomeRank(b[i])) {
        return ChromosomeRank(a[i]) < ChromosomeRank(b[i]);
      }
      if (kinds_[i] == Kind::kPosition && PositionRank(a[i]) != PositionRank(b[i])) {
        return PositionRank(a[i]) < PositionRank(b[i]);
      }
      return a[i] < b[i];
    }
    return false;
  }

 private:
  enum class Kind { kText, kChromosome, kPosition };
  std::vector<Kind> kinds_;
};

Status AddUp(const Row& row, std::string_view site, Sum& sum) {
  sum.nodes.insert(site);
  sum.counts.resize(row.counts.size(), 0);
  for (std::size_t i = 0; i < row.counts.size(); ++i) {
    if (row.counts[i] > std::numeric_limits<std::int64_t>::max() - sum.counts[i]) {
      return Error(StatusCode::kInvalidArgument, "OUTPUT_OVERFLOW", "a sum of counts is too large");
    }
    sum.counts[i] += row.counts[i];
  }
  return absl::OkStatus();
}

void AppendRow(const TableOutput& output, const Keys& keys, const Sum& sum, std::string& text) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{}\t{}", fmt::join(keys, "\t"), fmt::join(sum.counts, "\t"));
  for (const DerivedColumn& column : output.derived) {
    if (sum.counts[column.denominator] != 0) {
      fmt::format_to(out, "\t{:.6g}",
                     static_cast<double>(sum.counts[column.numerator]) /
                         static_cast<double>(sum.counts[column.denominator]));
    } else {
      text += "\tNA";
    }
  }
  fmt::format_to(out, "\t{}\n", sum.nodes.size());
}

}  // namespace

Status CheckTable(const TableOutput& output, std::string_view content) {
  return ParseTable(output, content).status();
}

Result<std::string> MergeTables(const TableOutput& output, const std::vector<NodeTable>& tables) {
  std::map<Keys, Sum, KeyOrder> sums{KeyOrder(output.keys)};
  for (const NodeTable& table : tables) {
    auto rows = ParseTable(output, table.content);
    if (!rows.ok()) {
      return Error(StatusCode::kInvalidArgument, "OUTPUT_INVALID", "{} of {}: {}", output.name,
                   table.site, Message(rows.status()));
    }
    for (const Row& row : *rows) GF_TRY(AddUp(row, table.site, sums[row.keys]));
  }
  std::string text = Header(output);
  for (const DerivedColumn& column : output.derived) text += "\t" + column.name;
  text += "\tnodes\n";
  for (const auto& [keys, sum] : sums) AppendRow(output, keys, sum, text);
  return text;
}

}  // namespace genofed::dispatcher
