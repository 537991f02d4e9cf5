// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/http_ledger_peer.h"

#include "libs/http/client.h"
#include "libs/ledger/tiles.h"

namespace genofed::consent {
namespace {

constexpr std::chrono::seconds kTimeout{2};

class HttpLedgerPeer final : public LedgerPeerClient {
 public:
  HttpLedgerPeer(const std::string& url, const std::string& ca_file)
      : client_({.base_url = url,
                 .ca_file = ca_file,
                 .timeout = kTimeout,
                 .max_response_bytes = ledger::kMaxBundleBytes}) {}

  Result<Answer> AddCheckpoint(const Context& ctx, const std::string& body) override {
    http::ClientRequest request;
    request.method = http::Method::kPost;
    request.target = "/witness/add-checkpoint";
    request.headers.Set("Content-Type", "text/plain; charset=utf-8");
    request.body = body;
    return Send(ctx, request);
  }

  Result<Answer> WitnessedCheckpoint(const Context& ctx,
                                     const std::string& origin_sha256) override {
    return Get(ctx, "/witness/" + origin_sha256 + "/checkpoint");
  }

  Result<Answer> LedgerFile(const Context& ctx, const std::string& path) override {
    return Get(ctx, "/ledger/" + path);
  }

 private:
  Result<Answer> Get(const Context& ctx, const std::string& target) {
    http::ClientRequest request;
    request.target = target;
    return Send(ctx, request);
  }
  Result<Answer> Send(const Context& ctx, const http::ClientRequest& request) {
    GF_ASSIGN(http::ClientResponse response, client_.Send(ctx, request));
    return Answer{response.status, std::move(response.body)};
  }

  http::Client client_;
};

}  // namespace

std::unique_ptr<LedgerPeerClient> MakeHttpLedgerPeer(const std::string& url,
                                                     const std::string& ca_file) {
  return std::make_unique<HttpLedgerPeer>(url, ca_file);
}

}  // namespace genofed::consent
