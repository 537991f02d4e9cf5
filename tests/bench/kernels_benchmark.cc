// SPDX-License-Identifier: Apache-2.0
//
// The two inner loops that everything else waits for: counting the carriers of an allele, and encrypting a stream.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "libs/core/random.h"
#include "libs/crypt4gh/stream.h"
#include "libs/genomics/cohort_index.h"

namespace genofed {
namespace {

constexpr std::uint32_t kPeople = 100'000;
constexpr std::uint32_t kSites = 2'000;
constexpr std::uint64_t kSeed = 1;

genomics::Variant SiteAt(std::uint32_t number) {
  return {.contig = "20", .pos = 1'000'000 + std::int64_t{100} * number, .ref = "A", .alt = "T"};
}

// Every tenth site is common (a tenth of the people), the others have ten carriers.
genomics::CarrierSets CarriersAt(std::uint32_t number, std::mt19937_64& random) {
  std::uniform_int_distribution<std::uint32_t> person(0, kPeople - 1);
  const std::uint32_t carriers = number % 10 == 0 ? kPeople / 10 : 10;
  genomics::CarrierSets sets;
  for (std::uint32_t i = 0; i < carriers; ++i) sets.het.push_back(person(random));
  std::sort(sets.het.begin(), sets.het.end());
  sets.het.erase(std::unique(sets.het.begin(), sets.het.end()), sets.het.end());
  return sets;
}

// An index in a temporary directory, removed at the end of the process.
class SyntheticIndex {
 public:
  SyntheticIndex() : dir_(std::filesystem::temp_directory_path() / ("genofed-bench-" + HexName())) {
    auto builder = genomics::SegmentBuilder::Create(dir_, {.dataset = "BENCH", .version = "1", .n_people = kPeople});
    GF_CHECK(builder.ok());
    std::mt19937_64 random(kSeed);
    for (std::uint32_t i = 0; i < kSites; ++i) GF_CHECK((*builder)->Add(SiteAt(i), CarriersAt(i, random)).ok());
    GF_CHECK((*builder)->Finish().ok());
    auto opened = genomics::CohortIndex::Open(dir_);
    GF_CHECK(opened.ok());
    index_ = std::move(*opened);
  }
  ~SyntheticIndex() {
    index_ = nullptr;
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  SyntheticIndex(const SyntheticIndex&) = delete;
  SyntheticIndex& operator=(const SyntheticIndex&) = delete;
  const genomics::CohortIndex& operator*() const { return *index_; }

 private:
  static std::string HexName() {
    std::string name;
    for (char c : SystemRandom().Bytes(8)) name += static_cast<char>('a' + (static_cast<unsigned char>(c) % 26));
    return name;
  }
  std::filesystem::path dir_;
  std::unique_ptr<genomics::CohortIndex> index_;
};

// One exact allele among 100,000 people of whom nine in ten permit the use.
void FindAndCount(benchmark::State& state) {
  static const SyntheticIndex index;
  genomics::Bitmap live(kPeople, true);
  for (std::uint32_t row = 0; row < kPeople; row += 10) live.Clear(row);
  const auto step = static_cast<std::uint32_t>(state.range(0));
  std::uint32_t number = 0;
  for (auto _ : state) {
    const auto hit = (*index).FindExact(SiteAt(number));
    GF_CHECK(hit.has_value());
    benchmark::DoNotOptimize((*index).Count(*hit, live));
    number = (number + step) % kSites;
  }
}
BENCHMARK(FindAndCount)->ArgName("every_nth_site")->Arg(1)->Arg(10);

const std::string& Plain() {
  static const std::string plain(std::size_t{16} << 20, 'g');
  return plain;
}

void Crypt4ghEncrypt(benchmark::State& state) {
  SystemRandom random;
  const std::array recipients = {crypt4gh::SecretKey::Generate(random).public_key()};
  for (auto _ : state) {
    std::size_t bytes = 0;
    auto encryptor = crypt4gh::Encryptor::Create(recipients, random, [&](std::string_view out) -> Status {
      bytes += out.size();
      return absl::OkStatus();
    });
    GF_CHECK(encryptor.ok() && encryptor->Push(Plain()).ok() && encryptor->Finish().ok());
    benchmark::DoNotOptimize(bytes);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(Plain().size()));
}
BENCHMARK(Crypt4ghEncrypt)->Unit(benchmark::kMillisecond);

// The floor of the one above: the cipher alone, and the two SHA-256 that the manifest asks for.
void OpenSslFloor(benchmark::State& state) {
  const std::array<unsigned char, 32> key{};
  const std::array<unsigned char, 12> nonce{};
  std::vector<unsigned char> sealed(crypt4gh::kSegmentBytes + 16);
  const auto* plain = reinterpret_cast<const unsigned char*>(Plain().data());
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> body(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  for (auto _ : state) {
    EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
    EVP_DigestInit_ex(body.get(), EVP_sha256(), nullptr);
    for (std::size_t at = 0; at < Plain().size(); at += crypt4gh::kSegmentBytes) {
      int written = 0;
      EVP_EncryptInit_ex(cipher.get(), EVP_chacha20_poly1305(), nullptr, key.data(), nonce.data());
      EVP_EncryptUpdate(cipher.get(), sealed.data(), &written, plain + at, static_cast<int>(crypt4gh::kSegmentBytes));
      EVP_EncryptFinal_ex(cipher.get(), sealed.data() + written, &written);
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, 16, sealed.data() + crypt4gh::kSegmentBytes);
      EVP_DigestUpdate(digest.get(), plain + at, crypt4gh::kSegmentBytes);
      EVP_DigestUpdate(body.get(), sealed.data(), sealed.size());
    }
    benchmark::DoNotOptimize(sealed.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(Plain().size()));
}
BENCHMARK(OpenSslFloor)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace genofed
