// SPDX-License-Identifier: Apache-2.0
#include <utility>  // Asio 1.74 uses std::exchange without including it

#include <fmt/format.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <fstream>
#include <limits>
#include <optional>
#include <stop_token>

#include "libs/core/mutex.h"
#include "libs/core/strings.h"
#include "libs/http/client.h"
#include "libs/http/response_head.h"
#include "libs/http/tls.h"

namespace genofed::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using tcp = net::ip::tcp;
using ErrorCode = boost::system::error_code;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using SteadyTime = std::chrono::steady_clock::time_point;
using Parser = beast::http::response_parser<beast::http::buffer_body>;

constexpr std::size_t kChunk = 64U << 10;
constexpr std::size_t kLongBody = 1U << 20;  // from here on a body is timed by its progress

struct Url {
  bool tls = true;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string authority;  // value of Host
  std::string prefix;     // path in front of every target, without trailing slash
};

bool IsLoopback(const std::string& host) {
  ErrorCode ec;
  const auto address = net::ip::make_address(host, ec);
  return host == "localhost" || (!ec && address.is_loopback());
}

Result<Url> ParseUrl(std::string_view text) {
  const auto bad = [](std::string_view why) { return InvalidField("base_url", "BAD_URL", "{}", why); };
  Url url;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    url.tls = false;
    text.remove_prefix(7);
  } else {
    return bad("must start with https://");
  }
  const std::size_t slash = text.find('/');
  url.authority = std::string(text.substr(0, slash));
  if (slash != std::string_view::npos) url.prefix = std::string(text.substr(slash));
  while (url.prefix.ends_with('/')) url.prefix.pop_back();
  std::string_view host = url.authority;
  url.port = url.tls ? "443" : "80";
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    url.port = std::string(host.substr(colon + 1));
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  url.host = std::string(host);
  const auto port = ParseInt(url.port);
  if (url.host.empty() || url.host.find_first_of("@ ") != std::string::npos) return bad("bad host");
  if (!port.ok() || *port < 1 || *port > 65535) return bad("bad port");
  if (!url.tls && !IsLoopback(url.host)) return bad("http:// is for loopback only; use https://");
  return url;
}

// A connection of either kind, open or not.
struct Connection {
  // Beast reads as much at once as the buffer has room for, and does not make room by itself.
  Connection() { buffer.reserve(kChunk); }

  std::optional<beast::tcp_stream> plain;
  std::optional<TlsStream> tls;
  beast::flat_buffer buffer{kChunk + (64U << 10)};
  bool used = false;  // has carried an exchange: may have been closed by the server since

  beast::tcp_stream& lowest() { return tls ? beast::get_lowest_layer(*tls) : *plain; }
};

// How long the present operation may take: until the end of the exchange, or anew for each chunk of a file.
struct Budget {
  SteadyTime end;
  std::chrono::milliseconds pause;
  bool streaming;
  SteadyTime deadline;  // of the caller: progress does not move it

  SteadyTime Next() const {
    return streaming ? std::min(deadline, std::max(end, std::chrono::steady_clock::now() + pause)) : end;
  }
};

Status Broken(const ErrorCode& ec, std::string_view during) {
  if (ec == beast::error::timeout) {
    return Error(StatusCode::kDeadlineExceeded, "HTTP_TIMEOUT", "no progress while {}", during);
  }
  if (ec == beast::http::error::body_limit || ec == beast::http::error::buffer_overflow) {
    return Error(StatusCode::kResourceExhausted, "RESPONSE_TOO_LARGE", "the response is too large");
  }
  return Error(StatusCode::kUnavailable, "HTTP_UNAVAILABLE", "{} failed: {}", during, ec.message());
}

}  // namespace

class Client::Impl {
 public:
  explicit Impl(ClientOptions options) : options_(std::move(options)) {}

  Result<ClientResponse> Send(const Context& ctx, const ClientRequest& request);

 private:
  struct Attempt {
    bool answered = false;  // a byte of the response has arrived
    Status status;
    ClientResponse response;
    bool keep_alive = false;
  };

