// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/site_peers.h"

#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/discovery/v1/beacon.grpc.pb.h"
#include "genofed/discovery/v1/discovery.grpc.pb.h"
#include "genofed/discovery/v1/statistics.grpc.pb.h"
#include "libs/clinical/consent.h"
#include "libs/platform/ledger_client.h"
#include "libs/rpc/time_codec.h"

namespace genofed::onboarding {
namespace {

namespace consent = genofed::consent::v1;
namespace catalogue = genofed::catalogue::v1;
namespace discovery = genofed::discovery::v1;

// Registering a large cohort and opening its index take longer than an ordinary call.
constexpr rpc::CallOptions kLong{.timeout = std::chrono::minutes(5)};

common::v1::DatasetVersion VersionOf(const std::string& dataset, std::int32_t version) {
  common::v1::DatasetVersion out;
  out.set_dataset(dataset);
  out.set_version(version);
  return out;
}

void AddPermissions(std::uint8_t bits, consent::SubjectConsent& out) {
  if ((bits & clinical::kPermitAlleleFrequency) != 0) out.add_permissions(common::v1::PERMISSION_ALLELE_FREQUENCY);
  if ((bits & clinical::kPermitSubjectLevel) != 0) out.add_permissions(common::v1::PERMISSION_SUBJECT_LEVEL_QUERY);
  if ((bits & clinical::kPermitSecondaryUse) != 0) out.add_permissions(common::v1::PERMISSION_SECONDARY_USE);
}

// Of a record without any, the message stays as it was.
void AddTerms(const SubjectConsent& subject, consent::SubjectConsent& out) {
  if (subject.until) rpc::SetTime(out.mutable_terms()->mutable_valid_until(), *subject.until);
  if (subject.origin.by_guardian) out.mutable_terms()->set_by_guardian(true);
  if (!subject.origin.form.empty()) out.mutable_terms()->set_form(subject.origin.form);
  if (!subject.origin.organisation.empty())
    out.mutable_terms()->set_organisation(subject.origin.organisation);
  for (const std::string& purpose : subject.limits.purposes) out.mutable_terms()->add_purposes(purpose);
  for (const std::string& condition : subject.limits.conditions) out.mutable_terms()->add_conditions(condition);
  if (subject.wishes.recontact) out.mutable_terms()->set_recontact(*subject.wishes.recontact);
  if (subject.wishes.incidental_findings)
    out.mutable_terms()->set_incidental_findings(*subject.wishes.incidental_findings);
  if (subject.born) rpc::SetTime(out.mutable_born(), *subject.born);
  if (subject.died_at) rpc::SetTime(out.mutable_died_at(), *subject.died_at);
}

class GrpcConsentClient final : public ConsentClient {
 public:
  GrpcConsentClient(rpc::ChannelSource source, const Clock& clock)
      : consent_(source, kLong), keys_(source), ledger_(std::move(source)), clock_(clock) {}

  Result<std::vector<RegisteredSubject>> Register(const Context& ctx, const Registration& version,
                                                  std::span<const SubjectConsent> subjects) override {
    consent::RegisterSubjectsRequest request;
    *request.mutable_dataset() = VersionOf(version.dataset, version.version);
    request.set_base_version(version.base_version);
    request.set_follow_up(version.follow_up);
    for (const SubjectConsent& subject : subjects) {
      consent::SubjectConsent& added = *request.add_subjects();
      added.set_person_identifier(subject.person_identifier);
      AddPermissions(subject.permissions, added);
      added.set_unrecorded(!subject.recorded);
      AddTerms(subject, added);
    }
    GF_ASSIGN(auto answer, consent_.Call(ctx, &consent::ConsentService::Stub::RegisterSubjects, request));
    std::vector<RegisteredSubject> registered;
    for (const auto& subject : answer.subjects()) {
      registered.push_back(
          {subject.included(), subject.pseudonym(), subject.row(), subject.forgotten()});
    }
    return registered;
  }

  Result<int> AdultAge(const Context& ctx) override {
    GF_ASSIGN(const auto answer, consent_.Call(ctx, &consent::ConsentService::Stub::GetEpoch, {}));
    if (answer.adult_age() <= 0)
      return Error(StatusCode::kDataLoss, "CONSENT_ANSWER_INVALID", "the consent service does not say when people come of age");
    return answer.adult_age();
  }

