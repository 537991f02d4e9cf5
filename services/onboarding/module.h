// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/platform/module.h"

namespace genofed::onboarding {

ServiceEntry Entry();

}  // namespace genofed::onboarding
