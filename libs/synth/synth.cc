// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/synth.h"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <system_error>
#include <utility>

#include "libs/core/file.h"
#include "libs/synth/documents.h"
#include "libs/synth/genotypes.h"
#include "libs/synth/persons.h"
#include "libs/synth/reference.h"
#include "libs/synth/sites.h"
#include "libs/synth/vcf_writer.h"

namespace genofed::synth {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kFewestPeople = 10;
constexpr std::uint32_t kMostPeople = 1'000'000;
constexpr std::uint32_t kFewestSites = 200;
constexpr std::uint32_t kFewestSitesOnX = 20;
constexpr std::uint32_t kFewestSitesOnY = 10;
constexpr std::uint32_t kReferenceTail = 1000;  // bases written behind the last site

struct ContigPlan {
  const Contig* contig = nullptr;
  std::uint32_t sites = 0;
  bool planted = false;
};

Status CheckFractions(const SynthOptions& options) {
  const double sum = options.without_consent + options.af_only + options.without_secondary_use;
  for (const double fraction :
       {options.without_consent, options.af_only, options.without_secondary_use}) {
    if (!(fraction >= 0 && fraction <= 1)) {
      return InvalidField("without_consent", "OUT_OF_RANGE", "fractions lie between 0 and 1");
    }
  }
  if (sum > 1)
    return InvalidField("without_consent", "OUT_OF_RANGE", "the fractions add up to {}", sum);
  return {};
}

Status Check(const SynthOptions& options) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (options.country.size() != 2 || !std::ranges::all_of(options.country, upper)) {
    return InvalidField("country", "INVALID_COUNTRY", "'{}' is not two upper-case letters",
                        options.country);
  }
  if (options.people < kFewestPeople || options.people > kMostPeople) {
    return InvalidField("people", "OUT_OF_RANGE", "must be {} to {}", kFewestPeople, kMostPeople);
  }
  if (options.sites < kFewestSites) {
    return InvalidField("sites", "OUT_OF_RANGE", "must be at least {}", kFewestSites);
  }
  if (options.directory.empty()) return InvalidField("directory", "REQUIRED", "say where to write");
  return CheckFractions(options);
}

// The contigs in the order of the genome.
Result<std::vector<const Contig*>> FindContigs(const std::vector<std::string>& names) {
  std::vector<const Contig*> contigs;
  for (const std::string& name : names) {
    const Contig* contig = FindContig(name);
    if (contig == nullptr) {
      return InvalidField("contigs", "UNKNOWN_CONTIG",
                          "'{}' is not a GRCh38 chromosome such as chr20", name);
    }
    if (std::ranges::find(contigs, contig) == contigs.end()) contigs.push_back(contig);
  }
  std::ranges::sort(contigs, {}, [](const Contig* contig) { return contig->rank; });
  if (contigs.empty() || contigs.front()->kind != ContigKind::kAutosome) {
    return InvalidField("contigs", "REQUIRED", "at least one autosome is needed");
  }
  return contigs;
}

// Shares the sites out; the first autosome takes what is left and the planted associations.
Result<std::vector<ContigPlan>> ShareSites(const SynthOptions& options) {
  GF_ASSIGN(const auto contigs, FindContigs(options.contigs));
  const auto autosomes = static_cast<std::uint32_t>(std::ranges::count(
      contigs, ContigKind::kAutosome, [](const Contig* contig) { return contig->kind; }));
  const std::uint32_t on_x = std::max(kFewestSitesOnX, options.sites / 40);
  const std::uint32_t on_y = std::max(kFewestSitesOnY, options.sites / 100);
  const std::uint32_t on_autosome = (options.sites - on_x - on_y) / autosomes;
  std::vector<ContigPlan> plans;
  std::uint32_t left = options.sites;
  for (const Contig* contig : contigs) {
    const std::uint32_t sites = contig->kind == ContigKind::kX   ? on_x
                                : contig->kind == ContigKind::kY ? on_y
                                                                 : on_autosome;
    plans.push_back({contig, sites, false});
    left -= sites;
  }
  plans.front().sites += left;
  plans.front().planted = true;
  if (plans.front().sites < 100) {
    return InvalidField("sites", "OUT_OF_RANGE",
                        "the first autosome needs 100 sites: more sites or fewer contigs");
  }
  for (const ContigPlan& plan : plans) {
    const std::uint32_t capacity = SitePlanner::Capacity(*plan.contig);
    if (plan.sites > capacity) {
      return InvalidField("sites", "OUT_OF_RANGE", "{} holds at most {} sites: name more contigs",
                          plan.contig->name, capacity);
    }
  }
  return plans;
}

Status PrepareDirectory(const SynthOptions& options) {
  std::error_code error;
  fs::create_directories(options.directory, error);
  if (!error && options.replace) {
    // truth.json first: with it a directory is complete.
    for (const char* name :
         {"truth.json", "cohort.vcf.gz", "cohort.vcf.gz.tbi", "phenopackets",
          "consents.fhir-r4.json", "README.txt", "dataset.json", "reference.fa"}) {
      if (!error) fs::remove_all(options.directory / name, error);
    }
  }
  if (!error && !options.replace && !fs::is_empty(options.directory, error) && !error) {
    return Error(StatusCode::kFailedPrecondition, "DIRECTORY_NOT_EMPTY",
                 "{} is not empty; choose another directory, or replace its cohort",
                 options.directory.string());
  }
  if (!error) fs::create_directories(options.directory / "phenopackets", error);
  if (error) {
    return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot prepare {}: {}",
                 options.directory.string(), error.message());
  }
  return {};
}

