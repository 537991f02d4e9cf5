// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "libs/cohort/consequence.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "services/cli/commands/session.h"
#include "services/cli/federation/up.h"

namespace genofed::cli {
namespace {

struct QueryOptions {
  std::string variant, assembly;
  std::string gene, change, hgvs, type;
  std::vector<std::string> consequences;
  std::optional<double> below_frequency;
  std::vector<std::string> terms;
  bool exact_terms = false;
  std::string sex, age;
};

// "20:1000226:A:T", 1-based as in a VCF; or "20:1000000-1010000" for a range.
Result<Json> VariantParameters(const QueryOptions& o) {
  Json parameters = Json::object();
  auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) parameters[name] = value;
  };
  put("assemblyId", o.assembly);
  put("geneId", o.gene);
  put("aminoacidChange", o.change);
  put("genomicAlleleShortForm", o.hgvs);
  put("variantType", o.type);
  if (o.variant.empty()) return parameters;
  auto parts = Split(o.variant, ':');
  parameters["referenceName"] = std::string(parts[0]);
  auto bad = [&] {
    return Error(StatusCode::kInvalidArgument, "VARIANT_INVALID",
                 "'{}' is neither CHROM:POS:REF:ALT nor CHROM:START-END", o.variant);
  };
  if (parts.size() == 4) {
    auto pos = ParseInt(parts[1]);
    if (!pos.ok() || *pos < 1) return bad();
    parameters["start"] = {*pos - 1};
    parameters["referenceBases"] = std::string(parts[2]);
    parameters["alternateBases"] = std::string(parts[3]);
    return parameters;
  }
  if (parts.size() == 2) {
    auto range = Split(parts[1], '-');
    if (range.size() != 2) return bad();
    auto start = ParseInt(range[0]), end = ParseInt(range[1]);
    if (!start.ok() || !end.ok() || *start < 1 || *end < *start) return bad();
    parameters["start"] = {*start - 1};
    parameters["end"] = {*end};
    return parameters;
  }
  return bad();
}

// "18-64", "18-" or "-64": completed years.
Status AddAge(const std::string& age, Json& filters) {
  const auto ends = Split(age, '-');
  auto bad = [&] {
    return Error(StatusCode::kInvalidArgument, "AGE_INVALID",
                 "'{}' is no range of ages such as 18-64, 18- or -64", age);
  };
  if (ends.size() != 2 || age == "-") return bad();
  const char* ops[] = {">=", "<="};
  for (std::size_t i = 0; i < 2; ++i) {
    if (ends[i].empty()) continue;
    const auto years = ParseInt(ends[i]);
    if (!years.ok() || *years < 0) return bad();
    filters.push_back(
        {{"id", "age"}, {"operator", ops[i]}, {"value", fmt::format("P{}Y", *years)}});
  }
  return absl::OkStatus();
}

// What is said of people, and of what variants do and how rare they are.
Result<Json> QueryFilters(const QueryOptions& o) {
  Json filters = Json::array();
  for (const std::string& term : o.terms) {
    Json filter = {{"id", term}};
    if (o.exact_terms) filter["includeDescendantTerms"] = false;
    filters.push_back(std::move(filter));
  }
  if (!o.sex.empty())
    filters.push_back({{"id", o.sex == "female" ? "NCIT:C16576" : "NCIT:C20197"}});
  if (!o.age.empty()) GF_TRY(AddAge(o.age, filters));
  Json any = Json::array();
  for (const std::string& name : o.consequences) {
    const auto consequence = cohort::ParseConsequence(name);
    const bool loss = name == "loss_of_function";
    if (!loss && (!consequence || *consequence == cohort::Consequence::kUnknown))
      return Error(StatusCode::kInvalidArgument, "CONSEQUENCE_UNKNOWN",
                   "'{}' is neither loss_of_function nor a consequence such as stop_gained", name);
    any.push_back({{"id", loss ? "SO:0002054" : cohort::SequenceOntologyOf(*consequence)}});
  }
  if (any.size() == 1) filters.push_back(any[0]);
  if (any.size() > 1) filters.push_back(any);
  if (o.below_frequency) {
    if (!(*o.below_frequency > 0 && *o.below_frequency <= 1)) {
      return Error(StatusCode::kInvalidArgument, "FREQUENCY_INVALID",
                   "--below-frequency {}: nothing is rarer; more than 0 and at most 1 is expected",
                   *o.below_frequency);
    }
    filters.push_back({{"id", "alleleFrequency"},
                       {"operator", "<"},
                       {"value", fmt::format("{}", *o.below_frequency)}});
  }
  return filters;
}

