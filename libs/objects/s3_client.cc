// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/s3_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <iomanip>
#include <locale>
#include <mutex>
#include <sstream>

#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/http/uri.h"
#include "libs/objects/s3_xml.h"

namespace genofed::objects {
namespace {

constexpr std::size_t kIdleConnections = 8;
constexpr std::size_t kMaxAnswerBytes = 8U << 20;  // a page of 1,000 keys of 1 KiB
constexpr std::chrono::milliseconds kLongestPause{10'000};
// Clocks further apart than this are why a request was refused. S3 allows 15 minutes.
constexpr std::int64_t kSuspectSkewSeconds = 600;

// S3's own word for an error; empty when the answer has none or it is not a word.
std::string ErrorCode(const http::ClientResponse& answer) {
  const auto elements = ParseXml(answer.body);
  if (!elements.ok()) return "";
  std::string code = TextOf(*elements, "Error/Code");
  const bool word = code.size() <= 64 && std::all_of(code.begin(), code.end(), [](unsigned char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                             (c >= '0' && c <= '9') || c == '.';
                    });
  return word ? code : "";
}

bool IsOneOf(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// RFC 9110 section 5.6.7, the one form that servers send.
Result<Time> ParseHttpDate(std::string_view text) {
  std::tm parts{};
  std::istringstream in{std::string(text)};
  in.imbue(std::locale::classic());
  in >> std::get_time(&parts, "%a, %d %b %Y %H:%M:%S");
  if (in.fail()) return Error(StatusCode::kInvalidArgument, "BAD_DATE", "not a date");
  return FromUnixSeconds(::timegm(&parts));
}

Status CheckEndpoint(const S3Options& options) {
  const auto bad = [](std::string_view field, std::string_view why) {
    return InvalidField(field, "CONFIG_INVALID", "{}", why);
  };
  const std::string_view endpoint = options.endpoint;
  const std::size_t scheme = endpoint.find("://");
  if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://")) {
    return bad("endpoint", "must start with https://");
  }
  const std::string_view host = endpoint.substr(scheme + 3);
  if (host.empty() || host.find_first_of("/?#@ ") != std::string_view::npos) {
    return bad("endpoint", "must be a host with or without a port, and nothing behind it");
  }
  const std::string_view name = host.substr(0, host.rfind(':'));
  if (endpoint.starts_with("http://") && !name.starts_with("127.") && name != "localhost" &&
      name != "[::1]") {
    return bad("endpoint", "http:// is for loopback only; use https://");
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  if (options.bucket.size() < 3 || options.bucket.size() > 63 ||
      !std::all_of(options.bucket.begin(), options.bucket.end(), allowed)) {
    return bad("bucket", "must be the name of a bucket: 3 to 63 of a-z, 0-9, '-' and '.'");
  }
  if (!options.path_style && options.bucket.find('.') != std::string::npos) {
    return bad("bucket",
               "has a '.', which no certificate of a bucket's own host covers; set path_style");
  }
  // The prefix is the beginning of names, so its own beginning has their rules.
  if (!options.prefix.empty() && !CheckName(options.prefix + "x").ok()) {
    return bad("prefix", "may only have a-z, 0-9, '.', '_', '-' and '/', and no leading '/'");
  }
  if (options.region.empty()) return bad("region", "must be set");
  if (options.credentials.access_key.empty()) return bad("access_key", "is empty");
  if (options.credentials.secret_key.empty()) return bad("secret_key", "is empty");
  if (options.part_bytes < kMinPartBytes || options.part_bytes > kMaxPartBytes) {
    return bad("part_mib", "must be 5 to 1024");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<S3Client>> S3Client::Create(S3Options options, const Clock& clock) {
  GF_TRY(CheckEndpoint(options));
  return std::unique_ptr<S3Client>(new S3Client(std::move(options), clock));
}

S3Client::S3Client(S3Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  const std::size_t host = options_.endpoint.find("://") + 3;
  host_ = options_.endpoint.substr(host);
  if (!options_.path_style) host_ = options_.bucket + "." + host_;
  base_url_ = options_.endpoint.substr(0, host) + host_;
}

std::string S3Client::Path(const std::string& name) const {
  std::string path = options_.path_style ? "/" + options_.bucket : "";
  if (name.empty()) return path.empty() ? "/" : path;
  return path + "/" + options_.prefix +
         name;  // prefix and name have only characters that need no escape
}

Result<http::ClientResponse> S3Client::SendOnce(const Context& ctx, S3Request& request) {
  const Time now = clock_.Now();
  const std::string method(http::MethodName(request.method));
  const std::string path = Path(request.name);
  const std::string payload = HexEncode(crypto::Sha256(request.body));
  SignedRequest to_sign{method, path, request.query, request.headers};
  to_sign.headers["host"] = host_;
  to_sign.headers["x-amz-date"] = AmzDate(now);
  to_sign.headers["x-amz-content-sha256"] = payload;

  http::ClientRequest send;
  send.method = request.method;
  send.target = request.query.empty() ? path : path + "?" + RenderQuery(request.query);
  for (const auto& [name, value] : to_sign.headers) {
    if (name != "host") send.headers.Add(name, value);
  }
  send.headers.Add("Authorization",
                   Authorization(to_sign, payload, options_.credentials, options_.region, now));
  send.body = std::move(request.body);
  send.sink = request.sink;
  // Completing a large upload takes minutes, in which servers send spaces: what comes piece by
  // piece is timed by progress.
  std::string collected;
  if (request.method == http::Method::kPost) {
    send.sink = [&collected](const http::ClientResponse&, std::string_view bytes) -> Status {
      if (collected.size() + bytes.size() > kMaxAnswerBytes) {
        return Error(StatusCode::kInternal, "STORE_ANSWER_INVALID",
                     "the object store's answer is too long");
      }
      collected.append(bytes);
      return {};
    };
  }

  std::unique_ptr<http::Client> client;
  {
    MutexLock lock(mutex_);
    if (!idle_.empty()) {
      client = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (client == nullptr) {
    client = std::make_unique<http::Client>(
        http::ClientOptions{base_url_, options_.ca_file, options_.timeout, kMaxAnswerBytes});
  }
  Result<http::ClientResponse> answer = client->Send(ctx, send);
  request.body = std::move(send.body);
  {
    MutexLock lock(mutex_);
    if (idle_.size() < kIdleConnections) idle_.push_back(std::move(client));
  }
  if (!answer.ok()) {
    const Status& status = answer.status();
    if (Reason(status) == "TLS_VERIFICATION_FAILED" || Reason(status) == "TLS_SETUP") {
      return Error(StatusCode::kInternal, "STORE_CERTIFICATE", "{}", Message(status));
    }
    const bool silent = Reason(status) == "HTTP_TIMEOUT" && ctx.Alive().ok();
    if (!silent && Reason(status) != "HTTP_UNAVAILABLE") return status;
    return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                 "the object store does not answer: {}", Message(status));
  }
  if (!collected.empty()) answer->body = std::move(collected);
  GF_TRY(FromAnswer(request.method, *answer));
  return answer;
}

Status S3Client::FromAnswer(http::Method method, const http::ClientResponse& answer) const {
  // CompleteMultipartUpload may fail after its 200 (API Reference, "CompleteMultipartUpload").
  const bool late =
      answer.status == 200 && method == http::Method::kPost && !ErrorCode(answer).empty();
  if (answer.status / 100 == 2 && !late) return {};
  const std::string code = ErrorCode(answer);
  const std::string what = code.empty() ? fmt::format("status {}", answer.status) : code;
  if (code == "NoSuchBucket") {
    return Error(StatusCode::kInternal, "STORE_BUCKET", "there is no bucket {}", options_.bucket);
  }
  if (answer.status == 507 ||
      IsOneOf(code, {"QuotaExceeded", "EntityTooLarge", "XMinioStorageFull"})) {
    return Error(StatusCode::kResourceExhausted, "STORAGE_FULL",
                 "the object store takes no more: {}", what);
  }
  if (code == "RequestTimeTooSkewed") return ClockSkew(answer);
  const bool busy = answer.status == 408 || answer.status == 429 ||
                    (answer.status >= 500 && answer.status != 501);
  if (busy || IsOneOf(code, {"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable",
                             "OperationAborted", "ConditionalRequestConflict"})) {
    return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                 "the object store is busy or failing: {}", what);
  }
  switch (answer.status) {
    case 403: {
      const Result<Time> theirs = ParseHttpDate(answer.headers.Get("Date").value_or(""));
      const bool skewed = theirs.ok() && std::abs(UnixSeconds(*theirs) -
                                                  UnixSeconds(clock_.Now())) > kSuspectSkewSeconds;
      if (skewed) return ClockSkew(answer);
      return Error(StatusCode::kInternal, "STORE_ACCESS_DENIED",
                   "the object store refuses our key: {}", what);
    }
    case 404:
      if (code == "NoSuchUpload")
        return Error(StatusCode::kNotFound, "UPLOAD_NOT_FOUND", "the upload is gone");
      return Error(StatusCode::kNotFound, "OBJECT_NOT_FOUND", "there is no such object");
    case 412:
      return Error(StatusCode::kAborted, "PRECONDITION_FAILED", "the object is not as expected");
    case 416:
      return Error(StatusCode::kOutOfRange, "RANGE_NOT_SATISFIABLE",
                   "the object ends before the range");
    case 501:
      return Error(StatusCode::kUnimplemented, "STORE_CANNOT",
                   "the object store cannot do that: {}", what);
    default:
      return Error(StatusCode::kInternal, "STORE_FAILED", "the object store answered {}", what);
  }
}

Status S3Client::ClockSkew(const http::ClientResponse& answer) const {
  const Result<Time> theirs = ParseHttpDate(answer.headers.Get("Date").value_or(""));
  if (!theirs.ok()) {
    return Error(StatusCode::kInternal, "CLOCK_SKEW",
                 "the object store says that our clock is wrong");
  }
  const std::int64_t ahead = UnixSeconds(clock_.Now()) - UnixSeconds(*theirs);
  return Error(StatusCode::kInternal, "CLOCK_SKEW",
               "our clock is {} s {} the object store's; set it", std::abs(ahead),
               ahead > 0 ? "ahead of" : "behind");
}

Result<http::ClientResponse> S3Client::Send(const Context& ctx, S3Request& request) {
  Retries retries(options_);
  while (true) {
    Result<http::ClientResponse> answer = SendOnce(ctx, request);
    if (answer.ok()) return answer;
    GF_TRY(retries.Next(ctx, answer.status()));
  }
}

Result<std::string> S3Client::PresignGet(const std::string& name,
                                         std::chrono::seconds lifetime) const {
  if (lifetime < std::chrono::seconds(1) || lifetime > std::chrono::hours(24 * 7)) {
    return InvalidField("lifetime", "OUT_OF_RANGE", "must be 1 s to 7 days");
  }
  const std::string path = Path(name);
  const SignedRequest request{.method = "GET", .path = path, .headers = {{"host", host_}}};
  return base_url_ + path + "?" +
         PresignedQuery(request, options_.credentials, options_.region, clock_.Now(), lifetime);
}

Status Retries::Next(const Context& ctx, const Status& failed) {
  if (failed.code() != StatusCode::kUnavailable || used_ >= options_.attempts) return failed;
  GF_TRY(ctx.Alive());
  const auto longest =
      std::min(options_.first_pause * (std::int64_t{1} << std::min(used_ - 1, 10)), kLongestPause);
  ++used_;
  // Half fixed, half random: clients that failed together do not return together.
  const auto dice = static_cast<unsigned char>(SystemRandom().Bytes(1)[0]);
  const auto pause = longest / 2 + longest * dice / 512;
  if (ctx.Remaining(kLongestPause * 2) <= pause) return failed;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, ctx.stop(), pause, [] { return false; });
  return ctx.Alive();
}

}  // namespace genofed::objects
