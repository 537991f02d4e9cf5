// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/my_data_route.h"

#include "genofed/consent/v1/consent.pb.h"

namespace genofed::gateway {
namespace {

using http::Request;
using http::Response;
namespace v1 = consent::v1;

constexpr char kMethod[] = "genofed.consent.v1.ConsentService/ExportMyData";
constexpr std::chrono::seconds kPieceTimeout{30};

Result<v1::ExportMyDataResponse> Piece(const UnaryCaller& caller, const Context& ctx,
                                       const std::string& token) {
  v1::ExportMyDataRequest request;
  request.set_page_token(token);
  return Call<v1::ExportMyDataResponse>(caller, ctx, "consent", kMethod, request);
}

Result<Response> MyData(const UnaryCaller& caller, const Request& request) {
  for (const auto& [name, value] : request.query.entries())
    return InvalidField(name, "FIELD_UNKNOWN", "there is no such parameter");
  // Before the status is sent: whoever is refused hears why.
  GF_ASSIGN(const auto first, Piece(caller, request.ctx, ""));
  http::StreamBody stream;
  stream.open_ended = true;
  stream.read = [caller, ctx = request.ctx.Detach(), rest = first.json(),
                 token = first.next_page_token()](std::uint64_t,
                                                  std::size_t most) mutable -> Result<std::string> {
    if (rest.empty() && !token.empty()) {
      GF_ASSIGN(const auto next, Piece(caller, ctx.WithTimeout(kPieceTimeout), token));
      rest = next.json();
      token = next.next_page_token();
    }
    std::string piece = rest.substr(0, most);
    rest.erase(0, piece.size());
    return piece;
  };
  Response response;
  response.headers.Set("Content-Type", "application/json");
  response.headers.Set("Content-Disposition", "attachment; filename=\"my-data.json\"");
  response.body = std::move(stream);
  return response;
}

}  // namespace

void AddMyDataRoute(Api& api, UnaryCaller caller) {
  Endpoint data;
  data.pattern = "/api/v1/me/data";
  data.access = Access::kUser;
  data.who = "role citizen";
  data.summary =
      "Everything that consent holds about this person, with all accesses, as one JSON file";
  data.handler = [caller = std::move(caller)](const Request& request) {
    return MyData(caller, request);
  };
  api.Add(std::move(data));
}

}  // namespace genofed::gateway
