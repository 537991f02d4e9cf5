// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/adapters/proto_mapping.h"

#include <algorithm>

#include "libs/rpc/time_codec.h"

namespace genofed::dispatcher {

// The eight values of both enumerations stand in the same order; the proto has STATE_UNSPECIFIED
// before them.
v1::State ToProto(State state) { return static_cast<v1::State>(static_cast<int>(state) + 1); }

Result<State> FromProto(v1::State state) {
  if (state < v1::STATE_QUEUED || state > v1::STATE_CANCELED) {
    return InvalidField("part.state", "STATE_UNKNOWN", "is not a state");
  }
  return static_cast<State>(static_cast<int>(state) - 1);
}

v1::RunRequest ToProto(const RunRequest& request) {
  v1::RunRequest out;
  out.set_application(request.application);
  out.mutable_datasets()->Add(request.datasets.begin(), request.datasets.end());
  out.set_workflow(request.workflow);
  out.mutable_parameters()->insert(request.parameters.begin(), request.parameters.end());
  out.mutable_tags()->insert(request.tags.begin(), request.tags.end());
  out.set_workflow_url(request.workflow_url);
  out.set_workflow_type(request.workflow_type);
  out.set_workflow_type_version(request.workflow_type_version);
  return out;
}

RunRequest FromProto(const v1::RunRequest& request) {
  RunRequest out;
  out.application = request.application();
  out.datasets.assign(request.datasets().begin(), request.datasets().end());
  out.workflow = request.workflow();
  out.parameters.insert(request.parameters().begin(), request.parameters().end());
  out.tags.insert(request.tags().begin(), request.tags().end());
  out.workflow_url = request.workflow_url();
  out.workflow_type = request.workflow_type();
  out.workflow_type_version = request.workflow_type_version();
  return out;
}

v1::Run ToProto(const Run& run) {
  v1::Run out;
  out.set_id(run.id);
  out.set_state(ToProto(run.CurrentState()));
  *out.mutable_request() = ToProto(run.request);
  for (const Part& part : run.parts) {
    auto* added = out.add_parts();
    added->set_id(part.id);
    added->set_site(part.site);
    added->set_dataset(part.dataset);
    added->set_state(ToProto(part.state));
    added->set_reason(part.reason);
    added->set_message(part.message);
    rpc::SetTime(added->mutable_changed(), part.changed);
    added->set_ledger_index(part.ledger_index);
    added->set_individuals(part.individuals);
  }
  out.mutable_outputs()->Add(run.outputs.begin(), run.outputs.end());
  rpc::SetTime(out.mutable_created(), run.created);
  if (run.finished) rpc::SetTime(out.mutable_finished(), *run.finished);
  out.set_owner_issuer(run.owner.issuer);
  out.set_owner_subject(run.owner.subject);
  out.set_message(run.message);
  return out;
}

std::string RequestBytes(const RunRequest& request) { return ToProto(request).SerializeAsString(); }

Result<RunRequest> ReadRequest(const std::string& bytes) {
  v1::RunRequest request;
  if (request.ParseFromString(bytes)) return FromProto(request);
  return Error(StatusCode::kDataLoss, "REQUEST_UNREADABLE", "a stored request cannot be read");
}

Run NodeView(const std::vector<NodePart>& parts, const std::string& site) {
  const NodePart& first = parts.front();
  Run run;
  run.id = first.run;
  run.owner = first.researcher;
  run.request = first.request;
  run.created = first.created;
  Time latest{};
  for (const NodePart& part : parts) {
    run.parts.push_back({part.id, site, part.dataset, part.state, part.reason, part.message,
                         part.changed, part.ledger_index, part.individuals, part.changed});
    latest = std::max(latest, part.changed);
  }
  if (run.AllPartsEnded()) {
    run.finished = latest;
    // The best end of a part, as at the hub: some results are results.
    run.final_state =
        std::min_element(run.parts.begin(), run.parts.end(), [](const Part& a, const Part& b) {
          return a.state < b.state;
        })->state;
  }
  return run;
}

}  // namespace genofed::dispatcher
