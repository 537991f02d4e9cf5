// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace genofed::consent {

// The three permissions of the 1+MG reference architecture. The values are bits, stored in the
// database.
enum class Permission : std::uint8_t {
  kAlleleFrequency = 1,    // "AF": counted in allele frequencies
  kSubjectLevelQuery = 2,  // "SLQ": counted in subject-level queries
  kSecondaryUse = 4,       // "SEC": used by research projects
};

inline constexpr std::array kPermissions = {Permission::kAlleleFrequency, Permission::kSubjectLevelQuery,
                                            Permission::kSecondaryUse};

std::string_view Name(Permission permission);  // "AF"
std::optional<Permission> ParsePermission(std::string_view name);

// What somebody permitted. Empty: nothing.
class PermissionSet {
 public:
  PermissionSet() = default;
  // Bits outside of the three are dropped.
  static PermissionSet FromBits(std::int64_t bits) { return PermissionSet(static_cast<std::uint8_t>(bits & 7)); }
  static PermissionSet All() { return PermissionSet(7); }

  void Add(Permission permission) { bits_ = static_cast<std::uint8_t>(bits_ | static_cast<std::uint8_t>(permission)); }
  void Add(PermissionSet other) { bits_ = static_cast<std::uint8_t>(bits_ | other.bits_); }
  // Those of the three that are not in here.
  PermissionSet Others() const { return FromBits(~bits_); }
  bool Has(Permission permission) const { return (bits_ & static_cast<std::uint8_t>(permission)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::uint8_t bits() const { return bits_; }
  // "AF,SLQ", or "none".
  std::string Names() const;

  friend bool operator==(PermissionSet, PermissionSet) = default;

 private:
  explicit PermissionSet(std::uint8_t bits) : bits_(bits) {}
  std::uint8_t bits_ = 0;
};

}  // namespace genofed::consent
