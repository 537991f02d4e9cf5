// SPDX-License-Identifier: Apache-2.0
//
// One object on its way to S3. Internal to the library.
#pragma once

#include <string>
#include <vector>

#include "libs/crypto/hash.h"
#include "libs/objects/object_store.h"
#include "libs/objects/s3_client.h"

namespace genofed::objects {

class S3Writer final : public ObjectWriter {
 public:
  // Both must outlive the writer.
  S3Writer(ObjectStore& store, S3Client& client, std::string name);
  ~S3Writer() override;

 private:
  Status DoAppend(const Context& ctx, std::string_view bytes) override;
  Result<Written> DoCommit(const Context& ctx) override;
  Status Begin(const Context& ctx);
  Status SendPart(const Context& ctx);
  Status Put(const Context& ctx);
  Status Complete(const Context& ctx);
  // Sends what must not replace an object.
  Status SendIfFree(const Context& ctx, S3Request& request);
  Result<Written> CompareWithExisting(const Context& ctx, Written written);
  // Whether the object there is the result of this very upload.
  bool IsOurs(const Context& ctx);

  ObjectStore& store_;
  S3Client& client_;
  const std::string name_;
  const std::string mark_;          // random, in the object's metadata
  std::string part_;                // bytes not sent yet
  std::string upload_id_;           // of the multipart upload; empty: none yet
  bool finished_ = false;           // nothing to abort
  bool existing_ = false;           // the name is taken: bytes are only compared
  std::vector<std::string> etags_;  // of the parts sent
  crypto::Sha256Stream sha_;
  std::uint64_t size_ = 0;
};

}  // namespace genofed::objects
