// SPDX-License-Identifier: Apache-2.0
#include "libs/http/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "libs/http/test_server.h"

namespace genofed::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kEnd[] = "Host: x\r\nConnection: close\r\n\r\n";

TEST_F(ServerTest, ServesRequestsAndReportsThePatternOnly) {
  Start();
  Client client(ForClient());
  const ClientResponse response = Get(client, "/hello/w%C3%B6rld");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello w\xC3\xB6rld");
  EXPECT_EQ(response.headers.Get("X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(response.headers.Has("Date"));
  server_->Stop();  // a request is reported after its last byte
  ASSERT_EQ(records().size(), 1U);
  EXPECT_EQ(records()[0].route, "/hello/{name}");
  EXPECT_EQ(records()[0].method, "GET");
  EXPECT_EQ(records()[0].status, 200);
}

TEST_F(ServerTest, ContinuesTheCallersTrace) {
  Start();
  Client client(ForClient());
  const Context ctx = Context::Background();
  ClientRequest request;
  request.target = "/trace";
  const auto response = client.Send(ctx, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->body, ctx.trace_id() + " 127.0.0.1");
  EXPECT_EQ(response->headers.Get("X-Request-Id"), ctx.trace_id());
  EXPECT_THAT(std::string(response->headers.Get("traceparent").value_or("")), HasSubstr(ctx.trace_id()));
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  Start();
  const std::string answer = Raw(std::string("HEAD /hello/bob HTTP/1.1\r\n") + kEnd);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  // Nothing that identifiers of requests, in hex, can contain.
  const std::string answer = Raw("GET /hello/1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3"
                                 "\r\n\r\nxyzGET /hello/3 HTTP/1.1\r\n" + std::string(kEnd));
  const auto first = answer.find("hello 1");
  const auto second = answer.find("xyz");
  const auto third = answer.find("hello 3");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(ServerTest, ReadsChunkedBodiesAndSendsContinue) {
  Start();
  RawConnection connection(server_->port());
  connection.Write("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n" + std::string(kEnd));
  EXPECT_THAT(connection.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
  connection.Write("3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
  EXPECT_THAT(connection.ReadAll(), HasSubstr("\r\n\r\nabcdefg"));
}

TEST_F(ServerTest, RefusesWhatIsTooLarge) {
  options_.max_header_bytes = 2048;
  Start();
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\nX: " + std::string(4000, 'a') + "\r\n" + kEnd), StartsWith("HTTP/1.1 431 "));
  // Announced: refused before the body is sent, also without 100 Continue.
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n" + std::string(kEnd)),
              StartsWith("HTTP/1.1 413 "));
  // Not announced: refused when the limit is passed. The answer arrives although the client is still sending.
  const std::string chunk = "400\r\n" + std::string(1024, 'a') + "\r\n";
  const std::string answer =
      Raw("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + std::string(kEnd) + chunk + chunk + "0\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr("BODY_TOO_LARGE"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nContent-Length: 1000\r\n" + std::string(kEnd) + std::string(1000, 'b')),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesAmbiguousFraming) {
  Start();
  const std::pair<std::string, std::string> cases[] = {
      {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},                                  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\n" + std::string(kEnd), "400"},                            // two Hosts
      {"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" + std::string(kEnd) +
           "0\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n" + std::string(kEnd) +
           "0\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" + std::string(kEnd) + "abcd", "400"},
      {"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n" + std::string(kEnd), "400"},
      {"POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" + std::string(kEnd) + "0\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n" + std::string(kEnd) + "0\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + std::string(kEnd) + "zz\r\n", "400"},
      {"GET /\x01 HTTP/1.1\r\n" + std::string(kEnd), "400"},
      {"GET / HTTP/1.1\r\nBad Name: x\r\n" + std::string(kEnd), "400"},
      {"GET / HTTP/1.1\r\nFolded: x\r\n y\r\nExpect: magic\r\n" + std::string(kEnd), "417"},
      {"GET /a/../b HTTP/1.1\r\n" + std::string(kEnd), "400"},
      {"GET /a/%2e%2e/b HTTP/1.1\r\n" + std::string(kEnd), "400"},
      {"GET /%00 HTTP/1.1\r\n" + std::string(kEnd), "400"},
      {"BREW / HTTP/1.1\r\n" + std::string(kEnd), "501"},
      {"GET / HTTP/2.0\r\n" + std::string(kEnd), "400"},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n", "400"},
  };
  for (const auto& [request, status] : cases) {
    EXPECT_THAT(Raw(request), StartsWith("HTTP/1.1 " + status)) << request;
  }
}

TEST_F(ServerTest, ARefusedRequestDoesNotSmuggleAnother) {
  Start();
  const std::string answer = Raw("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
                                 "GET /hello/smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("smuggled")));
  // Refused before its framing was looked at, the rest of it would be read as the next request.
  for (const std::string head : {"BREW / HTTP/1.1", "GET /a/../b HTTP/1.1"}) {
    const std::string refused =
        Raw(head + "\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nGET /hello/smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 400 ")) << head;
    EXPECT_THAT(refused, Not(HasSubstr("smuggled"))) << head;
  }
}

TEST_F(ServerTest, HeadersOfHandlersCannotSplitTheResponse) {
  Start();
  EXPECT_THAT(Raw("GET /evil HTTP/1.1\r\n" + std::string(kEnd)), Not(HasSubstr("Injected")));
}

TEST_F(ServerTest, OldClientsAreServedAndClosed) {
  Start();
  const std::string answer = Raw("GET /hello/old HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("hello old"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, OptionsAndWrongMethods) {
  Start();
  Client client(ForClient());
  EXPECT_EQ(Get(client, "/echo", {}, Method::kOptions).headers.Get("Allow"), "POST, OPTIONS");
  EXPECT_EQ(Get(client, "/echo").status, 405);
  EXPECT_EQ(Get(client, "/nowhere").status, 404);
  EXPECT_THAT(Raw("OPTIONS * HTTP/1.1\r\n" + std::string(kEnd)), StartsWith("HTTP/1.1 404"));
}

TEST_F(ServerTest, SlowClientsAreCutOff) {
  options_.header_timeout = milliseconds(60);
  options_.idle_timeout = milliseconds(60);
  options_.request_timeout = milliseconds(60);
  Start();
  EXPECT_EQ(Raw(""), "");                                                                   // says nothing
  EXPECT_EQ(Raw("GET / HTTP/1.1\r\nHo"), "");                                               // stops in the header
  EXPECT_EQ(Raw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), "");    // stops in the body
  RawConnection idle(server_->port());
  idle.Write("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(idle.ReadAll(), HasSubstr("hello a"));  // and closed after the idle time
}

TEST_F(ServerTest, AHandlerThatOverrunsAnswers504) {
  options_.request_timeout = milliseconds(50);
  AddRoute(Method::kGet, "/deaf", [this](const Request&) -> Result<Response> {
    while (!release_) std::this_thread::sleep_for(milliseconds(2));
    return NoContent();
  });
  Start();
  Client client(ForClient());
  EXPECT_EQ(Get(client, "/deaf").status, 504);
  EXPECT_EQ(Get(client, "/hello/still-here").status, 200);
  release_ = true;
}

// Each is within the limit of its route, and nobody knows yet whether they may ask anything. What is
// received counts by pieces of 64 KiB.
TEST_F(ServerTest, BodiesOfAllRequestsTogetherHaveALimit) {
  constexpr std::size_t kBody = 300'000;
  options_.max_body_bytes_in_memory = 400'000;
  AddRoute(Method::kPost, "/large", [](const Request&) -> Result<Response> { return NoContent(); }, 1'000'000);
  Start();
  const std::string head = fmt::format("POST /large HTTP/1.1\r\nContent-Length: {}\r\n{}", kBody, kEnd);
  const std::string almost = head + std::string(kBody - 1, 'b');
  std::string answers;
  {
    RawConnection one(server_->port()), other(server_->port());
    one.Write(almost);
    other.Write(almost);
    one.Write("b");
    other.Write("b");
    answers = one.ReadAll() + other.ReadAll();
  }
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 503 "));
  EXPECT_THAT(Raw(almost + "b"), StartsWith("HTTP/1.1 204 ")) << "what was held is free again";
}

TEST_F(ServerTest, AFullQueueAnswers503WithRetryAfter) {
  options_.handler_threads = 1;
  options_.max_queue = 1;
  Start();
  const std::string request = "GET /slow HTTP/1.1\r\n" + std::string(kEnd);
  RawConnection running(server_->port());
  running.Write(request);
  while (slow_started_ == 0) std::this_thread::sleep_for(milliseconds(1));
  RawConnection waiting(server_->port());
  waiting.Write(request);
  RawConnection refused(server_->port());
  refused.Write(request);
  // Which of the two got the place in the queue depends on the accept order: one is refused at once.
  std::thread later([this] {
    while (records().empty()) std::this_thread::sleep_for(milliseconds(1));
    release_ = true;
  });
  const std::string answers = waiting.ReadAll() + refused.ReadAll();
  later.join();
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 503 Service Unavailable"));
  EXPECT_THAT(answers, HasSubstr("Retry-After: "));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(running.ReadAll(), HasSubstr("HTTP/1.1 200 OK"));
}

TEST_F(ServerTest, ConnectionsAreCapped) {
  options_.max_connections = 2;
  Start();
  RawConnection a(server_->port());
  RawConnection b(server_->port());
  while (server_->connections() < 2) std::this_thread::sleep_for(milliseconds(1));
  RawConnection c(server_->port());
  EXPECT_EQ(c.ReadAll(), "");
  a.Write("GET /hello/a HTTP/1.1\r\n" + std::string(kEnd));
  EXPECT_THAT(a.ReadAll(), HasSubstr("hello a"));
}

TEST_F(ServerTest, ManyClientsAtOnce) {
  options_.io_threads = 2;
  Start();
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Client client(ForClient());
      for (int i = 0; i < 50; ++i) {
        ClientRequest request;
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        request.target = "/hello/" + name;
        const auto response = client.Send(request);
        if (response.ok() && response->body == "hello " + name) ++good;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, 400);
}

TEST_F(ServerTest, StopLetsRequestsFinish) {
  Start();
  RawConnection idle(server_->port());
  RawConnection busy(server_->port());
  busy.Write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  while (slow_started_ == 0) std::this_thread::sleep_for(milliseconds(1));
  const std::uint16_t port = server_->port();
  std::jthread stopping([this] { server_->Stop(); });
  EXPECT_EQ(idle.ReadAll(), "");  // closed at once
  release_ = true;
  const std::string answer = busy.ReadAll();
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nslow"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  stopping.join();
  ClientOptions options = ForClient();
  EXPECT_EQ(options.base_url, "http://127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(Client(options).Send({.target = "/"}).status().code(), StatusCode::kUnavailable);
}

TEST_F(ServerTest, StopDoesNotWaitForeverAndTellsHandlers) {
  options_.drain_timeout = milliseconds(30);
  Start();
  RawConnection busy(server_->port());
  busy.Write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  while (slow_started_ == 0) std::this_thread::sleep_for(milliseconds(1));
  server_->Stop();  // the handler sees its context end
  server_->Stop();
  EXPECT_FALSE(release_);
}

TEST_F(ServerTest, BadOptionsAreRefused) {
  options_.certificate_file = scratch_ / "absent";
  EXPECT_FALSE(Server::Start(options_, router_).ok());
  options_.private_key_file = scratch_ / "absent";
  EXPECT_FALSE(Server::Start(options_, router_).ok());
  options_.certificate_file = options_.private_key_file = "";
  options_.address = "localhost";
  EXPECT_EQ(Reason(Server::Start(options_, router_).status()), "BAD_ADDRESS");
  options_.address = "127.0.0.1";
  Start();
  options_.port = server_->port();
  EXPECT_EQ(Reason(Server::Start(options_, router_).status()), "CANNOT_LISTEN");
}

}  // namespace
}  // namespace genofed::http
