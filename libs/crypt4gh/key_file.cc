// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/key_file.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "libs/core/strings.h"
#include "libs/crypt4gh/kdf.h"
#include "libs/crypt4gh/openssh_key.h"
#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh {
namespace {

using internal::SecretText;

constexpr std::string_view kMagic = "c4gh-v1";
constexpr std::size_t kMaxFileBytes = 64U << 10;
constexpr std::size_t kSaltBytes = 16;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "CRYPT4GH_KEY_INVALID", "key file: {}", why);
}
Status Unsupported(std::string_view why) {
  return Error(StatusCode::kUnimplemented, "CRYPT4GH_KEY_UNSUPPORTED", "key file: {}", why);
}

bool IsHexKey(std::string_view text) {
  return text.size() == 2 * kKeyBytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

// The bytes between the BEGIN and END lines, whose label must end in `kind`: tools differ in what
// comes before.
Result<SecretText> Unarmour(std::string_view text, std::string_view kind) {
  SecretText base64(0);
  base64.bytes.reserve(text.size());
  bool inside = false;
  for (std::string_view line : Split(text, '\n')) {
    line = Trim(line);
    bool marker = line.starts_with("-----") && line.ends_with("-----") && line.size() > 10;
    if (!marker) {
      if (inside) base64.bytes += line;
      continue;
    }
    std::string_view label = line.substr(5, line.size() - 10);
    if (inside && label.starts_with("END ")) {
      auto bytes = Base64Decode(base64.bytes);
      if (!bytes.ok()) return Invalid("its base64 is malformed");
      return SecretText(*std::move(bytes));
    }
    if (inside || !label.starts_with("BEGIN "))
      return Invalid("its BEGIN and END lines are mixed up");
    if (!label.ends_with(kind))
      return Invalid(kind == "PUBLIC KEY" ? "it holds no public key" : "it holds no secret key");
    inside = true;
  }
  return Invalid(inside ? "it has no END line" : "it is none of the known formats");
}

std::string Armour(std::string_view label, std::string_view bytes) {
  return fmt::format("-----BEGIN CRYPT4GH {}-----\n{}\n-----END CRYPT4GH {}-----\n", label,
                     Base64Encode(bytes), label);
}

// A field of c4gh-v1: 16-bit big-endian length, then that many bytes.
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

// `options`: big-endian number of rounds, then the salt.
Result<Secret32> Derive(std::string_view kdf, std::string_view options,
                        std::string_view passphrase) {
  if (options.size() < 4) return Invalid("it has no key derivation options");
  std::uint32_t rounds = 0;
  for (char c : options.substr(0, 4)) rounds = (rounds << 8) | static_cast<std::uint8_t>(c);
  GF_ASSIGN(SecretText key,
            internal::DeriveKey(kdf, rounds, options.substr(4), passphrase, kKeyBytes));
  return Secret32::FromRaw(key.bytes);
}

Result<SecretKey> ParseC4gh(std::string_view rest, std::string_view passphrase) {
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
    return Invalid("its cipher is unknown");
  GF_ASSIGN(Secret32 key, Derive(kdf, options, passphrase));
  SecretText plain(kKeyBytes);
  internal::Aead aead(key);
  if (!aead.Open(sealed.substr(0, internal::kNonceBytes), sealed.substr(internal::kNonceBytes),
                 plain.bytes.data())) {
    return Error(StatusCode::kPermissionDenied, "CRYPT4GH_PASSPHRASE_WRONG",
                 "the passphrase does not open the key file");
  }
  return SecretKey::FromRaw(plain.bytes);
}

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(PKCS8_PRIV_KEY_INFO* info) const { PKCS8_PRIV_KEY_INFO_free(info); }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free>;

// Whether a key of this type can be used; its raw form has 32 bytes.
bool IsCurve25519(int type) { return type == EVP_PKEY_X25519 || type == EVP_PKEY_ED25519; }

Result<SecretKey> ParsePkcs8(std::string_view der) {
  auto* at = reinterpret_cast<const unsigned char*>(der.data());
  std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free> info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  const ASN1_OBJECT* algorithm = nullptr;
  ERR_clear_error();
  if (info == nullptr || PKCS8_pkey_get0(&algorithm, nullptr, nullptr, nullptr, info.get()) != 1) {
    return Unsupported(
        "it is no plain PKCS#8 key; `openssl pkey -in FILE` decrypts or converts it");
  }
  if (!IsCurve25519(OBJ_obj2nid(algorithm)))
    return Unsupported("only ed25519 and X25519 keys can be used");
  Pkey key(EVP_PKCS82PKEY(info.get()));
  SecretText raw(kKeyBytes);
  std::size_t size = raw.bytes.size();
  bool ok = key != nullptr &&
            EVP_PKEY_get_raw_private_key(
                key.get(), reinterpret_cast<unsigned char*>(raw.bytes.data()), &size) == 1 &&
            size == kKeyBytes;
  ERR_clear_error();
  if (!ok) return Invalid("its PKCS#8 structure is malformed");
  return EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519 ? SecretKey::FromEd25519Seed(raw.bytes)
                                                             : SecretKey::FromRaw(raw.bytes);
}

Result<PublicKey> ParseSpki(std::string_view der) {
  auto* at = reinterpret_cast<const unsigned char*>(der.data());
  Pkey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (key == nullptr) return Invalid("its public key is malformed");
  if (!IsCurve25519(EVP_PKEY_get_base_id(key.get())))
    return Unsupported("only ed25519 and X25519 keys can be used");
  std::string raw(kKeyBytes, '\0');
  std::size_t size = raw.size();
  bool ok = EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(raw.data()),
                                        &size) == 1;
  GF_CHECK(ok && size == kKeyBytes);
  return EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519 ? PublicKey::FromEd25519(raw)
                                                             : PublicKey::FromRaw(raw);
}

}  // namespace

