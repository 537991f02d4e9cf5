// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/permissions.h"

namespace genofed::consent {

std::string_view Name(Permission permission) {
  switch (permission) {
    case Permission::kAlleleFrequency:
      return "AF";
    case Permission::kSubjectLevelQuery:
      return "SLQ";
    case Permission::kSecondaryUse:
      return "SEC";
  }
  return "";
}

std::optional<Permission> ParsePermission(std::string_view name) {
  for (const Permission permission : kPermissions) {
    if (Name(permission) == name) return permission;
  }
  return std::nullopt;
}

std::string PermissionSet::Names() const {
  std::string names;
  for (const Permission permission : kPermissions) {
    if (!Has(permission)) continue;
    if (!names.empty()) names += ',';
    names += Name(permission);
  }
  return names.empty() ? "none" : names;
}

}  // namespace genofed::consent
