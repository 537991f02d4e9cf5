// SPDX-License-Identifier: Apache-2.0
//
// One connection of the server, over a plain or a TLS stream. Internal: included by server.cc only, because it is
// the only other place that may see Boost.
#pragma once

#include <utility>  // Asio 1.74 uses std::exchange without including it

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>

#include "libs/http/file_body.h"
#include "libs/http/problem.h"
#include "libs/http/range.h"
#include "libs/http/request_head.h"
#include "libs/http/response_head.h"
#include "libs/http/router.h"
#include "libs/http/server.h"
#include "libs/http/worker_pool.h"

namespace genofed::http {

namespace net = boost::asio;
namespace beast = boost::beast;
using tcp = net::ip::tcp;
using ErrorCode = boost::system::error_code;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using SteadyClock = std::chrono::steady_clock;

inline constexpr std::size_t kChunk = 64U << 10;
inline constexpr std::size_t kPiece = 1U << 20;  // of a StreamBody
inline constexpr std::chrono::milliseconds kFarewell{500};  // for the last bytes of a connection

// What the sessions of one server share.
struct Shared {
  const ServerOptions& options;
  const Router& router;
  WorkerPool& pool;
  const std::atomic<bool>& draining;
  const std::stop_source& stop;
  std::atomic<std::uint64_t>& body_bytes;  // of all requests, in memory
};

// One request on its way through the pool. Shared with the worker, which may outlive the connection.
struct Exchange {
  Exchange(const net::any_io_executor& executor, std::atomic<std::uint64_t>& all_body_bytes)
      : body_bytes(all_body_bytes), finished(executor) {}
  ~Exchange() {
    body_bytes -= request.body.size();
    if (request.body_file.empty()) return;
    std::error_code ignored;
    std::filesystem::remove(request.body_file, ignored);
  }

  std::atomic<std::uint64_t>& body_bytes;
  Request request;
  Router::Match match;
  FileHandle spool;
  RequestRecord record;
  SteadyClock::time_point start;
  bool keep_alive = false;
  bool body_read = false;  // the request is off the wire: the connection can carry another one
  bool broken = false;     // the peer went away while sending
  std::optional<Status> refusal;
  Response response;
  std::string piece;  // of a StreamBody
  bool done = false;
  net::steady_timer finished;
};

class SessionBase {
 public:
  virtual ~SessionBase() = default;
  virtual void CloseIfIdle() = 0;
  virtual void Close() = 0;
};

template <typename Stream>
class Session final : public SessionBase, public std::enable_shared_from_this<Session<Stream>> {
 public:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

  template <typename... Args>
  Session(Shared shared, std::string peer, Args&&... stream)
      : shared_(shared),
        peer_(std::move(peer)),
        stream_(std::forward<Args>(stream)...),
        buffer_(shared.options.max_header_bytes + kChunk) {}

  // Both may be called from any thread.
  void CloseIfIdle() override {
    net::post(stream_.get_executor(), [self = this->shared_from_this()] {
      if (self->idle_) self->Lowest().close();
    });
  }
  void Close() override {
    net::post(stream_.get_executor(), [self = this->shared_from_this()] { self->Lowest().close(); });
  }

  // Serves the connection to its end. Keeps itself alive.
  static net::awaitable<void> Run(std::shared_ptr<Session> self) {
    try {
      if (co_await self->Handshake()) {
        while (co_await self->ServeOne()) {
        }
        if (self->Lowest().socket().is_open()) co_await self->Finish();
      }
    } catch (const std::exception&) {
      // Out of memory and the like: this connection ends, the others go on.
    }
    self->Lowest().close();
  }

 private:
  using Parser = beast::http::request_parser<beast::http::buffer_body>;
  using ExchangePtr = std::shared_ptr<Exchange>;

  beast::tcp_stream& Lowest() { return beast::get_lowest_layer(stream_); }

  net::awaitable<bool> Handshake() {
    if constexpr (kTls) {
      ErrorCode ec;
      Lowest().expires_after(shared_.options.handshake_timeout);
      idle_ = true;
      co_await stream_.async_handshake(net::ssl::stream_base::server, net::redirect_error(net::use_awaitable, ec));
      idle_ = false;
      co_return !ec;
    } else {
      co_return true;
    }
  }

