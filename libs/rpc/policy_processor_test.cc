// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy_processor.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/auth_metadata_processor.h>
#include <gtest/gtest.h>

#include "libs/rpc/status_codec.h"
#include "libs/testing/matchers.h"

namespace genofed::rpc {
namespace {

// What a handshake left: SPIFFE names of a certificate, or nothing.
class FakeAuthContext final : public grpc::AuthContext {
 public:
  FakeAuthContext(bool authenticated, std::vector<std::string> uris)
      : authenticated_(authenticated), uris_(std::move(uris)) {}
  bool IsPeerAuthenticated() const override { return authenticated_; }
  std::vector<grpc::string_ref> GetPeerIdentity() const override { return {}; }
  std::string GetPeerIdentityPropertyName() const override { return {}; }
  std::vector<grpc::string_ref> FindPropertyValues(const std::string& name) const override {
    if (name != GRPC_PEER_SPIFFE_ID_PROPERTY_NAME) return {};
    return {uris_.begin(), uris_.end()};
  }
  grpc::AuthPropertyIterator begin() const override { return Nothing(); }
  grpc::AuthPropertyIterator end() const override { return Nothing(); }
  void AddProperty(const std::string&, const grpc::string_ref&) override {}
  bool SetPeerIdentityPropertyName(const std::string&) override { return false; }

 private:
  struct Nothing : grpc::AuthPropertyIterator {};  // its constructor is for heirs
  const bool authenticated_;
  const std::vector<std::string> uris_;
};

class PolicyProcessorTest : public ::testing::Test {
 protected:
  Status Judge(const FakeAuthContext& context, std::vector<std::string> paths) {
    grpc::AuthMetadataProcessor::InputMetadata metadata;
    for (const std::string& path : paths) metadata.emplace(":path", path);
    grpc::AuthMetadataProcessor::OutputMetadata consumed, response;
    FakeAuthContext copy = context;
    grpc::Status status = processor_->Process(metadata, &copy, &consumed, &response);
    EXPECT_TRUE(consumed.empty());
    EXPECT_TRUE(status.error_details().empty()) << "gRPC would lose them";
    return FromGrpc(status);
  }
  static FakeAuthContext With(std::string uri) { return {true, {std::move(uri)}}; }

  obs::Metrics metrics_;
  std::shared_ptr<grpc::AuthMetadataProcessor> processor_ = MakePolicyProcessor(
      WorkloadGate(
          "fi",
          {*Policy::Parse(
              R"({"methods":{"p.S/M":{"callers":["site:spe","site:stolen"],"token":"none"}}})")},
          [](const WorkloadIdentity& caller) -> Status {
            if (caller.service != "stolen") return absl::OkStatus();
            return Error(StatusCode::kPermissionDenied, "IDENTITY_REVOKED", "revoked");
          }),
      "1mg.example", &metrics_);
};

TEST_F(PolicyProcessorTest, DoesNotTakeAThread) { EXPECT_FALSE(processor_->IsBlocking()); }

TEST_F(PolicyProcessorTest, LetsThroughWhomTheRowNames) {
  EXPECT_THAT(Judge(With("spiffe://fi.1mg.example/sa/spe"), {"/p.S/M"}), testing::IsOk());
  EXPECT_EQ(metrics_.Expose().find("refused"), std::string::npos);
}

TEST_F(PolicyProcessorTest, RefusesEverythingElse) {
  const FakeAuthContext spe = With("spiffe://fi.1mg.example/sa/spe");
  struct Case {
    FakeAuthContext context;
    std::vector<std::string> paths;
    const char* reason;
  };
  for (const Case& c :
       {Case{spe, {"/p.S/N"}, "METHOD_NOT_ALLOWED"},
        {spe, {"p.S/M"}, "METHOD_NOT_ALLOWED"},
        {spe, {"//p.S/M"}, "METHOD_NOT_ALLOWED"},
        {spe, {"/p.S/M", "/p.S/M"}, "METHOD_NOT_ALLOWED"},
        {spe, {""}, "METHOD_NOT_ALLOWED"},
        {spe, {}, "METHOD_NOT_ALLOWED"},
        {With("spiffe://es.1mg.example/sa/spe"), {"/p.S/M"}, "CALLER_NOT_ALLOWED"},
        {With("spiffe://fi.1mg.example/sa/gateway"), {"/p.S/M"}, "CALLER_NOT_ALLOWED"},
        {{false, {}}, {"/p.S/M"}, "CALLER_NOT_ALLOWED"},
        {{true, {}}, {"/p.S/M"}, "IDENTITY_UNKNOWN"},
        {{true, {"spiffe://fi.1mg.example/sa/spe", "spiffe://fi.1mg.example/sa/spe"}},
         {"/p.S/M"},
         "IDENTITY_UNKNOWN"},
        {With("spiffe://fi.other.example/sa/spe"), {"/p.S/M"}, "IDENTITY_UNKNOWN"},
        {With("https://fi.1mg.example/sa/spe"), {"/p.S/M"}, "IDENTITY_UNKNOWN"},
        {With("spiffe://fi.1mg.example/sa/"), {"/p.S/M"}, "IDENTITY_UNKNOWN"},
        {With("spiffe://fi.1mg.example/sa/stolen"), {"/p.S/M"}, "IDENTITY_REVOKED"}}) {
    const Status status = Judge(c.context, c.paths);
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
    EXPECT_THAT(status, testing::HasReason(c.reason));
  }
  EXPECT_NE(metrics_.Expose().find("genofed_rpc_refused_total{reason=\"IDENTITY_REVOKED\"} 1"),
            std::string::npos)
      << metrics_.Expose();
}

}  // namespace
}  // namespace genofed::rpc
