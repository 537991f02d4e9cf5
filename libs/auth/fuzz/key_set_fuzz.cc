// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/auth/key_set.h"

// A set that is read can be searched for each of its keys.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto set = genofed::auth::KeySet::FromJson({reinterpret_cast<const char*>(data), size});
  if (!set.ok()) return 0;
  GF_CHECK(set->kids().size() == set->size());
  for (const std::string& kid : set->kids()) GF_CHECK(set->Find(kid) != nullptr);
  return 0;
}
