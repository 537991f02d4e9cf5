// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/tile_builder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <tuple>

#include "libs/cohort/allele_key.h"
#include "libs/genomics/digest.h"

namespace genofed::cohort {
namespace {

constexpr std::size_t kBitsetsInPiece = 256;
constexpr std::uint32_t kWindowBases = 65'536;
constexpr std::array<ConsequenceSet, 3> kGeneSetConsequences = {
    kLossOfFunction, kLossOfFunction | Of(Consequence::kMissense), kAnyConsequence};

std::size_t At(Kind kind) { return static_cast<std::size_t>(kind); }

template <typename Visit>
void ForEachRow(std::span<const std::uint64_t> bits, Visit visit) {
  for (std::size_t i = 0; i < bits.size(); ++i) {
    for (std::uint64_t word = bits[i]; word != 0; word &= word - 1)
      visit(static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
  }
}

std::uint64_t CountOf(std::span<const std::uint64_t> bits) {
  std::uint64_t count = 0;
  for (std::uint64_t word : bits) count += static_cast<std::uint64_t>(std::popcount(word));
  return count;
}

template <typename T>
std::string_view Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Writes pieces one after the other and digests them.
class DigestingFile {
 public:
  explicit DigestingFile(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) {}
  ~DigestingFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  DigestingFile(const DigestingFile&) = delete;
  DigestingFile& operator=(const DigestingFile&) = delete;

  void Write(std::string_view bytes) {
    digest_.Add(bytes);
    size_ += bytes.size();
    while (ok_ && !bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      ok_ = n > 0;
      if (ok_) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void Pad() {
    static constexpr char kZeros[64] = {};
    Write({kZeros, (64 - size_ % 64) % 64});
  }
  Result<std::string> Finish() {
    if (fd_ < 0 || !ok_ || ::fsync(fd_) != 0)
      return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write a tile");
    return digest_.FinishHex();
  }

 private:
  int fd_;
  bool ok_ = true;
  std::uint64_t size_ = 0;
  genomics::Sha256Stream digest_;
};

Status RowInvalid(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "{}", what);
}

}  // namespace

TileBuilder::TileBuilder(std::uint32_t tile, std::uint32_t n_rows) : tile_(tile), n_rows_(n_rows) {}

Status TileBuilder::CheckMembers(const Members& members, std::uint32_t* count) const {
  if (!members.bits.empty()) {
    const std::span<const std::uint64_t> bits = members.bits;
    const std::size_t words = (std::size_t{n_rows_} + 63) / 64;
    if (bits.size() != BitsetWords(n_rows_)) return RowInvalid("a bitset has another size");
    const bool clear = n_rows_ % 64 == 0 || bits[words - 1] >> (n_rows_ % 64) == 0;
    if (!clear || CountOf(bits.subspan(words)) != 0) return RowInvalid("bits behind the last row");
    *count = static_cast<std::uint32_t>(CountOf(bits));
    return absl::OkStatus();
  }
  const auto& rows = members.rows;
  if (std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) != rows.end() ||
      (!rows.empty() && rows.back() >= n_rows_)) {
    return RowInvalid("rows must ascend, and lie below the number of people");
  }
  *count = static_cast<std::uint32_t>(rows.size());
  return absl::OkStatus();
}

std::uint32_t TileBuilder::AlleleKey(std::string_view ref, std::string_view alt) {
  if (const std::uint32_t snv = SnvKey(ref, alt); snv != kNone) return snv;
  const auto offset = static_cast<std::uint32_t>(pool_.size());
  for (const std::size_t length : {ref.size(), alt.size()}) {
    pool_.push_back(static_cast<char>(length & 0xff));
    pool_.push_back(static_cast<char>(length >> 8));
  }
  pool_.append(ref).append(alt);
  GF_CHECK(pool_.size() < kPooledAllele);
  return kPooledAllele | offset;
}

std::vector<std::string> TileBuilder::Genes() const {
  std::vector<std::string> names;
  for (const auto& [name, unit] : genes_) names.push_back(name);
  return names;
}

std::uint32_t TileBuilder::UnitOf(std::string_view gene) {
  if (const auto known = genes_.find(gene); known != genes_.end()) return known->second;
  const auto unit = static_cast<std::uint32_t>(units_.size());
  units_.push_back({NameOf(gene), 0, 0, 0});
  genes_.emplace(gene, unit);
  return unit;
}

std::uint32_t TileBuilder::NameOf(std::string_view text) {
  const auto offset = static_cast<std::uint32_t>(names_.size());
  names_.push_back(static_cast<char>(text.size()));
  names_.append(text);
  return offset;
}

std::uint32_t TileBuilder::Put(const Members& members, std::uint32_t count) {
  auto for_each = [&](auto visit) {
    for (const std::uint32_t row : members.rows) visit(row);
    ForEachRow(members.bits, visit);
  };
  std::uint32_t is_bitset = 0;
  switch (FormOf(count, n_rows_)) {
    case Form::kRows: {
      const std::size_t place = ids_.size();
      GF_CHECK(place + count < kNone);
      for_each([&](std::uint32_t row) { ids_.push_back(row); });
      return static_cast<std::uint32_t>(place);
    }
    case Form::kPages: {
      const std::size_t place = pages_.size();
      const std::size_t n_pages = PageCount(n_rows_);
      std::vector<std::uint32_t> members_of(n_pages);
      for_each([&](std::uint32_t row) { ++members_of[row / kPageRows]; });
      if (std::find(members_of.begin(), members_of.end(), kPageRows) != members_of.end()) {
        is_bitset = RowSet::kIsBitset;
        break;
      }
      GF_CHECK(place / 8 < RowSet::kIsBitset);
      for (const std::uint32_t n : members_of) pages_.push_back(static_cast<char>(n));
      for_each([&](std::uint32_t row) { pages_.push_back(static_cast<char>(row % kPageRows)); });
      pages_.resize((pages_.size() + 7) / 8 * 8);
      return static_cast<std::uint32_t>(place / 8);
    }
    case Form::kBitset:
      break;
  }
  const std::size_t words = BitsetWords(n_rows_);
  if (n_bitsets_ % kBitsetsInPiece == 0) bitsets_.emplace_back().reserve(kBitsetsInPiece * words);
  std::vector<std::uint64_t>& piece = bitsets_.back();
  piece.resize(piece.size() + words);
  std::uint64_t* out = piece.data() + piece.size() - words;
  if (!members.bits.empty()) {
    std::copy(members.bits.begin(), members.bits.end(), out);
  } else {
    for (const std::uint32_t row : members.rows) out[row / 64] |= 1ULL << (row % 64);
  }
  return is_bitset | n_bitsets_++;
}

Status TileBuilder::Add(const SiteFacts& site, const Members& het, const Members& hom,
                        const Members& hemi) {
  if (site.position / kTileBases != tile_ || site.ref.empty() || site.alt.empty() ||
      site.ref.size() > UINT16_MAX || site.alt.size() > UINT16_MAX) {
    return Error(StatusCode::kInvalidArgument, "SITE_INVALID",
                 "a site lies in another tile, or an allele has a wrong length");
  }
  if (!position_.empty() &&
      std::tuple(position_.back(), std::string_view(last_ref_), std::string_view(last_alt_)) >=
          std::tuple(site.position, site.ref, site.alt)) {
    return Error(StatusCode::kInvalidArgument, "UNSORTED",
                 "sites must ascend by position, REF and ALT");
  }
  const Members* sets[kKinds] = {&het, &hom, &hemi};
  std::uint32_t counts[kKinds] = {};
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    GF_TRY(CheckMembers(*sets[kind], &counts[kind]));
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    counts_[kind].push_back(counts[kind]);
    places_[kind].push_back(Put(*sets[kind], counts[kind]));
  }
  const auto number = n_sites();
  position_.push_back(site.position);
  last_ref_ = site.ref;
  last_alt_ = site.alt;
  allele_.push_back(AlleleKey(site.ref, site.alt));
  max_ref_length_ = std::max(max_ref_length_, static_cast<std::uint32_t>(site.ref.size()));
  frequency_.push_back(static_cast<float>(site.frequency.value_or(0)));
  has_frequency_.push_back(site.frequency.has_value() ? 1 : 0);
  const Effect* main = nullptr;
  for (const Effect& effect : site.effects) {
    if (effect.gene.empty() || effect.gene.size() > 255 || effect.change.size() > 255)
      return Error(StatusCode::kInvalidArgument, "SITE_INVALID",
                   "the name of a gene or a change is too long");
    if (main == nullptr || effect.consequence < main->consequence) main = &effect;
  }
  for (const Effect& effect : site.effects) {
    if (!effect.change.empty()) {
      const auto [text, fresh] = change_names_.try_emplace(effect.change);
      if (fresh) text->second = NameOf(effect.change);
      changes_.push_back({number, text->second});
    }
    if (&effect == main) continue;
    secondary_.emplace_back(UnitOf(effect.gene),
                            Secondary{number, static_cast<std::uint32_t>(effect.consequence)});
  }
  if (main != nullptr) {
    unit_.push_back(UnitOf(main->gene));
    consequence_.push_back(static_cast<std::uint8_t>(main->consequence));
    return absl::OkStatus();
  }
  const auto [window, fresh] =
      between_.try_emplace(site.position / kWindowBases, static_cast<std::uint32_t>(units_.size()));
  if (fresh) units_.emplace_back();
  unit_.push_back(window->second);
  consequence_.push_back(static_cast<std::uint8_t>(Consequence::kUnknown));
  return absl::OkStatus();
}

Status TileBuilder::AddRun(std::uint32_t row, std::uint32_t first, std::uint32_t last,
                           std::uint32_t missing) {
  if (row >= n_rows_ || first > last || missing < 1 || missing > 2)
    return RowInvalid("a run of missing calls");
  runs_.push_back({row, first, last, missing});
  return absl::OkStatus();
}

// Sites by unit, band and consequence; their rows in that order.
void TileBuilder::OrderSites() {
  for (std::uint32_t site = 0; site < n_sites(); ++site) {
    if (has_frequency_[site] != 0) continue;
    const double ac = counts_[At(Kind::kHet)][site] + 2.0 * counts_[At(Kind::kHom)][site] +
                      counts_[At(Kind::kHemi)][site];
    const double an = 2.0 * n_rows_ - missing_[site];
    frequency_[site] = static_cast<float>(an > 0 ? ac / an : 0);
  }
  order_.resize(n_sites());
  std::iota(order_.begin(), order_.end(), 0U);
  auto key = [&](std::uint32_t site) {
    return std::tuple(unit_[site], BandOf(frequency_[site]), consequence_[site]);
  };
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  std::vector<std::uint32_t> ids;
  ids.reserve(ids_.size());
  auto here = [&] {
    return Group{0,
                 static_cast<std::uint32_t>(elsewhere_.size()),
                 static_cast<std::uint32_t>(ids.size()),
                 0,
                 0,
                 0};
  };
  std::uint32_t unit = 0;
  for (std::uint32_t i = 0; i < n_sites(); ++i) {
    const std::uint32_t site = order_[i];
    if (i == 0 || key(site) != key(order_[i - 1])) {
      // Units without sites of their own have no groups.
      for (; unit <= unit_[site]; ++unit)
        units_[unit].first_group = static_cast<std::uint32_t>(groups_.size());
      Group group = here();
      group.first = i;
      group.band = BandOf(frequency_[site]);
      group.consequence = consequence_[site];
      groups_.push_back(group);
    }
    bool elsewhere = false;
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      const std::uint32_t count = counts_[kind][site];
      if (FormOf(count, n_rows_) != Form::kRows) {
        elsewhere = true;
        continue;
      }
      std::uint32_t& place = places_[kind][site];
      const auto begin = ids_.begin() + place;
      place = static_cast<std::uint32_t>(ids.size());
      ids.insert(ids.end(), begin, begin + count);
    }
    if (elsewhere) elsewhere_.push_back(site);
  }
  for (; unit < units_.size(); ++unit)
    units_[unit].first_group = static_cast<std::uint32_t>(groups_.size());
  Group end = here();
  end.first = n_sites();
  groups_.push_back(end);
  ids_ = std::move(ids);