class CohortMaker {
 public:
  CohortMaker(const SynthOptions& options, std::vector<ContigPlan> plans, std::ostream* progress)
      : options_(options),
        plans_(std::move(plans)),
        progress_(progress),
        planner_(options.seed, options.country, options.people),
        persons_(MakePersons(options)),
        drawer_(options.seed, options.country, Sexes()) {}

  Status Run() {
    DrawPhenotypes();
    GF_TRY(WriteGenotypes());
    GF_TRY(WriteDocuments());
    if (options_.write_reference)
      GF_TRY(WriteReference(options_.directory / "reference.fa", reference_));
    Say(fmt::format("wrote {}", options_.directory.string()));
    return {};
  }

 private:
  std::vector<Sex> Sexes() const {
    std::vector<Sex> sexes;
    for (const Person& person : persons_) sexes.push_back(person.sex);
    return sexes;
  }

  void Say(const std::string& line) {
    if (progress_ != nullptr) *progress_ << line << '\n' << std::flush;
  }

  // Phenotypes follow genotypes: the planted sites are drawn first, and again when their turn
  // comes.
  void DrawPhenotypes() {
    const auto& associations = PlantedAssociations();
    const std::uint32_t enough = associations.back().index + 1;
    const std::vector<Site> sites = planner_.Plan(*plans_.front().contig, enough, true);
    std::vector<std::vector<bool>> carriers;
    for (const PlantedAssociation& association : associations) {
      const Site& site = *std::ranges::find(sites, association.index, &Site::index);
      drawer_.Draw(site, calls_);
      std::vector<bool>& carrier = carriers.emplace_back();
      for (const Call& call : calls_) carrier.push_back(call.first > 0 || call.second > 0);
      planted_.push_back({&association, site, {}, {}});
    }
    AssignTerms(options_, carriers, persons_);
  }

  Status WriteGenotypes() {
    std::vector<const Contig*> contigs;
    for (const ContigPlan& plan : plans_) contigs.push_back(plan.contig);
    std::vector<std::string> samples;
    for (const Person& person : persons_) samples.push_back(person.sample);
    GF_ASSIGN(auto writer, VcfWriter::Open(options_.directory / "cohort.vcf.gz", options_.country,
                                           contigs, samples));
    for (const ContigPlan& plan : plans_) GF_TRY(WriteContig(plan, writer));
    return writer.Finish();
  }

  Status WriteContig(const ContigPlan& plan, VcfWriter& writer) {
    MissingRuns runs(options_.seed, options_.country, plan.contig->rank, options_.people);
    const std::vector<Site> sites = planner_.Plan(*plan.contig, plan.sites, plan.planted);
    for (std::uint32_t s = 0; s < sites.size(); ++s) {
      drawer_.Draw(sites[s], calls_);
      for (std::uint32_t person = 0; person < calls_.size(); ++person) {
        if (!runs.Missing(person, s)) continue;
        Call& call = calls_[person];
        call = {Call::kMissing, call.second == Call::kNone ? Call::kNone : Call::kMissing};
      }
      if (plan.planted) CountPlanted(sites[s]);
      GF_TRY(writer.Write(sites[s], calls_));
    }
    reference_.push_back({plan.contig, sites.back().position + kReferenceTail});
    Say(fmt::format("{}: {} sites of {} people", plan.contig->name, sites.size(), options_.people));
    return {};
  }

  void CountPlanted(const Site& site) {
    for (PlantedResult& result : planted_) {
      if (result.site.index != site.index) continue;
      const HpoTerm* term = &HpoTermOf(result.association->term);
      for (std::size_t i = 0; i < calls_.size(); ++i) {
        if (calls_[i].first == Call::kMissing) continue;
        const bool carrier = calls_[i].first > 0 || calls_[i].second > 0;
        const bool is_case = std::ranges::find(persons_[i].terms, term) != persons_[i].terms.end();
        Count(is_case, carrier, result.everybody);
        if (persons_[i].permission == Permission::kFull)
          Count(is_case, carrier, result.secondary_use);
      }
    }
  }

  static void Count(bool is_case, bool carrier, TwoByTwo& table) {
    if (is_case) {
      ++(carrier ? table.case_carriers : table.case_others);
    } else {
      ++(carrier ? table.control_carriers : table.control_others);
    }
  }

  Status WriteDocuments() {
    const fs::path& directory = options_.directory;
    for (const Person& person : persons_) {
      GF_TRY(WritePlain(directory / "phenopackets" / (person.id + ".json"), Phenopacket(person)));
    }
    Say(fmt::format("phenopackets: {}", persons_.size()));
    GF_TRY(WritePlain(directory / "consents.fhir-r4.json", ConsentBundle(persons_)));
    GF_TRY(WritePlain(directory / "README.txt", Readme(options_, planted_)));
    GF_TRY(WritePlain(directory / "dataset.json", DatasetDescription(options_)));
    // Last and synced: a directory with truth.json is complete.
    return WriteFileAtomically(directory / "truth.json", Truth(options_, persons_, planted_));
  }

  // Not WriteFileAtomically: a sync for each of a million small files takes hours.
  static Status WritePlain(const fs::path& path, std::string_view content) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << content;
    out.close();
    if (!out) return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot write {}", path.string());
    return {};
  }

  const SynthOptions& options_;
  std::vector<ContigPlan> plans_;
  std::ostream* progress_;
  SitePlanner planner_;
  std::vector<Person> persons_;
  GenotypeDrawer drawer_;
  std::vector<Call> calls_;
  std::vector<PlantedResult> planted_;
  std::vector<ReferencePart> reference_;
};

}  // namespace

Status WriteCohort(const SynthOptions& options, std::ostream* progress) {
  GF_TRY(Check(options));
  GF_ASSIGN(auto plans, ShareSites(options));
  GF_TRY(PrepareDirectory(options));
  return CohortMaker(options, std::move(plans), progress).Run();
}

}  // namespace genofed::synth
