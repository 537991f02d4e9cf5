// SPDX-License-Identifier: Apache-2.0
//
// The figures of discovery at a node, D1 to D5, D8 to D10: our side of them, and the floors.
// Started by tests/bench/run, which measures the peers on the same data and compares the answers.
//
//   discovery_benchmark generate DIR PEOPLE BASES SEED SEGMENTS [bcf] [rare-lists] [all-lists]
//   discovery_benchmark queries DIR        the questions of D1 to D4, as JSON
//   discovery_benchmark measure DIR        one round: times (ns) and answers, as JSON
//   discovery_benchmark cold DIR           D5
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <latch>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <thread>

#include "libs/cohort/cohort.h"
#include "libs/cohort/people.h"
#include "libs/synth/population.h"
#include "libs/synth/prng.h"

namespace genofed {
namespace {

namespace fs = std::filesystem;
using cohort::Cohort;
using cohort::People;
using cohort::Residence;
using cohort::Segment;
using cohort::Selection;
using cohort::VariantFilter;
using genomics::Bitmap;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr double kRare = 1e-3;
constexpr std::size_t kPairs = 200;
constexpr std::size_t kAlleles = 2000;
constexpr std::uint32_t kPurposes = 1;

[[noreturn]] void Die(const Status& status) {
  std::cerr << "discovery_benchmark: " << Describe(status) << '\n';
  std::exit(1);
}
template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) Die(result.status());
  return *std::move(result);
}

double Nanoseconds(Clock::time_point from) {
  return std::chrono::duration<double, std::nano>(Clock::now() - from).count();
}

