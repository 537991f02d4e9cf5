// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>

#include "libs/crypto/hash.h"
#include "libs/qc/kinship.h"

// A digest is put behind the input, so that what lies behind that check is reached. What is
// accepted can be compared.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::qc;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  bytes += genofed::crypto::Sha256(bytes);
  const auto people = Fingerprints::Parse(bytes);
  if (!people.ok()) return 0;
  const Comparison found =
      CompareWithin(*people, {.min_sites = 1, .max_pairs = size % 2 == 0 ? 0U : 10'000U});
  GF_CHECK(found.compared <= found.pairs);
  return 0;
}
