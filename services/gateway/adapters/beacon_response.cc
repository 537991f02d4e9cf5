// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_response.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "libs/beacon/aggregation.h"
#include "libs/genomics/individuals.h"
#include "libs/genomics/variant.h"
#include "libs/http/uri.h"
#include "libs/rpc/time_codec.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;
namespace v1 = discovery::v1;
using beacon::EntryType;
using beacon::Granularity;

std::string Dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json Meta(const SiteFacts& site, const beacon::Request& request, Granularity granularity) {
  const beacon::EntryFacts& entry = beacon::Facts(request.target.type);
  return {{"beaconId", site.ServiceId("beacon")},
          {"apiVersion", kBeaconApiVersion},
          {"returnedSchemas", json::array({{{"entityType", entry.id}, {"schema", entry.schema}}})},
          {"returnedGranularity", beacon::GranularityName(granularity)},
          {"testMode", request.test_mode},
          {"receivedRequestSummary", json::parse(request.summary)}};
}

std::string TypeOfVariant(const v1::AlleleCount& allele) {
  const auto ref = allele.reference_bases().size();
  const auto alt = allele.alternate_bases().size();
  if (ref == 1 && alt == 1) return "SNP";
  if (ref == alt) return "MNP";
  return ref < alt ? "INS" : "DEL";
}

// A CURIE for the sequence: its RefSeq accession where there is one. The version follows from the
// assembly.
std::string SequenceId(const v1::AlleleCount& allele) {
  const auto assembly = genomics::ParseAssembly(allele.assembly());
  if (allele.contig() == "MT") return "refseq:NC_012920.1";
  if (assembly && genomics::IsPrimaryContig(allele.contig())) {
    const int number = allele.contig() == "X"   ? 23
                       : allele.contig() == "Y" ? 24
                                                : std::atoi(allele.contig().c_str());
    for (int version = 1; version <= 20; ++version) {
      const std::string accession = fmt::format("NC_{:06}.{}", number, version);
      if (genomics::AssemblyOfAccession(accession) == assembly) return "refseq:" + accession;
    }
  }
  return fmt::format("{}:{}", allele.assembly().empty() ? "contig" : allele.assembly(),
                     allele.contig());
}

json Number(std::int64_t value) { return {{"type", "Number"}, {"value", value}}; }

json Variation(const v1::AlleleCount& allele) {
  const std::int64_t end =
      allele.start() + static_cast<std::int64_t>(allele.reference_bases().size());
  return {{"variantType", TypeOfVariant(allele)},
          {"referenceBases", allele.reference_bases()},
          {"alternateBases", allele.alternate_bases()},
          {"location",
           {{"type", "SequenceLocation"},
            {"sequence_id", SequenceId(allele)},
            {"interval",
             {{"type", "SequenceInterval"},
              {"start", Number(allele.start())},
              {"end", Number(end)}}}}}};
}

// As the Genome of Europe names them: the country, "FI_F" of its women, "FI_M" of its men; else the
// country and the filters.
std::string Population(const v1::DatasetResult& dataset, const v1::AlleleCount& allele) {
  const std::string& filters = allele.population();
  if (filters.empty()) return dataset.country();
  if (filters == genomics::SexTerm(genomics::Sex::kFemale)) return dataset.country() + "_F";
  if (filters == genomics::SexTerm(genomics::Sex::kMale)) return dataset.country() + "_M";
  return fmt::format("{}: {}", dataset.country(), filters);
}

