// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/consent_export.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "libs/core/strings.h"

namespace genofed::consent {
namespace {

using nlohmann::ordered_json;

// As libs/clinical reads them in holders' Consents.
constexpr char kPermissionSystem[] = "urn:1plusmg:consent-permission";
constexpr char kWishSystem[] = "urn:1plusmg:consent-wish";
constexpr char kDuoSystem[] = "http://purl.obolibrary.org/obo/duo.owl";
constexpr char kPurposeSystem[] = "urn:1plusmg:purpose";  // a country's own codes
constexpr char kConditionUrl[] = "urn:1plusmg:project-condition";
constexpr char kDuoPrefix[] = "http://purl.obolibrary.org/obo/DUO_";

constexpr int kExportedAtOnce = 100;  // accesses: with their receipts a megabyte at most
constexpr char kEnd[] = "\n}\n";      // of what Dump makes

std::string Dump(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string Day(Time time) { return FormatRfc3339(std::chrono::floor<std::chrono::seconds>(time)); }

ordered_json Names(PermissionSet set) {
  ordered_json names = ordered_json::array();
  for (const Permission permission : kPermissions) {
    if (set.Has(permission)) names.push_back(Name(permission));
  }
  return names;
}

std::string SourceName(Source source) {
  switch (source) {
    case Source::kOwn:
      return "subject";
    case Source::kHolder:
      return "holder";
    case Source::kRegistry:
      return "registry";
  }
  return "";
}

ordered_json Terms(const Statement& says) {
  ordered_json terms = ordered_json::object();
  if (!says.purposes.empty()) terms["purposes"] = says.purposes;
  if (!says.conditions.empty()) terms["conditions"] = says.conditions;
  if (says.from) terms["valid_from"] = Day(*says.from);
  if (says.until) terms["valid_until"] = Day(*says.until);
  if (!says.form.empty()) terms["form"] = says.form;
  if (!says.organisation.empty()) terms["organisation"] = says.organisation;
  if (says.by_guardian) terms["by_guardian"] = true;
  if (says.recontact) terms["recontact"] = *says.recontact;
  if (says.incidental_findings) terms["incidental_findings"] = *says.incidental_findings;
  return terms;
}

ordered_json Codes(PermissionSet set) {
  ordered_json codes = ordered_json::array();
  for (const Permission permission : kPermissions) {
    if (!set.Has(permission)) continue;
    codes.push_back({{"coding", {{{"system", kPermissionSystem}, {"code", Name(permission)}}}}});
  }
  return codes;
}

// Of those wishes that were said with this answer.
ordered_json WishCodes(const Statement& says, bool answer) {
  ordered_json codes = ordered_json::array();
  const auto add = [&](const std::optional<bool>& said, const char* code) {
    if (said == answer) codes.push_back({{"coding", {{{"system", kWishSystem}, {"code", code}}}}});
  };
  add(says.recontact, "recontact");
  add(says.incidental_findings, "incidental-findings");
  return codes;
}

std::string SystemOf(const std::string& code) {
  return code.starts_with("DUO:") ? kDuoSystem : kPurposeSystem;
}

ordered_json Period(const Statement& says) {
  ordered_json period = ordered_json::object();
  if (says.from) period["start"] = Day(*says.from);
  // A period's end belongs to it; ours is the first instant without.
  if (says.until) period["end"] = Day(*says.until - std::chrono::seconds(1));
  return period;
}

// What is permitted and wished, as provisions. FHIR can say what for; conditions on the project are modifier extensions, which
// nobody may pass over who does not know them.
ordered_json Permits(const Statement& says) {
  const bool limited = !says.conditions.empty() || !says.purposes.empty();
  PermissionSet plain, within_limits;
  for (const Permission permission : kPermissions) {
    if (!says.permits.Has(permission)) continue;
    (permission == Permission::kSecondaryUse && limited ? within_limits : plain).Add(permission);
  }
  ordered_json provisions = ordered_json::array();
  if (!plain.empty()) provisions.push_back({{"code", Codes(plain)}});
  if (const ordered_json wishes = WishCodes(says, true); !wishes.empty())
    provisions.push_back({{"code", wishes}});
  if (within_limits.empty()) return provisions;
  ordered_json provision = ordered_json::object();
  for (const std::string& code : says.conditions)
    provision["modifierExtension"].push_back({{"url", kConditionUrl}, {"valueCode", code}});
  provision["code"] = Codes(within_limits);
  for (const std::string& code : says.purposes)
    provision["purpose"].push_back({{"system", SystemOf(code)}, {"code", code}});
  provisions.push_back(std::move(provision));
  return provisions;
}

// The most special thing that each release says about the same consent.
ordered_json FhirConsent(const SourcedStatement& statement, const ExportFacts& facts, int number, bool r5) {
  const Statement& says = statement.says;
  ordered_json consent = {{"resourceType", "Consent"}, {"id", fmt::format("consent-{}", number)}, {"status", "active"}};
  if (!r5)
    consent["scope"] = {
        {"coding", {{{"system", "http://terminology.hl7.org/CodeSystem/consentscope"}, {"code", "research"}}}}};
  consent["category"] = {{{"coding", {{{"system", "http://loinc.org"}, {"code", "57016-8"}}}}}};
  consent[r5 ? "subject" : "patient"] = {{"identifier", {{"value", facts.person}}}};
  if (!says.form.empty()) {
    if (r5)
      consent["policyBasis"] = {{"url", says.form}};
    else
      consent["policy"] = {{{"uri", says.form}}};
  }
  if (!says.organisation.empty())
    consent[r5 ? "manager" : "organization"] = {{{"identifier", {{"value", says.organisation}}}}};
  if (says.by_guardian)
    consent[r5 ? "grantor" : "performer"] = {{{"type", "RelatedPerson"}, {"display", "guardian"}}};
  const ordered_json period = Period(says);
  ordered_json provisions = Permits(says);
  // A person's own choice refuses outside of its period; a record of others says nothing there.
  const bool own = statement.source == Source::kOwn;
  for (ordered_json& permits : provisions) {
    if (!r5) permits["type"] = "permit";
    if (own && !period.empty()) permits["period"] = period;
  }
  if (r5) {
    if (!own && !period.empty()) consent["period"] = period;
    consent["decision"] = "deny";  // but for these exceptions
    if (!provisions.empty()) consent["provision"] = provisions;
    return consent;
  }
  if (!says.denies.empty()) provisions.push_back({{"type", "deny"}, {"code", Codes(says.denies)}});
  if (const ordered_json unwanted = WishCodes(says, false); !unwanted.empty())
    provisions.push_back({{"type", "deny"}, {"code", unwanted}});
  consent["provision"] = {{"type", "deny"}};
  if (!own && !period.empty()) consent["provision"]["period"] = period;
  if (!provisions.empty()) consent["provision"]["provision"] = provisions;
  return consent;
}

ordered_json FhirBundle(const MyPermissions& mine, const ExportFacts& facts, bool r5) {
  ordered_json bundle = {{"resourceType", "Bundle"}, {"type", "collection"}, {"timestamp", Day(facts.at)}};
  int number = 0;
  for (const SourcedStatement& statement : mine.statements) {
    bundle["entry"].push_back({{"resource", FhirConsent(statement, facts, ++number, r5)}});
  }
  return bundle;
}

std::string DuoUri(const std::string& code) { return code.starts_with("DUO:") ? kDuoPrefix + code.substr(4) : code; }

// Secondary use alone: allele frequencies and counts have no term in DUO.
ordered_json Duo(const MyPermissions& mine) {
  ordered_json uses = ordered_json::array();
  for (const SourcedStatement& statement : mine.statements) {
    if (!statement.says.permits.Has(Permission::kSecondaryUse)) continue;
    std::vector<std::string> purposes = statement.says.purposes;
    if (purposes.empty()) purposes.emplace_back("DUO:0000042");  // general research use
    for (const std::string& purpose : purposes) {
      ordered_json use = {{"by", SourceName(statement.source)},
                          {"name", statement.name},
                          {"duo", purpose},
                          {"uri", DuoUri(purpose)},
                          {"modifiers", statement.says.conditions}};
      if (statement.says.until) use["valid_until"] = Day(*statement.says.until);
      uses.push_back(std::move(use));
    }
  }
  return {{"dataUse", uses}};
}

ordered_json Receipt(const MyPermissions& mine, const ExportFacts& facts) {
  ordered_json records = ordered_json::array();
  for (const SourcedStatement& statement : mine.statements) {
    const Statement& says = statement.says;
    const bool over = says.until && *says.until <= facts.at;
    ordered_json purposes = ordered_json::array();
    for (const std::string& purpose : says.purposes) purposes.push_back({{"@id", DuoUri(purpose)}});
    if (purposes.empty() && says.permits.Has(Permission::kSecondaryUse))
      purposes.push_back({{"@id", "dpv:ScientificResearch"}});
    ordered_json record = {
        {"@type", "dpv:ConsentRecord"},
        {"dct:identifier", fmt::format("{}/{}/{}", facts.site, SourceName(statement.source), statement.name)},
        {"dpv:hasConsentStatus",
         {{"@id", over                   ? "dpv:ConsentExpired"
                  : says.permits.empty() ? "dpv:ConsentRefused"
                                         : "dpv:ConsentGiven"}}},
        {"dpv:hasPersonalData", {{"@id", "pd:Genetic"}, {"@type", "pd:HealthHistory"}}},
        {"dpv:hasPurpose", purposes},
        {"permits", Names(says.permits)},
        {"refuses", Names(says.denies)},
        {"terms", Terms(says)},
        {"dpv:isIndicatedBy", statement.source == Source::kOwn ? "the person" : SourceName(statement.source)}};
    records.push_back(std::move(record));
  }
  return {
      {"@context",
       {{"dpv", "https://w3id.org/dpv#"}, {"pd", "https://w3id.org/dpv/pd#"}, {"dct", "http://purl.org/dc/terms/"}}},
      {"@type", "dpv:ConsentReceipt"},
      {"dct:conformsTo", "ISO/IEC TS 27560:2023"},
      {"dct:issued", Day(facts.at)},
      {"dpv:hasDataController", facts.site},
      {"dpv:hasJurisdiction", facts.country},
      {"dpv:hasDataSubject", facts.person},
      {"dpv:hasRight",
       {"withdraw or change at any time (GDPR Art. 7(3), EHDS Art. 71)", "access and copy (GDPR Art. 15)",
        "erasure (GDPR Art. 17)"}},
      {"dpv:hasRecord", records}};
}

ordered_json AccessJson(const MyAccess& access) {
  ordered_json json = {{"used", access.used},
                       {"text", SentenceOf(access)},
                       {"kind", ledger::KindName(access.entry.kind)},
                       {"ledger_index", access.ledger_index},
                       {"at", access.entry.time},
                       {"purpose_code", access.purpose_code},
                       {"rule", access.model},
                       {"legal_basis", access.legal_basis},
                       {"accepted_conditions", access.conditions},
                       {"outcome", OutcomeOf(access)}};
  for (const char* field : {"project", "organisation", "purpose", "application", "decision_sha256", "dataset",
                            "version", "run", "client"}) {
    if (access.entry.fields.contains(field)) json[field] = access.entry.Field(field);
  }
  if (!access.receipt.empty()) json["receipt"] = access.receipt;
  return json;
}

struct Everything {
  MyPermissions permissions;
  std::vector<MyHolding> holdings;
  std::vector<Opening> openings;
  std::vector<NoticeRow> notices;
};

// All but accesses, which come behind it.
std::string Beginning(const Everything& all, const ExportFacts& facts) {
  const MyPermissions& mine = all.permissions;
  ordered_json json = {{"about", facts.person},
                       {"held_by", facts.site},
                       {"at", Day(facts.at)},
                       {"policy", mine.policy},
                       {"permissions", Names(mine.permissions)}};
  for (const SourcedStatement& statement : mine.statements) {
    json["statements"].push_back({{"by", SourceName(statement.source)},
                                  {"name", statement.name},
                                  {"permits", Names(statement.says.permits)},
                                  {"refuses", Names(statement.says.denies)},
                                  {"terms", Terms(statement.says)}});
  }
  if (mine.who.born) json["born"] = Day(*mine.who.born).substr(0, 10);
  if (mine.who.adult_at) json["of_age"] = Day(*mine.who.adult_at);
  if (mine.who.died_at) json["died"] = Day(*mine.who.died_at);
  for (const MyDecision& one : mine.decisions) {
    json["decisions"].push_back({{"permission", Name(one.use.permission)},
                                 {"purpose", one.use.purpose},
                                 {"permitted", one.decision.permitted},
                                 {"basis", BasisName(one.decision.basis)},
                                 {"legal_basis", one.legal_basis}});
  }
  for (const MyChange& change : mine.history) {
    json["history"].push_back({{"at", Day(change.at)},
                               {"by", !change.registry.empty() ? "registry " + change.registry
                                      : change.by_subject      ? "subject"
                                                               : "holder"},
                               {"permissions", Names(change.permissions)},
                               {"ledger_index", change.ledger_index.value_or(-1)}});
    if (!change.receipt.empty()) json["history"].back()["receipt"] = change.receipt;
  }
  json["datasets"] = mine.datasets;
  for (const MyHolding& holding : all.holdings) {
    json["held"].push_back({{"dataset", holding.dataset.dataset},
                            {"version", holding.dataset.version},
                            {"files", holding.kinds}});
  }
  for (const Opening& opening : all.openings) {
    json["openings"].push_back({{"ledger_index", opening.ledger_index},
                                {"commitment", opening.name},
                                {"key", HexEncode(opening.key)},
                                {"value", opening.payload}});
  }
  for (const NoticeRow& notice : all.notices) {
    json["notices"].push_back({{"id", notice.id},
                               {"published", Day(notice.published)},
                               {"title", notice.title},
                               {"what_happened", notice.what_happened},
                               {"consequences", notice.consequences},
                               {"measures", notice.measures},
                               {"contact", notice.contact}});
  }
  std::string text = Dump(json);
  text.resize(text.size() - std::string_view(kEnd).size());
  return text + ",\n  \"accesses\": [";
}

std::string Listed(const std::vector<MyAccess>& accesses, bool first) {
  std::string text;
  for (const MyAccess& access : accesses) {
    text += std::exchange(first, false) ? "\n    " : ",\n    ";
    text += AccessJson(access).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
  return text;
}

}  // namespace

Result<ExportedConsents> ExportConsents(const std::string& format, const MyPermissions& mine,
                                        const ExportFacts& facts) {
  if (format == "fhir-r4" || format == "fhir-r5")
    return ExportedConsents{"application/fhir+json",
                            Dump(FhirBundle(mine, facts, format == "fhir-r5"))};
  if (format == "duo") return ExportedConsents{"application/json", Dump(Duo(mine))};
  if (format == "receipt")
    return ExportedConsents{"application/ld+json", Dump(Receipt(mine, facts))};
  return InvalidField("format", "FORMAT_UNKNOWN", "must be fhir-r4, fhir-r5, duo or receipt");
}

Result<ExportedPiece> ExportEverything(const Context& ctx, MyConsent& mine,
                                       const std::string& page_token, const ExportFacts& facts) {
  ExportedPiece piece;
  if (page_token.empty()) {
    Everything all;
    GF_ASSIGN(all.permissions, mine.Get(ctx, facts.person));
    GF_ASSIGN(all.holdings, mine.Holdings(ctx, facts.person));
    GF_ASSIGN(all.openings, mine.Openings(ctx, facts.person));
    GF_ASSIGN(all.notices, mine.Notices(ctx, facts.person));
    piece.json = Beginning(all, facts);
  }
  GF_ASSIGN(MyAccesses page, mine.Accesses(ctx, facts.person, kExportedAtOnce, page_token));
  piece.json += Listed(page.accesses, page_token.empty());
  if (page.next_page_token.empty()) piece.json += std::string("\n  ]") + kEnd;
  piece.next_page_token = std::move(page.next_page_token);
  return piece;
}

}  // namespace genofed::consent
