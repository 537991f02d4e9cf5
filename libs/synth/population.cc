// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/population.h"

#include <htslib/hts.h>
#include <htslib/vcf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <system_error>
#include <tuple>
#include <utility>

#include "libs/cohort/segment.h"
#include "libs/core/file.h"
#include "libs/synth/prng.h"
#include "libs/synth/reference.h"

namespace genofed::synth {
namespace {

namespace fs = std::filesystem;
using cohort::Consequence;
using cohort::Effect;
using cohort::kTileBases;
using cohort::Members;

constexpr double kTheta = 9.5e-4;  // common sites: density θ/x at frequency x
constexpr double kRareEnd = 0.01;  // where the power law ends
constexpr double kRareExponent = 1.65;
constexpr double kRareSites = 0.4;  // per base at a million people; grows as people^0.3
constexpr std::uint32_t kFounders = 256;
constexpr std::uint32_t kBlockBases = 20'000;  // founders change for some haplotypes
constexpr double kRecombined = 0.3;
constexpr std::uint32_t kHomes = 16;  // batches that rare alleles cluster in
constexpr double kAtHome = 0.7;
constexpr double kMissing = 0.003;
constexpr double kRunBases = 1500;
constexpr std::uint32_t kTerms = 17'000;
constexpr std::uint32_t kTermsOfPerson = 10;
constexpr double kWithdrawn = 0.005;
constexpr std::array<double, 4> kPermits = {0.95, 0.9, 0.8, 0.6};
constexpr std::uint32_t kSegmentRows = 512;  // segments end where bitsets do

enum Key : std::uint64_t { kPlaces, kAlleles, kCarriers, kMosaic, kGaps, kTermTree, kPersons };

double Uniform(Stream& random) { return (random.Next32() + 0.5) / 4294967296.0; }

struct PlannedSite {
  std::uint32_t position = 0;
  std::string ref, alt;
  bool common = false;
};

struct Gap {
  std::uint32_t row, begin, end;  // bases
};

// Counts of rare alleles.
class RareCounts {
 public:
  explicit RareCounts(std::uint32_t people) {
    const auto last = static_cast<std::size_t>(2.0 * people * kRareEnd);
    double sum = 0;
    for (std::size_t k = 1; k <= std::max<std::size_t>(last, 1); ++k)
      cumulative_.push_back(sum += std::pow(static_cast<double>(k), -kRareExponent));
    for (double& value : cumulative_) value /= sum;
  }
  std::uint32_t Draw(Stream& random) const {
    const auto found = std::lower_bound(cumulative_.begin(), cumulative_.end(), Uniform(random));
    return static_cast<std::uint32_t>(found - cumulative_.begin()) + 1;
  }

 private:
  std::vector<double> cumulative_;
};

// Alleles of common sites: each haplotype is a founder's, until the next block.
class Mosaic {
 public:
  Mosaic(std::uint64_t seed, std::uint32_t people) : random_(Purpose::kGenotypes, {seed, kMosaic}) {
    founder_.resize(2 * std::size_t{people});
    for (std::uint8_t& founder : founder_)
      founder = static_cast<std::uint8_t>(random_.Below(kFounders));
  }
  void MoveTo(std::uint32_t position) {
    for (; block_ < position / kBlockBases; ++block_) {
      if (block_ == 0) {
        block_ = position / kBlockBases;
        return;
      }
      for (std::uint8_t& founder : founder_) {
        const std::uint64_t draw = random_.Next();
        if (static_cast<double>(draw >> 32) < kRecombined * 4294967296.0)
          founder = static_cast<std::uint8_t>(draw & 0xff);
      }
    }
  }
  void Draw(Stream& random, std::vector<std::uint64_t>& het, std::vector<std::uint64_t>& hom) {
    // The density θ/x is uniform in log x.
    const double frequency = kRareEnd * std::pow(0.99 / kRareEnd, Uniform(random));
    const auto carriers = static_cast<std::size_t>(std::max(1.0, std::ceil(frequency * kFounders)));
    std::vector<std::uint16_t> order(kFounders);
    for (std::uint16_t i = 0; i < kFounders; ++i) order[i] = i;
    random.Shuffle(order);
    std::array<std::uint8_t, kFounders> carries = {};
    for (std::size_t i = 0; i < carriers; ++i) carries[order[i]] = 1;
    const std::size_t people = founder_.size() / 2;
    for (std::size_t word = 0; word * 64 < people; ++word) {
      const std::size_t n = std::min<std::size_t>(64, people - word * 64);
      const std::uint8_t* founder = founder_.data() + 128 * word;
      std::uint64_t one = 0, two = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t a = carries[founder[2 * i]], b = carries[founder[2 * i + 1]];
        one |= (a ^ b) << i;
        two |= (a & b) << i;
      }
      het[word] = one;
      hom[word] = two;
    }
  }

