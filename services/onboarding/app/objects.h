// SPDX-License-Identifier: Apache-2.0
//
// Objects one by one, for people and smart layers. Whether somebody may have bytes is not decided
// here but asked of the consent service, at every request and every second while they leave.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "libs/crypt4gh/key.h"
#include "libs/genomics/vcf_index.h"
#include "libs/objects/object_store.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

struct PublishedObject {
  ObjectRecord record;  // without its header
  std::string dataset;
  std::int32_t version = 0;
  Holder holder;
};

class PublishedObjects {
 public:
  virtual ~PublishedObjects() = default;
  // NotFound OBJECT_UNKNOWN unless its version is published.
  virtual Result<PublishedObject> Find(const Context& ctx, const std::string& object) = 0;
  // The objects of a published version, also those that it shares with others; 0: of the newest.
  // NotFound OBJECT_UNKNOWN.
  virtual Result<std::vector<PublishedObject>> FindDataset(const Context& ctx,
                                                           const std::string& dataset,
                                                           std::int32_t version) = 0;
  // What a submission set aside, with its header; published ones only. NotFound OBJECT_UNKNOWN.
  virtual Result<PublishedObject> FindQuarantine(const Context& ctx,
                                                 const std::string& submission) = 0;
  // The object of another role in the same version. NotFound OBJECT_UNKNOWN.
  virtual Result<ObjectRecord> FindBeside(const Context& ctx, const PublishedObject& object,
                                          const std::string& role) = 0;
};

// What a question about a reader names; the user is that of the context.
struct ReaderQuestion {
  std::string object;
  std::string peer;  // IP address of the client
};

// The consent service: who may read, and the keys (genofed.consent.v1.ReaderService).
class ReaderGate {
 public:
  virtual ~ReaderGate() = default;
  virtual Status Judge(const Context& ctx, const ReaderQuestion& question,
                       const std::string& passport) = 0;
  virtual Status Check(const Context& ctx, const ReaderQuestion& question,
                       const std::string& access) = 0;
  // A Crypt4GH header of an index for `recipient`.
  virtual Result<std::string> IndexHeader(const Context& ctx, const ReaderQuestion& index,
                                          const std::string& access,
                                          const std::string& recipient) = 0;
};

// The version of a dataset that the catalogue lists; 0: none.
using ListedVersion =
    std::function<Result<std::int32_t>(const Context& ctx, const std::string& dataset)>;

class Objects {
 public:
  static constexpr std::size_t kMaxPiece = 1U << 20;
  static constexpr std::size_t kMaxRegions = 100;
  static constexpr std::size_t kMaxRanges = 500;
  static constexpr std::int64_t kMaxIndexBytes = std::int64_t{256} << 20;
  // How long the answer that an access holds is taken for true.
  static constexpr std::chrono::seconds kCheckedFor{1};

  // Borrows everything. `intake_key` opens what was set aside; may be null.
  Objects(PublishedObjects& published, objects::ObjectStore& store, ReaderGate& gate,
          ListedVersion listed, const Clock& clock, Random& random,
          const crypt4gh::SecretKey* intake_key)
      : published_(published),
        store_(store),
        gate_(gate),
        listed_(std::move(listed)),
        clock_(clock),
        random_(random),
        intake_key_(intake_key) {}

  struct View {
    std::vector<PublishedObject> objects;  // one, or those of a dataset
    bool readable = false;
  };
  // An object, or a dataset: the version that is listed, for its holder the newest. With a
  // passport: if it opens the dataset to the client. Without: for the holder; for everybody else it
  // does not exist (OBJECT_UNKNOWN).
  Result<View> Get(const Context& ctx, const ReaderQuestion& question, const std::string& passport);

  struct Piece {
    std::string bytes;
    ObjectRecord object;
  };
  // At most kMaxPiece bytes of a body under an access; none tells about the object only. Errors:
  // those of the gate and the store; PIECE_INVALID; OutOfRange RANGE_NOT_SATISFIABLE; DataLoss
  // BODY_LOST.
  Result<Piece> Read(const Context& ctx, const ReaderQuestion& question, const std::string& access,
                     std::int64_t offset, std::int64_t size);

  struct QuarantinePiece {
    std::string header;  // for the recipient, with offset 0
    std::string bytes;
    std::int64_t body_size = 0;
  };
  // What a submission set aside, for its holder, encrypted for a Crypt4GH public key file of
  // theirs. For everybody else it does not exist. Errors: OBJECT_UNKNOWN; PIECE_INVALID;
  // RANGE_NOT_SATISFIABLE; those of ParsePublicKeyFile.
  Result<QuarantinePiece> ReadQuarantine(const Context& ctx, const std::string& submission,
                                         const std::string& recipient, std::int64_t offset,
                                         std::int64_t size);

  // Which bytes of the genotypes (the plaintext) hold the header and the regions; none: the header
  // alone. The index is opened for a key that lives as long as this call. Errors: those of the
  // gate; NotFound NOT_VARIANTS, REFERENCE_UNKNOWN; InvalidArgument TOO_MANY_REGIONS.
  Result<std::vector<genomics::FileRange>> Plan(const Context& ctx, const ReaderQuestion& question,
                                                const std::string& access,
                                                std::span<const genomics::IndexRegion> regions);

 private:
  // `size` bytes of a body, or as many as there are from `offset` on; none: nothing is read.
  Result<std::string> ReadBody(const Context& ctx, const ObjectRecord& object, std::int64_t offset,
                               std::int64_t size);
  Status CheckAccess(const Context& ctx, const ReaderQuestion& question, const std::string& access);
  Result<std::string> OpenIndex(const Context& ctx, const ObjectRecord& index,
                                const std::string& access, const std::string& peer);

  PublishedObjects& published_;
  objects::ObjectStore& store_;
  ReaderGate& gate_;
  const ListedVersion listed_;
  const Clock& clock_;
  Random& random_;
  const crypt4gh::SecretKey* const intake_key_;
  Mutex mutex_;
  std::map<std::string, Time> checked_
      ABSL_GUARDED_BY(mutex_);  // question to until when its answer holds
};

}  // namespace genofed::onboarding
