// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "libs/core/clock.h"
#include "libs/objects/object_store.h"
#include "libs/objects/sigv4.h"

namespace genofed::objects {

class S3Client;

// Limits of S3 (User Guide, "Amazon S3 multipart upload limits"), and ours on memory.
inline constexpr std::size_t kMinPartBytes = 5U << 20;
inline constexpr std::size_t kMaxPartBytes = 1U << 30;
inline constexpr std::size_t kMaxParts = 10'000;

struct S3Options {
  std::string endpoint;  // "https://s3.example" or with a port; "http://" for loopback only
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix = {};  // in front of every name: "fi/objects/"
  Credentials credentials = {};
  std::filesystem::path ca_file = {};  // PEM; empty: the system's store
  bool path_style = false;  // https://host/bucket/name instead of https://bucket.host/name
  std::size_t part_bytes = 16U << 20;  // of multipart uploads; a writer keeps one part in memory
  std::chrono::milliseconds timeout{60'000};   // without progress
  int attempts = 5;                            // of each request
  std::chrono::milliseconds first_pause{200};  // between attempts, then twice as long each time
};

// Objects in one bucket of an S3 server, under one prefix that nobody else writes to. Every payload
// is signed, so that the server refuses bytes that changed on their way; reads that break off go on
// where they stopped, on the same version of the object.
//
// Up to a part's size an object is one PUT, above it a multipart upload, which is aborted when the
// writer is abandoned. A process that is killed leaves the upload behind, invisible, until the
// bucket's lifecycle rule removes it. "Exactly one writer wins a name" is guarded by If-None-Match
// where the server knows it; elsewhere by looking first, which two writers of one name in the same
// second can outrun.
class S3Store final : public ObjectStore {
 public:
  // `clock` must outlive the store. InvalidArgument CONFIG_INVALID names the field. Opens no
  // connection: Probe does.
  static Result<std::unique_ptr<S3Store>> Open(S3Options options, const Clock& clock);
  ~S3Store() override;

  Result<std::unique_ptr<ObjectWriter>> Create(const Context& ctx, std::string_view name) override;
  Status Read(const Context& ctx, std::string_view name, std::uint64_t offset, std::uint64_t size,
              const Sink& sink) override;
  Result<ObjectInfo> Stat(const Context& ctx, std::string_view name) override;
  Status Remove(const Context& ctx, std::string_view name) override;
  Result<ObjectPage> List(const Context& ctx, std::string_view prefix, std::string_view page_token,
                          std::size_t limit) override;
  Result<std::string> PresignGet(std::string_view name, std::chrono::seconds lifetime) override;
  Status Probe(const Context& ctx) override;

 private:
  explicit S3Store(std::unique_ptr<S3Client> client);
  const std::unique_ptr<S3Client> client_;
};

}  // namespace genofed::objects
