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

std::optional<Time> OptionalTime(bool has, const google::protobuf::Timestamp& time) {
  return has ? std::optional<Time>(rpc::GetTime(time)) : std::nullopt;
}

v1::ConsentTerms TermsOf(const Statement& statement) {
  v1::ConsentTerms out;
  out.mutable_purposes()->Add(statement.purposes.begin(), statement.purposes.end());
  out.mutable_conditions()->Add(statement.conditions.begin(), statement.conditions.end());
  if (statement.from) rpc::SetTime(out.mutable_valid_from(), *statement.from);
  if (statement.until) rpc::SetTime(out.mutable_valid_until(), *statement.until);
  out.set_form(statement.form);
  out.set_organisation(statement.organisation);
  out.set_by_guardian(statement.by_guardian);
  if (statement.recontact) out.set_recontact(*statement.recontact);
  if (statement.incidental_findings) out.set_incidental_findings(*statement.incidental_findings);
  return out;
}

v1::ConsentStatement ToProto(const SourcedStatement& statement) {
  v1::ConsentStatement out;
  out.set_by(statement.source == Source::kOwn      ? "subject"
             : statement.source == Source::kHolder ? "holder"
                                                   : "registry");
  out.set_name(statement.name);
  AddPermissions(statement.says.permits, out.mutable_permits());
  AddPermissions(statement.says.denies, out.mutable_refuses());
  *out.mutable_terms() = TermsOf(statement.says);
  return out;
}

common::v1::Permission ToProto(Permission permission) {
  switch (permission) {
    case Permission::kAlleleFrequency:
      return common::v1::PERMISSION_ALLELE_FREQUENCY;
    case Permission::kSubjectLevelQuery:
      return common::v1::PERMISSION_SUBJECT_LEVEL_QUERY;
    case Permission::kSecondaryUse:
      return common::v1::PERMISSION_SECONDARY_USE;
  }
  return common::v1::PERMISSION_UNSPECIFIED;
}

