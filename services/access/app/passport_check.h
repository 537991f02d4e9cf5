// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/auth/passport.h"
#include "services/access/app/revocations.h"
#include "services/access/app/visas.h"

namespace genofed::access {

struct OpenedDataset {
  std::string dataset;
  Time until{};
  std::string visa;  // jti
  std::string visa_source;
  // What the visa was made for; empty: another authority made it.
  std::string application = {};
  Content content = {};
  std::string organisation = {};
  std::string decision_sha256 = {};
};

// Node: what a passport opens here.
class PassportCheck {
 public:
  // `audience` is this site; `url_prefix` comes before a dataset's identifier in a visa.
  PassportCheck(GrantStore& grants, MintedVisaStore& minted, RevocationStore& revocations,
                const auth::TrustSource& trust, std::string audience, std::string url_prefix,
                const Clock& clock);

  // For the user of the call. Looks at `dataset`, or, when that is empty, at all that this country
  // ever granted to anybody. PermissionDenied/PASSPORT_REFUSED when nothing opens, with one text.
  Result<std::vector<OpenedDataset>> Run(const Context& ctx, const std::string& passport,
                                         const std::string& dataset);

 private:
  Result<std::vector<std::string>> Candidates(const Context& ctx, const std::string& dataset);
  Result<OpenedDataset> Describe(const Context& ctx, const std::string& dataset,
                                 const auth::Passport& passport);

  GrantStore& grants_;
  MintedVisaStore& minted_;
  RevocationStore& revocations_;
  const auth::TrustSource& trust_;
  const std::string audience_;
  const std::string url_prefix_;
  const Clock& clock_;
};

}  // namespace genofed::access