  Status Prepare();
  Result<std::string> RenderHead(const Context& ctx, const ClientRequest& request, std::uint64_t length) const;
  Attempt TryOnce(const Context& ctx, const ClientRequest& request, const std::string& head, Budget budget);
  net::awaitable<void> Perform(const ClientRequest& request, const std::string& head, Budget budget, Attempt& attempt);
  net::awaitable<Status> Connect(Budget budget);
  net::awaitable<Status> Handshake(Budget budget);
  template <typename Stream>
  net::awaitable<Status> Exchange(Stream& stream, const ClientRequest& request, const std::string& head, Budget budget,
                                  Attempt& attempt);
  template <typename Stream>
  net::awaitable<Status> WriteBody(Stream& stream, const ClientRequest& request, Budget budget);
  template <typename Stream>
  net::awaitable<Status> ReadBody(Stream& stream, Parser& parser, const ClientRequest& request, Budget budget,
                                  Attempt& attempt);

  const ClientOptions options_;
  Mutex mutex_;
  Url url_;
  SslContext tls_;
  bool prepared_ = false;
  net::io_context io_;
  std::optional<net::ssl::context> tls_context_;
  std::unique_ptr<Connection> connection_;
  std::uint64_t turn_ = 0;  // counts attempts
  std::uint64_t cancelled_turn_ = 0;
};

Status Client::Impl::Prepare() {
  if (prepared_) return {};
  GF_ASSIGN(url_, ParseUrl(options_.base_url));
  if (url_.tls) {
    GF_ASSIGN(SslContext context, MakeClientTls(options_.ca_file));
    tls_context_.emplace(context.release());
  }
  prepared_ = true;
  return {};
}

Result<std::string> Client::Impl::RenderHead(const Context& ctx, const ClientRequest& request,
                                             std::uint64_t length) const {
  const std::string target = url_.prefix + request.target;
  if (!target.starts_with('/') || target.find(' ') != std::string::npos || !IsFieldValue(target)) {
    return InvalidField("target", "BAD_TARGET", "not an encoded path");
  }
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\ntraceparent: {}\r\n", MethodName(request.method), target,
                                 url_.authority, ctx.traceparent());
  for (const auto& [name, value] : request.headers.fields()) {
    if (!IsFieldName(name) || !IsFieldValue(value)) return InvalidField("headers", "BAD_HEADER", "bad header field");
    head.append(name).append(": ").append(value).append("\r\n");
  }
  const bool has_body = length > 0 || request.method == Method::kPost || request.method == Method::kPut ||
                        request.method == Method::kPatch;
  if (has_body) head += fmt::format("Content-Length: {}\r\n", length);
  return head + "\r\n";
}

Result<ClientResponse> Client::Impl::Send(const Context& ctx, const ClientRequest& request) {
  MutexLock lock(mutex_);
  GF_TRY(Prepare());
  GF_TRY(ctx.Alive());
  std::uint64_t length = request.body.size();
  if (request.body_file) {
    std::error_code ec;
    length = std::filesystem::file_size(*request.body_file, ec);
    if (ec) return InvalidField("body_file", "NO_FILE", "cannot read {}", request.body_file->string());
  }
  GF_ASSIGN(const std::string head, RenderHead(ctx, request, length));
  const Budget budget{std::chrono::steady_clock::now() + ctx.Remaining(options_.timeout), options_.timeout,
                      request.body_file || request.save_to || request.sink || length >= kLongBody, ctx.deadline()};
  const bool reused = connection_ != nullptr;
  Attempt attempt = TryOnce(ctx, request, head, budget);
  // The server may close an idle connection at any time; RFC 9110 section 9.2.2 allows a repetition of what is
  // idempotent.
  const bool idempotent = request.method != Method::kPost && request.method != Method::kPatch;
  if (attempt.status.code() == StatusCode::kUnavailable && reused && !attempt.answered && idempotent && ctx.Alive().ok()) {
    attempt = TryOnce(ctx, request, head, budget);
  }
  if (attempt.status.code() == StatusCode::kUnavailable) GF_TRY(ctx.Alive());  // a cancelled exchange looks broken off
  GF_TRY(attempt.status);
  return std::move(attempt.response);
}

