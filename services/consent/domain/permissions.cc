// SPDX-License-Identifier: Apache-2.0
#include "services/consent/domain/permissions.h"

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

std::string PermissionSet::Names() const {
  std::string names;
  for (Permission permission :
       {Permission::kAlleleFrequency, Permission::kSubjectLevelQuery, Permission::kSecondaryUse}) {
    if (!Has(permission)) continue;
    if (!names.empty()) names += ',';
    names += Name(permission);
  }
  return names.empty() ? "none" : names;
}

PermissionSet Effective(const std::optional<PermissionSet>& own, PermissionSet holder) {
  return own.value_or(holder);
}

}  // namespace genofed::consent
