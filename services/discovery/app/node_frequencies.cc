// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/node_frequencies.h"

#include <algorithm>
#include <bit>
#include <set>
#include <tuple>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/disclosure/allele_table.h"
#include "libs/obs/log.h"
#include "services/discovery/app/publications.h"

namespace genofed::discovery {
namespace {

constexpr genomics::Assembly kAssemblies[] = {genomics::Assembly::kGrch37,
                                              genomics::Assembly::kGrch38};

std::string NameOf(genomics::Assembly assembly) {
  return std::string(genomics::AssemblyName(assembly));
}
std::string Own(const std::string& assembly) { return "own-" + assembly; }
std::string Network(const std::string& assembly) { return "network-" + assembly; }

std::string BitsOf(const genomics::Bitmap& rows) {
  std::string bits((rows.size() + 7) / 8, '\0');
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    if (rows.Test(row))
      bits[row / 8] = static_cast<char>(static_cast<unsigned char>(bits[row / 8]) | 1U << row % 8);
  }
  return bits;
}

std::int64_t Differing(const std::string& a, const std::string& b) {
  std::int64_t differing = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const unsigned char left = i < a.size() ? static_cast<unsigned char>(a[i]) : 0;
    const unsigned char right = i < b.size() ? static_cast<unsigned char>(b[i]) : 0;
    differing += std::popcount(static_cast<unsigned char>(left ^ right));
  }
  return differing;
}

CountedByDataset CountedOf(const std::vector<const Holding*>& holdings) {
  CountedByDataset counted;
  for (const Holding* holding : holdings) {
    counted[holding->cohort->dataset()] = {holding->cohort->version(),
                                           BitsOf(holding->for_table->rows())};
  }
  return counted;
}

std::vector<const Holding*> HoldingsOf(const View& view, genomics::Assembly assembly) {
  std::vector<const Holding*> holdings;
  for (const auto& [dataset, holding] : view.holdings) {
    if (holding.cohort->assembly() == assembly) holdings.push_back(&holding);
  }
  return holdings;
}

struct AlleleSum {
  std::int64_t carriers = 0;
  double copies = 0;  // as many as if everybody had been called
};
using Sums = std::map<std::tuple<std::uint32_t, std::string, std::string>, AlleleSum>;

// Alleles that begin in one megabase.
Result<Sums> SumUp(const Context& ctx, const Genotypes& genotypes,
                   const std::vector<const Holding*>& holdings, const std::string& contig,
                   std::uint32_t megabase) {
  Sums sums;
  for (const Holding* holding : holdings) {
    const cohort::Live& live = *holding->for_table;
    GF_TRY(genotypes.ForEachSite(
        ctx, *holding->cohort, contig, megabase, live.rows(),
        [&](const cohort::SiteCounts& site, std::uint64_t an) {
          if (an == 0 || site.ac() == 0) return;  // nobody was called
          AlleleSum& sum = sums[{site.position, std::string(site.ref), std::string(site.alt)}];
          sum.carriers += std::int64_t{site.n_het} + site.n_hom + site.n_hemi;
          sum.copies += static_cast<double>(site.ac()) * 2 * static_cast<double>(live.count()) /
                        static_cast<double>(an);
        }));
  }
  return sums;
}

Status Refused(std::string_view why) {
  return Error(StatusCode::kDataLoss, "TABLE_REFUSED", "the network's table was not taken over: {}",
               why);
}

}  // namespace

std::int64_t ChangedPeople(const CountedByDataset& before, const CountedByDataset& after) {
  static const Counted kNobody;
  std::set<std::string> datasets;
  for (const auto* side : {&before, &after}) {
    for (const auto& [dataset, counted] : *side) datasets.insert(dataset);
  }
  std::int64_t changed = 0;
  for (const std::string& dataset : datasets) {
    const auto old = before.find(dataset), now = after.find(dataset);
    changed += Differing(old == before.end() ? kNobody.people : old->second.people,
                         now == after.end() ? kNobody.people : now->second.people);
  }
  return changed;
}

NodeFrequencies::NodeFrequencies(const ConsentView& view, PublicationStore& versions,
                                 ListingClient& listing, const disclosure::Mechanism& mechanism,
                                 FrequencyPublications& publications, TableStore& store,
                                 FrequencyHub& hub, const Clock& clock, std::string site,
                                 std::chrono::milliseconds settle, const Genotypes& genotypes,
                                 std::chrono::milliseconds keep)
    : view_(view),
      versions_(versions),
      listing_(listing),
      mechanism_(mechanism),
      publications_(publications),
      store_(store),
      hub_(hub),
      clock_(clock),
      site_(std::move(site)),
      settle_(settle),
      genotypes_(genotypes),
      keep_(keep) {}

