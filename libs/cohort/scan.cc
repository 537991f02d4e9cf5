// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/scan.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <system_error>
#include <thread>

namespace genofed::cohort {
namespace {

constexpr std::size_t kPiece = 4096;  // rows tested at a time: stays in the first-level cache
constexpr std::uint32_t kSitesBetweenLooks = 1024;  // at the deadline
constexpr std::uint64_t kBitsetPiece = 16U << 20;   // bytes of bitsets read at a time
constexpr std::uint64_t kMaxWindow = 256U << 20;    // bytes of lists read at once
constexpr std::uint32_t kShortList = 8;
constexpr std::uint64_t kListPiece = 16384;  // rows of lists that are looked up together
constexpr std::uint64_t kCellsOfRow = 4096;  // what one of a list takes to mark, see kShareFrom
constexpr std::uint32_t kMaxHelpers = 3;  // beyond, the memory has no more to give
constexpr std::uint32_t kPiecesEach = 2;  // so that a thread that is held up holds up few

bool Holds(ConsequenceSet set, std::uint32_t consequence) { return (set >> consequence & 1) != 0; }

// Threads beside those that ask: over all queries at most one less than there are cores, so that
// many questions at once are each answered by their own thread.
class Helpers {
 public:
  // As many as wanted, if so many cores are free.
  explicit Helpers(std::uint32_t wanted) {
    while (size_ < wanted && Free().try_acquire()) ++size_;
    threads_.reserve(size_);
  }
  ~Helpers() {
    Wait();
    Free().release(size_);
  }
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  std::uint32_t size() const { return size_; }
  // Where the system has no thread left, the others do the work.
  void Start(std::function<void()> work) {
    try {
      threads_.emplace_back(std::move(work));
    } catch (const std::system_error&) {
    }
  }
  void Wait() { threads_.clear(); }

 private:
  static std::counting_semaphore<>& Free() {
    static std::counting_semaphore<> free(
        static_cast<std::ptrdiff_t>(std::max(std::thread::hardware_concurrency(), 1U)) - 1);
    return free;
  }

  std::uint32_t size_ = 0;
  std::vector<std::jthread> threads_;
};

const std::uint32_t* AsRows(const std::byte* bytes) {
  return reinterpret_cast<const std::uint32_t*>(bytes);
}
const std::uint8_t* AsPages(const std::byte* bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes);
}
const std::uint64_t* AsWords(const std::byte* bytes) {
  return reinterpret_cast<const std::uint64_t*>(bytes);
}

}  // namespace

SegmentScan::SegmentScan(const Kernels& kernels, const std::uint64_t* rows, std::uint32_t n_rows,
                         Workspace& work, const SiteFrequencies::OfSegment* frequencies,
                         std::uint64_t share_from)
    : kernels_(kernels),
      rows_(rows),
      n_rows_(n_rows),
      words_((std::size_t{n_rows} + 63) / 64),
      work_(work),
      other_frequencies_(frequencies),
      share_from_(share_from) {
  if (work_.marks_.size() < words_) work_.marks_.resize(words_);
}

void SegmentScan::Enter(const Tile& tile) {
  MarkPending();
  tile_ = &tile;
  other_ = other_frequencies_ == nullptr ? nullptr : &(*other_frequencies_)[tile.number()];
  frequencies_ = other_ == nullptr ? tile.frequencies() : std::span<const float>(other_->frequency);
  work_.ids_.Reset(tile, Section::kIds);
  work_.pages_.Reset(tile, Section::kPages);
  work_.bitsets_.Reset(tile, Section::kBitsets);
}

Status SegmentScan::status() const {
  for (const RowSource* source : {&work_.ids_, &work_.pages_, &work_.bitsets_})
    GF_TRY(source->status());
  return absl::OkStatus();
}

