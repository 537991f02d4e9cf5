// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/site_peers.h"

#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/discovery/v1/discovery.grpc.pb.h"
#include "libs/genomics/fhir_consent.h"
#include "libs/genomics/individuals.h"

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
  if ((bits & genomics::kPermitAlleleFrequency) != 0) out.add_permissions(common::v1::PERMISSION_ALLELE_FREQUENCY);
  if ((bits & genomics::kPermitSubjectLevel) != 0) out.add_permissions(common::v1::PERMISSION_SUBJECT_LEVEL_QUERY);
  if ((bits & genomics::kPermitSecondaryUse) != 0) out.add_permissions(common::v1::PERMISSION_SECONDARY_USE);
}

class GrpcConsentClient final : public ConsentClient {
 public:
  explicit GrpcConsentClient(rpc::ChannelSource source) : consent_(source, kLong), keys_(std::move(source)) {}

  Result<std::vector<RegisteredSubject>> Register(const Context& ctx, const std::string& dataset, std::int32_t version,
                                                  std::span<const SubjectConsent> subjects) override {
    consent::RegisterSubjectsRequest request;
    *request.mutable_dataset() = VersionOf(dataset, version);
    for (const SubjectConsent& subject : subjects) {
      consent::SubjectConsent& added = *request.add_subjects();
      added.set_person_identifier(subject.person_identifier);
      AddPermissions(subject.permissions, added);
    }
    GF_ASSIGN(auto answer, consent_.Call(ctx, &consent::ConsentService::Stub::RegisterSubjects, request));
    std::vector<RegisteredSubject> registered;
    for (const auto& subject : answer.subjects()) {
      registered.push_back({subject.included(), subject.pseudonym(), subject.row()});
    }
    return registered;
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

 private:
  rpc::Peer<consent::ConsentService> consent_;
  rpc::Peer<consent::KeyService> keys_;
};

class GrpcPublisher final : public Publisher {
 public:
  GrpcPublisher(rpc::ChannelSource discovery_source, rpc::ChannelSource catalogue_source, std::string country)
      : discovery_(std::move(discovery_source), kLong), catalogue_(std::move(catalogue_source)),
        country_(std::move(country)) {}

  Status PublishIndex(const Context& ctx, const Submission& submission, const std::string& index_path) override {
    discovery::PublishVersionRequest request;
    *request.mutable_dataset() = VersionOf(submission.dataset.id, submission.version);
    request.set_assembly(submission.dataset.assembly);
    request.set_index_path(index_path);
    request.set_manifest_sha256(submission.index_sha256);
    request.set_individuals_path(index_path + "/" + genomics::kIndividualsFile);
    request.set_individuals_sha256(submission.individuals_sha256);
    return discovery_.Call(ctx, &discovery::DiscoveryService::Stub::PublishVersion, request).status();
  }

  Status SubmitRecord(const Context& ctx, const Submission& submission) override {
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
    record.set_individuals(submission.counts.subjects_included);
    record.set_sites(submission.counts.sites);
    return catalogue_.Call(ctx, &catalogue::CatalogueService::Stub::SubmitRecord, request).status();
  }

 private:
  rpc::Peer<discovery::DiscoveryService> discovery_;
  rpc::Peer<catalogue::CatalogueService> catalogue_;
  const std::string country_;
};

}  // namespace

std::unique_ptr<ConsentClient> MakeConsentClient(rpc::ChannelSource consent_source) {
  return std::make_unique<GrpcConsentClient>(std::move(consent_source));
}

std::unique_ptr<Publisher> MakePublisher(rpc::ChannelSource discovery_source, rpc::ChannelSource catalogue_source,
                                         std::string country) {
  return std::make_unique<GrpcPublisher>(std::move(discovery_source), std::move(catalogue_source), std::move(country));
}

}  // namespace genofed::onboarding
