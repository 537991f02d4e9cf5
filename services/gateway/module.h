// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/platform/module.h"

namespace genofed::gateway {

ServiceEntry Entry();

}  // namespace genofed::gateway