std::uint64_t SegmentScan::CountSet(const RowSet& set) {
  const std::uint64_t at = set.begin(n_rows_);
  const std::uint64_t size = set.size(n_rows_);
  switch (set.form) {
    case Form::kRows: {
      const std::uint32_t* rows = AsRows(work_.ids_.Get(at, size));
      if (set.count > kShortList) return kernels_.count_rows(rows, set.count, rows_);
      std::uint64_t found = 0;
      for (std::uint32_t i = 0; i < set.count; ++i)
        found += rows_[rows[i] / 64] >> (rows[i] % 64) & 1;
      return found;
    }
    case Form::kPages:
      return kernels_.count_pages(AsPages(work_.pages_.Get(at, size)), n_rows_, rows_);
    case Form::kBitset:
      break;
  }
  return kernels_.count_and(AsWords(work_.bitsets_.Get(at, size)), rows_, words_);
}

std::array<std::uint64_t, kKinds> SegmentScan::CountSite(std::uint32_t site) {
  std::array<std::uint64_t, kKinds> members = {};
  for (std::size_t kind = 0; kind < tile_->header().n_kinds; ++kind) {
    const RowSet set = tile_->Set(kind, site);
    if (set.count != 0) members[kind] = CountSet(set);
  }
  return members;
}

void SegmentScan::MarkRows(const std::uint32_t* rows, std::size_t n) {
  work_.bits_.resize(std::max<std::size_t>(work_.bits_.size(), kPiece / 64));
  for (std::size_t begin = 0; begin < n; begin += kPiece) {
    const std::uint32_t* piece = rows + begin;
    const std::size_t here = std::min(kPiece, n - begin);
    kernels_.test_rows(piece, here, rows_, work_.bits_.data());
    for (std::size_t at = 0; at < here; at += 64) {
      for (std::uint64_t word = work_.bits_[at / 64]; word != 0; word &= word - 1)
        MarkOne(piece[at + static_cast<std::size_t>(std::countr_zero(word))]);
    }
  }
  // Beyond this many it is cheaper to look at all words than at a list.
  if (work_.touched_.size() > n_rows_ / 64) listed_ = false;
}

void SegmentScan::MarkPending() {
  if (pending_ == nullptr) return;
  kernels_.mark_and(pending_, rows_, work_.marks_.data(), words_);
  listed_ = false;
  pending_ = nullptr;
}

// Does work(scan, piece, pieces) for each piece: other threads, if it is worth them and there are
// any, with scans of their own, which merge(scan) sees one after another when all is done.
template <typename Work, typename Merge>
Status SegmentScan::Share(bool worth_it, Work work, Merge merge) {
  if (!worth_it || !tile_->mapped()) return work(*this, 0, 1);
  Helpers helpers(kMaxHelpers);
  const std::uint32_t pieces = kPiecesEach * (helpers.size() + 1);
  std::atomic<std::uint32_t> next = 0;
  std::mutex mutex;
  Status failed;
  const auto loop = [&](SegmentScan& scan) {
    for (std::uint32_t i = next++; i < pieces; i = next++) {
      Status status = work(scan, i, pieces);
      if (status.ok()) continue;
      next = pieces;
      const std::lock_guard lock(mutex);
      failed.Update(std::move(status));
    }
  };
  while (work_.helpers_.size() < helpers.size())
    work_.helpers_.push_back(std::make_unique<Workspace>());
  std::deque<SegmentScan> scans;
  for (std::uint32_t i = 0; i < helpers.size(); ++i) {
    SegmentScan& scan = scans.emplace_back(kernels_, rows_, n_rows_, *work_.helpers_[i]);
    scan.Enter(*tile_);
    helpers.Start([&loop, &scan] { loop(scan); });
  }
  loop(*this);
  helpers.Wait();
  for (SegmentScan& scan : scans) merge(scan);
  return failed;
}

