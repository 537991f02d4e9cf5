// SPDX-License-Identifier: Apache-2.0
//
// An attacker with the files of one site: its workload certificates, and tokens it took from
// people. It calls methods at any address of another site and prints what it got, as one line of
// JSON for each attempt. It decides nothing: the tests that drive it do.
//
//   genofed-hostile-hub --tls DIR --bundle CA.pem --as hub/access --as hub/gateway
//                       --at fi/consent=127.0.0.1:4001 [--token NAME=FILE] [--request METHOD=JSON]
//                       [--only]
//
// Without --only, every method of every genofed service is called with an empty message at every
// address, as every identity, without and with each token. --request replaces the empty message of
// one method, and may be repeated. Each line: {"as", "at", "token", "method", "status", "reason",
// "message", "response"}.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genofed/access/v1/access.pb.h"
#include "genofed/access/v1/passport.pb.h"
#include "genofed/access/v1/revocation.pb.h"
#include "genofed/catalogue/v1/catalogue.pb.h"
#include "genofed/consent/v1/consent.pb.h"
#include "genofed/discovery/v1/beacon.pb.h"
#include "genofed/discovery/v1/case.pb.h"
#include "genofed/discovery/v1/discovery.pb.h"
#include "genofed/discovery/v1/frequency.pb.h"
#include "genofed/discovery/v1/shards.pb.h"
#include "genofed/discovery/v1/statistics.pb.h"
#include "genofed/dispatcher/v1/dispatcher.pb.h"
#include "genofed/onboarding/v1/onboarding.pb.h"
#include "genofed/onboarding/v1/variants.pb.h"
#include "genofed/spe/v1/spe.pb.h"
#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/core/strings.h"
#include "libs/rpc/metadata.h"
#include "libs/rpc/status_codec.h"
#include "libs/rpc/tls.h"

namespace genofed {
namespace {

namespace pb = google::protobuf;

constexpr char kDomain[] = "1mg.example";
constexpr auto kCallTimeout = std::chrono::seconds(10);

struct Address {
  WorkloadIdentity identity;  // who should be there
  std::string target;
};

struct Token {
  std::string name;
  std::string value;
};

struct Call {
  std::string method;  // "genofed.consent.v1.ConsentService/GetEpoch"
  std::string json = "{}";
};

struct Plan {
  std::string tls_dir;
  std::string bundle;
  std::vector<WorkloadIdentity> identities;
  std::vector<Address> addresses;
  std::vector<Token> tokens = {{"none", ""}};
  std::vector<Call> requests;
  bool only_requests = false;
};

WorkloadIdentity ParseIdentity(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

// "NAME=VALUE"; a value may hold "=".
std::pair<std::string, std::string> Halves(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return {text, ""};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

bool ParseArguments(int argc, char** argv, Plan& plan) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--only") {
      plan.only_requests = true;
      continue;
    }
    if (++i == argc) return false;
    const auto [left, right] = Halves(argv[i]);
    if (name == "--tls")
      plan.tls_dir = argv[i];
    else if (name == "--bundle")
      plan.bundle = argv[i];
    else if (name == "--as")
      plan.identities.push_back(ParseIdentity(argv[i]));
    else if (name == "--at")
      plan.addresses.push_back({ParseIdentity(left), right});
    else if (name == "--token")
      plan.tokens.push_back({left, std::string(Trim(ReadAll(right)))});
    else if (name == "--request")
      plan.requests.push_back({left, right});
    else
      return false;
  }
  return !plan.tls_dir.empty() && !plan.bundle.empty() && !plan.identities.empty() &&
         !plan.addresses.empty();
}

// Naming a message of each file also makes the linker keep the file.
std::vector<const pb::FileDescriptor*> Files() {
  return {access::v1::Application::descriptor()->file(),
          access::v1::ExchangeTokenRequest::descriptor()->file(),
          access::v1::FetchRevocationsRequest::descriptor()->file(),
          catalogue::v1::DatasetRecord::descriptor()->file(),
          consent::v1::SubjectConsent::descriptor()->file(),
          discovery::v1::QueryRequest::descriptor()->file(),
          discovery::v1::QueryFoldersRequest::descriptor()->file(),
          discovery::v1::MatchCasesRequest::descriptor()->file(),
          discovery::v1::DescribeVersionRequest::descriptor()->file(),
          discovery::v1::ListTablesRequest::descriptor()->file(),
          discovery::v1::CountSitesRequest::descriptor()->file(),
          dispatcher::v1::Run::descriptor()->file(),
          onboarding::v1::Submission::descriptor()->file(),
          onboarding::v1::PutVariantFileRequest::descriptor()->file(),
          spe::v1::Task::descriptor()->file()};
}

// METHOD as in Call to its descriptor.
std::map<std::string, const pb::MethodDescriptor*> Methods() {
  std::map<std::string, const pb::MethodDescriptor*> methods;
  for (const pb::FileDescriptor* file : Files()) {
    for (int s = 0; s < file->service_count(); ++s) {
      const pb::ServiceDescriptor* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        methods[service->full_name() + "/" + service->method(m)->name()] = service->method(m);
      }
    }
  }
  return methods;
}

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