  // Waits for the first byte of a request. False when the connection is to end.
  net::awaitable<bool> AwaitRequest() {
    if (buffer_.size() > 0) co_return true;  // pipelined
    if (shared_.draining) co_return false;
    ErrorCode ec;
    Lowest().expires_after(shared_.options.idle_timeout);
    idle_ = true;
    const std::size_t count =
        co_await stream_.async_read_some(buffer_.prepare(4096), net::redirect_error(net::use_awaitable, ec));
    idle_ = false;
    if (ec) co_return false;
    buffer_.commit(count);
    co_return true;
  }

  // One request and its response. False when the connection is to end.
  net::awaitable<bool> ServeOne() {
    const bool more = co_await AwaitRequest();
    if (!more) co_return false;
    auto exchange = std::make_shared<Exchange>(stream_.get_executor(), shared_.body_bytes);
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(shared_.options.max_header_bytes));
    // Bodies are counted in ReadBody by the limit of their route; Beast 1.74 misreads boost::none as zero.
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    ErrorCode ec;
    Lowest().expires_after(shared_.options.header_timeout);
    co_await beast::http::async_read_header(stream_, buffer_, parser, net::redirect_error(net::use_awaitable, ec));
    exchange->start = SteadyClock::now();
    if (ec) {
      if (ec.category() != beast::http::make_error_code(beast::http::error::bad_method).category() ||
          ec == beast::http::error::end_of_stream || ec == beast::http::error::partial_message) {
        co_return false;  // gone or too slow: nobody reads an answer
      }
      RefuseUnparsed(*exchange, ec);
    } else {
      TakeHead(parser, *exchange);
      co_await ReadBody(parser, exchange);
    }
    if (exchange->broken) co_return false;
    co_await Answer(exchange);
    co_return co_await Send(exchange);
  }

  void RefuseUnparsed(Exchange& exchange, const ErrorCode& ec) {
    exchange.record.route = "malformed";
    const bool too_large = ec == beast::http::error::header_limit || ec == beast::http::error::buffer_overflow;
    exchange.refusal = too_large ? Error(StatusCode::kInvalidArgument, kHeaderTooLarge,
                                         "the request header is longer than {} bytes", shared_.options.max_header_bytes)
                                 : Error(StatusCode::kInvalidArgument, "BAD_REQUEST", "not an HTTP request");
  }

  // Turns the parsed header into a Request and decides whether it is refused before its body is read.
  void TakeHead(const Parser& parser, Exchange& exchange) {
    const auto& head = parser.get();
    Request& request = exchange.request;
    request.target = std::string(head.target().data(), head.target().size());
    request.peer = peer_;
    for (const auto& field : head) {
      request.headers.Add(std::string(field.name_string().data(), field.name_string().size()),
                          std::string(field.value().data(), field.value().size()));
    }
    request.ctx = request.ctx.WithStop(shared_.stop.get_token());
    if (const auto trace = request.headers.Get("traceparent")) request.ctx = request.ctx.WithTraceparent(*trace);
    exchange.keep_alive = parser.keep_alive();
    exchange.body_read = parser.is_done();
    const Status valid = CheckHead(parser, exchange);
    if (!valid.ok()) exchange.refusal = valid;
  }

  // Finds the route; an error refuses the request.
  Status CheckHead(const Parser& parser, Exchange& exchange) {
    Request& request = exchange.request;
    const auto method_text = parser.get().method_string();
    const auto method = ParseMethod(std::string_view(method_text.data(), method_text.size()));
    if (method) exchange.record.method = MethodName(*method);
    // First of all: where the request ends must be beyond doubt before anything is answered on this
    // connection and the next one is read.
    if (const Status framing = CheckFraming(request.headers, parser.get().version() == 11); !framing.ok()) {
      exchange.keep_alive = false;
      return framing;
    }
    request.method = method.value_or(Method::kGet);
    if (request.target == "*" && request.method == Method::kOptions) request.target = "/";
    GF_ASSIGN(Target target, ParseTarget(request.target));
    request.path = std::move(target.path);
    request.segments = std::move(target.segments);
    request.query = std::move(target.query);
    exchange.match = shared_.router.Find(request.method, request.segments);
    if (exchange.match.route != nullptr) exchange.record.route = exchange.match.route->pattern;
    if (!method) return Error(StatusCode::kUnimplemented, "UNKNOWN_METHOD", "this method is not known here");
    if (const auto length = parser.content_length(); length && *length > BodyLimit(exchange)) {
      return TooLarge(exchange);
    }
    return {};
  }

