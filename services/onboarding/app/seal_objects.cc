// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/seal_objects.h"

#include <fcntl.h>
#include <unistd.h>

#include "libs/core/strings.h"
#include "libs/crypt4gh/file.h"
#include "libs/genomics/subset.h"
#include "libs/genomics/vcf_index.h"
#include "services/onboarding/app/files.h"

namespace genofed::onboarding {
namespace {

ObjectRecord Record(const ObjectRequest& request, std::string role, std::string name, const Clock& clock,
                    Random& random) {
  ObjectRecord object;
  object.id = NewId("obj", clock, random);
  object.submission = request.submission;
  object.role = std::move(role);
  object.name = std::move(name);
  object.created = clock.Now();
  return object;
}

void SetManifest(ObjectRecord& object, const crypt4gh::Manifest& manifest) {
  object.plain_size = static_cast<std::int64_t>(manifest.plain_size);
  object.plain_sha256 = HexEncode(manifest.plain_sha256);
  object.body_size = static_cast<std::int64_t>(manifest.body_size);
  object.body_sha256 = HexEncode(manifest.body_sha256);
  object.header = manifest.header;
}

// Encrypts a text that is in memory into a new, synced file.
Result<crypt4gh::Manifest> EncryptText(std::string_view text, const std::filesystem::path& out,
                                       std::span<const crypt4gh::PublicKey> recipients, Random& random) {
  int fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write an object");
  auto encrypt = [&]() -> Result<crypt4gh::Manifest> {
    GF_ASSIGN(auto encryptor, crypt4gh::Encryptor::Create(recipients, random, crypt4gh::FdSink(fd)));
    GF_TRY(encryptor.Push(text));
    GF_ASSIGN(auto manifest, encryptor.Finish());
    if (::fsync(fd) != 0) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot sync an object");
    return manifest;
  };
  auto manifest = encrypt();
  ::close(fd);
  return manifest;
}

// Encrypts a file of the scratch directory into the store.
Result<ObjectRecord> SealFile(const Layout& layout, const ScratchDirectory& scratch, const crypt4gh::PublicKey& recipient,
                              ObjectRecord object, Random& random) {
  const auto body = scratch / "body";
  GF_ASSIGN(auto manifest, crypt4gh::EncryptFile(scratch / object.name, body, {&recipient, 1}, random));
  GF_TRY(MoveIntoPlace(body, layout.Object(object.id)));
  SetManifest(object, manifest);
  return object;
}

}  // namespace

Result<std::vector<ObjectRecord>> SealGenotypes(const Layout& layout, const CohortRows& rows,
                                                const ObjectRequest& request, const Clock& clock, Random& random) {
  GF_ASSIGN(auto recipient, crypt4gh::PublicKey::FromRaw(request.recipient));
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(layout.Scratch()));
  std::vector<genomics::SampleRename> keep;
  const std::vector<std::string> samples = rows.Samples();
  for (std::size_t i = 0; i < rows.size(); ++i) keep.push_back({samples[i], rows.pseudonyms[i]});
  ObjectRecord vcf = Record(request, "genotypes", "genotypes.vcf.gz", clock, random);
  ObjectRecord index = Record(request, "index", vcf.name + ".csi", clock, random);
  GF_TRY(genomics::SubsetVcf(rows.variants.front().path, keep, scratch / vcf.name));
  GF_TRY(genomics::BuildVcfIndex(scratch / vcf.name, scratch / index.name));
  GF_ASSIGN(vcf, SealFile(layout, scratch, recipient, std::move(vcf), random));
  // An index tells where the variants are: it is as secret as they.
  GF_ASSIGN(index, SealFile(layout, scratch, recipient, std::move(index), random));
  return std::vector<ObjectRecord>{std::move(vcf), std::move(index)};
}

Result<std::vector<ObjectRecord>> SealPhenotypes(const Layout& layout, std::string_view table,
                                                  const ObjectRequest& request, const Clock& clock, Random& random) {
  GF_ASSIGN(auto recipient, crypt4gh::PublicKey::FromRaw(request.recipient));
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(layout.Scratch()));
  ObjectRecord object = Record(request, "phenotypes", "phenotypes.tsv", clock, random);
  const auto body = scratch / "body";
  GF_ASSIGN(auto manifest, EncryptText(table, body, {&recipient, 1}, random));
  GF_TRY(MoveIntoPlace(body, layout.Object(object.id)));
  SetManifest(object, manifest);
  return std::vector<ObjectRecord>{std::move(object)};
}

}  // namespace genofed::onboarding
