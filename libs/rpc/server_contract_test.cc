// SPDX-License-Identifier: Apache-2.0
//
// A server with mutual TLS on loopback: who gets through, and certificates renewed under load.
#include <gtest/gtest.h>

#include <atomic>
#include <stop_token>
#include <thread>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/auth/access_token.h"
#include "libs/core/file.h"
#include "libs/core/mutex.h"
#include "libs/rpc/certificate.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/channel_cache.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status_codec.h"
#include "libs/rpc/test_certificates.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

// After the headers that know these names only.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

namespace genofed::rpc {
namespace {

using testing::HasReason;
using testing::IsOk;
namespace pb = consent::v1;

constexpr char kDomain[] = "1mg.example";
constexpr char kGetEpoch[] = "genofed.consent.v1.ConsentService/GetEpoch";

Policy EpochFor(const std::string& callers) {
  return *Policy::Parse(std::string(R"({"methods":{")") + kGetEpoch +
                        R"(":{"token":"none","callers":[)" + callers + "]}}}");
}

// Counts who enters, and answers everybody whom the dispatcher lets through.
class CountingService final : public pb::ConsentService::CallbackService {
 public:
  explicit CountingService(Dispatcher& dispatcher) : dispatcher_(dispatcher) {}
  grpc::ServerUnaryReactor* GetEpoch(grpc::CallbackServerContext* call,
                                     const pb::GetEpochRequest* request,
                                     pb::GetEpochResponse* response) override {
    ++entered;
    return dispatcher_.Unary(
        call, kGetEpoch, request, response,
        [this](const Context& ctx, const pb::GetEpochRequest&) -> Result<pb::GetEpochResponse> {
          pb::GetEpochResponse answer;
          answer.set_epoch(7);
          handling = true;
          while (wait_for_cancel && ctx.Alive().ok())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          if (wait_for_cancel) ended_as = ctx.Alive().code();
          MutexLock lock(mutex_);
          last_ = ctx.principal();
          return answer;
        });
  }
  Principal last() {
    MutexLock lock(mutex_);
    return last_;
  }
  std::atomic<int> entered = 0;
  std::atomic<bool> wait_for_cancel = false;
  std::atomic<bool> handling = false;  // the handler runs: a call may have waited before
  std::atomic<StatusCode> ended_as = StatusCode::kOk;  // what a handler that waits was told

 private:
  Dispatcher& dispatcher_;
  Mutex mutex_;
  Principal last_ ABSL_GUARDED_BY(mutex_);
};

class ServerContractTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { RequireTls13(); }

  void Start(std::chrono::milliseconds connection_age = std::chrono::minutes(10)) {
    bundle_ = *ReadFile(fi_.bundle()) + *ReadFile(hub_.bundle());
    ASSERT_THAT(WriteFileAtomically(directory_ / "bundle.pem", bundle_), IsOk());
    TestAuthority::Switch(served_, fi_.Issue("consent"));
    Server::Options options;
    options.listeners = {{"127.0.0.1:0", served_}};
    options.reflection = true;
    options.site = "fi";
    options.domain = kDomain;
    options.policies = {EpochFor(R"("site:discovery")")};
    options.denied = [this](const WorkloadIdentity& caller) { return Denied(caller); };
    options.max_connection_age = connection_age;
    server_ = *Server::Start(options, {&service_});
    address_ = "127.0.0.1:" + std::to_string(server_->ports()[0]);
  }
  void TearDown() override { server_->Stop(); }

  Status Denied(const WorkloadIdentity& caller) const {
    if (!revoked_ || caller.service != "discovery") return absl::OkStatus();
    return Error(StatusCode::kPermissionDenied, "IDENTITY_REVOKED", "this identity was revoked");
  }
  TlsFiles Files(TlsFiles files) const {
    files.bundle_file = directory_ / "bundle.pem";
    return files;
  }
  std::shared_ptr<grpc::ChannelInterface> Connect(const TlsFiles& files) const {
    return ConnectTls(address_, Files(files), {"fi", "consent"}, kDomain);
  }
  // Without retries, so that every failure shows.
  static Peer<pb::ConsentService> PeerOf(
      std::function<std::shared_ptr<grpc::ChannelInterface>()> channel) {
    return Peer<pb::ConsentService>({std::move(channel), "fi/consent", "", nullptr},
                                    {.attempts = 1});
  }
  Status GetEpoch(const std::shared_ptr<grpc::ChannelInterface>& channel) const {
    const auto peer = PeerOf([channel] { return channel; });
    return peer
        .Call(Context::Background(), &pb::ConsentService::Stub::GetEpoch, pb::GetEpochRequest())
        .status();
  }
  // Any method by its path, with an empty message.
  static Status CallPath(const std::shared_ptr<grpc::ChannelInterface>& channel,
                         const std::string& path) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::CompletionQueue queue;
    grpc::Slice empty;
    auto call = stub.PrepareUnaryCall(&context, path, grpc::ByteBuffer(&empty, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return FromGrpc(status);
  }
  // What `openssl s_client` says when it connects with a good certificate.
  bool Handshakes(const TlsFiles& files, const std::string& version) const {
    const std::string command =
        "openssl s_client -connect " + address_ + " " + version + " -alpn h2 -cert " +
        files.certificate_file + " -key " + files.private_key_file + " -CAfile " +
        (directory_ / "bundle.pem").string() + " -verify_return_error </dev/null >/dev/null 2>&1";
    return std::system(command.c_str()) == 0;
  }

  testing::TemporaryDirectory directory_;
  TestAuthority fi_{directory_.path(), "fi"};
  TestAuthority hub_{directory_.path(), "hub"};
  TlsFiles served_{directory_ / "served.pem", directory_ / "served.key", directory_ / "bundle.pem"};
  std::string bundle_;
  std::string address_;
  std::atomic<bool> revoked_ = false;
  testing::FakeClock clock_;
  obs::Metrics metrics_;
  auth::FixedTrust trust_{auth::TrustStore()};
  auth::AccessTokenVerifier tokens_{trust_, clock_, "", {}};
  // Lets more callers through than the server's policies: what it sees passed the first check.
  Dispatcher dispatcher_{
      {.site = "fi",
       .domain = kDomain,
       .service = "consent",
       .certificate_of = [](std::string_view service) { return "of " + std::string(service); }},
      EpochFor(R"("site:discovery","site:gateway","hub:discovery")"),
      tokens_,
      metrics_};
  CountingService service_{dispatcher_};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerContractTest, TheRowDecidesBeforeTheHandler) {
  Start();
  const TlsFiles discovery = fi_.Issue("discovery");
  EXPECT_THAT(GetEpoch(Connect(discovery)), IsOk());
  EXPECT_EQ(service_.entered, 1);
  EXPECT_EQ(service_.last().workload, (WorkloadIdentity{"fi", "discovery"}));
  EXPECT_EQ(service_.last().certificate_sha256,
            *CertificateSha256(*ReadFile(discovery.certificate_file)));
  for (const TlsFiles& other : {fi_.Issue("gateway"), hub_.Issue("discovery")}) {
    const Status refused = GetEpoch(Connect(other));
    EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
    EXPECT_THAT(refused, HasReason("CALLER_NOT_ALLOWED"));
  }
  EXPECT_EQ(service_.entered, 1) << "a refused call must not reach the handler";
}

TEST_F(ServerContractTest, AHandlerLearnsThatItsCallerHasGivenUp) {
  Start();
  const auto channel = Connect(fi_.Issue("discovery"));
  service_.wait_for_cancel = true;
  std::stop_source stop;
  std::jthread caller([&] {
    const auto peer = PeerOf([channel] { return channel; });
    const auto answer = peer.Call(Context::Background().WithStop(stop.get_token()),
                                  &pb::ConsentService::Stub::GetEpoch, pb::GetEpochRequest());
    EXPECT_EQ(answer.status().code(), StatusCode::kCancelled);
  });
  while (!service_.handling) std::this_thread::yield();
  stop.request_stop();
  caller.join();
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);  // far before its deadline
  while (service_.ended_as == StatusCode::kOk && std::chrono::steady_clock::now() < late)
    std::this_thread::yield();
  EXPECT_EQ(service_.ended_as, StatusCode::kCancelled);
}

TEST_F(ServerContractTest, AMethodWithoutARowIsRefused) {
  Start();
  const auto channel = Connect(fi_.Issue("discovery"));
  for (const char* path :
       {"/genofed.consent.v1.ConsentService/GetMyPermissions",  // served, but without a row
        "/genofed.consent.v1.ConsentService/Nothing", "/x", "/grpc.health.v1.Health/Nothing"}) {
    const Status refused = CallPath(channel, path);
    EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << path;
    EXPECT_THAT(refused, HasReason("METHOD_NOT_ALLOWED")) << path;
  }
}

