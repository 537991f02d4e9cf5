// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/fhir_registry.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "libs/core/strings.h"
#include "libs/http/uri.h"

namespace genofed::consent {
namespace {

constexpr int kPageSize = 200;

class FhirRegistry final : public RegistrySource {
 public:
  FhirRegistry(FhirRegistryOptions options, std::unique_ptr<fhir::TokenSource> token, const Clock& clock,
               fhir::Wait wait)
      : options_(std::move(options)),
        token_(std::move(token)),
        clock_(clock),
        client_(options_.server, *token_, clock, std::move(wait)) {}

  Result<RegistryPull> Pull(const Context& ctx, std::optional<Time> since, const Sink& sink) override {
    const Time asked = clock_.Now();
    std::unordered_map<std::string, RegistryPatient> patients;  // of this pull
    std::string query = fmt::format("_count={}", kPageSize);
    if (since) query = "_lastUpdated=ge" + http::PercentEncode(FormatRfc3339(*since)) + "&" + query;
    if (!options_.filter.empty()) query += "&" + options_.filter;
    RegistryPull pull;
    const auto take = [&](const nlohmann::json& consent) -> Status {
      auto record = ReadRegistryRecord(consent, options_.mapping, options_.server.base_url);
      if (!record) {
        ++pull.unusable;
        return absl::OkStatus();
      }
      Circumstances who;
      bool lives = false;
      if (!record->patient.empty()) {
        GF_ASSIGN(const RegistryPatient patient, PatientOf(ctx, record->patient, patients));
        if (record->person_identifier.empty())
          record->person_identifier = patient.person_identifier;
        who = patient.who;
        lives = patient.lives;
      }
      if (record->says.by_guardian && !record->says.permits.empty() && !who.adult_at)
        RefuseEverything(*record);
      if (!IsPersonIdentifier(record->person_identifier)) {
        ++pull.unusable;
        record->person_identifier.clear();
      }
      return sink({record->id, record->person_identifier, record->counts, std::move(record->says),
                   record->refused, who, record->unreadable, lives, record->refuses_outside});
    };
    GF_ASSIGN(const fhir::SearchResult found, client_.Search(ctx, "Consent", query, take));
    pull.unusable += found.unusable;
    pull.complete = found.unusable == 0;
    // Without a clock of its own: what it writes while it answers is asked for again.
    pull.as_of = found.server_time.value_or(asked);
    return pull;
  }

 private:
  // A guardian's permission of which nobody can say when it lapses is one under a condition that
  // cannot be kept.
  static void RefuseEverything(RegistryRecord& record) {
    record.unreadable = true;
    record.refused = PermissionSet::All();
    record.says.permits = {};
    record.says.purposes.clear();
    record.says.conditions.clear();
  }

  // A Patient that is not there any more has no identifier.
  Result<RegistryPatient> PatientOf(const Context& ctx, const std::string& reference,
                                    std::unordered_map<std::string, RegistryPatient>& known) {
    if (const auto found = known.find(reference); found != known.end()) return found->second;
    const auto resource = client_.Read(ctx, reference);
    RegistryPatient patient;
    if (resource.ok()) {
      patient = ReadRegistryPatient(*resource, options_.mapping);
    } else if (resource.status().code() != StatusCode::kNotFound) {
      return resource.status();
    }
    known[reference] = patient;
    return patient;
  }

  const FhirRegistryOptions options_;
  const std::unique_ptr<fhir::TokenSource> token_;
  const Clock& clock_;
  fhir::Client client_;
};

}  // namespace

std::unique_ptr<RegistrySource> MakeFhirRegistry(FhirRegistryOptions options, std::unique_ptr<fhir::TokenSource> token,
                                                 const Clock& clock, fhir::Wait wait) {
  return std::make_unique<FhirRegistry>(std::move(options), std::move(token), clock, std::move(wait));
}

}  // namespace genofed::consent
