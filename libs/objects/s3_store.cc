// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/s3_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/core/strings.h"
#include "libs/objects/s3_client.h"
#include "libs/objects/s3_writer.h"
#include "libs/objects/s3_xml.h"

namespace genofed::objects {
namespace {

// After this much progress a broken read has its whole number of attempts again.
constexpr std::uint64_t kProgress = 1U << 20;

Status Unexpected(std::string_view what) {
  return Error(StatusCode::kInternal, "STORE_ANSWER_INVALID", "the object store's answer {}", what);
}

Result<std::uint64_t> ParseSize(std::string_view text) {
  const Result<std::int64_t> value = ParseInt(text);
  if (!value.ok() || *value < 0) return Unexpected("has a bad size");
  return static_cast<std::uint64_t>(*value);
}

// First byte and size of the object, of "bytes 0-9/443".
Result<std::pair<std::uint64_t, std::uint64_t>> ParseContentRange(std::string_view text) {
  const std::size_t dash = text.find('-'), slash = text.find('/');
  if (!text.starts_with("bytes ") || dash == std::string_view::npos ||
      slash == std::string_view::npos || slash < dash) {
    return Unexpected("has no usable Content-Range");
  }
  GF_ASSIGN(const std::uint64_t first, ParseSize(text.substr(6, dash - 6)));
  GF_ASSIGN(const std::uint64_t total, ParseSize(text.substr(slash + 1)));
  return std::pair(first, total);
}

// A read in progress, over as many answers as it takes.
class Reading {
 public:
  Reading(S3Client& client, std::string_view name, std::uint64_t offset, std::uint64_t size,
          const Sink& sink)
      : client_(client),
        name_(name),
        sink_(sink),
        ranged_(offset > 0 || size != kToEnd),
        at_(offset),
        end_(size > kToEnd - offset ? kToEnd : offset + size) {}

  Status Run(const Context& ctx);

 private:
  Status Ask(const Context& ctx);
  Status Take(const http::ClientResponse& head, std::string_view bytes);
  Status Begin(const http::ClientResponse& head);

