// SPDX-License-Identifier: Apache-2.0
//
// The client against the server, over TLS: certificates, files and ranges.
#include "libs/http/client.h"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "libs/core/file.h"
#include "libs/http/test_server.h"

namespace genofed::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class TlsTest : public ServerTest {
 protected:
  TlsTest() { UseTls(); }

  // The protocol a client limited to `version` ends up with; empty when the handshake fails.
  std::string Handshake(int version) const {
    const RawConnection connection(server_->port());
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, version);
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, connection.fd());
    const std::string result = SSL_connect(ssl) == 1 ? SSL_get_version(ssl) : "";
    SSL_free(ssl);
    SSL_CTX_free(context);
    return result;
  }

  void WriteFile(std::size_t size) {
    content_.resize(size);
    for (std::size_t i = 0; i < size; ++i) content_[i] = static_cast<char>(i * 31 % 251);
    ASSERT_TRUE(WriteFileAtomically(scratch_ / "file", content_).ok());
  }

  std::string content_;
};

TEST_F(TlsTest, SpeaksTls13Only) {
  Start();
  EXPECT_EQ(Handshake(TLS1_3_VERSION), "TLSv1.3");
  EXPECT_EQ(Handshake(TLS1_2_VERSION), "");
  Client client(ForClient());
  EXPECT_EQ(Get(client, "/hello/tls").body, "hello tls");
}

