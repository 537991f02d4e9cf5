// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/strict_json.h"
#include "libs/qc/report.h"

namespace genofed::qc {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "genofed-conformity-report";
constexpr const char* kFormatVersion = "1.0";
constexpr std::array kSeverities = {"note", "warning", "error"};
constexpr std::array kRelations = {"unrelated", "second_degree", "first_degree", "duplicate"};
constexpr std::size_t kMaxReportBytes = std::size_t{256} << 20;

json Rounded(double value) { return std::round(value * 1e6) / 1e6; }

void Put(json& object, const char* name, const std::optional<double>& value) {
  if (value && std::isfinite(*value)) object[name] = Rounded(*value);
}

json ToJson(const SampleQc& sample) {
  json out = {{"position", sample.position},
              {"snvs", sample.snvs},
              {"indels", sample.indels},
              {"singletons", sample.singletons},
              {"missing", sample.missing},
              {"sex_declared", SexName(sample.declared)},
              {"sex_inferred", SexName(sample.inferred)},
              {"sex_check", SexCheckName(sample.sex_check)},
              {"flags", sample.flags}};
  Put(out, "call_rate", sample.call_rate);
  Put(out, "titv", sample.titv);
  Put(out, "het_hom", sample.het_hom);
  Put(out, "x_het", sample.x_het);
  Put(out, "y_call_rate", sample.y_call_rate);
  Put(out, "charr", sample.charr);
  Put(out, "unbalanced_hets", sample.unbalanced_hets);
  return out;
}

json ToJson(const CohortQc& cohort) {
  json spectrum = json::array();
  for (std::size_t bin = 0; bin < cohort.spectrum.size(); ++bin) {
    spectrum.push_back({{"class", SpectrumLabel(bin)}, {"sites", cohort.spectrum[bin]}});
  }
  json out = {{"people", cohort.people},
              {"sites", cohort.sites},
              {"snv_sites", cohort.snv_sites},
              {"indel_sites", cohort.indel_sites},
              {"x_sites", cohort.x_sites},
              {"y_sites", cohort.y_sites},
              {"allele_frequencies", spectrum},
              {"hardy_weinberg",
               {{"tested", cohort.hwe_tested},
                {"too_many_hets", cohort.hwe_too_many_hets},
                {"too_few_hets", cohort.hwe_too_few_hets}}},
              {"y_informative", cohort.y_informative}};
  Put(out, "call_rate", cohort.call_rate);
  Put(out, "titv", cohort.titv);
  return out;
}

// Samples by position; people of an earlier batch (`earlier`) by their 1-based row there.
json ToJson(const Comparison& comparison, std::span<const SampleQc> samples, bool earlier) {
  json found = json::array();
  for (const RelatedPair& pair : comparison.found) {
    found.push_back({{"a", samples[pair.a].position},
                     {"b", earlier ? pair.b + 1 : samples[pair.b].position},
                     {"relation", kRelations[static_cast<std::size_t>(pair.relation)]},
                     {"kinship", Rounded(pair.kinship)},
                     {"concordance", Rounded(pair.concordance)},
                     {"sites", pair.sites}});
  }
  return {{"sites", comparison.sites},
          {"megabases", comparison.megabases},
          {"pairs", comparison.pairs},
          {"compared", comparison.compared},
          {"enough_sites", comparison.enough_sites},
          {"relatives", comparison.relatives},
          {"complete", comparison.complete},
          {"found", found}};
}

json ToJson(const QualityResult& quality) {
  json samples = json::array();
  for (const SampleQc& sample : quality.samples) samples.push_back(ToJson(sample));
  json earlier = json::array();
  for (const EarlierBatch& batch : quality.earlier) {
    json item = ToJson(batch.comparison, quality.samples, true);
    item["batch"] = batch.name;
    earlier.push_back(std::move(item));
  }
  return {{"policy", json::parse(WritePolicy(quality.policy))},
          {"cohort", ToJson(quality.cohort)},
          {"samples", samples},
          {"within", ToJson(quality.within, quality.samples, false)},
          {"earlier", earlier}};
}

json ToJson(const Funnel& funnel) {
  json steps = json::array();
  for (const Funnel::Step& step : funnel.steps) {
    json losses = json::array();
    for (const Funnel::Loss& loss : step.losses) {
      losses.push_back({{"code", loss.code}, {"count", loss.count}});
    }
    steps.push_back({{"name", step.name}, {"count", step.count}, {"losses", losses}});
  }
  return {{"of", funnel.of}, {"steps", steps}};
}

json ToJson(const ReportReason& reason) {
  json places = json::array();
  for (const ReportReason::Place& place : reason.places) {
    places.push_back({{"file", place.file},
                      {"line", place.line},
                      {"field", place.field},
                      {"message", place.message}});
  }
  return {{"code", reason.code},
          {"severity", kSeverities[static_cast<std::size_t>(reason.severity)]},
          {"count", reason.count},
          {"places", places}};
}

// Reading throws nlohmann's exceptions, or this; ParseReport turns both into a status.
struct Unreadable {};

template <std::size_t kSize>
std::size_t IndexOf(const std::array<const char*, kSize>& words, const json& word) {
  for (std::size_t i = 0; i < kSize; ++i) {
    if (word == words[i]) return i;
  }
  throw Unreadable();
}

void Get(const json& object, const char* name, std::optional<double>& out) {
  if (object.contains(name)) out = object.at(name).get<double>();
}

std::uint64_t Count(const json& object, const char* name) {
  if (!object.at(name).is_number_unsigned()) throw Unreadable();
  return object.at(name).get<std::uint64_t>();
}

bool Truth(const json& object, const char* name) { return object.at(name).get<bool>(); }
std::string Text(const json& object, const char* name) {
  return object.at(name).get<std::string>();
}

Sex SexOf(const json& word) {
  return static_cast<Sex>(IndexOf(std::array{"UNKNOWN", "FEMALE", "MALE"}, word));
}

SampleQc SampleFrom(const json& object) {
  static constexpr std::array kChecks = {"not_checked", "match", "mismatch", "undetermined",
                                         "not_declared"};
  SampleQc out;
  out.position = object.at("position").get<std::uint32_t>();
  out.snvs = Count(object, "snvs");
  out.indels = Count(object, "indels");
  out.singletons = Count(object, "singletons");
  out.missing = Count(object, "missing");
  out.declared = SexOf(object.at("sex_declared"));
  out.inferred = SexOf(object.at("sex_inferred"));
  out.sex_check = static_cast<SexCheck>(IndexOf(kChecks, object.at("sex_check")));
  out.flags = object.at("flags").get<std::vector<std::string>>();
  Get(object, "call_rate", out.call_rate);
  Get(object, "titv", out.titv);
  Get(object, "het_hom", out.het_hom);
  Get(object, "x_het", out.x_het);
  Get(object, "y_call_rate", out.y_call_rate);
  Get(object, "charr", out.charr);
  Get(object, "unbalanced_hets", out.unbalanced_hets);
  return out;
}

CohortQc CohortFrom(const json& object) {
  CohortQc out;
  out.people = Count(object, "people");
  out.sites = Count(object, "sites");
  out.snv_sites = Count(object, "snv_sites");
  out.indel_sites = Count(object, "indel_sites");
  out.x_sites = Count(object, "x_sites");
  out.y_sites = Count(object, "y_sites");
  for (const json& item : object.at("allele_frequencies")) {
    out.spectrum.push_back(Count(item, "sites"));
  }
  if (out.spectrum.size() != kSpectrumBins) throw Unreadable();
  const json& hwe = object.at("hardy_weinberg");
  out.hwe_tested = Count(hwe, "tested");
  out.hwe_too_many_hets = Count(hwe, "too_many_hets");
  out.hwe_too_few_hets = Count(hwe, "too_few_hets");
  out.y_informative = Truth(object, "y_informative");
  Get(object, "call_rate", out.call_rate);
  Get(object, "titv", out.titv);
  return out;
}

Comparison ComparisonFrom(const json& object, const std::map<std::uint64_t, std::size_t>& rows,
                          bool earlier) {
  Comparison out;
  out.sites = Count(object, "sites");
  out.megabases = Count(object, "megabases");
  out.pairs = Count(object, "pairs");
  out.compared = Count(object, "compared");
  out.enough_sites = Truth(object, "enough_sites");
  out.relatives = Truth(object, "relatives");
  out.complete = Truth(object, "complete");
  for (const json& item : object.at("found")) {
    RelatedPair pair;
    pair.a = rows.at(Count(item, "a"));
    const std::uint64_t b = Count(item, "b");
    if (earlier && b == 0) throw Unreadable();
    pair.b = earlier ? b - 1 : rows.at(b);
    pair.relation = static_cast<Relation>(IndexOf(kRelations, item.at("relation")));
    pair.kinship = item.at("kinship").get<double>();
    pair.concordance = item.at("concordance").get<double>();
    pair.sites = Count(item, "sites");
    out.found.push_back(pair);
  }
  return out;
}

QualityResult QualityFrom(const json& object) {
  QualityResult out;
  Result<Policy> policy = ParsePolicy(object.at("policy").dump());
  if (!policy.ok()) throw Unreadable();
  out.policy = *std::move(policy);
  out.cohort = CohortFrom(object.at("cohort"));
  std::map<std::uint64_t, std::size_t> rows;  // by position
  for (const json& sample : object.at("samples")) {
    out.samples.push_back(SampleFrom(sample));
    rows.emplace(out.samples.back().position, out.samples.size() - 1);
  }
  out.within = ComparisonFrom(object.at("within"), rows, false);
  for (const json& batch : object.at("earlier")) {
    out.earlier.push_back({Text(batch, "batch"), ComparisonFrom(batch, rows, true)});
  }
  return out;
}

Funnel FunnelFrom(const json& object) {
  Funnel out;
  out.of = Text(object, "of");
  for (const json& item : object.at("steps")) {
    Funnel::Step& step = out.steps.emplace_back();
    step.name = Text(item, "name");
    step.count = Count(item, "count");
    for (const json& loss : item.at("losses")) {
      step.losses.push_back({Text(loss, "code"), Count(loss, "count")});
    }
  }
  return out;
}

ReportReason ReasonFrom(const json& object) {
  ReportReason out;
  out.code = Text(object, "code");
  out.severity = static_cast<Severity>(IndexOf(kSeverities, object.at("severity")));
  out.count = Count(object, "count");
  for (const json& place : object.at("places")) {
    out.places.push_back({Text(place, "file"), place.at("line").get<std::int64_t>(),
                          Text(place, "field"), Text(place, "message")});
  }
  return out;
}

ConformityReport ReportFrom(const json& document) {
  if (document.at("format") != kFormat || document.at("format_version") != kFormatVersion) {
    throw Unreadable();
  }
  ConformityReport out;
  const json& dataset = document.at("dataset");
  out.dataset_id = Text(dataset, "id");
  out.dataset_title = Text(dataset, "title");
  out.dataset_version = Text(dataset, "version");
  out.created_at = Text(document, "created_at");
  out.tool = Text(document, "tool");
  if (document.contains("assembly")) out.assembly = Text(document, "assembly");
  out.verdict = static_cast<Verdict>(
      IndexOf(std::array{"accept", "quarantine", "reject"}, document.at("verdict")));
  for (const json& item : document.at("inputs")) {
    out.inputs.push_back(
        {Text(item, "role"), Text(item, "name"), Count(item, "bytes"), Text(item, "sha256")});
  }
  for (const json& item : document.at("funnels")) out.funnels.push_back(FunnelFrom(item));
  for (const json& item : document.at("reasons")) out.reasons.push_back(ReasonFrom(item));
  for (const json& item : document.at("code_mappings")) {
    out.code_mappings.push_back({Text(item, "vocabulary"), Count(item, "exact"),
                                 Count(item, "broad"), Count(item, "unmapped")});
  }
  if (document.contains("quality")) out.quality = QualityFrom(document.at("quality"));
  return out;
}

}  // namespace

