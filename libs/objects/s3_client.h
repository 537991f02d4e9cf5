// SPDX-License-Identifier: Apache-2.0
//
// Signed requests to one bucket, with retries and with S3's errors turned into ours. Internal to
// the library.
#pragma once

#include <absl/base/thread_annotations.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/core/status.h"
#include "libs/http/client.h"
#include "libs/objects/s3_store.h"
#include "libs/objects/sigv4.h"

namespace genofed::objects {

struct S3Request {
  http::Method method = http::Method::kGet;
  std::string name = {};  // of the object, without the prefix; empty: the bucket itself
  QueryParameters query = {};
  std::map<std::string, std::string> headers = {};  // lower-case names; signed
  std::string body = {};
  http::BodySink sink = {};
};

// Thread safe: every request in flight has a connection of its own.
class S3Client {
 public:
  // `clock` must outlive the client. Opens no connection.
  static Result<std::unique_ptr<S3Client>> Create(S3Options options, const Clock& clock);

  // One attempt. Only 2xx is OK; else, besides those of ObjectStore, by the answer's status and S3
  // code: NotFound UPLOAD_NOT_FOUND, OutOfRange RANGE_NOT_SATISFIABLE, Aborted PRECONDITION_FAILED,
  // Unimplemented STORE_CANNOT. Unavailable STORE_UNAVAILABLE is worth repeating. The request's
  // body is there again afterwards.
  Result<http::ClientResponse> SendOnce(const Context& ctx, S3Request& request);
  // Repeats what is worth repeating, a bounded number of times, with growing pauses.
  Result<http::ClientResponse> Send(const Context& ctx, S3Request& request);

  Result<std::string> PresignGet(const std::string& name, std::chrono::seconds lifetime) const;

  const S3Options& options() const { return options_; }

  // Whether the server may know If-None-Match on writes; not all do, and some refuse what they do
  // not know.
  bool conditional_writes() const { return conditional_writes_; }
  void ForgetConditionalWrites() { conditional_writes_ = false; }

 private:
  S3Client(S3Options options, const Clock& clock);
  std::string Path(const std::string& name) const;
  Status FromAnswer(http::Method method, const http::ClientResponse& answer) const;
  Status ClockSkew(const http::ClientResponse& answer) const;

  const S3Options options_;
  const Clock& clock_;
  std::string base_url_;
  std::string host_;  // value of Host
  std::atomic<bool> conditional_writes_ = true;
  Mutex mutex_;
  std::vector<std::unique_ptr<http::Client>> idle_ ABSL_GUARDED_BY(mutex_);
};

// The pauses between attempts: exponential with jitter, cut short by cancellation.
class Retries {
 public:
  explicit Retries(const S3Options& options) : options_(options) {}

  // OK after a pause, when `failed` is worth another attempt and there is one left; else the error
  // to return.
  Status Next(const Context& ctx, const Status& failed);
  void Reset() { used_ = 1; }

 private:
  const S3Options& options_;
  int used_ = 1;
};

}  // namespace genofed::objects
