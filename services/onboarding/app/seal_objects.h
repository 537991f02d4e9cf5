// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/random.h"
#include "libs/crypt4gh/stream.h"
#include "libs/objects/object_store.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

// Whose object it is and to whom it is encrypted.
struct ObjectRequest {
  std::string submission;
  std::string recipient;  // the key service's X25519 public key, 32 bytes
  // Writes an object's identifier down before there is a body, so that one of a killed process is
  // found.
  std::function<Status(const std::string& object)> plan;
};

// Sizes, digests and header of what was encrypted.
void SetManifest(ObjectRecord& object, const crypt4gh::Manifest& manifest);

// Encrypts the genotypes of the rows (GenotypesOutput::vcf) into a Crypt4GH body in the store. The identifier is new
// each time, here and below: a body that no row of the database names can be opened by nobody, because its header was
// kept nowhere.
// The second object is the coordinate index (CSI) of the first, which is made beside it.
Result<std::vector<ObjectRecord>> SealGenotypes(const Context& ctx, objects::ObjectStore& store,
                                                const std::filesystem::path& vcf, const ObjectRequest& request,
                                                const Clock& clock, Random& random);
// The records of their people likewise, which `records` holds in clear.
Result<ObjectRecord> SealPersonRecords(const Context& ctx, objects::ObjectStore& store,
                                       const std::filesystem::path& records, const ObjectRequest& request,
                                       const Clock& clock, Random& random);
// A table of phenotypes likewise; its clear text never reaches a disk.
Result<std::vector<ObjectRecord>> SealPhenotypes(const Context& ctx, objects::ObjectStore& store,
                                                 std::string_view table, const ObjectRequest& request,
                                                 const Clock& clock, Random& random);

}  // namespace genofed::onboarding