  S3Client& client_;
  const std::string name_;
  const Sink& sink_;
  bool ranged_;
  std::uint64_t at_;  // the next byte
  std::uint64_t
      end_;  // one behind the last byte wanted; never behind the object's end once an answer came
  std::string etag_;
  bool begun_ = false;  // the present answer has been looked at
  Status refused_;      // what the sink, or we, did not accept
};

Status Reading::Run(const Context& ctx) {
  Retries retries(client_.options());
  std::uint64_t safe = at_;
  while (true) {
    const Status status = Ask(ctx);
    if (!refused_.ok()) return refused_;
    if (status.ok() && (at_ == end_ || end_ == kToEnd))
      return {};  // an empty object says nothing of its end
    if (status.ok() && at_ == safe) return Unexpected("has fewer bytes than asked for");
    if (at_ - safe >= kProgress) retries.Reset();
    if (!status.ok()) GF_TRY(retries.Next(ctx, status));
    safe = at_;
    ranged_ = at_ > 0 || ranged_;
  }
}

Status Reading::Ask(const Context& ctx) {
  S3Request request{.name = name_};
  if (ranged_) {
    request.headers["range"] =
        end_ == kToEnd ? fmt::format("bytes={}-", at_) : fmt::format("bytes={}-{}", at_, end_ - 1);
  }
  if (!etag_.empty()) request.headers["if-match"] = etag_;
  begun_ = false;
  request.sink = [this](const http::ClientResponse& head, std::string_view bytes) {
    refused_ = Take(head, bytes);
    return refused_;
  };
  return client_.SendOnce(ctx, request).status();
}

Status Reading::Take(const http::ClientResponse& head, std::string_view bytes) {
  if (!begun_) GF_TRY(Begin(head));
  begun_ = true;
  if (bytes.size() > end_ - at_) return Unexpected("has more bytes than asked for");
  GF_TRY(sink_(bytes));
  at_ += bytes.size();
  return {};
}

Status Reading::Begin(const http::ClientResponse& head) {
  if (etag_.empty()) etag_ = std::string(head.headers.Get("ETag").value_or(""));
  if (ranged_) {
    if (head.status != 206) return Unexpected("is the whole object instead of a range");
    GF_ASSIGN(const auto range, ParseContentRange(head.headers.Get("Content-Range").value_or("")));
    if (range.first != at_) return Unexpected("begins at another byte");
    end_ = std::min(end_, range.second);
  } else {  // without a size a body that broke off would look whole
    GF_ASSIGN(end_, ParseSize(head.headers.Get("Content-Length").value_or("")));
  }
  return {};
}

}  // namespace

S3Store::S3Store(std::unique_ptr<S3Client> client) : client_(std::move(client)) {}
S3Store::~S3Store() = default;

Result<std::unique_ptr<S3Store>> S3Store::Open(S3Options options, const Clock& clock) {
  GF_ASSIGN(auto client, S3Client::Create(std::move(options), clock));
  return std::unique_ptr<S3Store>(new S3Store(std::move(client)));
}

Result<std::unique_ptr<ObjectWriter>> S3Store::Create(const Context& ctx, std::string_view name) {
  GF_TRY(CheckName(name));
  GF_TRY(ctx.Alive());
  return std::make_unique<S3Writer>(*this, *client_, std::string(name));
}

Status S3Store::Read(const Context& ctx, std::string_view name, std::uint64_t offset,
                     std::uint64_t size, const Sink& sink) {
  GF_TRY(CheckName(name));
  Status status = Error(StatusCode::kOutOfRange, "RANGE_NOT_SATISFIABLE", "nothing was asked for");
  if (size > 0) status = Reading(*client_, name, offset, size, sink).Run(ctx);
  if (status.code() == StatusCode::kAborted) {
    return Error(StatusCode::kDataLoss, "OBJECT_CHANGED", "object {} changed while it was read",
                 name);
  }
  if (status.code() != StatusCode::kOutOfRange) return status;
  // HTTP cannot ask for nothing, nor for what begins at the very end; both are no error here.
  GF_ASSIGN(const ObjectInfo info, Stat(ctx, name));
  if (offset <= info.size) return {};
  return Error(StatusCode::kOutOfRange, "RANGE_NOT_SATISFIABLE", "the object has {} bytes",
               info.size);
}

Result<ObjectInfo> S3Store::Stat(const Context& ctx, std::string_view name) {
  GF_TRY(CheckName(name));
  S3Request request{.method = http::Method::kHead, .name = std::string(name)};
  GF_ASSIGN(const http::ClientResponse answer, client_->Send(ctx, request));
  ObjectInfo info{std::string(name), 0, std::string(answer.headers.Get("ETag").value_or(""))};
  GF_ASSIGN(info.size, ParseSize(answer.headers.Get("Content-Length").value_or("")));
  return info;
}

Status S3Store::Remove(const Context& ctx, std::string_view name) {
  GF_TRY(CheckName(name));
  S3Request request{.method = http::Method::kDelete, .name = std::string(name)};
  const Status removed = client_->Send(ctx, request).status();
  return Reason(removed) == "OBJECT_NOT_FOUND" ? Status() : removed;
}

Result<ObjectPage> S3Store::List(const Context& ctx, std::string_view prefix,
                                 std::string_view page_token, std::size_t limit) {
  if (limit == 0 || limit > kMaxPage)
    return InvalidField("limit", "OUT_OF_RANGE", "must be 1 to {}", kMaxPage);
  const std::string& own = client_->options().prefix;
  S3Request request{.query = {{"list-type", "2"},
                              {"prefix", own + std::string(prefix)},
                              {"max-keys", std::to_string(limit)}}};
  if (!page_token.empty()) request.query["continuation-token"] = page_token;
  GF_ASSIGN(const http::ClientResponse answer, client_->Send(ctx, request));
  GF_ASSIGN(const auto elements, ParseXml(answer.body));
  ObjectPage page;
  ObjectInfo object;
  for (const XmlElement& element : elements) {
    if (element.path == "ListBucketResult/Contents/Key") {
      object.name = element.text;
    } else if (element.path == "ListBucketResult/Contents/Size") {
      GF_ASSIGN(object.size, ParseSize(element.text));
    } else if (element.path == "ListBucketResult/Contents/LastModified") {
      const auto time = ParseRfc3339(element.text);
      if (!time.ok()) return Unexpected("has a bad time");
      object.modified = *time;
    } else if (element.path == "ListBucketResult/Contents") {
      const bool ours = object.name.starts_with(own);
      if (ours) object.name.erase(0, own.size());
      if (ours && CheckName(object.name).ok()) page.objects.push_back(object);
      object = {};
    }
  }
  if (TextOf(elements, "ListBucketResult/IsTruncated") == "true") {
    page.next = TextOf(elements, "ListBucketResult/NextContinuationToken");
    if (page.next.empty()) return Unexpected("is a part of a list without the token of the next");
  }
  return page;
}

Result<std::string> S3Store::PresignGet(std::string_view name, std::chrono::seconds lifetime) {
  GF_TRY(CheckName(name));
  return client_->PresignGet(std::string(name), lifetime);
}

Status S3Store::Probe(const Context& ctx) { return List(ctx, "", "", 1).status(); }

}  // namespace genofed::objects
