// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/grpc_statistics_service.h"

#include "genofed/discovery/v1/statistics.grpc.pb.h"
#include "services/discovery/adapters/proto_mapping.h"
#include "services/discovery/adapters/statistics_mapping.h"

namespace genofed::discovery {
namespace {

class GrpcStatisticsService final : public v1::StatisticsService::CallbackService {
 public:
  GrpcStatisticsService(rpc::Dispatcher& rpc, DatasetStatistics& statistics)
      : rpc_(rpc), statistics_(statistics) {}

  grpc::ServerUnaryReactor* DescribeVersion(grpc::CallbackServerContext* call,
                                            const v1::DescribeVersionRequest* request,
                                            v1::DescribeVersionResponse* response) override {
    return rpc_.Unary(
        call, "genofed.discovery.v1.StatisticsService/DescribeVersion", request, response,
        [this](const Context& ctx,
               const v1::DescribeVersionRequest& r) -> Result<v1::DescribeVersionResponse> {
          GF_ASSIGN(const Statistics statistics,
                    statistics_.Run(ctx, r.dataset().dataset(), r.dataset().version(), r.people()));
          return ToProto(statistics);
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  DatasetStatistics& statistics_;
};

}  // namespace

v1::DescribeVersionResponse ToProto(const Statistics& statistics) {
  v1::DescribeVersionResponse response;
  response.set_individuals(statistics.individuals);
  response.set_count_precision(ToProto(statistics.precision));
  for (const PeopleGroup& group : statistics.groups) {
    auto* added = response.add_groups();
    added->set_dimension(group.dimension);
    added->set_id(group.id);
    added->set_individuals(group.individuals);
  }
  return response;
}

Statistics FromProto(const v1::DescribeVersionResponse& response) {
  Statistics statistics;
  statistics.individuals = response.individuals();
  statistics.precision = FromProto(response.count_precision());
  for (const auto& group : response.groups())
    statistics.groups.push_back({group.dimension(), group.id(), group.individuals()});
  return statistics;
}

std::unique_ptr<grpc::Service> MakeStatisticsService(rpc::Dispatcher& rpc,
                                                     DatasetStatistics& statistics) {
  return std::make_unique<GrpcStatisticsService>(rpc, statistics);
}

}  // namespace genofed::discovery
