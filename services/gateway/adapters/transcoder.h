// SPDX-License-Identifier: Apache-2.0
//
// The native API as a table: a row says which path is which RPC, and everything else follows from
// the descriptors of protobuf. A new route is a new row.
#pragma once

#include <span>
#include <string_view>

#include "services/gateway/adapters/api.h"
#include "services/gateway/adapters/unary_call.h"

namespace genofed::gateway {

enum class Sites { kBoth, kHub, kNode };

// Turns the RPC's answer into a response that is not protobuf JSON. `message` has the type the
// method returns.
using Responder = Result<http::Response> (*)(const http::Request& request,
                                             const google::protobuf::Message& message);

struct RpcRow {
  http::Method method;
  std::string_view pattern;  // its placeholders are fields of the request message
  Sites sites;
  Access access;
  std::string_view who;      // for people
  std::string_view service;  // "catalogue"
  std::string_view rpc;      // "genofed.catalogue.v1.CatalogueService/ListRecords"
  // "" no body; "*" the JSON body is the request message; otherwise the field that takes the raw
  // body. Query parameters set scalar fields by name, placeholders too; what is nowhere a field is
  // refused.
  std::string_view body;
  std::string_view summary;
  Responder respond = nullptr;
};

struct TranscoderOptions {
  bool hub = false;
  std::size_t max_raw_body_bytes = std::size_t{4} << 20;
};

// Adds the rows of this kind of site. An RPC or placeholder that protobuf does not know aborts: the
// table is wrong.
void AddRpcRows(Api& api, std::span<const RpcRow> rows, const UnaryCaller& caller,
                const TranscoderOptions& options);

// Builds the request message of a row from an HTTP request: body, then query, then placeholders.
// InvalidArgument with the field named: FIELD_UNKNOWN, FIELD_INVALID, FIELD_CONFLICT, and
// BODY_INVALID, UNSUPPORTED_MEDIA_TYPE for the body.
Status FillRequest(const http::Request& request, std::string_view body_rule,
                   google::protobuf::Message* message);

// The protobuf JSON form used by every native answer: original field names, defaults written out.
Result<std::string> ToJsonText(const google::protobuf::Message& message);

}  // namespace genofed::gateway