Status SegmentScan::MarkIds(std::uint64_t begin, std::uint64_t end) {
  const std::uint32_t* ids = AsRows(work_.ids_.Get(4 * begin, 4 * (end - begin)));
  const std::uint64_t n = end - begin;
  return Share(
      n * kCellsOfRow >= share_from_,
      [&](SegmentScan& scan, std::uint32_t piece, std::uint32_t pieces) -> Status {
        const std::uint64_t first = n * piece / pieces;
        scan.MarkRows(ids + first, n * (piece + 1) / pieces - first);
        return absl::OkStatus();
      },
      [&](SegmentScan& scan) {
        for (std::size_t i = 0; i < words_; ++i) work_.marks_[i] |= scan.work_.marks_[i];
        listed_ = false;
        scan.Clear();
      });
}

// Those sets of a site that are in kIds only when `ids`.
void SegmentScan::MarkSite(std::uint32_t site, bool ids) {
  for (std::size_t kind = 0; kind < tile_->header().n_kinds; ++kind) {
    const RowSet set = tile_->Set(kind, site);
    if (set.count == 0 || (set.form == Form::kRows && !ids)) continue;
    const std::uint64_t at = set.begin(n_rows_);
    const std::uint64_t size = set.size(n_rows_);
    switch (set.form) {
      case Form::kRows:
        MarkRows(AsRows(work_.ids_.Get(at, size)), set.count);
        break;
      case Form::kPages: {
        // Spread out first: rows are tested several at a time.
        work_.spread_.resize(set.count);
        std::uint32_t n = 0;
        ForEachInPages(AsPages(work_.pages_.Get(at, size)), PageCount(n_rows_),
                       [&](std::uint32_t row) {
                         if (n < set.count) work_.spread_[n++] = row;  // bytes may be damaged
                       });
        MarkRows(work_.spread_.data(), n);
        break;
      }
      case Form::kBitset:
        kernels_.mark_and(AsWords(work_.bitsets_.Get(at, size)), rows_, work_.marks_.data(),
                          words_);
        listed_ = false;
        break;
    }
  }
}

// Reads what the sites need with one read for each section.
Status SegmentScan::LoadFor(std::span<const std::uint32_t> sites) {
  std::array<Extent, 3> extents;
  for (const std::uint32_t site : sites) {
    for (std::size_t kind = 0; kind < tile_->header().n_kinds; ++kind) {
      const RowSet set = tile_->Set(kind, site);
      if (set.count == 0) continue;
      extents[static_cast<std::size_t>(set.form)].Cover(set.begin(n_rows_),
                                                        set.begin(n_rows_) + set.size(n_rows_));
    }
  }
  RowSource* sources[] = {&work_.ids_, &work_.pages_, &work_.bitsets_};
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i].end && extents[i].end - extents[i].begin <= kMaxWindow)
      GF_TRY(sources[i]->Load(extents[i].begin, extents[i].end));
  }
  return absl::OkStatus();
}

bool SegmentScan::Accepts(std::uint32_t site, const VariantFilter& filter) const {
  if (!filter.change.empty()) {
    const auto changes = tile_->Column<Change>(Section::kChanges);
    auto change = std::lower_bound(changes.begin(), changes.end(), site,
                                   [](const Change& c, std::uint32_t s) { return c.site < s; });
    while (change != changes.end() && change->site == site &&
           tile_->Name(change->text) != filter.change)
      ++change;
    if (change == changes.end() || change->site != site) return false;
  }
  return !filter.accepts ||
         filter.accepts(tile_->positions()[site], tile_->ref(site), tile_->alt(site));
}

// Those in work_.sites_.
Status SegmentScan::MarkSites(const Context& ctx) {
  const std::vector<std::uint32_t>& sites = work_.sites_;
  GF_TRY(LoadFor(sites));
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (i % kSitesBetweenLooks == 0) GF_TRY(ctx.Alive());
    MarkSite(sites[i], true);
  }
  return absl::OkStatus();
}