 private:
  Stream random_;
  std::vector<std::uint8_t> founder_;
  std::uint32_t block_ = 0;
};

// Carriers of one site.
struct Carriers {
  std::vector<std::uint32_t> het_rows, hom_rows;  // of rare alleles
  std::vector<std::uint64_t> het_bits, hom_bits;  // of common ones
  bool bits = false;

  Members het() const { return bits ? Members{{}, het_bits} : Members{het_rows, {}}; }
  Members hom() const { return bits ? Members{{}, hom_bits} : Members{hom_rows, {}}; }
};

std::uint64_t CountOf(const Members& members) {
  if (members.bits.empty()) return members.rows.size();
  std::uint64_t count = 0;
  for (const std::uint64_t word : members.bits)
    count += static_cast<std::uint64_t>(std::popcount(word));
  return count;
}

template <typename Visit>
void ForEach(const Members& members, Visit visit) {
  for (const std::uint32_t row : members.rows) visit(row);
  for (std::size_t i = 0; i < members.bits.size(); ++i) {
    for (std::uint64_t word = members.bits[i]; word != 0; word &= word - 1)
      visit(static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
  }
}

// All genotypes as BCF, written with htslib.
class BcfFile {
 public:
  static Result<std::unique_ptr<BcfFile>> Create(const fs::path& path, std::uint32_t people) {
    std::unique_ptr<BcfFile> file(new BcfFile());
    file->file_ = hts_open(path.c_str(), "wb1");
    if (file->file_ == nullptr) return Failed();
    file->header_ = bcf_hdr_init("w");
    file->record_ = bcf_init();
    bcf_hdr_append(file->header_, "##contig=<ID=chr20,length=64444167>");
    bcf_hdr_append(file->header_, "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">");
    for (std::uint32_t row = 0; row < people; ++row)
      bcf_hdr_add_sample(file->header_, fmt::format("P{:07}", row).c_str());
    if (bcf_hdr_sync(file->header_) != 0 || bcf_hdr_write(file->file_, file->header_) != 0)
      return Failed();
    file->genotypes_.resize(2 * std::size_t{people});
    return file;
  }
  ~BcfFile() {
    if (record_ != nullptr) bcf_destroy(record_);
    if (header_ != nullptr) bcf_hdr_destroy(header_);
    if (file_ != nullptr) hts_close(file_);
  }
  Status Write(const PlannedSite& site, const Carriers& carriers,
               const std::vector<std::uint64_t>& missing) {
    std::fill(genotypes_.begin(), genotypes_.end(), bcf_gt_unphased(0));
    ForEach(carriers.het(),
            [&](std::uint32_t row) { genotypes_[2 * std::size_t{row} + 1] = bcf_gt_unphased(1); });
    auto both = [&](int genotype) {
      return [this, genotype](std::uint32_t row) {
        genotypes_[2 * std::size_t{row}] = genotypes_[2 * std::size_t{row} + 1] = genotype;
      };
    };
    ForEach(carriers.hom(), both(bcf_gt_unphased(1)));
    ForEach(Members{{}, missing}, both(bcf_gt_missing));
    bcf_clear(record_);
    record_->rid = 0;
    record_->pos = site.position;
    const char* alleles[] = {site.ref.c_str(), site.alt.c_str()};
    if (bcf_update_alleles(header_, record_, alleles, 2) != 0 ||
        bcf_update_genotypes(header_, record_, genotypes_.data(),
                             static_cast<int>(genotypes_.size())) != 0 ||
        bcf_write(file_, header_, record_) != 0)
      return Failed();
    return absl::OkStatus();
  }
  Status Finish() {
    htsFile* file = file_;
    file_ = nullptr;
    return hts_close(file) == 0 ? absl::OkStatus() : Failed();
  }

 private:
  BcfFile() = default;
  static Status Failed() {
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write the BCF");
  }

  htsFile* file_ = nullptr;
  bcf_hdr_t* header_ = nullptr;
  bcf1_t* record_ = nullptr;
  std::vector<std::int32_t> genotypes_;
};

// A segment that takes the rows [begin, begin + n) of everybody.
struct Output {
  cohort::SegmentWriter writer;
  std::uint32_t begin = 0;
  bool only_carried = false;  // as a batch that was called on its own: no sites without carriers
  std::unique_ptr<cohort::TileBuilder> builder;
  // By row: first site of this builder of its open run, or kNone.
  std::vector<std::uint32_t> open;
  std::vector<std::uint32_t> rows[2];
  std::vector<std::uint64_t> bits[2];

  std::uint32_t n() const { return writer.info().n_people; }
  Members Own(const Members& members, std::size_t which) {
    if (begin == 0 && !only_carried) return members;
    if (members.bits.empty()) {
      rows[which].clear();
      const auto first = std::lower_bound(members.rows.begin(), members.rows.end(), begin);
      for (auto row = first; row != members.rows.end() && *row < begin + n(); ++row)
        rows[which].push_back(*row - begin);
      return {rows[which], {}};
    }
    bits[which].assign(cohort::BitsetWords(n()), 0);
    const std::size_t words = (std::size_t{n()} + 63) / 64;
    std::copy_n(members.bits.begin() + begin / 64, words, bits[which].begin());
    return {{}, bits[which]};
  }
};

class Maker {
 public:
  Maker(const fs::path& dir, const PopulationOptions& options)
      : dir_(dir),
        options_(options),
        counts_(options.people),
        mosaic_(options.seed, options.people),
        missing_(cohort::BitsetWords(options.people)) {
    carriers_.het_bits.resize(missing_.size());
    carriers_.hom_bits.resize(missing_.size());
  }

  Status Make(std::ostream* progress) {
    GF_TRY(Open());
    const std::uint32_t end = kPopulationStart + options_.bases;
    for (std::uint32_t begin = kPopulationStart; begin < end;) {
      const auto tile = static_cast<std::uint32_t>(begin / kTileBases);
      const std::uint32_t stop = std::min(end, (tile + 1) * static_cast<std::uint32_t>(kTileBases));
      GF_TRY(MakeTile(tile, begin, stop));
      if (progress != nullptr)
        *progress << report_.sites << " sites, " << report_.entries << " carrier entries\n"
                  << std::flush;
      begin = stop;
    }
    for (Output& output : outputs_) GF_TRY(output.writer.Finish().status());
    if (bcf_ != nullptr) GF_TRY(bcf_->Finish());
    return absl::OkStatus();
  }
  const PopulationReport& report() const { return report_; }

 private:
  Status Open() {
    auto create = [&](const fs::path& dir, std::uint32_t begin, std::uint32_t n,
                      bool only_carried) -> Status {
      GF_ASSIGN(auto writer,
                cohort::SegmentWriter::Create(
                    dir, {genomics::Assembly::kGrch38, n, cohort::Unlisted::kIsReference,
                          fmt::format("population-{}", options_.seed)}));
      outputs_.push_back({std::move(writer), begin, only_carried, nullptr, {}, {}, {}});
      return absl::OkStatus();
    };
    GF_TRY(create(dir_ / "one", 0, options_.people, false));
    if (options_.segments > 1) {
      const std::uint32_t n =
          (options_.people / options_.segments + kSegmentRows) / kSegmentRows * kSegmentRows;
      for (std::uint32_t begin = 0, i = 0; begin < options_.people; begin += n, ++i)
        GF_TRY(create(dir_ / "many" / std::to_string(i), begin,
                      std::min(n, options_.people - begin), true));
    }
    if (options_.bcf) {
      GF_ASSIGN(bcf_, BcfFile::Create(dir_ / "cohort.bcf", options_.people));
    }
    if (options_.rare_lists || options_.all_lists)
      lists_.open(dir_ / "sites.tsv", std::ios::binary);
    return absl::OkStatus();
  }

  std::vector<PlannedSite> Plan(std::uint32_t begin, std::uint32_t end) const {
    const double rare = kRareSites * std::pow(options_.people / 1e6, 0.3);
    const double common = kTheta * std::log(0.99 / kRareEnd);
    const Contig& contig = *FindContig("chr20");
    std::vector<PlannedSite> sites;
    for (std::uint32_t position = begin; position < end; ++position) {
      Stream random(Purpose::kSite, {options_.seed, kPlaces, position});
      const char ref = BaseAt(contig, position + 1);
      const std::size_t first = sites.size();
      for (const char alt : {'A', 'C', 'G', 'T'}) {
        if (alt == ref || !random.Chance((rare + common) / 3)) continue;
        PlannedSite site{position, std::string(1, ref), std::string(1, alt),
                         random.Chance(common / (rare + common))};
        if (random.Chance(0.03))
          site.alt = site.ref + std::string(1 + random.Below(4), alt);
        else if (random.Chance(0.03))
          site.ref = BasesAt(contig, position + 1, 2 + random.Below(4)),
          site.alt = site.ref.substr(0, 1);
        sites.push_back(std::move(site));
      }
      std::sort(sites.begin() + static_cast<std::ptrdiff_t>(first), sites.end(),
                [](const auto& a, const auto& b) {
                  return std::tie(a.ref, a.alt) < std::tie(b.ref, b.alt);
                });
      sites.erase(std::unique(sites.begin() + static_cast<std::ptrdiff_t>(first), sites.end(),
                              [](const auto& a, const auto& b) {
                                return a.ref == b.ref && a.alt == b.alt;
                              }),
                  sites.end());
    }
    return sites;
  }

  std::vector<Gap> Gaps(std::uint32_t begin, std::uint32_t end) const {
    std::vector<Gap> gaps;
    const double between = kRunBases / kMissing - kRunBases;
    for (std::uint32_t row = 0; row < options_.people; ++row) {
      Stream random(Purpose::kMissing, {options_.seed, kGaps, begin, row});
      for (double at = begin;;) {
        at += -between * std::log(Uniform(random));
        const double to = at - kRunBases * std::log(Uniform(random));
        if (at >= end) break;
        gaps.push_back({row, static_cast<std::uint32_t>(at),
                        static_cast<std::uint32_t>(std::min<double>(to, end))});
        at = to;
      }
    }
    return gaps;
  }

  void DrawRare(Stream& random) {
    const std::uint32_t copies = counts_.Draw(random);
    const std::uint32_t home = random.Below(kHomes);
    const std::uint32_t size = std::max(1U, options_.people / kHomes);
    drawn_.clear();
    for (std::uint32_t i = 0; i < copies; ++i) {
      const bool at_home = random.Chance(kAtHome);
      const std::uint32_t row =
          at_home ? home * size + random.Below(size) : random.Below(options_.people);
      drawn_.push_back(std::min(row, options_.people - 1));
    }
    std::sort(drawn_.begin(), drawn_.end());
    carriers_.het_rows.clear();
    carriers_.hom_rows.clear();
    for (std::size_t i = 0; i < drawn_.size();) {
      std::size_t next = i + 1;
      while (next < drawn_.size() && drawn_[next] == drawn_[i]) ++next;
      const bool called = (missing_[drawn_[i] / 64] >> (drawn_[i] % 64) & 1) == 0;
      if (called) (next == i + 1 ? carriers_.het_rows : carriers_.hom_rows).push_back(drawn_[i]);
      i = next;
    }
    carriers_.bits = false;
  }

  Status MakeTile(std::uint32_t tile, std::uint32_t begin, std::uint32_t end) {
    const std::vector<PlannedSite> sites = Plan(begin, end);
    struct Event {
      std::uint32_t site, row;
      bool starts;
    };
    std::vector<Event> events;
    for (const Gap& gap : Gaps(begin, end)) {
      auto first = [&](std::uint32_t position) {
        return static_cast<std::uint32_t>(
            std::lower_bound(sites.begin(), sites.end(), position,
                             [](const PlannedSite& s, std::uint32_t p) { return s.position < p; }) -
            sites.begin());
      };
      const std::uint32_t from = first(gap.begin), to = first(gap.end);
      if (from == to) continue;
      events.push_back({from, gap.row, true});
      events.push_back({to, gap.row, false});
    }
    // A gap that ends where another begins ends first.
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
      return std::tie(a.site, a.starts, a.row) < std::tie(b.site, b.starts, b.row);
    });
    for (Output& output : outputs_) {
      output.builder = std::make_unique<cohort::TileBuilder>(tile, output.n());
      output.open.assign(output.n(), cohort::kNone);
    }
    auto next = events.begin();
    for (std::uint32_t i = 0; i < sites.size(); ++i) {
      for (; next != events.end() && next->site == i; ++next)
        GF_TRY(Change(next->row, next->starts));
      GF_TRY(MakeSite(sites[i]));
    }
    for (; next != events.end(); ++next) GF_TRY(Change(next->row, next->starts));
    for (Output& output : outputs_) {
      GF_TRY(output.writer.Add("20", tile, *output.builder));
      output.builder.reset();
    }
    return absl::OkStatus();
  }

  Status Change(std::uint32_t row, bool starts) {
    missing_[row / 64] ^= 1ULL << (row % 64);
    for (Output& output : outputs_) {
      if (row < output.begin || row - output.begin >= output.n()) continue;
      std::uint32_t& open = output.open[row - output.begin];
      const std::uint32_t here = output.builder->n_sites();
      if (starts) {
        open = here;
      } else if (const std::uint32_t first = std::exchange(open, cohort::kNone); first < here) {
        GF_TRY(output.builder->AddRun(row - output.begin, first, here - 1, 2));
      }
    }
    return absl::OkStatus();
  }

  Status MakeSite(const PlannedSite& site) {
    Stream random(Purpose::kGenotypes,
                  {options_.seed, kCarriers, site.position, KeyOf(site.ref), KeyOf(site.alt)});
    mosaic_.MoveTo(site.position);
    if (site.common) {
      mosaic_.Draw(random, carriers_.het_bits, carriers_.hom_bits);
      for (std::size_t i = 0; i < missing_.size(); ++i) {
        carriers_.het_bits[i] &= ~missing_[i];
        carriers_.hom_bits[i] &= ~missing_[i];
      }
      carriers_.bits = true;
    } else {
      DrawRare(random);
    }
    const std::uint64_t het = CountOf(carriers_.het()), hom = CountOf(carriers_.hom());
    const double frequency = static_cast<double>(het + 2 * hom) / (2.0 * options_.people);
    ++report_.sites;
    report_.entries += het + hom;
    report_.singletons += het + 2 * hom == 1 ? 1U : 0U;
    report_.below_1_percent += frequency < 0.01 ? 1U : 0U;
    report_.below_01_percent += frequency < 0.001 ? 1U : 0U;
    std::vector<Effect> effects;
    const std::uint32_t offset = site.position - kPopulationStart;
    if (offset % kGeneStep < kGeneBases) {
      const std::string gene = PopulationGene(offset / kGeneStep);
      const double draw = Uniform(random);
      constexpr Consequence kLof[] = {Consequence::kSpliceAcceptor, Consequence::kSpliceDonor,
                                      Consequence::kStopGained, Consequence::kFrameshift};
      effects.push_back({gene, draw < 0.08   ? kLof[static_cast<std::size_t>(draw / 0.02)]
                               : draw < 0.20 ? Consequence::kMissense
                               : draw < 0.26 ? Consequence::kSynonymous
                                             : Consequence::kIntron});
      if (random.Chance(0.02))
        effects.push_back({gene + "-AS1", Consequence::kNonCodingTranscriptExon});
    }
    for (Output& output : outputs_) {
      const Members own_het = output.Own(carriers_.het(), 0),
                    own_hom = output.Own(carriers_.hom(), 1);
      if (output.only_carried && CountOf(own_het) + CountOf(own_hom) == 0) continue;
      GF_TRY(output.builder->Add({site.position, site.ref, site.alt, frequency, effects}, own_het,
                                 own_hom));
    }
    if (bcf_ != nullptr) GF_TRY(bcf_->Write(site, carriers_, missing_));
    if (lists_.is_open() && (options_.all_lists || frequency < 0.01))
      WriteList(site, frequency, effects);
    return absl::OkStatus();
  }

  // Columns: position (1-based), REF, ALT, frequency, gene, consequence, people without a call,
  // carriers, and those of them with two copies.
  void WriteList(const PlannedSite& site, double frequency, const std::vector<Effect>& effects) {
    line_.clear();
    auto out = std::back_inserter(line_);
    fmt::format_to(out, "{}\t{}\t{}\t{}\t{}\t{}\t{}", site.position + 1, site.ref, site.alt,
                   double{static_cast<float>(frequency)}, effects.empty() ? "" : effects[0].gene,
                   effects.empty() ? "" : cohort::Name(effects[0].consequence),
                   CountOf({{}, missing_}));
    auto put = [&](std::uint32_t row) { fmt::format_to(out, "{},", row); };
    auto close = [&] {
      if (line_.back() == ',') line_.pop_back();
      line_.push_back('}');
    };
    line_ += "\t{";
    ForEach(carriers_.het(), put);
    ForEach(carriers_.hom(), put);
    close();
    line_ += "\t{";
    ForEach(carriers_.hom(), put);
    close();
    line_.push_back('\n');
    lists_ << line_;
  }

  fs::path dir_;
  PopulationOptions options_;
  RareCounts counts_;
  Mosaic mosaic_;
  std::vector<std::uint64_t> missing_;  // who is not called at the present site
  Carriers carriers_;
  std::vector<std::uint32_t> drawn_;
  std::vector<Output> outputs_;
  std::unique_ptr<BcfFile> bcf_;
  std::ofstream lists_;
  std::string line_;
  PopulationReport report_;
};

cohort::Ontology MakeOntology(std::uint64_t seed) {
  Stream random(Purpose::kPerson, {seed, kTermTree});
  cohort::Ontology ontology;
  for (std::uint32_t term = 0; term < kTerms; ++term) {
    ontology.terms.push_back(fmt::format("HP:{:07}", term));
    std::vector<std::uint32_t>& parents = ontology.parents.emplace_back();
    if (term == 0) continue;
    parents.push_back(random.Below(term));
    if (random.Chance(0.25)) parents.push_back(random.Below(term));
  }
  return ontology;
}

Status WritePeople(const fs::path& dir, const PopulationOptions& options) {
  const cohort::Ontology ontology = MakeOntology(options.seed);
  cohort::PeopleBuilder builder(options.people);
  std::ofstream persons(dir / "persons.tsv", std::ios::binary),
      live(dir / "live", std::ios::binary), terms(dir / "terms.tsv", std::ios::binary);
  std::string line;
  for (std::uint32_t row = 0; row < options.people; ++row) {
    Stream random(Purpose::kPerson, {options.seed, kPersons, row});
    const bool female = random.Chance(0.5);
    const std::uint32_t age = (random.Below(101) + random.Below(101)) / 2;
    std::uint32_t purposes = 0;
    for (std::size_t i = 0; i < kPermits.size(); ++i)
      purposes |= random.Chance(kPermits[i]) ? 1U << i : 0U;
    const bool withdrawn = random.Chance(kWithdrawn);
    builder.SetSex(row, female ? genomics::Sex::kFemale : genomics::Sex::kMale);
    builder.SetAge(row, age);
    builder.SetPurposes(row, purposes);
    line = fmt::format("{}\t{}\t{}\t{}\t{}\t", row, female ? "F" : "M", age, purposes,
                       withdrawn ? 0 : 1);
    live << (withdrawn ? '0' : '1');
    for (std::uint32_t i = 0; i < kTermsOfPerson; ++i) {
      const std::uint32_t term = random.Below(kTerms);
      builder.AddTerm(row, term);
      line += (i == 0 ? "{" : ",") + std::to_string(term);
    }
    persons << line << "}\n";
  }
  for (std::uint32_t term = 0; term < kTerms; ++term) {
    terms << ontology.terms[term] << '\t';
    for (const std::uint32_t parent : ontology.parents[term]) terms << parent << ' ';
    terms << '\n';
  }
  if (!persons || !live || !terms)
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write the people");
  return builder.Finish(ontology).Write(dir / "people");
}

}  // namespace

