// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/compact.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <tuple>

#include "libs/core/strings.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/protein_change.h"
#include "libs/genomics/tile_file.h"

namespace genofed::cohort {
namespace {

using genomics::Bitmap;
using genomics::CohortIndex;
using genomics::SiteHit;
using genomics::Variant;

Status LineInvalid(std::size_t line, std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "ANNOTATION_INVALID", "line {}: {}", line, what);
}

// Who of one input was called, by its gVCFs, at positions that move to the right.
class CoverageSweep {
 public:
  explicit CoverageSweep(std::vector<genomics::CalledRun> runs) : runs_(std::move(runs)) {
    std::sort(runs_.begin(), runs_.end(),
              [](const auto& a, const auto& b) { return a.begin < b.begin; });
  }
  template <typename Visit>  // visit(row, haploid)
  void At(std::int64_t position, Visit visit) {
    for (; next_ < runs_.size() && runs_[next_].begin <= position; ++next_) open_.push_back(next_);
    std::erase_if(open_, [&](std::size_t i) { return runs_[i].end <= position; });
    for (const std::size_t i : open_) visit(runs_[i].row, runs_[i].haploid);
  }

 private:
  std::vector<genomics::CalledRun> runs_;
  std::vector<std::size_t> open_;
  std::size_t next_ = 0;
};

// What one input says of one allele; rows are those of the input.
struct SiteRows {
  std::array<std::vector<std::uint32_t>, kKinds> carriers;
  std::array<std::vector<std::uint32_t>, 2> missing;  // who lacks one called allele, or two

  void Clear() {
    for (auto& rows : carriers) rows.clear();
    for (auto& rows : missing) rows.clear();
  }
};

// One input, tile by tile and in a tile site by site.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::uint32_t n_people() const = 0;
  virtual SegmentInfo info() const = 0;
  virtual void ListTiles(std::set<std::pair<std::string, std::uint32_t>>& tiles) const = 0;
  virtual Status Enter(const std::string& contig, std::uint32_t tile) = 0;
  // The next site; null behind the last one.
  virtual const Variant* Peek() const = 0;
  virtual Status Take(SiteRows& rows, Annotations::Entry& own) = 0;
  // Rows that lack alleles where this input lists nothing, as the next site suggests.
  virtual Status Unlisted(std::array<std::vector<std::uint32_t>, 2>& missing) = 0;
  // Runs of calls in the tile; positions on the contig, those of one row ascending.
  virtual Result<std::vector<genomics::CalledRun>> Called() const = 0;
};

class IndexSource final : public Source {
 public:
  explicit IndexSource(const CohortIndex& index) : index_(index) {}

  std::uint32_t n_people() const override { return index_.info().n_people; }
  SegmentInfo info() const override {
    return {index_.info().assembly, n_people(), Unlisted::kIsNotCalled, "", index_.info().dataset,
            index_.info().version};
  }
  void ListTiles(std::set<std::pair<std::string, std::uint32_t>>& tiles) const override {
    for (const genomics::TileEntry& tile : index_.tiles()) tiles.emplace(tile.contig, tile.tile);
  }
  Status Enter(const std::string& contig, std::uint32_t tile) override {
    contig_ = contig;
    start_ = std::int64_t{tile} * kTileBases;
    next_ = 0;
    GF_ASSIGN(hits_, index_.SitesOfTile(contig, tile));
    return absl::OkStatus();
  }
  const Variant* Peek() const override {
    return next_ < hits_.size() ? &hits_[next_].variant : nullptr;
  }
  Status Take(SiteRows& rows, Annotations::Entry&) override {
    const SiteHit& hit = hits_[next_++];
    rows.carriers = {hit.het.ToRows(), hit.hom.ToRows(), hit.hemi.ToRows()};
    rows.missing = {rows.carriers[static_cast<std::size_t>(Kind::kHemi)], hit.nocall.ToRows()};
    const std::vector<std::uint32_t> single = hit.single.ToRows();
    rows.missing[0].insert(rows.missing[0].end(), single.begin(), single.end());
    return absl::OkStatus();
  }
  Status Unlisted(std::array<std::vector<std::uint32_t>, 2>&) override { return absl::OkStatus(); }
  Result<std::vector<genomics::CalledRun>> Called() const override {
    return index_.CalledRunsAround(contig_, start_);
  }

