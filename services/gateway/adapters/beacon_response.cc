// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_response.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/beacon/aggregation.h"
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

// Genome of Europe: AC = Hom + Het + Hemi, all counted in alleles.
json Frequency(const v1::DatasetResult& dataset, const v1::AlleleCount& allele) {
  const double frequency =
      allele.allele_number() > 0
          ? static_cast<double>(allele.allele_count()) / static_cast<double>(allele.allele_number())
          : 0.0;
  json out = {{"population", dataset.country()},
              {"alleleFrequency", frequency},
              {"alleleCount", allele.allele_count()},
              {"alleleNumber", allele.allele_number()},
              {"alleleCountHomozygous", 2 * allele.homozygotes()},
              {"alleleCountHeterozygous", allele.heterozygotes()}};
  const std::int64_t hemizygous =
      allele.allele_count() - 2 * allele.homozygotes() - allele.heterozygotes();
  if (hemizygous >= 0) out["alleleCountHemizygous"] = hemizygous;
  return out;
}

json VariantResult(const SiteFacts& site, const v1::DatasetResult& dataset,
                   const v1::AlleleCount& allele) {
  const genomics::Variant variant{allele.contig(), allele.start(), allele.reference_bases(),
                                  allele.alternate_bases()};
  const std::string prefix = allele.assembly().empty() ? "" : allele.assembly() + "-";
  return {
      {"variantInternalId", prefix + genomics::FormatVariant(variant)},
      {"variation", Variation(allele)},
      {"frequencyInPopulations",
       json::array({{{"source", dataset.dataset()},
                     {"sourceReference", site.public_url + "/api/v1/datasets/" + dataset.dataset()},
                     {"version", std::to_string(dataset.version())},
                     {"frequencies", json::array({Frequency(dataset, allele)})}}})}};
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

json CohortSet(const SiteFacts& site, const beacon::Request& request,
               const v1::DatasetResult& dataset) {
  json set = {{"id", dataset.dataset()},
              {"setType", "dataset"},
              {"exists", dataset.exists()},
              {"results", ResultsOf(site, request, dataset)},
              {"info",
               {{"country", dataset.country()},
                {"version", dataset.version()},
                {"counted", "individuals"}}}};
  // Not disclosed is not zero.
  if (!dataset.exists() || dataset.count() > 0) {
    set["resultsCount"] = dataset.count();
    AddPrecision(dataset.count_precision(), dataset.count_adjusted_to(), set);
  }
  return set;
}

// {"handoverType": ..., "url": ...} of a page about a dataset of a folder.
json DatasetHandover(const SiteFacts& site, const std::string& dataset) {
  return {{"handoverType", {{"id", "CUSTOM:dataset"}, {"label", "Description of the dataset"}}},
          {"url", site.public_url + "/beacon/v2/datasets/" + http::PercentEncode(dataset)},
          {"note", "What the dataset is and under which conditions its data may be used"}};
}

// Where to ask for what is not answered openly.
json AccessHandover(const SiteFacts& site) {
  return {{"handoverType", {{"id", "CUSTOM:data-access"}, {"label", "Application for access"}}},
          {"url", site.public_url + "/docs"},
          {"note", "Records of people are answered to those whose application was approved"}};
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
  if (!set.records()) out["resultsHandovers"].push_back(AccessHandover(site));
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

json Info(const SiteFacts& site, const BeaconAnswers& answers) {
  const auto& folders = answers.folders;
  const std::int32_t floor =
      answers.cohorts ? answers.cohorts->minimum_count() : folders.minimum_count();
  json info = {{"counted", folders.holds() ? "records" : "individuals"}, {"minimumCount", floor}};
  if (folders.disclosure_control_off()) {
    info["minimumCount"] = 1;
    info["disclosureControl"] = "OFF: for conformance runs only";
  }
  if (answers.cohorts) {
    for (const auto& withheld : answers.cohorts->withheld()) {
      info["withheld"].push_back({{"dataset", withheld.dataset()},
                                  {"reason", "BUDGET_SPENT"},
                                  {"retryAfterSeconds", withheld.retry_after_seconds()}});
    }
  }
  if (answers.cohorts) {
    for (const auto& table : answers.cohorts->frequency_tables())
      info["frequencyTables"].push_back(FrequencyTable(table));
  }
  if (!site.hub) {
    info["consentEpoch"] = answers.cohorts ? answers.cohorts->epoch() : folders.epoch();
    return info;
  }
  info["members"] = json::array();
  if (!answers.cohorts) return info;
  for (const auto& member : answers.cohorts->members()) {
    info["members"].push_back({{"site", member.site()},
                               {"state", MemberState(member.state())},
                               {"milliseconds", member.milliseconds()},
                               {"consentEpoch", member.epoch()}});
    if (member.has_frequency_table())
      info["members"].back()["frequencyTable"] = FrequencyTable(member.frequency_table());
    if (member.other_frequency_table()) info["members"].back()["otherFrequencyTable"] = true;
  }
  return info;
}

Granularity ParseGranularity(std::string_view name) {
  for (const Granularity one : {Granularity::kRecord, Granularity::kCount}) {
    if (name == beacon::GranularityName(one)) return one;
  }
  return Granularity::kBoolean;
}

// Never finer than asked for; where counts were not disclosed only yes or no is left.
Granularity Returned(const beacon::Request& request, const BeaconAnswers& answers) {
  // Experimental, and only where it was asked for with terms: schemas of 2.2 do not know the word.
  if (answers.folders.aggregations_size() > 0) return Granularity::kAggregated;
  if (answers.folders.holds()) return ParseGranularity(answers.folders.granularity());
  const Granularity asked =
      request.granularity == Granularity::kAggregated ? Granularity::kCount : request.granularity;
  const bool hidden = answers.cohorts && answers.cohorts->exists() && answers.cohorts->count() <= 0;
  return hidden ? Granularity::kBoolean : asked;
}

json Summary(bool exists, std::int64_t count, bool exact, bool folders, Granularity granularity) {
  json summary = {{"exists", exists}};
  if (granularity == Granularity::kBoolean) return summary;
  summary["numTotalResults"] = count;
  if (folders) summary["countPrecision"] = exact ? "exact" : "imprecise";
  return summary;
}

// Experimental: responseAggregation of the proposed beaconAggregationResponse.
json ResponseAggregation(const v1::QueryFoldersResponse& folders) {
  json list = json::array();
  for (const v1::FolderAggregation& aggregation : folders.aggregations()) {
    const beacon::AggregationTerm* term = beacon::FindAggregationTerm(aggregation.term());
    if (term == nullptr) continue;
    json distribution = json::array();
    for (const auto& value : aggregation.distribution())
      distribution.push_back(
          {{"conceptValues", json::array({{{"id", value.id()}}})}, {"count", value.count()}});
    list.push_back({{"id", term->id},
                    {"label", term->label},
                    {"scope", "individual"},
                    {"concepts", json::array({{{"property", term->property}}})},
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
  const std::int64_t count = folders.count() + (answers.cohorts ? answers.cohorts->count() : 0);
  const bool exact = folders.exact() && (!answers.cohorts || answers.cohorts->datasets().empty());
  json document = {{"meta", Meta(site, request, returned)},
                   {"responseSummary", Summary(exists, count, exact, folders.holds(), returned)},
                   {"info", Info(site, answers)}};
  if (answers.cohorts && !folders.holds() && returned != Granularity::kBoolean)
    AddPrecision(answers.cohorts->count_precision(), answers.cohorts->count_adjusted_to(),
                 document["responseSummary"]);
  if (returned == Granularity::kAggregated)
    document["responseAggregation"] = ResponseAggregation(folders);
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
                              const std::vector<catalogue::v1::DatasetRecord>& records) {
  const Granularity returned =
      request.granularity == Granularity::kAggregated ? Granularity::kCount : request.granularity;
  const auto count = folders.count() + static_cast<std::int64_t>(records.size());
  json document = {{"meta", Meta(site, request, returned)},
                   {"responseSummary", Summary(count > 0, count, true, false, returned)}};
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
