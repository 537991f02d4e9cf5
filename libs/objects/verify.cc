// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/verify.h"

#include <fmt/format.h>

#include "libs/crypto/hash.h"

namespace genofed::objects {
namespace {

Finding Problem(std::string code, std::string_view name, std::string message) {
  return {Severity::kError, std::move(code), std::string(name), 0, "", std::move(message)};
}

}  // namespace

Result<std::optional<Finding>> VerifyObject(const Context& ctx, ObjectStore& store,
                                            std::string_view name, const ExpectedBody& expected) {
  const auto missing = [&] {
    return Problem("OBJECT_MISSING", name, "the store has no such object");
  };
  const auto resized = [&](std::uint64_t size) {
    return Problem("SIZE_DIFFERS", name,
                   fmt::format("{} bytes were written, {} are there", expected.body_size, size));
  };
  const Result<ObjectInfo> info = store.Stat(ctx, name);
  if (info.status().code() == StatusCode::kNotFound) return missing();
  GF_TRY(info.status());
  if (info->size != expected.body_size) return resized(info->size);
  crypto::Sha256Stream sha;
  std::uint64_t size = 0;
  const Status read = store.Read(ctx, name, 0, kToEnd, [&](std::string_view bytes) -> Status {
    sha.Update(bytes);
    size += bytes.size();
    return {};
  });
  if (read.code() == StatusCode::kNotFound) return missing();
  GF_TRY(read);
  if (size != expected.body_size) return resized(size);
  if (sha.Finish() != expected.body_sha256) {
    return Problem("DIGEST_DIFFERS", name, "the bytes are not those that were written");
  }
  return std::optional<Finding>();
}

}  // namespace genofed::objects