  std::uint64_t BodyLimit(const Exchange& exchange) const {
    // Without a route the body is read only to keep the connection usable.
    const std::size_t limit = exchange.match.route != nullptr ? exchange.match.route->max_body_bytes : kChunk;
    return std::min(limit, shared_.options.max_body_bytes);
  }

  Status TooLarge(const Exchange& exchange) const {
    return Error(StatusCode::kInvalidArgument, kBodyTooLarge, "the body is longer than {} bytes", BodyLimit(exchange));
  }

  // A slow peer may take request_timeout plus the time its bytes need at the least allowed rate.
  void ExpectProgress(SteadyClock::time_point since, std::uint64_t bytes) {
    const auto rate = std::max<std::size_t>(shared_.options.min_bytes_per_second, 1);
    Lowest().expires_at(since + shared_.options.request_timeout + std::chrono::milliseconds(bytes * 1000 / rate));
  }

  net::awaitable<void> ReadBody(Parser& parser, ExchangePtr exchange) {
    if (exchange->refusal || parser.is_done()) co_return;
    if (exchange->request.headers.Has("Expect")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      ErrorCode ec;
      ExpectProgress(exchange->start, 0);
      co_await net::async_write(stream_, net::buffer(kContinue), net::redirect_error(net::use_awaitable, ec));
    }
    const bool spool = exchange->match.route != nullptr && exchange->match.route->spool_body;
    if (spool) {
      Result<FileHandle> file = FileHandle::CreateIn(shared_.options.spool_dir, exchange->request.body_file);
      if (!file.ok()) {
        exchange->refusal = file.status();
        co_return;
      }
      exchange->spool = *std::move(file);
    }
    std::string chunk(kChunk, '\0');
    std::uint64_t total = 0;
    while (!parser.is_done()) {
      auto& body = parser.get().body();
      body.data = chunk.data();
      body.size = chunk.size();
      ErrorCode ec;
      ExpectProgress(exchange->start, total);
      co_await beast::http::async_read(stream_, buffer_, parser, net::redirect_error(net::use_awaitable, ec));
      if (ec && ec != beast::http::error::need_buffer) {
        RefuseBody(*exchange, ec);
        co_return;
      }
      const std::size_t count = chunk.size() - body.size;
      total += count;
      if (total > BodyLimit(*exchange)) {
        exchange->refusal = TooLarge(*exchange);
        co_return;
      }
      if (!Store(*exchange, std::string_view(chunk).substr(0, count))) co_return;
    }
    exchange->record.request_bytes = total;
    exchange->body_read = true;
  }

  // A chunked body that makes no sense is answered; a connection that broke or stalled is not.
  void RefuseBody(Exchange& exchange, const ErrorCode& ec) {
    const bool malformed = ec == beast::http::error::bad_chunk || ec == beast::http::error::bad_chunk_extension ||
                           ec == beast::http::error::bad_line_ending || ec == beast::http::error::header_limit ||
                           ec == beast::http::error::buffer_overflow;
    if (malformed) {
      exchange.refusal = Error(StatusCode::kInvalidArgument, "BAD_REQUEST", "the chunked body is malformed");
    } else {
      exchange.broken = true;
    }
  }

  // Keeps a piece of the body, in memory or in the spool file. False when that failed: the request is refused.
  bool Store(Exchange& exchange, std::string_view bytes) {
    if (exchange.request.body_file.empty()) {
      // Nobody has said yet who they are: many slow bodies must not fill the memory. Small ones are
      // taken whatever others do, so that people can still sign in and withdraw.
      if (exchange.request.body.size() + bytes.size() > kChunk &&
          shared_.body_bytes + bytes.size() > shared_.options.max_body_bytes_in_memory) {
        exchange.refusal =
            Error(StatusCode::kUnavailable, "SERVER_BUSY", "too much is being received; try again");
        return false;
      }
      shared_.body_bytes += bytes.size();
      exchange.request.body.append(bytes);
    } else if (const Status written = exchange.spool.Write(bytes); !written.ok()) {
      exchange.refusal = written;
    }
    return !exchange.refusal;
  }

