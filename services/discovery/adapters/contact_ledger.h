// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/core/clock.h"
#include "libs/rpc/channel.h"
#include "services/discovery/app/contacts.h"

namespace genofed::discovery {

std::unique_ptr<ContactLedger> MakeContactLedger(rpc::ChannelSource consent, const Clock& clock,
                                                 std::chrono::milliseconds timeout);

}  // namespace genofed::discovery