// Of this thread: what other work on the machine does not stretch. Costs half a microsecond.
double CpuNanoseconds(clockid_t of) {
  timespec now = {};
  ::clock_gettime(of, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

Json Times(const std::vector<double>& values) {
  return {{"p50", Quantile(values, 0.5)}, {"p99", Quantile(values, 0.99)}, {"n", values.size()}};
}

std::unique_ptr<Cohort> Open(const fs::path& dir, Residence residence) {
  std::vector<std::unique_ptr<Segment>> segments;
  if (fs::exists(dir / cohort::kSegmentFile)) {
    segments.push_back(Must(Segment::Open(dir, residence)));
  } else {
    for (int i = 0; fs::exists(dir / std::to_string(i)); ++i)
      segments.push_back(Must(Segment::Open(dir / std::to_string(i), residence)));
  }
  return Must(Cohort::Create(std::move(segments)));
}

// What is asked of one cohort: the same questions in every round and to every peer.
struct Questions {
  struct Pair {
    std::string gene;
    Selection selection;
  };
  std::vector<Pair> pairs;
  std::vector<genomics::Variant> any, common;
};

Questions MakeQuestions(const Cohort& cohort, const People& people) {
  Questions questions;
  synth::Stream random(synth::Purpose::kSite, {2026});
  std::vector<std::string> genes;
  for (const std::string& gene : cohort.segment(0).Genes()) {
    if (gene.size() == 6) genes.push_back(gene);  // without the antisense ones
  }
  if (genes.size() > 2) genes.pop_back();  // the last one may be cut off
  std::vector<std::string> terms;
  for (const std::string& term : people.Terms()) {
    const double share = static_cast<double>(people.CountOf(term)) / people.n_people();
    if (share > 0.03 && share < 0.08) terms.push_back(term);
  }
  if (genes.empty() || terms.empty())
    Die(Error(StatusCode::kFailedPrecondition, "TOO_SMALL", "no gene or no term"));
  for (std::size_t i = 0; i < kPairs; ++i) {
    Selection selection;
    selection.terms = {terms[(i / genes.size()) % terms.size()]};
    selection.sex = genomics::Sex::kFemale;
    selection.purposes = kPurposes;
    questions.pairs.push_back({genes[i % genes.size()], selection});
  }
  const auto& tiles = cohort.segment(0).FindContig("20")->tiles;
  while (questions.any.size() < kAlleles || questions.common.size() < kAlleles) {
    const auto& tile = *tiles[random.Below(static_cast<std::uint32_t>(tiles.size()))];
    const std::uint32_t site = random.Below(tile.n_sites());
    if (tile.Set(0, site).count + tile.Set(1, site).count == 0)
      continue;  // all carriers lost their calls
    genomics::Variant variant{"20", tile.positions()[site], std::string(tile.ref(site)),
                              std::string(tile.alt(site))};
    const bool common = double{tile.frequencies()[site]} >= 0.05;
    if (questions.any.size() < kAlleles) questions.any.push_back(variant);
    if (common && questions.common.size() < kAlleles) questions.common.push_back(variant);
  }
  return questions;
}

VariantFilter Filter(const std::string& gene, bool loss_of_function) {
  VariantFilter filter;
  filter.gene = gene;
  filter.below_frequency = kRare;
  if (loss_of_function) filter.consequences = cohort::kLossOfFunction;
  return filter;
}

// Where a gene lies: 0-based, half open.
std::pair<std::int64_t, std::int64_t> RangeOf(const std::string& gene) {
  const std::int64_t start =
      synth::kPopulationStart + std::int64_t{synth::kGeneStep} * std::atoi(gene.c_str() + 4);
  return {start, start + synth::kGeneBases};
}

// Of huge pages, as tiles are mapped where the system can.
class LargeArray {
 public:
  LargeArray() : data_(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    GF_CHECK(data_ != MAP_FAILED);
    ::madvise(data_, kBytes, MADV_HUGEPAGE);
    std::memset(data_, 0x55, kBytes);
  }
  ~LargeArray() { ::munmap(data_, kBytes); }
  LargeArray(const LargeArray&) = delete;
  LargeArray& operator=(const LargeArray&) = delete;
  std::span<const std::uint64_t> words() const {
    return {static_cast<const std::uint64_t*>(data_), kBytes / 8};
  }

 private:
  static constexpr std::size_t kBytes = 512U << 20;
  void* const data_;
};

// Reads a large array, as the STREAM benchmark's sum would: bytes a second of this thread's time.
double StreamRead(std::span<const std::uint64_t> array) {
  // AND and count as our own kernel, so that the floor has the same instructions per byte.
  const double began = CpuNanoseconds(CLOCK_THREAD_CPUTIME_ID);
  volatile std::uint64_t sink = cohort::BestKernels().count_and(
      array.data(), array.data() + array.size() / 2, array.size() / 2);
  static_cast<void>(sink);
  return static_cast<double>(array.size() * 8) / (CpuNanoseconds(CLOCK_THREAD_CPUTIME_ID) - began) * 1e9;
}

double BestStream(const LargeArray& array) {
  double best = 0;
  for (int i = 0; i < 5; ++i) best = std::max(best, StreamRead(array.words()));
  return best;
}

// As STREAM is run, on all cores, though not on more than D4 uses: bytes a second.
double BestStreamOfCores(const LargeArray& array) {
  const std::size_t n = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 4);
  const std::size_t share = array.words().size() / n;
  double best = 0;
  for (int i = 0; i < 7; ++i) {
    std::latch begin(static_cast<std::ptrdiff_t>(n) + 1);
    std::vector<std::jthread> readers;
    for (std::size_t j = 0; j < n; ++j) {
      readers.emplace_back([&, j] {
        begin.arrive_and_wait();
        StreamRead(array.words().subspan(j * share, share));
      });
    }
    begin.arrive_and_wait();
    const auto began = Clock::now();
    readers.clear();
    best = std::max(best, static_cast<double>(n * share * 8) / Nanoseconds(began) * 1e9);
  }
  return best;
}

// As many bytes of the array, others each time: none of them are in a cache.
std::span<const std::uint64_t> Part(const LargeArray& array, std::size_t bytes, std::size_t number) {
  const std::size_t words = bytes / 8, parts = array.words().size() / words;
  return array.words().subspan(number % parts * words, words);
}

// A chain of loads that depend on one another, over more memory than any cache: ns each.
double DependentLoad() {
  std::vector<std::uint32_t> next(24U << 20);
  for (std::uint32_t i = 0; i < next.size(); ++i) next[i] = i;
  synth::Stream random(synth::Purpose::kSite, {1});
  for (std::size_t i = next.size() - 1; i > 0; --i)
    std::swap(next[i], next[random.Below(static_cast<std::uint32_t>(i))]);
  constexpr int kLoads = 200'000;
  std::uint32_t at = 0;
  const auto began = Clock::now();
  for (int i = 0; i < kLoads; ++i) at = next[at];
  const double each = Nanoseconds(began) / kLoads;
  volatile std::uint32_t sink = at;
  static_cast<void>(sink);
  return each;
}

// Bytes that counts of the range have to read, as they lie in the file: rows, missing calls and
// columns of sites.
std::uint64_t BytesOf(const Cohort& cohort, const std::string& gene) {
  const auto [start, end] = RangeOf(gene);
  std::uint64_t bytes = 0;
  for (const auto& tile : cohort.segment(0).FindContig("20")->tiles) {
    const cohort::TileHeader& header = tile->header();
    const std::uint32_t first = tile->LowerBound(static_cast<std::uint32_t>(start));
    const std::uint32_t last = tile->LowerBound(static_cast<std::uint32_t>(end));
    if (first == last) continue;
    for (std::uint32_t site = first; site < last; ++site) {
      for (std::size_t kind = 0; kind < header.n_kinds; ++kind) {
        const cohort::RowSet set = tile->Set(kind, site);
        if (set.count != 0) bytes += set.size(header.n_rows);
      }
    }
    const auto chunks = tile->Column<cohort::Chunk>(cohort::Section::kChunks);
    bytes += sizeof(cohort::Run) * (chunks[(last - 1) / cohort::kChunkSites + 1].first_run -
                                    chunks[first / cohort::kChunkSites].first_run);
    // Position, allele, unit and order; count and place of each kind.
    bytes += std::uint64_t{4} * (last - first) * (4 + 2 * header.n_kinds);
  }
  return bytes;
}

// Row numbers of rare variants of a gene, 4 bytes each; of loss of function alone when asked.
std::uint64_t RareIdBytes(const Cohort& cohort, const std::string& gene, bool loss_of_function) {
  std::uint64_t bytes = 0;
  for (const auto& part : cohort.segment(0).FindGene(gene)) {
    const auto units = part.tile->Column<cohort::Unit>(cohort::Section::kUnits);
    const auto groups = part.tile->Column<cohort::Group>(cohort::Section::kGroups);
    for (std::uint32_t i = units[part.unit].first_group; i < units[part.unit + 1].first_group;
         ++i) {
      if (cohort::kBandEnds[groups[i].band] > kRare) continue;
      if (loss_of_function && (cohort::kLossOfFunction >> groups[i].consequence & 1) == 0) continue;
      bytes += 4 * std::uint64_t{groups[i + 1].id - groups[i].id};
    }
  }
  return bytes;
}

void PrintQuestions(const fs::path& dir) {
  const auto cohort = Open(dir / "one", Residence::kRead);
  const People people = Must(People::Read(dir / "people"));
  const Questions questions = MakeQuestions(*cohort, people);
  Json json = {{"pairs", Json::array()}, {"any", Json::array()}, {"common", Json::array()}};
  for (const auto& pair : questions.pairs) {
    const auto [start, end] = RangeOf(pair.gene);
    json["pairs"].push_back(
        {{"gene", pair.gene}, {"term", pair.selection.terms[0]}, {"start", start}, {"end", end}});
  }
  auto put = [&](const char* name, const std::vector<genomics::Variant>& variants) {
    for (const auto& variant : variants)
      json[name].push_back(
          {{"position", variant.pos + 1}, {"ref", variant.ref}, {"alt", variant.alt}});
  };
  put("any", questions.any);
  put("common", questions.common);
  // Terms of the questions and everybody who has them or a descendant: what a database would join.
  std::ofstream closed(dir / "closed.tsv", std::ios::binary);
  std::set<std::string> terms;
  for (const auto& pair : questions.pairs) terms.insert(pair.selection.terms[0]);
  for (const std::string& term : terms) {
    Selection selection;
    selection.terms = {term};
    people.Select(selection, Bitmap(people.n_people(), true)).ForEach([&](std::uint32_t row) {
      closed << term << '\t' << row << '\n';
    });
  }
  std::cout << json.dump() << '\n';
}

// One round over all questions.
// As after a start of the machine: what was read piece by piece before would stay in small pages.
void ForgetFiles(const fs::path& dir) {
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

void Measure(const fs::path& dir, bool many_segments) {
  ForgetFiles(dir / (many_segments ? "many" : "one"));
  const auto cohort = Open(dir / (many_segments ? "many" : "one"), Residence::kMapped);
  const People people = Must(People::Read(dir / "people"));
  const auto one = many_segments ? Open(dir / "one", Residence::kMapped) : nullptr;
  const Questions questions = MakeQuestions(many_segments ? *one : *cohort, people);
  const Bitmap permitted = Must(synth::ReadLive(dir / "live", cohort->n_people()));
  const auto live = cohort->MakeLive(permitted, 1);
  const Context ctx = Context::Background();
  cohort::Workspace work;
  Bitmap rows(cohort->n_people());
  Json json = {{"n_people", cohort->n_people()},
               {"n_sites", cohort->segment(0).n_sites()},
               {"segments", cohort->n_segments()}};

  // Everything is read once before it is measured.
  if (const auto all = cohort->CountSites(ctx, "20", 0, std::int64_t{1} << 31, permitted, work); !all.ok())
    Die(all.status());

  auto exact = [&](const std::vector<genomics::Variant>& variants) {
    std::vector<double> times;
    std::uint64_t sum = 0;
    Json answers = Json::array();
    for (int round = 0; round < 3; ++round) {
      for (const auto& variant : variants) {
        const auto began = Clock::now();
        const auto counts = cohort->CountExact(variant, *live, work);
        const double took = Nanoseconds(began);
        if (!counts.ok() || !counts->has_value())
          Die(Error(StatusCode::kInternal, "LOST", "an allele"));
        sum += (*counts)->an;
        if (round == 0) answers.push_back({(*counts)->ac, (*counts)->an, (*counts)->n_hom});
        if (round > 0)
          times.push_back(took);  // the first one fills caches and adds up the withdrawn
      }
    }
    Json out = Times(times);
    out["answers"] = answers;
    // What a database would have stored: of everybody.
    const Bitmap everybody(cohort->n_people(), true);
    out["everybody"] = Json::array();
    for (const auto& variant : variants) {
      const auto counts = Must(cohort->CountExact(variant, everybody, work));
      out["everybody"].push_back({counts->ac, counts->an});
    }
    return out;
  };
  json["D1-any"] = exact(questions.any);
  json["D1-common"] = exact(questions.common);

  struct Ask {
    const char* name;
    bool loss_of_function, ad_hoc;
  };
  for (const Ask ask : {Ask{"D2", true, true}, Ask{"D2-set", true, false}, Ask{"D3", false, true},
                        Ask{"D3-set", false, false}}) {
    std::vector<double> times, cpu, cohorts;
    Json answers = Json::array();
    for (int round = 0; round < 4; ++round) {
      for (const auto& pair : questions.pairs) {
        const VariantFilter filter = Filter(pair.gene, ask.loss_of_function);
        const double cpu_began = CpuNanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        const auto began = Clock::now();
        people.Select(pair.selection, live->rows(), rows);
        const double selected = Nanoseconds(began);
        const auto count = cohort->CountCarriers(ctx, filter, rows, work, ask.ad_hoc);
        const double took = Nanoseconds(began);
        if (!count.ok()) Die(count.status());
        if (round == 0) answers.push_back(*count);
        if (round > 0) {
          times.push_back(took);
          cpu.push_back(CpuNanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began);
          cohorts.push_back(selected);
        }
      }
    }
    json[ask.name] = Times(times);
    json[ask.name]["cpu"] = Quantile(cpu, 0.5);
    json[ask.name]["cpu_p99"] = Quantile(cpu, 0.99);
    json[ask.name]["select"] = Quantile(cohorts, 0.5);
    json[ask.name]["answers"] = answers;
  }

  // D8: what the mask of who permits costs in selecting.
  std::vector<double> with, without;
  const Bitmap everybody(cohort->n_people(), true);
  for (int round = 0; round < 400; ++round) {
    Selection selection =
        questions.pairs[static_cast<std::size_t>(round) % questions.pairs.size()].selection;
    // The same without the mask: one bitset fewer, so the sex stands in for it.
    auto began = Clock::now();
    people.Select(selection, live->rows(), rows);
    with.push_back(Nanoseconds(began));
    selection.sex.reset();
    began = Clock::now();
    people.Select(selection, live->rows(), rows);
    without.push_back(Nanoseconds(began));
  }
  json["D8"] = {{"mask", std::max(0.0, Quantile(with, 0.5) - Quantile(without, 0.5))}};

  // Of all cores that are free, and of one alone, beside reading as many bytes at that moment: a shared machine's memory
  // changes its pace.
  const LargeArray array;
  std::vector<double> share_bytes;
  constexpr std::size_t kRegions = 12;
  for (const char* name : {"D4", "D4-one"}) {
    if (name == std::string_view("D4-one")) cohort->ShareFrom(UINT64_MAX);
    std::vector<double> times, cpu, shares;
    Json answers = Json::array();
    for (std::size_t i = 0; i < 3 * kRegions; ++i) {
      const auto& pair = questions.pairs[i % kRegions];
      const auto [start, end] = RangeOf(pair.gene);
      Selection selection = pair.selection;
      selection.sex.reset();
      people.Select(selection, live->rows(), rows);
      const double cpu_began = CpuNanoseconds(CLOCK_PROCESS_CPUTIME_ID);
      const auto began = Clock::now();
      const auto counts = cohort->CountSites(ctx, "20", start, end, rows, work);
      const double took = Nanoseconds(began);
      const double cpu_took = CpuNanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
      if (!counts.ok()) Die(counts.status());
      if (i >= kRegions) {
        times.push_back(took);
        cpu.push_back(cpu_took);
        if (!many_segments) {
          const double bytes = share_bytes[i % kRegions];
          const double floor = bytes / StreamRead(Part(array, static_cast<std::size_t>(bytes), i)) * 1e9;
          shares.push_back(floor / cpu_took);
        }
        continue;
      }
      std::uint64_t sites = 0, ac = 0, an = 0, hom = 0;
      for (std::size_t j = 0; j < counts->sites.size(); ++j) {
        // Peers look at positions, and not at deletions that reach into the range.
        if (counts->sites[j].position < start) continue;
        ++sites;
        ac += counts->sites[j].ac();
        hom += counts->sites[j].n_hom;
        an += counts->an(j);
      }
      answers.push_back(
          {{"sites", sites}, {"people", counts->n_people}, {"ac", ac}, {"an", an}, {"hom", hom}});
      if (!many_segments) share_bytes.push_back(static_cast<double>(BytesOf(*cohort, pair.gene)));
    }
    json[name] = Times(times);
    json[name]["cpu"] = Quantile(cpu, 0.5);
    json[name]["cpu_p99"] = Quantile(cpu, 0.99);
    json[name]["answers"] = answers;
    if (!many_segments) json[name]["share"] = Quantile(shares, 0.5);
  }
  if (!many_segments) {
    std::uint64_t lof = 0, any = 0;
    for (const auto& pair : questions.pairs) {
      lof += RareIdBytes(*cohort, pair.gene, true);
      any += RareIdBytes(*cohort, pair.gene, false);
    }
    json["D2"]["id_bytes"] = lof / questions.pairs.size();
    json["D3"]["id_bytes"] = any / questions.pairs.size();
    json["D4"]["bytes"] = Quantile(share_bytes, 0.5);
    json["stream"] = BestStream(array);
    json["stream_of_cores"] = BestStreamOfCores(array);
    json["dependent_load"] = DependentLoad();
    std::uint64_t bytes = 0, metadata = 0;
    for (const auto& tile : cohort->segment(0).manifest().tiles)
      bytes += tile.digests.size, metadata += tile.digests.metadata_size;
    json["bytes"] = bytes;
    json["metadata_bytes"] = metadata;
    json["people_bytes"] = people.bytes();
  }
  std::cout << json.dump() << '\n';
}

// D5: the files are dropped from the page cache before each question; metadata stay in memory.
void MeasureCold(const fs::path& dir) {
  const auto cohort = Open(dir / "one", Residence::kRead);
  const People people = Must(People::Read(dir / "people"));
  const Questions questions = MakeQuestions(*cohort, people);
  const auto live = cohort->MakeLive(Must(synth::ReadLive(dir / "live", cohort->n_people())), 1);
  const Context ctx = Context::Background();
  Json json;
  std::vector<double> exact, gene, any, region, bytes;
  for (std::size_t i = 0; i < 10; ++i) {
    cohort::Workspace work;
    Bitmap rows(cohort->n_people());
    const auto& pair = questions.pairs[i];
    people.Select(pair.selection, live->rows(), rows);
    auto timed = [&](std::vector<double>& times, auto ask) {
      cohort->segment(0).Evict();
      const auto began = Clock::now();
      if (!ask()) Die(Error(StatusCode::kInternal, "LOST", "an answer"));
      times.push_back(Nanoseconds(began));
    };
    static_cast<void>(cohort->CountExact(questions.any[i], *live, work));  // adds up the withdrawn
    timed(exact, [&] { return cohort->CountExact(questions.any[i], *live, work).ok(); });
    timed(gene, [&] {
      return cohort->CountCarriers(ctx, Filter(pair.gene, true), rows, work, true).ok();
    });
    timed(any, [&] {
      return cohort->CountCarriers(ctx, Filter(pair.gene, false), rows, work, true).ok();
    });
    const auto [start, end] = RangeOf(pair.gene);
    timed(region, [&, from = start, to = end] {
      return cohort->CountSites(ctx, "20", from, to, rows, work).ok();
    });
    bytes.push_back(static_cast<double>(BytesOf(*cohort, pair.gene)));
  }
  // The disk alone: as many bytes of the same file in order, its pages dropped.
  const auto path = dir / "one" / cohort->segment(0).manifest().tiles[1].FileName();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info = {};
  if (fd < 0 || ::fstat(fd, &info) != 0)
    Die(Error(StatusCode::kInternal, "FILE_FAILED", "cannot read a tile"));
  std::vector<char> buffer(16U << 20);
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) {
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    const auto began = Clock::now();
    std::uint64_t done = 0;
    for (ssize_t n; done < std::uint64_t{160} << 20 &&
                    (n = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(done))) > 0;)
      done += static_cast<std::uint64_t>(n);
    rates.push_back(static_cast<double>(done) / Nanoseconds(began) * 1e9);
  }
  ::close(fd);
  json = {{"D5-exact", Times(exact)},      {"D5-gene", Times(gene)},
          {"D5-any", Times(any)},          {"D5-region", Times(region)},
          {"bytes", Quantile(bytes, 0.5)}, {"disk", Quantile(rates, 0.5)}};
  std::cout << json.dump() << '\n';
}

