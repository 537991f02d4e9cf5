// SPDX-License-Identifier: Apache-2.0
//
// What tests/bench/run times for onboarding: made-up files of any size, always the same for a seed,
// and the product's passes over them. Each call does one thing, so that its CPU time and peak
// memory are those of the process.
#include <fcntl.h>
#include <htslib/hts.h>
#include <htslib/vcf.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/file.h"
#include "libs/crypt4gh/stream.h"
#include "libs/genomics/bgzf_writer.h"
#include "libs/genomics/build_segment.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/erase_rows.h"
#include "libs/genomics/ingest.h"
#include "libs/genomics/subset.h"
#include "libs/qc/accumulator.h"
#include "libs/qc/qc_stage.h"

namespace genofed {
namespace {

namespace fs = std::filesystem;

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers with every library.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  std::uint32_t Below(std::uint32_t n) {
    return static_cast<std::uint32_t>((Next() >> 32) * n >> 32);
  }

 private:
  std::uint64_t state_;
};

// Allele frequencies as in performance.md, section 1: alleles of rare sites ∝ k^-1.65 up to 1 %,
// and density 1/x for common ones, which are `common` of the sites.
double DrawFrequency(Dice& dice, std::uint32_t people, double common) {
  double alleles = 2.0 * people;
  if (dice.Uniform() < common) return std::exp(std::log(0.01) * dice.Uniform());
  double top = std::max(1.0, 0.01 * alleles);
  double power = -0.65;
  double u = dice.Uniform() * (1 - std::pow(top + 1, power));
  return std::floor(std::pow(1 - u, 1 / power)) / alleles;
}

// Who carries an allele of this frequency: (person, copies), ascending, in Hardy-Weinberg
// proportions.
void DrawCarriers(Dice& dice, std::uint32_t people, double frequency,
                  std::vector<std::pair<std::uint32_t, int>>& carriers) {
  carriers.clear();
  double any = 1 - (1 - frequency) * (1 - frequency);
  double both = frequency * frequency / any;
  double skip = std::log1p(-std::min(any, 1 - 1e-12));
  for (double at = 0;; at += 1) {
    at += std::floor(std::log(1 - dice.Uniform()) / skip);
    if (at >= people) return;
    carriers.emplace_back(static_cast<std::uint32_t>(at), dice.Uniform() < both ? 2 : 1);
  }
}

// Missing calls come as runs of 1,500 bases on average and are 0.3 % of all.
class MissingRuns {
 public:
  explicit MissingRuns(std::uint32_t people) : people_(people) {}
  const std::map<std::uint32_t, double>& At(Dice& dice, double pos) {
    std::erase_if(end_of_, [&](const auto& run) { return run.second <= pos; });
    double wanted = 0.003 * people_;
    while (static_cast<double>(end_of_.size()) < wanted)
      end_of_.emplace(dice.Below(people_), pos - 1500 * std::log(1 - dice.Uniform()));
    return end_of_;
  }

