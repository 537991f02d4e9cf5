// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "genofed/config/v1/config.pb.h"
#include "libs/core/clock.h"
#include "libs/objects/object_store.h"

namespace genofed::objects {

// The store that the configuration names; a LocalStore in `default_directory` when it names none.
// Reads the secrets, but contacts no server: Probe() does. Errors name the key below `key`
// ("onboarding.object_store"), where the configuration stands. `clock` must outlive the store.
Result<std::unique_ptr<ObjectStore>> OpenStore(const config::v1::ObjectStoreConfig& config,
                                               const std::filesystem::path& default_directory,
                                               const Clock& clock, std::string_view key);

}  // namespace genofed::objects