// Genome of Europe: AC = Hom + Het + Hemi, all counted in alleles.
json Frequency(const v1::DatasetResult& dataset, const v1::AlleleCount& allele) {
  const double frequency =
      allele.allele_number() > 0
          ? static_cast<double>(allele.allele_count()) / static_cast<double>(allele.allele_number())
          : 0.0;
  json out = {{"population", Population(dataset, allele)},
              {"alleleFrequency", frequency},
              {"alleleCount", allele.allele_count()},
              {"alleleNumber", allele.allele_number()}};
  // Where carriers are not divided, they are not all hemizygous.
  if (allele.homozygotes() == 0 && allele.heterozygotes() == 0) return out;
  out["alleleCountHomozygous"] = 2 * allele.homozygotes();
  out["alleleCountHeterozygous"] = allele.heterozygotes();
  const std::int64_t hemizygous =
      allele.allele_count() - 2 * allele.homozygotes() - allele.heterozygotes();
  if (hemizygous >= 0) out["alleleCountHemizygous"] = hemizygous;
  return out;
}

// All people of a dataset are of its country: portals look for the one row or the other.
json Frequencies(const v1::DatasetResult& dataset, const v1::AlleleCount& allele) {
  json own = Frequency(dataset, allele);
  if (own["population"] != dataset.country()) return json::array({std::move(own)});
  json total = own;
  total["population"] = "Total";
  if (dataset.country().empty()) return json::array({std::move(total)});
  return json::array({std::move(own), std::move(total)});
}

json Identifiers(const v1::AlleleCount& allele) {
  json out = json::object();
  if (!allele.hgvs().empty()) out["genomicHGVSId"] = allele.hgvs();
  const auto add = [&](const std::string& id, const char* version) {
    if (!id.empty())
      out["variantAlternativeIds"].push_back(
          {{"id", id}, {"notes", fmt::format("GA4GH VRS {}", version)}});
  };
  add(allele.vrs_2_0(), "2.0");
  add(allele.vrs_1_3(), "1.3");
  return out;
}

json VariantResult(const SiteFacts& site, const v1::DatasetResult& dataset,
                   const v1::AlleleCount& allele) {
  const genomics::Variant variant{allele.contig(), allele.start(), allele.reference_bases(),
                                  allele.alternate_bases()};
  const std::string prefix = allele.assembly().empty() ? "" : allele.assembly() + "-";
  json out = {
      {"variantInternalId", prefix + genomics::FormatVariant(variant)},
      {"variation", Variation(allele)},
      {"frequencyInPopulations",
       json::array({{{"source", dataset.dataset()},
                     {"sourceReference", site.public_url + "/api/v1/datasets/" + dataset.dataset()},
                     {"version", std::to_string(dataset.version())},
                     {"frequencies", Frequencies(dataset, allele)}}})}};
  if (json identifiers = Identifiers(allele); !identifiers.empty())
    out["identifiers"] = std::move(identifiers);
  return out;
}

// One page of the results in a result set: skip counts pages, and every dataset is paged by itself.
json ResultsOf(const SiteFacts& site, const beacon::Request& request,
               const v1::DatasetResult& dataset) {
  json results = json::array();
  const std::int64_t last =
      std::min<std::int64_t>(request.first() + request.limit, dataset.alleles_size());
  for (std::int64_t i = request.first(); i < last; ++i) {
    results.push_back(VariantResult(site, dataset, dataset.alleles(static_cast<int>(i))));
  }
  return results;
}

bool Includes(beacon::Include include, bool exists) {
  switch (include) {
    case beacon::Include::kHit:
      return exists;
    case beacon::Include::kMiss:
      return !exists;
    case beacon::Include::kAll:
      return true;
    case beacon::Include::kNone:
      return false;
  }
  return false;
}

// Beacon 2.2: how near a count is to the truth.
void AddPrecision(v1::CountPrecision precision, std::int64_t adjusted_to, json& out) {
  switch (precision) {
    case v1::COUNT_PRECISION_EXACT:
      out["countPrecision"] = "exact";
      return;
    case v1::COUNT_PRECISION_ROUNDED:
      out["countPrecision"] = "rounded";
      break;
    case v1::COUNT_PRECISION_IMPRECISE:
      out["countPrecision"] = "imprecise";
      break;
    default:
      return;
  }
  if (adjusted_to > 1) out["countAdjustedTo"] = json::array({adjusted_to});
}

