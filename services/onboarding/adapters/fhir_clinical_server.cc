// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/fhir_clinical_server.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/http/uri.h"

namespace genofed::onboarding {
namespace {

using nlohmann::json;

// Patients first: what is about anybody else is left out.
constexpr std::array kTypes = {"Patient", "Condition", "Observation", "Consent"};
constexpr std::size_t kPatientsPerSearch = 40;  // ids of 64 bytes: 3 kB of query
constexpr int kPageSize = 200;
constexpr std::size_t kMaxMembers = 1'000'000;

std::string Text(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Whom a resource is about: Condition and Observation and, in R5, Consent have a subject; Consent
// of R4 a patient.
std::string SubjectOf(const json& resource, std::string_view base_url) {
  if (Text(resource, "resourceType") == "Patient") return Text(resource, "id");
  for (const char* name : {"subject", "patient"}) {
    const auto found = resource.find(name);
    if (found == resource.end()) continue;
    if (std::string id = PatientOf(Text(*found, "reference"), base_url); !id.empty()) return id;
  }
  return {};
}

// nlohmann's objects sort their names. Text is left out: genofed reads no narrative.
PulledResource Canonical(json resource, std::string patient) {
  PulledResource pulled;
  const std::string type = Text(resource, "resourceType");
  pulled.patient = std::move(patient);
  pulled.key = type + "/" + Text(resource, "id");
  pulled.is_patient = type == "Patient";
  pulled.is_consent = type == "Consent";
  if (const auto meta = resource.find("meta"); meta != resource.end() && meta->is_object()) {
    meta->erase("versionId");
    meta->erase("lastUpdated");
    if (meta->empty()) resource.erase("meta");
  }
  resource.erase("text");
  pulled.line = resource.dump(-1, ' ', false, json::error_handler_t::replace);
  return pulled;
}

class FhirClinicalServer final : public ClinicalServer {
 public:
  FhirClinicalServer(FhirServerOptions options, std::unique_ptr<fhir::TokenSource> token,
                     const Clock& clock, fhir::Wait wait)
      : options_(std::move(options)),
        token_(std::move(token)),
        clock_(clock),
        client_(options_.server, *token_, clock, std::move(wait)) {}

  Result<PullSummary> Everything(const Context& ctx, const Sink& sink) override {
    PullSummary summary;
    if (options_.bulk_export) {
      GF_TRY(Export(ctx, std::nullopt, Forward(sink, summary, nullptr), summary));
      return summary;
    }
    GF_ASSIGN(const auto members, Members(ctx));
    for (const char* type : kTypes)
      GF_TRY(Search(ctx, type, "", Forward(sink, summary, &members), summary));
    return summary;
  }

  Result<PullSummary> ChangedSince(const Context& ctx, Time since,
                                   std::set<std::string>& patients) override {
    PullSummary summary;
    const auto note = [&](const json& resource) -> Status {
      if (std::string patient = SubjectOf(resource, options_.server.base_url); patient.empty())
        ++summary.unusable;
      else
        patients.insert(std::move(patient));
      return absl::OkStatus();
    };
    if (options_.bulk_export) {
      GF_TRY(Export(ctx, since, note, summary));
      return summary;
    }
    GF_ASSIGN(const auto members, Members(ctx));
    const std::string query = "_lastUpdated=ge" + http::PercentEncode(FormatRfc3339(since)) +
                              "&_elements=id,subject,patient";
    for (const char* type : kTypes) GF_TRY(Search(ctx, type, query, note, summary));
    if (members)
      std::erase_if(patients, [&](const std::string& id) { return !members->contains(id); });
    return summary;
  }

  Result<PullSummary> RecordsOf(const Context& ctx, const std::set<std::string>& patients,
                                const Sink& sink) override {
    PullSummary summary;
    const MemberSet asked =
        patients;  // a server that does not know the parameter answers with everybody
    for (auto next = patients.begin(); next != patients.end();) {
      std::string ids, references;  // not every server understands an id alone as a reference
      for (std::size_t n = 0; n < kPatientsPerSearch && next != patients.end(); ++n, ++next) {
        ids += (n == 0 ? "" : ",") + *next;
        references += (n == 0 ? "Patient/" : ",Patient/") + *next;
      }
      for (const char* type : kTypes) {
        const std::string query =
            std::string_view(type) == "Patient" ? "_id=" + ids : "patient=" + references;
        GF_TRY(Search(ctx, type, query, Forward(sink, summary, &asked), summary));
      }
    }
    return summary;
  }

 private:
  using MemberSet = std::optional<std::set<std::string>>;

  // Hands over what is about one of the members.
  fhir::ResourceSink Forward(const Sink& sink, PullSummary& summary,
                             const MemberSet* members) const {
    return [&sink, &summary, members,
            &base_url = options_.server.base_url](const json& resource) -> Status {
      std::string patient = SubjectOf(resource, base_url);
      if (patient.empty()) {
        ++summary.unusable;
        return absl::OkStatus();
      }
      if (members != nullptr && members->has_value() && !(*members)->contains(patient))
        return absl::OkStatus();
      return sink(Canonical(resource, std::move(patient)));
    };
  }

  Status Search(const Context& ctx, const std::string& type, std::string query,
                const fhir::ResourceSink& sink, PullSummary& summary) {
    if (const auto filter = options_.filters.find(type); filter != options_.filters.end()) {
      query += (query.empty() ? "" : "&") + filter->second;
    }
    query += fmt::format("{}_count={}", query.empty() ? "" : "&", kPageSize);
    const Time asked = clock_.Now();
    GF_ASSIGN(const auto result, client_.Search(ctx, type, query, sink));
    summary.resources += result.resources;
    summary.unusable += result.unusable;
    // The first search began first: what it may have missed came after this.
    if (summary.as_of == Time{}) summary.as_of = result.server_time.value_or(asked);
    return absl::OkStatus();
  }

  Status Export(const Context& ctx, std::optional<Time> since, const fhir::ResourceSink& sink,
                PullSummary& summary) {
    fhir::ExportRequest request{options_.group, {kTypes.begin(), kTypes.end()}, since};
    for (const auto& [type, filter] : options_.filters)
      request.type_filters.push_back(type + "?" + filter);
    GF_ASSIGN(const auto result, client_.Export(ctx, request, sink));
    if (result.errors > 0) {
      return Error(StatusCode::kDataLoss, "EXPORT_INCOMPLETE",
                   "the server could not export everything: it reports {} errors", result.errors);
    }
    summary.as_of = result.transaction_time;
    summary.resources += result.resources;
    summary.unusable += result.unusable;
    summary.deletions = result.deletions > 0;
    return absl::OkStatus();
  }

  // Patients of the group; none without a group.
  Result<MemberSet> Members(const Context& ctx) {
    if (options_.group.empty()) return MemberSet();
    GF_ASSIGN(const json group, client_.Read(ctx, "Group/" + options_.group));
    MemberSet members(std::in_place);
    const auto list = group.find("member");
    if (Text(group, "resourceType") != "Group" ||
        (list != group.end() && (!list->is_array() || list->size() > kMaxMembers))) {
      return Error(StatusCode::kDataLoss, "GROUP_INVALID",
                   "the server has no such Group, or one of too many members");
    }
    if (list == group.end()) return members;
    for (const json& member : *list) {
      if (!member.is_object() || member.value("inactive", json()) == true ||
          !member.contains("entity"))
        continue;
      if (std::string id = PatientOf(Text(member["entity"], "reference"), options_.server.base_url);
          !id.empty())
        members->insert(std::move(id));
    }
    return members;
  }

  const FhirServerOptions options_;
  const std::unique_ptr<fhir::TokenSource> token_;
  const Clock& clock_;
  fhir::Client client_;
};

}  // namespace

std::string PatientOf(std::string_view reference, std::string_view base_url) {
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  if (!base_url.empty() && reference.starts_with(base_url)) {
    reference.remove_prefix(base_url.size());
    if (!reference.starts_with('/')) return {};
    reference.remove_prefix(1);
  }
  constexpr std::string_view kPatient = "Patient/";
  if (!reference.starts_with(kPatient)) return {};
  reference.remove_prefix(kPatient.size());
  std::string id(reference.substr(0, reference.find('/')));
  return fhir::IsId(id) ? id : std::string();
}

std::unique_ptr<ClinicalServer> MakeFhirClinicalServer(FhirServerOptions options,
                                                       std::unique_ptr<fhir::TokenSource> token,
                                                       const Clock& clock, fhir::Wait wait) {
  return std::make_unique<FhirClinicalServer>(std::move(options), std::move(token), clock,
                                              std::move(wait));
}

}  // namespace genofed::onboarding
