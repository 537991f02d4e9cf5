// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/peer_reader_gate.h"

#include "genofed/consent/v1/consent.grpc.pb.h"

namespace genofed::onboarding {
namespace {

namespace consent = genofed::consent::v1;

class PeerReaderGate final : public ReaderGate {
 public:
  explicit PeerReaderGate(rpc::ChannelSource source) : readers_(std::move(source)) {}

  Status Judge(const Context& ctx, const ReaderQuestion& question,
               const std::string& passport) override {
    consent::JudgeReaderRequest request;
    request.set_object(question.object);
    request.set_peer(question.peer);
    request.set_passport(passport);
    return readers_.Call(ctx, &consent::ReaderService::Stub::JudgeReader, request).status();
  }

  Status Check(const Context& ctx, const ReaderQuestion& question,
               const std::string& access) override {
    consent::CheckAccessRequest request;
    request.set_object(question.object);
    request.set_peer(question.peer);
    request.set_access(access);
    return readers_.Call(ctx, &consent::ReaderService::Stub::CheckAccess, request).status();
  }

  Result<std::string> IndexHeader(const Context& ctx, const ReaderQuestion& index,
                                  const std::string& access,
                                  const std::string& recipient) override {
    consent::ReleaseIndexRequest request;
    request.set_object(index.object);
    request.set_peer(index.peer);
    request.set_access(access);
    request.set_recipient(recipient);
    GF_ASSIGN(auto answer,
              readers_.Call(ctx, &consent::ReaderService::Stub::ReleaseIndex, request));
    return answer.header();
  }

 private:
  rpc::Peer<consent::ReaderService> readers_;
};

}  // namespace

std::unique_ptr<ReaderGate> MakePeerReaderGate(rpc::ChannelSource source) {
  return std::make_unique<PeerReaderGate>(std::move(source));
}

}  // namespace genofed::onboarding
