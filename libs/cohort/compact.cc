// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/compact.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <fstream>
#include <set>
#include <tuple>

#include "libs/core/strings.h"

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

// Rows that lack one or two alleles, from site to site, as runs.
class MissingRuns {
 public:
  explicit MissingRuns(std::uint32_t n_rows) : first_(n_rows) {
    for (auto* sets : {&now_, &before_}) sets->fill(Bitmap(n_rows));
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
  Status Advance(std::uint32_t site, TileBuilder& builder) {
    for (std::uint32_t missing = 1; missing <= 2; ++missing) {
      const auto now = now_[missing - 1].words();
      const auto before = before_[missing - 1].words();
      for (std::size_t i = 0; i < now.size(); ++i) {
        for (std::uint64_t ended = before[i] & ~now[i]; ended != 0; ended &= ended - 1) {
          const std::uint32_t row = RowAt(i, ended);
          GF_TRY(builder.AddRun(row, first_[row], site - 1, missing));
        }
      }
    }
    for (std::size_t which = 0; which < 2; ++which) {
      const auto now = now_[which].words();
      const auto before = before_[which].words();
      for (std::size_t i = 0; i < now.size(); ++i) {
        for (std::uint64_t begun = now[i] & ~before[i]; begun != 0; begun &= begun - 1)
          first_[RowAt(i, begun)] = site;
      }
    }
    before_ = now_;
    return absl::OkStatus();
  }

 private:
  static std::uint32_t RowAt(std::size_t word, std::uint64_t bits) {
    return static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
  }
  std::array<Bitmap, 2> now_, before_;  // rows that lack one allele, and two
  std::vector<std::uint32_t> first_;    // by row: the site where its run began
};

class Compaction {
 public:
  Compaction(std::span<const CohortIndex* const> inputs, const Bitmap& live,
             const Annotations& annotations)
      : inputs_(inputs),
        annotations_(annotations),
        n_rows_(static_cast<std::uint32_t>(live.Count())) {
    std::uint32_t old = 0, fresh = 0;
    for (const CohortIndex* input : inputs_) {
      std::vector<std::uint32_t>& rows = rows_.emplace_back();
      Bitmap& all = all_.emplace_back(n_rows_);
      for (std::uint32_t row = 0; row < input->info().n_people; ++row, ++old) {
        rows.push_back(live.Test(old) ? fresh++ : kNone);
        if (rows.back() != kNone) all.Set(rows.back());
      }
    }
  }

  Status WriteTile(const Context& ctx, const std::string& contig, std::uint32_t tile,
                   SegmentWriter& writer) {
    const std::int64_t start = std::int64_t{tile} * kTileBases;
    // The sites of each input, and where we are in them.
    std::vector<std::vector<SiteHit>> hits;
    std::vector<std::size_t> next(inputs_.size());
    std::vector<CoverageSweep> coverage;
    for (const CohortIndex* input : inputs_) {
      GF_ASSIGN(auto found,
                input->FindRange({contig, start, start + kTileBases, {}, {}, SIZE_MAX}));
      // Deletions that reach into the tile belong to the one before.
      std::erase_if(found, [&](const SiteHit& hit) { return hit.variant.pos < start; });
      hits.push_back(std::move(found));
      coverage.emplace_back(input->CalledRunsAround(contig, start));
    }
    TileBuilder builder(tile, n_rows_);
    MissingRuns missing(n_rows_);
    while (true) {
      const Variant* first = nullptr;
      for (std::size_t i = 0; i < hits.size(); ++i) {
        if (next[i] < hits[i].size() && (first == nullptr || hits[i][next[i]].variant < *first))
          first = &hits[i][next[i]].variant;
      }
      if (first == nullptr) break;
      GF_TRY(ctx.Alive());
      const Variant variant = *first;
      GF_TRY(WriteSite(variant, hits, next, coverage, missing, builder));
    }
    missing.Clear();
    GF_TRY(missing.Advance(builder.n_sites(), builder));
    return writer.Add(contig, tile, builder);
  }

