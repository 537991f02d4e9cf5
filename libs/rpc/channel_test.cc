// SPDX-License-Identifier: Apache-2.0
//
// Calls that nobody waits for, within the process. The server has a thread for each call and calls
// nobody back: gRPC has no threads for that but those of the calls.
#include "libs/rpc/channel.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/rpc/metadata.h"
#include "libs/rpc/status_codec.h"
#include "libs/testing/matchers.h"

namespace genofed::rpc {
namespace {

using std::chrono::milliseconds;
using testing::HasCode;
using testing::HasReason;
using testing::IsOk;
namespace pb = consent::v1;
using Epochs = Peer<pb::ConsentService>;

class ScriptedService final : public pb::ConsentService::Service {
 public:
  grpc::Status GetEpoch(grpc::ServerContext* call, const pb::GetEpochRequest*,
                        pb::GetEpochResponse* response) override {
    ++calls;
    for (const auto& [key, value] : call->client_metadata())
      metadata[{key.data(), key.size()}] = {value.data(), value.size()};
    while (hang && !call->IsCancelled()) std::this_thread::sleep_for(milliseconds(1));
    response->set_epoch(7);
    return ToGrpc(answer);
  }
  std::atomic<int> calls = 0;
  std::atomic<bool> hang = false;
  Status answer;
  std::map<std::string, std::string> metadata;
};

class StartedCallTest : public ::testing::Test {
 protected:
  StartedCallTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  // Each call has a channel of its own.
  std::unique_ptr<Epochs> MakePeer(milliseconds timeout = std::chrono::seconds(20)) {
    return std::make_unique<Epochs>(ChannelSource{[this] { return server_->InProcessChannel({}); },
                                                  "fi/consent", "discovery", &metrics_},
                                    CallOptions{timeout});
  }
  static Result<std::int64_t> Wait(const Epochs& peer, const Context& ctx) {
    auto said = std::make_shared<std::promise<Result<std::int64_t>>>();
    peer.Start(ctx, &Epochs::Async::GetEpoch, {}, [said](Result<pb::GetEpochResponse> answer) {
      said->set_value(answer.ok() ? Result<std::int64_t>(answer->epoch()) : answer.status());
    });
    return said->get_future().get();
  }

  ScriptedService service_;
  obs::Metrics metrics_;
  std::unique_ptr<grpc::Server> server_;
  Context ctx_ = Context::Background();
};

TEST_F(StartedCallTest, CarriesAndCountsWhatOneThatIsWaitedForDoes) {
  const auto peer = MakePeer();
  Principal principal;
  principal.user = User();
  principal.user->access_token = "abc";
  const Context ctx = ctx_.WithPrincipal(principal);
  EXPECT_EQ(*Wait(*peer, ctx), 7);
  const auto started = std::exchange(service_.metadata, {});
  ASSERT_THAT(peer->Call(ctx, &pb::ConsentService::Stub::GetEpoch, pb::GetEpochRequest()), IsOk());
  for (const char* key : {kTraceparentKey, kAuthorizationKey, kCallerKey, kInProcessKey}) {
    EXPECT_FALSE(started.at(key).empty()) << key;
    EXPECT_EQ(started.at(key), service_.metadata.at(key)) << key;
  }
  EXPECT_NE(metrics_.Expose().find(R"(genofed_rpc_client_total{code="OK",peer="fi/consent"} 2)"),
            std::string::npos)
      << metrics_.Expose();
}

TEST_F(StartedCallTest, SaysWhatWentWrongAndTriesOnce) {
  const auto peer = MakePeer();
  service_.answer = Error(StatusCode::kNotFound, "GRANT_NOT_FOUND", "none");
  EXPECT_THAT(Wait(*peer, ctx_), HasReason("GRANT_NOT_FOUND"));
  service_.calls = 0;
  service_.answer = Error(StatusCode::kUnavailable, "CONSENT_STALE", "x");
  EXPECT_THAT(Wait(*peer, ctx_), HasReason("CONSENT_STALE"));
  EXPECT_EQ(service_.calls, 1);
  const auto away =
      grpc::CreateChannel("unix:/nonexistent/socket", grpc::InsecureChannelCredentials());
  const auto nobody = Wait(Epochs({[&] { return away; }, "fi/consent", "", nullptr}), ctx_);
  EXPECT_THAT(nobody, HasReason("PEER_UNAVAILABLE"));
  EXPECT_EQ(Message(nobody.status()), "fi/consent does not answer");
}

TEST_F(StartedCallTest, EndsWithItsContext) {
  service_.hang = true;
  EXPECT_THAT(Wait(*MakePeer(milliseconds(20)), ctx_), HasReason("DEADLINE_EXCEEDED"));
  const auto peer = MakePeer();
  EXPECT_THAT(Wait(*peer, ctx_.WithTimeout(milliseconds(20))), HasReason("DEADLINE_EXCEEDED"));
  std::stop_source stop;
  service_.calls = 0;
  std::jthread breaks_off([&] {
    while (service_.calls == 0) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_THAT(Wait(*peer, ctx_.WithStop(stop.get_token())), HasCode(StatusCode::kCancelled));
  // Too late to begin: told at once, and nobody is asked.
  bool told = false;
  peer->Start(ctx_.WithStop(stop.get_token()), &Epochs::Async::GetEpoch, {},
              [&](const Result<pb::GetEpochResponse>& answer) {
                told = true;
                EXPECT_THAT(answer, HasCode(StatusCode::kCancelled));
              });
  EXPECT_TRUE(told);
  EXPECT_EQ(service_.calls, 1);
}

// Whoever is told may end everything that the call needed.
TEST_F(StartedCallTest, IsOverWhenItIsTold) {
  auto channel = server_->InProcessChannel({});
  const std::weak_ptr<grpc::Channel> first = channel;
  const Epochs peer({[&] { return channel; }, "fi/consent", "", nullptr});
  service_.hang = true;
  const auto ended = std::make_shared<std::promise<bool>>();
  peer.Start(
      ctx_, &Epochs::Async::GetEpoch, {},
      [ended, first](const Result<pb::GetEpochResponse>&) { ended->set_value(first.expired()); });
  while (service_.calls == 0) std::this_thread::yield();
  // Another call gives that channel up.
  channel = server_->InProcessChannel({});
  EXPECT_FALSE(peer.Call(ctx_.WithTimeout(milliseconds(10)), &pb::ConsentService::Stub::GetEpoch,
                         pb::GetEpochRequest())
                   .ok());
  EXPECT_FALSE(first.expired());
  service_.hang = false;
  EXPECT_TRUE(ended->get_future().get());
}

// One after the other, each from where the answer to the one before came. With the last answer the
// last channel ends, and the peer.
TEST_F(StartedCallTest, MayStartAnotherAndEndChannelAndPeer) {
  for (int round = 0; round < 50; ++round) {
    auto peer = MakePeer();
    const auto said = std::make_shared<std::promise<Status>>();
    std::function<void(int)> next = [&](int left) {
      peer->Start(ctx_, &Epochs::Async::GetEpoch, {},
                  [&, said, left](const Result<pb::GetEpochResponse>& answer) {
                    if (answer.ok() && left > 1) return next(left - 1);
                    said->set_value(answer.status());
                  });
    };
    next(3);
    ASSERT_THAT(said->get_future().get(), IsOk());
    peer.reset();
  }
  EXPECT_EQ(service_.calls, 150);
}

}  // namespace
}  // namespace genofed::rpc
