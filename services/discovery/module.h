// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/platform/module.h"

namespace genofed::discovery {

ServiceEntry Entry();

}  // namespace genofed::discovery
