// SPDX-License-Identifier: Apache-2.0
#include "libs/http/session.h"  // first: it orders Boost's includes
#include "libs/http/server.h"

#include <sys/stat.h>

#include <array>
#include <condition_variable>
#include <list>
#include <thread>

#include "libs/core/mutex.h"
#include "libs/http/tls.h"

namespace genofed::http {
namespace {

// What tells one version of a file from the next: also one that was moved into place with an old time.
struct FileStamp {
  ino_t inode = 0;
  off_t size = -1;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  bool operator==(const FileStamp&) const = default;
};
using CertificateStamp = std::array<FileStamp, 2>;

FileStamp StampOf(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

CertificateStamp StampOf(const ServerOptions& options) {
  return {StampOf(options.certificate_file), StampOf(options.private_key_file)};
}

Status CheckOptions(const ServerOptions& options) {
  if (options.certificate_file.empty() != options.private_key_file.empty()) {
    return InvalidField("certificate_file", "TLS_SETUP", "certificate and private key must be given together");
  }
  if (options.io_threads < 1 || options.handler_threads < 1) {
    return InvalidField("handler_threads", "BAD_OPTION", "at least one thread is needed");
  }
  return {};
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, const Router& router)
      : options_(std::move(options)), router_(router), pool_(options_.handler_threads, options_.max_queue) {}
  ~Impl() { Stop(); }

  Status Open();
  void Stop();
  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_; }

 private:
  using SessionList = std::list<std::weak_ptr<SessionBase>>;

  bool tls() const { return !options_.certificate_file.empty(); }
  Status LoadCertificate();
  net::awaitable<void> AcceptLoop();
  net::awaitable<void> WatchCertificate();
  void StartSession(tcp::socket socket);
  template <typename Stream, typename... Args>
  void Spawn(std::string peer, tcp::socket socket, Args&&... args);
  template <typename Action>
  void ForEachSession(Action action);

