// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/objects.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypt4gh/key_file.h"
#include "libs/crypt4gh/stream.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kMaxChecked = 10'000;

Status ObjectUnknown() {
  return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN",
               "there is no such object, or it is not yours");
}

Result<crypt4gh::Manifest> ManifestOf(const ObjectRecord& object) {
  crypt4gh::Manifest manifest;
  manifest.plain_size = static_cast<std::uint64_t>(object.plain_size);
  manifest.body_size = static_cast<std::uint64_t>(object.body_size);
  GF_ASSIGN(manifest.plain_sha256, HexDecode(object.plain_sha256));
  GF_ASSIGN(manifest.body_sha256, HexDecode(object.body_sha256));
  return manifest;
}

Status CheckPiece(std::int64_t offset, std::int64_t size) {
  if (offset >= 0 && size >= 0 && size <= static_cast<std::int64_t>(Objects::kMaxPiece))
    return absl::OkStatus();
  return InvalidField("size", "PIECE_INVALID", "ask for at most {} bytes", Objects::kMaxPiece);
}

}  // namespace

Result<Objects::View> Objects::Get(const Context& ctx, const ReaderQuestion& question,
                                   const std::string& passport) {
  View view;
  view.readable = !passport.empty();
  ReaderQuestion judged = question;
  if (!question.object.starts_with("obj-")) {
    std::int32_t version = 0;
    if (view.readable) {
      GF_ASSIGN(version, listed_(ctx, question.object));
      if (version == 0) return ObjectUnknown();
    }
    GF_ASSIGN(view.objects, published_.FindDataset(ctx, question.object, version));
    judged.object = view.objects.front().record.id;
  }
  if (view.readable) GF_TRY(gate_.Judge(ctx, judged, passport));
  if (view.objects.empty()) {
    GF_ASSIGN(PublishedObject object, published_.Find(ctx, question.object));
    view.objects.push_back(std::move(object));
  }
  const auto& user = ctx.principal().user;
  const bool holder = user && user->HasRole("holder") && view.objects.front().holder.Is(*user);
  if (!view.readable && !holder) return ObjectUnknown();
  return view;
}

// A body leaves in many pieces, each of which would ask again.
Status Objects::CheckAccess(const Context& ctx, const ReaderQuestion& question,
                            const std::string& access) {
  GF_CHECK(ctx.principal().user.has_value());
  const User& user = *ctx.principal().user;
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", access, question.object, question.peer, user.issuer,
                  user.subject, user.client_id, user.token_key);
  {
    MutexLock lock(mutex_);
    const auto found = checked_.find(key);
    if (found != checked_.end() && clock_.Now() < found->second) return absl::OkStatus();
  }
  const Time until = clock_.Now() + kCheckedFor;
  GF_TRY(gate_.Check(ctx, question, access));
  MutexLock lock(mutex_);
  if (checked_.size() >= kMaxChecked) checked_.clear();
  checked_[key] = until;
  return absl::OkStatus();
}

Result<std::string> Objects::ReadBody(const Context& ctx, const ObjectRecord& object,
                                      std::int64_t offset, std::int64_t size) {
  if (size == 0) return std::string();
  if (offset >= object.body_size) {
    return Error(StatusCode::kOutOfRange, "RANGE_NOT_SATISFIABLE", "the body has {} bytes",
                 object.body_size);
  }
  const auto length = static_cast<std::size_t>(std::min(size, object.body_size - offset));
  auto bytes = objects::ReadObject(ctx, store_, BodyName(object.id),
                                   static_cast<std::uint64_t>(offset), length, length);
  const StatusCode code = bytes.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kOutOfRange ||
      (bytes.ok() && bytes->size() != length)) {
    return Error(StatusCode::kDataLoss, "BODY_LOST", "the body of an object is not what was stored");
  }
  return bytes;
}