// Of a page about a dataset.
json DatasetHandover(const SiteFacts& site, const std::string& dataset) {
  return {{"handoverType", {{"id", "CUSTOM:dataset"}, {"label", "Description of the dataset"}}},
          {"url", site.public_url + "/beacon/v2/datasets/" + http::PercentEncode(dataset)},
          {"note", "What the dataset is and under which conditions its data may be used"}};
}

// Where to ask for what is not answered openly: an application names the record of the catalogue.
json AccessHandover(const SiteFacts& site, const std::string& record) {
  return {{"handoverType", {{"id", "CUSTOM:data-access"}, {"label", "Application for access"}}},
          {"url", site.public_url + "/api/v1/datasets/" + http::PercentEncode(record)},
          {"note",
           "What an application at the hub of the federation names, and whom to ask. Records of "
           "people are answered to those whose application was approved"}};
}

json Ontology(const std::string& id, const std::string& label) {
  json term = {{"id", id}};
  if (!label.empty()) term["label"] = label;
  return term;
}

// Terms of the Human Phenotype Ontology are features; cohorts keep no others but of diseases.
json Individual(const v1::IndividualRecord& record) {
  const genomics::Sex sex = genomics::ParseSex(record.sex());
  const char* label = sex == genomics::Sex::kFemale ? "female"
                      : sex == genomics::Sex::kMale ? "male"
                                                    : "unknown";
  json out = {{"id", record.id()}, {"sex", Ontology(record.sex(), label)}};
  if (record.has_age_years()) out["info"]["ageYears"] = record.age_years();
  for (const v1::FilteringTerm& term : record.terms()) {
    if (term.id().starts_with("HP:")) {
      out["phenotypicFeatures"].push_back({{"featureType", Ontology(term.id(), term.label())}});
    } else {
      out["diseases"].push_back({{"diseaseCode", Ontology(term.id(), term.label())}});
    }
  }
  return out;
}

json CohortSet(const SiteFacts& site, const beacon::Request& request,
               const v1::DatasetResult& dataset) {
  json set = {{"id", dataset.dataset()},
              {"setType", "dataset"},
              {"exists", dataset.exists()},
              {"info",
               {{"country", dataset.country()},
                {"version", dataset.version()},
                {"counted", "individuals"}}}};
  if (request.target.type == EntryType::kVariant)
    set["results"] = ResultsOf(site, request, dataset);
  if (dataset.opened()) {
    set["results"] = json::array();
    for (const v1::IndividualRecord& one : dataset.individuals())
      set["results"].push_back(Individual(one));
  }
  // Datasets of Beacons that are no sites of the federation are not in its catalogue.
  if (!dataset.country().empty())
    set["resultsHandovers"] = json::array(
        {DatasetHandover(site, dataset.dataset()), AccessHandover(site, dataset.dataset())});
  // Not disclosed is not zero.
  if (!dataset.exists() || dataset.count() > 0) {
    set["resultsCount"] = dataset.count();
    AddPrecision(dataset.count_precision(), dataset.count_adjusted_to(), set);
  }
  return set;
}

json FolderSet(const SiteFacts& site, const v1::BeaconResultSet& set, std::int32_t floor) {
  json out = {{"id", set.id()},
              {"setType", "dataset"},
              {"exists", set.exists()},
              {"resultsCount", set.count()},
              {"countPrecision", set.exact() ? "exact" : "imprecise"},
              {"resultsHandovers", json::array({DatasetHandover(site, set.id())})},
              {"info", {{"counted", set.exact() || set.records() ? "records" : "individuals"}}}};
  if (!set.exact()) out["countAdjustedTo"] = {0, floor};  // less than the floor is told as 0
  if (!set.records()) out["resultsHandovers"].push_back(AccessHandover(site, set.folder()));
  return out;
}

