// SPDX-License-Identifier: Apache-2.0
//
// One logged-in session with one key of a PKCS#11 token. Not for use outside libs/crypto. Not
// thread safe.
#pragma once

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::crypto::internal {

struct FreeUri {
  void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
};
using UriPtr = std::unique_ptr<P11KitUri, FreeUri>;

// Reason KEY_URI_INVALID: not RFC 7512, names no token, object or module, or carries a PIN.
Result<UriPtr> ParseKeyUri(const std::string& text);

class Pkcs11Session {
 public:
  // Errors as of Pkcs11Signer::Open.
  static Result<std::unique_ptr<Pkcs11Session>> Open(P11KitUri* uri, std::string_view pin);
  ~Pkcs11Session();
  Pkcs11Session(const Pkcs11Session&) = delete;
  Pkcs11Session& operator=(const Pkcs11Session&) = delete;

  // r||s over a SHA-256 digest. Any error means that the session is of no more use.
  Result<std::string> Sign(std::string_view digest);
  const PublicKey& public_key() const { return *public_key_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Pkcs11Session() = default;
  Status LoadModule(const char* path);
  Result<CK_SLOT_ID> FindToken(P11KitUri* uri);
  Status LogIn(CK_SLOT_ID slot, std::string_view pin);
  Status FindKey(P11KitUri* uri);
  Status ReadPublicKey(P11KitUri* uri);
  void CheckProtection();

  Result<std::vector<CK_OBJECT_HANDLE>> FindObjects(std::vector<CK_ATTRIBUTE> wanted);
  // The attribute's bytes; empty when the object has none.
  Result<std::string> Attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

  CK_FUNCTION_LIST* module_ = nullptr;
  bool initialised_ = false;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE key_ = CK_INVALID_HANDLE;
  std::unique_ptr<PublicKey> public_key_;
  std::vector<std::string> warnings_;
};

}  // namespace genofed::crypto::internal
