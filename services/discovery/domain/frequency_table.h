// SPDX-License-Identifier: Apache-2.0
//
// Tables of allele frequencies: how many copies of each allele are told, among how many
// chromosomes. A table is a text of lines,
//
//     genofed-frequencies 1
//     assembly GRCh38
//     source fi                 the node, or "network"
//     number 0                  of the network's tables: 1, 2, ...
//     chromosomes 1154          two for each person who is counted
//     least 10                  an allele that is missing has, as far as is told, fewer copies
//     from es 77ab...           of the network's: the tables of nodes that were added up, by site
//     page 20 3 1045 20345 5c.. contig, megabase, sites, bytes, SHA-256; ascending
//
// and its pages: "POSITION REF ALT COPIES" a line, with tabs, 1-based, as in VCF, ascending by
// position, REF and ALT. Each text has one form only, so that a table is known by the digest of its
// lines, and a page that did not change keeps its name.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/variant.h"

namespace genofed::discovery {

inline constexpr std::size_t kMaxTableText = 8U << 20;
inline constexpr std::size_t kMaxPageBytes = 4U << 20;
inline constexpr std::size_t kMaxPages = 60'000;
inline constexpr std::uint64_t kMaxTableBytes = 64ULL << 30;  // of all pages
inline constexpr std::size_t kMaxSitesOfPage =
    32'000;  // of the longest alleles: fits kMaxPageBytes
// Longer alleles are in no table.
inline constexpr std::size_t kMaxTableAllele = 50;
inline constexpr std::string_view kNetwork = "network";

struct TableSite {
  std::uint32_t position = 0;  // 0-based
  std::string ref, alt;
  std::int64_t copies = 0;

  bool operator==(const TableSite&) const = default;
};

struct TablePage {
  std::string contig;
  std::uint32_t megabase = 0;
  std::uint32_t sites = 0;
  std::uint64_t bytes = 0;
  std::string sha256;  // hex

  bool operator==(const TablePage&) const = default;
};

struct FrequencyTable {
  genomics::Assembly assembly = genomics::Assembly::kGrch38;
  std::string source;
  std::int64_t number = 0;
  std::int64_t chromosomes = 0;
  std::int64_t least = 0;
  std::vector<std::pair<std::string, std::string>> from;  // site and digest
  std::vector<TablePage> pages;

  bool IsOfNetwork() const { return source == kNetwork; }
  // An allele that is missing is rarer than this.
  double Resolution() const;
  // Those of one megabase.
  std::vector<TablePage> PagesOf(std::string_view contig, std::uint32_t megabase) const;

  bool operator==(const FrequencyTable&) const = default;
};

// What a table is called, and what a question about rarity was answered by.
struct TableName {
  std::string assembly;
  std::int64_t number = 0;
  std::string digest;
  double resolution = 0;

  bool operator==(const TableName&) const = default;
};

std::string FormatTable(const FrequencyTable& table);
// InvalidArgument TABLE_INVALID: for anything that FormatTable does not write, and beyond the
// limits.
Result<FrequencyTable> ParseTable(std::string_view text);

std::string FormatPage(const std::vector<TableSite>& sites);
// InvalidArgument TABLE_INVALID: not what `page` says, sites out of order or of another megabase,
// copies not from 1 to `chromosomes`. The digest is the caller's to check.
Result<std::vector<TableSite>> ParsePage(std::string_view text, const TablePage& page,
                                         std::int64_t chromosomes);

// Copies of the same allele are added up. Each list is in order.
std::vector<TableSite> AddUp(const std::vector<std::vector<TableSite>>& lists);

// Cuts sites into pages as they come: megabase after megabase, in order.
class PageCutter {
 public:
  using Write = std::function<Status(const std::string& sha256, const std::string& content)>;
  explicit PageCutter(Write write) : write_(std::move(write)) {}
  Status Add(const std::string& contig, std::uint32_t megabase, std::vector<TableSite> sites);
  std::vector<TablePage> pages() && { return std::move(pages_); }

 private:
  const Write write_;
  std::vector<TablePage> pages_;
};

}  // namespace genofed::discovery
