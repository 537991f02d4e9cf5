// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/random.h"
#include "libs/crypt4gh/stream.h"
#include "services/onboarding/app/cohort_rows.h"
#include "services/onboarding/app/layout.h"

namespace genofed::onboarding {

// Whose object it is and to whom it is encrypted.
struct ObjectRequest {
  std::string submission;
  std::string recipient;  // the key service's X25519 public key, 32 bytes
};

// Sizes, digests and header of what was encrypted.
void SetManifest(ObjectRecord& object, const crypt4gh::Manifest& manifest);

// Makes the genotypes of the rows, renamed to pseudonyms, into a Crypt4GH body in the store. Clear text exists only
// in a private scratch directory, until this returns. The identifier is new each time: a body that no row of the
// database names can be opened by nobody, because its header was kept nowhere.
// The second object is the coordinate index (CSI) of the first.
Result<std::vector<ObjectRecord>> SealGenotypes(const Layout& layout, const CohortRows& rows, const ObjectRequest& request,
                                   const Clock& clock, Random& random);
// A table of phenotypes likewise; its clear text never reaches a disk.
Result<std::vector<ObjectRecord>> SealPhenotypes(const Layout& layout, std::string_view table, const ObjectRequest& request,
                                    const Clock& clock, Random& random);

}  // namespace genofed::onboarding
