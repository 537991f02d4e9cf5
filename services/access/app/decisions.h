// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "libs/crypto/signer.h"
#include "services/access/app/revocations.h"

namespace genofed::access {

struct NationalAuthority {
  std::string country;       // upper case
  std::string issuer;        // as in the trust files of the federation
  std::string audience;      // of approval tokens: this node
  Duration max_permit;       // the longest permit this country grants
  bool two_persons = false;  // an approval needs two members of the access committee
};

// The node's use cases: what this country decides, and the approval tokens that follow. Only the
// national key, which never leaves the node, makes anything the node accepts.
class Decisions {
 public:
  Decisions(GrantStore& store, RevocationStore& revocations, HubApplications& hub,
            const ApplicationCodec& codec, const auth::TrustSource& trust, crypto::Signer& signer,
            NationalAuthority authority, const Clock& clock, Random& random);

  // Takes over what changed at the hub since the last time, or everything again, page by page, once
  // an hour and after a start; returns how many applications came. For one thread.
  Result<int> FetchFromHub(const Context& ctx);

  Result<Listed<Grant>> List(const Context& ctx, const Page& page);
  Result<Grant> Get(const Context& ctx, const std::string& application);
  // Signs what is decided; a proposal that waits for a second person is kept and signs nothing.
  // `ask.permit_days` 0: as long as the application asks for.
  Result<Grant> Decide(const Context& ctx, const std::string& application, Ask ask);
  Result<Grant> Revoke(const Context& ctx, const std::string& application,
                       const std::string& reason);

  struct Approval {
    std::string token;
    std::string certificate_sha256;  // to which it is bound; may be empty
    Grant grant;
  };
  // A fresh approval token, valid for an hour at most and for the caller's certificate only, if it
  // has one; refused unless the grant lives and neither application nor applicant is revoked.
  // Datasets that are revoked are left out.
  Result<Approval> Approve(const Context& ctx, const std::string& application);
  // OK while the grant behind a token lives.
  Status Check(const Context& ctx, const std::string& application);

 private:
  Status Sign(Grant& grant, bool approve);
  // The grant as it counts now.
  Result<Grant> Live(const Context& ctx, const std::string& application);

  GrantStore& store_;
  RevocationStore& revocations_;
  HubApplications& hub_;
  const ApplicationCodec& codec_;
  const auth::TrustSource& trust_;
  crypto::Signer& signer_;
  const NationalAuthority authority_;
  const Clock& clock_;
  Random& random_;
  Time read_again_{};  // everything of the hub's
};

}  // namespace genofed::access
