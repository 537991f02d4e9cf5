// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/discovery/app/dataset_statistics.h"

namespace grpc {
class Service;
}

namespace genofed::discovery {

std::unique_ptr<grpc::Service> MakeStatisticsService(rpc::Dispatcher& rpc,
                                                     DatasetStatistics& statistics);

}  // namespace genofed::discovery
