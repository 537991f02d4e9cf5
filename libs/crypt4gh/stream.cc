// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/stream.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/crypt4gh/primitives.h"
#include "libs/crypt4gh/segment_opener.h"
#include "libs/crypt4gh/sha256_pair.h"
#include "libs/crypto/hash.h"

namespace genofed::crypt4gh {
namespace {

using internal::kMacBytes;
using internal::kNonceBytes;

// Sizes and digests of both sides of the cipher, taken segment by segment while these are in the
// processor's cache.
class Totals {
 public:
  explicit Totals(Checksums checksums) : checksums_(checksums) {}

  void Add(std::string_view plain, std::string_view sealed) {
    plain_size_ += plain.size();
    body_size_ += sealed.size();
    if (checksums_ == Checksums::kBody) body_.Update(sealed);
    if (checksums_ == Checksums::kBoth) both_.Update(plain, sealed);
  }
  Manifest ToManifest() {
    Manifest manifest{plain_size_, body_size_, {}, {}, {}};
    if (checksums_ == Checksums::kBody) manifest.body_sha256 = body_.Finish();
    if (checksums_ == Checksums::kBoth) {
      auto digests = both_.Finish();
      manifest.plain_sha256 = std::move(digests.first);
      manifest.body_sha256 = std::move(digests.second);
    }
    return manifest;
  }

 private:
  Checksums checksums_;
  std::uint64_t plain_size_ = 0;
  std::uint64_t body_size_ = 0;
  crypto::Sha256Stream body_;
  internal::Sha256Pair both_;
};

Status Finished() {
  return Error(StatusCode::kFailedPrecondition, "CRYPT4GH_STREAM_FINISHED",
               "the stream was finished before");
}

// Cuts pushed bytes into blocks of `size` and hands each to `use`; `pending` keeps the incomplete
// one.
template <typename Use>
Status Cut(std::string_view bytes, std::size_t size, std::string& pending, const Use& use) {
  while (!bytes.empty()) {
    if (pending.empty() && bytes.size() >= size) {
      GF_TRY(use(bytes.substr(0, size)));
      bytes.remove_prefix(size);
      continue;
    }
    std::size_t take = std::min(size - pending.size(), bytes.size());
    pending.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (pending.size() == size) {
      GF_TRY(use(pending));
      pending.clear();
    }
  }
  return absl::OkStatus();
}

// Passes on the bytes that an edit list keeps.
class Editor {
 public:
  explicit Editor(std::optional<EditList> list) {
    // An empty list edits nothing (crypt4gh.tex, ApplyEditList).
    if (list && !list->empty()) list_ = std::move(*list);
    active_ = !list_.empty();
    left_ = active_ ? list_[0] : 0;
  }

  Status Pass(std::string_view plain, const Sink& sink) {
    if (!active_) return sink(plain);
    while (!plain.empty()) {
      while (left_ == 0 && next_ < list_.size()) Advance();
      bool unlimited =
          next_ >= list_.size();  // behind the list: keep after a discard, drop after a keep
      std::size_t take =
          unlimited ? plain.size()
                    : static_cast<std::size_t>(std::min<std::uint64_t>(left_, plain.size()));
      if (keeping_) GF_TRY(sink(plain.substr(0, take)));
      plain.remove_prefix(take);
      if (!unlimited) left_ -= take;
    }
    return absl::OkStatus();
  }

 private:
  void Advance() {
    ++next_;
    keeping_ = !keeping_;
    if (next_ < list_.size()) left_ = list_[next_];
  }

  EditList list_;
  std::size_t next_ = 0;  // the item that left_ counts down
  std::uint64_t left_ = 0;
  bool keeping_ = false;
  bool active_ = false;
};

}  // namespace

struct Encryptor::State {
  State(const DataKey& key, std::string header_bytes, Random& random_source, Sink output,
        Checksums checksums)
      : aead(key),
        header(std::move(header_bytes)),
        random(random_source),
        sink(std::move(output)),
        totals(checksums) {}
  ~State() { internal::Erase(pending); }

  Status Segment(std::string_view plain) {
    if (nonces_used == nonces.size()) {
      nonces = random.Bytes(kNoncesAtOnce * kNonceBytes);
      nonces_used = 0;
    }
    std::string_view nonce = std::string_view(nonces).substr(nonces_used, kNonceBytes);
    nonces_used += kNonceBytes;
    sealed.resize(kNonceBytes + plain.size() + kMacBytes);
    nonce.copy(sealed.data(), kNonceBytes);
    aead.Seal(nonce, plain, sealed.data() + kNonceBytes);
    totals.Add(plain, sealed);
    return sink(sealed);
  }

  static constexpr std::size_t kNoncesAtOnce = 64;

