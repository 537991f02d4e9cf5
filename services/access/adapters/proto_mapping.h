// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/access/v1/access.pb.h"
#include "services/access/domain/grant.h"

namespace genofed::access {

v1::Application ToProto(const Application& application);
Application FromProto(const v1::Application& application);
Content FromProto(const v1::ApplicationContent& content);
v1::Review ToProto(const Grant& grant);
Grant FromProto(const v1::Review& review);

}  // namespace genofed::access