Client::Impl::Attempt Client::Impl::TryOnce(const Context& ctx, const ClientRequest& request, const std::string& head,
                                            Budget budget) {
  Attempt attempt;
  try {
    io_.restart();
    net::co_spawn(io_, Perform(request, head, budget, attempt), net::detached);
    // Closing, unlike stopping the loop, lets the coroutines end by themselves. What is posted too late runs in a later
    // exchange, which it does not mean.
    const std::stop_callback on_stop(ctx.stop(), [this, turn = ++turn_] {
      net::post(io_, [this, turn] {
        if (turn != turn_) return;
        cancelled_turn_ = turn;
        if (connection_ != nullptr) connection_->lowest().close();
      });
    });
    io_.run();
  } catch (const std::exception&) {
    attempt.status = Error(StatusCode::kInternal, "HTTP_CLIENT", "the HTTP client failed");
  }
  if (!attempt.status.ok() || !attempt.keep_alive) connection_.reset();
  return attempt;
}

net::awaitable<void> Client::Impl::Perform(const ClientRequest& request, const std::string& head, Budget budget,
                                           Attempt& attempt) {
  if (connection_ == nullptr) {
    attempt.status = co_await Connect(budget);
    if (!attempt.status.ok()) co_return;
  }
  if (connection_->tls) {
    attempt.status = co_await Exchange(*connection_->tls, request, head, budget, attempt);
  } else {
    attempt.status = co_await Exchange(*connection_->plain, request, head, budget, attempt);
  }
}

net::awaitable<Status> Client::Impl::Connect(Budget budget) {
  ErrorCode ec;
  tcp::resolver resolver(io_);
  const auto endpoints =
      co_await resolver.async_resolve(url_.host, url_.port, net::redirect_error(net::use_awaitable, ec));
  if (!ec && cancelled_turn_ == turn_) ec = net::error::operation_aborted;
  if (ec) co_return Broken(ec, "looking up " + url_.host);
  auto connection = std::make_unique<Connection>();
  if (url_.tls) {
    connection->tls.emplace(net::any_io_executor(io_.get_executor()), *tls_context_);
  } else {
    connection->plain.emplace(net::any_io_executor(io_.get_executor()));
  }
  connection_ = std::move(connection);  // already here, so that a cancellation finds it
  connection_->lowest().expires_at(budget.end);
  co_await connection_->lowest().async_connect(endpoints, net::redirect_error(net::use_awaitable, ec));
  if (ec) co_return Broken(ec, "connecting to " + url_.authority);
  ErrorCode ignored;
  connection_->lowest().socket().set_option(tcp::no_delay(true), ignored);
  if (!url_.tls) co_return Status();
  co_return co_await Handshake(budget);
}

net::awaitable<Status> Client::Impl::Handshake(Budget budget) {
  SSL* ssl = connection_->tls->native_handle();
  const Status host = ExpectHost(ssl, url_.host);
  if (!host.ok()) co_return host;
  ErrorCode ec;
  connection_->lowest().expires_at(budget.end);
  co_await connection_->tls->async_handshake(net::ssl::stream_base::client,
                                             net::redirect_error(net::use_awaitable, ec));
  if (!ec) co_return Status();
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    co_return Error(StatusCode::kUnauthenticated, "TLS_VERIFICATION_FAILED", "the certificate of {} is not accepted: {}",
                    url_.authority, X509_verify_cert_error_string(verified));
  }
  co_return Broken(ec, "the TLS handshake with " + url_.authority);
}