// As Beacon reads it. Counts of datasets come with granularity record; they are counts all the
// same.
Result<Json> BeaconQuery(const QueryOptions& o) {
  GF_ASSIGN(Json filters, QueryFilters(o));
  Json query = {{"filters", std::move(filters)},
                {"requestedGranularity", "record"},
                {"includeResultsetResponses", "ALL"}};
  GF_ASSIGN(Json parameters, VariantParameters(o));
  if (!parameters.empty()) query["requestParameters"] = std::move(parameters);
  return Json{{"meta", {{"apiVersion", "2.0"}}}, {"query", std::move(query)}};
}

// Datasets that are not in an answer, and why.
void PrintLeftOut(const Json& info) {
  for (const Json& withheld : info.value("withheld", Json::array())) {
    const std::string dataset = TextOf(withheld, "dataset"), reason = TextOf(withheld, "reason");
    if (reason == "BUDGET_SPENT") {
      std::printf("%s: you were told as much as you may be for now; again in %s s\n",
                  dataset.c_str(), TextOf(withheld, "retryAfterSeconds").c_str());
    } else {
      std::printf("%s: no answer just now (%s)\n", dataset.c_str(), reason.c_str());
    }
  }
  for (const Json& one : info.value("notAsked", Json::array())) {
    const bool named = one.contains("dataset"), said = !one.value("detail", "").empty();
    std::printf("%s: not asked (%s)\n", TextOf(one, named ? "dataset" : "site").c_str(),
                TextOf(one, said ? "detail" : "reason").c_str());
  }
}

int Query(const Target& target, const QueryOptions& o, const std::string& entity) {
  const auto query = BeaconQuery(o);
  if (!query.ok()) return Fail(query.status()), kUsage;
  Session session(target);
  const auto answer = session.Post("/beacon/v2/" + entity, *query);
  return Show(session, answer, [&](const Json& beacon) {
    const Json summary = beacon.value("responseSummary", Json::object());
    const Json info = beacon.value("info", Json::object());
    const bool noisy = TextOf(summary, "countPrecision") == "imprecise";
    std::printf("%s%s %s in total\n", noisy ? "about " : "",
                TextOf(summary, "numTotalResults").c_str(),
                Printable(info.value("counted", "individuals")).c_str());
    std::vector<std::vector<std::string>> rows = {{"DATASET", "INDIVIDUALS"}};
    for (const Json& set :
         beacon.value("response", Json::object()).value("resultSets", Json::array())) {
      bool exists = set.value("exists", false);
      rows.push_back(
          {TextOf(set, "id"), exists ? TextOf(set, "resultsCount") : "none, or too few to say"});
    }
    PrintTable(rows);
    PrintLeftOut(info);
    for (const Json& table : info.value("frequencyTables", Json::array())) {
      std::printf(
          "rarity: by version %s of the network's table for %s; what is not in it is rarer than "
          "%s\n",
          TextOf(table, "version").c_str(), TextOf(table, "assembly").c_str(),
          fmt::format("{:.2g}", table.value("resolution", 1.0)).c_str());
    }
    for (const Json& member : info.value("members", Json::array())) {
      if (member.value("otherFrequencyTable", false)) {
        const Json other = member.value("frequencyTable", Json::object());
        std::printf("%s went by %s\n", TextOf(member, "site").c_str(),
                    other.empty() ? "its own annotations"
                                  : ("version " + TextOf(other, "version")).c_str());
      }
      const std::string state = TextOf(member, "state");
      if (state != "ANSWERED" && state != "NOT_ASKED") {
        std::printf("%s did not answer (%s)\n", TextOf(member, "site").c_str(),
                    TextOf(member, "state").c_str());
      }
    }
  });
}