// An object with a list of documents as one more member; they are JSON already.
template <typename Documents>
std::string WithList(const json& object, std::string_view name, const Documents& documents) {
  std::string out = Dump(object);
  out.pop_back();
  out += fmt::format("{}\"{}\":[", object.empty() ? "" : ",", name);
  std::size_t size = out.size() + 4;
  for (const std::string& document : documents) size += document.size() + 1;
  out.reserve(size);
  for (const std::string& document : documents) {
    if (out.back() != '[') out += ',';
    out += document;
  }
  return out += "]}";
}

std::vector<std::string> ResultSets(const SiteFacts& site, const beacon::Request& request,
                                    const BeaconAnswers& answers) {
  std::vector<std::string> sets;
  std::set<std::string> seen;
  for (const auto& set : answers.folders.sets()) {
    seen.insert(set.id());
    sets.push_back(set.records() ? WithList(FolderSet(site, set, answers.folders.minimum_count()),
                                            "results", set.results())
                                 : Dump(FolderSet(site, set, answers.folders.minimum_count())));
  }
  if (!answers.cohorts) return sets;
  for (const auto& dataset : answers.cohorts->datasets()) {
    if (!seen.contains(dataset.dataset()) && Includes(request.include, dataset.exists()))
      sets.push_back(Dump(CohortSet(site, request, dataset)));
  }
  return sets;
}

std::string MemberState(v1::Member::State state) {
  const std::string& name = v1::Member::State_Name(state);
  constexpr std::string_view kPrefix = "STATE_";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : "UNKNOWN";
}

json FrequencyTable(const v1::FrequencyTableUsed& table) {
  return {{"assembly", table.assembly()},
          {"version", table.number()},
          {"digest", table.digest()},
          {"resolution", table.resolution()}};
}

// What one number says, or several added up that count the same.
struct Total {
  std::int64_t count = 0;
  const char* counted = "individuals";
  json precision = json::object();  // countPrecision and countAdjustedTo
};

bool AnswersFromCohorts(const BeaconAnswers& answers) {
  return answers.cohorts && answers.cohorts->datasets_size() > 0;
}

Total OfFolders(const beacon::Request& request, const v1::QueryFoldersResponse& folders) {
  // Under control people are counted, whatever record of theirs was asked for, but for variants.
  const bool records = folders.exact() || request.target.type == EntryType::kVariant;
  return {folders.count(),
          records ? "records" : "individuals",
          {{"countPrecision", folders.exact() ? "exact" : "imprecise"}}};
}

Total OfCohorts(const v1::QueryResponse& cohorts) {
  Total total{cohorts.count()};
  AddPrecision(cohorts.count_precision(), cohorts.count_adjusted_to(), total.precision);
  return total;
}

// Whether folders and cohorts count different things: variants these, who carries them those.
bool CountsDiffer(const beacon::Request& request, const BeaconAnswers& answers) {
  return answers.folders.holds() && AnswersFromCohorts(answers) &&
         request.target.type == EntryType::kVariant;
}

// Never of different things.
Total Sum(const beacon::Request& request, const BeaconAnswers& answers) {
  const auto& folders = answers.folders;
  const bool cohorts = AnswersFromCohorts(answers);
  if (!folders.holds()) return answers.cohorts ? OfCohorts(*answers.cohorts) : Total();
  if (!cohorts) return OfFolders(request, folders);
  if (CountsDiffer(request, answers))
    return folders.exists() ? OfFolders(request, folders) : OfCohorts(*answers.cohorts);
  Total total = OfCohorts(*answers.cohorts);
  total.count += folders.count();
  const bool exact =
      folders.exact() && answers.cohorts->count_precision() == v1::COUNT_PRECISION_EXACT;
  total.precision = {{"countPrecision", exact ? "exact" : "imprecise"}};
  return total;
}