std::string PopulationGene(std::uint32_t number) { return fmt::format("GENE{:02}", number); }

Result<genomics::Bitmap> ReadLive(const fs::path& path, std::uint32_t n_people) {
  GF_ASSIGN(const std::string text, ReadFile(path));
  if (text.size() != n_people)
    return Error(StatusCode::kInvalidArgument, "LIVE_INVALID", "{} is of another number of people",
                 path.string());
  genomics::Bitmap live(n_people);
  for (std::uint32_t row = 0; row < n_people; ++row) {
    if (text[row] == '1') live.Set(row);
  }
  return live;
}

Result<PopulationReport> WritePopulation(const fs::path& dir, const PopulationOptions& options,
                                         std::ostream* progress) {
  if (options.people < 100 || options.people > cohort::kMaxRows)
    return InvalidField("people", "SYNTH_INVALID", "100 to {} people", cohort::kMaxRows);
  if (options.bases == 0 || options.bases > 60'000'000)
    return InvalidField("bases", "SYNTH_INVALID", "1 to 60000000 bases");
  if (options.segments == 0 || options.segments > 64)
    return InvalidField("segments", "SYNTH_INVALID", "1 to 64 segments");
  std::error_code error;
  fs::create_directories(dir, error);
  if (error || !fs::is_empty(dir, error))
    return Error(StatusCode::kFailedPrecondition, "DIRECTORY_NOT_EMPTY",
                 "{} is not an empty directory", dir.string());
  const auto began = std::chrono::steady_clock::now();
  GF_TRY(WritePeople(dir, options));
  Maker maker(dir, options);
  GF_TRY(maker.Make(progress));
  PopulationReport report = maker.report();
  for (const auto& file : fs::directory_iterator(dir / "one"))
    report.segment_bytes += file.file_size();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return report;
}

}  // namespace genofed::synth