Result<PublicKey> ParsePublicKeyFile(std::string_view text) {
  if (text.size() > kMaxFileBytes) return Invalid("it is too long");
  text = Trim(text);
  if (IsHexKey(text)) return PublicKey::FromHex(text);
  if (text.starts_with("ssh-ed25519 ")) return internal::ParseOpenSshPublicKey(text);
  if (text.starts_with("ssh-") || text.starts_with("ecdsa-"))
    return Unsupported("of OpenSSH keys only ssh-ed25519 can be used");
  GF_ASSIGN(SecretText bytes, Unarmour(text, "PUBLIC KEY"));
  if (bytes.bytes.size() == kKeyBytes) return PublicKey::FromRaw(bytes.bytes);
  return ParseSpki(bytes.bytes);
}

Result<SecretKey> ParseSecretKeyFile(std::string_view text, std::string_view passphrase) {
  if (text.size() > kMaxFileBytes) return Invalid("it is too long");
  text = Trim(text);
  if (IsHexKey(text)) return SecretKey::FromHex(text);
  GF_ASSIGN(SecretText bytes, Unarmour(text, "PRIVATE KEY"));
  if (bytes.bytes.starts_with(kMagic)) return ParseC4gh(bytes.bytes, passphrase);
  if (bytes.bytes.starts_with(internal::kOpenSshMagic))
    return internal::ParseOpenSshSecretKey(bytes.bytes, passphrase);
  return ParsePkcs8(bytes.bytes);
}

std::string FormatPublicKeyFile(const PublicKey& key) { return Armour("PUBLIC KEY", key.raw()); }

std::string FormatSecretKeyFile(const SecretKey& key, std::string_view passphrase, Random& random) {
  SecretText out{std::string(kMagic)};
  if (passphrase.empty()) {
    AppendField(out.bytes, "none");
    AppendField(out.bytes, "none");
    AppendField(out.bytes, key.bytes());
    return Armour("PRIVATE KEY", out.bytes);
  }
  std::string options = std::string(4, '\0') + random.Bytes(kSaltBytes);
  auto kek = Derive("scrypt", options, passphrase);
  GF_CHECK(kek.ok());
  std::string nonce = random.Bytes(internal::kNonceBytes);
  std::string sealed = nonce + std::string(kKeyBytes + internal::kMacBytes, '\0');
  internal::Aead(*kek).Seal(nonce, key.bytes(), sealed.data() + nonce.size());
  AppendField(out.bytes, "scrypt");
  AppendField(out.bytes, options);
  AppendField(out.bytes, "chacha20_poly1305");
  AppendField(out.bytes, sealed);
  return Armour("ENCRYPTED PRIVATE KEY", out.bytes);
}

}  // namespace genofed::crypt4gh