Status SegmentScan::MarkChange(const Context& ctx, const VariantFilter& filter) {
  MarkPending();
  const auto consequences = tile_->Column<std::uint8_t>(Section::kConsequence);
  work_.sites_.clear();
  std::uint32_t last = kNone;  // a site may have a change twice: of two genes
  std::uint32_t looked = 0;
  for (const Change& change : tile_->Column<Change>(Section::kChanges)) {
    if (looked++ % kSitesBetweenLooks == 0) GF_TRY(ctx.Alive());
    if (change.site == last || tile_->Name(change.text) != filter.change ||
        !Holds(filter.consequences, consequences[change.site]) ||
        !IsBelow(frequencies_[change.site], filter.below_frequency) ||
        !Accepts(change.site, filter))
      continue;
    last = change.site;
    work_.sites_.push_back(last);
  }
  return MarkSites(ctx);
}

// Which sites of a group are below a frequency.
SegmentScan::Passing SegmentScan::PassingOf(std::uint32_t group, double below) const {
  if (other_ != nullptr) {
    const auto [least, most] = other_->groups[group];
    return !IsBelow(least, below) ? Passing::kNoSite
           : IsBelow(most, below) ? Passing::kEverySite
                                  : Passing::kSomeSites;
  }
  const std::uint8_t band = tile_->Column<Group>(Section::kGroups)[group].band;
  if (below <= (band == 0 ? 0 : kBandEnds[band - 1U])) return Passing::kNoSite;
  // The last band has its end, too.
  const bool all =
      band + 1U < kBandEnds.size() ? below >= kBandEnds[band] : below > kBandEnds[band];
  return all ? Passing::kEverySite : Passing::kSomeSites;
}

Status SegmentScan::MarkGene(const Context& ctx, std::uint32_t unit, const VariantFilter& filter) {
  MarkPending();
  const auto units = tile_->Column<Unit>(Section::kUnits);
  const auto groups = tile_->Column<Group>(Section::kGroups);
  const auto order = tile_->Column<std::uint32_t>(Section::kOrder);
  const auto elsewhere = tile_->Column<std::uint32_t>(Section::kElsewhere);
  std::vector<std::uint32_t>& sites = work_.sites_;  // that have to be looked at one by one
  sites.clear();
  const bool single = !filter.change.empty() || filter.accepts;
  std::uint64_t begin = 0, end = 0;  // of rows that are scanned together
  auto flush = [&]() -> Status {
    GF_TRY(ctx.Alive());
    if (begin == end) return absl::OkStatus();
    GF_TRY(work_.ids_.Load(4 * begin, 4 * end));
    return MarkIds(begin, end);
  };
  const std::uint32_t last = units[unit + 1].first_group;
  for (std::uint32_t i = units[unit].first_group; i < last; ++i) {
    const Group& group = groups[i];
    const Group& next = groups[i + 1];
    if (!Holds(filter.consequences, group.consequence)) continue;
    const Passing passing = PassingOf(i, filter.below_frequency);
    if (passing == Passing::kNoSite) continue;
    if (passing == Passing::kSomeSites || single) {
      for (std::uint32_t j = group.first; j < next.first; ++j) {
        if (IsBelow(frequencies_[order[j]], filter.below_frequency) && Accepts(order[j], filter))
          sites.push_back(order[j]);
      }
      continue;
    }
    if (group.id != end) {
      GF_TRY(flush());
      begin = group.id;
    }
    end = next.id;
    for (std::uint32_t j = group.elsewhere; j < next.elsewhere; ++j) MarkSite(elsewhere[j], false);
  }
  GF_TRY(flush());
  const auto secondary = tile_->Column<Secondary>(Section::kSecondary);
  for (std::uint32_t i = units[unit].first_secondary; i < units[unit + 1].first_secondary; ++i) {
    if (Holds(filter.consequences, secondary[i].consequence) &&
        IsBelow(frequencies_[secondary[i].site], filter.below_frequency) &&
        Accepts(secondary[i].site, filter))
      sites.push_back(secondary[i].site);
  }
  return MarkSites(ctx);
}

