// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libs/clinical/collector.h"
#include "libs/core/finding.h"
#include "libs/core/random.h"
#include "libs/crypt4gh/stream.h"
#include "libs/objects/object_store.h"

namespace genofed::onboarding {

struct PeopleFile;

// Records that were set aside, with their original bytes, as one Crypt4GH body of JSON lines:
//   {"code","file","line","field","record"}, and "encoding": "base64" where the record is not UTF-8.
// A record that several lines are about is in the first of them. They name people, so clear text never reaches a disk.
// Not thread-safe.
class Quarantine {
 public:
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;    // of all lines
  static constexpr std::size_t kMaxRecordBytes = std::size_t{16} << 20;  // of a record; what is longer is cut

  // Writes the body of an object. The context, the store and `random` are borrowed.
  static Result<std::unique_ptr<Quarantine>> Create(const Context& ctx, objects::ObjectStore& store, std::string object,
                                                    const crypt4gh::PublicKey& recipient, Random& random);
  Quarantine(const Quarantine&) = delete;
  Quarantine& operator=(const Quarantine&) = delete;

  // Without a record: it has none of its own, or it was added before. Whether it was kept; an error is kept for Finish.
  bool Add(const Finding& finding, std::optional<std::string_view> record);
  // What the collector set aside of the files, which are read again for it.
  Status AddClinical(std::span<const PeopleFile> files, const clinical::Collector& sources);

  bool empty() const { return bytes_ == 0; }
  // How many were not kept, for want of room.
  std::int64_t not_kept() const { return not_kept_; }
  // Makes the body durable. None when nothing was added: then there is no body. Call once.
  Result<std::optional<crypt4gh::Manifest>> Finish();
  const std::string& object() const { return object_; }

 private:
  Quarantine(const Context& ctx, std::string object, std::unique_ptr<objects::ObjectWriter> body)
      : ctx_(ctx), object_(std::move(object)), body_(std::move(body)) {}

  const Context& ctx_;
  const std::string object_;
  const std::unique_ptr<objects::ObjectWriter> body_;
  std::optional<crypt4gh::Encryptor> encryptor_;
  Status status_;
  std::uint64_t bytes_ = 0;
  std::int64_t not_kept_ = 0;
};

}  // namespace genofed::onboarding
