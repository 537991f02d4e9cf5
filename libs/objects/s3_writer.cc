// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/s3_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/objects/s3_xml.h"
#include "libs/objects/verify.h"

namespace genofed::objects {
namespace {

constexpr std::string_view kMarkHeader = "x-amz-meta-genofed-upload";
constexpr std::chrono::milliseconds kTimeToAbort{10'000};

}  // namespace

S3Writer::S3Writer(ObjectStore& store, S3Client& client, std::string name)
    : store_(store),
      client_(client),
      name_(std::move(name)),
      mark_(HexEncode(SystemRandom().Bytes(16))) {}

S3Writer::~S3Writer() {
  if (upload_id_.empty() || finished_) return;
  // The best that can be done; what is left is the lifecycle rule's.
  S3Request abort{
      .method = http::Method::kDelete, .name = name_, .query = {{"uploadId", upload_id_}}};
  (void)client_.SendOnce(Context::Background().WithTimeout(kTimeToAbort), abort);
}

Status S3Writer::DoAppend(const Context& ctx, std::string_view bytes) {
  sha_.Update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    // A full part waits until more follows: an object of exactly one part is a single PUT.
    if (part_.size() == client_.options().part_bytes) GF_TRY(SendPart(ctx));
    if (existing_) return {};
    const std::string_view piece = bytes.substr(0, client_.options().part_bytes - part_.size());
    part_.append(piece);
    bytes.remove_prefix(piece.size());
  }
  return {};
}

Status S3Writer::Begin(const Context& ctx) {
  const Status there = store_.Stat(ctx, name_).status();
  existing_ = there.ok();
  if (existing_ || there.code() != StatusCode::kNotFound) return there;
  S3Request request{.method = http::Method::kPost,
                    .name = name_,
                    .query = {{"uploads", ""}},
                    .headers = {{std::string(kMarkHeader), mark_}}};
  GF_ASSIGN(const http::ClientResponse answer, client_.Send(ctx, request));
  GF_ASSIGN(const auto elements, ParseXml(answer.body));
  upload_id_ = TextOf(elements, "InitiateMultipartUploadResult/UploadId");
  if (!upload_id_.empty()) return {};
  return Error(StatusCode::kInternal, "STORE_ANSWER_INVALID",
               "the object store began an upload without an identifier");
}

Status S3Writer::SendPart(const Context& ctx) {
  if (etags_.size() == kMaxParts) {
    return Error(StatusCode::kResourceExhausted, "OBJECT_TOO_LARGE",
                 "an object may have {} parts of {} bytes", kMaxParts,
                 client_.options().part_bytes);
  }
  if (upload_id_.empty()) GF_TRY(Begin(ctx));
  if (existing_) {
    part_ = std::string();
    return {};
  }
  S3Request request{
      .method = http::Method::kPut,
      .name = name_,
      .query = {{"partNumber", std::to_string(etags_.size() + 1)}, {"uploadId", upload_id_}},
      .body = std::move(part_)};
  GF_ASSIGN(const http::ClientResponse answer, client_.Send(ctx, request));
  part_ = std::move(request.body);
  part_.clear();
  etags_.emplace_back(answer.headers.Get("ETag").value_or(""));
  if (!etags_.back().empty()) return {};
  return Error(StatusCode::kInternal, "STORE_ANSWER_INVALID",
               "the object store took a part without an ETag");
}

Status S3Writer::Put(const Context& ctx) {
  S3Request request{.method = http::Method::kPut, .name = name_, .body = std::move(part_)};
  return SendIfFree(ctx, request);
}

Status S3Writer::SendIfFree(const Context& ctx, S3Request& request) {
  if (client_.conditional_writes()) {
    request.headers["if-none-match"] = "*";
    const Status sent = client_.Send(ctx, request).status();
    if (Reason(sent) != "STORE_CANNOT") return sent;
    client_.ForgetConditionalWrites();
    request.headers.erase("if-none-match");
  }
  return client_.Send(ctx, request).status();
}

Status S3Writer::Complete(const Context& ctx) {
  std::string parts = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < etags_.size(); ++i) {
    parts += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1,
                         XmlEscape(etags_[i]));
  }
  S3Request request{.method = http::Method::kPost,
                    .name = name_,
                    .query = {{"uploadId", upload_id_}},
                    .body = parts + "</CompleteMultipartUpload>"};
  const Status completed = SendIfFree(ctx, request);
  // An answer that was lost: the repetition finds no upload any more.
  const bool unsure = completed.code() == StatusCode::kUnavailable ||
                      Reason(completed) == "UPLOAD_NOT_FOUND" ||
                      Reason(completed) == "PRECONDITION_FAILED";
  if (!completed.ok() && !(unsure && IsOurs(ctx))) return completed;
  finished_ = true;
  return {};
}

bool S3Writer::IsOurs(const Context& ctx) {
  S3Request request{.method = http::Method::kHead, .name = name_};
  const Result<http::ClientResponse> answer = client_.Send(ctx, request);
  return answer.ok() && answer->headers.Get(kMarkHeader) == mark_;
}

Result<Written> S3Writer::CompareWithExisting(const Context& ctx, Written written) {
  GF_ASSIGN(const auto difference,
            VerifyObject(ctx, store_, name_, {written.size, written.sha256}));
  if (difference) {
    return Error(StatusCode::kAlreadyExists, "OBJECT_EXISTS", "object {} exists with other content",
                 name_);
  }
  written.existed = true;
  return written;
}

Result<Written> S3Writer::DoCommit(const Context& ctx) {
  const Written written{size_, sha_.Finish()};
  const Status before = store_.Stat(ctx, name_).status();
  if (before.ok()) return CompareWithExisting(ctx, written);
  if (before.code() != StatusCode::kNotFound) return before;
  if (existing_)
    return Error(StatusCode::kAborted, "OBJECT_CHANGED", "object {} was removed meanwhile", name_);
  Status done;
  if (upload_id_.empty()) {
    done = Put(ctx);
  } else {
    GF_TRY(SendPart(ctx));
    done = Complete(ctx);
  }
  if (Reason(done) == "PRECONDITION_FAILED") return CompareWithExisting(ctx, written);
  GF_TRY(done);
  GF_ASSIGN(const ObjectInfo after, store_.Stat(ctx, name_));
  if (after.size != size_) {
    return Error(StatusCode::kDataLoss, "OBJECT_CHANGED", "the object store has {} of {} bytes",
                 after.size, size_);
  }
  return written;
}

}  // namespace genofed::objects
