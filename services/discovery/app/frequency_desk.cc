// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/frequency_desk.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::discovery {
namespace {

constexpr std::size_t kMaxMissing = 10'000;
constexpr genomics::Assembly kAssemblies[] = {genomics::Assembly::kGrch37,
                                              genomics::Assembly::kGrch38};

std::string OfSite(const std::string& site, genomics::Assembly assembly) {
  return fmt::format("node-{}-{}", site, genomics::AssemblyName(assembly));
}
std::string Pending(const std::string& site) { return fmt::format("pending-{}", site); }
std::string OfAll(genomics::Assembly assembly) {
  return fmt::format("network-{}", genomics::AssemblyName(assembly));
}

Status Unknown() {
  return Error(StatusCode::kNotFound, "TABLE_UNKNOWN", "no such table of the network");
}

}  // namespace

Result<FrequencyDesk::Delivered> FrequencyDesk::Deliver(const std::string& site,
                                                        const std::string& text) {
  if (!members_.contains(site))
    return Error(StatusCode::kPermissionDenied, "SITE_UNKNOWN", "{} is no node of this network",
                 site);
  GF_ASSIGN(const FrequencyTable table, ParseTable(text));
  if (table.source != site)
    return InvalidField("content", "TABLE_INVALID", "the table of another site than {}", site);
  const std::string digest = HexEncode(crypto::Sha256(text));
  MutexLock lock(writing_);
  GF_TRY(store_.Write(digest, text));
  GF_TRY(store_.Name(Pending(site), {digest}));
  Delivered out;
  for (const TablePage& page : table.pages) {
    if (!store_.Holds(page.sha256)) out.missing.push_back(page.sha256);
    if (out.missing.size() >= kMaxMissing) break;
  }
  if (!out.missing.empty()) return out;
  // Every byte is looked at once, before it counts.
  for (const TablePage& page : table.pages)
    GF_TRY(ReadSites(store_, table, page.contig, page.megabase));
  GF_TRY(store_.Name(OfSite(site, table.assembly), {digest}));
  return out;
}

Status FrequencyDesk::DeliverPage(const std::string& site, const std::string& content) {
  const std::string sha256 = HexEncode(crypto::Sha256(content));
  MutexLock lock(writing_);
  GF_ASSIGN(const auto pending, store_.Named(Pending(site)));
  if (!pending.empty()) {
    GF_ASSIGN(const StoredTable stored, ReadTable(store_, pending.front()));
    for (const TablePage& page : stored.table.pages) {
      if (page.sha256 != sha256) continue;
      GF_TRY(ParsePage(content, page, stored.table.chromosomes));
      return store_.Write(sha256, content);
    }
  }
  return Error(StatusCode::kFailedPrecondition, "PAGE_UNWANTED",
               "the table that was delivered last does not name this page");
}

Status FrequencyDesk::MergeAll(const Context& ctx) {
  GF_TRY(Load());
  Status status;
  for (const genomics::Assembly assembly : kAssemblies) status.Update(Merge(ctx, assembly));
  return status;
}

