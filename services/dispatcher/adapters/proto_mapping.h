// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/dispatcher/v1/dispatcher.pb.h"
#include "services/dispatcher/domain/node_part.h"
#include "services/dispatcher/domain/run.h"

namespace genofed::dispatcher {

v1::State ToProto(State state);
// STATE_UNSPECIFIED is InvalidArgument STATE_UNKNOWN.
Result<State> FromProto(v1::State state);

v1::RunRequest ToProto(const RunRequest& request);
RunRequest FromProto(const v1::RunRequest& request);
v1::Run ToProto(const Run& run);

// The bytes of a request in the database, and back: DataLoss REQUEST_UNREADABLE.
std::string RequestBytes(const RunRequest& request);
Result<RunRequest> ReadRequest(const std::string& bytes);

// The parts of one run at this node, shown as a run. At least one part.
Run NodeView(const std::vector<NodePart>& parts, const std::string& site);

}  // namespace genofed::dispatcher