 private:
  const CohortIndex& index_;
  std::string contig_;
  std::int64_t start_ = 0;
  std::vector<SiteHit> hits_;
  std::size_t next_ = 0;
};

class SegmentSource final : public Source {
 public:
  explicit SegmentSource(const Segment& segment) : segment_(segment) {}

  std::uint32_t n_people() const override { return segment_.n_people(); }
  SegmentInfo info() const override { return segment_.info(); }
  void ListTiles(std::set<std::pair<std::string, std::uint32_t>>& tiles) const override {
    for (const SegmentTile& tile : segment_.manifest().tiles) tiles.emplace(tile.contig, tile.tile);
  }
  Status Enter(const std::string& contig, std::uint32_t tile) override {
    const Segment::Contig* of = segment_.FindContig(contig);
    tile_ = of == nullptr ? nullptr : of->Find(tile);
    start_ = std::int64_t{tile} * kTileBases;
    site_ = 0;
    site_variant_.contig = contig;
    if (tile_ == nullptr) return absl::OkStatus();
    ids_.Reset(*tile_, Section::kIds);
    pages_.Reset(*tile_, Section::kPages);
    bitsets_.Reset(*tile_, Section::kBitsets);
    runs_.Reset(*tile_, Section::kRuns);
    base_.Reset(*tile_, Section::kBase);
    GF_TRY(runs_.Load(0, tile_->SectionSize(Section::kRuns)));
    ListEffects();
    Describe();
    return absl::OkStatus();
  }
  const Variant* Peek() const override { return AtEnd() ? nullptr : &site_variant_; }
  Status Take(SiteRows& rows, Annotations::Entry& own) override {
    for (std::size_t kind = 0; kind < tile_->header().n_kinds; ++kind)
      AppendRows(tile_->Set(kind, site_), rows.carriers[kind]);
    MissingInChunk(site_, rows.missing);
    const std::uint32_t within = site_ % kChunkSites;
    if (within == 0) {
      next_run_ = tile_->Column<Chunk>(Section::kChunks)[site_ / kChunkSites].first_run;
      open_.clear();
    }
    const std::uint32_t last =
        tile_->Column<Chunk>(Section::kChunks)[site_ / kChunkSites + 1].first_run;
    for (; next_run_ < last && RunAt(next_run_).first() <= within; ++next_run_)
      open_.push_back(RunAt(next_run_));
    std::erase_if(open_, [&](Run run) { return run.last() < within; });
    for (const Run run : open_) rows.missing[run.missing() - 1].push_back(run.row());
    own.frequency = double{tile_->frequencies()[site_]};
    own.effects = effects_[site_];
    for (const RowSource* source : {&ids_, &pages_, &bitsets_, &runs_, &base_})
      GF_TRY(source->status());
    ++site_;
    Describe();
    return absl::OkStatus();
  }
  Status Unlisted(std::array<std::vector<std::uint32_t>, 2>& missing) override {
    if (tile_ == nullptr || tile_->n_sites() == 0) return absl::OkStatus();
    MissingInChunk(std::min(site_, tile_->n_sites() - 1), missing);
    return base_.status();
  }
  Result<std::vector<genomics::CalledRun>> Called() const override {
    std::vector<genomics::CalledRun> called;
    if (tile_ == nullptr) return called;
    GF_ASSIGN(const auto runs, tile_->Called());
    for (const genomics::CoverageRun& run : runs)
      called.push_back({run.row, start_ + run.begin, start_ + run.end, run.haploid});
    return called;
  }

