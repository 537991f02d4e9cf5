// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/pkcs11_signer.h"

#include <openssl/crypto.h>

#include <utility>

#include "libs/core/mutex.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/jws.h"
#include "libs/crypto/pkcs11_session.h"

namespace genofed::crypto {

using internal::Pkcs11Session;

class Pkcs11Signer::State {
 public:
  State(internal::UriPtr uri, std::string pin, std::unique_ptr<Pkcs11Session> session)
      : uri_(std::move(uri)),
        pin_(std::move(pin)),
        key_(session->public_key()),
        warnings_(session->warnings()),
        session_(std::move(session)) {}
  ~State() { OPENSSL_cleanse(pin_.data(), pin_.size()); }

  // A signature that was checked against the public key: what a faulty token makes never leaves
  // here.
  Result<std::string> Sign(std::string_view data) {
    const std::string digest = Sha256(data);
    const MutexLock lock(mutex_);
    for (bool again : {true, false}) {
      if (session_ == nullptr) GF_TRY(Reconnect());
      auto signature = session_->Sign(digest);
      if (signature.ok() && key_.Verify(data, *signature)) return signature;
      session_ = nullptr;  // lost, or not to be trusted
      if (!again) {
        if (!signature.ok()) return signature;
        return Error(StatusCode::kUnavailable, "KEY_STORE_UNAVAILABLE",
                     "the token makes signatures that do not verify");
      }
    }
    return Error(StatusCode::kInternal, "UNREACHABLE", "unreachable");
  }

  const PublicKey& key() const { return key_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Status Reconnect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    GF_TRY(ended_);
    auto session = Pkcs11Session::Open(uri_.get(), pin_);
    if (!session.ok()) {
      const std::string reason = Reason(session.status());
      if (reason == "PIN_REFUSED") ended_ = session.status();
      if (reason == "PIN_REFUSED" || session.status().code() == StatusCode::kUnavailable)
        return session.status();
      // It was all there before: a token that is away, or not all there yet.
      return MakeError(StatusCode::kUnavailable, "KEY_STORE_UNAVAILABLE",
                       Message(session.status()));
    }
    if ((*session)->public_key().thumbprint() != key_.thumbprint()) {
      return ended_ = Error(StatusCode::kFailedPrecondition, "KEY_CHANGED",
                            "the token came back with another key; restart to use that one");
    }
    session_ = *std::move(session);
    return absl::OkStatus();
  }

  const internal::UriPtr uri_;
  std::string pin_;
  const PublicKey key_;
  const std::vector<std::string> warnings_;
  Mutex mutex_;
  std::unique_ptr<Pkcs11Session> session_ ABSL_GUARDED_BY(mutex_);  // null while lost
  Status ended_ ABSL_GUARDED_BY(mutex_);                            // why it is never tried again
};

Pkcs11Signer::Pkcs11Signer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Signer::~Pkcs11Signer() = default;

Result<std::unique_ptr<Pkcs11Signer>> Pkcs11Signer::Open(Options options) {
  GF_ASSIGN(internal::UriPtr uri, internal::ParseKeyUri(options.uri));
  auto session = Pkcs11Session::Open(uri.get(), options.pin);
  if (session.ok()) {
    constexpr std::string_view kTrial = "genofed trial signature";
    auto signature = (*session)->Sign(Sha256(kTrial));
    if (!signature.ok()) {
      session = signature.status();
    } else if (!(*session)->public_key().Verify(kTrial, *signature)) {
      session = Error(StatusCode::kInvalidArgument, "KEY_INVALID",
                      "the token's public key does not verify what its private key signs");
    }
  }
  if (!session.ok()) {
    OPENSSL_cleanse(options.pin.data(), options.pin.size());
    return session.status();
  }
  return std::unique_ptr<Pkcs11Signer>(new Pkcs11Signer(
      std::make_unique<State>(std::move(uri), std::move(options.pin), *std::move(session))));
}

Result<std::string> Pkcs11Signer::SignJws(std::string_view type, std::string_view claims,
                                          std::string_view jku) {
  GF_ASSIGN(const std::string token, JwsSigningInput(public_key().kid(), type, claims, jku));
  GF_ASSIGN(const std::string signature, state_->Sign(token));
  return token + "." + Base64UrlEncode(signature);
}

const PublicKey& Pkcs11Signer::public_key() const { return state_->key(); }
const std::vector<std::string>& Pkcs11Signer::warnings() const { return state_->warnings(); }

}  // namespace genofed::crypto