class Attacker {
 public:
  explicit Attacker(Plan plan) : plan_(std::move(plan)), methods_(Methods()) {}

  int Run() {
    std::vector<Call> calls;
    if (!plan_.only_requests) {
      for (const auto& [name, method] : methods_) calls.push_back({name});
    }
    for (const Call& request : plan_.requests) calls.push_back(request);
    for (const WorkloadIdentity& identity : plan_.identities) {
      for (const Address& address : plan_.addresses) Attack(identity, address, calls);
    }
    return 0;
  }

 private:
  void Attack(const WorkloadIdentity& identity, const Address& address,
              const std::vector<Call>& calls) {
    const std::string stem = plan_.tls_dir + "/" + identity.service;
    auto credentials =
        rpc::ClientTls({stem + ".pem", stem + ".key", plan_.bundle}, address.identity, kDomain);
    auto channel = grpc::CreateChannel(address.target, credentials);
    for (const Token& token : plan_.tokens) {
      for (const Call& call : calls) {
        nlohmann::json line = {{"as", identity.site + "/" + identity.service},
                               {"at", address.identity.site + "/" + address.identity.service},
                               {"token", token.name},
                               {"method", call.method}};
        Try(channel, token, call, line);
        std::printf("%s\n",
                    line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
      }
    }
  }

  // What `json` is in the binary form of the method's request.
  bool Encode(const pb::MethodDescriptor& method, const std::string& json, std::string& bytes) {
    std::unique_ptr<pb::Message> message(factory_.GetPrototype(method.input_type())->New());
    return pb::util::JsonStringToMessage(json, message.get()).ok() &&
           message->SerializeToString(&bytes);
  }

  std::string Decode(const pb::MethodDescriptor& method, const std::string& bytes) {
    std::unique_ptr<pb::Message> message(factory_.GetPrototype(method.output_type())->New());
    pb::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string json;
    if (!message->ParseFromString(bytes) ||
        !pb::util::MessageToJsonString(*message, &json, options).ok())
      return "{}";
    return json;
  }

  void Try(const std::shared_ptr<grpc::Channel>& channel, const Token& token, const Call& call,
           nlohmann::json& line) {
    const auto method = methods_.find(call.method);
    std::string bytes;
    if (method == methods_.end() || !Encode(*method->second, call.json, bytes)) {
      line["status"] = "BAD_ATTEMPT";
      return;
    }
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    if (!token.value.empty()) context.AddMetadata(rpc::kAuthorizationKey, "Bearer " + token.value);
    // What only in-process callers may say; it must not be believed here.
    context.AddMetadata(rpc::kCallerKey, "gateway");
    grpc::GenericStub stub(channel);
    grpc::CompletionQueue queue;
    grpc::ByteBuffer response;
    grpc::Status status;
    auto pending = stub.PrepareUnaryCall(&context, "/" + call.method, ToBuffer(bytes), &queue);
    pending->StartCall();
    pending->Finish(&response, &status, this);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    const Status told = rpc::FromGrpc(status);
    line["status"] = std::string(CodeName(told.code()));
    line["reason"] = told.ok() ? "" : Reason(told);
    line["message"] = Message(told);
    if (status.ok())
      line["response"] =
          nlohmann::json::parse(Decode(*method->second, ToBytes(response)), nullptr, false);
  }

  const Plan plan_;
  const std::map<std::string, const pb::MethodDescriptor*> methods_;
  pb::DynamicMessageFactory factory_;
};

}  // namespace
}  // namespace genofed

int main(int argc, char** argv) {
  genofed::Plan plan;
  if (!genofed::ParseArguments(argc, argv, plan)) {
    std::fprintf(stderr,
                 "usage: genofed-hostile-hub --tls DIR --bundle FILE --as SITE/SERVICE --at "
                 "SITE/SERVICE=HOST:PORT "
                 "[--token NAME=FILE] [--request METHOD=JSON] [--only]\n");
    return 2;
  }
  genofed::rpc::RequireTls13();
  return genofed::Attacker(std::move(plan)).Run();
}