Status SegmentScan::MarkRange(const Context& ctx, const VariantFilter& filter,
                              std::uint32_t max_ref_length) {
  MarkPending();
  const std::int64_t start = std::max<std::int64_t>(filter.start, 0);
  const std::int64_t end = std::min(filter.end, genomics::kMaxPosition);
  const std::int64_t tile_start = std::int64_t{tile_->header().tile} * kTileBases;
  const std::int64_t from = std::max<std::int64_t>(start - max_ref_length, 0);
  if (end <= start || tile_start >= end || tile_start + kTileBases <= from) return absl::OkStatus();
  const auto consequences = tile_->Column<std::uint8_t>(Section::kConsequence);
  const std::uint32_t last = tile_->LowerBound(static_cast<std::uint32_t>(end));
  std::vector<std::uint32_t>& sites = work_.sites_;
  sites.clear();
  const std::uint32_t first = tile_->LowerBound(static_cast<std::uint32_t>(from));
  for (std::uint32_t site = first; site < last; ++site) {
    if ((site - first) % kSitesBetweenLooks == 0) GF_TRY(ctx.Alive());
    if (!Holds(filter.consequences, consequences[site]) ||
        !IsBelow(frequencies_[site], filter.below_frequency))
      continue;
    const std::int64_t position = tile_->positions()[site];
    if (position < start && position + static_cast<std::int64_t>(tile_->ref(site).size()) <= start)
      continue;
    if (Accepts(site, filter)) sites.push_back(site);
  }
  return MarkSites(ctx);
}

bool SegmentScan::MarkGeneSet(std::uint32_t unit, const VariantFilter& filter) {
  if (!filter.change.empty() || filter.accepts) return false;
  const auto units = tile_->Column<Unit>(Section::kUnits);
  const auto sets = tile_->Column<GeneSet>(Section::kGeneSets);
  for (std::uint32_t i = units[unit].first_set; i < units[unit + 1].first_set; ++i) {
    const GeneSet& set = sets[i];
    if (set.consequences != (filter.consequences & kAnyConsequence) ||
        set.limit != filter.below_frequency)
      continue;
    if (other_ != nullptr && other_->gene_sets[i] == 0) return false;
    work_.gene_rows_.Reset(*tile_, Section::kGeneRows);
    const std::uint64_t size =
        set.is_bitset != 0 ? 8 * BitsetWords(n_rows_) : 4 * std::uint64_t{set.members};
    if (!work_.gene_rows_.Load(set.place, set.place + size).ok()) return false;
    const std::byte* bytes = work_.gene_rows_.Get(set.place, size);
    if (set.is_bitset == 0) {
      MarkPending();
      MarkRows(AsRows(bytes), set.members);
      return true;
    }
    MarkPending();
    pending_ = AsWords(bytes);
    return true;
  }
  return false;
}

std::uint64_t SegmentScan::Count() {
  if (pending_ != nullptr && listed_ && work_.touched_.empty())
    return kernels_.count_and(pending_, rows_, words_);
  MarkPending();
  if (listed_) return work_.touched_.size();
  return kernels_.count_and(work_.marks_.data(), work_.marks_.data(), words_);
}

void SegmentScan::Clear() {
  if (listed_) {
    for (const std::uint32_t row : work_.touched_) work_.marks_[row / 64] = 0;
  } else {
    std::fill(work_.marks_.begin(), work_.marks_.end(), 0);
  }
  work_.touched_.clear();
  listed_ = true;
  pending_ = nullptr;
}

std::pair<const Group&, const Group&> SegmentScan::GroupsOf(std::uint32_t first,
                                                            std::uint32_t last) const {
  const auto unit = tile_->Column<std::uint32_t>(Section::kUnit);
  const auto units = tile_->Column<Unit>(Section::kUnits);
  const auto groups = tile_->Column<Group>(Section::kGroups);
  const auto [low, high] = std::minmax_element(unit.begin() + first, unit.begin() + last);
  return {groups[units[*low].first_group], groups[units[*high + 1].first_group]};
}

