// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/discovery/v1/statistics.pb.h"
#include "services/discovery/domain/statistics.h"

namespace genofed::discovery {

v1::DescribeVersionResponse ToProto(const Statistics& statistics);
Statistics FromProto(const v1::DescribeVersionResponse& response);

}  // namespace genofed::discovery
