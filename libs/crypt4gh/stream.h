// SPDX-License-Identifier: Apache-2.0
//
// The body of a Crypt4GH file as a stream: segments of nonce (12), up to 65,536 encrypted bytes and
// MAC (16).
//
// The format itself detects neither a dropped tail nor reordered or repeated segments
// (crypt4gh.tex, "Message Forgery"). Therefore whoever encrypts keeps a Manifest, and whoever
// decrypts checks against it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/crypt4gh/header.h"
#include "libs/crypt4gh/key.h"

namespace genofed::crypt4gh {

// Takes the next bytes of output; they are valid only during the call. An error ends the stream.
using Sink = std::function<Status(std::string_view bytes)>;

// What must be stored, logged and checked about one encrypted file. Digests are 32 raw bytes of
// SHA-256. The plaintext is that before any edit list. `header` opens the body for its first
// readers; a header made by Reencrypt opens the same body and is checked with the same manifest.
struct Manifest {
  std::uint64_t plain_size = 0;
  std::uint64_t body_size = 0;
  std::string plain_sha256;
  std::string body_sha256;
  std::string header;
};

// Which digests of a Manifest are made; the others stay empty. They cost more time than the cipher.
enum class Checksums { kNone, kBody, kBoth };

struct EncryptOptions {
  Checksums checksums = Checksums::kBoth;
  const SecretKey* writer = nullptr;  // null: an ephemeral one. Used by Create only
};

// Encrypts one stream under a fresh data key. Not thread safe. After an error every call returns
// that error.
class Encryptor {
 public:
  // `random` must outlive the encryptor. The sink receives the body only.
  static Result<Encryptor> Create(std::span<const PublicKey> recipients, Random& random, Sink sink,
                                  const EncryptOptions& options = {});
  Encryptor(Encryptor&&) noexcept;
  Encryptor& operator=(Encryptor&&) noexcept;
  ~Encryptor();

  // For the combined form: write it before the first byte of the body.
  const std::string& header() const;
  Status Push(std::string_view plain);
  // Writes the last segment. Call once.
  Result<Manifest> Finish();

 private:
  struct State;
  explicit Encryptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Decrypts one body. Each segment is authenticated before its plaintext reaches the sink, but only
// a successful Finish proves that the output is the whole file in its order: on an error discard
// what the sink received. Not thread safe. After an error every call returns that error.
class Decryptor {
 public:
  // `header` is any header that `key` opens. More bytes than expected.body_size are refused at
  // once.
  static Result<Decryptor> Create(std::string_view header, const SecretKey& key,
                                  const Manifest& expected, Sink sink);
  // For files of others, for which no manifest exists: Finish measures sizes, and cannot notice
  // missing, swapped or repeated segments. A body whose last segment is not full
  // (body_size % kSealedSegmentBytes != 0) has at least not lost its end.
  static Result<Decryptor> CreateUnverified(std::string_view header, const SecretKey& key,
                                            Sink sink);
  Decryptor(Decryptor&&) noexcept;
  Decryptor& operator=(Decryptor&&) noexcept;
  ~Decryptor();

  // Errors: CRYPT4GH_SEGMENT_INVALID (DataLoss: changed bytes or a wrong key),
  // CRYPT4GH_MANIFEST_MISMATCH (DataLoss: longer than expected), and those of the sink.
  Status Push(std::string_view body);
  // Decrypts the last segment and checks sizes and digests. Returns what was measured (without a
  // header). Errors: as Push.
  Result<Manifest> Finish();

 private:
  struct State;
  explicit Decryptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace genofed::crypt4gh