  std::stable_sort(secondary_.begin(), secondary_.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.first, a.second.site) < std::tuple(b.first, b.second.site);
  });
  std::uint32_t next = 0;
  for (std::uint32_t i = 0; i < units_.size(); ++i) {
    while (next < secondary_.size() && secondary_[next].first < i) ++next;
    units_[i].first_secondary = next;
  }
}

Status TileBuilder::PackRuns() {
  const std::uint32_t n_chunks = (n_sites() + kChunkSites - 1) / kChunkSites;
  std::vector<std::vector<Run>> by_chunk(n_chunks);
  std::vector<std::int64_t> change(std::size_t{n_sites()} + 1);
  for (const WideRun& run : runs_) {
    if (run.last >= n_sites()) return RowInvalid("a run of missing calls behind the last site");
    change[run.first] += run.missing;
    change[std::size_t{run.last} + 1] -= run.missing;
    for (std::uint32_t chunk = run.first / kChunkSites; chunk <= run.last / kChunkSites; ++chunk) {
      const std::uint32_t begin = chunk * kChunkSites;
      by_chunk[chunk].push_back(Run::Of(run.row, std::max(run.first, begin) - begin,
                                        std::min(run.last - begin, kChunkSites - 1), run.missing));
    }
  }
  runs_ = {};
  missing_.resize(n_sites());
  std::int64_t sum = 0;
  for (std::uint32_t site = 0; site < n_sites(); ++site) {
    sum += change[site];
    missing_[site] = static_cast<std::uint32_t>(sum);
  }
  const std::uint64_t words = BitsetWords(n_rows_);
  std::array<std::vector<std::uint64_t>, 2> last;  // bitsets of the chunk before
  std::array<std::uint32_t, 2> last_place = {kNone, kNone};
  for (std::uint32_t i = 0; i < n_chunks; ++i) {
    std::vector<Run>& runs = by_chunk[i];
    Chunk& chunk = chunks_.emplace_back();
    chunk.first_run = static_cast<std::uint32_t>(packed_runs_.size());
    const std::uint32_t whole = std::min(kChunkSites, n_sites() - i * kChunkSites) - 1;
    for (std::uint32_t missing = 1; missing <= 2; ++missing) {
      auto is_whole = [&](Run run) {
        return run.first() == 0 && run.last() == whole && run.missing() == missing;
      };
      const auto n = static_cast<std::uint64_t>(std::count_if(runs.begin(), runs.end(), is_whole));
      if (n <= words) continue;  // as many bytes as the bitset
      std::vector<std::uint64_t> bits(words);
      for (const Run run : runs) {
        if (is_whole(run)) bits[run.row() / 64] |= 1ULL << (run.row() % 64);
      }
      std::erase_if(runs, is_whole);
      if (bits != last[missing - 1]) {
        last_place[missing - 1] = static_cast<std::uint32_t>(base_.size() / words);
        base_.insert(base_.end(), bits.begin(), bits.end());
        last[missing - 1] = std::move(bits);
      }
      chunk.base[missing - 1] = last_place[missing - 1];
    }
    std::sort(runs.begin(), runs.end(), [](Run a, Run b) { return a.bits < b.bits; });
    for (const Run run : runs) packed_runs_.push_back(run.bits);
    GF_CHECK(packed_runs_.size() < kNone);
    runs = {};
  }
  chunks_.push_back({static_cast<std::uint32_t>(packed_runs_.size()), {kNone, kNone}});
  return absl::OkStatus();
}

