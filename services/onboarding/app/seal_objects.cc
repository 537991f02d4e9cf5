// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/seal_objects.h"

#include <fcntl.h>
#include <unistd.h>

#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypt4gh/file.h"
#include "libs/genomics/vcf_index.h"

namespace genofed::onboarding {
namespace {

ObjectRecord Record(const ObjectRequest& request, std::string role, std::string name,
                    const Clock& clock, Random& random) {
  ObjectRecord object;
  object.id = NewId("obj", clock, random);
  object.submission = request.submission;
  object.role = std::move(role);
  object.name = std::move(name);
  object.created = clock.Now();
  return object;
}

// Encrypts what `feed` pushes into a new body of the store.
Result<ObjectRecord> SealBody(const Context& ctx, objects::ObjectStore& store,
                              const crypt4gh::PublicKey& recipient, ObjectRecord object,
                              Random& random,
                              const std::function<Status(crypt4gh::Encryptor&)>& feed) {
  GF_ASSIGN(auto body, store.Create(ctx, BodyName(object.id)));
  GF_ASSIGN(auto encryptor,
            crypt4gh::Encryptor::Create({&recipient, 1}, random, [&](std::string_view bytes) {
              return body->Append(ctx, bytes);
            }));
  GF_TRY(feed(encryptor));
  GF_ASSIGN(const crypt4gh::Manifest manifest, encryptor.Finish());
  GF_ASSIGN(const objects::Written written, body->Commit(ctx));
  if (written.size != manifest.body_size || written.sha256 != manifest.body_sha256) {
    return Error(StatusCode::kUnavailable, "STORE_FAILED",
                 "the store has other bytes than were written");
  }
  SetManifest(object, manifest);
  return object;
}

Result<ObjectRecord> SealFile(const Context& ctx, objects::ObjectStore& store,
                              const std::filesystem::path& clear,
                              const crypt4gh::PublicKey& recipient, ObjectRecord object,
                              Random& random) {
  const UniqueFd fd(::open(clear.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read a scratch file");
  return SealBody(
      ctx, store, recipient, std::move(object), random, [&fd](crypt4gh::Encryptor& encryptor) {
        return crypt4gh::CopyFd(fd.get(), [&](std::string_view bytes) { return encryptor.Push(bytes); });
      });
}

}  // namespace

void SetManifest(ObjectRecord& object, const crypt4gh::Manifest& manifest) {
  object.plain_size = static_cast<std::int64_t>(manifest.plain_size);
  object.plain_sha256 = HexEncode(manifest.plain_sha256);
  object.body_size = static_cast<std::int64_t>(manifest.body_size);
  object.body_sha256 = HexEncode(manifest.body_sha256);
  object.header = manifest.header;
}

Result<std::vector<ObjectRecord>> SealGenotypes(const Context& ctx, objects::ObjectStore& store,
                                                const std::filesystem::path& vcf, const ObjectRequest& request,
                                                const Clock& clock, Random& random) {
  GF_ASSIGN(auto recipient, crypt4gh::PublicKey::FromRaw(request.recipient));
  ObjectRecord genotypes = Record(request, "genotypes", "genotypes.vcf.gz", clock, random);
  ObjectRecord index = Record(request, "index", genotypes.name + ".csi", clock, random);
  for (const ObjectRecord* object : {&genotypes, &index}) GF_TRY(request.plan(object->id));
  const std::filesystem::path clear_index = vcf.string() + ".csi";
  GF_TRY(genomics::BuildVcfIndex(vcf, clear_index));
  GF_ASSIGN(genotypes, SealFile(ctx, store, vcf, recipient, std::move(genotypes), random));
  // An index tells where the variants are: it is as secret as they.
  GF_ASSIGN(index, SealFile(ctx, store, clear_index, recipient, std::move(index), random));
  return std::vector<ObjectRecord>{std::move(genotypes), std::move(index)};
}

Result<ObjectRecord> SealPersonRecords(const Context& ctx, objects::ObjectStore& store,
                                       const std::filesystem::path& records, const ObjectRequest& request,
                                       const Clock& clock, Random& random) {
  GF_ASSIGN(auto recipient, crypt4gh::PublicKey::FromRaw(request.recipient));
  ObjectRecord object = Record(request, kPersonRecordsRole, "person-records.bin", clock, random);
  GF_TRY(request.plan(object.id));
  return SealFile(ctx, store, records, recipient, std::move(object), random);
}

Result<std::vector<ObjectRecord>> SealPhenotypes(const Context& ctx, objects::ObjectStore& store,
                                                 std::string_view table,
                                                 const ObjectRequest& request, const Clock& clock,
                                                 Random& random) {
  GF_ASSIGN(auto recipient, crypt4gh::PublicKey::FromRaw(request.recipient));
  ObjectRecord object = Record(request, "phenotypes", "phenotypes.tsv", clock, random);
  GF_TRY(request.plan(object.id));
  GF_ASSIGN(object,
            SealBody(ctx, store, recipient, std::move(object), random,
                     [table](crypt4gh::Encryptor& encryptor) { return encryptor.Push(table); }));
  return std::vector<ObjectRecord>{std::move(object)};
}

}  // namespace genofed::onboarding
