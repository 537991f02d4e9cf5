// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/segment_join.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <unordered_map>

#include "libs/genomics/tile_file.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

// Kinds of spilled records. Runs: the number of called alleles. Alleles: as RowSetKind, or called
// with two other alleles; then their lengths and letters.
constexpr std::uint8_t kAlleleRecord = 16;
constexpr std::size_t kOtherAlleles = kRowSetKinds;

template <typename T>
void Put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T Get(std::string_view& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::uint64_t PackedBin(const Spill::BinKey& key) {
  return std::uint64_t{key.contig} << 32 | static_cast<std::uint32_t>(key.bin);
}

// One bin in memory.
struct AlleleRow {
  std::uint32_t pos = 0;
  std::uint32_t allele = 0;
  std::uint32_t row = 0;
  std::size_t kind = 0;

  auto Key() const { return std::tuple(pos, allele, row); }
};
struct CalledRun {
  std::uint32_t row = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  int called = 0;
};
struct BinContent {
  std::vector<AlleleRow> alleles;           // sorted, each row once for an allele
  std::vector<std::string_view> allele_of;  // PoolEntry form: lengths, REF, ALT
  std::vector<CalledRun> runs;              // by begin
};

BinContent Parse(std::string_view bytes) {
  BinContent bin;
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  while (!bytes.empty()) {
    auto kind = Get<std::uint8_t>(bytes);
    auto row = Get<std::uint32_t>(bytes);
    auto pos = Get<std::uint32_t>(bytes);
    if (kind < kAlleleRecord) {
      bin.runs.push_back({row, pos, Get<std::uint32_t>(bytes), kind});
      continue;
    }
    std::string_view allele = bytes.substr(0, 4 + PoolLength(bytes, 0) + PoolLength(bytes, 1));
    bytes.remove_prefix(allele.size());
    auto [number, fresh] =
        numbers.try_emplace(allele, static_cast<std::uint32_t>(bin.allele_of.size()));
    if (fresh) bin.allele_of.push_back(allele);
    bin.alleles.push_back({pos, number->second, row, std::size_t{kind} - kAlleleRecord});
  }
  std::stable_sort(bin.alleles.begin(), bin.alleles.end(),
                   [](const auto& a, const auto& b) { return a.Key() < b.Key(); });
  auto end = std::unique(bin.alleles.begin(), bin.alleles.end(),
                         [](const auto& a, const auto& b) { return a.Key() == b.Key(); });
  bin.alleles.erase(end, bin.alleles.end());
  std::stable_sort(bin.runs.begin(), bin.runs.end(),
                   [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return bin;
}

// Who is called with fewer than two alleles at a position that moves to the right.
class CalledSweep {
 public:
  CalledSweep(const std::vector<CalledRun>& runs, const JoinDefaults& defaults,
              std::string_view contig)
      : runs_(runs),
        defaults_(defaults),
        until_(defaults.has_blocks.size()),
        not_called_(defaults.has_blocks.size()),
        single_(defaults.has_blocks.size()) {
    if (defaults.absent == AbsentSite::kIsReference)
      absent_ = contig == "MT" ? 1 : contig == "Y" ? 0 : 2;
    for (std::uint32_t row = 0; row < until_.size(); ++row) Update(row, 0);
    for (const CalledRun& run : runs) ends_.emplace_back(run.end, run.row);
    std::sort(ends_.begin(), ends_.end());
  }

  void MoveTo(std::uint32_t pos) {
    for (; next_ < runs_.size() && runs_[next_].begin <= pos; ++next_) {
      const CalledRun& run = runs_[next_];
      std::uint32_t& until = until_[run.row][static_cast<std::size_t>(run.called)];
      until = std::max(until, run.end);
      Update(run.row, pos);
    }
    for (; next_end_ < ends_.size() && ends_[next_end_].first <= pos; ++next_end_)
      Update(ends_[next_end_].second, pos);
  }
  const Bitmap& not_called() const { return not_called_; }
  const Bitmap& single() const { return single_; }

 private:
  // Where records of one person overlap, the one with more called alleles holds.
  void Update(std::uint32_t row, std::uint32_t pos) {
    int called = defaults_.has_blocks[row] ? 0 : absent_;
    for (int n = 0; n <= 2; ++n) {
      if (until_[row][static_cast<std::size_t>(n)] > pos) called = n;
    }
    called == 0 ? not_called_.Set(row) : not_called_.Clear(row);
    called == 1 ? single_.Set(row) : single_.Clear(row);
  }

  const std::vector<CalledRun>& runs_;
  const JoinDefaults& defaults_;
  int absent_ = 0;
  std::vector<std::array<std::uint32_t, 3>>
      until_;  // by row and called alleles: end of runs so far
  Bitmap not_called_;
  Bitmap single_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ends_;  // of runs, with their rows
  std::size_t next_ = 0;
  std::size_t next_end_ = 0;
};

// The rows of `listed` of one kind, and those of `others` that no record of the allele lists.
void Fill(std::span<const AlleleRow> listed, RowSetKind kind, const Bitmap* others,
          std::vector<std::uint32_t>& rows) {
  rows.clear();
  for (const AlleleRow& row : listed) {
    if (row.kind == static_cast<std::size_t>(kind)) rows.push_back(row.row);
  }
  if (others == nullptr) return;
  auto middle = static_cast<std::ptrdiff_t>(rows.size());
  auto next = listed.begin();
  others->ForEach([&](std::uint32_t row) {
    while (next != listed.end() && next->row < row) ++next;
    if (next == listed.end() || next->row != row) rows.push_back(row);
  });
  std::inplace_merge(rows.begin(), rows.begin() + middle, rows.end());
}

// The genotypes that the sets of one allele stand for, as far as this allele tells them.
void CallsOf(const CarrierSets& sets, std::vector<Call>& calls) {
  calls.clear();
  auto add = [&](const std::vector<std::uint32_t>& rows, std::int8_t first, std::int8_t second) {
    for (std::uint32_t row : rows) calls.push_back({row, first, second});
  };
  add(sets.het, 0, 1);
  add(sets.hom, 1, 1);
  add(sets.hemi, 1, kAlleleAbsent);
  add(sets.single, 0, kAlleleAbsent);
  add(sets.nocall, kAlleleMissing, kAlleleMissing);
  std::sort(calls.begin(), calls.end(),
            [](const Call& a, const Call& b) { return a.index < b.index; });
}

class BinJoiner {
 public:
  BinJoiner(const JoinDefaults& defaults, SegmentBuilder& builder,
            std::span<SiteConsumer* const> stages)
      : defaults_(defaults), builder_(builder), stages_(stages) {}

  Status Join(const std::string& contig, std::string_view bytes) {
    BinContent bin = Parse(bytes);
    for (const CalledRun& run : bin.runs) {
      if (run.called > 0 && defaults_.has_blocks[run.row])
        GF_TRY(builder_.AddCoverage(contig, run.row, run.begin, run.end, run.called == 1));
    }
    CalledSweep sweep(bin.runs, defaults_, contig);
    allele_.variant.contig = contig;
    for (auto at = bin.alleles.begin(); at != bin.alleles.end();) {
      auto end = std::find_if(at, bin.alleles.end(), [&](const AlleleRow& row) {
        return row.pos != at->pos || row.allele != at->allele;
      });
      sweep.MoveTo(at->pos);
      GF_TRY(AddSite({at, end}, bin.allele_of[at->allele], sweep));
      at = end;
    }
    return absl::OkStatus();
  }

 private:
  Status AddSite(std::span<const AlleleRow> listed, std::string_view allele,
                 const CalledSweep& sweep) {
    allele_.variant.pos = listed.front().pos;
    allele_.variant.ref = RefOf(allele);
    allele_.variant.alt = AltOf(allele);
    CarrierSets& sets = allele_.carriers;
    Fill(listed, RowSetKind::kHet, nullptr, sets.het);
    Fill(listed, RowSetKind::kHom, nullptr, sets.hom);
    Fill(listed, RowSetKind::kHemi, nullptr, sets.hemi);
    Fill(listed, RowSetKind::kSingle, &sweep.single(), sets.single);
    Fill(listed, RowSetKind::kNocall, &sweep.not_called(), sets.nocall);
    GF_TRY(builder_.Add(allele_.variant, sets));
    if (stages_.empty()) return absl::OkStatus();
    record_.contig = allele_.variant.contig;
    record_.pos = allele_.variant.pos;
    record_.ref = allele_.variant.ref;
    record_.alts.assign(1, allele_.variant.alt);
    record_.end = allele_.variant.end();
    CallsOf(sets, calls_);
    std::uint64_t an = 2 * builder_.info().n_people - sets.hemi.size() - sets.single.size() -
                       2 * sets.nocall.size();
    SiteCall site{record_, calls_, an, {&allele_, 1}};
    for (SiteConsumer* stage : stages_) GF_TRY(stage->Take(site));
    return absl::OkStatus();
  }

  const JoinDefaults& defaults_;
  SegmentBuilder& builder_;
  std::span<SiteConsumer* const> stages_;
  AlleleCall allele_;
  ScannedRecord record_;
  std::vector<Call> calls_;
};

}  // namespace

Result<std::unique_ptr<Spill>> Spill::Create(const std::filesystem::path& path) {
  GF_ASSIGN(auto file, SpillFile::Create(path));
  return std::unique_ptr<Spill>(new Spill(std::move(file)));
}

std::size_t Spill::ContigNumber(std::string_view contig) {
  auto [found, fresh] = numbers_.try_emplace(std::string(contig), contigs_.size());
  if (fresh) contigs_.emplace_back(contig);
  return found->second;
}

Status Spill::Append(const BinKey& key, std::string_view bytes) {
  return file_->Append(PackedBin(key), bytes);
}

std::vector<Spill::BinKey> Spill::Bins() const {
  std::vector<BinKey> keys;
  for (const std::uint64_t packed : file_->Bins())
    keys.push_back({packed >> 32, static_cast<std::int64_t>(packed & 0xffffffff)});
  return keys;
}

Result<std::string> Spill::Read(const BinKey& key) const { return file_->Read(PackedBin(key)); }

Status SpillStage::Take(const SiteCall& site) {
  if (options_.pass_only && !site.record.passed) {
    ++filtered_;
    return absl::OkStatus();
  }
  if (site.record.contig != contig_) {
    GF_TRY(Finish());
    contig_ = site.record.contig;
    contig_number_ = spill_.ContigNumber(contig_);
  }
  has_blocks_ = has_blocks_ || site.record.is_reference_block || site.record.has_unspecified;
  auto call = site.calls.begin();
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    int called = 2;
    if (call != site.calls.end() && call->index == row) called = (call++)->called();
    GF_TRY(AddRun(row, site.record.pos, site.record.end, called));
  }
  for (const AlleleCall& allele : site.alleles) {
    GF_TRY(WriteAllele(allele));
    if (allele.variant.pos == site.record.pos) continue;
    // Left-alignment moved it out of the run: those who were called without it are told apart.
    const CarrierSets& sets = allele.carriers;
    std::vector<bool> told(rows_.size());
    for (const auto* rows : {&sets.het, &sets.hom, &sets.hemi, &sets.single, &sets.nocall}) {
      for (std::uint32_t row : *rows) told[row] = true;
    }
    for (std::uint32_t row = 0; row < rows_.size(); ++row) {
      if (!told[row]) GF_TRY(WriteRow(allele.variant, kOtherAlleles, row));
    }
  }
  return absl::OkStatus();
}

Status SpillStage::AddRun(std::size_t row, std::int64_t begin, std::int64_t end, int called) {
  Run& run = runs_[row];
  if (run.end >= begin && run.called == called && run.end > 0) {
    run.end = std::max(run.end, end);
    return absl::OkStatus();
  }
  GF_TRY(WriteRun(row));
  run = {begin, end, called};
  return absl::OkStatus();
}

Status SpillStage::WriteRun(std::size_t row) {
  const Run& run = runs_[row];
  for (std::int64_t begin = run.begin; begin < run.end;) {
    std::int64_t bin = begin / Spill::kBinBases;
    std::int64_t stop = std::min(run.end, (bin + 1) * Spill::kBinBases);
    std::string bytes;
    Put(bytes, static_cast<std::uint8_t>(run.called));
    Put(bytes, rows_[row]);
    Put(bytes, static_cast<std::uint32_t>(begin));
    Put(bytes, static_cast<std::uint32_t>(stop));
    GF_TRY(spill_.Append({contig_number_, bin}, bytes));
    begin = stop;
  }
  return absl::OkStatus();
}

Status SpillStage::WriteAllele(const AlleleCall& allele) {
  const CarrierSets& sets = allele.carriers;
  const std::vector<std::uint32_t>* kinds[kRowSetKinds] = {&sets.het, &sets.hom, &sets.hemi,
                                                           &sets.single, &sets.nocall};
  // A site that nobody of the file carries is a site of the cohort all the same.
  for (std::size_t kind = 0; kind < kRowSetKinds; ++kind) {
    for (std::uint32_t row : *kinds[kind]) GF_TRY(WriteRow(allele.variant, kind, row));
  }
  if (std::all_of(std::begin(kinds), std::end(kinds),
                  [](const auto* rows) { return rows->empty(); }))
    return WriteRow(allele.variant, kOtherAlleles, 0);
  return absl::OkStatus();
}

Status SpillStage::WriteRow(const Variant& variant, std::size_t kind, std::uint32_t row) {
  std::string bytes;
  Put(bytes, static_cast<std::uint8_t>(kAlleleRecord + kind));
  Put(bytes, rows_[row]);
  Put(bytes, static_cast<std::uint32_t>(variant.pos));
  Put(bytes, static_cast<std::uint16_t>(variant.ref.size()));
  Put(bytes, static_cast<std::uint16_t>(variant.alt.size()));
  bytes.append(variant.ref).append(variant.alt);
  return spill_.Append({contig_number_, variant.pos / Spill::kBinBases}, bytes);
}

Status SpillStage::Finish() {
  for (std::size_t row = 0; row < runs_.size(); ++row) {
    GF_TRY(WriteRun(row));
    runs_[row] = {};
  }
  return absl::OkStatus();
}

Status JoinSpill(const Spill& spill, const JoinDefaults& defaults, SegmentBuilder& builder,
                 std::span<SiteConsumer* const> stages) {
  BinJoiner joiner(defaults, builder, stages);
  for (const Spill::BinKey& key : spill.Bins()) {
    GF_ASSIGN(std::string bytes, spill.Read(key));
    GF_TRY(joiner.Join(spill.contigs()[key.contig], bytes));
  }
  return absl::OkStatus();
}

}  // namespace genofed::genomics
