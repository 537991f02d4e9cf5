// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/rpc/channel.h"

namespace google::protobuf {
class Message;
}

namespace genofed::gateway {

// Calls an RPC of a service of this site by name: ("catalogue",
// "genofed.catalogue.v1.CatalogueService/GetRecord"). The two messages must be of the method's
// types. Thread-safe.
using UnaryCaller = std::function<Status(
    const Context& ctx, std::string_view service, std::string_view method,
    const google::protobuf::Message& request, google::protobuf::Message* response)>;

// As rpc::Peer, for methods that are only known by name: deadline, retries, trace, user and metrics
// are the same.
Status CallUnary(const rpc::ChannelSource& source, const Context& ctx, std::string_view method,
                 const google::protobuf::Message& request, google::protobuf::Message* response);

// A caller over the channels that `channel_of` names. Channels are resolved once for each service.
UnaryCaller MakeUnaryCaller(std::function<rpc::ChannelSource(std::string_view service)> channel_of);

// The typed form: `Call<v1::GetRecordResponse>(caller, ctx, "catalogue", "genofed...", request)`.
template <typename Response, typename Request>
Result<Response> Call(const UnaryCaller& caller, const Context& ctx, std::string_view service,
                      std::string_view method, const Request& request) {
  Response response;
  if (Status status = caller(ctx, service, method, request, &response); !status.ok()) return status;
  return response;
}

}  // namespace genofed::gateway
