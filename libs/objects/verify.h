// SPDX-License-Identifier: Apache-2.0
//
// Looks again at what was stored. Crypt4GH notices changed bytes when a body is decrypted, but not
// that its tail is missing or that segments changed places; and nobody decrypts old data only to
// look at it. A digest of the body needs no key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/finding.h"
#include "libs/objects/object_store.h"

namespace genofed::objects {

// The part of a manifest (crypt4gh::Manifest) that is about the body.
struct ExpectedBody {
  std::uint64_t body_size = 0;
  std::string body_sha256;  // 32 raw bytes
};

// Nothing, when the object is what was written; else one finding of severity kError with the
// object's name as `file`: OBJECT_MISSING, SIZE_DIFFERS or DIGEST_DIFFERS. Reads the whole object,
// with bounded memory. A status means that nothing is known about the object: the store did not
// answer, or `ctx` ended.
Result<std::optional<Finding>> VerifyObject(const Context& ctx, ObjectStore& store,
                                            std::string_view name, const ExpectedBody& expected);

}  // namespace genofed::objects
