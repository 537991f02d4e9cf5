// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/auth/clearinghouse.h"
#include "libs/auth/trust_lint.h"

// A file either loads or the linter has an error about it, and what it says of datasets ends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto store = genofed::auth::TrustStore::FromJson(text);
  bool errors = false;
  for (const auto& finding : genofed::auth::LintTrustFile(text)) {
    errors = errors || finding.severity == genofed::auth::LintFinding::Severity::kError;
  }
  GF_CHECK(errors == !store.ok());
  (void)genofed::auth::ClearinghouseRequest::FromTrustFile(text);
  if (!store.ok()) return 0;
  for (const auto& issuer : store->issuers()) (void)issuer.MaySpeakFor("https://data.1mg.example/datasets/GDI-FI-DATASET-001");
  return 0;
}
