// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/frequency_files.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::discovery {

TableName StoredTable::Name() const {
  return {std::string(genomics::AssemblyName(table.assembly)), table.number, digest,
          table.Resolution()};
}

Result<StoredTable> ReadTable(TableStore& store, const std::string& digest) {
  GF_ASSIGN(const std::string text, store.Read(digest));
  GF_ASSIGN(FrequencyTable table, ParseTable(text));
  return StoredTable{digest, std::move(table)};
}

Result<StoredTable> WriteTable(TableStore& store, FrequencyTable table) {
  const std::string text = FormatTable(table);
  if (text.size() > kMaxTableText)
    return Error(StatusCode::kOutOfRange, "TABLE_TOO_LARGE", "a table's text has at most {} bytes",
                 kMaxTableText);
  std::string digest = HexEncode(crypto::Sha256(text));
  GF_TRY(store.Write(digest, text));
  return StoredTable{std::move(digest), std::move(table)};
}

Result<std::vector<TableSite>> ReadSites(TableStore& store, const FrequencyTable& table,
                                         const std::string& contig, std::uint32_t megabase) {
  std::vector<TableSite> sites;
  for (const TablePage& page : table.PagesOf(contig, megabase)) {
    GF_ASSIGN(const std::string text, store.Read(page.sha256));
    GF_ASSIGN(auto more, ParsePage(text, page, table.chromosomes));
    // One after the other, so that no allele is there twice.
    auto key = [](const TableSite& site) { return std::tie(site.position, site.ref, site.alt); };
    if (!sites.empty() && !(key(sites.back()) < key(more.front())))
      return InvalidField("content", "TABLE_INVALID", "pages of one megabase overlap");
    std::move(more.begin(), more.end(), std::back_inserter(sites));
  }
  return sites;
}

bool IsWhole(TableStore& store, const FrequencyTable& table) {
  return std::all_of(table.pages.begin(), table.pages.end(),
                     [&](const TablePage& page) { return store.Holds(page.sha256); });
}

Status Sweep(TableStore& store) {
  GF_ASSIGN(const auto names, store.Names());
  std::set<std::string> wanted;
  for (const auto& [name, digests] : names) {
    for (const std::string& digest : digests) {
      wanted.insert(digest);
      const auto stored = ReadTable(store, digest);
      if (!stored.ok()) continue;  // damaged: nothing of it can be used
      for (const TablePage& page : stored->table.pages) wanted.insert(page.sha256);
    }
  }
  return store.Keep(wanted);
}

}  // namespace genofed::discovery
