// SPDX-License-Identifier: Apache-2.0
//
// Authorisation before the handler: gRPC asks this with the first headers of a call, when no byte
// of its message has been parsed and no thread of ours is taken.
#pragma once

#include <memory>
#include <string>

#include "libs/obs/metrics.h"
#include "libs/rpc/workload_gate.h"

namespace grpc {
class AuthMetadataProcessor;
}

namespace genofed::rpc {

// Lets `gate` judge the SPIFFE identity of the connection and the method of each call. Refusals are
// logged as "rpc.refused" and counted in genofed_rpc_refused_total{reason}; their text ends in
// "(REASON)", for gRPC carries no details from here. `metrics` is borrowed and may be null.
std::shared_ptr<grpc::AuthMetadataProcessor> MakePolicyProcessor(WorkloadGate gate,
                                                                 std::string domain,
                                                                 obs::Metrics* metrics);

}  // namespace genofed::rpc