  Result<std::vector<std::string>> Pseudonyms(const Context& ctx, const std::string& dataset,
                                              std::int32_t version) override {
    consent::GetCohortRequest request;
    *request.mutable_dataset() = VersionOf(dataset, version);
    request.set_permission(common::v1::PERMISSION_ALLELE_FREQUENCY);
    GF_ASSIGN(auto answer, consent_.Call(ctx, &consent::ConsentService::Stub::GetCohort, request));
    return std::vector<std::string>(answer.pseudonyms().begin(), answer.pseudonyms().end());
  }

  Result<std::string> EncryptionKey(const Context& ctx) override {
    GF_ASSIGN(auto answer, keys_.Call(ctx, &consent::KeyService::Stub::GetEncryptionKey, {}));
    return answer.public_key();
  }

  Status StoreHeader(const Context& ctx, const std::string& dataset, std::int32_t version,
                     const ObjectRecord& object) override {
    consent::StoreHeaderRequest request;
    request.set_object(object.id);
    *request.mutable_dataset() = VersionOf(dataset, version);
    request.set_header(object.header);
    request.set_role(object.role);
    return keys_.Call(ctx, &consent::KeyService::Stub::StoreHeader, request).status();
  }

  Result<ForgottenPage> Forgotten(const Context& ctx, std::int64_t after) override {
    consent::ListForgottenRowsRequest request;
    request.set_after(after);
    GF_ASSIGN(const auto answer, consent_.Call(ctx, &consent::ConsentService::Stub::ListForgottenRows, request));
    ForgottenPage page;
    for (const auto& row : answer.rows()) page.rows.push_back({row.dataset().dataset(), row.dataset().version(), row.row()});
    page.next = answer.next();
    return page;
  }

  Result<std::string> ReleaseForErasure(const Context& ctx, const std::string& object,
                                        const std::string& recipient) override {
    consent::ReleaseForErasureRequest request;
    request.set_object(object);
    request.set_recipient(recipient);
    GF_ASSIGN(auto answer, keys_.Call(ctx, &consent::KeyService::Stub::ReleaseForErasure, request));
    return std::move(*answer.mutable_header());
  }

  Status DestroyHeaders(const Context& ctx, const std::string& dataset,
                        const std::vector<std::string>& objects) override {
    consent::DestroyHeadersRequest request;
    request.set_dataset(dataset);
    request.mutable_objects()->Add(objects.begin(), objects.end());
    return keys_.Call(ctx, &consent::KeyService::Stub::DestroyHeaders, request).status();
  }

  Status Log(const Context& ctx, const std::string& key, const DatasetEvent& event) override {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kDataset;
    entry.time = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(clock_.Now()));
    entry.fields = {{"dataset", event.dataset},
                    {"version", event.version > 0 ? std::to_string(event.version) : ""},
                    {"outcome", event.outcome},
                    {"report_sha256", event.report_sha256},
                    {"key_id", event.key_id}};
    std::erase_if(entry.fields, [](const auto& field) { return field.second.empty(); });
    entry.SetText("reason", event.reason);
    return ledger_.Append(ctx, key, entry);
  }

 private:
  rpc::Peer<consent::ConsentService> consent_;
  rpc::Peer<consent::KeyService> keys_;
  const LedgerClient ledger_;
  const Clock& clock_;
};

class GrpcPublisher final : public Publisher {
 public:
  GrpcPublisher(rpc::ChannelSource discovery_source, rpc::ChannelSource catalogue_source, std::string country)
      : discovery_(discovery_source, kLong), folders_(discovery_source, kLong),
        statistics_(std::move(discovery_source), kLong), catalogue_(std::move(catalogue_source)),
        country_(std::move(country)) {}

  Result<std::int32_t> ListedVersion(const Context& ctx, const std::string& dataset) override {
    catalogue::GetRecordRequest request;
    request.set_id(dataset);
    auto answer = catalogue_.Call(ctx, &catalogue::CatalogueService::Stub::GetRecord, request);
    if (answer.status().code() == StatusCode::kNotFound) return 0;
    GF_TRY(answer);
    if (answer->record().state() == catalogue::DatasetRecord::STATE_WITHDRAWN) {
      return Error(StatusCode::kFailedPrecondition, "DATASET_DECOMMISSIONED", "the dataset was taken out of use");
    }
    return answer->record().version();
  }

  Status PublishIndex(const Context& ctx, const Snapshot& snapshot) override { return Publish(ctx, snapshot, false); }
  Status ReplaceIndex(const Context& ctx, const Snapshot& snapshot) override { return Publish(ctx, snapshot, true); }

