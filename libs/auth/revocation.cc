// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/revocation.h"

#include <algorithm>
#include <array>

#include "libs/core/strings.h"

namespace genofed::auth {
namespace {

constexpr std::array<std::string_view, 5> kKindNames = {"token", "application", "user", "dataset", "identity"};
constexpr std::size_t kMaxValueBytes = 255;

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxValueBytes && IsUtf8(text) &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

std::string_view KindName(RevocationKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

Result<RevocationKind> ParseKind(std::string_view name) {
  const auto found = std::find(kKindNames.begin(), kKindNames.end(), name);
  if (found == kKindNames.end()) {
    return InvalidField("kind", "REVOCATION_INVALID", "must be token, application, user, dataset or identity");
  }
  return static_cast<RevocationKind>(found - kKindNames.begin());
}

Status RevocationList::Validate(const Revocation& entry) {
  if (!IsName(entry.value)) {
    return InvalidField("value", "REVOCATION_INVALID", "must have 1 to 255 bytes and no control characters");
  }
  if (entry.kind == RevocationKind::kIdentity && std::count(entry.value.begin(), entry.value.end(), '/') != 1) {
    return InvalidField("value", "REVOCATION_INVALID", "an identity is written site/service, such as fi/spe");
  }
  if (entry.issuer.empty()) return {};
  if (entry.kind != RevocationKind::kUser) {
    return InvalidField("issuer", "REVOCATION_INVALID", "only users belong to an issuer");
  }
  return IsName(entry.issuer) ? Status()
                              : InvalidField("issuer", "REVOCATION_INVALID", "must have at most 255 bytes");
}

RevocationList::RevocationList(const std::vector<Revocation>& entries) {
  for (const Revocation& entry : entries) Add(entry);
}

void RevocationList::Add(const Revocation& entry) {
  switch (entry.kind) {
    case RevocationKind::kToken:
      tokens_.insert(entry.value);
      return;
    case RevocationKind::kApplication:
      applications_.insert(entry.value);
      return;
    case RevocationKind::kUser:
      users_.emplace(entry.value, entry.issuer);
      return;
    case RevocationKind::kDataset:
      datasets_.insert(entry.value);
      return;
    case RevocationKind::kIdentity:
      identities_.insert(entry.value);
      return;
  }
}

bool RevocationList::HasIdentity(std::string_view site, std::string_view service) const {
  return !identities_.empty() && identities_.contains(fmt::format("{}/{}", site, service));
}

std::vector<std::string> RevocationList::IssuersOfUser(std::string_view subject) const {
  std::vector<std::string> issuers;
  if (users_.empty()) return issuers;
  for (auto it = users_.lower_bound({std::string(subject), ""}); it != users_.end() && it->first == subject; ++it) {
    issuers.push_back(it->second);
  }
  return issuers;
}

bool RevocationList::empty() const {
  return tokens_.empty() && applications_.empty() && datasets_.empty() && identities_.empty() && users_.empty();
}

}  // namespace genofed::auth
