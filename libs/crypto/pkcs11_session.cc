// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/pkcs11_session.h"

#include <openssl/crypto.h>

#include "libs/core/strings.h"

namespace genofed::crypto::internal {
namespace {

// DER of the object identifier prime256v1.
constexpr std::string_view kP256("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
constexpr std::size_t kPointBytes = 65;  // 0x04, x, y
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kMaxAttributeBytes = 4096;
constexpr CK_ULONG kMaxObjects = 16;

Status Invalid(std::string_view reason, std::string message) {
  return MakeError(StatusCode::kInvalidArgument, reason, std::move(message));
}

Status Unavailable(std::string_view what, CK_RV code) {
  return Error(StatusCode::kUnavailable, "KEY_STORE_UNAVAILABLE", "{}: {} (0x{:x})", what,
               p11_kit_strerror(code), code);
}

bool IsPinProblem(CK_RV code) {
  switch (code) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_EXPIRED:
    case CKR_PIN_LOCKED:
    case CKR_USER_PIN_NOT_INITIALIZED:
      return true;
    default:
      return false;
  }
}

CK_ATTRIBUTE Wanted(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
  return {type, const_cast<void*>(value), static_cast<CK_ULONG>(size)};
}

// What the URI says of the object, other than its class: private and public half share label and
// id.
std::vector<CK_ATTRIBUTE> ObjectAttributes(P11KitUri* uri) {
  CK_ULONG count = 0;
  const CK_ATTRIBUTE* attributes = p11_kit_uri_get_attributes(uri, &count);
  std::vector<CK_ATTRIBUTE> wanted;
  for (CK_ULONG i = 0; i < count; ++i) {
    if (attributes[i].type != CKA_CLASS) wanted.push_back(attributes[i]);
  }
  return wanted;
}

// CKA_EC_POINT is a DER octet string around the point; some tokens leave the wrapping out.
Result<PublicKey> KeyOfPoint(std::string_view point) {
  if (point.size() == kPointBytes + 2 && point.substr(0, 2) == "\x04\x41") point.remove_prefix(2);
  if (point.size() != kPointBytes || point.front() != '\x04') {
    return Invalid("KEY_INVALID", "the token's public key is not a P-256 point");
  }
  return PublicKey::FromJwk(fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}})",
                                        Base64UrlEncode(point.substr(1, 32)),
                                        Base64UrlEncode(point.substr(33))));
}

}  // namespace

Result<UriPtr> ParseKeyUri(const std::string& text) {
  UriPtr uri(p11_kit_uri_new());
  GF_CHECK(uri != nullptr);
  const int parsed = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.get());
  if (parsed != P11_KIT_URI_OK) {
    return Error(StatusCode::kInvalidArgument, "KEY_URI_INVALID", "not a PKCS#11 URI: {}",
                 p11_kit_uri_message(parsed));
  }
  if (p11_kit_uri_get_pin_value(uri.get()) != nullptr ||
      p11_kit_uri_get_pin_source(uri.get()) != nullptr) {
    return Invalid("KEY_URI_INVALID",
                   "the URI must not carry a PIN or where it lies; that is a setting of its own");
  }
  if (p11_kit_uri_any_unrecognized(uri.get()) != 0) {
    return Invalid("KEY_URI_INVALID", "the URI has an attribute that is not known");
  }
  const char* module = p11_kit_uri_get_module_path(uri.get());
  if (module == nullptr || module[0] != '/') {
    return Invalid("KEY_URI_INVALID", "the URI must name its module: ?module-path=/absolute/path");
  }
  if (ObjectAttributes(uri.get()).empty()) {
    return Invalid("KEY_URI_INVALID", "the URI must name the key: object=LABEL or id=%01");
  }
  return uri;
}

Result<std::unique_ptr<Pkcs11Session>> Pkcs11Session::Open(P11KitUri* uri, std::string_view pin) {
  std::unique_ptr<Pkcs11Session> session(new Pkcs11Session());
  GF_TRY(session->LoadModule(p11_kit_uri_get_module_path(uri)));
  GF_ASSIGN(const CK_SLOT_ID slot, session->FindToken(uri));
  GF_TRY(session->LogIn(slot, pin));
  GF_TRY(session->FindKey(uri));
  GF_TRY(session->ReadPublicKey(uri));
  session->CheckProtection();
  return session;
}