Status FrequencyDesk::Merge(const Context& ctx, genomics::Assembly assembly) {
  std::vector<StoredTable> parts;
  for (const std::string& site : members_) {
    GF_ASSIGN(const auto named, store_.Named(OfSite(site, assembly)));
    if (named.empty()) continue;
    GF_ASSIGN(StoredTable part, ReadTable(store_, named.front()));
    if (part.table.chromosomes > 0) parts.push_back(std::move(part));
  }
  FrequencyTable sum;
  sum.assembly = assembly;
  sum.source = kNetwork;
  sum.number = 1;
  std::set<std::pair<std::string, std::uint32_t>> megabases;
  for (const StoredTable& part : parts) {
    sum.from.emplace_back(part.table.source, part.digest);
    sum.chromosomes += part.table.chromosomes;
    sum.least += part.table.least;
    for (const TablePage& page : part.table.pages) megabases.emplace(page.contig, page.megabase);
  }
  std::vector<StoredTable> kept;
  {
    MutexLock lock(mutex_);
    kept = network_[std::string(genomics::AssemblyName(assembly))];
  }
  if (kept.empty() && parts.empty()) return absl::OkStatus();
  const bool same = !kept.empty() && kept.front().table.from == sum.from;
  // One of which a page was damaged is made again, and is the same.
  if (same && IsWhole(store_, kept.front().table)) return absl::OkStatus();
  if (!kept.empty()) sum.number = kept.front().table.number + (same ? 0 : 1);
  PageCutter pages([&](const std::string& sha256, const std::string& content) {
    return store_.Write(sha256, content);
  });
  for (const auto& [contig, megabase] : megabases) {
    GF_TRY(ctx.Alive());
    std::vector<std::vector<TableSite>> lists;
    for (const StoredTable& part : parts) {
      GF_ASSIGN(auto sites, ReadSites(store_, part.table, contig, megabase));
      lists.push_back(std::move(sites));
    }
    GF_TRY(pages.Add(contig, megabase, AddUp(lists)));
  }
  sum.pages = std::move(pages).pages();
  GF_ASSIGN(StoredTable made, WriteTable(store_, std::move(sum)));
  if (!same) kept.insert(kept.begin(), std::move(made));
  kept.resize(std::min<std::size_t>(kept.size(), 2));
  std::vector<std::string> digests;
  for (const StoredTable& stored : kept) digests.push_back(stored.digest);
  GF_TRY(store_.Name(OfAll(assembly), digests));
  GF_LOG(ctx, info, "frequencies.merged", {"assembly", genomics::AssemblyName(assembly)},
         {"number", kept.front().table.number}, {"nodes", kept.front().table.from.size()},
         {"pages", kept.front().table.pages.size()});
  {
    MutexLock lock(mutex_);
    network_[std::string(genomics::AssemblyName(assembly))] = std::move(kept);
  }
  MutexLock lock(writing_);
  return Sweep(store_);
}

// What was made before a restart.
Status FrequencyDesk::Load() {
  {
    MutexLock lock(mutex_);
    if (loaded_) return absl::OkStatus();
  }
  std::map<std::string, std::vector<StoredTable>> network;
  for (const genomics::Assembly assembly : kAssemblies) {
    GF_ASSIGN(const auto digests, store_.Named(OfAll(assembly)));
    for (const std::string& digest : digests) {
      // One that is damaged is made again.
      auto stored = ReadTable(store_, digest);
      if (stored.ok())
        network[std::string(genomics::AssemblyName(assembly))].push_back(*std::move(stored));
    }
  }
  MutexLock lock(mutex_);
  network_ = std::move(network);
  loaded_ = true;
  return absl::OkStatus();
}

std::map<std::string, TableName> FrequencyDesk::Current() const {
  MutexLock lock(mutex_);
  std::map<std::string, TableName> current;
  for (const auto& [assembly, tables] : network_) {
    if (!tables.empty()) current[assembly] = tables.front().Name();
  }
  return current;
}

Result<std::vector<TableName>> FrequencyDesk::Of(const std::string& site) {
  std::vector<TableName> out;
  for (const genomics::Assembly assembly : kAssemblies) {
    GF_ASSIGN(const auto named, store_.Named(OfSite(site, assembly)));
    if (named.empty()) continue;
    // What was damaged here has to be delivered again.
    const auto stored = ReadTable(store_, named.front());
    if (stored.ok() && IsWhole(store_, stored->table))
      out.push_back({std::string(genomics::AssemblyName(assembly)), 0, named.front(), 0});
  }
  return out;
}

bool FrequencyDesk::IsOfNetwork(const std::string& digest, const std::string& page) const {
  MutexLock lock(mutex_);
  for (const auto& [assembly, tables] : network_) {
    for (const StoredTable& stored : tables) {
      if (stored.digest != digest) continue;
      const auto& pages = stored.table.pages;
      return page.empty() || std::any_of(pages.begin(), pages.end(),
                                         [&](const TablePage& one) { return one.sha256 == page; });
    }
  }
  return false;
}

Result<std::string> FrequencyDesk::Text(const std::string& digest) {
  if (!IsOfNetwork(digest, "")) return Unknown();
  return store_.Read(digest);
}

Result<std::string> FrequencyDesk::Page(const std::string& table, const std::string& sha256) {
  // Pages of single nodes are nobody's but the hub's.
  if (sha256.empty() || !IsOfNetwork(table, sha256)) return Unknown();
  return store_.Read(sha256);
}

}  // namespace genofed::discovery