// ---- Records, by a passport

struct RecordOptions : QueryOptions {
  std::string passport_file, hub;
  int limit = 10, skip = 0;
};

// A passport of whoever asks, for a node: from a file, or from the hub. Tokens are meant for one
// site: a persona gets another one for the node.
Result<std::string> PassportFor(const Target& target, const RecordOptions& o, Session& node) {
  GF_TRY(node.Resolve());
  if (!target.persona.empty() && !target.site.empty() && target.token_file.empty()) {
    GF_ASSIGN(std::string token,
              federation::PersonaToken(target.var, target.persona, "", ToLower(target.site)));
    node.Use(std::move(token));
  }
  GF_ASSIGN(const Json site, node.Get("/api/v1/site"));
  if (TextOf(site, "role") == "hub")
    return Error(StatusCode::kInvalidArgument, "SITE_MISSING",
                 "records are at nodes: name one, as --site fi");
  if (!o.passport_file.empty()) {
    GF_ASSIGN(const std::string text, ReadFile(o.passport_file, 1U << 20));
    if (Trim(text).empty())
      return Error(StatusCode::kInvalidArgument, "PASSPORT_MISSING", "there is no passport in {}",
                   o.passport_file);
    return std::string(Trim(text));
  }
  Target at_hub = target;
  at_hub.site = "hub";
  at_hub.url = o.hub;
  if (!target.url.empty() && o.hub.empty())
    return Error(
        StatusCode::kInvalidArgument, "PASSPORT_MISSING",
        "which hub is not known: name it with --hub URL, or a file with your passport with "
        "--passport FILE");
  Session hub(at_hub);
  return hub.Passport(TextOf(site, "audience"));
}

// "HP:0001250 Seizure; ORPHA:33069"
std::string TermsOf(const Json& record) {
  std::string terms;
  for (const auto& [list, member] :
       {std::pair("phenotypicFeatures", "featureType"), {"diseases", "diseaseCode"}}) {
    for (const Json& one : record.value(list, Json::array())) {
      const Json& term = Member(one, member);
      terms += (terms.empty() ? "" : "; ") + TextOf(term, "id");
      if (term.contains("label")) terms += " " + TextOf(term, "label");
    }
  }
  return terms;
}

int Records(const Target& target, const RecordOptions& o) {
  auto query = BeaconQuery(o);
  if (!query.ok()) return Fail(query.status()), kUsage;
  (*query)["query"]["includeResultsetResponses"] = "HIT";
  (*query)["query"]["pagination"] = {{"skip", o.skip}, {"limit", o.limit}};
  Session session(target);
  auto passport = PassportFor(target, o, session);
  if (!passport.ok()) return Fail(passport.status());
  session.Show(*std::move(passport));
  const auto answer = session.Post("/beacon/v2/individuals", *query);
  return Show(session, answer, [&](const Json& beacon) {
    std::vector<std::vector<std::string>> rows = {{"INDIVIDUAL", "SEX", "AGE", "TERMS"}};
    for (const Json& set : Member(Member(beacon, "response"), "resultSets")) {
      if (!set.contains("results")) {
        std::printf("%s: no records for you, %s people\n", TextOf(set, "id").c_str(),
                    TextOf(set, "resultsCount").c_str());
        continue;
      }
      const Json& results = set["results"];
      std::printf("%s: %zu of %s records\n", TextOf(set, "id").c_str(), results.size(),
                  TextOf(set, "resultsCount").c_str());
      for (const Json& one : results) {
        rows.push_back({TextOf(one, "id"), TextOf(Member(one, "sex"), "label"),
                        TextOf(Member(one, "info"), "ageYears"), TermsOf(one)});
      }
    }
    if (rows.size() > 1) PrintTable(rows);
    const Json info = beacon.value("info", Json::object());
    if (Member(Member(beacon, "response"), "resultSets").empty() &&
        Member(info, "notAsked").empty())
      std::printf("Nobody matches, or too few to say.\n");
    PrintLeftOut(info);
  });
}