// Managed by p11-kit: a module used twice in a process is initialised and finalised once.
Pkcs11Session::~Pkcs11Session() {
  if (module_ == nullptr) return;
  if (session_ != CK_INVALID_HANDLE) module_->C_CloseSession(session_);
  if (initialised_) p11_kit_module_finalize(module_);
  p11_kit_module_release(module_);
}

Status Pkcs11Session::LoadModule(const char* path) {
  module_ = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);
  if (module_ == nullptr) {
    const char* why = p11_kit_message();
    return Error(StatusCode::kInvalidArgument, "KEY_STORE_INVALID",
                 "cannot load the PKCS#11 module {}: {}", path, why == nullptr ? "unknown" : why);
  }
  if (const CK_RV code = p11_kit_module_initialize(module_); code != CKR_OK) {
    return Unavailable(fmt::format("the PKCS#11 module {} does not start", path), code);
  }
  initialised_ = true;
  return absl::OkStatus();
}

Result<CK_SLOT_ID> Pkcs11Session::FindToken(P11KitUri* uri) {
  CK_ULONG count = 0;
  if (const CK_RV code = module_->C_GetSlotList(CK_TRUE, nullptr, &count); code != CKR_OK) {
    return Unavailable("the PKCS#11 module lists no slots", code);
  }
  std::vector<CK_SLOT_ID> slots(count);
  if (count > 0) {
    if (const CK_RV code = module_->C_GetSlotList(CK_TRUE, slots.data(), &count); code != CKR_OK) {
      return Unavailable("the PKCS#11 module lists no slots", code);
    }
    slots.resize(count);
  }
  std::vector<CK_SLOT_ID> matching;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    if (module_->C_GetTokenInfo(slot, &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0)
      continue;
    if (p11_kit_uri_match_token_info(uri, &info) == 1) matching.push_back(slot);
  }
  if (matching.empty()) {
    return Error(StatusCode::kFailedPrecondition, "TOKEN_NOT_FOUND",
                 "the PKCS#11 module has no token as the URI names it");
  }
  if (matching.size() > 1) {
    return Error(StatusCode::kInvalidArgument, "KEY_AMBIGUOUS",
                 "{} tokens are as the URI names them", matching.size());
  }
  return matching.front();
}

Status Pkcs11Session::LogIn(CK_SLOT_ID slot, std::string_view pin) {
  if (const CK_RV code =
          module_->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session_);
      code != CKR_OK) {
    return Unavailable("the token opens no session", code);
  }
  std::string copy(pin);  // the interface wants it writable
  const CK_RV code =
      module_->C_Login(session_, CKU_USER, reinterpret_cast<CK_UTF8CHAR_PTR>(copy.data()),
                       static_cast<CK_ULONG>(copy.size()));
  OPENSSL_cleanse(copy.data(), copy.size());
  // Logins are of the process: another signer may have logged in already.
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return absl::OkStatus();
  if (IsPinProblem(code)) {
    return Error(StatusCode::kFailedPrecondition, "PIN_REFUSED",
                 "the token refused the PIN ({}); it is not tried again, since tokens lock",
                 p11_kit_strerror(code));
  }
  return Unavailable("the token refuses to log in", code);
}

Result<std::vector<CK_OBJECT_HANDLE>> Pkcs11Session::FindObjects(std::vector<CK_ATTRIBUTE> wanted) {
  CK_RV code =
      module_->C_FindObjectsInit(session_, wanted.data(), static_cast<CK_ULONG>(wanted.size()));
  if (code != CKR_OK) return Unavailable("the token cannot be searched", code);
  std::vector<CK_OBJECT_HANDLE> found(kMaxObjects);
  CK_ULONG count = 0;
  code = module_->C_FindObjects(session_, found.data(), kMaxObjects, &count);
  module_->C_FindObjectsFinal(session_);
  if (code != CKR_OK) return Unavailable("the token cannot be searched", code);
  found.resize(count);
  return found;
}

Result<std::string> Pkcs11Session::Attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE attribute{type, nullptr, 0};
  CK_RV code = module_->C_GetAttributeValue(session_, object, &attribute, 1);
  if (code == CKR_ATTRIBUTE_TYPE_INVALID || code == CKR_ATTRIBUTE_SENSITIVE) return std::string();
  if (code != CKR_OK || attribute.ulValueLen > kMaxAttributeBytes)
    return Unavailable("the key cannot be looked at", code);
  std::string value(attribute.ulValueLen, '\0');
  attribute.pValue = value.data();
  code = module_->C_GetAttributeValue(session_, object, &attribute, 1);
  if (code != CKR_OK) return Unavailable("the key cannot be looked at", code);
  value.resize(attribute.ulValueLen);
  return value;
}

