// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/proto_mapping.h"

#include "libs/core/strings.h"
#include "libs/rpc/time_codec.h"

namespace genofed::consent {
namespace {

void AddPermissions(PermissionSet set, google::protobuf::RepeatedField<int>* out) {
  if (set.Has(Permission::kAlleleFrequency)) out->Add(common::v1::PERMISSION_ALLELE_FREQUENCY);
  if (set.Has(Permission::kSubjectLevelQuery)) out->Add(common::v1::PERMISSION_SUBJECT_LEVEL_QUERY);
  if (set.Has(Permission::kSecondaryUse)) out->Add(common::v1::PERMISSION_SECONDARY_USE);
}

v1::Access ToProto(const MyAccess& access) {
  const ledger::Entry& entry = access.entry;
  v1::Access out;
  out.set_used(access.used);
  out.set_project(entry.Field("project"));
  out.set_organisation(entry.Field("organisation"));
  out.set_purpose(entry.Field("purpose"));
  out.set_application(entry.Field("application"));
  out.set_decision_sha256(entry.Field("decision_sha256"));
  out.mutable_dataset()->set_dataset(entry.Field("dataset"));
  if (auto version = ParseInt(entry.Field("version")); version.ok()) {
    out.mutable_dataset()->set_version(static_cast<std::int32_t>(*version));
  }
  if (auto time = ParseRfc3339(entry.time); time.ok()) rpc::SetTime(out.mutable_at(), *time);
  out.set_ledger_index(access.ledger_index);
  out.set_receipt(access.receipt);
  out.set_run(entry.Field("run"));
  out.set_client(entry.Field("client"));
  out.set_kind(std::string(ledger::KindName(entry.kind)));
  return out;
}

}  // namespace

Result<Permission> FromProto(common::v1::Permission permission) {
  switch (permission) {
    case common::v1::PERMISSION_ALLELE_FREQUENCY:
      return Permission::kAlleleFrequency;
    case common::v1::PERMISSION_SUBJECT_LEVEL_QUERY:
      return Permission::kSubjectLevelQuery;
    case common::v1::PERMISSION_SECONDARY_USE:
      return Permission::kSecondaryUse;
    default:
      return InvalidField("permission", "PERMISSION_INVALID",
                          "must be one of the three permissions");
  }
}

Result<PermissionSet> FromProto(const google::protobuf::RepeatedField<int>& permissions) {
  PermissionSet set;
  for (int value : permissions) {
    GF_ASSIGN(Permission permission, FromProto(static_cast<common::v1::Permission>(value)));
    set.Add(permission);
  }
  return set;
}

DatasetVersion FromProto(const common::v1::DatasetVersion& dataset) {
  return {dataset.dataset(), dataset.version()};
}

Result<std::vector<SubjectConsent>> FromProto(const v1::RegisterSubjectsRequest& request) {
  std::vector<SubjectConsent> subjects;
  subjects.reserve(static_cast<std::size_t>(request.subjects_size()));
  for (const v1::SubjectConsent& subject : request.subjects()) {
    GF_ASSIGN(PermissionSet permissions, FromProto(subject.permissions()));
    subjects.push_back({subject.person_identifier(), permissions});
  }
  return subjects;
}

v1::RegisterSubjectsResponse ToProto(const Registration& registration) {
  v1::RegisterSubjectsResponse out;
  for (const RegisteredSubject& subject : registration.subjects) {
    v1::RegisteredSubject* row = out.add_subjects();
    row->set_included(subject.row >= 0);
    row->set_pseudonym(subject.pseudonym);
    row->set_row(subject.row);
  }
  out.set_epoch(registration.epoch);
  return out;
}

v1::GetCohortResponse ToProto(const Cohort& cohort, bool with_pseudonyms) {
  v1::GetCohortResponse out;
  out.set_epoch(cohort.epoch);
  out.set_rows(cohort.rows);
  out.set_permitted(PackBits(cohort.permitted));
  if (cohort.snapshot) {
    out.set_snapshot(cohort.snapshot->id);
    out.set_snapshot_root(std::string(cohort.snapshot->root.view()));
    out.set_snapshot_slots(cohort.snapshot->slots);
  }
  if (with_pseudonyms)
    out.mutable_pseudonyms()->Add(cohort.pseudonyms.begin(), cohort.pseudonyms.end());
  return out;
}

v1::GetMyPermissionsResponse ToProto(const MyPermissions& mine) {
  v1::GetMyPermissionsResponse out;
  AddPermissions(mine.permissions, out.mutable_permissions());
  for (const Change& change : mine.history) {
    v1::PermissionChange* row = out.add_history();
    AddPermissions(change.permissions, row->mutable_permissions());
    rpc::SetTime(row->mutable_at(), change.at);
    row->set_by(change.by_subject ? "subject" : "holder");
    row->set_ledger_index(change.ledger_index.value_or(-1));
  }
  out.mutable_datasets()->Add(mine.datasets.begin(), mine.datasets.end());
  return out;
}

v1::ListMyAccessesResponse ToProto(const MyAccesses& page) {
  v1::ListMyAccessesResponse out;
  for (const MyAccess& access : page.accesses) *out.add_accesses() = ToProto(access);
  out.set_next_page_token(page.next_page_token);
  return out;
}

}  // namespace genofed::consent
