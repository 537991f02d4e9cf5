// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/stream.h"

#include <rapidcheck.h>

#include "libs/crypt4gh/key_file.h"
#include "libs/crypt4gh/primitives.h"
#include "libs/crypt4gh/test_support.h"
#include "libs/crypto/hash.h"

namespace genofed::crypt4gh {
namespace {

// The plaintext when everything verified; otherwise the error.
Result<std::string> Decrypt(const std::string& body, const SecretKey& key, const Manifest& manifest,
                            std::size_t step = 1U << 20) {
  std::string plain;
  GF_ASSIGN(auto decryptor, Decryptor::Create(manifest.header, key, manifest, Into(plain)));
  for (std::size_t at = 0; at < body.size(); at += step) {
    GF_TRY(decryptor.Push(std::string_view(body).substr(at, step)));
  }
  GF_TRY(decryptor.Finish());
  return plain;
}

Result<std::string> DecryptCombined(const std::string& file, const SecretKey& key) {
  std::string plain;
  GF_ASSIGN(std::size_t size, HeaderSize(file));
  GF_ASSIGN(auto decryptor, Decryptor::CreateUnverified(file.substr(0, size), key, Into(plain)));
  GF_TRY(decryptor.Push(std::string_view(file).substr(size)));
  GF_TRY(decryptor.Finish());
  return plain;
}

TEST(Stream, ReadsTheGeneratedVectors) {
  GF_NEED_VECTORS();
  int cases = 0;
  for (const auto& row : Rows("generated/index.tsv")) {
    if (row[0] == "name") continue;
    SecretKey key = CountingKey(row[0] == "reencrypt_after_for_B" ? 0x21 : 1);
    auto plain = DecryptCombined(Load("generated/" + row[0] + ".c4gh"), key);
    if (row[2] == "ERROR") {
      EXPECT_FALSE(plain.ok()) << row[0];
    } else {
      ASSERT_TRUE(plain.ok()) << row[0] << ": " << Describe(plain.status());
      EXPECT_EQ(std::to_string(plain->size()), row[2]) << row[0];
      EXPECT_EQ(HexEncode(crypto::Sha256(*plain)), row[3]) << row[0];
    }
    ++cases;
  }
  EXPECT_EQ(cases, 14);
  auto for_b = DecryptCombined(Load("generated/two_recipients.c4gh"), CountingKey(0x21));
  ASSERT_TRUE(for_b.ok());
  EXPECT_EQ(*for_b, Pattern(140000));
}

TEST(Stream, ReadsFilesOfOtherImplementations) {
  GF_NEED_VECTORS();
  auto key = ParseSecretKeyFile(Load("keys/crypt4gh-x25519-enc.sec.pem"), "password").value();
  EXPECT_EQ(DecryptCombined(Load("neicnordic/sample.txt.enc"), key).value(),
            Load("neicnordic/sample.txt"));
  auto bob = ParseSecretKeyFile(Load("htsget-rs/c4gh/keys/bob.sec")).value();
  for (std::string name : {"vcf/sample1-bcbio-cancer.vcf.gz", "vcf/spec-v4.3.vcf.gz",
                           "bcf/sample1-bcbio-cancer.bcf", "bcf/spec-v4.3.bcf"}) {
    std::string encrypted = "htsget-rs/c4gh/" + name.substr(4) + ".c4gh";
    auto plain = DecryptCombined(Load(encrypted), bob);
    ASSERT_TRUE(plain.ok()) << name << ": " << Describe(plain.status());
    EXPECT_EQ(*plain, Load("htsget-rs/" + name)) << name;
  }
}

TEST(Stream, RoundTripsAtTheBoundaries) {
  SecretKey key = CountingKey(1);
  for (std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 1U << 20}) {
    std::string plain = Pattern(size);
    Encrypted e = Encrypt(plain, key);
    std::size_t segments = (size + kSegmentBytes - 1) / kSegmentBytes;
    EXPECT_EQ(e.body.size(), size + 28 * segments);
    EXPECT_EQ(e.manifest.body_size, e.body.size());
    EXPECT_EQ(e.manifest.plain_size, size);
    EXPECT_EQ(e.manifest.plain_sha256, crypto::Sha256(plain));
    EXPECT_EQ(e.manifest.body_sha256, crypto::Sha256(e.body));
    auto again = Decrypt(e.body, key, e.manifest);
    ASSERT_TRUE(again.ok()) << size << ": " << Describe(again.status());
    EXPECT_TRUE(*again == plain) << size;
  }
}

TEST(Stream, TheSizeOfPushesDoesNotMatter) {
  SecretKey key = CountingKey(1);
  std::string plain = Pattern(200'000);
  for (std::size_t step : {1U, 997U, 65536U, 65564U, 70'000U}) {
    Encrypted e = Encrypt(plain, key, step);
    EXPECT_TRUE(Decrypt(e.body, key, e.manifest, step).value() == plain) << step;
  }
}

TEST(Stream, AnyChangedByteIsRefused) {
  SecretKey key = CountingKey(1);
  Encrypted small = Encrypt(Pattern(100), key);
  for (std::size_t at = 0; at < small.body.size(); ++at) {
    std::string changed = small.body;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_EQ(Reason(Decrypt(changed, key, small.manifest).status()), "CRYPT4GH_SEGMENT_INVALID")
        << at;
  }
  Encrypted large = Encrypt(Pattern(150'000), key);
  EXPECT_TRUE(rc::check([&](std::uint32_t where, std::uint8_t mask) {
    std::string changed = large.body;
    std::size_t at = where % changed.size();
    changed[at] = static_cast<char>(changed[at] ^ (mask | 1));
    RC_ASSERT(!Decrypt(changed, key, large.manifest).ok());
  }));
}

TEST(Stream, TheManifestCatchesWhatTheFormatDoesNot) {
  SecretKey key = CountingKey(1);
  Encrypted e = Encrypt(Pattern(3 * kSegmentBytes), key);
  auto reason = [&](const std::string& body) {
    return Reason(Decrypt(body, key, e.manifest).status());
  };
  std::string first = e.body.substr(0, kSealedSegmentBytes);
  std::string second = e.body.substr(kSealedSegmentBytes, kSealedSegmentBytes);
  std::string third = e.body.substr(2 * kSealedSegmentBytes);
  EXPECT_EQ(reason(first + second + third), "");
  EXPECT_EQ(reason(""), "CRYPT4GH_MANIFEST_MISMATCH");
  EXPECT_EQ(reason(first + second), "CRYPT4GH_MANIFEST_MISMATCH");
  EXPECT_EQ(reason(second + first + third), "CRYPT4GH_MANIFEST_MISMATCH");
  EXPECT_EQ(reason(first + first + third), "CRYPT4GH_MANIFEST_MISMATCH");
  EXPECT_EQ(reason(e.body + first), "CRYPT4GH_MANIFEST_MISMATCH");
  for (std::size_t size : {1U, 27U, 28U, 65563U})
    EXPECT_NE(reason(e.body.substr(0, size)), "") << size;
  // Without a manifest a dropped tail is invisible: the reason why there is one.
  EXPECT_TRUE(DecryptCombined(e.manifest.header + first, key).ok());
}

TEST(Stream, AnotherManifestIsRefused) {
  SecretKey key = CountingKey(1);
  Encrypted e = Encrypt(Pattern(100), key);
  for (int field = 0; field < 4; ++field) {
    Manifest wrong = e.manifest;
    if (field == 0) ++wrong.plain_size;
    if (field == 1) ++wrong.body_size;
    if (field == 2) wrong.plain_sha256[31] = static_cast<char>(wrong.plain_sha256[31] ^ 1);
    if (field == 3) wrong.body_sha256.clear();
    EXPECT_EQ(Reason(Decrypt(e.body, key, wrong).status()), "CRYPT4GH_MANIFEST_MISMATCH") << field;
  }
}

TEST(Stream, EditListsKeepWhatTheyName) {
  SecretKey key = CountingKey(1);
  std::string plain = Pattern(140'000);
  Encrypted e = Encrypt(plain, key);
  SystemRandom random;
  DataKey data_key = OpenHeader(e.manifest.header, key)->data_keys[0];
  EXPECT_TRUE(rc::check([&](std::vector<std::uint16_t> lengths) {
    HeaderContent content{{data_key}, std::vector<std::uint64_t>(lengths.begin(), lengths.end())};
    Manifest manifest = e.manifest;
    manifest.header = BuildHeader(content, {&key.public_key(), 1}, random).value();
    RC_ASSERT(Decrypt(e.body, key, manifest).value() == Edited(plain, *content.edit_list));
  }));
}

TEST(Stream, DigestsAreMadeAsAskedFor) {
  SecretKey key = CountingKey(1);
  SecretKey writer = CountingKey(0x41);
  SystemRandom random;
  std::string plain = Pattern(100'000);
  for (Checksums checksums : {Checksums::kNone, Checksums::kBody, Checksums::kBoth}) {
    std::string body;
    auto encryptor = Encryptor::Create({&key.public_key(), 1}, random, Into(body),
                                       {.checksums = checksums, .writer = &writer})
                         .value();
    ASSERT_TRUE(encryptor.Push(plain).ok());
    Manifest manifest = encryptor.Finish().value();
    EXPECT_EQ(manifest.body_sha256, checksums == Checksums::kNone ? "" : crypto::Sha256(body));
    EXPECT_EQ(manifest.plain_sha256, checksums == Checksums::kBoth ? crypto::Sha256(plain) : "");
    EXPECT_EQ(manifest.header.substr(24, 32), writer.public_key().raw());
    EXPECT_TRUE(DecryptCombined(manifest.header + body, key).value() == plain);
  }
}

TEST(Stream, SegmentsMayHaveDifferentKeysAndBeEmpty) {
  SecretKey key = CountingKey(1);
  SystemRandom random;
  Encrypted one = Encrypt(Pattern(65536), key), two = Encrypt(Pattern(10), key);
  DataKey first = OpenHeader(one.manifest.header, key)->data_keys[0];
  DataKey second = OpenHeader(two.manifest.header, key)->data_keys[0];
  std::string header =
      BuildHeader({{second, first}, std::nullopt}, {&key.public_key(), 1}, random).value();
  EXPECT_TRUE(DecryptCombined(header + one.body + two.body, key).value() ==
              Pattern(65536) + Pattern(10));
  // An authenticated segment without content: nonce and MAC only.
  std::string empty = std::string(12, 'n') + std::string(16, '\0');
  internal::Aead(first).Seal(empty.substr(0, 12), "", empty.data() + 12);
  EXPECT_TRUE(DecryptCombined(header + one.body + empty, key).value() == Pattern(65536));
  empty[27] = static_cast<char>(empty[27] ^ 1);
  EXPECT_FALSE(DecryptCombined(header + one.body + empty, key).ok());
}

TEST(Stream, ErrorsOfTheSinkAreKept) {
  SecretKey key = CountingKey(1);
  SystemRandom random;
  Sink full = [](std::string_view) {
    return Error(StatusCode::kResourceExhausted, "DISK_FULL", "full");
  };
  auto encryptor = Encryptor::Create({&key.public_key(), 1}, random, full).value();
  EXPECT_EQ(Reason(encryptor.Push(Pattern(kSegmentBytes))), "DISK_FULL");
  EXPECT_EQ(Reason(encryptor.Push("")), "DISK_FULL");
  EXPECT_EQ(Reason(encryptor.Finish().status()), "DISK_FULL");
  Encrypted e = Encrypt(Pattern(10), key);
  auto decryptor = Decryptor::Create(e.manifest.header, key, e.manifest, full).value();
  EXPECT_TRUE(decryptor.Push(e.body).ok());
  EXPECT_EQ(Reason(decryptor.Finish().status()), "DISK_FULL");
}

TEST(Stream, TwoFilesNeverShareBytes) {
  SecretKey key = CountingKey(1);
  Encrypted one = Encrypt(Pattern(100), key);
  Encrypted two = Encrypt(Pattern(100), key);
  EXPECT_NE(one.body, two.body);
  EXPECT_NE(one.manifest.header, two.manifest.header);
  EXPECT_FALSE(Decrypt(two.body, key, one.manifest).ok());
}

}  // namespace
}  // namespace genofed::crypt4gh