  // Fills exchange->response, on the pool.
  net::awaitable<void> Answer(ExchangePtr exchange) {
    const auto refuse = [this, &exchange](const Status& status) {
      exchange->response = shared_.router.RenderError(exchange->match.family, status, exchange->request);
    };
    if (exchange->refusal) {
      refuse(*exchange->refusal);
      co_return;
    }
    exchange->request.ctx = exchange->request.ctx.WithTimeout(shared_.options.request_timeout);
    exchange->spool = FileHandle();
    const bool accepted = shared_.pool.Submit([exchange, &router = shared_.router] {
      Response response = router.Handle(exchange->match, exchange->request);
      net::post(exchange->finished.get_executor(), [exchange, response = std::move(response)]() mutable {
        exchange->response = std::move(response);
        exchange->done = true;
        exchange->finished.cancel();
      });
    });
    if (!accepted) {
      refuse(Error(StatusCode::kUnavailable, "SERVER_BUSY", "too many requests are waiting; try again"));
      co_return;
    }
    // A handler that ignores its deadline keeps its thread but not the client.
    exchange->finished.expires_at(exchange->request.ctx.deadline());
    while (!exchange->done) {
      ErrorCode ec;
      co_await exchange->finished.async_wait(net::redirect_error(net::use_awaitable, ec));
      if (!ec && !exchange->done) {
        abandoned_ = true;
        break;
      }
    }
    if (abandoned_) {
      refuse(Error(StatusCode::kDeadlineExceeded, "HANDLER_TIMEOUT", "no answer within the time a request may take"));
    }
  }

  // A 416 tells the size, which ApplyRange left in Content-Range.
  void RefuseFile(Exchange& exchange, const Status& status) {
    const std::string size(exchange.response.headers.Get("Content-Range").value_or(""));
    exchange.response = shared_.router.RenderError(exchange.match.family, status, exchange.request);
    if (!size.empty()) exchange.response.headers.Set("Content-Range", size);
  }

  // Sends the response. False when the connection is to end.
  net::awaitable<bool> Send(ExchangePtr exchange) {
    Response& response = exchange->response;
    if (response.status == 200 && NotModified(exchange->request, response.headers.Get("ETag").value_or(""))) {
      response.status = 304;
      response.body = std::string();
    }
    FileSource source;
    if (std::holds_alternative<FileBody>(response.body)) {
      Result<FileSource> opened = OpenFileBody(exchange->request, response);
      if (opened.ok()) {
        source = *std::move(opened);
      } else {
        RefuseFile(*exchange, opened.status());
      }
    }
    ByteSpan span;
    bool open_ended = false;
    if (const auto* stream = std::get_if<StreamBody>(&response.body);
        stream != nullptr && stream->open_ended) {
      open_ended = true;
      span.length = std::numeric_limits<std::uint64_t>::max();
    } else if (stream != nullptr) {
      const Result<ByteSpan> applied = ApplyRange(exchange->request, response, stream->length);
      if (applied.ok()) {
        span = *applied;
      } else {
        RefuseFile(*exchange, applied.status());
      }
    }
    const std::string* text = std::get_if<std::string>(&response.body);
    const bool streamed = std::holds_alternative<StreamBody>(response.body);
    const std::uint64_t length = text != nullptr ? text->size() : streamed ? span.length : source.length;
    const bool bodiless = response.status == 204 || response.status == 304;
    const bool send_body = !bodiless && exchange->request.method != Method::kHead;
    unread_ = !exchange->body_read;
    const bool keep_alive = exchange->keep_alive && exchange->body_read && !abandoned_ &&
                            !shared_.draining && !open_ended;
    std::string head =
        RenderHead(response, bodiless || open_ended ? std::nullopt : std::optional(length),
                   keep_alive, exchange->request.ctx);
    ErrorCode ec;
    const auto since = SteadyClock::now();
    // Short bodies share a packet and a TLS record with the header.
    const bool joined = send_body && text != nullptr && length <= kChunk;
    if (joined) head += *text;
    ExpectProgress(since, 0);
    co_await net::async_write(stream_, net::buffer(head), net::redirect_error(net::use_awaitable, ec));
    if (!ec && send_body && streamed) {
      ec = co_await SendStream(exchange, span);
      if (open_ended && ec == net::error::eof) ec.clear();
    } else if (!ec && send_body && !joined) {
      ec = co_await SendBody(text, source, since);
    }
    exchange->record.response_bytes = send_body && !open_ended ? length : 0;
    Report(*exchange);
    co_return !ec && keep_alive;
  }