Status NodeFrequencies::Publish(const Context& ctx) {
  if (!mechanism_.policy().table) return absl::OkStatus();
  GF_ASSIGN(const auto view, view_.Current());
  Status status;
  for (const genomics::Assembly assembly : kAssemblies)
    status.Update(PublishOf(ctx, assembly, *view));
  return status;
}

Result<bool> NodeFrequencies::IsWhole(const Context& ctx, const View& view) {
  std::set<DatasetVersion> held;
  for (const auto& [dataset, holding] : view.holdings)
    held.emplace(dataset, holding.cohort->version());
  GF_ASSIGN(const auto due, PublishedAndListed(ctx, versions_, listing_));
  return held == due;
}

Status NodeFrequencies::PublishOf(const Context& ctx, genomics::Assembly assembly,
                                  const View& view) {
  const disclosure::Policy& policy = mechanism_.policy();
  const Holdings holdings = HoldingsOf(view, assembly);
  CountedByDataset counted = CountedOf(holdings);
  const Time now = clock_.Now();
  const auto [settling, fresh] = settling_.try_emplace(assembly, Settling{counted, now});
  if (!fresh && settling->second.counted != counted) settling->second = {counted, now};
  if (now - settling->second.since < settle_) return absl::OkStatus();
  GF_ASSIGN(const auto last, publications_.Last(ctx, NameOf(assembly)));
  if (!last && holdings.empty()) return absl::OkStatus();
  // Another replica counted just now what this one may not have heard of yet.
  if (last && now < last->published + settle_) return absl::OkStatus();
  const std::int64_t changed = ChangedPeople(last ? last->counted : CountedByDataset(), counted);
  if (changed < std::max<std::int64_t>(policy.batch, 1)) return absl::OkStatus();
  GF_ASSIGN(
      const std::int64_t versions,
      publications_.CountSince(ctx, NameOf(assembly), now - std::chrono::days(policy.budget_days)));
  if (versions >= policy.table_versions) return absl::OkStatus();
  // A replica that has not opened everything yet would take out what another one published.
  GF_ASSIGN(const bool whole, IsWhole(ctx, view));
  if (whole != whole_) GF_LOG(ctx, warn, "frequencies.all_opened", {"all", whole});
  whole_ = whole;
  if (!whole) return absl::OkStatus();
  GF_ASSIGN(const StoredTable table, Build(ctx, assembly, holdings));
  // Counting takes a while, and who left meanwhile is not to be in it: then again, later.
  if (SomebodyLeft(assembly, counted)) return absl::OkStatus();
  // Beside those before: another replica may have published one of them just now.
  GF_ASSIGN(auto own, store_.Named(Own(NameOf(assembly))));
  std::vector<std::string> kept = {table.digest};
  if (last) own.insert(own.begin(), last->digest);
  for (const std::string& digest : own) {
    if (kept.size() < 3 && std::find(kept.begin(), kept.end(), digest) == kept.end())
      kept.push_back(digest);
  }
  GF_TRY(store_.Name(Own(NameOf(assembly)), kept));
  GF_TRY(publications_.Add(ctx, {0, NameOf(assembly), table.digest, std::move(counted), now},
                           last ? last->id : 0));
  GF_LOG(ctx, info, "frequencies.published", {"assembly", NameOf(assembly)},
         {"pages", table.table.pages.size()}, {"chromosomes", table.table.chromosomes},
         {"least", table.table.least});
  return absl::OkStatus();
}

bool NodeFrequencies::SomebodyLeft(genomics::Assembly assembly,
                                   const CountedByDataset& counted) const {
  const auto view = view_.Current();
  if (!view.ok()) return true;
  const CountedByDataset present = CountedOf(HoldingsOf(**view, assembly));
  for (const auto& [dataset, then] : counted) {
    const auto now = present.find(dataset);
    if (now == present.end() || now->second.version != then.version) return true;
    for (std::size_t i = 0; i < then.people.size(); ++i) {
      if ((static_cast<unsigned char>(then.people[i]) &
           ~static_cast<unsigned char>(now->second.people[i])) != 0)
        return true;
    }
  }
  return false;
}