  Status SubmitRecord(const Context& ctx, const Submission& submission,
                      const std::vector<InclusionCriterion>& inclusion) override {
    const Description& dataset = submission.dataset;
    catalogue::SubmitRecordRequest request;
    catalogue::DatasetRecord& record = *request.mutable_record();
    record.set_id(dataset.id);
    record.set_version(submission.version);
    record.set_country(country_);
    record.set_title(dataset.title);
    record.set_description(dataset.description);
    record.set_publisher(dataset.publisher);
    record.set_contact_email(dataset.contact_email);
    record.mutable_keywords()->Add(dataset.keywords.begin(), dataset.keywords.end());
    record.mutable_data_use()->Add(dataset.data_use.begin(), dataset.data_use.end());
    record.set_assembly(dataset.assembly);
    // Numbers of people leave the node through its disclosure control.
    discovery::DescribeVersionRequest describe;
    *describe.mutable_dataset() = VersionOf(dataset.id, submission.version);
    describe.set_people(submission.difference.people_kept + submission.difference.people_added);
    GF_ASSIGN(const auto statistics,
              statistics_.Call(ctx, &discovery::StatisticsService::Stub::DescribeVersion, describe));
    record.set_individuals(static_cast<std::int32_t>(statistics.individuals()));
    for (const auto& group : statistics.groups()) {
      auto& added = *record.add_groups();
      added.set_dimension(group.dimension());
      added.set_id(group.id());
      added.set_individuals(static_cast<std::int32_t>(group.individuals()));
    }
    record.set_sites(submission.counts.sites);
    record.set_report_sha256(submission.report_sha256);
    record.set_base_version(submission.base_version);
    for (const InclusionCriterion& criterion : inclusion) {
      auto& added = *record.add_inclusion();
      added.set_id(criterion.id);
      added.set_title(criterion.title);
      added.set_required(criterion.required);
      added.set_automatic(criterion.automatic);
      added.set_met(criterion.met);
      added.set_evidence(criterion.evidence);
    }
    return catalogue_.Call(ctx, &catalogue::CatalogueService::Stub::SubmitRecord, request).status();
  }

  Status ActivateRecord(const Context& ctx, const std::string& dataset, std::int32_t version,
                        const std::string& reason) override {
    catalogue::ActivateRecordRequest request;
    request.set_id(dataset);
    request.set_version(version);
    request.set_reason(reason);
    return catalogue_.Call(ctx, &catalogue::CatalogueService::Stub::ActivateRecord, request).status();
  }

  Status WithdrawRecord(const Context& ctx, const std::string& dataset, const std::string& reason) override {
    catalogue::WithdrawRecordRequest request;
    request.set_id(dataset);
    request.set_reason(reason);
    return catalogue_.Call(ctx, &catalogue::CatalogueService::Stub::WithdrawRecord, request).status();
  }

 private:
  Status Publish(const Context& ctx, const Snapshot& snapshot, bool replaces) {
    if (snapshot.is_folder()) {
      discovery::PublishFolderRequest folder;
      *folder.mutable_dataset() = VersionOf(snapshot.dataset, snapshot.version);
      folder.set_path(snapshot.individuals_path);
      folder.set_sha256(snapshot.individuals_sha256);
      folder.set_replaces(replaces);
      return folders_.Call(ctx, &discovery::BeaconService::Stub::PublishFolder, folder).status();
    }
    discovery::PublishVersionRequest request;
    *request.mutable_dataset() = VersionOf(snapshot.dataset, snapshot.version);
    request.set_assembly(snapshot.assembly);
    for (const SegmentRef& segment : snapshot.segments) {
      auto& added = *request.add_segments();
      added.set_index_path(segment.index_path);
      added.set_manifest_sha256(segment.manifest_sha256);
    }
    request.set_individuals_path(snapshot.individuals_path);
    request.set_individuals_sha256(snapshot.individuals_sha256);
    request.set_replaces(replaces);
    return discovery_.Call(ctx, &discovery::DiscoveryService::Stub::PublishVersion, request).status();
  }

  rpc::Peer<discovery::DiscoveryService> discovery_;
  rpc::Peer<discovery::BeaconService> folders_;
  rpc::Peer<discovery::StatisticsService> statistics_;
  rpc::Peer<catalogue::CatalogueService> catalogue_;
  const std::string country_;
};

}  // namespace

std::unique_ptr<ConsentClient> MakeConsentClient(rpc::ChannelSource consent_source, const Clock& clock) {
  return std::make_unique<GrpcConsentClient>(std::move(consent_source), clock);
}

std::unique_ptr<Publisher> MakePublisher(rpc::ChannelSource discovery_source, rpc::ChannelSource catalogue_source,
                                         std::string country) {
  return std::make_unique<GrpcPublisher>(std::move(discovery_source), std::move(catalogue_source), std::move(country));
}

}  // namespace genofed::onboarding
