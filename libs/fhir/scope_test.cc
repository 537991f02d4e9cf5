// SPDX-License-Identifier: Apache-2.0
//
// Scopes as in hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html: version 1's ".read" is
// version 2's ".rs", ".write" is ".cud", ".*" is ".cruds".
#include "libs/fhir/scope.h"

#include <gtest/gtest.h>

namespace genofed::fhir {
namespace {

TEST(Scopes, OfBothVersionsCoverWhatIsNeeded) {
  const char* needed = "system/Patient.rs system/Consent.rs";
  for (const char* granted :
       {"system/Patient.rs system/Consent.rs", "system/Patient.read system/Consent.read",
        "system/*.rs", "system/*.read", "system/*.*", "system/*.cruds",
        "system/Patient.cruds system/Consent.*", "openid system/*.rs launch",
        "system/Patient.r system/Patient.s system/Consent.rs",
        "system/Patient.rs?active=true system/Consent.rs"}) {
    EXPECT_EQ(MissingScopes(needed, granted), "") << granted;
  }
}

TEST(Scopes, ThatAreMissingAreNamed) {
  const char* needed = "system/Patient.rs system/Consent.rs";
  EXPECT_EQ(MissingScopes(needed, "system/Patient.rs"), "system/Consent.rs");
  EXPECT_EQ(MissingScopes(needed, "system/Patient.rs system/Consent.r"), "system/Consent.rs");
  EXPECT_EQ(MissingScopes(needed, "system/*.write"), needed);
  EXPECT_EQ(MissingScopes(needed, "system/Patients.rs system/Consent.rs"), "system/Patient.rs");
}

TEST(Scopes, OfOtherLanguagesAreNotJudged) {
  for (const char* granted : {"", "fhir.read", "user/Patient.rs", "system/Patient"})
    EXPECT_EQ(MissingScopes("system/Patient.rs", granted), "") << granted;
}

}  // namespace
}  // namespace genofed::fhir
