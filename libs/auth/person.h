// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "libs/auth/trust.h"

namespace genofed::auth {

// Somebody as an issuer names them. The same `subject` of another issuer is the same person only when
// the trust file says that both share a sub_namespace.
struct Person {
  std::string subject;
  std::string issuer;         // iss of the token by which the person came; may be empty
  std::string sub_namespace;  // of that issuer; may be empty, then only `issuer` itself knows the person

  // A person whom `issuer` of the trust file calls `subject`.
  static Person Of(const TrustStore& trust, std::string_view issuer, std::string_view subject) {
    const TrustedIssuer* known = trust.Find(issuer);
    return {std::string(subject), std::string(issuer), known == nullptr ? "" : known->sub_namespace};
  }
  // Whether `issuer` means this person when it says `name`.
  bool IsCalled(std::string_view name, const TrustedIssuer& by) const {
    return !subject.empty() && name == subject &&
           ((!issuer.empty() && by.iss == issuer) || (!sub_namespace.empty() && by.sub_namespace == sub_namespace));
  }
};

}  // namespace genofed::auth