// Lists are shared out by their place in the file, where those of a gene lie together; everything
// else by site.
Status SegmentScan::CountPiece(const Context& ctx, std::uint32_t first, std::uint32_t last,
                               std::uint32_t piece, std::uint32_t pieces, SiteCounts* out) {
  GF_TRY(CountLists(ctx, first, last, piece, pieces, out));
  const std::uint32_t chunk = first / kChunkSites, chunks = (last - 1) / kChunkSites + 1 - chunk;
  const auto bound = [&](std::uint32_t at) {
    const std::uint64_t of_piece = chunk + std::uint64_t{chunks} * at / pieces;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(of_piece * kChunkSites, first, last));
  };
  const std::uint32_t begin = bound(piece), end = bound(piece + 1);
  if (begin == end) return status();
  out += begin - first;
  for (std::uint32_t site = begin; site < end; ++site) {
    out[site - begin].position = tile_->positions()[site];
    out[site - begin].ref = tile_->ref(site);
    out[site - begin].alt = tile_->alt(site);
  }
  GF_TRY(CountDense(ctx, begin, end, out));
  GF_TRY(CountMissing(ctx, begin, end, out));
  return status();
}

Status SegmentScan::CountSites(const Context& ctx, std::int64_t start, std::int64_t end,
                               std::uint32_t max_ref_length, std::vector<SiteCounts>& out) {
  const std::int64_t tile_start = std::int64_t{tile_->header().tile} * kTileBases;
  const std::int64_t from = std::max<std::int64_t>(start - max_ref_length, 0);
  if (end <= start || tile_start >= end || tile_start + kTileBases <= from) return absl::OkStatus();
  auto overlaps = [&](std::uint32_t site) {
    return tile_->positions()[site] + static_cast<std::int64_t>(tile_->ref(site).size()) > start;
  };
  std::uint32_t first = tile_->LowerBound(static_cast<std::uint32_t>(from));
  const std::uint32_t inside = tile_->LowerBound(static_cast<std::uint32_t>(start));
  const std::uint32_t last = tile_->LowerBound(static_cast<std::uint32_t>(end));
  while (first < inside && !overlaps(first)) ++first;
  if (first >= last) return absl::OkStatus();
  const std::size_t before = out.size();
  out.resize(before + (last - first));
  // Pieces write other counts, so that any number of threads can work side by side.
  GF_TRY(Share(
      std::uint64_t{last - first} * n_rows_ >= share_from_,
      [&, counts = out.data() + before](SegmentScan& scan, std::uint32_t piece,
                                        std::uint32_t pieces) {
        return scan.CountPiece(ctx, first, last, piece, pieces, counts);
      },
      [](SegmentScan&) {}));
  if (first < inside) {
    std::erase_if(out, [&](const SiteCounts& site) {
      return site.position < start &&
             site.position + static_cast<std::int64_t>(site.ref.size()) <= start;
    });
  }
  return absl::OkStatus();
}

// Lists of neighbours are contiguous, and mostly short: all their rows are looked up in one go.
void SegmentScan::CountListed() {
  std::vector<Workspace::ToCount>& lists = work_.lists_;
  Extent rows;
  for (const auto& list : lists)
    rows.Cover(list.set.place, std::uint64_t{list.set.place} + list.set.count);
  // Damaged places are not always neighbours.
  if (!lists.empty() && rows.end - rows.begin > 4 * kListPiece + n_rows_ / 256) {
    for (const auto& list : lists) *list.out = static_cast<std::uint32_t>(CountSet(list.set));
  } else if (!lists.empty()) {
    const auto n = static_cast<std::size_t>(rows.end - rows.begin);
    work_.bits_.resize(std::max(work_.bits_.size(), n / 64 + 1));
    kernels_.test_rows(AsRows(work_.ids_.Get(4 * rows.begin, 4 * n)), n, rows_, work_.bits_.data());
    work_.spans_.clear();
    for (const auto& list : lists)
      work_.spans_.push_back(
          {static_cast<std::uint32_t>(list.set.place - rows.begin), list.set.count});
    work_.counts_.resize(std::max(work_.counts_.size(), lists.size()));
    kernels_.count_spans(work_.bits_.data(), work_.spans_.data(), lists.size(),
                         work_.counts_.data());
    for (std::size_t i = 0; i < lists.size(); ++i) *lists[i].out = work_.counts_[i];
  }
  lists.clear();
}

