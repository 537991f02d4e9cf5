// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "services/consent/app/ports.h"

namespace genofed::rpc {
struct ChannelSource;
}

namespace genofed::consent {

// Asks the access service of this site.
std::unique_ptr<GrantChecker> MakePeerGrantChecker(rpc::ChannelSource access);

}  // namespace genofed::consent