// Which datasets of folders are not in the counts, and why. Where datasets themselves were asked
// for, the folder is named.
void AddWithheld(const v1::QueryFoldersResponse& folders, json& info) {
  for (const v1::WithheldFolder& withheld : folders.withheld()) {
    json one = {{"dataset", withheld.folder()}, {"reason", "TOO_MUCH_AT_ONCE"}};
    if (withheld.reason() == v1::WithheldFolder::REASON_BUDGET_SPENT) {
      one["reason"] = "BUDGET_SPENT";
      one["retryAfterSeconds"] = withheld.retry_after_seconds();
    }
    if (withheld.datasets().empty()) info["withheld"].push_back(one);
    for (const std::string& dataset : withheld.datasets()) {
      one["dataset"] = dataset;
      info["withheld"].push_back(one);
    }
  }
}

void AddWithheld(const BeaconAnswers& answers, json& info) {
  AddWithheld(answers.folders, info);
  if (answers.cohorts) {
    for (const auto& withheld : answers.cohorts->withheld()) {
      info["withheld"].push_back({{"dataset", withheld.dataset()},
                                  {"reason", "BUDGET_SPENT"},
                                  {"retryAfterSeconds", withheld.retry_after_seconds()}});
    }
  }
  for (const LeftOut& left_out : answers.withheld) {
    json one = {{"dataset", left_out.dataset}, {"reason", left_out.reason}};
    if (left_out.retry_after) one["retryAfterSeconds"] = left_out.retry_after->count();
    info["withheld"].push_back(std::move(one));
  }
}

json NotAsked(const std::vector<LeftOut>& not_asked) {
  json list = json::array();
  for (const LeftOut& one : not_asked)
    list.push_back({{"dataset", one.dataset}, {"reason", one.reason}, {"detail", one.detail}});
  return list;
}

// At the hub members say it, too: of a dataset of theirs, or of all.
json NotAsked(const BeaconAnswers& answers) {
  json list = NotAsked(answers.not_asked);
  if (!answers.cohorts) return list;
  for (const v1::NotAsked& one : answers.cohorts->not_asked()) {
    json said = {{"site", one.site()}, {"reason", one.reason()}, {"detail", one.detail()}};
    if (!one.dataset().empty()) said["dataset"] = one.dataset();
    list.push_back(std::move(said));
  }
  return list;
}

json Members(const v1::QueryResponse& cohorts) {
  json members = json::array();
  for (const auto& member : cohorts.members()) {
    members.push_back({{"site", member.site()},
                       {"state", MemberState(member.state())},
                       {"milliseconds", member.milliseconds()},
                       {"consentEpoch", member.epoch()}});
    if (member.has_frequency_table())
      members.back()["frequencyTable"] = FrequencyTable(member.frequency_table());
    if (member.other_frequency_table()) members.back()["otherFrequencyTable"] = true;
  }
  return members;
}

std::int64_t Epoch(const BeaconAnswers& answers) {
  if (!answers.cohorts) return answers.folders.epoch();
  return answers.folders.holds() ? std::min(answers.folders.epoch(), answers.cohorts->epoch())
                                 : answers.cohorts->epoch();
}

json Info(const SiteFacts& site, const beacon::Request& request, const BeaconAnswers& answers) {
  const auto& folders = answers.folders;
  json info = {{"counted", Sum(request, answers).counted}};
  if (CountsDiffer(request, answers))
    info["totals"] = {{"records", folders.count()}, {"individuals", answers.cohorts->count()}};
  if (const std::int32_t floor =
          answers.cohorts ? answers.cohorts->minimum_count() : folders.minimum_count();
      floor > 0)
    info["minimumCount"] = floor;
  if (folders.disclosure_control_off()) {
    info["minimumCount"] = 1;
    info["disclosureControl"] = "OFF: for conformance runs only";
  }
  AddWithheld(answers, info);
  if (json not_asked = NotAsked(answers); !not_asked.empty()) info["notAsked"] = std::move(not_asked);
  if (answers.cohorts) {
    for (const auto& table : answers.cohorts->frequency_tables())
      info["frequencyTables"].push_back(FrequencyTable(table));
  }
  if (site.hub) {
    info["members"] = answers.cohorts ? Members(*answers.cohorts) : json::array();
  } else {
    info["consentEpoch"] = Epoch(answers);
  }
  return info;
}