// In the order of the rows, so that they are read one after the other.
Status SegmentScan::CountLists(const Context& ctx, std::uint32_t first, std::uint32_t last,
                               std::uint32_t piece, std::uint32_t pieces, SiteCounts* out) {
  const auto order = tile_->Column<std::uint32_t>(Section::kOrder);
  const auto [begin, end] = GroupsOf(first, last);
  const auto bound = [&](std::uint32_t at) {
    return begin.first +
           static_cast<std::uint32_t>(std::uint64_t{end.first - begin.first} * at / pieces);
  };
  const std::uint64_t size = 4 * std::uint64_t{end.id - begin.id};
  if (size <= kMaxWindow)
    GF_TRY(work_.ids_.Load(4 * std::uint64_t{begin.id}, 4 * std::uint64_t{end.id}));
  std::uint64_t waiting = 0;
  work_.lists_.clear();
  for (std::uint32_t i = bound(piece), behind = bound(piece + 1); i < behind; ++i) {
    if (i % kSitesBetweenLooks == 0) GF_TRY(ctx.Alive());
    const std::uint32_t site = order[i];
    if (site < first || site >= last) continue;
    SiteCounts& counts = out[site - first];
    std::uint32_t* fields[kKinds] = {&counts.n_het, &counts.n_hom, &counts.n_hemi};
    for (std::size_t kind = 0; kind < tile_->header().n_kinds; ++kind) {
      const RowSet set = tile_->Set(kind, site);
      if (set.count == 0 || set.form != Form::kRows) continue;
      work_.lists_.push_back({set, fields[kind]});
      waiting += set.count;
    }
    if (waiting >= kListPiece) {
      CountListed();
      waiting = 0;
    }
  }
  CountListed();
  return absl::OkStatus();
}

Status SegmentScan::CountDense(const Context& ctx, std::uint32_t first, std::uint32_t last,
                               SiteCounts* out) {
  const auto elsewhere = tile_->Column<std::uint32_t>(Section::kElsewhere);
  const auto [begin, end] = GroupsOf(first, last);
  std::vector<std::uint32_t>& sites = work_.sites_;
  sites.clear();
  for (std::uint32_t i = begin.elsewhere; i < end.elsewhere; ++i) {
    if (elsewhere[i] >= first && elsewhere[i] < last) sites.push_back(elsewhere[i]);
  }
  std::sort(sites.begin(), sites.end());  // as pages and bitsets stand
  Extent pages, bitsets;
  std::vector<Workspace::ToCount>& paged = work_.paged_;
  std::vector<Workspace::ToCount>& dense = work_.dense_;
  paged.clear();
  dense.clear();
  for (const std::uint32_t site : sites) {
    SiteCounts& counts = out[site - first];
    std::uint32_t* fields[kKinds] = {&counts.n_het, &counts.n_hom, &counts.n_hemi};
    for (std::size_t kind = 0; kind < tile_->header().n_kinds; ++kind) {
      const RowSet set = tile_->Set(kind, site);
      if (set.form == Form::kRows) continue;
      const bool is_paged = set.form == Form::kPages;
      (is_paged ? pages : bitsets)
          .Cover(set.begin(n_rows_), set.begin(n_rows_) + set.size(n_rows_));
      (is_paged ? paged : dense).push_back({set, fields[kind]});
    }
  }
  work_.bitsets_.Announce(bitsets.begin, bitsets.end);
  if (pages.begin < pages.end && pages.end - pages.begin <= kMaxWindow)
    GF_TRY(work_.pages_.Load(pages.begin, pages.end));
  std::uint64_t loaded = 0;
  for (std::size_t i = 0; i < std::max(paged.size(), dense.size()); ++i) {
    GF_TRY(ctx.Alive());
    if (i < dense.size()) {
      const std::uint64_t at = dense[i].set.begin(n_rows_);
      const std::uint64_t size = dense[i].set.size(n_rows_);
      if (at + size > loaded) {
        loaded = std::min(bitsets.end, at + std::max(kBitsetPiece, size));
        GF_TRY(work_.bitsets_.Load(at, loaded));
      }
    }
    if (i < paged.size() && i < dense.size()) {
      const RowSet &one = paged[i].set, &other = dense[i].set;
      const auto [in_pages, in_bitset] = kernels_.count_pages_and(
          AsPages(work_.pages_.Get(one.begin(n_rows_), one.size(n_rows_))),
          AsWords(work_.bitsets_.Get(other.begin(n_rows_), other.size(n_rows_))), n_rows_, rows_);
      *paged[i].out = static_cast<std::uint32_t>(in_pages);
      *dense[i].out = static_cast<std::uint32_t>(in_bitset);
    } else {
      const Workspace::ToCount& alone = i < paged.size() ? paged[i] : dense[i];
      *alone.out = static_cast<std::uint32_t>(CountSet(alone.set));
    }
  }
  return absl::OkStatus();
}

