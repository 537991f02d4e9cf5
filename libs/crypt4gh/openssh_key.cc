// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/openssh_key.h"

#include <openssl/evp.h>

#include <memory>
#include <optional>

#include "libs/core/strings.h"
#include "libs/crypt4gh/kdf.h"
#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh::internal {
namespace {

constexpr std::string_view kKeyType = "ssh-ed25519";
constexpr std::size_t kAesKeyBytes = 32;
constexpr std::size_t kAesIvBytes = 16;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "CRYPT4GH_KEY_INVALID", "OpenSSH key: {}", why);
}
Status Unsupported(std::string_view why) {
  return Error(StatusCode::kUnimplemented, "CRYPT4GH_KEY_UNSUPPORTED", "OpenSSH key: {}", why);
}

// Big-endian integers and length-prefixed strings (RFC 4251 section 5).
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::uint32_t> Integer() {
    if (rest_.size() < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (char c : rest_.substr(0, 4)) value = value << 8 | static_cast<std::uint8_t>(c);
    rest_.remove_prefix(4);
    return value;
  }
  std::optional<std::string_view> String() {
    auto size = Integer();
    if (!size || rest_.size() < *size) return std::nullopt;
    std::string_view text = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return text;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// The 32 raw bytes in a public key blob.
Result<std::string_view> RawPublicKey(std::string_view blob) {
  Fields fields(blob);
  auto type = fields.String();
  if (!type) return Invalid("it ends early");
  if (*type != kKeyType) return Unsupported("only ssh-ed25519 keys can be used");
  auto raw = fields.String();
  if (!raw || raw->size() != kKeyBytes || !fields.rest().empty())
    return Invalid("its public key is malformed");
  return *raw;
}

void Aes256Ctr(const SecretText& key_and_iv, std::string_view in, SecretText& out) {
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                          &EVP_CIPHER_CTX_free);
  auto* key = reinterpret_cast<const unsigned char*>(key_and_iv.bytes.data());
  int n = 0;
  bool ok =
      context != nullptr &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, key, key + kAesKeyBytes) == 1 &&
      EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(out.bytes.data()), &n,
                        reinterpret_cast<const unsigned char*>(in.data()),
                        static_cast<int>(in.size())) == 1;
  GF_CHECK(ok);
}

// Checks, key type, public key, seed and public key once more, comment, padding 1, 2, 3 ….
Result<SecretKey> ReadPrivate(std::string_view plain, std::string_view public_raw, bool encrypted) {
  Fields fields(plain);
  auto check = fields.Integer();
  auto again = fields.Integer();
  if (!check || !again) return Invalid("it ends early");
  if (*check != *again) {
    if (!encrypted) return Invalid("its check numbers differ");
    return Error(StatusCode::kPermissionDenied, "CRYPT4GH_PASSPHRASE_WRONG",
                 "the passphrase does not open the key file");
  }
  if (fields.String() != kKeyType || fields.String() != public_raw)
    return Invalid("its two halves differ");
  auto pair = fields.String();
  if (!pair || pair->size() != 2 * kKeyBytes) return Invalid("its secret key is malformed");
  GF_ASSIGN(SecretKey key, SecretKey::FromEd25519Seed(pair->substr(0, kKeyBytes)));
  GF_ASSIGN(PublicKey expected, PublicKey::FromEd25519(public_raw));
  if (pair->substr(kKeyBytes) != public_raw || key.public_key() != expected)
    return Invalid("its secret key does not belong to its public key");
  return key;
}

}  // namespace

Result<PublicKey> ParseOpenSshPublicKey(std::string_view line) {
  std::string_view blob = Trim(line.substr(kKeyType.size()));
  blob = blob.substr(0, blob.find_first_of(" \t\r\n"));
  GF_ASSIGN(std::string bytes, Base64Decode(blob));
  GF_ASSIGN(std::string_view raw, RawPublicKey(bytes));
  return PublicKey::FromEd25519(raw);
}

Result<SecretKey> ParseOpenSshSecretKey(std::string_view bytes, std::string_view passphrase) {
  Fields fields(bytes.substr(kOpenSshMagic.size()));
  auto cipher = fields.String();
  auto kdf = fields.String();
  auto options = fields.String();
  auto count = fields.Integer();
  auto public_blob = fields.String();
  auto sealed = fields.String();
  if (!cipher || !kdf || !options || !count || !public_blob || !sealed)
    return Invalid("it ends early");
  if (*count != 1) return Unsupported("it does not hold exactly one key");
  GF_ASSIGN(std::string_view public_raw, RawPublicKey(*public_blob));
  if (*cipher == "none" && *kdf == "none") return ReadPrivate(*sealed, public_raw, false);
  if (*cipher != "aes256-ctr" || *kdf != "bcrypt")
    return Unsupported("only aes256-ctr with bcrypt is read; `ssh-keygen -p` writes that");
  Fields derivation(*options);
  auto salt = derivation.String();
  auto rounds = derivation.Integer();
  if (!salt || !rounds) return Invalid("its key derivation options are malformed");
  GF_ASSIGN(SecretText key,
            DeriveKey("bcrypt", *rounds, *salt, passphrase, kAesKeyBytes + kAesIvBytes));
  SecretText plain(sealed->size());
  Aes256Ctr(key, *sealed, plain);
  return ReadPrivate(plain.bytes, public_raw, true);
}

}  // namespace genofed::crypt4gh::internal
