// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "services/consent/app/witness_ports.h"

namespace genofed::consent {

// Another site's gateway: POST <url>/witness/add-checkpoint and GET <url>/ledger/...
std::unique_ptr<LedgerPeerClient> MakeHttpLedgerPeer(const std::string& url,
                                                     const std::string& ca_file);

}  // namespace genofed::consent