template <typename Visit>
void TileBuilder::ForEachCarrier(std::uint32_t site, Visit visit) const {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const RowSet set = RowSet::Of(counts_[kind][site], places_[kind][site], n_rows_);
    switch (set.form) {
      case Form::kRows:
        for (std::uint32_t i = 0; i < set.count; ++i) visit(ids_[set.place + i]);
        break;
      case Form::kPages: {
        const auto* pages =
            reinterpret_cast<const std::uint8_t*>(pages_.data() + set.begin(n_rows_));
        ForEachInPages(pages, PageCount(n_rows_), visit);
        break;
      }
      case Form::kBitset: {
        const std::size_t words = BitsetWords(n_rows_);
        ForEachRow(std::span(bitsets_[set.place / kBitsetsInPiece])
                       .subspan(set.place % kBitsetsInPiece * words, words),
                   visit);
        break;
      }
    }
  }
}

void TileBuilder::StoreGeneSets() {
  std::vector<std::uint64_t> marks(BitsetWords(n_rows_));
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
    units_[unit].first_set = static_cast<std::uint32_t>(gene_sets_.size());
    if (units_[unit].name == kNone) continue;
    // Everything said about the gene: of its own sites, and of those that count to another one.
    std::vector<std::tuple<std::uint8_t, std::uint8_t, std::uint32_t>> sites;  // band, effect, site
    auto add = [&](std::uint32_t site, std::uint32_t effect) {
      sites.emplace_back(BandOf(frequency_[site]), static_cast<std::uint8_t>(effect), site);
    };
    const std::uint32_t last_group = unit + 1 < units_.size()
                                         ? units_[unit + 1].first_group
                                         : static_cast<std::uint32_t>(groups_.size() - 1);
    for (std::uint32_t i = groups_[units_[unit].first_group].first; i < groups_[last_group].first;
         ++i)
      add(order_[i], consequence_[order_[i]]);
    const std::size_t last_secondary =
        unit + 1 < units_.size() ? units_[unit + 1].first_secondary : secondary_.size();
    for (std::size_t i = units_[unit].first_secondary; i < last_secondary; ++i)
      add(secondary_[i].second.site, secondary_[i].second.consequence);
    std::sort(sites.begin(), sites.end());
    for (const ConsequenceSet consequences : kGeneSetConsequences) {
      std::fill(marks.begin(), marks.end(), 0);
      auto next = sites.begin();
      for (std::uint8_t band = 0; band < kGeneSetLimits.size(); ++band) {
        for (; next != sites.end() && std::get<0>(*next) == band; ++next) {
          if ((consequences >> std::get<1>(*next) & 1) == 0) continue;
          ForEachCarrier(std::get<2>(*next),
                         [&](std::uint32_t row) { marks[row / 64] |= 1ULL << (row % 64); });
        }
        GeneSet set{consequences, kGeneSetLimits[band], static_cast<std::uint32_t>(CountOf(marks)),
                    0, 0};
        set.is_bitset = std::uint64_t{set.members} * 32 >= n_rows_ ? 1 : 0;
        gene_rows_.resize((gene_rows_.size() + 63) / 64 * 64);
        set.place = gene_rows_.size();
        if (set.is_bitset != 0) {
          gene_rows_.append(Bytes(marks));
        } else {
          ForEachRow(std::span<const std::uint64_t>(marks), [&](std::uint32_t row) {
            gene_rows_.append(reinterpret_cast<const char*>(&row), sizeof row);
          });
        }
        gene_sets_.push_back(set);
      }
    }
  }
}