TEST_F(ServerContractTest, HealthAndReflectionHaveRowsForTheSameSite) {
  Start();
  const auto own = Connect(fi_.Issue("gateway")), stranger = Connect(hub_.Issue("discovery"));
  EXPECT_THAT(CallPath(own, "/grpc.health.v1.Health/Check"), IsOk());
  // An empty stream is a well-formed conversation.
  EXPECT_NE(Reason(CallPath(own, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")),
            "METHOD_NOT_ALLOWED");
  for (const char* path : {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
                           "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    EXPECT_THAT(CallPath(stranger, path), HasReason("CALLER_NOT_ALLOWED")) << path;
  }
  EXPECT_THAT(Policy::BuiltIn().Covers("grpc.reflection.v1alpha.ServerReflection"), IsOk());
}

TEST_F(ServerContractTest, ARevokedIdentityIsRefusedOnItsOpenConnection) {
  Start();
  const auto channel = Connect(fi_.Issue("discovery"));
  EXPECT_THAT(GetEpoch(channel), IsOk());
  revoked_ = true;
  EXPECT_THAT(GetEpoch(channel), HasReason("IDENTITY_REVOKED"));
  EXPECT_EQ(service_.entered, 1);
  revoked_ = false;
  EXPECT_THAT(GetEpoch(channel), IsOk());
}

TEST_F(ServerContractTest, InProcessCallersHaveTheCertificateOfTheirService) {
  Start();
  const auto channel = server_->InProcessChannel();
  const Peer<pb::ConsentService> peer(
      {[channel] { return channel; }, "fi/consent", "gateway", nullptr});
  ASSERT_THAT(
      peer.Call(Context::Background(), &pb::ConsentService::Stub::GetEpoch, pb::GetEpochRequest()),
      IsOk());
  EXPECT_EQ(service_.last().certificate_sha256, "of gateway");
  EXPECT_EQ(service_.last().workload, (WorkloadIdentity{"fi", "gateway"}));
}

TEST_F(ServerContractTest, OnlyTls13) {
  Start();
  const TlsFiles files = fi_.Issue("discovery");
  EXPECT_TRUE(Handshakes(files, "-tls1_3"));
  for (const char* old : {"-tls1_2", "-tls1_1"}) EXPECT_FALSE(Handshakes(files, old)) << old;
}

// Both sides' certificates change again and again under calls that are not repeated when they fail.
TEST_F(ServerContractTest, CertificatesAreRenewedWithoutAFailedCall) {
  Start(std::chrono::seconds(2));
  const TlsFiles files{directory_ / "caller.pem", directory_ / "caller.key",
                       directory_ / "bundle.pem"};
  TestAuthority::Switch(files, fi_.Issue("discovery", "first"));
  CertificateWatch watch(files);
  ChannelCache cache;
  const auto peer =
      PeerOf([&] { return cache.Get("consent", watch.Sha256(), [&] { return Connect(files); }); });
  std::atomic<bool> done = false;
  std::atomic<int> calls = 0, failures = 0;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        const auto answer = peer.Call(Context::Background(), &pb::ConsentService::Stub::GetEpoch,
                                      pb::GetEpochRequest());
        ++calls;
        if (!answer.ok() && ++failures == 1) ADD_FAILURE() << Describe(answer.status());
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
  }
  // And one that waits for none: an answer may be the end of a channel that was given up.
  std::atomic<int> under_way = 0;
  callers.emplace_back([&] {
    while (!done || under_way > 0) {
      if (!done && under_way < 4) {
        ++under_way;
        peer.Start(Context::Background(),
                   &pb::ConsentService::StubInterface::async_interface::GetEpoch, {},
                   [&](const Result<pb::GetEpochResponse>& answer) {
                     ++calls;
                     if (!answer.ok() && ++failures == 1)
                       ADD_FAILURE() << Describe(answer.status());
                     --under_way;
                   });
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (const char* name : {"second", "third", "fourth"}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    const TlsFiles caller = fi_.Issue("discovery", name);
    TestAuthority::Switch(files, caller);
    TestAuthority::Switch(served_, fi_.Issue("consent", std::string(name) + "-served"));
    // The server sees the new certificate within seconds, although the old connection works.
    const std::string expected = *CertificateSha256(*ReadFile(caller.certificate_file));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (service_.last().certificate_sha256 != expected && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(service_.last().certificate_sha256, expected) << name;
    // And serves its own to new connections; gRPC looks every two seconds.
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  }
  done = true;
  callers.clear();
  EXPECT_EQ(failures, 0) << "of " << calls;
  EXPECT_GT(calls, 100);
}

}  // namespace
}  // namespace genofed::rpc
