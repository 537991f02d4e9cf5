// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/proto_mapping.h"

#include "libs/rpc/time_codec.h"
#include "services/onboarding/app/layout.h"

namespace genofed::onboarding {
namespace {

v1::DatasetDescription ToProto(const Description& in) {
  v1::DatasetDescription out;
  out.set_id(in.id);
  out.set_title(in.title);
  out.set_description(in.description);
  out.set_publisher(in.publisher);
  out.set_contact_email(in.contact_email);
  out.mutable_keywords()->Add(in.keywords.begin(), in.keywords.end());
  out.mutable_data_use()->Add(in.data_use.begin(), in.data_use.end());
  out.set_assembly(in.assembly);
  out.mutable_evidence()->insert(in.evidence.begin(), in.evidence.end());
  return out;
}

v1::Submission::State ToProto(State state) {
  switch (state) {
    case State::kOpen: return v1::Submission::STATE_OPEN;
    case State::kQueued: return v1::Submission::STATE_QUEUED;
    case State::kRunning: return v1::Submission::STATE_RUNNING;
    case State::kPublished: return v1::Submission::STATE_PUBLISHED;
    case State::kRejected: return v1::Submission::STATE_REJECTED;
    case State::kFailed: return v1::Submission::STATE_FAILED;
  }
  return v1::Submission::STATE_UNSPECIFIED;
}

State FromProto(v1::Submission::State state) {
  switch (state) {
    case v1::Submission::STATE_QUEUED: return State::kQueued;
    case v1::Submission::STATE_RUNNING: return State::kRunning;
    case v1::Submission::STATE_PUBLISHED: return State::kPublished;
    case v1::Submission::STATE_REJECTED: return State::kRejected;
    case v1::Submission::STATE_FAILED: return State::kFailed;
    default: return State::kOpen;
  }
}

v1::Mode ToProto(Mode mode) {
  switch (mode) {
    case Mode::kFull: return v1::MODE_UNSPECIFIED;
    case Mode::kAdd: return v1::MODE_ADD;
    case Mode::kFollowUp: return v1::MODE_FOLLOW_UP;
    case Mode::kRollback: return v1::MODE_ROLLBACK;
    case Mode::kDecommission: return v1::MODE_DECOMMISSION;
    case Mode::kBeacon: return v1::MODE_BEACON;
  }
  return v1::MODE_UNSPECIFIED;
}

v1::Finding ToProto(const Finding& in) {
  v1::Finding out;
  switch (in.severity) {
    case Severity::kNote: out.set_severity(v1::Finding::SEVERITY_NOTE); break;
    case Severity::kWarning: out.set_severity(v1::Finding::SEVERITY_WARNING); break;
    case Severity::kError: out.set_severity(v1::Finding::SEVERITY_ERROR); break;
  }
  out.set_code(in.code);
  out.set_file(in.file);
  out.set_line(in.line);
  out.set_field(in.field);
  out.set_message(in.message);
  out.set_count(in.count);
  return out;
}

Finding FromProto(const v1::Finding& in) {
  Severity severity = in.severity() == v1::Finding::SEVERITY_ERROR     ? Severity::kError
                      : in.severity() == v1::Finding::SEVERITY_WARNING ? Severity::kWarning
                                                                       : Severity::kNote;
  return {severity, in.code(), in.file(), in.line(), in.field(), in.message(), in.count()};
}

}  // namespace

v1::Connector ToProto(const ConnectorState& state) {
  v1::Connector out;
  out.set_name(state.name);
  out.set_dataset(state.dataset);
  if (state.last_attempt) rpc::SetTime(out.mutable_last_attempt(), *state.last_attempt);
  if (state.last_success) rpc::SetTime(out.mutable_last_success(), *state.last_success);
  if (state.watermark) rpc::SetTime(out.mutable_watermark(), *state.watermark);
  out.set_last_error(state.last_error);
  out.set_resources_pulled(state.resources_pulled);
  out.set_people_submitted(state.people_submitted);
  out.set_submission(state.submission);
  return out;
}

Description FromProto(const v1::DatasetDescription& in) {
  Description out;
  out.id = in.id();
  out.title = in.title();
  out.description = in.description();
  out.publisher = in.publisher();
  out.contact_email = in.contact_email();
  out.keywords.assign(in.keywords().begin(), in.keywords().end());
  out.data_use.assign(in.data_use().begin(), in.data_use().end());
  out.assembly = in.assembly();
  out.evidence = {in.evidence().begin(), in.evidence().end()};
  return out;
}

Mode FromProto(v1::Mode mode) {
  switch (mode) {
    case v1::MODE_ADD: return Mode::kAdd;
    case v1::MODE_FOLLOW_UP: return Mode::kFollowUp;
    case v1::MODE_ROLLBACK: return Mode::kRollback;
    case v1::MODE_DECOMMISSION: return Mode::kDecommission;
    case v1::MODE_BEACON: return Mode::kBeacon;
    default: return Mode::kFull;
  }
}

Result<FileKind> FromProto(v1::FileKind kind) {
  switch (kind) {
    case v1::FILE_KIND_VARIANTS: return FileKind::kVariants;
    case v1::FILE_KIND_CLINICAL: return FileKind::kClinical;
    case v1::FILE_KIND_CONSENTS: return FileKind::kConsents;
    case v1::FILE_KIND_MAPPING: return FileKind::kMapping;
    case v1::FILE_KIND_BEACON: return FileKind::kBeacon;
    default: return InvalidField("kind", "FILE_KIND_INVALID", "must be variants, clinical, consents, mapping or beacon");
  }
}

v1::Submission ToProto(const Submission& in) {
  v1::Submission out;
  out.set_id(in.id);
  *out.mutable_dataset() = ToProto(in.dataset);
  out.set_state(ToProto(in.state));
  out.set_stage(std::string(StageName(in.stage)));
  out.set_percent(in.percent());
  out.set_version(in.version);
  auto* counts = out.mutable_counts();
  counts->set_subjects(in.counts.subjects);
  counts->set_subjects_included(in.counts.subjects_included);
  counts->set_subjects_without_consent(in.counts.subjects_without_consent);
  counts->set_samples_without_subject(in.counts.samples_without_subject);
  counts->set_records(in.counts.records);
  counts->set_records_quarantined(in.counts.records_quarantined);
  counts->set_sites(in.counts.sites);
  counts->set_subjects_without_sample(in.counts.subjects_without_sample);
  counts->set_clinical_records(in.counts.clinical_records);
  counts->set_clinical_records_quarantined(in.counts.clinical_records_quarantined);
  counts->set_subjects_forgotten(in.counts.subjects_forgotten);
  for (const Finding& finding : in.findings) *out.add_findings() = ToProto(finding);
  rpc::SetTime(out.mutable_created(), in.created);
  if (in.finished) rpc::SetTime(out.mutable_finished(), *in.finished);
  out.set_message(in.message);
  out.set_mode(ToProto(in.mode));
  out.set_base_version(in.base_version);
  out.set_target_version(in.target_version);
  out.set_reason(in.reason);
  out.set_report_sha256(in.report_sha256);
  out.set_test_data(in.test_data);
  if (in.difference != Difference()) {
    auto* difference = out.mutable_difference();
    difference->set_segments_kept(in.difference.segments_kept);
    difference->set_segments_added(in.difference.segments_added);
    difference->set_people_kept(in.difference.people_kept);
    difference->set_people_added(in.difference.people_added);
    difference->set_people_changed(in.difference.people_changed);
  }
  return out;
}

Submission FromProto(const v1::Submission& in) {
  Submission out;
  out.id = in.id();
  out.dataset = FromProto(in.dataset());
  out.state = FromProto(in.state());
  out.stage = ParseStage(in.stage());
  out.version = in.version();
  const auto& counts = in.counts();
  out.counts = {counts.subjects(), counts.subjects_included(), counts.subjects_without_consent(),
                counts.samples_without_subject(), counts.records(), counts.records_quarantined(), counts.sites(),
                counts.subjects_without_sample(), counts.clinical_records(), counts.clinical_records_quarantined(),
                counts.subjects_forgotten()};
  for (const v1::Finding& finding : in.findings()) out.findings.push_back(FromProto(finding));
  out.created = rpc::GetTime(in.created());
  if (in.has_finished()) out.finished = rpc::GetTime(in.finished());
  out.message = in.message();
  out.mode = FromProto(in.mode());
  out.base_version = in.base_version();
  out.target_version = in.target_version();
  out.reason = in.reason();
  out.report_sha256 = in.report_sha256();
  out.test_data = in.test_data();
  const auto& difference = in.difference();
  out.difference = {difference.segments_kept(), difference.segments_added(), difference.people_kept(),
                    difference.people_added(), difference.people_changed()};
  return out;
}

v1::GetSubmissionResponse::File ToProto(const UploadedFile& in) {
  v1::GetSubmissionResponse::File out;
  switch (in.kind) {
    case FileKind::kVariants: out.set_kind(v1::FILE_KIND_VARIANTS); break;
    case FileKind::kClinical: out.set_kind(v1::FILE_KIND_CLINICAL); break;
    case FileKind::kConsents: out.set_kind(v1::FILE_KIND_CONSENTS); break;
    case FileKind::kMapping: out.set_kind(v1::FILE_KIND_MAPPING); break;
    case FileKind::kBeacon: out.set_kind(v1::FILE_KIND_BEACON); break;
  }
  out.set_name(in.name);
  out.set_size(in.size);
  out.set_sha256(in.sha256);
  return out;
}

v1::Object ToProto(const ObjectRecord& in) {
  v1::Object out;
  out.set_id(in.id);
  out.set_role(in.role);
  out.set_name(in.name);
  out.set_body(BodyName(in.id));
  out.set_plain_size(in.plain_size);
  out.set_plain_sha256(in.plain_sha256);
  out.set_body_size(in.body_size);
  out.set_body_sha256(in.body_sha256);
  out.set_first_row(in.first_row);
  out.set_rows(in.rows);
  rpc::SetTime(out.mutable_created(), in.created);
  return out;
}

}  // namespace genofed::onboarding