Result<TileDigests> TileBuilder::Finish(const std::filesystem::path& path) {
  GF_TRY(PackRuns());
  OrderSites();
  StoreGeneSets();
  const bool hemi = std::any_of(counts_[At(Kind::kHemi)].begin(), counts_[At(Kind::kHemi)].end(),
                                [](std::uint32_t count) { return count != 0; });
  TileHeader header;
  header.tile = tile_;
  header.n_rows = n_rows_;
  header.n_sites = n_sites();
  header.n_kinds = hemi ? 3 : 2;
  header.max_ref_length = max_ref_length_;
  units_.push_back({kNone, static_cast<std::uint32_t>(groups_.size() - 1),
                    static_cast<std::uint32_t>(secondary_.size()),
                    static_cast<std::uint32_t>(gene_sets_.size())});
  std::vector<std::uint32_t> counts, places;
  for (std::size_t kind = 0; kind < header.n_kinds; ++kind) {
    counts.insert(counts.end(), counts_[kind].begin(), counts_[kind].end());
    places.insert(places.end(), places_[kind].begin(), places_[kind].end());
  }
  std::vector<std::uint32_t> buckets;
  const std::uint32_t start = tile_ * static_cast<std::uint32_t>(kTileBases);
  for (std::uint32_t site = 0, base = 0; base <= kTileBases; base += kBucketBases) {
    while (site < n_sites() && position_[site] < start + base) ++site;
    buckets.push_back(site);
  }
  std::vector<Secondary> secondary;
  for (const auto& [unit, entry] : secondary_) secondary.push_back(entry);
  std::vector<std::string_view> bitsets;
  for (const auto& piece : bitsets_) bitsets.push_back(Bytes(piece));

  std::array<std::vector<std::string_view>, kSections> sections;
  auto put = [&](Section section, std::string_view bytes) {
    sections[static_cast<std::size_t>(section)] = {bytes};
  };
  put(Section::kPosition, Bytes(position_));
  put(Section::kAllele, Bytes(allele_));
  put(Section::kFrequency, Bytes(frequency_));
  put(Section::kMissing, Bytes(missing_));
  put(Section::kConsequence, Bytes(consequence_));
  put(Section::kUnit, Bytes(unit_));
  put(Section::kCounts, Bytes(counts));
  put(Section::kPlaces, Bytes(places));
  put(Section::kBuckets, Bytes(buckets));
  put(Section::kPool, pool_);
  put(Section::kUnits, Bytes(units_));
  put(Section::kNames, names_);
  put(Section::kGroups, Bytes(groups_));
  put(Section::kOrder, Bytes(order_));
  put(Section::kElsewhere, Bytes(elsewhere_));
  put(Section::kSecondary, Bytes(secondary));
  put(Section::kChunks, Bytes(chunks_));
  put(Section::kGeneSets, Bytes(gene_sets_));
  put(Section::kChanges, Bytes(changes_));
  put(Section::kIds, Bytes(ids_));
  put(Section::kPages, pages_);
  sections[static_cast<std::size_t>(Section::kBitsets)] = bitsets;
  put(Section::kRuns, Bytes(packed_runs_));
  put(Section::kBase, Bytes(base_));
  put(Section::kGeneRows, gene_rows_);
  put(Section::kCalled, called_);
  auto align = [](std::uint64_t size) { return (size + 63) / 64 * 64; };
  std::uint64_t offset = align(sizeof header);
  for (std::size_t i = 0; i < kSections; ++i) {
    std::uint64_t size = 0;
    for (const std::string_view piece : sections[i]) size += piece.size();
    header.sections[i] = {offset, size};
    offset = align(offset + size);
    if (i + 1 == kMetadataSections) header.metadata_size = offset;
  }
  header.size = offset;

  DigestingFile file(path);
  genomics::Sha256Stream metadata;
  auto write = [&](std::string_view bytes, bool in_metadata) {
    static constexpr char kZeros[64] = {};
    file.Write(bytes);
    if (in_metadata) {
      metadata.Add(bytes);
      metadata.Add({kZeros, static_cast<std::size_t>(align(bytes.size()) - bytes.size())});
    }
  };
  write({reinterpret_cast<const char*>(&header), sizeof header}, true);
  file.Pad();
  for (std::size_t i = 0; i < kSections; ++i) {
    for (const std::string_view piece : sections[i]) write(piece, i < kMetadataSections);
    file.Pad();
  }
  TileDigests digests{header.size, header.metadata_size, "", metadata.FinishHex()};
  GF_ASSIGN(digests.sha256, file.Finish());
  return digests;
}

}  // namespace genofed::cohort