 private:
  bool AtEnd() const { return tile_ == nullptr || site_ >= tile_->n_sites(); }
  void Describe() {
    if (AtEnd()) return;
    site_variant_.pos = tile_->positions()[site_];
    site_variant_.ref = tile_->ref(site_);
    site_variant_.alt = tile_->alt(site_);
  }
  Run RunAt(std::uint32_t i) {
    Run run;
    std::memcpy(&run, runs_.Get(sizeof run * std::uint64_t{i}, sizeof run), sizeof run);
    return run;
  }
  // What each site does to which gene.
  void ListEffects() {
    effects_.assign(tile_->n_sites(), {});
    const auto units = tile_->Column<Unit>(Section::kUnits);
    const auto unit = tile_->Column<std::uint32_t>(Section::kUnit);
    const auto consequences = tile_->Column<std::uint8_t>(Section::kConsequence);
    for (std::uint32_t site = 0; site < tile_->n_sites(); ++site) {
      if (const std::uint32_t name = units[unit[site]].name; name != kNone)
        effects_[site].push_back(
            {std::string(tile_->Name(name)), static_cast<Consequence>(consequences[site])});
    }
    const auto secondary = tile_->Column<Secondary>(Section::kSecondary);
    for (std::uint32_t i = 0; i + 1 < units.size(); ++i) {
      for (std::uint32_t j = units[i].first_secondary; j < units[i + 1].first_secondary; ++j)
        effects_[secondary[j].site].push_back(
            {std::string(tile_->Name(units[i].name)),
             static_cast<Consequence>(secondary[j].consequence)});
    }
    // Which gene a change is of is not kept: each goes to the first effect without one.
    for (const Change& change : tile_->Column<Change>(Section::kChanges)) {
      for (Effect& effect : effects_[change.site]) {
        if (!effect.change.empty()) continue;
        effect.change = tile_->Name(change.text);
        break;
      }
    }
  }
  void AppendRows(const RowSet& set, std::vector<std::uint32_t>& out) {
    const std::uint32_t n_rows = tile_->header().n_rows;
    const std::uint64_t at = set.begin(n_rows);
    const std::uint64_t size = set.size(n_rows);
    if (set.count == 0) return;
    switch (set.form) {
      case Form::kRows: {
        const auto* rows = reinterpret_cast<const std::uint32_t*>(ids_.Get(at, size));
        out.insert(out.end(), rows, rows + set.count);
        break;
      }
      case Form::kPages:
        ForEachInPages(reinterpret_cast<const std::uint8_t*>(pages_.Get(at, size)),
                       PageCount(n_rows), [&](std::uint32_t row) { out.push_back(row); });
        break;
      case Form::kBitset:
        AppendBits(bitsets_.Get(at, size), out);
        break;
    }
  }
  void AppendBits(const std::byte* bytes, std::vector<std::uint32_t>& out) const {
    const auto* words = reinterpret_cast<const std::uint64_t*>(bytes);
    for (std::uint64_t i = 0; i < BitsetWords(tile_->header().n_rows); ++i) {
      for (std::uint64_t word = words[i]; word != 0; word &= word - 1)
        out.push_back(
            static_cast<std::uint32_t>(64 * i + static_cast<std::uint64_t>(std::countr_zero(word))));
    }
  }
  void MissingInChunk(std::uint32_t site, std::array<std::vector<std::uint32_t>, 2>& missing) {
    const Chunk& chunk = tile_->Column<Chunk>(Section::kChunks)[site / kChunkSites];
    const std::uint64_t size = 8 * BitsetWords(tile_->header().n_rows);
    for (std::size_t i = 0; i < 2; ++i) {
      if (chunk.base[i] != kNone) AppendBits(base_.Get(size * chunk.base[i], size), missing[i]);
    }
  }

  const Segment& segment_;
  const Tile* tile_ = nullptr;
  std::int64_t start_ = 0;
  std::uint32_t site_ = 0;
  Variant site_variant_;
  std::vector<std::vector<Effect>> effects_;  // by site
  RowSource ids_, pages_, bitsets_, runs_, base_;
  std::uint32_t next_run_ = 0;
  std::vector<Run> open_;
};