Granularity ParseGranularity(std::string_view name) {
  for (const Granularity one : {Granularity::kRecord, Granularity::kCount}) {
    if (name == beacon::GranularityName(one)) return one;
  }
  return Granularity::kBoolean;
}

// People by the values of each aggregation that was told: those of folders and of all datasets of
// cohorts.
using Distributions = std::map<std::string, std::map<std::vector<std::string>, std::int64_t>>;

Distributions Aggregated(const BeaconAnswers& answers) {
  Distributions out;
  for (const v1::FolderAggregation& aggregation : answers.folders.aggregations()) {
    auto& values = out[aggregation.term()];
    for (const auto& value : aggregation.distribution()) values[{value.id()}] += value.count();
  }
  if (!answers.cohorts) return out;
  for (const auto& dataset : answers.cohorts->datasets()) {
    for (const v1::Distribution& distribution : dataset.distributions()) {
      auto& values = out[distribution.aggregation()];
      for (const auto& cell : distribution.cells())
        values[{cell.values().begin(), cell.values().end()}] += cell.count();
    }
  }
  return out;
}

// Of cohorts. Records are alleles with frequencies, and people of what a passport opens; where
// counts were not disclosed only yes or no is left.
Granularity OfCohorts(const beacon::Request& request, const v1::QueryResponse& cohorts) {
  if (cohorts.exists() && cohorts.count() <= 0) return Granularity::kBoolean;
  const auto& datasets = cohorts.datasets();
  const bool alleles = std::any_of(datasets.begin(), datasets.end(),
                                   [](const auto& dataset) { return dataset.alleles_size() > 0; });
  const bool opened = std::any_of(datasets.begin(), datasets.end(),
                                  [](const auto& dataset) { return dataset.opened(); });
  const bool records =
      opened || (request.target.type == EntryType::kVariant && (alleles || !cohorts.exists()));
  return records ? request.granularity : std::min(request.granularity, Granularity::kCount);
}

// The finest of what was answered, never finer than asked for.
Granularity Returned(const beacon::Request& request, const BeaconAnswers& answers) {
  // Experimental, and only where it was asked for with terms: schemas of 2.2 do not know the word.
  if (!Aggregated(answers).empty()) return Granularity::kAggregated;
  std::optional<Granularity> finest;
  if (answers.folders.holds()) finest = ParseGranularity(answers.folders.granularity());
  if (answers.cohorts && (!finest || AnswersFromCohorts(answers)))
    finest = std::max(finest.value_or(Granularity::kBoolean), OfCohorts(request, *answers.cohorts));
  const Granularity returned = finest.value_or(request.granularity);
  return returned == Granularity::kAggregated ? Granularity::kCount : returned;
}

json Summary(bool exists, const Total& total, Granularity granularity) {
  json summary = {{"exists", exists}};
  if (granularity == Granularity::kBoolean) return summary;
  summary["numTotalResults"] = total.count;
  summary.update(total.precision);
  return summary;
}

// Experimental: responseAggregation of the proposed beaconAggregationResponse, in the order that
// was asked for.
json ResponseAggregation(const beacon::Request& request, const Distributions& distributions) {
  json list = json::array();
  for (const std::string& id : request.aggregations) {
    const beacon::AggregationTerm* term = beacon::FindAggregationTerm(id);
    const auto told = distributions.find(id);
    if (term == nullptr || told == distributions.end()) continue;
    json distribution = json::array();
    for (const auto& [values, count] : told->second) {
      json concept_values = json::array();
      for (const std::string& value : values) concept_values.push_back({{"id", value}});
      distribution.push_back({{"conceptValues", std::move(concept_values)}, {"count", count}});
    }
    list.push_back({{"id", term->id},
                    {"label", term->label},
                    {"scope", "individual"},
                    {"concepts", AggregationConcepts(*term)},
                    {"distribution", std::move(distribution)}});
  }
  return list;
}

