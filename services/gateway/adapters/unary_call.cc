// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/unary_call.h"

#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <future>
#include <map>
#include <string>

#include "libs/core/mutex.h"

namespace genofed::gateway {
namespace {

using google::protobuf::Message;
using google::protobuf::MessageLite;

class Channels {
 public:
  explicit Channels(std::function<rpc::ChannelSource(std::string_view)> channel_of)
      : channel_of_(std::move(channel_of)) {}

  rpc::ChannelSource Of(std::string_view service) {
    MutexLock lock(mutex_);
    auto found = sources_.find(service);
    if (found == sources_.end())
      found = sources_.emplace(std::string(service), channel_of_(service)).first;
    return found->second;
  }

 private:
  const std::function<rpc::ChannelSource(std::string_view)> channel_of_;
  Mutex mutex_;
  std::map<std::string, rpc::ChannelSource, std::less<>> sources_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

Status CallUnary(const rpc::ChannelSource& source, const Context& ctx, std::string_view method,
                 const Message& request, Message* response) {
  grpc::TemplatedGenericStub<MessageLite, MessageLite> stub(source.channel());
  const std::string path = "/" + std::string(method);
  return rpc::Invoke(source, ctx, {}, [&](grpc::ClientContext& client) {
    response->Clear();  // of an earlier attempt
    std::promise<grpc::Status> done;
    stub.UnaryCall(&client, path, {}, &request, response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  });
}

UnaryCaller MakeUnaryCaller(
    std::function<rpc::ChannelSource(std::string_view service)> channel_of) {
  auto channels =
      std::make_shared<Channels>(std::move(channel_of));  // shared: a std::function is copied
  return [channels](const Context& ctx, std::string_view service, std::string_view method,
                    const Message& request, Message* response) {
    return CallUnary(channels->Of(service), ctx, method, request, response);
  };
}

}  // namespace genofed::gateway