  net::awaitable<ErrorCode> SendBody(const std::string* text, const FileSource& source,
                                     SteadyClock::time_point since) {
    ErrorCode ec;
    std::string chunk(text == nullptr ? kChunk : 0, '\0');
    const std::uint64_t length = text != nullptr ? text->size() : source.length;
    for (std::uint64_t sent = 0; sent < length && !ec;) {
      auto count = static_cast<std::size_t>(std::min<std::uint64_t>(length - sent, kChunk));
      const char* data = text != nullptr ? text->data() + sent : chunk.data();
      if (text == nullptr) {
        count = source.file.ReadAt(source.offset + sent, chunk.data(), count);
        // A file that shrank cannot be repaired: the connection breaks off, so the client sees an incomplete body.
        if (count == 0) co_return ErrorCode(net::error::eof);
      }
      ExpectProgress(since, sent);
      co_await net::async_write(stream_, net::buffer(data, count), net::redirect_error(net::use_awaitable, ec));
      sent += count;
    }
    co_return ec;
  }

  // One piece at a time, whatever the length: the next is asked for when the last has left.
  net::awaitable<ErrorCode> SendStream(ExchangePtr exchange, ByteSpan span) {
    ErrorCode ec;
    for (std::uint64_t sent = 0; sent < span.length && !ec;) {
      const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(span.length - sent, kPiece));
      Lowest().expires_never();  // Pull has its own limit
      const bool more = co_await Pull(exchange, span.offset + sent, most);
      if (!more) co_return ErrorCode(net::error::eof);
      ExpectProgress(SteadyClock::now(), exchange->piece.size());
      co_await net::async_write(stream_, net::buffer(exchange->piece), net::redirect_error(net::use_awaitable, ec));
      sent += exchange->piece.size();
    }
    co_return ec;
  }

  // The next piece of a stream into exchange->piece, on the pool. False when there is none.
  net::awaitable<bool> Pull(ExchangePtr exchange, std::uint64_t offset, std::size_t most) {
    exchange->done = false;
    exchange->piece.clear();
    const bool accepted = shared_.pool.Submit([exchange, offset, most] {
      Result<std::string> piece = ReadPiece(*exchange, offset, most);
      net::post(exchange->finished.get_executor(), [exchange, piece = std::move(piece)]() mutable {
        if (piece.ok()) exchange->piece = *std::move(piece);
        exchange->done = true;
        exchange->finished.cancel();
      });
    });
    if (!accepted) co_return false;
    exchange->finished.expires_after(shared_.options.request_timeout);
    while (!exchange->done) {
      ErrorCode ec;
      co_await exchange->finished.async_wait(net::redirect_error(net::use_awaitable, ec));
      if (!ec && !exchange->done) co_return false;
    }
    co_return !exchange->piece.empty() && exchange->piece.size() <= most;
  }

  static Result<std::string> ReadPiece(const Exchange& exchange, std::uint64_t offset, std::size_t most) {
    try {
      return std::get<StreamBody>(exchange.response.body).read(offset, most);
    } catch (...) {
      return Error(StatusCode::kInternal, "HANDLER_THREW", "a handler threw");
    }
  }

  void Report(Exchange& exchange) {
    RequestRecord& record = exchange.record;
    record.status = exchange.response.status;
    record.duration = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - exchange.start);
    record.trace_id = exchange.request.ctx.trace_id();
    if (shared_.options.access_log) shared_.options.access_log(record);
    if (shared_.options.metrics) shared_.options.metrics(record);
  }

  // Ends politely. After a refusal the client may still be sending, and closing over unread bytes would make the
  // kernel reset the connection, so that the client could lose the response that says why.
  net::awaitable<void> Finish() {
    ErrorCode ec;
    Lowest().expires_after(kFarewell);
    if constexpr (kTls) {
      co_await stream_.async_shutdown(net::redirect_error(net::use_awaitable, ec));
      ec.clear();
    }
    Lowest().socket().shutdown(tcp::socket::shutdown_send, ec);
    if (!unread_) co_return;
    std::string sink(kChunk, '\0');
    for (std::size_t drained = 0; !ec && drained < (std::size_t{1} << 20);) {
      drained += co_await Lowest().async_read_some(net::buffer(sink), net::redirect_error(net::use_awaitable, ec));
    }
  }

  Shared shared_;
  std::string peer_;
  Stream stream_;
  beast::flat_buffer buffer_;
  bool idle_ = false;       // nothing asked yet or waiting for a request; only touched on the connection's executor
  bool abandoned_ = false;  // a handler overran its deadline
  bool unread_ = false;     // a request was refused before its end
};

}  // namespace genofed::http
