// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/discovery/app/shard_answers.h"

namespace grpc {
class Service;
}

namespace genofed::discovery {

// `rpc` must not be that of the questions from outside: processes that wait for one another with
// all their threads would wait for ever.
std::unique_ptr<grpc::Service> MakeShardService(rpc::Dispatcher& rpc, const ShardAnswers& answers);

}  // namespace genofed::discovery
