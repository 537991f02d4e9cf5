// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/shard_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

#include "genofed/discovery/v1/shards.grpc.pb.h"
#include "libs/rpc/status_codec.h"
#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

using std::chrono::milliseconds;
using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

// A shard that does what a test says at its n-th call, from 1.
class ScriptedShard final : public v1::ShardService::Service {
 public:
  grpc::Status CountCarriers(grpc::ServerContext* call, const v1::CountCarriersRequest* request,
                             v1::CountCarriersResponse* response) override {
    received = *request;
    response->set_people(7);
    return rpc::ToGrpc(answer(++calls, *call));
  }
  grpc::Status ListCarriers(grpc::ServerContext*, const v1::ListCarriersRequest*,
                            v1::ListCarriersResponse* response) override {
    response->mutable_carriers()->set_size(9);
    response->mutable_carriers()->set_members("\x01");
    return grpc::Status::OK;
  }

  std::function<Status(int, grpc::ServerContext&)> answer = [](int, grpc::ServerContext&) {
    return absl::OkStatus();
  };
  std::atomic<int> calls = 0;
  v1::CountCarriersRequest received;
};

// Until the caller gives up.
Status Hang(grpc::ServerContext& call) {
  while (!call.IsCancelled()) std::this_thread::sleep_for(milliseconds(2));
  return absl::OkStatus();
}

Status Behind() { return Error(StatusCode::kFailedPrecondition, "SHARD_BEHIND", "not open"); }

class ShardClientTest : public ::testing::Test {
 protected:
  ShardClientTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&shard_);
    server_ = builder.BuildAndStart();
    pattern_.contig = "20";
    pattern_.start = 99;
    pattern_.ref = "A";
    pattern_.alt = "C";
    pattern_.end = 100;
    rows_.Set(3);
  }
  Result<std::uint64_t> Ask(bool replicas = false) {
    const std::shared_ptr<grpc::Channel> channel = server_->InProcessChannel({});
    const auto client = MakeShardClient(
        {1, 3}, {[channel] { return channel; }, "fi/discovery-shard-2", "", nullptr}, replicas,
        [this] { ++behind_; });
    return client->Count(Context::Background().WithTimeout(milliseconds(1000)),
                         {dataset_, 4, files_, rows_, &pattern_, "table"});
  }

  const std::string dataset_ = "GOE-FI-A-1", files_ = "files";
  VariantPattern pattern_;
  genomics::Bitmap rows_{10};
  ScriptedShard shard_;
  std::unique_ptr<grpc::Server> server_;
  int behind_ = 0;
};

TEST_F(ShardClientTest, SaysWhomItMeansAndWhoIsCounted) {
  const auto people = Ask();
  ASSERT_THAT(people, IsOk());
  EXPECT_EQ(*people, 7U);
  const v1::ShardCohort& cohort = shard_.received.cohort();
  EXPECT_EQ(cohort.shard(), 2U);
  EXPECT_EQ(cohort.shards(), 3U);
  EXPECT_EQ(cohort.dataset(), dataset_);
  EXPECT_EQ(cohort.version(), 4);
  EXPECT_EQ(cohort.files(), files_);
  EXPECT_EQ(cohort.frequency_table(), "table");
  EXPECT_EQ(cohort.rows().size(), 10U);
  EXPECT_EQ(shard_.received.variant().start(), 99);
}

TEST_F(ShardClientTest, WhoIsBehindIsAskedOnceMore) {
  shard_.answer = [](int call, grpc::ServerContext&) {
    return call == 1 ? Behind() : absl::OkStatus();
  };
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(behind_, 1) << "this process may be the one with the older files";
  shard_.calls = 0;
  shard_.answer = [](int, grpc::ServerContext&) { return Behind(); };
  const auto people = Ask();
  EXPECT_THAT(people, HasReason("SHARD_BEHIND"));
  EXPECT_THAT(people, HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(shard_.calls, 2);
}

TEST_F(ShardClientTest, WhoIsBehindIsNotWaitedForLongerThanTheCallLasts) {
  shard_.answer = [](int, grpc::ServerContext&) { return Behind(); };
  const std::shared_ptr<grpc::Channel> channel = server_->InProcessChannel({});
  std::stop_source stop;
  bool cancel = false;
  const auto client = MakeShardClient(
      {1, 3}, {[channel] { return channel; }, "fi/discovery-shard-2", "", nullptr}, false,
      [&] {
        if (cancel) stop.request_stop();
      },
      std::chrono::hours(1));
  const auto ask = [&](milliseconds timeout) {
    return client->Count(Context::Background().WithStop(stop.get_token()).WithTimeout(timeout),
                         {dataset_, 4, files_, rows_, &pattern_, "table"});
  };
  EXPECT_THAT(ask(milliseconds(400)), HasReason("SHARD_BEHIND"));
  EXPECT_EQ(shard_.calls, 2) << "there was time to ask once more";
  cancel = true;
  EXPECT_THAT(ask(std::chrono::hours(2)), HasCode(StatusCode::kCancelled));
  EXPECT_EQ(shard_.calls, 3);
}

TEST_F(ShardClientTest, ALostConnectionIsTriedAgainAndAShardThatIsAwayIsNamed) {
  shard_.answer = [](int call, grpc::ServerContext&) {
    return call < 3 ? Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "lost")
                    : absl::OkStatus();
  };
  EXPECT_THAT(Ask(), IsOk());
  shard_.answer = [](int, grpc::ServerContext&) {
    return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "lost");
  };
  const auto people = Ask();
  EXPECT_THAT(people, HasReason("SHARD_UNAVAILABLE"));
  EXPECT_NE(Message(people.status()).find("shard 2 of 3"), std::string::npos);
}

TEST_F(ShardClientTest, AReplicaThatHangsIsNotWaitedForAndAShardThatHangsFailsInTime) {
  shard_.answer = [](int call, grpc::ServerContext& context) {
    return call == 1 ? Hang(context) : absl::OkStatus();
  };
  EXPECT_THAT(Ask(true), IsOk());
  EXPECT_EQ(shard_.calls, 2);
  shard_.calls = 0;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(Ask(false), HasReason("SHARD_UNAVAILABLE"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1000));
  EXPECT_EQ(shard_.calls, 1);
}

TEST_F(ShardClientTest, OtherErrorsArePassedOnAndMistakesOfTheOperatorExplained) {
  shard_.answer = [](int, grpc::ServerContext&) {
    return Error(StatusCode::kFailedPrecondition, "SHARD_MISMATCH", "another");
  };
  EXPECT_THAT(Ask(), HasReason("SHARD_MISMATCH"));
  EXPECT_THAT(Ask(), HasCode(StatusCode::kUnavailable));
  shard_.answer = [](int, grpc::ServerContext&) {
    return Error(StatusCode::kResourceExhausted, "OVERLOADED", "full");
  };
  EXPECT_THAT(Ask(), HasReason("OVERLOADED"));
}

TEST_F(ShardClientTest, RowsOfAnotherCohortAreRefused) {
  const std::shared_ptr<grpc::Channel> channel = server_->InProcessChannel({});
  const auto client = MakeShardClient(
      {1, 3}, {[channel] { return channel; }, "fi/discovery-shard-2", "", nullptr}, false, [] {});
  pattern_.form = VariantPattern::Form::kRange;
  EXPECT_THAT(client->Carriers(Context::Background(), {dataset_, 4, files_, rows_, &pattern_}),
              HasReason("SHARD_CONFUSED"));
}

}  // namespace
}  // namespace genofed::discovery