Status Pkcs11Session::FindKey(P11KitUri* uri) {
  const CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  std::vector<CK_ATTRIBUTE> wanted = ObjectAttributes(uri);
  wanted.push_back(Wanted(CKA_CLASS, &kind, sizeof kind));
  GF_ASSIGN(const auto keys, FindObjects(std::move(wanted)));
  if (keys.empty()) {
    return Error(StatusCode::kFailedPrecondition, "KEY_NOT_FOUND",
                 "the token has no private key as the URI names it");
  }
  if (keys.size() > 1) {
    return Error(StatusCode::kInvalidArgument, "KEY_AMBIGUOUS",
                 "{} private keys are as the URI names them; add id=", keys.size());
  }
  key_ = keys.front();
  GF_ASSIGN(const std::string type, Attribute(key_, CKA_KEY_TYPE));
  const CK_KEY_TYPE ec = CKK_EC;
  if (type != std::string_view(reinterpret_cast<const char*>(&ec), sizeof ec)) {
    return Invalid("KEY_INVALID", "the token's key is not an EC key");
  }
  return absl::OkStatus();
}

// From the public object beside the private key: as the URI names it, or with the private key's id.
Status Pkcs11Session::ReadPublicKey(P11KitUri* uri) {
  const CK_OBJECT_CLASS kind = CKO_PUBLIC_KEY;
  GF_ASSIGN(const std::string id, Attribute(key_, CKA_ID));
  std::vector<CK_ATTRIBUTE> wanted = ObjectAttributes(uri);
  if (!id.empty()) wanted = {Wanted(CKA_ID, id.data(), id.size())};
  wanted.push_back(Wanted(CKA_CLASS, &kind, sizeof kind));
  GF_ASSIGN(const auto found, FindObjects(std::move(wanted)));
  if (found.size() != 1) {
    return Error(StatusCode::kInvalidArgument, "KEY_INVALID",
                 "the token has {} public keys beside the private key; exactly one is needed",
                 found.size());
  }
  GF_ASSIGN(const std::string curve, Attribute(found.front(), CKA_EC_PARAMS));
  if (curve != kP256)
    return Invalid("KEY_INVALID", "the token's key is not on the curve P-256 (prime256v1)");
  GF_ASSIGN(const std::string point, Attribute(found.front(), CKA_EC_POINT));
  GF_ASSIGN(PublicKey key, KeyOfPoint(point));
  public_key_ = std::make_unique<PublicKey>(std::move(key));
  return absl::OkStatus();
}

void Pkcs11Session::CheckProtection() {
  const auto is = [this](CK_ATTRIBUTE_TYPE type, CK_BBOOL value) {
    const auto attribute = Attribute(key_, type);
    return attribute.ok() && attribute->size() == 1 &&
           static_cast<CK_BBOOL>(attribute->front()) == value;
  };
  if (is(CKA_EXTRACTABLE, CK_TRUE)) {
    warnings_.emplace_back(
        "the private key is marked extractable: it can be copied out of the token");
  }
  if (is(CKA_SENSITIVE, CK_FALSE)) {
    warnings_.emplace_back(
        "the private key is not marked sensitive: the token shows it in the clear");
  }
  if (is(CKA_LOCAL, CK_FALSE)) {
    warnings_.emplace_back(
        "the private key was not generated in the token: copies may exist elsewhere");
  }
}

Result<std::string> Pkcs11Session::Sign(std::string_view digest) {
  CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
  CK_RV code = module_->C_SignInit(session_, &mechanism, key_);
  if (code != CKR_OK) return Unavailable("the token does not sign", code);
  std::string data(digest);
  std::string signature(2 * kSignatureBytes, '\0');
  auto size = static_cast<CK_ULONG>(signature.size());
  code = module_->C_Sign(session_, reinterpret_cast<CK_BYTE_PTR>(data.data()),
                         static_cast<CK_ULONG>(data.size()),
                         reinterpret_cast<CK_BYTE_PTR>(signature.data()), &size);
  if (code != CKR_OK) return Unavailable("the token does not sign", code);
  signature.resize(size);
  return signature;
}

}  // namespace genofed::crypto::internal
