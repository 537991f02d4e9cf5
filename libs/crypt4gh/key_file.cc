// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/key_file.h"

#include <openssl/evp.h>

#include "libs/core/strings.h"
#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh {
namespace {

constexpr std::string_view kMagic = "c4gh-v1";
constexpr std::size_t kMaxFileBytes = 64U << 10;
constexpr std::uint32_t kMaxRounds = 10'000'000;
constexpr std::size_t kSaltBytes = 16;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "CRYPT4GH_KEY_INVALID", "not a Crypt4GH key file: {}",
               why);
}

// The bytes between the BEGIN and END lines, whose label must end in `kind`; some tools leave out
// "CRYPT4GH".
Result<std::string> Unarmour(std::string_view text, std::string_view kind) {
  if (text.size() > kMaxFileBytes) return Invalid("too long");
  std::string base64;
  bool inside = false;
  for (std::string_view line : Split(text, '\n')) {
    line = Trim(line);
    bool marker = line.starts_with("-----") && line.ends_with("-----") && line.size() > 10;
    if (!marker) {
      if (inside) base64 += line;
      continue;
    }
    std::string_view label = line.substr(5, line.size() - 10);
    if (inside && label.starts_with("END ")) return Base64Decode(base64);
    if (inside || !label.starts_with("BEGIN ") || !label.ends_with(kind))
      return Invalid("wrong label");
    inside = true;
  }
  return Invalid("no END line");
}

std::string Armour(std::string_view label, std::string_view bytes) {
  return fmt::format("-----BEGIN CRYPT4GH {}-----\n{}\n-----END CRYPT4GH {}-----\n", label,
                     Base64Encode(bytes), label);
}

// A field of the key file: 16-bit big-endian length, then that many bytes.
Result<std::string_view> TakeField(std::string_view& rest) {
  if (rest.size() < 2) return Invalid("it ends early");
  std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(rest[0])) << 8 |
                     static_cast<std::uint8_t>(rest[1]);
  if (rest.size() - 2 < size) return Invalid("it ends early");
  std::string_view field = rest.substr(2, size);
  rest.remove_prefix(2 + size);
  return field;
}

void AppendField(std::string& out, std::string_view field) {
  out += static_cast<char>((field.size() >> 8) & 255U);
  out += static_cast<char>(field.size() & 255U);
  out += field;
}

Result<Secret32> Derive(std::string_view kdf, std::string_view options,
                        std::string_view passphrase) {
  if (options.size() < 4) return Invalid("no key derivation options");
  std::uint32_t rounds = 0;
  for (char c : options.substr(0, 4)) rounds = (rounds << 8) | static_cast<std::uint8_t>(c);
  std::string_view salt = options.substr(4);
  auto* salt_bytes = reinterpret_cast<const unsigned char*>(salt.data());
  std::string key(kKeyBytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(key.data());
  int ok = 0;
  if (kdf == "scrypt") {
    ok = EVP_PBE_scrypt(passphrase.data(), passphrase.size(), salt_bytes, salt.size(), 1U << 14, 8,
                        1, 64U << 20, out, key.size());
  } else if (kdf == "pbkdf2_hmac_sha256") {
    if (rounds == 0 || rounds > kMaxRounds) return Invalid("unreasonable number of rounds");
    ok = PKCS5_PBKDF2_HMAC(passphrase.data(), static_cast<int>(passphrase.size()), salt_bytes,
                           static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha256(),
                           static_cast<int>(key.size()), out);
  } else {
    return Error(StatusCode::kUnimplemented, "CRYPT4GH_KDF_UNSUPPORTED",
                 "key derivation '{}' is not supported", IsUtf8(kdf) ? kdf.substr(0, 40) : "?");
  }
  if (ok != 1) return Invalid("key derivation failed");
  auto secret = Secret32::FromRaw(key);
  internal::Erase(key);
  return secret;
}

}  // namespace

Result<PublicKey> ParsePublicKeyFile(std::string_view text) {
  GF_ASSIGN(std::string raw, Unarmour(text, "PUBLIC KEY"));
  return PublicKey::FromRaw(raw);
}

Result<SecretKey> ParseSecretKeyFile(std::string_view text, std::string_view passphrase) {
  GF_ASSIGN(std::string bytes, Unarmour(text, "PRIVATE KEY"));
  std::string_view rest = bytes;
  if (!rest.starts_with(kMagic)) return Invalid("not c4gh-v1");
  rest.remove_prefix(kMagic.size());
  GF_ASSIGN(std::string_view kdf, TakeField(rest));
  std::string_view options;
  if (kdf != "none") {
    GF_ASSIGN(options, TakeField(rest));
  }
  GF_ASSIGN(std::string_view cipher, TakeField(rest));
  GF_ASSIGN(std::string_view sealed, TakeField(rest));
  if (cipher == "none" && kdf == "none") return SecretKey::FromRaw(sealed);
  constexpr std::size_t kSealedBytes = internal::kNonceBytes + kKeyBytes + internal::kMacBytes;
  if (kdf == "none" || cipher != "chacha20_poly1305" || sealed.size() != kSealedBytes)
    return Invalid("unknown cipher");
  GF_ASSIGN(Secret32 key, Derive(kdf, options, passphrase));
  std::string plain(kKeyBytes, '\0');
  internal::Aead aead(key);
  if (!aead.Open(sealed.substr(0, internal::kNonceBytes), sealed.substr(internal::kNonceBytes),
                 plain.data())) {
    return Error(StatusCode::kPermissionDenied, "CRYPT4GH_PASSPHRASE_WRONG",
                 "the passphrase does not open the key file");
  }
  auto secret = SecretKey::FromRaw(plain);
  internal::Erase(plain);
  return secret;
}

std::string FormatPublicKeyFile(const PublicKey& key) { return Armour("PUBLIC KEY", key.raw()); }

std::string FormatSecretKeyFile(const SecretKey& key, std::string_view passphrase, Random& random) {
  std::string out(kMagic);
  if (passphrase.empty()) {
    AppendField(out, "none");
    AppendField(out, "none");
    AppendField(out, key.bytes());
    return Armour("PRIVATE KEY", out);
  }
  std::string options = std::string(4, '\0') + random.Bytes(kSaltBytes);
  auto kek = Derive("scrypt", options, passphrase);
  GF_CHECK(kek.ok());
  std::string nonce = random.Bytes(internal::kNonceBytes);
  std::string sealed = nonce + std::string(kKeyBytes + internal::kMacBytes, '\0');
  internal::Aead(*kek).Seal(nonce, key.bytes(), sealed.data() + nonce.size());
  AppendField(out, "scrypt");
  AppendField(out, options);
  AppendField(out, "chacha20_poly1305");
  AppendField(out, sealed);
  return Armour("ENCRYPTED PRIVATE KEY", out);
}

}  // namespace genofed::crypt4gh
