// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/object_store.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::objects {
namespace {

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

Status CheckName(std::string_view name) {
  const auto refuse = [](std::string_view why) {
    return InvalidField("object", "OBJECT_NAME_INVALID", "the name {}", why);
  };
  if (name.empty() || name.size() > kMaxNameBytes) return refuse("must have 1 to 200 bytes");
  const auto allowed = [](char c) {
    return IsAlphanumeric(c) || c == '.' || c == '_' || c == '/' || c == '-';
  };
  if (!std::all_of(name.begin(), name.end(), allowed))
    return refuse("may only have a-z, 0-9, '.', '_', '-' and '/'");
  if (name.find("..") != std::string_view::npos) return refuse("has '..'");
  for (const std::string_view part : Split(name, '/')) {
    if (part.empty() || !IsAlphanumeric(part.front()))
      return refuse("has a part without a letter or digit in front");
  }
  return {};
}

Status ObjectWriter::Append(const Context& ctx, std::string_view bytes) {
  GF_TRY(ended_);
  ended_ = ctx.Alive();
  if (ended_.ok()) ended_ = DoAppend(ctx, bytes);
  return ended_;
}

Result<Written> ObjectWriter::Commit(const Context& ctx) {
  GF_TRY(ended_);
  ended_ = ctx.Alive();
  GF_TRY(ended_);
  Result<Written> written = DoCommit(ctx);
  ended_ = written.ok()
               ? Error(StatusCode::kFailedPrecondition, "OBJECT_COMMITTED", "the object is written")
               : written.status();
  return written;
}

Result<std::string> ReadObject(const Context& ctx, ObjectStore& store, std::string_view name,
                               std::uint64_t offset, std::uint64_t size, std::size_t max_bytes) {
  std::string bytes;
  GF_TRY(store.Read(ctx, name, offset, size, [&](std::string_view piece) -> Status {
    if (piece.size() > max_bytes - bytes.size()) {
      return Error(StatusCode::kResourceExhausted, "RANGE_TOO_LARGE",
                   "the range has more than {} bytes", max_bytes);
    }
    bytes.append(piece);
    return {};
  }));
  return bytes;
}

}  // namespace genofed::objects
