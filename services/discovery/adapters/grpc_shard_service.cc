// SPDX-License-Identifier: Apache-2.0
#include "genofed/discovery/v1/shards.grpc.pb.h"
#include "services/discovery/adapters/grpc_shard_service.h"
#include "services/discovery/adapters/shard_mapping.h"

namespace genofed::discovery {
namespace {

#define GF_METHOD(name) "genofed.discovery.v1.ShardService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

// A question as it came, and the values that it borrows.
struct Received {
  cohort::Shard asked;
  VariantPattern pattern;
  genomics::Bitmap rows;

  static Result<Received> Read(const v1::ShardCohort& cohort) {
    if (cohort.shard() == 0) return InvalidField("shard", "FIELD_INVALID", "is from 1");
    GF_ASSIGN(auto rows, FromProto(cohort.rows()));
    return Received{{cohort.shard() - 1, cohort.shards()}, {}, std::move(rows)};
  }
  template <typename Request>
  static Result<Received> ReadVariant(const Request& request) {
    GF_ASSIGN(Received received, Read(request.cohort()));
    GF_ASSIGN(received.pattern, VariantFromProto(request.variant()));
    return received;
  }
  ShardQuestion Question(const v1::ShardCohort& cohort) const {
    return {cohort.dataset(), cohort.version(),        cohort.files(), rows,
            &pattern,         cohort.frequency_table()};
  }
};

class GrpcShardService final : public v1::ShardService::CallbackService {
 public:
  GrpcShardService(rpc::Dispatcher& rpc, const ShardAnswers& answers)
      : rpc_(rpc), answers_(answers) {}

  Reactor* CountCarriers(Call* call, const v1::CountCarriersRequest* request,
                         v1::CountCarriersResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CountCarriers), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::CountCarriersResponse> {
          GF_ASSIGN(const Received in, Received::ReadVariant(r));
          v1::CountCarriersResponse out;
          GF_ASSIGN(const std::uint64_t people,
                    answers_.Count(ctx, in.asked, in.Question(r.cohort())));
          out.set_people(people);
          return out;
        });
  }
  Reactor* ListCarriers(Call* call, const v1::ListCarriersRequest* request,
                        v1::ListCarriersResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListCarriers), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::ListCarriersResponse> {
          GF_ASSIGN(const Received in, Received::ReadVariant(r));
          v1::ListCarriersResponse out;
          GF_ASSIGN(const genomics::Bitmap carriers,
                    answers_.Carriers(ctx, in.asked, in.Question(r.cohort())));
          *out.mutable_carriers() = ToProto(carriers);
          return out;
        });
  }
  Reactor* CountAlleles(Call* call, const v1::CountAllelesRequest* request,
                        v1::CountAllelesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CountAlleles), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::CountAllelesResponse> {
          GF_ASSIGN(const Received in, Received::ReadVariant(r));
          GF_ASSIGN(const auto alleles, answers_.Alleles(ctx, in.asked, in.Question(r.cohort())));
          return ToProto(alleles);
        });
  }
  Reactor* CountSites(Call* call, const v1::CountSitesRequest* request,
                      v1::CountSitesResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(CountSites), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::CountSitesResponse> {
                        GF_ASSIGN(const Received in, Received::Read(r.cohort()));
                        GF_ASSIGN(const SitePiece piece,
                                  answers_.Sites(ctx, in.asked, in.Question(r.cohort()), r.contig(),
                                                 r.start(), r.end()));
                        return ToProto(piece);
                      });
  }

 private:
  rpc::Dispatcher& rpc_;
  const ShardAnswers& answers_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeShardService(rpc::Dispatcher& rpc, const ShardAnswers& answers) {
  return std::make_unique<GrpcShardService>(rpc, answers);
}

}  // namespace genofed::discovery