template <typename Stream>
net::awaitable<Status> Client::Impl::Exchange(Stream& stream, const ClientRequest& request, const std::string& head,
                                              Budget budget, Attempt& attempt) {
  ErrorCode ec;
  connection_->lowest().expires_at(budget.Next());
  co_await net::async_write(stream, net::buffer(head), net::redirect_error(net::use_awaitable, ec));
  if (ec) co_return Broken(ec, "sending");
  // A server that refuses early stops reading: its answer counts, not our broken pipe.
  const Status written = co_await WriteBody(stream, request, budget);
  if (!written.ok() && written.code() != StatusCode::kUnavailable) co_return written;
  std::optional<Parser> parser;
  do {
    parser.emplace();
    parser->body_limit(std::numeric_limits<std::uint64_t>::max());
    parser->skip(request.method == Method::kHead);
    connection_->lowest().expires_at(budget.Next());
    co_await beast::http::async_read_header(stream, connection_->buffer, *parser,
                                            net::redirect_error(net::use_awaitable, ec));
    if (ec) co_return written.ok() ? Broken(ec, "waiting for the response") : written;
  } while (parser->get().result_int() < 200);  // interim responses
  attempt.answered = true;
  attempt.response.status = static_cast<int>(parser->get().result_int());
  for (const auto& field : parser->get()) {
    attempt.response.headers.Add(std::string(field.name_string().data(), field.name_string().size()),
                                 std::string(field.value().data(), field.value().size()));
  }
  const Status read = co_await ReadBody(stream, *parser, request, budget, attempt);
  attempt.keep_alive = read.ok() && written.ok() && parser->keep_alive();
  co_return read;
}

template <typename Stream>
net::awaitable<Status> Client::Impl::WriteBody(Stream& stream, const ClientRequest& request, Budget budget) {
  ErrorCode ec;
  if (!request.body_file) {
    for (std::string_view rest = request.body; !rest.empty();) {
      const std::string_view piece = rest.substr(0, kLongBody);
      rest.remove_prefix(piece.size());
      connection_->lowest().expires_at(budget.Next());
      co_await net::async_write(stream, net::buffer(piece.data(), piece.size()),
                                net::redirect_error(net::use_awaitable, ec));
      if (ec) co_return Broken(ec, "sending the body");
    }
    co_return Status();
  }
  std::ifstream file(*request.body_file, std::ios::binary);
  std::string chunk(kChunk, '\0');
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto count = static_cast<std::size_t>(file.gcount());
    connection_->lowest().expires_at(budget.Next());
    co_await net::async_write(stream, net::buffer(chunk.data(), count), net::redirect_error(net::use_awaitable, ec));
    if (ec) co_return Broken(ec, "sending the body");
  }
  co_return Status();
}

template <typename Stream>
net::awaitable<Status> Client::Impl::ReadBody(Stream& stream, Parser& parser, const ClientRequest& request,
                                              Budget budget, Attempt& attempt) {
  const bool good = attempt.response.status / 100 == 2;
  const bool save = request.save_to && good;
  std::filesystem::path part;
  std::ofstream file;
  if (save) {
    part = request.save_to->string() + ".part";
    file.open(part, std::ios::binary | std::ios::trunc);
  }
  std::string chunk(kChunk, '\0');
  while (!parser.is_done()) {
    parser.get().body().data = chunk.data();
    parser.get().body().size = chunk.size();
    ErrorCode ec;
    connection_->lowest().expires_at(budget.Next());
    co_await beast::http::async_read(stream, connection_->buffer, parser, net::redirect_error(net::use_awaitable, ec));
    if (ec && ec != beast::http::error::need_buffer) co_return Broken(ec, "reading the response");
    const std::size_t count = chunk.size() - parser.get().body().size;
    if (save) {
      file.write(chunk.data(), static_cast<std::streamsize>(count));
      attempt.response.saved_bytes += count;
    } else if (request.sink && good) {
      Status taken = request.sink(attempt.response, std::string_view(chunk).substr(0, count));
      if (!taken.ok()) co_return taken;
      attempt.response.saved_bytes += count;
    } else {
      attempt.response.body.append(chunk, 0, count);
    }
    if (attempt.response.body.size() > options_.max_response_bytes) {
      co_return Broken(beast::http::error::body_limit, "reading the response");
    }
  }
  if (!save) co_return Status();
  file.close();
  std::error_code ec;
  if (file) std::filesystem::rename(part, *request.save_to, ec);
  if (!file || ec) {
    co_return Error(StatusCode::kFailedPrecondition, "CANNOT_SAVE", "cannot write {}", request.save_to->string());
  }
  co_return Status();
}

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

Result<ClientResponse> Client::Send(const Context& ctx, const ClientRequest& request) {
  return impl_->Send(ctx, request);
}

Result<ClientResponse> Client::Send(const ClientRequest& request) {
  return impl_->Send(Context::Background(), request);
}

}  // namespace genofed::http
