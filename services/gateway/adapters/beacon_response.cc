// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_response.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/genomics/variant.h"
#include "libs/rpc/time_codec.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;
namespace v1 = discovery::v1;
using Include = BeaconRequest::Include;

std::string Dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json ReturnedSchemas(BeaconEntry entry) {
  switch (entry) {
    case BeaconEntry::kVariant:
      return json::array(
          {{{"entityType", "genomicVariant"}, {"schema", "ga4gh-beacon-variant-v2.1.0"}}});
    case BeaconEntry::kIndividual:
      return json::array(
          {{{"entityType", "individual"}, {"schema", "ga4gh-beacon-individual-v2.1.0"}}});
    case BeaconEntry::kDataset:
      return json::array({{{"entityType", "dataset"}, {"schema", "ga4gh-beacon-dataset-v2.0.0"}}});
  }
  return json::array();
}

json Meta(const SiteFacts& site, const BeaconRequest& request, const char* granularity) {
  return {{"beaconId", site.ServiceId("beacon")},
          {"apiVersion", kBeaconApiVersion},
          {"returnedSchemas", ReturnedSchemas(request.entry)},
          {"returnedGranularity", granularity},
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
json ResultsOf(const SiteFacts& site, const BeaconRequest& request,
               const v1::DatasetResult& dataset) {
  json results = json::array();
  const std::int64_t first = request.skip * request.limit;
  const std::int64_t last = std::min<std::int64_t>(first + request.limit, dataset.alleles_size());
  for (std::int64_t i = first; i < last; ++i) {
    results.push_back(VariantResult(site, dataset, dataset.alleles(static_cast<int>(i))));
  }
  return results;
}

bool Includes(Include include, bool exists) {
  switch (include) {
    case Include::kHit:
      return exists;
    case Include::kMiss:
      return !exists;
    case Include::kAll:
      return true;
    case Include::kNone:
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

json ResultSets(const SiteFacts& site, const BeaconRequest& request,
                const v1::QueryResponse& answer) {
  json sets = json::array();
  for (const auto& dataset : answer.datasets()) {
    if (!Includes(request.include, dataset.exists())) continue;
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
    sets.push_back(std::move(set));
  }
  return sets;
}

std::string MemberState(v1::Member::State state) {
  const std::string& name = v1::Member::State_Name(state);
  constexpr std::string_view kPrefix = "STATE_";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : "UNKNOWN";
}

json Info(const SiteFacts& site, const v1::QueryResponse& answer) {
  json info = {{"counted", "individuals"}, {"minimumCount", answer.minimum_count()}};
  for (const auto& withheld : answer.withheld()) {
    info["withheld"].push_back({{"dataset", withheld.dataset()},
                                {"reason", "BUDGET_SPENT"},
                                {"retryAfterSeconds", withheld.retry_after_seconds()}});
  }
  if (!site.hub) {
    info["consentEpoch"] = answer.epoch();
    return info;
  }
  info["members"] = json::array();
  for (const auto& member : answer.members()) {
    info["members"].push_back({{"site", member.site()},
                               {"state", MemberState(member.state())},
                               {"milliseconds", member.milliseconds()},
                               {"consentEpoch", member.epoch()}});
    if (member.state() == v1::Member::STATE_BUDGET_SPENT)
      info["members"].back()["retryAfterSeconds"] = member.retry_after_seconds();
  }
  return info;
}

// Never finer than asked for; without counts only yes or no is left.
v1::Granularity Returned(const BeaconRequest& request, const v1::QueryResponse& answer) {
  const v1::Granularity asked = request.query.granularity();
  return asked != v1::GRANULARITY_BOOLEAN && answer.exists() && answer.count() <= 0
             ? v1::GRANULARITY_BOOLEAN
             : asked;
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

std::string RenderQueryResponse(const SiteFacts& site, const BeaconRequest& request,
                                const v1::QueryResponse& answer) {
  const v1::Granularity returned = Returned(request, answer);
  json document = {{"responseSummary", {{"exists", answer.exists()}}},
                   {"info", Info(site, answer)}};
  switch (returned) {
    case v1::GRANULARITY_RECORD:
      document["meta"] = Meta(site, request, "record");
      document["responseSummary"]["numTotalResults"] = answer.count();
      AddPrecision(answer.count_precision(), answer.count_adjusted_to(),
                   document["responseSummary"]);
      document["response"]["resultSets"] = ResultSets(site, request, answer);
      break;
    case v1::GRANULARITY_COUNT:
      document["meta"] = Meta(site, request, "count");
      document["responseSummary"]["numTotalResults"] = answer.count();
      AddPrecision(answer.count_precision(), answer.count_adjusted_to(),
                   document["responseSummary"]);
      break;
    default:
      document["meta"] = Meta(site, request, "boolean");
  }
  return Dump(document);
}

std::string RenderDatasets(const SiteFacts& site, const BeaconRequest& request,
                           const std::vector<catalogue::v1::DatasetRecord>& records) {
  const auto granularity = request.query.granularity();
  const char* name = granularity == v1::GRANULARITY_RECORD  ? "record"
                     : granularity == v1::GRANULARITY_COUNT ? "count"
                                                            : "boolean";
  json document = {{"meta", Meta(site, request, name)},
                   {"responseSummary", {{"exists", !records.empty()}}}};
  if (granularity != v1::GRANULARITY_BOOLEAN)
    document["responseSummary"]["numTotalResults"] = records.size();
  if (granularity != v1::GRANULARITY_RECORD) return Dump(document);
  json& collections = document["response"]["collections"] = json::array();
  const std::int64_t first = request.skip * request.limit;
  const std::int64_t last =
      std::min<std::int64_t>(first + request.limit, static_cast<std::int64_t>(records.size()));
  for (std::int64_t i = first; i < last; ++i)
    collections.push_back(Dataset(site, records[static_cast<std::size_t>(i)]));
  return Dump(document);
}

}  // namespace genofed::gateway
