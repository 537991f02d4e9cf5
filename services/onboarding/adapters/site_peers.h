// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/rpc/channel.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding {

std::unique_ptr<ConsentClient> MakeConsentClient(rpc::ChannelSource consent, const Clock& clock);
// `country` of the records: "FI".
std::unique_ptr<Publisher> MakePublisher(rpc::ChannelSource discovery, rpc::ChannelSource catalogue,
                                         std::string country);

}  // namespace genofed::onboarding