json OntologyTerms(const catalogue::v1::DatasetRecord& record) {
  json terms = json::array();
  for (const std::string& code : record.data_use()) {
    if (code.find(':') != std::string::npos)
      terms.push_back({{"id", code}, {"version", "2021-02-23"}});
  }
  return terms;
}

json Dataset(const SiteFacts& site, const catalogue::v1::DatasetRecord& record) {
  json out = {{"id", record.id()},
              {"name", record.title().empty() ? record.id() : record.title()},
              {"description", record.description()},
              {"version", std::to_string(record.version())},
              {"externalUrl", site.public_url + "/api/v1/datasets/" + record.id()},
              {"createDateTime", FormatRfc3339(rpc::GetTime(record.issued()))},
              {"updateDateTime", FormatRfc3339(rpc::GetTime(record.modified()))},
              {"info",
               {{"country", record.country()},
                {"publisher", record.publisher()},
                {"assembly", record.assembly()},
                {"individualsAtLeast", record.individuals()}}}};
  if (json terms = OntologyTerms(record); !terms.empty())
    out["dataUseConditions"]["duoDataUse"] = std::move(terms);
  return out;
}

}  // namespace

std::string RenderQueryResponse(const SiteFacts& site, const beacon::Request& request,
                                const BeaconAnswers& answers) {
  const Granularity returned = Returned(request, answers);
  const auto& folders = answers.folders;
  const bool exists = folders.exists() || (answers.cohorts && answers.cohorts->exists());
  json document = {{"meta", Meta(site, request, returned)},
                   {"responseSummary", Summary(exists, Sum(request, answers), returned)},
                   {"info", Info(site, request, answers)}};
  if (returned == Granularity::kAggregated)
    document["responseAggregation"] = ResponseAggregation(request, Aggregated(answers));
  // Asked for records and given counts: the datasets are named all the same.
  if (request.granularity != Granularity::kRecord || returned == Granularity::kBoolean)
    return Dump(document);
  const std::string response =
      WithList(json::object(), "resultSets", ResultSets(site, request, answers));
  std::string out = Dump(document);
  out.pop_back();
  return out + ",\"response\":" + response + "}";
}

std::string RenderCollections(const SiteFacts& site, const beacon::Request& request,
                              const v1::QueryFoldersResponse& folders,
                              const std::vector<catalogue::v1::DatasetRecord>& records,
                              const std::vector<LeftOut>& not_asked) {
  const Granularity returned =
      request.granularity == Granularity::kAggregated ? Granularity::kCount : request.granularity;
  const auto count = folders.count() + static_cast<std::int64_t>(records.size());
  json document = {{"meta", Meta(site, request, returned)},
                   {"responseSummary", Summary(count > 0, {count}, returned)}};
  if (!not_asked.empty()) document["info"]["notAsked"] = NotAsked(not_asked);
  if (!folders.withheld().empty()) AddWithheld(folders, document["info"]);
  if (returned != Granularity::kRecord) return Dump(document);
  std::vector<std::string> page(folders.collections().begin(), folders.collections().end());
  // The catalogue's records come behind all datasets of folders.
  const std::int64_t first = std::max<std::int64_t>(request.first() - folders.count(), 0);
  const std::int64_t last = std::min<std::int64_t>(
      request.first() + request.limit - folders.count(), static_cast<std::int64_t>(records.size()));
  for (std::int64_t i = first; i < last; ++i)
    page.push_back(Dump(Dataset(site, records[static_cast<std::size_t>(i)])));
  std::string out = Dump(document);
  out.pop_back();
  return out + ",\"response\":" + WithList(json::object(), "collections", page) + "}";
}

}  // namespace genofed::gateway
