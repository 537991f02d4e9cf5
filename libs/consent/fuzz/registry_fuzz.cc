// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <nlohmann/json.hpp>

#include "libs/consent/registry_record.h"

// Whatever a registry sends: what cannot be read permits nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace consent = genofed::consent;
  static const auto table = *consent::ParseRegistryMapping(
      R"({"codes": [{"system": "s", "code": "c", "permissions": ["SEC"], "purposes": ["DUO:0000006"]},
                    {"system": "s", "code": "o", "permissions": ["AF"], "decision": "deny"}]})");
  const auto json = nlohmann::json::parse(data, data + size, nullptr, false);
  if (json.is_discarded()) return 0;
  consent::ReadRegistryPatient(json, table);
  const auto record = consent::ReadRegistryRecord(json, table);
  if (record && record->unreadable && !record->says.permits.empty()) __builtin_trap();
  if (record && (record->says.permits.bits() & record->refused.bits()) != 0) __builtin_trap();
  return 0;
}
