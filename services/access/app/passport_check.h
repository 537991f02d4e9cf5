// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/access/app/revocations.h"

namespace genofed::access {

struct OpenedDataset {
  std::string dataset;
  Time until{};
};

// Node: what a passport opens here.
class PassportCheck {
 public:
  // `audience` is this site; `url_prefix` comes before a dataset's identifier in a visa.
  PassportCheck(GrantStore& grants, RevocationStore& revocations, const auth::TrustSource& trust,
                std::string audience, std::string url_prefix, const Clock& clock);

  // For the user of the call. Looks at `dataset`, or, when that is empty, at all that this country
  // ever granted to anybody. PermissionDenied/PASSPORT_REFUSED when nothing opens, with one text.
  Result<std::vector<OpenedDataset>> Run(const Context& ctx, const std::string& passport,
                                         const std::string& dataset);

 private:
  Result<std::vector<std::string>> Candidates(const Context& ctx, const std::string& dataset);

  GrantStore& grants_;
  RevocationStore& revocations_;
  const auth::TrustSource& trust_;
  const std::string audience_;
  const std::string url_prefix_;
  const Clock& clock_;
};

}  // namespace genofed::access