Result<Objects::Piece> Objects::Read(const Context& ctx, const ReaderQuestion& question,
                                     const std::string& access, std::int64_t offset,
                                     std::int64_t size) {
  GF_TRY(CheckPiece(offset, size));
  GF_TRY(CheckAccess(ctx, question, access));
  GF_ASSIGN(PublishedObject object, published_.Find(ctx, question.object));
  GF_ASSIGN(std::string piece, ReadBody(ctx, object.record, offset, size));
  return Piece{std::move(piece), std::move(object.record)};
}

Result<Objects::QuarantinePiece> Objects::ReadQuarantine(const Context& ctx,
                                                         const std::string& submission,
                                                         const std::string& recipient,
                                                         std::int64_t offset, std::int64_t size) {
  GF_TRY(CheckPiece(offset, size));
  GF_ASSIGN(const crypt4gh::PublicKey key, crypt4gh::ParsePublicKeyFile(recipient));
  GF_ASSIGN(const PublishedObject object, published_.FindQuarantine(ctx, submission));
  const auto& user = ctx.principal().user;
  if (!user || !user->HasRole("holder") || !object.holder.Is(*user) || intake_key_ == nullptr)
    return ObjectUnknown();
  QuarantinePiece piece;
  piece.body_size = object.record.body_size;
  if (offset == 0) {
    GF_ASSIGN(piece.header, crypt4gh::Reencrypt(object.record.header, *intake_key_, key, random_));
  }
  GF_ASSIGN(piece.bytes, ReadBody(ctx, object.record, offset, size));
  return piece;
}

Result<std::string> Objects::OpenIndex(const Context& ctx, const ObjectRecord& index,
                                       const std::string& access, const std::string& peer) {
  if (index.plain_size > kMaxIndexBytes)
    return Error(StatusCode::kResourceExhausted, "INDEX_TOO_LARGE",
                 "the index is too large to plan with");
  const auto key = crypt4gh::SecretKey::Generate(random_);
  GF_ASSIGN(const std::string header,
            gate_.IndexHeader(ctx, {index.id, peer}, access, key.public_key().raw()));
  GF_ASSIGN(const crypt4gh::Manifest manifest, ManifestOf(index));
  std::string clear;
  GF_ASSIGN(auto decryptor,
            crypt4gh::Decryptor::Create(header, key, manifest, [&clear](std::string_view bytes) {
              clear.append(bytes);
              return absl::OkStatus();
            }));
  for (std::uint64_t at = 0; at < manifest.body_size;) {
    GF_TRY(ctx.Alive());
    GF_ASSIGN(const std::string piece, ReadBody(ctx, index, static_cast<std::int64_t>(at), kMaxPiece));
    GF_TRY(decryptor.Push(piece));
    at += piece.size();
  }
  GF_TRY(decryptor.Finish());
  return clear;
}

Result<std::vector<genomics::FileRange>> Objects::Plan(
    const Context& ctx, const ReaderQuestion& question, const std::string& access,
    std::span<const genomics::IndexRegion> regions) {
  if (regions.size() > kMaxRegions)
    return InvalidField("regions", "TOO_MANY_REGIONS", "at most {} regions in one request",
                        kMaxRegions);
  GF_TRY(CheckAccess(ctx, question, access));
  GF_ASSIGN(const PublishedObject object, published_.Find(ctx, question.object));
  const auto index =
      object.record.role == "genotypes" ? published_.FindBeside(ctx, object, "index") : ObjectUnknown();
  if (index.status().code() == StatusCode::kNotFound)
    return Error(StatusCode::kNotFound, "NOT_VARIANTS", "this object holds no indexed variants");
  GF_TRY(index);
  GF_ASSIGN(const std::string clear, OpenIndex(ctx, *index, access, question.peer));
  GF_ASSIGN(const auto parsed,
            genomics::VcfIndex::Parse(clear, static_cast<std::uint64_t>(object.record.plain_size)));
  // What lies within one segment travels as a whole anyway.
  for (std::uint64_t gap = crypt4gh::kSegmentBytes;; gap *= 2) {
    GF_ASSIGN(auto ranges, parsed.Plan(regions, gap));
    if (ranges.size() <= kMaxRanges) return ranges;
  }
}

}  // namespace genofed::onboarding
