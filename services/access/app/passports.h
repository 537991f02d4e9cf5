// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/crypto/signer.h"
#include "services/access/app/revocations.h"

namespace genofed::access {

struct HeldVisa {
  std::string application;
  std::string dataset;
  std::string country;
  std::string subject;  // whose it is, and who calls them so
  std::string issuer;
  std::string id;
  std::string visa;
  Time expires{};
};

// Hub: the visas that nodes delivered, the newest for each application and dataset.
class HeldVisaStore {
 public:
  virtual ~HeldVisaStore() = default;
  virtual Status Put(const Context& ctx, const HeldVisa& visa) = 0;
  // Those that end after `now`.
  virtual Result<std::vector<HeldVisa>> Of(const Context& ctx, const std::string& subject,
                                           Time now) = 0;
};

struct PassportIssuer {
  std::string issuer;
  std::string audience;  // of this site
  std::map<std::string, std::string>
      countries;  // audience of a node to its country: "urn:…:fi", "FI"
};

// The hub's use cases around passports. The hub makes no visas and its passports open nothing that
// a country did not grant.
class Passports {
 public:
  static constexpr std::chrono::minutes kLifetime{10};
  static constexpr std::size_t kMaxVisas = 64;

  // `signer` may be null: then there are no passports.
  Passports(HeldVisaStore& visas, ApplicationStore& applications, RevocationStore& revocations,
            const auth::TrustSource& trust, crypto::Signer* signer, PassportIssuer issuer,
            const Clock& clock, Random& random);

  struct Delivery {
    std::string application, dataset, value, visa, id;
    Time expires{};
  };
  // Takes a visa if the delivering country approved the application for that dataset and signed the
  // visa for its applicant. PermissionDenied/VISA_REFUSED.
  Status Take(const Context& ctx, const std::string& country, const Delivery& delivery);

  struct Passport {
    std::string token;
    std::chrono::seconds lifetime{0};
  };
  // InvalidArgument/AUDIENCE_UNKNOWN; Unimplemented/PASSPORTS_DISABLED.
  Result<Passport> Exchange(const Context& ctx, const std::string& audience);
  struct AccountTokens {
    std::map<std::string, std::string> by_site;  // "fi"
    std::chrono::seconds lifetime{0};
  };
  // For each node a token with the caller's account, which says nothing of who it is.
  // Unimplemented/PASSPORTS_DISABLED.
  Result<AccountTokens> NameAccount(const Context& ctx);
  // The visas of whoever is called `subject`.
  Result<std::vector<std::string>> Permissions(const Context& ctx, const std::string& subject);

 private:
  Status CheckSigner() const;
  // Those whose application is approved still and that nothing revokes here.
  Result<std::vector<HeldVisa>> Counting(const Context& ctx, const std::string& subject);

  HeldVisaStore& visas_;
  ApplicationStore& applications_;
  RevocationStore& revocations_;
  const auth::TrustSource& trust_;
  crypto::Signer* signer_;
  const PassportIssuer issuer_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace genofed::access