int Run(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string_view command = argv[1];
  const fs::path dir = argv[2];
  if (command == "generate" && argc >= 7) {
    synth::PopulationOptions options;
    options.people = static_cast<std::uint32_t>(std::atoll(argv[3]));
    options.bases = static_cast<std::uint32_t>(std::atoll(argv[4]));
    options.seed = static_cast<std::uint64_t>(std::atoll(argv[5]));
    options.segments = static_cast<std::uint32_t>(std::atoll(argv[6]));
    for (int i = 7; i < argc; ++i) {
      options.bcf = options.bcf || std::strcmp(argv[i], "bcf") == 0;
      options.rare_lists = options.rare_lists || std::strcmp(argv[i], "rare-lists") == 0;
      options.all_lists = options.all_lists || std::strcmp(argv[i], "all-lists") == 0;
    }
    const auto report = Must(synth::WritePopulation(dir, options, &std::cerr));
    std::cout << Json{{"sites", report.sites},
                      {"entries", report.entries},
                      {"singletons", report.singletons},
                      {"below_1_percent", report.below_1_percent},
                      {"below_01_percent", report.below_01_percent},
                      {"segment_bytes", report.segment_bytes},
                      {"seconds", report.seconds}}
                     .dump()
              << '\n';
    return 0;
  }
  if (command == "queries")
    PrintQuestions(dir);
  else if (command == "measure")
    Measure(dir, false);
  else if (command == "measure-many")
    Measure(dir, true);
  else if (command == "cold")
    MeasureCold(dir);
  else
    return 2;
  return 0;
}

}  // namespace
}  // namespace genofed

int main(int argc, char** argv) { return genofed::Run(argc, argv); }
