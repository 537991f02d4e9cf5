// SPDX-License-Identifier: Apache-2.0
//
// Crypt4GH next to what it is made of, in one process: the cipher and the digest alone are the floor. Everything runs
// over 8 MiB in segments of 64 KiB; compare figures of one run only.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>

#include "libs/core/random.h"
#include "libs/crypt4gh/range_reader.h"

namespace genofed::crypt4gh {
namespace {

constexpr std::size_t kBytes = 8U << 20;
constexpr std::size_t kPush = 4 * kSegmentBytes;  // as files are read

const std::string& Plain() {
  static const std::string plain = SystemRandom().Bytes(kBytes);
  return plain;
}

const SecretKey& Key() {
  static SystemRandom random;
  static const SecretKey key = SecretKey::Generate(random);
  return key;
}

void SetRate(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
}

// The cipher alone: one context, a nonce and 64 KiB at a time.
void RawCipher(benchmark::State& state) {
  const std::array<unsigned char, 32> key{};
  const std::array<unsigned char, 12> nonce{};
  std::string sealed(kSegmentBytes + 16, '\0');
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  const auto* plain = reinterpret_cast<const unsigned char*>(Plain().data());
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  EVP_EncryptInit_ex(cipher.get(), EVP_chacha20_poly1305(), nullptr, key.data(), nullptr);
  for (auto _ : state) {
    for (std::size_t at = 0; at < kBytes; at += kSegmentBytes) {
      int n = 0;
      EVP_EncryptInit_ex(cipher.get(), nullptr, nullptr, nullptr, nonce.data());
      EVP_EncryptUpdate(cipher.get(), out, &n, plain + at, kSegmentBytes);
      EVP_EncryptFinal_ex(cipher.get(), out + n, &n);
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, 16, out + kSegmentBytes);
    }
    benchmark::DoNotOptimize(out);
  }
  SetRate(state, kBytes);
}
BENCHMARK(RawCipher);

void RawSha256(benchmark::State& state) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  for (auto _ : state) {
    EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
    for (std::size_t at = 0; at < kBytes; at += kSegmentBytes)
      EVP_DigestUpdate(digest.get(), Plain().data() + at, kSegmentBytes);
    std::array<unsigned char, 32> out;
    EVP_DigestFinal_ex(digest.get(), out.data(), nullptr);
    benchmark::DoNotOptimize(out);
  }
  SetRate(state, kBytes);
}
BENCHMARK(RawSha256);

Manifest EncryptTo(std::string* body, Checksums checksums) {
  SystemRandom random;
  std::size_t bytes = 0;
  auto encryptor = Encryptor::Create(
      {&Key().public_key(), 1}, random,
      [&](std::string_view out) {
        bytes += out.size();
        if (body != nullptr) body->append(out);
        return absl::OkStatus();
      },
      {.checksums = checksums});
  GF_CHECK(encryptor.ok());
  for (std::size_t at = 0; at < kBytes; at += kPush) GF_CHECK(encryptor->Push(std::string_view(Plain()).substr(at, kPush)).ok());
  auto manifest = encryptor->Finish();
  GF_CHECK(manifest.ok() && manifest->body_size == bytes);
  return *std::move(manifest);
}

void Encrypt(benchmark::State& state, Checksums checksums) {
  for (auto _ : state) benchmark::DoNotOptimize(EncryptTo(nullptr, checksums));
  SetRate(state, kBytes);
}
BENCHMARK_CAPTURE(Encrypt, no_checksum, Checksums::kNone);
BENCHMARK_CAPTURE(Encrypt, body_checksum, Checksums::kBody);
BENCHMARK_CAPTURE(Encrypt, both_checksums, Checksums::kBoth);

struct File {
  std::string body;
  Manifest manifest = EncryptTo(&body, Checksums::kBoth);
};
const File& TheFile() {
  static const File file;
  return file;
}

void Decrypt(benchmark::State& state, bool with_manifest) {
  const File& file = TheFile();
  for (auto _ : state) {
    std::size_t bytes = 0;
    const Sink count = [&](std::string_view out) {
      bytes += out.size();
      return absl::OkStatus();
    };
    auto decryptor = with_manifest ? Decryptor::Create(file.manifest.header, Key(), file.manifest, count)
                                   : Decryptor::CreateUnverified(file.manifest.header, Key(), count);
    GF_CHECK(decryptor.ok());
    constexpr std::size_t kPushSealed = 4 * kSealedSegmentBytes;
    for (std::size_t at = 0; at < file.body.size(); at += kPushSealed)
      GF_CHECK(decryptor->Push(std::string_view(file.body).substr(at, kPushSealed)).ok());
    GF_CHECK(decryptor->Finish().ok() && bytes == kBytes);
  }
  SetRate(state, kBytes);
}
BENCHMARK_CAPTURE(Decrypt, no_checksum, false);
BENCHMARK_CAPTURE(Decrypt, both_checksums, true);

// A request for one page: opening the header, reading one segment.
void ReadPage(benchmark::State& state) {
  const File& file = TheFile();
  for (auto _ : state) {
    auto reader = RangeReader::Create(file.manifest.header, Key(), file.body.size(), [&](std::uint64_t offset, std::span<char> out) {
      file.body.copy(out.data(), out.size(), offset);
      return absl::OkStatus();
    });
    GF_CHECK(reader.ok() && reader->Read({1'000'000, 1'004'096}, [](std::string_view) { return absl::OkStatus(); }).ok());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReadPage);

void ReencryptHeader(benchmark::State& state) {
  SystemRandom random;
  const Secret32 secret = Secret32::Generate(random);
  const RepeatableWriter writer{secret, "object", "grant"};
  const PublicKey reader = SecretKey::Generate(random).public_key();
  for (auto _ : state) GF_CHECK(Reencrypt(TheFile().manifest.header, Key(), reader, writer).ok());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReencryptHeader);

}  // namespace
}  // namespace genofed::crypt4gh