// Rows that lack one or two alleles, from site to site, as runs.
class MissingRuns {
 public:
  explicit MissingRuns(std::uint32_t n_rows) {
    for (auto* sets : {&now_, &before_}) sets->fill(Bitmap(n_rows));
    for (auto& first : first_) first.resize(n_rows);
  }
  void Clear() {
    for (Bitmap& set : now_) std::ranges::fill(set.mutable_words(), 0);
  }
  void Set(std::uint32_t row, std::size_t missing) {
    now_[2 - missing].Clear(row);
    now_[missing - 1].Set(row);
  }
  void SetCalled(std::uint32_t row) {
    for (Bitmap& set : now_) set.Clear(row);
  }
  // All of them lack both alleles.
  void SetAll(const Bitmap& rows) { now_[1].Or(rows); }
  // Of all sites, so in one pass over the words of each set.
  Status Advance(std::uint32_t site, TileBuilder& builder) {
    for (std::uint32_t missing = 1; missing <= 2; ++missing) {
      const auto now = now_[missing - 1].words();
      const auto before = before_[missing - 1].words();
      std::vector<std::uint32_t>& first = first_[missing - 1];
      for (std::size_t i = 0; i < now.size(); ++i) {
        const std::uint64_t changed = now[i] ^ before[i];
        if (changed == 0) continue;
        for (std::uint64_t ended = changed & before[i]; ended != 0; ended &= ended - 1) {
          const std::uint32_t row = RowAt(i, ended);
          GF_TRY(builder.AddRun(row, first[row], site - 1, missing));
        }
        for (std::uint64_t begun = changed & now[i]; begun != 0; begun &= begun - 1)
          first[RowAt(i, begun)] = site;
      }
    }
    std::swap(before_, now_);
    return absl::OkStatus();
  }

 private:
  static std::uint32_t RowAt(std::size_t word, std::uint64_t bits) {
    return static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
  }
  // Of rows that lack one allele, and two.
  std::array<Bitmap, 2> now_, before_;
  std::array<std::vector<std::uint32_t>, 2> first_;  // by row: the site where its run began
};

class Compaction {
 public:
  Compaction(std::vector<std::unique_ptr<Source>> sources, const Bitmap& live,
             const Annotations* annotations, const SegmentInfo& info)
      : sources_(std::move(sources)),
        annotations_(annotations),
        info_(info),
        n_rows_(info.n_people) {
    std::uint32_t old = 0, fresh = 0;
    for (const auto& source : sources_) {
      std::vector<std::uint32_t>& rows = rows_.emplace_back();
      Bitmap& all = all_.emplace_back(n_rows_);
      for (std::uint32_t row = 0; row < source->n_people(); ++row, ++old) {
        rows.push_back(live.Test(old) ? fresh++ : kNone);
        if (rows.back() != kNone) all.Set(rows.back());
      }
    }
  }