TEST_F(TlsTest, ReusesItsConnection) {
  Start();
  Client client(ForClient());
  for (int i = 0; i < 3; ++i) Get(client, "/hello/x");
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(TlsTest, ReconnectsWhenTheServerClosedAnIdleConnection) {
  options_.idle_timeout = milliseconds(30);
  Start();
  Client client(ForClient());
  EXPECT_EQ(Get(client, "/hello/x").status, 200);
  while (server_->connections() > 0) std::this_thread::sleep_for(milliseconds(2));
  EXPECT_EQ(Get(client, "/hello/x").status, 200);
}

TEST_F(TlsTest, RefusesAServerItCannotVerify) {
  Start();
  ClientOptions options = ForClient();
  WriteTestCertificate("DNS:localhost,IP:127.0.0.1", scratch_ / "other.pem", scratch_ / "other-key.pem");
  options.ca_file = scratch_ / "other.pem";
  EXPECT_EQ(Reason(Client(options).Send({.target = "/"}).status()), "TLS_VERIFICATION_FAILED");
}

TEST_F(TlsTest, RefusesACertificateForAnotherHost) {
  UseTls("DNS:hub.example,IP:127.0.0.2");
  Start();
  const ClientOptions options = ForClient();
  EXPECT_EQ(Reason(Client(options).Send({.target = "/"}).status()), "TLS_VERIFICATION_FAILED");
  ClientOptions by_name = options;
  by_name.base_url = "https://localhost:" + std::to_string(server_->port());
  EXPECT_EQ(Reason(Client(by_name).Send({.target = "/"}).status()), "TLS_VERIFICATION_FAILED");
}

TEST_F(TlsTest, TakesOverNewCertificatesAndKeepsGoodOnes) {
  options_.certificate_check_interval = milliseconds(10);
  std::atomic<int> loaded = 0;
  std::atomic<int> failed = 0;
  options_.on_certificate_reload = [&](const Status& status) { ++(status.ok() ? loaded : failed); };
  Start();
  ASSERT_TRUE(WriteFileAtomically(scratch_ / "cert.pem", "broken").ok());
  while (failed == 0) std::this_thread::sleep_for(milliseconds(2));
  EXPECT_EQ(Handshake(TLS1_3_VERSION), "TLSv1.3");  // the old one is in use
  UseTls();
  while (loaded == 0) std::this_thread::sleep_for(milliseconds(2));
  Client client(ForClient());
  EXPECT_EQ(Get(client, "/hello/new").status, 200);  // verified against the new certificate
  server_->Stop();
}

TEST_F(TlsTest, ServesFilesAndRanges) {
  WriteFile(300'000);
  Start();
  Client client(ForClient());
  const ClientResponse whole = Get(client, "/file");
  EXPECT_EQ(whole.status, 200);
  EXPECT_TRUE(whole.body == content_);
  EXPECT_EQ(whole.headers.Get("Accept-Ranges"), "bytes");

  const ClientResponse part = Get(client, "/file", {{"Range", "bytes=1000-200999"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.headers.Get("Content-Range"), "bytes 1000-200999/300000");
  EXPECT_TRUE(part.body == content_.substr(1000, 200'000));

  const ClientResponse beyond = Get(client, "/file", {{"Range", "bytes=300000-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.Get("Content-Range"), "bytes */300000");
  EXPECT_THAT(beyond.body, HasSubstr("RANGE_NOT_SATISFIABLE"));

  EXPECT_EQ(Get(client, "/file", {{"Range", "bytes=0-1"}, {"If-Range", "\"v0\""}}).status, 200);
  const ClientResponse unchanged = Get(client, "/file", {{"If-None-Match", "\"v1\""}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(Get(client, "/file", {}, Method::kHead).headers.Get("Content-Length"), "300000");
}

// Three million bytes that nobody holds at once: byte i is i % 251.
TEST_F(TlsTest, AStreamIsPulledPieceByPieceAndHasRanges) {
  constexpr std::uint64_t kLength = 3'000'000;
  std::string expected(kLength, '\0');
  for (std::size_t i = 0; i < kLength; ++i) expected[i] = static_cast<char>(i % 251);
  std::atomic<std::size_t> largest = 0, pulls = 0;
  std::atomic<bool> broken = false;
  auto alive = std::make_shared<int>(0);
  AddRoute(Method::kGet, "/stream", [&, alive](const Request&) -> Result<Response> {
    StreamBody stream;
    stream.length = kLength;
    stream.read = [&, alive](std::uint64_t offset, std::size_t most) -> Result<std::string> {
      ++pulls;
      largest = std::max<std::size_t>(largest, most);
      if (broken && offset > 0) return Error(StatusCode::kUnavailable, "NO", "no");
      return expected.substr(static_cast<std::size_t>(offset), std::min<std::size_t>(most, 700'000));
    };
    return Stream(std::move(stream), "application/octet-stream", "\"s1\"");
  });
  Start();
  {
    Client client(ForClient());
    EXPECT_TRUE(Get(client, "/stream").body == expected);
    EXPECT_LE(largest, std::size_t{1} << 20);
    EXPECT_EQ(pulls, 5u);
    const ClientResponse part = Get(client, "/stream", {{"Range", "bytes=1048570-1048580"}, {"If-Range", "\"s1\""}});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.headers.Get("Content-Range"), "bytes 1048570-1048580/3000000");
    EXPECT_TRUE(part.body == expected.substr(1'048'570, 11));
    EXPECT_EQ(Get(client, "/stream", {{"Range", "bytes=3000000-"}}).status, 416);
    EXPECT_EQ(Get(client, "/stream", {{"If-None-Match", "\"s1\""}}).status, 304);
    pulls = 0;
    EXPECT_EQ(Get(client, "/stream", {}, Method::kHead).headers.Get("Content-Length"), "3000000");
    EXPECT_EQ(pulls, 0u);
    // What cannot be had breaks the connection off: the client must not take it for the end.
    broken = true;
    EXPECT_FALSE(client.Send({.target = "/stream"}).ok());
  }
  server_->Stop();
  EXPECT_EQ(alive.use_count(), 2);  // this one and the route's; streams that were sent are gone
}

// As EventSource reads it: each event when it happens, and the end of the connection as the end.
TEST_F(TlsTest, EventsComeAsTheyHappenAndEndWithTheConnection) {
  std::atomic<int> told = 0;
  AddRoute(Method::kGet, "/events", [&](const Request&) -> Result<Response> {
    return Events([&]() -> Result<std::string> {
      return ++told <= 3 ? FormatEvent("step", std::to_string(told)) : std::string();
    });
  });
  Start();
  Client client(ForClient());
  const ClientResponse events = Get(client, "/events", {{"Range", "bytes=0-3"}});
  EXPECT_EQ(events.status, 200);
  EXPECT_EQ(events.headers.Get("Content-Type"), "text/event-stream");
  EXPECT_FALSE(events.headers.Has("Content-Length"));
  EXPECT_EQ(events.body, "event: step\ndata: 1\n\nevent: step\ndata: 2\n\nevent: step\ndata: 3\n\n");
  EXPECT_EQ(Get(client, "/hello/you").body, "hello you");  // over a new connection
}

TEST_F(TlsTest, ARegionOfAFileIsARepresentationOfItsOwn) {
  WriteFile(100);
  Start();
  Client client(ForClient());
  EXPECT_EQ(Get(client, "/part").body, content_.substr(10, 20));
  const ClientResponse tail = Get(client, "/part", {{"Range", "bytes=-5"}});
  EXPECT_EQ(tail.headers.Get("Content-Range"), "bytes 15-19/20");
  EXPECT_EQ(tail.body, content_.substr(25, 5));
}

TEST_F(TlsTest, AMissingFileIsAnInternalError) {
  Start();
  Client client(ForClient());
  const ClientResponse response = Get(client, "/gone");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, Not(HasSubstr("absent")));
}

TEST_F(TlsTest, StreamsAFileUpAndDown) {
  WriteFile(3'000'000);
  Start();
  Client client(ForClient());
  ClientRequest upload;
  upload.method = Method::kPost;
  upload.target = "/upload";
  upload.body_file = scratch_ / "file";
  const auto uploaded = client.Send(upload);
  ASSERT_TRUE(uploaded.ok()) << uploaded.status();
  EXPECT_THAT(uploaded->body, testing::StartsWith("3000000 "));

  ClientRequest download;
  download.target = "/file";
  download.save_to = scratch_ / "copy";
  const auto downloaded = client.Send(download);
  ASSERT_TRUE(downloaded.ok()) << downloaded.status();
  EXPECT_EQ(downloaded->saved_bytes, 3'000'000U);
  EXPECT_TRUE(*ReadFile(scratch_ / "copy") == content_);
  server_->Stop();
  // The body's own file was deleted after its handler.
  EXPECT_FALSE(std::filesystem::exists(uploaded->body.substr(8)));
}

TEST_F(TlsTest, ErrorBodiesAreNotSaved) {
  Start();
  Client client(ForClient());
  ClientRequest request;
  request.target = "/nowhere";
  request.save_to = scratch_ / "copy";
  const auto response = client.Send(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 404);
  EXPECT_THAT(response->body, HasSubstr("NO_SUCH_ROUTE"));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "copy"));
}

TEST_F(TlsTest, ARefusalInTheMiddleOfAnUploadIsRead) {
  WriteFile(3'000'000);
  Start();
  Client client(ForClient());
  ClientRequest request;
  request.method = Method::kPost;
  request.target = "/echo";
  request.body_file = scratch_ / "file";
  const auto response = client.Send(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 413);
}

TEST_F(TlsTest, ASinkTakesA2xxBodyPieceByPiece) {
  WriteFile(1'000'000);
  Start();
  Client client(ForClient());
  std::string taken;
  std::size_t pieces = 0;
  ClientRequest request;
  request.target = "/file";
  request.headers = {{"Range", "bytes=10-999999"}};
  request.sink = [&](const ClientResponse& head, std::string_view bytes) -> Status {
    EXPECT_EQ(head.status, 206);
    EXPECT_EQ(head.headers.Get("Content-Range"), "bytes 10-999999/1000000");
    taken.append(bytes);
    ++pieces;
    return {};
  };
  const auto response = client.Send(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->saved_bytes, 999'990U);
  EXPECT_EQ(response->body, "");
  EXPECT_TRUE(taken == content_.substr(10));
  EXPECT_GT(pieces, 10U);  // never the whole in memory

  request.target = "/nowhere";
  taken.clear();
  EXPECT_THAT(client.Send(request)->body, HasSubstr("NO_SUCH_ROUTE"));
  EXPECT_EQ(taken, "");
}

TEST_F(TlsTest, ASinkCanEndTheExchange) {
  WriteFile(1'000'000);
  Start();
  Client client(ForClient());
  ClientRequest request;
  request.target = "/file";
  request.sink = [](const ClientResponse&, std::string_view) {
    return Error(StatusCode::kResourceExhausted, "ENOUGH", "enough");
  };
  EXPECT_EQ(Reason(client.Send(request).status()), "ENOUGH");
  EXPECT_EQ(Get(client, "/hello/again").body, "hello again");  // on a new connection
}

TEST_F(TlsTest, CancellationEndsAnExchange) {
  Start();
  Client client(ForClient());
  std::stop_source stop;
  std::thread canceller([&] {
    while (slow_started_ == 0) std::this_thread::sleep_for(milliseconds(2));
    stop.request_stop();
  });
  const auto cancelled = client.Send(Context::Background().WithStop(stop.get_token()), {.target = "/slow"});
  canceller.join();
  EXPECT_EQ(cancelled.status().code(), StatusCode::kCancelled);
  release_ = true;
  EXPECT_EQ(Get(client, "/hello/again").body, "hello again");
}

TEST_F(TlsTest, ProgressDoesNotMoveTheCallersDeadline) {
  WriteFile(1'000'000);
  Start();
  Client client(ForClient());
  ClientRequest request;
  request.target = "/file";
  const Context ctx = Context::Background().WithTimeout(milliseconds(50));
  request.sink = [&](const ClientResponse&, std::string_view) -> Status {
    while (ctx.Alive().ok()) std::this_thread::sleep_for(milliseconds(2));
    return {};
  };
  const auto late = client.Send(ctx, request);
  EXPECT_EQ(late.status().code(), StatusCode::kDeadlineExceeded);
}

TEST_F(TlsTest, GivesUpAtItsDeadlineAndOnLongResponses) {
  WriteFile(10'000);
  Start();
  ClientOptions options = ForClient();
  options.max_response_bytes = 9'999;
  Client client(options);
  const auto slow = client.Send(Context::Background().WithTimeout(milliseconds(50)), {.target = "/slow"});
  EXPECT_EQ(slow.status().code(), StatusCode::kDeadlineExceeded);
  release_ = true;
  EXPECT_EQ(client.Send({.target = "/file"}).status().code(), StatusCode::kResourceExhausted);
}

TEST(Client, RefusesBadUrlsAndHeaders) {
  for (const char* url : {"", "ftp://x", "http://hub.example", "https://", "https://h:0", "https://h:99999", "https://u@h"}) {
    ClientOptions options;
    options.base_url = url;
    EXPECT_EQ(Reason(Client(options).Send({.target = "/"}).status()), "BAD_URL") << url;
  }
  ClientOptions options;
  options.base_url = "http://127.0.0.1:1";
  Client client(options);
  EXPECT_EQ(Reason(client.Send({.target = "/a b"}).status()), "BAD_TARGET");
  EXPECT_EQ(Reason(client.Send({.target = "/", .headers = {{"A", "b\r\nc"}}}).status()), "BAD_HEADER");
  EXPECT_EQ(client.Send({.target = "/"}).status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace genofed::http