 private:
  std::uint32_t people_;
  std::map<std::uint32_t, double> end_of_;  // by person
};

constexpr std::string_view kBases = "ACGT";

std::string SampleName(std::uint32_t i) { return fmt::format("S{:06}", i); }

// ---- generators

// Genotypes of a cohort as BCF, through htslib.
int GenerateBcf(const fs::path& out, std::uint32_t people, std::uint32_t sites,
                std::uint64_t seed) {
  Dice dice(seed);
  bcf_hdr_t* header = bcf_hdr_init("w");
  bcf_hdr_append(header, "##contig=<ID=20,length=64444167>");
  bcf_hdr_append(header, "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">");
  for (std::uint32_t i = 0; i < people; ++i) bcf_hdr_add_sample(header, SampleName(i).c_str());
  bcf_hdr_add_sample(header, nullptr);
  htsFile* file = hts_open(out.c_str(), "wb");
  if (file == nullptr || bcf_hdr_write(file, header) != 0) return 1;
  bcf1_t* record = bcf_init();
  std::vector<std::int32_t> genotypes(std::size_t{2} * people, bcf_gt_unphased(0));
  std::vector<std::pair<std::uint32_t, int>> carriers;
  MissingRuns missing(people);
  double pos = 1'000'000;
  for (std::uint32_t site = 0; site < sites; ++site) {
    pos += 1 + std::floor(-3.9 * std::log(1 - dice.Uniform()));  // 51,000 sites in 250 kb
    DrawCarriers(dice, people, DrawFrequency(dice, people, 0.021), carriers);
    for (auto [person, copies] : carriers) {
      genotypes[std::size_t{2} * person + 1] = bcf_gt_unphased(1);
      if (copies == 2) genotypes[std::size_t{2} * person] = bcf_gt_unphased(1);
    }
    const auto& gone = missing.At(dice, pos);
    for (auto [person, end] : gone)
      genotypes[std::size_t{2} * person] = genotypes[std::size_t{2} * person + 1] = bcf_gt_missing;
    bcf_clear(record);
    record->rid = 0;
    record->pos = static_cast<std::int64_t>(pos);
    std::size_t ref = dice.Below(4);
    std::string alleles{kBases[ref], ',', kBases[(ref + 1 + dice.Below(3)) % 4]};
    bcf_update_alleles_str(header, record, alleles.c_str());
    bcf_update_genotypes(header, record, genotypes.data(), static_cast<int>(genotypes.size()));
    if (bcf_write(file, header, record) != 0) return 1;
    for (auto [person, copies] : carriers)
      genotypes[std::size_t{2} * person] = genotypes[std::size_t{2} * person + 1] =
          bcf_gt_unphased(0);
    for (auto [person, end] : gone)
      genotypes[std::size_t{2} * person] = genotypes[std::size_t{2} * person + 1] =
          bcf_gt_unphased(0);
  }
  bcf_destroy(record);
  bcf_hdr_destroy(header);
  return hts_close(file) == 0 ? 0 : 1;
}

class BgzfFile {
 public:
  explicit BgzfFile(const fs::path& path)
      : file_(std::fopen(path.c_str(), "wb")), bgzf_([this](std::string_view bytes) {
          return std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()
                     ? absl::OkStatus()
                     : Error(StatusCode::kInternal, "FILE_FAILED", "cannot write");
        }) {
    GF_CHECK(file_ != nullptr);
  }
  void Write(std::string_view text) { GF_CHECK(bgzf_.Write(text).ok()); }
  ~BgzfFile() {
    GF_CHECK(bgzf_.Finish().ok());
    std::fclose(file_);
  }

 private:
  std::FILE* file_;
  genomics::BgzfWriter bgzf_;
};

// One genome as DeepVariant writes it: no INFO, six FORMAT fields.
int GenerateSingle(const fs::path& out, std::uint32_t records, std::uint64_t seed) {
  Dice dice(seed);
  BgzfFile file(out);
  std::string text =
      "##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"All filters passed\">\n";
  constexpr int kContigs = 22;
  std::vector<std::uint32_t> lengths;
  for (int c = 1; c <= kContigs; ++c) {
    auto length = genomics::ContigLength(genomics::Assembly::kGrch38, std::to_string(c)).value();
    lengths.push_back(static_cast<std::uint32_t>(length));
    text += fmt::format("##contig=<ID=chr{},length={}>\n", c, length);
  }
  for (const char* field :
       {"GT,Number=1,Type=String", "GQ,Number=1,Type=Integer", "DP,Number=1,Type=Integer",
        "AD,Number=R,Type=Integer", "VAF,Number=A,Type=Float", "PL,Number=G,Type=Integer"})
    text += fmt::format("##FORMAT=<ID={},Description=\"as DeepVariant\">\n", field);
  text += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tPERSON\n";
  std::uint64_t genome = 0;
  for (std::uint32_t length : lengths) genome += length;
  for (int c = 0; c < kContigs; ++c) {
    auto n = static_cast<std::uint32_t>(std::uint64_t{records} *
                                        lengths[static_cast<std::size_t>(c)] / genome);
    double step = static_cast<double>(lengths[static_cast<std::size_t>(c)] - 20'000) / (n + 1);
    double pos = 10'000;
    for (std::uint32_t i = 0; i < n; ++i) {
      pos += step * (0.5 + dice.Uniform());
      if (pos > lengths[static_cast<std::size_t>(c)] - 100.0) break;
      std::size_t base = dice.Below(4);
      std::string ref(1, kBases[base]);
      std::string alt(1, kBases[(base + 1 + dice.Below(3)) % 4]);
      if (dice.Below(8) == 0)
        (dice.Below(2) == 0 ? ref : alt) = ref + std::string(1 + dice.Below(6), alt[0]);
      if (ref[0] != alt[0] && (ref.size() > 1 || alt.size() > 1)) alt[0] = ref[0];
      if (ref == alt) alt += 'T';
      std::uint32_t depth = 20 + dice.Below(25);
      bool hom = dice.Below(5) < 2;
      std::uint32_t alts = hom ? depth : depth / 2;
      text += fmt::format(
          "chr{}\t{}\t.\t{}\t{}\t{}.{}\tPASS\t.\tGT:GQ:DP:AD:VAF:PL\t{}:{}:{}:{},{}:{:.4f}:{},{},{}"
          "\n",
          c + 1, static_cast<std::uint32_t>(pos), ref, alt, 20 + dice.Below(50), dice.Below(10),
          hom ? "1/1" : "0/1", 20 + dice.Below(40), depth, depth - alts, alts,
          static_cast<double>(alts) / depth, 30 + dice.Below(40), hom ? 50 : 0, hom ? 0 : 50);
    }
    file.Write(text);
    text.clear();
  }
  return 0;
}

// A phased cohort as VCF text with its reference: a tenth indels, some of them not left-aligned,
// and a fiftieth with two alternative alleles.
int GenerateCohort(const fs::path& folder, std::uint32_t people, std::uint32_t sites,
                   std::uint64_t seed) {
  Dice dice(seed);
  const std::uint32_t length = 1'000'000 + 60 * sites;
  std::string bases;
  for (std::uint32_t i = 0; i < length; ++i)
    bases += kBases[dice.Below(dice.Below(3) == 0 ? 2 : 4)];
  std::ofstream fasta(folder / "reference.fa");
  fasta << ">20\n";
  for (std::size_t i = 0; i < bases.size(); i += 60) fasta << bases.substr(i, 60) << "\n";
  std::ofstream(folder / "reference.fa.fai") << "20\t" << length << "\t4\t60\t61\n";
  std::ofstream vcf(folder / "cohort.vcf");
  BgzfFile packed(folder / "cohort.vcf.gz");
  std::string text = fmt::format(
      "##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"All filters passed\">\n"
      "##contig=<ID=20,length={}>\n"
      "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT",
      length);
  for (std::uint32_t i = 0; i < people; ++i) text += "\t" + SampleName(i);
  text += "\n";
  std::vector<std::pair<std::uint32_t, int>> carriers;
  MissingRuns missing(people);
  std::uint32_t pos = 1'000'000;
  for (std::uint32_t site = 0; site < sites; ++site) {
    pos += 1 + dice.Below(100);
    std::string ref(1, bases[pos]);
    std::string alt(1, kBases[(kBases.find(ref[0]) + 1 + dice.Below(3)) % 4]);
    if (dice.Below(10) == 0) {
      std::uint32_t size = 1 + dice.Below(6);
      alt = ref;
      (dice.Below(2) == 0 ? ref : alt) = bases.substr(pos, 1 + size);
    } else if (dice.Below(50) == 0) {
      alt += fmt::format(",{}", kBases[(kBases.find(alt[0]) + 1) % 4] == ref[0]
                                    ? kBases[(kBases.find(alt[0]) + 2) % 4]
                                    : kBases[(kBases.find(alt[0]) + 1) % 4]);
    }
    bool two = alt.size() == 3 && alt[1] == ',';
    text += fmt::format("20\t{}\t.\t{}\t{}\t50\tPASS\t.\tGT", pos + 1, ref, alt);
    std::size_t start = text.size();
    for (std::uint32_t i = 0; i < people; ++i) text += "\t0|0";
    DrawCarriers(dice, people, DrawFrequency(dice, people, 0.1), carriers);
    for (auto [person, copies] : carriers) {
      char allele = two && dice.Below(3) == 0 ? '2' : '1';
      std::size_t at = start + std::size_t{4} * person + 1;
      text[at + (copies == 2 || dice.Below(2) == 0 ? 0 : 2)] = allele;
      if (copies == 2) text[at + 2] = allele;
    }
    for (auto [person, end] : missing.At(dice, pos)) {
      text[start + std::size_t{4} * person + 1] = '.';
      text[start + std::size_t{4} * person + 3] = '.';
    }
    text += "\n";
    if (text.size() > 1U << 20 || site + 1 == sites) {
      packed.Write(text);
      vcf << text;
      text.clear();
    }
  }
  return 0;
}

// ---- the product's passes

int Fail(const Status& status) {
  std::cerr << Describe(status) << "\n";
  return 1;
}

// Rows of the cohort: one name a line. The product knows them from its database.
std::vector<std::string> ReadNames(const fs::path& file) {
  std::vector<std::string> names;
  std::ifstream in(file);
  for (std::string name; std::getline(in, name);) names.push_back(name);
  return names;
}

genomics::IndexInfo Info(std::size_t people) {
  genomics::IndexInfo info;
  info.dataset = "BENCH";
  info.version = "1";
  info.n_people = static_cast<std::uint32_t>(people);
  return info;
}

// The samples of the file in another order: those of a hospital are never sorted by pseudonym.
genomics::SegmentInput Input(const fs::path& file, const std::vector<std::string>& names,
                             std::string sha256, bool shuffled) {
  genomics::SegmentInput input{file, {}, std::move(sha256)};
  std::vector<std::uint32_t> rows(names.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) rows[i] = i;
  Dice dice(1);
  for (std::uint32_t i = 1; shuffled && i < rows.size(); ++i)
    std::swap(rows[i], rows[dice.Below(i + 1)]);
  for (std::size_t i = 0; i < names.size(); ++i) input.rows.emplace(names[i], rows[i]);
  return input;
}

// `sha256` stands for what the node knows of the upload already.
Status Index(const fs::path& file, const fs::path& names, const std::string& sha256,
             const fs::path& dir, bool judge_values) {
  const auto people = ReadNames(names);
  const auto input = Input(file, people, sha256, false);
  genomics::SegmentOptions options;
  options.pass.judge_values = judge_values;
  return genomics::BuildSegment(dir, Info(people.size()), {&input, 1}, options).status();
}

// The encrypted copy under other names, and quality control: the stages beside the index.
class OtherStages {
 public:
  static Result<std::unique_ptr<OtherStages>> Create(std::size_t people, const fs::path& body) {
    std::unique_ptr<OtherStages> out(new OtherStages(people));
    out->fd_ = ::open(body.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    GF_CHECK(out->fd_ >= 0);
    auto key = crypt4gh::SecretKey::Generate(out->random_).public_key();
    GF_ASSIGN(auto encryptor,
              crypt4gh::Encryptor::Create({&key, 1}, out->random_, crypt4gh::FdSink(out->fd_)));
    out->encryptor_.emplace(std::move(encryptor));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < people; ++i) names.push_back(fmt::format("P{:06}", i));
    out->subset_ = genomics::SubsetStage::ToSink(
        std::move(names),
        [encryptor = &*out->encryptor_](std::string_view bytes) { return encryptor->Push(bytes); });
    out->stages_ = {out->subset_.get(), &out->quality_};
    return out;
  }
  std::span<genomics::SiteConsumer* const> stages() const { return stages_; }
  Status Finish() {
    GF_TRY(subset_->Finish());
    GF_TRY(encryptor_->Finish());
    GF_CHECK(::fsync(fd_) == 0 && ::close(fd_) == 0);
    return absl::OkStatus();
  }

 private:
  explicit OtherStages(std::size_t people)
      : counts_(static_cast<std::uint32_t>(people)),
        quality_(counts_, genomics::Assembly::kGrch38) {}

  SystemRandom random_;
  int fd_ = -1;
  std::optional<crypt4gh::Encryptor> encryptor_;
  std::unique_ptr<genomics::SubsetStage> subset_;
  qc::Accumulator counts_;
  qc::QcStage quality_;
  std::vector<genomics::SiteConsumer*> stages_;
};

// Check, subset under other names in another order, normalise, quality control, index and encrypt,
// in one pass.
Status Pipeline(const fs::path& file, const fs::path& names, const std::string& sha256,
                const fs::path& fasta, const fs::path& dir) {
  const auto people = ReadNames(names);
  const auto input = Input(file, people, sha256, true);
  GF_ASSIGN(auto reference, genomics::Reference::Open(fasta));
  GF_ASSIGN(auto others, OtherStages::Create(people.size(), dir / "genotypes.c4gh"));
  std::uint64_t issues = 0;
  genomics::SegmentOptions options;
  options.pass.reference = reference.get();
  options.pass.on_issue = [&](const genomics::VcfIssue&) { ++issues; };
  GF_ASSIGN(auto report, genomics::BuildSegment(dir / "index", Info(people.size()), {&input, 1},
                                                options, others->stages()));
  GF_CHECK(!report.reused && report.pass.set_aside.empty());
  return others->Finish();
}

// CONTIG POS REF ALT AC AN of every site.
Status Counts(const fs::path& dir) {
  GF_ASSIGN(auto index, genomics::CohortIndex::Open(dir));
  std::map<std::string, bool> contigs;
  for (const auto& tile : index->tiles()) contigs[tile.contig] = true;
  for (const auto& [contig, seen] : contigs) {
    GF_ASSIGN(auto hits, index->FindRange({contig, 0, genomics::kMaxPosition, {}, {}, SIZE_MAX}));
    for (const auto& hit : hits) {
      auto counts = index->Count(hit);
      fmt::print("{}\t{}\t{}\t{}\t{}\t{}\n", contig, hit.variant.pos + 1, hit.variant.ref,
                 hit.variant.alt, counts.ac, counts.an);
    }
  }
  return absl::OkStatus();
}

// What each person carries.
Status Records(const fs::path& dir, const fs::path& out) {
  GF_ASSIGN(auto index, genomics::CohortIndex::Open(dir));
  const std::vector<std::string> names(index->info().n_people, "somebody");
  return genomics::WritePersonRecords(Context::Background(), *index, names, out);
}

// Prints the bytes of all records, and their alleles.
Status CountRecords(const fs::path& file) {
  GF_ASSIGN(const auto records, genomics::PersonRecords::Open(file));
  std::uint64_t bytes = 0, alleles = 0;
  genomics::CarriedAllele allele;
  for (const auto& person : records->people()) {
    bytes += person.bytes.size();
    for (auto record = records->Of(person.row);; ++alleles) {
      GF_ASSIGN(const bool any, record.Next(allele));
      if (!any) break;
    }
  }
  fmt::print("{} {}\n", bytes, alleles);
  return absl::OkStatus();
}

// One person is forgotten: the index is written anew without them, by their record.
Status Erase(const fs::path& dir, const fs::path& file, std::uint32_t row, const fs::path& out) {
  GF_ASSIGN(auto index, genomics::CohortIndex::Open(dir));
  GF_ASSIGN(const auto records, genomics::PersonRecords::Open(file));
  return genomics::EraseRows(Context::Background(), *index, {&row, 1}, records.get(), out).status();
}

// All of it for an endless VCF from a pipe, until `bytes` of it were read; prints what it took.
Status Stream(std::uint64_t bytes, const fs::path& dir) {
  constexpr std::uint32_t kPeople = 2504;
  Dice dice(1);
  std::string header =
      "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=248956422>\n"
      "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
  std::vector<std::string> rows;
  for (std::uint32_t i = 0; i < kPeople; ++i) rows.push_back(SampleName(i));
  for (const std::string& name : rows) header += "\t" + name;
  header += "\n";
  std::vector<std::string> bodies;
  std::vector<std::pair<std::uint32_t, int>> carriers;
  for (int i = 0; i < 1000; ++i) {
    std::string body = "\t.\tA\tC\t50\tPASS\t.\tGT";
    std::size_t start = body.size();
    for (std::uint32_t p = 0; p < kPeople; ++p) body += "\t0|0";
    DrawCarriers(dice, kPeople, DrawFrequency(dice, kPeople, 0.1), carriers);
    for (auto [person, copies] : carriers) body[start + std::size_t{4} * person + 1] = '1';
    bodies.push_back(body + "\n");
  }
  int ends[2];
  GF_CHECK(::pipe(ends) == 0);
  std::thread writer([&] {
    std::string text = header;
    std::uint64_t sent = 0;
    for (std::uint32_t i = 0; sent + text.size() < bytes; ++i) {
      text += fmt::format("chr1\t{}", 10'000 + 100 * i);
      text += bodies[i % bodies.size()];
      if (text.size() < 1U << 20) continue;
      for (std::string_view rest = text; !rest.empty();) {
        ssize_t n = ::write(ends[1], rest.data(), rest.size());
        GF_CHECK(n > 0);
        rest.remove_prefix(static_cast<std::size_t>(n));
      }
      sent += text.size();
      text.clear();
    }
    ::close(ends[1]);
  });
  GF_ASSIGN(auto builder, genomics::SegmentBuilder::Create(dir / "index", Info(kPeople)));
  GF_ASSIGN(auto others, OtherStages::Create(kPeople, dir / "genotypes.c4gh"));
  genomics::IndexStage index(*builder);
  std::vector<genomics::SiteConsumer*> stages = {&index};
  stages.insert(stages.end(), others->stages().begin(), others->stages().end());
  auto report = genomics::RunPass(ends[0], rows, {}, stages);
  writer.join();
  GF_TRY(report);
  GF_TRY(others->Finish());
  GF_TRY(builder->Finish());
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("{{\"records\": {}, \"peak_kib\": {}}}\n", report->records, usage.ru_maxrss);
  return absl::OkStatus();
}

int Main(std::vector<std::string> args) {
  auto number = [&](std::size_t i) {
    return i < args.size() ? static_cast<std::uint64_t>(*ParseInt(args[i])) : 0;
  };
  auto small = [&](std::size_t i) { return static_cast<std::uint32_t>(number(i)); };
  if (args.size() >= 3) {
    const std::string& what = args[0];
    if (what == "generate-bcf") return GenerateBcf(args[1], small(2), small(3), number(4));
    if (what == "generate-single") return GenerateSingle(args[1], small(2), number(3));
    if (what == "generate-cohort") return GenerateCohort(args[1], small(2), small(3), number(4));
    Status status = absl::OkStatus();
    const bool judge = what == "check-and-index";
    if ((judge || what == "index") && args.size() == 5)
      status = Index(args[1], args[2], args[3], args[4], judge);
    if (what == "pipeline" && args.size() == 6)
      status = Pipeline(args[1], args[2], args[3], args[4], args[5]);
    if (what == "records") status = Records(args[1], args[2]);
    if (what == "erase" && args.size() == 5) status = Erase(args[1], args[2], small(3), args[4]);
    if (what == "stream") status = Stream(number(1), args[2]);
    return status.ok() ? 0 : Fail(status);
  }
  if (args.size() == 2 && (args[0] == "counts" || args[0] == "count-records")) {
    Status status = args[0] == "counts" ? Counts(args[1]) : CountRecords(args[1]);
    return status.ok() ? 0 : Fail(status);
  }
  std::cerr
      << "usage: onboarding_benchmark generate-bcf OUT PEOPLE SITES SEED | generate-single OUT "
         "RECORDS SEED |\n  generate-cohort DIR PEOPLE SITES SEED | index|check-and-index IN NAMES "
         "SHA256 DIR | "
         "pipeline IN NAMES SHA256 FASTA DIR |\n  stream BYTES DIR | counts DIR | records DIR OUT | count-records FILE | erase DIR RECORDS ROW OUT\n";
  return 2;
}

}  // namespace
}  // namespace genofed

int main(int argc, char** argv) { return genofed::Main({argv + 1, argv + argc}); }
