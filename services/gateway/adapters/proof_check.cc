// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/proof_check.h"

#include "libs/obs/log.h"

namespace genofed::gateway {

ProofCheck ProofsWith(const Clock& clock, auth::DpopReplayCache& seen, std::string public_url) {
  return [&clock, &seen, public_url = std::move(public_url)](const http::Request& request, const User& user) -> Status {
    const auto proofs = request.headers.GetAll("DPoP");
    if (proofs.size() != 1) {
      return Error(StatusCode::kUnauthenticated, "DPOP_PROOF_MISSING",
                   "this access token is bound to a key: send one DPoP proof");
    }
    std::string_view target = request.target;
    if (const auto scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
      const auto path = target.find('/', scheme + 3);
      target = path == std::string_view::npos ? "/" : target.substr(path);
    }
    const std::string url = public_url + std::string(target);
    auth::Refusal why;
    Status status = auth::VerifyDpopProof(proofs[0],
                                          {.method = http::MethodName(request.method),
                                           .url = url,
                                           .access_token = user.access_token,
                                           .key = user.token_key},
                                          clock, seen, &why);
    if (!status.ok()) GF_LOG(request.ctx, info, "dpop.refused", {"check", why.check});
    return status;
  };
}

}  // namespace genofed::gateway