  Status WriteTile(const Context& ctx, const std::string& contig, std::uint32_t tile,
                   SegmentWriter& writer) {
    std::vector<CoverageSweep> coverage;
    genomics::CoverageWriter called;
    bool anybody = false;
    const std::int64_t start = std::int64_t{tile} * kTileBases;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      GF_TRY(sources_[i]->Enter(contig, tile));
      GF_ASSIGN(auto runs, sources_[i]->Called());
      for (const genomics::CalledRun& run : runs) {
        if (rows_[i][run.row] == kNone) continue;
        anybody = true;
        called.Add({rows_[i][run.row], static_cast<std::uint32_t>(run.begin - start),
                    static_cast<std::uint32_t>(run.end - start), run.haploid});
      }
      coverage.emplace_back(std::move(runs));
    }
    TileBuilder builder(tile, n_rows_);
    MissingRuns missing(n_rows_);
    while (true) {
      const Variant* first = nullptr;
      for (const auto& source : sources_) {
        const Variant* here = source->Peek();
        if (here != nullptr && (first == nullptr || *here < *first)) first = here;
      }
      if (first == nullptr) break;
      GF_TRY(ctx.Alive());
      const Variant variant = *first;
      GF_TRY(WriteSite(variant, coverage, missing, builder));
    }
    missing.Clear();
    GF_TRY(missing.Advance(builder.n_sites(), builder));
    if (anybody) builder.SetCalled(called.Encode(n_rows_));
    return writer.Add(contig, tile, builder);
  }

 private:
  Status WriteSite(const Variant& variant, std::vector<CoverageSweep>& coverage,
                   MissingRuns& missing, TileBuilder& builder) {
    for (auto& rows : sets_) rows.clear();
    missing.Clear();
    Annotations::Entry own;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const std::vector<std::uint32_t>& rows = rows_[i];
      site_.Clear();
      const Variant* here = sources_[i]->Peek();
      if (here != nullptr && *here == variant) {
        GF_TRY(sources_[i]->Take(site_, own));
        for (std::size_t kind = 0; kind < kKinds; ++kind) {
          for (const std::uint32_t row : site_.carriers[kind]) {
            if (rows[row] != kNone) sets_[kind].push_back(rows[row]);
          }
        }
      } else if (info_.unlisted == Unlisted::kIsReference) {
        GF_TRY(sources_[i]->Unlisted(site_.missing));
      } else {
        missing.SetAll(all_[i]);
        coverage[i].At(variant.pos, [&](std::uint32_t row, bool haploid) {
          if (rows[row] == kNone) return;
          haploid ? missing.Set(rows[row], 1) : missing.SetCalled(rows[row]);
        });
      }
      for (std::size_t alleles = 1; alleles <= 2; ++alleles) {
        for (const std::uint32_t row : site_.missing[alleles - 1]) {
          if (rows[row] != kNone) missing.Set(rows[row], alleles);
        }
      }
    }
    GF_TRY(missing.Advance(builder.n_sites(), builder));
    static const Annotations::Entry kNothing;
    const Annotations::Entry* entry = &own;
    if (annotations_ != nullptr) {
      entry = annotations_->Find(variant);
      if (entry == nullptr) entry = &kNothing;
    } else if (info_.frequencies.empty()) {
      own.frequency.reset();
    }
    return builder.Add({static_cast<std::uint32_t>(variant.pos), variant.ref, variant.alt,
                        entry->frequency, entry->effects},
                       {sets_[0], {}}, {sets_[1], {}}, {sets_[2], {}});
  }

  const std::vector<std::unique_ptr<Source>> sources_;
  const Annotations* annotations_;
  const SegmentInfo info_;
  std::uint32_t n_rows_;
  std::vector<std::vector<std::uint32_t>> rows_;  // by input and its row: the new row, or kNone
  std::vector<Bitmap> all_;                       // new rows of each input
  std::array<std::vector<std::uint32_t>, kKinds> sets_;
  SiteRows site_;
};

Status Mismatch(std::string_view why) {
  return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH", "{}", why);
}

std::string_view OrNothing(std::string_view text) {
  return text == "." ? std::string_view() : text;
}

}  // namespace

