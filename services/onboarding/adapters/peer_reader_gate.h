// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/channel.h"
#include "services/onboarding/app/objects.h"

namespace genofed::onboarding {

std::unique_ptr<ReaderGate> MakePeerReaderGate(rpc::ChannelSource consent);

}  // namespace genofed::onboarding
