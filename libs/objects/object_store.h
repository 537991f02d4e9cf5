// SPDX-License-Identifier: Apache-2.0
//
// Where the bodies of encrypted files lie: named, immutable sequences of bytes. A store knows
// nothing of keys or formats, so whoever reads it learns sizes and names only. Implementations:
// LocalStore (a directory), S3Store.
//
// An object appears whole or not at all, under a name that did not exist, and is never changed
// afterwards: readers need no locks, and a caller may repeat what it does not know the outcome of.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::objects {

// 1 to 200 bytes of [a-z0-9._/-], where '/' separates parts that start with a letter or digit; no
// "..". Safe as a file name, in a URL and in a log line. InvalidArgument OBJECT_NAME_INVALID.
inline constexpr std::size_t kMaxNameBytes = 200;
Status CheckName(std::string_view name);

// Reads to the end of the object.
inline constexpr std::uint64_t kToEnd = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::size_t kMaxPage = 1000;

struct ObjectInfo {
  std::string name;
  std::uint64_t size = 0;
  std::string etag;  // changes when the bytes do; not a digest. Empty in lists.
  // When it was written, by the store's clock. In lists; none where the store does not say.
  std::optional<Time> modified = {};
};

struct ObjectPage {
  std::vector<ObjectInfo> objects;  // in byte order of their names
  std::string next;                 // token of the next page; empty after the last
};

// What was written.
struct Written {
  std::uint64_t size = 0;
  std::string sha256;    // 32 raw bytes
  bool existed = false;  // the same bytes were there already
};

// Takes the next bytes, valid only during the call. An error ends the reading and is returned from
// it.
using Sink = std::function<Status(std::string_view bytes)>;

// One object being written; nothing of it is visible before Commit. Abandoned by destruction. After
// an error every call returns that error, so that what was not written whole cannot be committed.
// Not thread safe.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;

  Status Append(const Context& ctx, std::string_view bytes);
  // Makes the object durable and visible; the last call. AlreadyExists OBJECT_EXISTS: the name
  // belongs to other bytes.
  Result<Written> Commit(const Context& ctx);

 private:
  virtual Status DoAppend(const Context& ctx, std::string_view bytes) = 0;
  virtual Result<Written> DoCommit(const Context& ctx) = 0;
  Status ended_;  // why nothing more can be done
};

// Thread safe. Errors that every call can have: InvalidArgument OBJECT_NAME_INVALID; NotFound
// OBJECT_NOT_FOUND; Unavailable STORE_UNAVAILABLE (after the store's own bounded retries);
// ResourceExhausted STORAGE_FULL; DataLoss OBJECT_CHANGED (somebody else writes here); Cancelled
// and DeadlineExceeded of `ctx`. What only an operator can mend is Internal: STORE_ACCESS_DENIED,
// STORE_BUCKET, CLOCK_SKEW, STORE_CERTIFICATE, STORE_ANSWER_INVALID, STORE_FAILED.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // The writer must not outlive the store.
  virtual Result<std::unique_ptr<ObjectWriter>> Create(const Context& ctx,
                                                       std::string_view name) = 0;

  // Sends the bytes from `offset` on, `size` of them or as many as there are, to the sink in order,
  // with bounded memory. OutOfRange RANGE_NOT_SATISFIABLE: the object ends before `offset`. On an
  // error discard what the sink received.
  virtual Status Read(const Context& ctx, std::string_view name, std::uint64_t offset,
                      std::uint64_t size, const Sink& sink) = 0;

  virtual Result<ObjectInfo> Stat(const Context& ctx, std::string_view name) = 0;

  // An object that does not exist is no error: a repetition succeeds.
  virtual Status Remove(const Context& ctx, std::string_view name) = 0;

  // Names that start with `prefix` (which need not be a whole name; "" for all). `page_token` is ""
  // or an ObjectPage::next; `limit` is 1 to kMaxPage. Objects written meanwhile may be missed.
  virtual Result<ObjectPage> List(const Context& ctx, std::string_view prefix,
                                  std::string_view page_token, std::size_t limit) = 0;

  // A URL from which whoever has it may read the object for `lifetime` (1 s to 7 days), whether it
  // exists or not. Unimplemented NO_PRESIGNED_URLS where the store has no address of its own.
  virtual Result<std::string> PresignGet(std::string_view name, std::chrono::seconds lifetime) = 0;

  // Whether the store can be used now.
  virtual Status Probe(const Context& ctx) = 0;
};

// Read() into memory; ResourceExhausted RANGE_TOO_LARGE when there are more than `max_bytes`.
Result<std::string> ReadObject(const Context& ctx, ObjectStore& store, std::string_view name,
                               std::uint64_t offset, std::uint64_t size,
                               std::size_t max_bytes = 64U << 20);

}  // namespace genofed::objects
