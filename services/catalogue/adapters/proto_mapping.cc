// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/adapters/proto_mapping.h"

#include "libs/rpc/time_codec.h"

namespace genofed::catalogue {
v1::DatasetRecord ToProto(const DatasetRecord& record) {
  v1::DatasetRecord out;
  out.set_id(record.id);
  out.set_version(record.version);
  out.set_country(record.country);
  out.set_title(record.title);
  out.set_description(record.description);
  out.set_publisher(record.publisher);
  out.set_contact_email(record.contact_email);
  out.mutable_keywords()->Add(record.keywords.begin(), record.keywords.end());
  out.mutable_data_use()->Add(record.data_use.begin(), record.data_use.end());
  out.set_assembly(record.assembly);
  out.set_individuals(record.individuals);
  out.set_sites(record.sites);
  switch (record.state) {
    case RecordState::kWaiting:
      out.set_state(v1::DatasetRecord::STATE_WAITING);
      break;
    case RecordState::kListed:
      out.set_state(v1::DatasetRecord::STATE_LISTED);
      break;
    case RecordState::kReturned:
      out.set_state(v1::DatasetRecord::STATE_RETURNED);
      break;
    case RecordState::kWithdrawn:
      out.set_state(v1::DatasetRecord::STATE_WITHDRAWN);
      break;
    case RecordState::kSuperseded:
      out.set_state(v1::DatasetRecord::STATE_SUPERSEDED);
      break;
  }
  rpc::SetTime(out.mutable_issued(), record.issued);
  rpc::SetTime(out.mutable_modified(), record.modified);
  out.set_review_comment(record.review_comment);
  out.set_base_version(record.base_version);
  for (const InclusionCriterion& criterion : record.inclusion) {
    auto* added = out.add_inclusion();
    added->set_id(criterion.id);
    added->set_title(criterion.title);
    added->set_required(criterion.required);
    added->set_automatic(criterion.automatic);
    added->set_met(criterion.met);
    added->set_evidence(criterion.evidence);
  }
  out.set_report_sha256(record.report_sha256);
  for (const PeopleGroup& group : record.groups) {
    auto* added = out.add_groups();
    added->set_dimension(group.dimension);
    added->set_id(group.id);
    added->set_individuals(group.individuals);
  }
  return out;
}

DatasetRecord FromProto(const v1::DatasetRecord& in) {
  DatasetRecord record;
  record.id = in.id();
  record.version = in.version();
  record.country = in.country();
  record.title = in.title();
  record.description = in.description();
  record.publisher = in.publisher();
  record.contact_email = in.contact_email();
  record.keywords.assign(in.keywords().begin(), in.keywords().end());
  record.data_use.assign(in.data_use().begin(), in.data_use().end());
  record.assembly = in.assembly();
  record.individuals = in.individuals();
  record.sites = in.sites();
  switch (in.state()) {
    case v1::DatasetRecord::STATE_LISTED:
      record.state = RecordState::kListed;
      break;
    case v1::DatasetRecord::STATE_RETURNED:
      record.state = RecordState::kReturned;
      break;
    case v1::DatasetRecord::STATE_WITHDRAWN:
      record.state = RecordState::kWithdrawn;
      break;
    case v1::DatasetRecord::STATE_SUPERSEDED:
      record.state = RecordState::kSuperseded;
      break;
    default:
      record.state = RecordState::kWaiting;
  }
  record.issued = rpc::GetTime(in.issued());
  record.modified = rpc::GetTime(in.modified());
  record.review_comment = in.review_comment();
  record.base_version = in.base_version();
  for (const auto& criterion : in.inclusion()) {
    record.inclusion.push_back({criterion.id(), criterion.title(), criterion.required(),
                                criterion.automatic(), criterion.met(), criterion.evidence()});
  }
  record.report_sha256 = in.report_sha256();
  for (const auto& group : in.groups())
    record.groups.push_back({group.dimension(), group.id(), group.individuals()});
  return record;
}

const char* StateName(RecordState state) {
  switch (state) {
    case RecordState::kWaiting:
      return "waiting";
    case RecordState::kListed:
      return "listed";
    case RecordState::kReturned:
      return "returned";
    case RecordState::kWithdrawn:
      return "withdrawn";
    case RecordState::kSuperseded:
      return "superseded";
  }
  return "waiting";
}

RecordState ParseState(std::string_view name) {
  for (RecordState state : {RecordState::kListed, RecordState::kReturned, RecordState::kWithdrawn,
                            RecordState::kSuperseded}) {
    if (name == StateName(state)) return state;
  }
  return RecordState::kWaiting;
}

}  // namespace genofed::catalogue
