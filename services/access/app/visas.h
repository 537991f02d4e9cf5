// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/crypto/signer.h"
#include "services/access/app/revocations.h"

namespace genofed::access {

// A visa a country made for one dataset of one application.
struct MintedVisa {
  std::string id;  // jti
  std::string application;
  std::string dataset;
  std::string value;
  std::string token;
  Time issued{};
  Time expires{};
};

// Node: which visas were made and may still live, so that revoking an application revokes them.
class MintedVisaStore {
 public:
  virtual ~MintedVisaStore() = default;
  // PermissionDenied/APPROVAL_REVOKED when the application is revoked: then the visa must not
  // leave.
  virtual Status Remember(const Context& ctx, const MintedVisa& visa) = 0;
  // None: no visa of this node that may still live.
  virtual Result<std::optional<std::string>> ApplicationOf(const Context& ctx,
                                                           const std::string& id) = 0;
};

// Node: where the hub takes visas.
class HubVisas {
 public:
  virtual ~HubVisas() = default;
  virtual Status Deliver(const Context& ctx, const MintedVisa& visa) = 0;
};

struct VisaAuthority {
  std::string issuer;      // as for decisions
  std::string jku;         // where its keys are
  std::string url_prefix;  // before a dataset's identifier in the value of a visa
  Duration lifetime;       // at most 24 h
};

// The node's use cases around GA4GH visas (ControlledAccessGrants): one for each dataset of each
// grant that lives. Not thread-safe: one thread delivers.
class Visas {
 public:
  Visas(GrantStore& grants, RevocationStore& revocations, MintedVisaStore& minted, HubVisas& hub,
        const auth::TrustSource& trust, crypto::Signer& signer, VisaAuthority authority,
        const Clock& clock, Random& random);

  // Makes and delivers what the hub does not have, or has with less than half its life left. The
  // first error is returned after everything was tried.
  Status DeliverDue(const Context& ctx);
  // Fresh visas of one person, for brokers. Thread-safe.
  Result<std::vector<std::string>> Mint(const Context& ctx, const std::string& subject);

 private:
  Result<MintedVisa> MintOne(const Context& ctx, const Grant& grant, const std::string& dataset);

  GrantStore& grants_;
  RevocationStore& revocations_;
  MintedVisaStore& minted_;
  HubVisas& hub_;
  const auth::TrustSource& trust_;
  crypto::Signer& signer_;
  const VisaAuthority authority_;
  const Clock& clock_;
  Random& random_;
  std::map<std::pair<std::string, std::string>, Time>
      due_;  // (application, dataset) to the next one
};

}  // namespace genofed::access