Result<StoredTable> NodeFrequencies::Build(const Context& ctx, genomics::Assembly assembly,
                                           const Holdings& holdings) {
  const disclosure::Policy& policy = mechanism_.policy();
  std::string states;
  std::int64_t population = 0;
  std::set<std::pair<std::string, std::uint32_t>> megabases;
  for (const Holding* holding : holdings) {
    states += holding->state;
    population += static_cast<std::int64_t>(holding->for_table->count());
    for (const auto& [contig, tiles] : holding->cohort->genotypes().Megabases()) {
      for (const std::uint32_t tile : tiles) megabases.emplace(contig, tile);
    }
  }
  const std::string state = mechanism_.State("frequency table " + NameOf(assembly), 1, states);
  // How much noise each allele carries depends on how many there are, so that is counted first.
  std::uint64_t alleles = 0;
  for (const auto& [contig, megabase] : megabases) {
    if (policy.table_auc >= 1) break;
    GF_ASSIGN(const Sums sums, SumUp(ctx, genotypes_, holdings, contig, megabase));
    for (const auto& [allele, sum] : sums) alleles += sum.carriers >= policy.floor ? 1 : 0;
  }
  const disclosure::TableNoise noise = disclosure::NoiseOfTable(policy, alleles);
  const std::int64_t people = mechanism_.Everybody(state, population, true).count;
  FrequencyTable table;
  table.assembly = assembly;
  table.source = site_;
  table.chromosomes = 2 * people;
  table.least = noise.least;
  PageCutter pages([&](const std::string& sha256, const std::string& content) {
    return store_.Write(sha256, content);
  });
  for (const auto& [contig, megabase] : megabases) {
    if (people == 0) break;
    GF_ASSIGN(const Sums sums, SumUp(ctx, genotypes_, holdings, contig, megabase));
    std::vector<TableSite> sites;
    for (const auto& [allele, sum] : sums) {
      const auto& [position, ref, alt] = allele;
      const std::string question = fmt::format("{}:{}:{}>{}", contig, position, ref, alt);
      const auto copies = disclosure::CopiesInTable(mechanism_, noise, {state, question},
                                                    sum.carriers, sum.copies, people);
      if (copies) sites.push_back({position, ref, alt, *copies});
    }
    GF_TRY(pages.Add(contig, megabase, std::move(sites)));
  }
  table.pages = std::move(pages).pages();
  return WriteTable(store_, std::move(table));
}

Status NodeFrequencies::Exchange(const Context& ctx) {
  GF_ASSIGN(const FrequencyHub::Tables hub, hub_.List(ctx));
  Status status = Deliver(ctx, hub);
  for (const TableName& offered : hub.network) status.Update(Fetch(ctx, offered));
  return status;
}

Status NodeFrequencies::Deliver(const Context& ctx, const FrequencyHub::Tables& hub) {
  for (const genomics::Assembly assembly : kAssemblies) {
    GF_ASSIGN(const auto last, publications_.Last(ctx, NameOf(assembly)));
    const bool there =
        last && std::any_of(hub.own.begin(), hub.own.end(), [&](const TableName& own) {
          return own.assembly == last->assembly && own.digest == last->digest;
        });
    if (!last || there) continue;
    GF_ASSIGN(const std::string text, store_.Read(last->digest));
    // The last round finds that nothing is missing.
    for (;;) {
      GF_ASSIGN(const auto missing, hub_.DeliverTable(ctx, text));
      if (missing.empty()) break;
      GF_ASSIGN(const FrequencyTable table, ParseTable(text));
      std::set<std::string> own;
      for (const TablePage& page : table.pages) own.insert(page.sha256);
      for (const std::string& sha256 : missing) {
        if (!own.contains(sha256)) return Refused("the hub asks for what is not of this table");
        GF_ASSIGN(const std::string page, store_.Read(sha256));
        GF_TRY(hub_.DeliverPage(ctx, page));
      }
    }
  }
  return absl::OkStatus();
}

Status NodeFrequencies::Check(const Context& ctx, const TableName& offered,
                              const FrequencyTable& table) {
  if (!table.IsOfNetwork() || NameOf(table.assembly) != offered.assembly ||
      table.number != offered.number)
    return Refused("it is another one than was named");
  for (const auto& [site, digest] : table.from) {
    if (site != site_) continue;
    GF_ASSIGN(const bool ours, publications_.Published(ctx, offered.assembly, digest));
    if (!ours) return Refused("it counts in a table that this node did not publish");
  }
  return absl::OkStatus();
}

Status NodeFrequencies::Fetch(const Context& ctx, const TableName& offered) {
  if (offered.assembly != NameOf(genomics::Assembly::kGrch37) &&
      offered.assembly != NameOf(genomics::Assembly::kGrch38))
    return Refused("it is of an assembly that is not known");
  GF_ASSIGN(auto kept, store_.Named(Network(offered.assembly)));
  const bool again = !kept.empty() && kept.front() == offered.digest;
  if (again && !damaged_.contains(offered.digest)) return absl::OkStatus();
  GF_ASSIGN(const std::string text, hub_.FetchTable(ctx, offered.digest));
  if (HexEncode(crypto::Sha256(text)) != offered.digest) return Refused("it has another digest");
  const auto table = ParseTable(text);
  if (!table.ok()) return Refused(Message(table.status()));
  GF_TRY(Check(ctx, offered, *table));
  for (const TablePage& page : table->pages) {
    GF_TRY(ctx.Alive());
    if (!store_.Holds(page.sha256)) {
      GF_ASSIGN(const std::string content, hub_.FetchPage(ctx, offered.digest, page.sha256));
      if (HexEncode(crypto::Sha256(content)) != page.sha256)
        return Refused("a page has another digest");
      if (const auto sites = ParsePage(content, page, table->chromosomes); !sites.ok())
        return Refused(Message(sites.status()));
      GF_TRY(store_.Write(page.sha256, content));
    }
  }
  for (const TablePage& page : table->pages) {
    if (const auto sites = ReadSites(store_, *table, page.contig, page.megabase); !sites.ok())
      return Refused(Message(sites.status()));
  }
  GF_TRY(store_.Write(offered.digest, text));
  damaged_.erase(offered.digest);
  if (!again) kept.insert(kept.begin(), offered.digest);
  kept.resize(std::min<std::size_t>(kept.size(), 2));
  GF_TRY(store_.Name(Network(offered.assembly), kept));
  GF_LOG(ctx, info, "frequencies.fetched", {"assembly", offered.assembly},
         {"number", offered.number}, {"nodes", table->from.size()});
  return Sweep(store_);
}

