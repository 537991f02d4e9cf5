// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/native_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "genofed/access/v1/access.pb.h"
#include "genofed/access/v1/passport.pb.h"
#include "genofed/access/v1/revocation.pb.h"
#include "genofed/catalogue/v1/catalogue.pb.h"
#include "genofed/consent/v1/consent.pb.h"
#include "genofed/discovery/v1/case.pb.h"
#include "genofed/discovery/v1/discovery.pb.h"
#include "genofed/dispatcher/v1/dispatcher.pb.h"
#include "genofed/onboarding/v1/onboarding.pb.h"
#include "genofed/onboarding/v1/variants.pb.h"
#include "genofed/spe/v1/spe.pb.h"
#include "libs/core/strings.h"

namespace genofed::gateway {
namespace {

using google::protobuf::Message;
using http::Method;
using http::Request;
using http::Response;

// A file for saving: never shown inside a page, whatever it contains.
Response Attachment(std::string content, std::string media_type, std::string_view name) {
  Response response;
  std::string safe(name);
  std::replace_if(
      safe.begin(), safe.end(),
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte > 0x7e || c == '"' || c == '\\';
      },
      '_');
  response.headers.Set("Content-Type", std::move(media_type));
  response.headers.Set("Content-Disposition", "attachment; filename=\"" + safe + "\"");
  response.body = std::move(content);
  return response;
}

Result<Response> ReviewFile(const Request& request, const Message& message) {
  const auto& answer = static_cast<const spe::v1::GetReviewFileResponse&>(message);
  return Attachment(answer.content(), "application/octet-stream", request.Param("name"));
}

Result<Response> RunOutput(const Request& request, const Message& message) {
  const auto& answer = static_cast<const dispatcher::v1::GetOutputResponse&>(message);
  return Attachment(answer.content(),
                    answer.media_type().empty() ? "application/octet-stream" : answer.media_type(),
                    request.Param("name"));
}

Result<Response> Checkpoint(const Request&, const Message& message) {
  return http::Text(200,
                    static_cast<const consent::v1::GetCheckpointResponse&>(message).checkpoint());
}

Result<Response> LedgerKey(const Request&, const Message& message) {
  return http::Text(
      200, static_cast<const consent::v1::GetCheckpointResponse&>(message).verifier_key() + "\n");
}

// What the protocol prescribes, also where it is no success.
Result<Response> WitnessAnswer(const Request&, const Message& message) {
  const auto& answer = static_cast<const consent::v1::AddCheckpointResponse&>(message);
  Response response = http::Text(answer.http_status(), answer.body());
  response.headers.Set("Content-Type", answer.content_type());
  return response;
}

Result<Response> WitnessedCheckpoint(const Request&, const Message& message) {
  return http::Text(
      200, static_cast<const consent::v1::GetWitnessedCheckpointResponse&>(message).checkpoint());
}

// Tiles are what they are for ever.
Result<Response> LedgerTile(const Request&, const Message& message) {
  Response response;
  response.headers.Set("Content-Type", "application/octet-stream");
  response.headers.Set("Cache-Control", "public, max-age=31536000, immutable");
  response.body = static_cast<const consent::v1::GetTileResponse&>(message).content();
  return response;
}

Result<Response> MyConsents(const Request& request, const Message& message) {
  const auto& answer = static_cast<const consent::v1::ExportMyConsentsResponse&>(message);
  return Attachment(answer.content(), answer.media_type(),
                    "consents-" + std::string(request.Param("format")) + ".json");
}

// A page of its own, without scripts: nothing else may be loaded from it.
Result<Response> ReportPage(const Request&, const Message& message) {
  Response response =
      http::Text(200, static_cast<const onboarding::v1::GetReportResponse&>(message).html());
  response.headers.Set("Content-Type", "text/html; charset=utf-8");
  response.headers.Set("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  response.headers.Set("Cache-Control", "private, no-store");
  return response;
}

// As REMS answers brokers.
Result<Response> Permissions(const Request&, const Message& message) {
  const auto& answer = static_cast<const access::v1::GetPermissionsResponse&>(message);
  nlohmann::json visas = nlohmann::json::array();
  for (const std::string& visa : answer.visas()) visas.push_back(visa);
  return http::Json(200, nlohmann::json{{"ga4gh_passport_v1", std::move(visas)}}.dump());
}

Result<Response> Jwks(const Request&, const Message& message) {
  Response response =
      http::Json(200, static_cast<const access::v1::GetKeysResponse&>(message).jwks());
  response.headers.Set("Cache-Control", "public, max-age=60");
  return response;
}

#define GF_CATALOGUE "catalogue", "genofed.catalogue.v1.CatalogueService/"
#define GF_CASE "discovery", "genofed.discovery.v1.CaseService/"
#define GF_ONBOARDING "onboarding", "genofed.onboarding.v1.OnboardingService/"
#define GF_VARIANTS "onboarding", "genofed.onboarding.v1.VariantService/"
#define GF_APPLICATION "access", "genofed.access.v1.ApplicationService/"
#define GF_DECISION "access", "genofed.access.v1.DecisionService/"
#define GF_REVOCATION "access", "genofed.access.v1.RevocationService/"
#define GF_PASSPORT "access", "genofed.access.v1.PassportService/"
#define GF_AIRLOCK "spe", "genofed.spe.v1.AirlockService/"
#define GF_RUN "dispatcher", "genofed.dispatcher.v1.RunService/"
#define GF_CONSENT "consent", "genofed.consent.v1.ConsentService/"
#define GF_AUDIT "consent", "genofed.consent.v1.AuditService/"
#define GF_LEDGER "consent", "genofed.consent.v1.LedgerService/"
#define GF_WITNESS "consent", "genofed.consent.v1.WitnessService/"

constexpr auto kGet = Method::kGet;
constexpr auto kPost = Method::kPost;
constexpr auto kPut = Method::kPut;
constexpr auto kDelete = Method::kDelete;
constexpr auto kUser = Access::kUser;
constexpr auto kPublic = Access::kPublic;

constexpr RpcRow kRows[] = {
    {kGet, "/api/v1/datasets", Sites::kBoth, kPublic, "anyone", GF_CATALOGUE "ListRecords", "",
     "Listed datasets"},
    {kGet, "/api/v1/datasets/{id}", Sites::kBoth, kPublic, "anyone", GF_CATALOGUE "GetRecord", "",
     "One dataset"},
    {kPost, "/api/v1/datasets/{id}/review", Sites::kNode, kUser, "role ncp",
     GF_CATALOGUE "ReviewRecord", "*", "List a waiting record or send it back"},

    {kPost, "/api/v1/case-match", Sites::kBoth, kUser, "any user", GF_CASE "MatchCases", "*",
     "How many people are similar to a patient, by HPO terms"},
    {kPost, "/api/v1/contact-requests", Sites::kNode, kUser, "any user with an organisation",
     GF_CASE "RequestContact", "*", "Ask the holder of a dataset to be put in touch"},
    {kGet, "/api/v1/contact-requests", Sites::kNode, kUser,
     "roles holder, dac; everybody their own", GF_CASE "ListContacts", "",
     "Requests to be put in touch, newest first"},
    {kPost, "/api/v1/contact-requests/{id}/answer", Sites::kNode, kUser, "roles holder, dac",
     GF_CASE "AnswerContact", "*", "Accept or decline such a request"},

    {kPost, "/api/v1/submissions", Sites::kNode, kUser, "role holder",
     GF_ONBOARDING "CreateSubmission", "*", "Open a submission"},
    {kGet, "/api/v1/submissions", Sites::kNode, kUser, "roles holder, ncp, operator",
     GF_ONBOARDING "ListSubmissions", "", "Submissions that the caller may see"},
    {kGet, "/api/v1/submissions/{submission}", Sites::kNode, kUser, "roles holder, ncp, operator",
     GF_ONBOARDING "GetSubmission", "", "One submission: state, progress, findings"},
    {kGet, "/api/v1/submissions/{submission}/report", Sites::kNode, kUser,
     "roles holder, ncp, operator", GF_ONBOARDING "GetReport", "",
     "The signed conformity report of a submission that was judged"},
    {kGet, "/api/v1/submissions/{submission}/report.html", Sites::kNode, kUser,
     "roles holder, ncp, operator", GF_ONBOARDING "GetReport", "", "The same, to read",
     &ReportPage},
    {kPost, "/api/v1/submissions/{submission}/quarantine", Sites::kNode, kUser, "role holder",
     GF_ONBOARDING "ReadQuarantine", "*",
     "Records that were set aside, as they came, encrypted for your Crypt4GH key"},
    {kGet, "/api/v1/intake-key", Sites::kNode, kUser, "role holder", GF_ONBOARDING "GetIntakeKey",
     "", "The Crypt4GH key for which files may be encrypted before they are sent"},
    {kPut, "/api/v1/submissions/{submission}/files/{kind}", Sites::kNode, kUser, "role holder",
     GF_ONBOARDING "PutChunk", "data",
     "Send a piece of a file (octets) at ?offset=N&name=FILE; kind is variants, clinical, consents "
     "or "
     "mapping"},
    {kPost, "/api/v1/submissions/{submission}/files/{kind}/seal", Sites::kNode, kUser,
     "role holder", GF_ONBOARDING "SealFile", "*",
     "State size and SHA-256 of a file that was sent"},
    {kPost, "/api/v1/submissions/{submission}/start", Sites::kNode, kUser, "role holder",
     GF_ONBOARDING "StartSubmission", "*", "Check and publish what was sent"},
    {kGet, "/api/v1/integrity", Sites::kNode, kUser, "roles holder, ncp, operator", "onboarding",
     "genofed.onboarding.v1.ObjectService/GetIntegrity", "",
     "Whether stored objects are still what was written"},
    {kGet, "/api/v1/connectors", Sites::kNode, kUser, "roles holder, operator",
     GF_ONBOARDING "ListConnectors", "", "Clinical systems that this node pulls from"},

    {kPut, "/api/v1/variant-files", Sites::kNode, kUser, "role clinician",
     GF_VARIANTS "PutVariantFile", "data",
     "Send a piece of a patient's VCF or BCF (octets) at ?offset=N, further ones with &file= as "
     "answered"},
    {kPost, "/api/v1/variant-files/{file}/describe", Sites::kNode, kUser, "role clinician",
     GF_VARIANTS "DescribeVariantFile", "*",
     "Normalise and name the variants of such a file; ask again until it is done"},
    {kDelete, "/api/v1/variant-files/{file}", Sites::kNode, kUser, "role clinician",
     GF_VARIANTS "DiscardVariantFile", "", "Forget such a file; it also goes by itself"},

    {kPost, "/api/v1/applications", Sites::kHub, kUser, "role researcher",
     GF_APPLICATION "CreateApplication", "*", "Draft an application"},
    {kGet, "/api/v1/applications", Sites::kHub, kUser, "those involved",
     GF_APPLICATION "ListApplications", "", "Applications that the caller may see"},
    {kGet, "/api/v1/applications/{id}", Sites::kHub, kUser, "those involved",
     GF_APPLICATION "GetApplication", "", "One application with the decisions of the countries"},
    {kPost, "/api/v1/applications/{id}/submit", Sites::kHub, kUser, "the applicant",
     GF_APPLICATION "SubmitApplication", "*",
     "Freeze the application and ask the signing official"},
    {kPost, "/api/v1/applications/{id}/confirmation", Sites::kHub, kUser, "role signing_official",
     GF_APPLICATION "ConfirmApplication", "*", "Confirm for the organisation, or send back"},
    {kPost, "/api/v1/applications/{id}/recommendation", Sites::kHub, kUser, "role central_dac",
     GF_APPLICATION "RecommendApplication", "*",
     "Advise the countries and transmit the application"},
    {kPost, "/api/v1/applications/{id}/agreement", Sites::kHub, kUser, "role signing_official",
     GF_APPLICATION "SignAgreement", "*", "Sign the data use agreement"},

    {kGet, "/api/v1/reviews", Sites::kNode, kUser, "role dac", GF_DECISION "ListReviews", "",
     "Applications that concern this country"},
    {kGet, "/api/v1/reviews/{application}", Sites::kNode, kUser, "role dac",
     GF_DECISION "GetReview", "", "One application as this country received it"},
    {kPost, "/api/v1/reviews/{application}/decision", Sites::kNode, kUser, "role dac",
     GF_DECISION "Decide", "*", "Approve or veto for this country"},
    {kPost, "/api/v1/reviews/{application}/revocation", Sites::kNode, kUser, "role dac",
     GF_DECISION "Revoke", "*", "End an approval at once"},

    {kPost, "/api/v1/revocations", Sites::kBoth, kUser, "roles dac, operator",
     GF_REVOCATION "Revoke", "*",
     "Revoke a token, application, user, dataset or identity at this site"},
    {kGet, "/api/v1/revocations", Sites::kBoth, kUser, "roles dac, operator",
     GF_REVOCATION "ListRevocations", "", "What is revoked at this site"},
    {kPost, "/api/v1/revocations/{id}/reinstate", Sites::kBoth, kUser, "roles dac, operator",
     GF_REVOCATION "Reinstate", "*", "Take a revocation back; never one of an application"},
    {kPost, "/api/v1/session/revoke", Sites::kBoth, kUser, "any user",
     GF_REVOCATION "RevokeOwnToken", "*", "Sign out: revoke the access token of this request"},

    {kPost, "/api/v1/passports/check", Sites::kNode, kUser, "any user", GF_PASSPORT "CheckPassport",
     "*", "Which datasets a passport of the caller opens here"},
    {kGet, "/permissions/{user}", Sites::kBoth, kUser, "role broker", GF_PASSPORT "GetPermissions",
     "", "Visas of a user, for passport brokers", &Permissions},
    {kGet, "/jwks.json", Sites::kBoth, kPublic, "anyone", GF_PASSPORT "GetKeys", "",
     "Public keys of this site's tokens", &Jwks},
    {kGet, "/.well-known/jwks.json", Sites::kBoth, kPublic, "anyone", GF_PASSPORT "GetKeys", "",
     "The same", &Jwks},

    {kGet, "/api/v1/airlock", Sites::kNode, kUser, "role holder", GF_AIRLOCK "ListReviews", "",
     "Results that wait for release"},
    {kGet, "/api/v1/airlock/{task}/files/{name}", Sites::kNode, kUser, "role holder",
     GF_AIRLOCK "GetReviewFile", "", "A file that wants to leave", &ReviewFile},
    {kPost, "/api/v1/airlock/{task}/decision", Sites::kNode, kUser, "role holder",
     GF_AIRLOCK "Decide", "*", "Release or refuse results"},

    {kGet, "/api/v1/runs/{id}", Sites::kBoth, kUser, "the owner; roles holder, operator at a node",
     GF_RUN "GetRun", "", "A run with the parts of each node"},
    {kGet, "/api/v1/runs/{id}/outputs/{name}", Sites::kHub, kUser, "the owner", GF_RUN "GetOutput",
     "", "A merged result (the file itself)", &RunOutput},

    {kGet, "/api/v1/me/permissions", Sites::kNode, kUser, "role citizen",
     GF_CONSENT "GetMyPermissions", "", "What this person permitted"},
    {kPut, "/api/v1/me/permissions", Sites::kNode, kUser, "role citizen",
     GF_CONSENT "SetMyPermissions", "*",
     "Replace this person's permissions; an empty list withdraws everything"},
    {kGet, "/api/v1/me/accesses", Sites::kNode, kUser, "role citizen", GF_CONSENT "ListMyAccesses",
     "", "Who used this person's data, with receipts"},

    {kGet, "/api/v1/me/consents/{format}", Sites::kNode, kUser, "role citizen",
     GF_CONSENT "ExportMyConsents", "",
     "This person's consents as fhir-r4, fhir-r5, duo or receipt", &MyConsents},
    {kPost, "/api/v1/me/erasure", Sites::kNode, kUser, "role citizen", GF_CONSENT "EraseMe", "*",
     "Forget this person, for good; {\"confirm\": \"erase\"}"},
    {kGet, "/api/v1/me/notices", Sites::kNode, kUser, "role citizen", GF_CONSENT "ListMyNotices",
     "", "Notices of data breaches that concern this person"},
    {kPost, "/api/v1/datasets/{dataset}/wishes", Sites::kNode, kUser, "role holder",
     GF_CONSENT "AskWishes", "*",
     "Who of these people agreed to be contacted again, or to hear of findings about their health"},
    {kPost, "/api/v1/notices", Sites::kNode, kUser, "role operator or dpo",
     GF_CONSENT "PublishNotice", "*", "Tell the people concerned of a breach of their data"},
    {kGet, "/api/v1/registries", Sites::kNode, kUser, "role operator or dpo",
     GF_CONSENT "ListRegistries", "", "National registries of consents, and when they were heard"},
    {kGet, "/api/v1/audit/entries", Sites::kNode, kUser, "role dpo", GF_AUDIT "SearchEntries", "",
     "Entries of the ledger by project, organisation, dataset, application, kind and time"},
    {kGet, "/api/v1/audit/export", Sites::kNode, kUser, "role dpo", GF_AUDIT "ExportEntries", "",
     "The same search for the national data authority; lines in ndjson, go on from next_index"},
    {kGet, "/api/v1/audit/reconciliation", Sites::kNode, kUser, "role dpo or operator",
     GF_AUDIT "GetReconciliation", "", "Whether every release of keys is in the ledger"},

    {kGet, "/ledger/checkpoint", Sites::kBoth, kPublic, "anyone", GF_LEDGER "GetCheckpoint", "",
     "The newest signed checkpoint (C2SP signed note)", &Checkpoint},
    {kGet, "/ledger/key", Sites::kBoth, kPublic, "anyone", GF_LEDGER "GetCheckpoint", "",
     "The key that verifies checkpoints (C2SP verifier key)", &LedgerKey},
    {kGet, "/ledger/tile/{tile...}", Sites::kBoth, kPublic, "anyone", GF_LEDGER "GetTile", "",
     "Tiles and entry bundles of the log (C2SP tlog-tiles)", &LedgerTile},
    {kGet, "/ledger/entries", Sites::kBoth, kPublic, "anyone", GF_LEDGER "ListEntries", "",
     "Entries from ?start="},
    {kGet, "/ledger/consistency", Sites::kBoth, kPublic, "anyone", GF_LEDGER "GetConsistencyProof",
     "", "Proof that an old tree is a prefix of a new one"},

    {kPost, "/witness/add-checkpoint", Sites::kBoth, kPublic, "anyone; the checkpoint is signed",
     GF_WITNESS "AddCheckpoint", "body", "Cosign a ledger's checkpoint (C2SP tlog-witness)",
     &WitnessAnswer},
    {kGet, "/witness/logs", Sites::kBoth, kPublic, "anyone", GF_WITNESS "ListWitnessed", "",
     "Ledgers that are witnessed here, and those that were caught"},
    {kGet, "/witness/{origin_sha256}/checkpoint", Sites::kBoth, kPublic, "anyone",
     GF_WITNESS "GetWitnessedCheckpoint", "",
     "The newest checkpoint cosigned here (C2SP signed note)", &WitnessedCheckpoint},
};

// The linker keeps a descriptor only if something names it.
void KeepDescriptors() {
  access::v1::Application::descriptor();
  access::v1::Revocation::descriptor();
  access::v1::GetKeysRequest::descriptor();
  catalogue::v1::DatasetRecord::descriptor();
  consent::v1::Access::descriptor();
  discovery::v1::QueryRequest::descriptor();
  discovery::v1::MatchCasesRequest::descriptor();
  dispatcher::v1::Run::descriptor();
  onboarding::v1::Submission::descriptor();
  onboarding::v1::PutVariantFileRequest::descriptor();
  spe::v1::Task::descriptor();
}

nlohmann::ordered_json Addresses(const SiteFacts& site) {
  nlohmann::ordered_json out = {{"api", site.public_url + "/api/v1"},
                                {"docs", site.public_url + "/docs"},
                                {"beacon", site.public_url + "/beacon/v2"},
                                {"wes", site.public_url + "/ga4gh/wes/v1"}};
  if (!site.hub) {
    out["tes"] = site.public_url + "/ga4gh/tes/v1";
    out["drs"] = site.public_url + "/ga4gh/drs/v1";
    out["htsget"] = site.public_url + "/ga4gh/htsget/v1";
    out["ledger"] = site.public_url + "/ledger";
  }
  return out;
}

Result<Response> Me(const Request& request) {
  const User& user = *request.ctx.principal().user;
  const nlohmann::ordered_json me = {{"issuer", user.issuer},
                                     {"subject", user.subject},
                                     {"name", user.name},
                                     {"organisation", user.organisation},
                                     {"roles", user.roles},
                                     {"expires", FormatRfc3339(user.token_expires)},
                                     {"bound_to_key", !user.token_key.empty()}};
  return http::Json(200, me.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

std::string SiteFacts::ServiceId(std::string_view artifact) const {
  std::string id;
  const auto labels = Split(domain, '.');
  for (auto label = labels.rbegin(); label != labels.rend(); ++label)
    id += std::string(*label) + ".";
  return id + name + "." + std::string(artifact);
}

std::string SiteFacts::Organisation() const { return title.empty() ? name : title; }

std::span<const RpcRow> NativeRows() {
  KeepDescriptors();
  return kRows;
}

void AddSiteRoutes(Api& api, const SiteFacts& site, LoginFacts login) {
  const nlohmann::ordered_json facts = {
      {"name", site.name},           {"title", site.title},
      {"country", site.country},     {"role", site.hub ? "hub" : "node"},
      {"domain", site.domain},       {"audience", site.audience},
      {"addresses", Addresses(site)}};
  Endpoint about;
  about.pattern = "/api/v1/site";
  about.summary = "What this site is and where its APIs are";
  about.handler = [facts, login = std::move(login)](const Request& request) -> Result<Response> {
    nlohmann::ordered_json answer = facts;
    const std::string how = login ? login(request.ctx) : "";
    if (!how.empty()) answer["login"] = nlohmann::ordered_json::parse(how);
    return http::Json(200, answer.dump());
  };
  api.Add(std::move(about));

  Endpoint me;
  me.pattern = "/api/v1/me";
  me.access = Access::kUser;
  me.who = "any user";
  me.summary = "Who the caller is at this site";
  me.handler = &Me;
  api.Add(std::move(me));
}

}  // namespace genofed::gateway
