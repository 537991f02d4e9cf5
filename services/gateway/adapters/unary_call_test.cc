// SPDX-License-Identifier: Apache-2.0
//
// CallUnary against a real gRPC server in this process.
#include "services/gateway/adapters/unary_call.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "libs/rpc/metadata.h"
#include "libs/rpc/status_codec.h"
#include "libs/testing/matchers.h"

namespace genofed::gateway {
namespace {

using genofed::testing::HasReason;
namespace v1 = catalogue::v1;

constexpr char kGetRecord[] = "genofed.catalogue.v1.CatalogueService/GetRecord";

class FakeCatalogue final : public v1::CatalogueService::Service {
 public:
  grpc::Status GetRecord(grpc::ServerContext* call, const v1::GetRecordRequest* request,
                         v1::GetRecordResponse* response) override {
    for (const auto& [key, value] : call->client_metadata()) {
      if (key == rpc::kAuthorizationKey) authorization = std::string(value.data(), value.size());
    }
    if (request->id() == "busy" && ++busy < 3) return {grpc::StatusCode::UNAVAILABLE, "starting"};
    if (request->id().empty())
      return rpc::ToGrpc(InvalidField("id", "FIELD_MISSING", "must be given"));
    response->mutable_record()->set_id(request->id());
    return grpc::Status::OK;
  }
  std::string authorization;
  int busy = 0;
};

class UnaryCallTest : public ::testing::Test {
 protected:
  UnaryCallTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    caller_ = MakeUnaryCaller([this](std::string_view service) {
      return rpc::ChannelSource{[this] { return server_->InProcessChannel({}); },
                                "fi/" + std::string(service), "gateway"};
    });
  }
  Result<v1::GetRecordResponse> Get(const std::string& id,
                                    const Context& ctx = Context::Background()) {
    v1::GetRecordRequest request;
    request.set_id(id);
    return Call<v1::GetRecordResponse>(caller_, ctx, "catalogue", kGetRecord, request);
  }

  FakeCatalogue service_;
  std::unique_ptr<grpc::Server> server_;
  UnaryCaller caller_;
};

TEST_F(UnaryCallTest, CallsByName) {
  GF_ASSERT_OK_AND_ASSIGN(const auto answer, Get("A"));
  EXPECT_EQ(answer.record().id(), "A");
}

TEST_F(UnaryCallTest, ForwardsTheUser) {
  User user;
  user.access_token = "token";
  GF_ASSERT_OK_AND_ASSIGN(const auto answer,
                          Get("A", Context::Background().WithPrincipal({{}, user})));
  EXPECT_EQ(service_.authorization, "Bearer token");
}

TEST_F(UnaryCallTest, TranslatesErrors) {
  const auto answer = Get("");
  EXPECT_THAT(answer, HasReason("FIELD_MISSING"));
  ASSERT_EQ(Fields(answer.status()).size(), 1U);
  EXPECT_EQ(Fields(answer.status())[0].field, "id");
}

TEST_F(UnaryCallTest, RepeatsWhatWasUnavailable) {
  GF_ASSERT_OK_AND_ASSIGN(const auto answer, Get("busy"));
  EXPECT_EQ(answer.record().id(), "busy");
  EXPECT_EQ(service_.busy, 3);
}

TEST_F(UnaryCallTest, AnUnknownMethodIsAnError) {
  v1::GetRecordRequest request;
  EXPECT_FALSE(Call<v1::GetRecordResponse>(caller_, Context::Background(), "catalogue",
                                           "genofed.x.v1.X/Y", request)
                   .ok());
}

}  // namespace
}  // namespace genofed::gateway