void AddPeople(CLI::App* command, QueryOptions& q) {
  command->add_option("--term", q.terms,
                      "HPO, ORPHA, OMIM or MONDO term; repeatable, all must hold");
  command->add_flag("--exact-terms", q.exact_terms, "Without the kinds of a term");
  command->add_option("--sex", q.sex)->check(CLI::IsMember({"female", "male"}));
  command->add_option("--age", q.age, "Completed years: 18-64, 18- or -64");
  command->add_option("--assembly", q.assembly, "GRCh37 or GRCh38");
  command->add_option("--gene", q.gene, "Symbol, as the datasets were annotated: BRCA1");
  command->add_option("--change", q.change, "Of a protein: Gly12Asp or G12D");
  command->add_option("--hgvs", q.hgvs, "On a chromosome: NC_000007.14:g.55181320A>T");
  command->add_option("--type", q.type)->check(CLI::IsMember({"SNP", "MNP", "INS", "DEL"}));
  command->add_option(
      "--consequence", q.consequences,
      "stop_gained, missense_variant ..., or loss_of_function; repeatable, any of them");
  command->add_option("--below-frequency", q.below_frequency, "Rarer than this, such as 0.001");
}

}  // namespace

void AddQueryCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;

  auto* query = commands.app.add_subcommand("query", "Count people across countries (Beacon v2)")
                    ->require_subcommand(1);
  query->footer(
      "Examples:\n"
      "  genofed query variant 20:1000226:A:T                 who carries it, by country\n"
      "  genofed query individuals --term HP:0001250 --sex female\n"
      "  genofed query variant 20:1000000-1010000 --json      as the Beacon answers");
  auto q = std::make_shared<QueryOptions>();
  auto* variant = query->add_subcommand("variant", "People who carry a variant");
  variant->add_option("variant", q->variant, "CHROM:POS:REF:ALT as in a VCF, or CHROM:START-END");
  auto* individuals =
      query->add_subcommand("individuals", "People with phenotypes, sex, and perhaps a variant");
  individuals->add_option("--variant", q->variant,
                          "CHROM:POS:REF:ALT as in a VCF, or CHROM:START-END");
  for (auto* command : {variant, individuals}) {
    AddPeople(command, *q);
    std::string entity = command == variant ? "g_variants" : "individuals";
    command->callback([q, entity, &target, &action] {
      action = [q, entity, &target] { return Query(target, *q, entity); };
    });
  }
  variant->footer(
      "Examples:\n  genofed query variant 20:1000226:A:T\n"
      "  genofed query variant --gene BRCA1 --consequence loss_of_function --below-frequency "
      "0.001");
  individuals->footer(
      "Examples:\n  genofed query individuals --term HP:0001250 --sex female\n"
      "  genofed query individuals --gene SCN1A --consequence missense_variant --below-frequency "
      "0.001 "
      "--term HP:0001250 --age 0-17");
  auto r = std::make_shared<RecordOptions>();
  auto* records = query->add_subcommand(
      "records", "Records of individuals at a node, of datasets that were approved for you");
  records->add_option("--variant", r->variant, "CHROM:POS:REF:ALT as in a VCF, or CHROM:START-END");
  AddPeople(records, *r);
  records->add_option("--limit", r->limit, "Records of each dataset; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  records->add_option("--skip", r->skip, "Pages to leave out")->check(CLI::NonNegativeNumber);
  records->add_option("--hub", r->hub,
                      "With --url: the hub's address, where you are signed in, too");
  records->add_option("--passport", r->passport_file,
                      "File with a passport for the node; default: asks the hub for one");
  records->footer(
      "Everybody in these datasets sees in the node's ledger that your project could read "
      "records.\n"
      "Example:\n  genofed query records --site fi --term HP:0001250 --as researcher");
  records->callback(
      [r, &target, &action] { action = [r, &target] { return Records(target, *r); }; });
}

}  // namespace genofed::cli