std::string CanonicalJson(const ConformityReport& report) {
  json document = {{"format", kFormat},
                   {"format_version", kFormatVersion},
                   {"dataset",
                    {{"id", report.dataset_id},
                     {"title", report.dataset_title},
                     {"version", report.dataset_version}}},
                   {"created_at", report.created_at},
                   {"tool", report.tool},
                   {"verdict", VerdictName(report.verdict)},
                   {"inputs", json::array()},
                   {"funnels", json::array()},
                   {"reasons", json::array()},
                   {"code_mappings", json::array()}};
  if (!report.assembly.empty()) document["assembly"] = report.assembly;
  for (const ReportInput& input : report.inputs) {
    document["inputs"].push_back({{"role", input.role},
                                  {"name", input.name},
                                  {"bytes", input.bytes},
                                  {"sha256", input.sha256}});
  }
  for (const Funnel& funnel : report.funnels) document["funnels"].push_back(ToJson(funnel));
  for (const ReportReason& reason : report.reasons) document["reasons"].push_back(ToJson(reason));
  for (const CodeMapping& mapping : report.code_mappings) {
    document["code_mappings"].push_back({{"vocabulary", mapping.vocabulary},
                                         {"exact", mapping.exact},
                                         {"broad", mapping.broad},
                                         {"unmapped", mapping.unmapped}});
  }
  if (report.quality) document["quality"] = ToJson(*report.quality);
  // File names come from outside and may hold any byte.
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string ReportSha256(const ConformityReport& report) {
  return HexEncode(crypto::Sha256(CanonicalJson(report)));
}

Result<ConformityReport> ParseReport(std::string_view text) {
  GF_ASSIGN(const json document, crypto::ParseStrictJson(text, {.max_bytes = kMaxReportBytes}));
  try {
    return ReportFrom(document);
  } catch (const json::exception&) {
  } catch (const Unreadable&) {
  } catch (const std::out_of_range&) {  // a pair names a sample that is not listed
  }
  return Error(StatusCode::kInvalidArgument, "REPORT_INVALID",
               "not a conformity report of format {}", kFormatVersion);
}

}  // namespace genofed::qc