  internal::Aead aead;
  std::string header;
  Random& random;
  Sink sink;
  Totals totals;
  std::string nonces;
  std::size_t nonces_used = 0;  // bytes of them
  std::string pending;
  std::string sealed;
  Status status;
};

Encryptor::Encryptor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Encryptor::Encryptor(Encryptor&&) noexcept = default;
Encryptor& Encryptor::operator=(Encryptor&&) noexcept = default;
Encryptor::~Encryptor() = default;

Result<Encryptor> Encryptor::Create(std::span<const PublicKey> recipients, Random& random,
                                    Sink sink, const EncryptOptions& options) {
  HeaderContent content{{DataKey::Generate(random)}, std::nullopt};
  GF_ASSIGN(std::string header, options.writer != nullptr
                                    ? BuildHeader(content, recipients, *options.writer, random)
                                    : BuildHeader(content, recipients, random));
  return Encryptor(std::make_unique<State>(content.data_keys[0], std::move(header), random,
                                           std::move(sink), options.checksums));
}

const std::string& Encryptor::header() const { return state_->header; }

Status Encryptor::Push(std::string_view plain) {
  State& s = *state_;
  GF_TRY(s.status);
  s.status = Cut(plain, kSegmentBytes, s.pending,
                 [&s](std::string_view segment) { return s.Segment(segment); });
  return s.status;
}

Result<Manifest> Encryptor::Finish() {
  State& s = *state_;
  GF_TRY(s.status);
  // An empty plaintext has no segment at all.
  if (!s.pending.empty()) s.status = s.Segment(s.pending);
  GF_TRY(s.status);
  s.status = Finished();
  Manifest manifest = s.totals.ToManifest();
  manifest.header = s.header;
  return manifest;
}

struct Decryptor::State {
  State(HeaderContent content, const Manifest* manifest, Sink output)
      : opener(content.data_keys),
        editor(std::move(content.edit_list)),
        sink(std::move(output)),
        totals(manifest != nullptr ? Checksums::kBoth : Checksums::kNone) {
    if (manifest != nullptr) expected = *manifest;
  }
  ~State() { internal::Erase(plain); }

  Status Segment(std::string_view segment) {
    GF_TRY(opener.Open(segment, segments, plain));
    totals.Add(plain, segment);
    ++segments;
    return editor.Pass(plain, sink);
  }

  Status Compare(const Manifest& measured) const {
    if (!expected) return absl::OkStatus();
    if (measured.plain_size == expected->plain_size && measured.body_size == expected->body_size &&
        measured.plain_sha256 == expected->plain_sha256 &&
        measured.body_sha256 == expected->body_sha256) {
      return absl::OkStatus();
    }
    return Mismatch();
  }

  static Status Mismatch() {
    return Error(StatusCode::kDataLoss, "CRYPT4GH_MANIFEST_MISMATCH",
                 "the body is not the one that was stored: its size or digest differs");
  }

  internal::SegmentOpener opener;
  Editor editor;
  Sink sink;
  std::optional<Manifest> expected;
  Totals totals;
  std::uint64_t pushed = 0;  // bytes
  std::uint64_t segments = 0;
  std::string pending;
  std::string plain;
  Status status;
};

Decryptor::Decryptor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Decryptor::Decryptor(Decryptor&&) noexcept = default;
Decryptor& Decryptor::operator=(Decryptor&&) noexcept = default;
Decryptor::~Decryptor() = default;

Result<Decryptor> Decryptor::Create(std::string_view header, const SecretKey& key,
                                    const Manifest& expected, Sink sink) {
  GF_ASSIGN(HeaderContent content, OpenHeader(header, key));
  return Decryptor(std::make_unique<State>(std::move(content), &expected, std::move(sink)));
}

Result<Decryptor> Decryptor::CreateUnverified(std::string_view header, const SecretKey& key,
                                              Sink sink) {
  GF_ASSIGN(HeaderContent content, OpenHeader(header, key));
  return Decryptor(std::make_unique<State>(std::move(content), nullptr, std::move(sink)));
}

Status Decryptor::Push(std::string_view body) {
  State& s = *state_;
  GF_TRY(s.status);
  if (s.expected && body.size() > s.expected->body_size - s.pushed) {
    s.status = State::Mismatch();
    return s.status;
  }
  s.pushed += body.size();
  s.status = Cut(body, kSealedSegmentBytes, s.pending,
                 [&s](std::string_view segment) { return s.Segment(segment); });
  return s.status;
}

Result<Manifest> Decryptor::Finish() {
  State& s = *state_;
  GF_TRY(s.status);
  if (!s.pending.empty()) s.status = s.Segment(s.pending);
  GF_TRY(s.status);
  Manifest measured = s.totals.ToManifest();
  s.status = s.Compare(measured);
  GF_TRY(s.status);
  s.status = Finished();
  return measured;
}

}  // namespace genofed::crypt4gh