Result<Annotations> Annotations::Read(const std::filesystem::path& path,
                                      const std::function<bool(const Variant&)>& wanted) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(StatusCode::kNotFound, "FILE_FAILED", "cannot read {}", path.string());
  Annotations annotations;
  std::string text;
  genomics::Sha256Stream digest;
  bool frequencies = false;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    digest.Add(text);
    digest.Add("\n");
    if (text.empty() || text[0] == '#') continue;
    const auto columns = Split(text, '\t');
    if (columns.size() != 7 && columns.size() != 8)
      return LineInvalid(number, "not seven or eight columns");
    const auto contig = genomics::NormaliseContig(columns[0]);
    const auto position = ParseInt(columns[1]);
    if (!contig.ok() || !position.ok() || *position < 1) return LineInvalid(number, "the position");
    const Variant variant{*contig, *position - 1, genomics::UpperBases(columns[2]),
                          genomics::UpperBases(columns[3])};
    if (!genomics::CheckVariant(variant).ok())
      return LineInvalid(number, "REF or ALT; records have one ALT each (bcftools norm -m-any)");
    Entry ignored;
    Entry& entry = !wanted || wanted(variant) ? annotations.entries_[variant] : ignored;
    if (columns[4] != ".") {
      double frequency = 0;
      const char* end = columns[4].data() + columns[4].size();
      const auto parsed = std::from_chars(columns[4].data(), end, frequency);
      if (parsed.ec != std::errc() || parsed.ptr != end || !(frequency >= 0 && frequency <= 1))
        return LineInvalid(number, "the frequency is not a number from 0 to 1");
      entry.frequency = frequency;
      frequencies = true;
    }
    if (columns[5] == "." || columns[5].empty()) continue;
    if (columns[5].size() > 255) return LineInvalid(number, "the gene's name is too long");
    const Consequence consequence = MostSevere(columns[6]);
    std::string change;
    if (columns.size() == 8) change = genomics::NormaliseAminoAcidChange(OrNothing(columns[7]));
    if (change.size() > 255) return LineInvalid(number, "the change of the protein is too long");
    const auto known =
        std::find_if(entry.effects.begin(), entry.effects.end(),
                     [&](const Effect& effect) { return effect.gene == columns[5]; });
    if (known == entry.effects.end()) {
      entry.effects.push_back({std::string(columns[5]), consequence, std::move(change)});
    } else if (consequence < known->consequence || known->change.empty()) {
      known->consequence = std::min(known->consequence, consequence);
      if (!change.empty()) known->change = std::move(change);
    }
  }
  if (in.bad()) return Error(StatusCode::kNotFound, "FILE_FAILED", "cannot read {}", path.string());
  if (frequencies) annotations.frequencies_ = digest.FinishHex().substr(0, 16);
  return annotations;
}

const Annotations::Entry* Annotations::Find(const Variant& variant) const {
  const auto found = entries_.find(variant);
  return found == entries_.end() ? nullptr : &found->second;
}

Result<CompactReport> Compact(const Context& ctx, std::span<const CompactInput> inputs,
                              const Bitmap& live, const Annotations* annotations,
                              const std::string& frequencies, const std::filesystem::path& dir) {
  if (inputs.empty()) return Mismatch("nothing to compact");
  std::vector<std::unique_ptr<Source>> sources;
  for (const CompactInput& input : inputs) {
    if (const auto* index = std::get_if<const CohortIndex*>(&input))
      sources.push_back(std::make_unique<IndexSource>(**index));
    else
      sources.push_back(std::make_unique<SegmentSource>(*std::get<const Segment*>(input)));
  }
  SegmentInfo info = sources.front()->info();
  std::uint64_t n_people = 0;
  std::set<std::pair<std::string, std::uint32_t>> tiles;
  for (const auto& source : sources) {
    const SegmentInfo own = source->info();
    if (own.assembly != info.assembly) return Mismatch("the segments have different assemblies");
    if (own.unlisted != info.unlisted)
      return Mismatch("what a segment does not list has different meanings");
    if (own.frequencies != info.frequencies) info.frequencies.clear();
    if (own.dataset != info.dataset) return Mismatch("the segments are of different datasets");
    info.version = own.version;
    n_people += source->n_people();
    source->ListTiles(tiles);
  }
  if (live.size() != n_people)
    return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
                 "who may be counted is of {} people, the segments of {}", live.size(), n_people);
  if (annotations != nullptr) info.frequencies = frequencies;
  info.n_people = static_cast<std::uint32_t>(live.Count());
  CompactReport report;
  report.people = info.n_people;
  report.dropped = static_cast<std::uint32_t>(n_people) - report.people;
  GF_ASSIGN(auto writer, SegmentWriter::Create(dir, info));
  Compaction compaction(std::move(sources), live, annotations, info);
  for (const auto& [contig, tile] : tiles) GF_TRY(compaction.WriteTile(ctx, contig, tile, writer));
  report.sites = writer.n_sites();
  GF_ASSIGN(report.sha256, writer.Finish());
  return report;
}

}  // namespace genofed::cohort