 private:
  Status WriteSite(const Variant& variant, const std::vector<std::vector<SiteHit>>& hits,
                   std::vector<std::size_t>& next, std::vector<CoverageSweep>& coverage,
                   MissingRuns& missing, TileBuilder& builder) {
    for (auto& rows : sets_) rows.clear();
    missing.Clear();
    for (std::size_t i = 0; i < hits.size(); ++i) {
      const std::vector<std::uint32_t>& rows = rows_[i];
      if (next[i] < hits[i].size() && hits[i][next[i]].variant == variant) {
        const SiteHit& hit = hits[i][next[i]++];
        auto for_each = [&](const genomics::RowSet& set, auto visit) {
          for (const std::uint32_t row : set.ToRows()) {
            if (rows[row] != kNone) visit(rows[row]);
          }
        };
        const genomics::RowSet* carriers[] = {&hit.het, &hit.hom, &hit.hemi};
        for (std::size_t kind = 0; kind < kKinds; ++kind)
          for_each(*carriers[kind], [&](std::uint32_t row) { sets_[kind].push_back(row); });
        for_each(hit.hemi, [&](std::uint32_t row) { missing.Set(row, 1); });
        for_each(hit.single, [&](std::uint32_t row) { missing.Set(row, 1); });
        for_each(hit.nocall, [&](std::uint32_t row) { missing.Set(row, 2); });
        continue;
      }
      missing.SetAll(all_[i]);
      coverage[i].At(variant.pos, [&](std::uint32_t row, bool haploid) {
        if (rows[row] == kNone) return;
        haploid ? missing.Set(rows[row], 1) : missing.SetCalled(rows[row]);
      });
    }
    GF_TRY(missing.Advance(builder.n_sites(), builder));
    static const Annotations::Entry kNothing;
    const Annotations::Entry* entry = annotations_.Find(variant);
    if (entry == nullptr) entry = &kNothing;
    return builder.Add({static_cast<std::uint32_t>(variant.pos), variant.ref, variant.alt,
                        entry->frequency, entry->effects},
                       {sets_[0], {}}, {sets_[1], {}}, {sets_[2], {}});
  }

  std::span<const CohortIndex* const> inputs_;
  const Annotations& annotations_;
  std::uint32_t n_rows_;
  std::vector<std::vector<std::uint32_t>> rows_;  // by input and its row: the new row, or kNone
  std::vector<Bitmap> all_;                       // new rows of each input
  std::array<std::vector<std::uint32_t>, kKinds> sets_;
};

}  // namespace

Result<Annotations> Annotations::Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(StatusCode::kNotFound, "FILE_FAILED", "cannot read {}", path.string());
  Annotations annotations;
  std::string text;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    if (text.empty() || text[0] == '#') continue;
    const auto columns = Split(text, '\t');
    if (columns.size() != 7) return LineInvalid(number, "not seven columns");
    const auto contig = genomics::NormaliseContig(columns[0]);
    const auto position = ParseInt(columns[1]);
    if (!contig.ok() || !position.ok() || *position < 1) return LineInvalid(number, "the position");
    const Variant variant{*contig, *position - 1, genomics::UpperBases(columns[2]),
                          genomics::UpperBases(columns[3])};
    if (!genomics::CheckVariant(variant).ok())
      return LineInvalid(number, "REF or ALT; records have one ALT each (bcftools norm -m-any)");
    Entry& entry = annotations.entries_[variant];
    if (columns[4] != ".") {
      double frequency = 0;
      const char* end = columns[4].data() + columns[4].size();
      const auto parsed = std::from_chars(columns[4].data(), end, frequency);
      if (parsed.ec != std::errc() || parsed.ptr != end || !(frequency >= 0 && frequency <= 1))
        return LineInvalid(number, "the frequency is not a number from 0 to 1");
      entry.frequency = frequency;
    }
    if (columns[5] == "." || columns[5].empty()) continue;
    if (columns[5].size() > 255) return LineInvalid(number, "the gene's name is too long");
    const Consequence consequence = MostSevere(columns[6]);
    const auto known =
        std::find_if(entry.effects.begin(), entry.effects.end(),
                     [&](const Effect& effect) { return effect.gene == columns[5]; });
    if (known == entry.effects.end())
      entry.effects.push_back({std::string(columns[5]), consequence});
    else
      known->consequence = std::min(known->consequence, consequence);
  }
  return annotations;
}

const Annotations::Entry* Annotations::Find(const Variant& variant) const {
  const auto found = entries_.find(variant);
  return found == entries_.end() ? nullptr : &found->second;
}

Result<CompactReport> Compact(const Context& ctx, std::span<const CohortIndex* const> inputs,
                              const Bitmap& live, const Annotations& annotations,
                              const std::string& frequencies, const std::filesystem::path& dir) {
  if (inputs.empty())
    return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH", "nothing to compact");
  std::uint64_t n_people = 0;
  std::set<std::pair<std::string, std::uint32_t>> tiles;
  for (const CohortIndex* input : inputs) {
    if (input->info().assembly != inputs.front()->info().assembly)
      return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
                   "the segments have different assemblies");
    n_people += input->info().n_people;
    for (const genomics::TileEntry& tile : input->tiles()) tiles.emplace(tile.contig, tile.tile);
  }
  if (live.size() != n_people)
    return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
                 "who may be counted is of {} people, the segments of {}", live.size(), n_people);
  CompactReport report;
  report.people = static_cast<std::uint32_t>(live.Count());
  report.dropped = static_cast<std::uint32_t>(n_people) - report.people;
  GF_ASSIGN(auto writer, SegmentWriter::Create(dir, {inputs.front()->info().assembly, report.people,
                                                     Unlisted::kIsNotCalled, frequencies}));
  Compaction compaction(inputs, live, annotations);
  for (const auto& [contig, tile] : tiles) GF_TRY(compaction.WriteTile(ctx, contig, tile, writer));
  report.sites = writer.n_sites();
  GF_ASSIGN(report.sha256, writer.Finish());
  return report;
}

}  // namespace genofed::cohort