v1::UseDecision ToProto(const MyDecision& decision) {
  v1::UseDecision out;
  out.set_permission(ToProto(decision.use.permission));
  out.set_purpose(decision.use.purpose);
  out.set_permitted(decision.decision.permitted);
  out.set_basis(std::string(BasisName(decision.decision.basis)));
  out.set_legal_basis(decision.legal_basis);
  return out;
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
  out.set_entry(access.entry_bytes);
  out.set_tlog_proof(access.tlog_proof);
  out.set_run(entry.Field("run"));
  out.set_client(entry.Field("client"));
  out.set_kind(std::string(ledger::KindName(entry.kind)));
  out.set_purpose_code(access.purpose_code);
  out.set_model(access.model);
  out.set_legal_basis(access.legal_basis);
  out.mutable_accepted_conditions()->Add(access.conditions.begin(), access.conditions.end());
  out.set_outcome(OutcomeOf(access));
  out.set_text(SentenceOf(access));
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

Statement FromProto(PermissionSet permissions, const v1::ConsentTerms& terms) {
  Statement statement{permissions,
                      {},
                      OptionalTime(terms.has_valid_from(), terms.valid_from()),
                      OptionalTime(terms.has_valid_until(), terms.valid_until())};
  statement.purposes = {terms.purposes().begin(), terms.purposes().end()};
  statement.conditions = {terms.conditions().begin(), terms.conditions().end()};
  statement.form = terms.form();
  statement.organisation = terms.organisation();
  statement.by_guardian = terms.by_guardian();
  if (terms.has_recontact()) statement.recontact = terms.recontact();
  if (terms.has_incidental_findings()) statement.incidental_findings = terms.incidental_findings();
  return statement;
}

DatasetVersion FromProto(const common::v1::DatasetVersion& dataset) {
  return {dataset.dataset(), dataset.version()};
}

Result<std::vector<SubjectConsent>> FromProto(const v1::RegisterSubjectsRequest& request) {
  std::vector<SubjectConsent> subjects;
  subjects.reserve(static_cast<std::size_t>(request.subjects_size()));
  for (const v1::SubjectConsent& subject : request.subjects()) {
    GF_ASSIGN(PermissionSet permissions, FromProto(subject.permissions()));
    SubjectConsent one{subject.person_identifier(),
                       FromProto(permissions, subject.terms()),
                       {{},
                        OptionalTime(subject.has_died_at(), subject.died_at()),
                        false,
                        OptionalTime(subject.has_born(), subject.born())}};
    one.says.denies = subject.unrecorded() ? PermissionSet() : permissions.Others();
    subjects.push_back(std::move(one));
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
    row->set_forgotten(subject.forgotten);
  }
  out.set_epoch(registration.epoch);
  return out;
}

v1::GetCohortResponse ToProto(const Cohort& cohort) {
  v1::GetCohortResponse out;
  out.set_epoch(cohort.epoch);
  out.set_rows(cohort.rows);
  out.set_permitted(PackBits(cohort.permitted));
  if (cohort.snapshot) {
    out.set_snapshot(cohort.snapshot->id);
    out.set_snapshot_root(std::string(cohort.snapshot->root.view()));
    out.set_snapshot_slots(cohort.snapshot->slots);
  }
  out.mutable_pseudonyms()->Add(cohort.pseudonyms.begin(), cohort.pseudonyms.end());
  return out;
}

v1::GetMyPermissionsResponse ToProto(const MyPermissions& mine) {
  v1::GetMyPermissionsResponse out;
  AddPermissions(mine.permissions, out.mutable_permissions());
  for (const MyChange& change : mine.history) {
    v1::PermissionChange* row = out.add_history();
    AddPermissions(change.permissions, row->mutable_permissions());
    rpc::SetTime(row->mutable_at(), change.at);
    row->set_by(!change.registry.empty() ? "registry" : change.by_subject ? "subject" : "holder");
    row->set_registry(change.registry);
    row->set_ledger_index(change.ledger_index.value_or(-1));
    row->set_receipt(change.receipt);
  }
  out.mutable_datasets()->Add(mine.datasets.begin(), mine.datasets.end());
  for (const SourcedStatement& statement : mine.statements) *out.add_statements() = ToProto(statement);
  for (const MyDecision& decision : mine.decisions) *out.add_decisions() = ToProto(decision);
  out.set_policy(mine.policy);
  return out;
}

v1::ListMyAccessesResponse ToProto(const MyAccesses& page) {
  v1::ListMyAccessesResponse out;
  for (const MyAccess& access : page.accesses) *out.add_accesses() = ToProto(access);
  out.set_next_page_token(page.next_page_token);
  return out;
}

NoticeRow FromProto(const v1::Notice& notice) {
  NoticeRow row;
  row.title = notice.title();
  row.what_happened = notice.what_happened();
  row.consequences = notice.consequences();
  row.measures = notice.measures();
  row.contact = notice.contact();
  row.datasets = {notice.datasets().begin(), notice.datasets().end()};
  row.happened = OptionalTime(notice.has_happened(), notice.happened());
  return row;
}

v1::Notice ToProto(const NoticeRow& notice) {
  v1::Notice out;
  out.set_id(notice.id);
  out.set_title(notice.title);
  out.set_what_happened(notice.what_happened);
  out.set_consequences(notice.consequences);
  out.set_measures(notice.measures);
  out.set_contact(notice.contact);
  out.mutable_datasets()->Add(notice.datasets.begin(), notice.datasets.end());
  if (notice.happened) rpc::SetTime(out.mutable_happened(), *notice.happened);
  rpc::SetTime(out.mutable_published(), notice.published);
  return out;
}

v1::RegistryState ToProto(const RegistryRow& row) {
  v1::RegistryState out;
  out.set_name(row.name);
  if (row.last_attempt) rpc::SetTime(out.mutable_last_attempt(), *row.last_attempt);
  if (row.last_success) rpc::SetTime(out.mutable_last_success(), *row.last_success);
  out.set_last_error(row.last_error);
  out.set_stale(row.stale);
  out.set_records(row.records);
  out.set_unreadable(row.unreadable);
  return out;
}

}  // namespace genofed::consent