  ServerOptions options_;
  const Router& router_;
  std::uint16_t port_ = 0;
  std::atomic<bool> draining_ = false;
  std::atomic<std::size_t> connections_ = 0;
  std::stop_source stop_;
  std::atomic<std::uint64_t> body_bytes_ = 0;
  std::shared_ptr<net::ssl::context> certificate_;  // replaced on the accepting strand only
  CertificateStamp certificate_stamp_;
  Mutex mutex_;
  Mutex stop_mutex_;
  bool stopped_ ABSL_GUARDED_BY(stop_mutex_) = false;
  std::condition_variable ended_;
  SessionList sessions_ ABSL_GUARDED_BY(mutex_);
  // From here on destroyed first: suspended coroutines refer to everything above.
  net::io_context io_;
  net::strand<net::io_context::executor_type> accepting_ = net::make_strand(io_);
  tcp::acceptor acceptor_{accepting_};
  net::steady_timer watch_{accepting_};
  WorkerPool pool_;
  std::vector<std::jthread> threads_;
};

Status Server::Impl::LoadCertificate() {
  const CertificateStamp stamp = StampOf(options_);  // before reading: a later change is noticed
  GF_ASSIGN(SslContext context, MakeServerTls(options_.certificate_file, options_.private_key_file));
  certificate_ = std::make_shared<net::ssl::context>(context.release());
  certificate_stamp_ = stamp;
  return {};
}

Status Server::Impl::Open() {
  GF_TRY(CheckOptions(options_));
  if (options_.spool_dir.empty()) options_.spool_dir = std::filesystem::temp_directory_path();
  if (tls()) GF_TRY(LoadCertificate());
  ErrorCode ec;
  const auto address = net::ip::make_address(options_.address, ec);
  if (ec) return InvalidField("address", "BAD_ADDRESS", "not a numeric address");
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(net::socket_base::reuse_address(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(net::socket_base::max_listen_connections, ec);
  if (!ec) port_ = acceptor_.local_endpoint(ec).port();
  if (ec) {
    return Error(StatusCode::kUnavailable, "CANNOT_LISTEN", "cannot listen on {}:{}: {}", options_.address,
                 options_.port, ec.message());
  }
  net::co_spawn(accepting_, AcceptLoop(), net::detached);
  if (tls()) net::co_spawn(accepting_, WatchCertificate(), net::detached);
  for (int i = 0; i < options_.io_threads; ++i) {
    threads_.emplace_back([this] { io_.run(); });
  }
  return {};
}

net::awaitable<void> Server::Impl::AcceptLoop() {
  while (!draining_) {
    ErrorCode ec;
    tcp::socket socket(net::any_io_executor(net::make_strand(io_)));
    co_await acceptor_.async_accept(socket, net::redirect_error(net::use_awaitable, ec));
    if (draining_ || ec == net::error::operation_aborted) break;
    if (ec) {
      // Out of descriptors, most likely: wait for connections to end rather than spin.
      net::steady_timer pause(accepting_, std::chrono::milliseconds(50));
      co_await pause.async_wait(net::redirect_error(net::use_awaitable, ec));
      continue;
    }
    if (connections_ < options_.max_connections) StartSession(std::move(socket));
  }
}

net::awaitable<void> Server::Impl::WatchCertificate() {
  while (!draining_) {
    ErrorCode ec;
    watch_.expires_after(options_.certificate_check_interval);
    co_await watch_.async_wait(net::redirect_error(net::use_awaitable, ec));
    if (ec || draining_) break;
    if (StampOf(options_) == certificate_stamp_) continue;
    // Certificate and key are two files: a reload between the two writes fails and is tried again next time.
    const Status loaded = LoadCertificate();
    if (options_.on_certificate_reload) options_.on_certificate_reload(loaded);
  }
}

void Server::Impl::StartSession(tcp::socket socket) {
  ErrorCode ec;
  socket.set_option(tcp::no_delay(true), ec);
  const auto peer = socket.remote_endpoint(ec);
  if (ec) return;  // gone already
  if (tls()) {
    Spawn<TlsStream>(peer.address().to_string(), std::move(socket), *certificate_);
  } else {
    Spawn<PlainStream>(peer.address().to_string(), std::move(socket));
  }
}

template <typename Stream, typename... Args>
void Server::Impl::Spawn(std::string peer, tcp::socket socket, Args&&... args) {
  const Shared shared{options_, router_, pool_, draining_, stop_, body_bytes_};
  const auto executor = socket.get_executor();
  const auto session = std::make_shared<Session<Stream>>(shared, std::move(peer), std::move(socket), args...);
  SessionList::iterator place;
  {
    MutexLock lock(mutex_);
    place = sessions_.insert(sessions_.end(), session);
    ++connections_;
  }
  net::co_spawn(executor, Session<Stream>::Run(session), [this, place](const std::exception_ptr&) {
    MutexLock lock(mutex_);
    sessions_.erase(place);
    --connections_;
    ended_.notify_all();
  });
}

template <typename Action>
void Server::Impl::ForEachSession(Action action) {
  MutexLock lock(mutex_);
  for (const auto& weak : sessions_) {
    if (const auto session = weak.lock()) action(*session);
  }
}

void Server::Impl::Stop() {
  MutexLock stopping(stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  draining_ = true;
  net::post(accepting_, [this] {
    ErrorCode ignored;
    acceptor_.close(ignored);
    watch_.cancel();
  });
  ForEachSession([](SessionBase& session) { session.CloseIfIdle(); });
  {
    std::unique_lock<std::mutex> lock(mutex_.native());
    ended_.wait_for(lock, options_.drain_timeout, [this] { return connections_ == 0; });
  }
  stop_.request_stop();
  ForEachSession([](SessionBase& session) { session.Close(); });
  pool_.Stop();
  io_.stop();
  for (std::jthread& thread : threads_) thread.join();
}

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, const Router& router) {
  auto impl = std::make_unique<Impl>(std::move(options), router);
  GF_TRY(impl->Open());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
std::uint16_t Server::port() const { return impl_->port(); }
std::size_t Server::connections() const { return impl_->connections(); }
void Server::Stop() { impl_->Stop(); }

}  // namespace genofed::http