Result<std::vector<StoredTable>> NodeFrequencies::Kept(const std::string& assembly) {
  GF_ASSIGN(const auto digests, store_.Named(Network(assembly)));
  std::vector<StoredTable> tables;
  for (const std::string& digest : digests) {
    auto stored = ReadTable(store_, digest);
    if (stored.ok()) {
      tables.push_back(*std::move(stored));
    } else {
      damaged_.insert(digest);
    }
  }
  return tables;
}

// All cohorts of an assembly change their table together.
Result<NodeFrequencies::ByCohort> NodeFrequencies::ApplyOne(const Context& ctx,
                                                            const StoredTable& stored,
                                                            const Holdings& holdings) {
  const auto lookup = [&](const std::string& contig,
                          std::uint32_t megabase) -> Result<std::vector<cohort::KnownFrequency>> {
    GF_ASSIGN(auto sites, ReadSites(store_, stored.table, contig, megabase));
    std::vector<cohort::KnownFrequency> known;
    for (TableSite& site : sites) {
      known.push_back(
          {site.position, std::move(site.ref), std::move(site.alt),
           static_cast<double>(site.copies) / static_cast<double>(stored.table.chromosomes)});
    }
    return known;
  };
  ByCohort made;
  for (const Holding* holding : holdings) {
    std::shared_ptr<const Applied>& applied = made[holding->cohort.get()];
    applied = For(*holding->cohort);
    if (applied != nullptr && applied->name.digest == stored.digest) continue;
    GF_ASSIGN(auto sites, cohort::SiteFrequencies::Make(ctx, holding->cohort->genotypes(), lookup,
                                                        stored.table.Resolution()));
    applied =
        std::make_shared<const Applied>(Applied{holding->cohort, stored.Name(), std::move(sites)});
  }
  return made;
}

Status NodeFrequencies::Apply(const Context& ctx) {
  GF_ASSIGN(const auto view, view_.Current());
  Status status;
  ByCohort next;
  for (const genomics::Assembly assembly : kAssemblies) {
    const Holdings holdings = HoldingsOf(*view, assembly);
    GF_ASSIGN(const auto kept, Kept(NameOf(assembly)));
    // The one before where the newest is damaged.
    for (const StoredTable& stored : kept) {
      auto made = ApplyOne(ctx, stored, holdings);
      if (made.ok()) {
        next.merge(*made);
        break;
      }
      GF_TRY(ctx.Alive());
      damaged_.insert(stored.digest);
      status.Update(made.status());
    }
  }
  MutexLock lock(mutex_);
  if (clock_.Now() >= before_until_) before_.clear();
  for (const auto& [cohort, applied] : applied_) {
    const auto now = next.find(cohort);
    if (keep_.count() == 0 || now == next.end() || now->second == applied) continue;
    before_[cohort] = applied;
    before_until_ = clock_.Now() + keep_;
  }
  applied_.swap(next);
  return status;
}

std::shared_ptr<const NodeFrequencies::Applied> NodeFrequencies::For(const Cohort& cohort) const {
  MutexLock lock(mutex_);
  const auto found = applied_.find(&cohort);
  return found == applied_.end() ? nullptr : found->second;
}

std::shared_ptr<const NodeFrequencies::Applied> NodeFrequencies::Before(
    const Cohort& cohort) const {
  MutexLock lock(mutex_);
  const auto found = before_.find(&cohort);
  return found == before_.end() ? nullptr : found->second;
}

std::shared_ptr<const NodeFrequencies::Applied> NodeFrequencies::Find(
    const Cohort& cohort, const std::string& digest) const {
  for (auto applied : {For(cohort), Before(cohort)}) {
    if (applied != nullptr && applied->name.digest == digest) return applied;
  }
  return nullptr;
}

}  // namespace genofed::discovery
