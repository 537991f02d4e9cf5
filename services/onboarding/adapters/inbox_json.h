// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/onboarding/app/inbox.h"

namespace genofed::onboarding {

// InboxParser and InboxFormatter. "dataset" is DatasetDescription of the REST interface.
Result<InboxDescription> ParseInboxDescription(std::string_view json);
std::string FormatInboxResult(const InboxResult& result);

}  // namespace genofed::onboarding