Status SegmentScan::CountMissing(const Context& ctx, std::uint32_t first, std::uint32_t last,
                                 SiteCounts* out) {
  const auto chunks = tile_->Column<Chunk>(Section::kChunks);
  const std::uint32_t first_chunk = first / kChunkSites;
  const std::uint32_t last_chunk = (last - 1) / kChunkSites + 1;
  work_.runs_.Reset(*tile_, Section::kRuns);
  work_.base_.Reset(*tile_, Section::kBase);
  GF_TRY(work_.runs_.Load(8 * std::uint64_t{chunks[first_chunk].first_run},
                          8 * std::uint64_t{chunks[last_chunk].first_run}));
  std::vector<std::int32_t>& change = work_.change_;
  for (std::uint32_t chunk = first_chunk; chunk < last_chunk; ++chunk) {
    GF_TRY(ctx.Alive());
    change.assign(kChunkSites + 1, 0);
    for (std::size_t i = 0; i < 2; ++i) {
      if (chunks[chunk].base[i] == kNone) continue;
      const std::uint64_t size = 8 * BitsetWords(n_rows_);
      const std::uint64_t* bits = AsWords(work_.base_.Get(size * chunks[chunk].base[i], size));
      change[0] += static_cast<std::int32_t>((i + 1) * kernels_.count_and(bits, rows_, words_));
    }
    const std::uint64_t n = chunks[chunk + 1].first_run - chunks[chunk].first_run;
    const auto* runs = reinterpret_cast<const Run*>(
        work_.runs_.Get(8 * std::uint64_t{chunks[chunk].first_run}, 8 * n));
    work_.bits_.resize(std::max<std::size_t>(work_.bits_.size(), (n + 63) / 64));
    kernels_.test_runs(runs, n, rows_, work_.bits_.data());
    for (std::uint64_t at = 0; at < n; at += 64) {
      for (std::uint64_t word = work_.bits_[at / 64]; word != 0; word &= word - 1) {
        const Run& run = runs[at + static_cast<std::uint64_t>(std::countr_zero(word))];
        const auto missing = static_cast<std::int32_t>(run.missing());
        change[run.first()] += missing;
        change[run.last() + 1U] -= missing;
      }
    }
    std::int32_t sum = 0;
    for (std::uint32_t i = 0, site = chunk * kChunkSites; i < kChunkSites && site < last;
         ++i, ++site) {
      sum += change[i];
      if (site >= first) out[site - first].missing = static_cast<std::uint32_t>(sum);
    }
  }
  return work_.base_.status();
}

}  // namespace genofed::cohort
