// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/kept_keys.h"

#include <nlohmann/json.hpp>
#include <system_error>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/strict_json.h"

namespace genofed {
namespace {

constexpr std::size_t kMaxBytes = 2U << 20;
// However a clock was set: no issuer's keys count longer (auth/trust.cc).
constexpr std::chrono::hours kLongest(30 * 24);

}  // namespace

Status KeptKeys::Keep(const std::string& iss, const std::string& jwks, Time until) const {
  if (directory_.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (!error) std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  if (error) return Error(StatusCode::kInternal, "KEYS_NOT_KEPT", "{}: {}", directory_.string(), error.message());
  GF_ASSIGN(const auto keys, crypto::ParseStrictJson(jwks, {.max_bytes = kMaxBytes}));
  const nlohmann::json kept = {{"iss", iss}, {"until", UnixSeconds(until)}, {"jwks", keys}};
  const std::string name = HexEncode(crypto::Sha256(iss)).substr(0, 32) + ".json";
  return WriteFileAtomically(directory_ / name, kept.dump(), 0600);
}

void KeptKeys::Restore(auth::LiveTrust& trust, const Clock& clock) const {
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory_, error), end; !error && it != end; it.increment(error)) {
    const auto text = ReadFile(it->path(), kMaxBytes);
    const auto kept = text.ok() ? crypto::ParseStrictJson(*text, {.max_bytes = kMaxBytes}) : text.status();
    if (!kept.ok() || !kept->is_object() || !kept->contains("iss") || !kept->at("iss").is_string() ||
        !kept->contains("until") || !kept->at("until").is_number_integer() || !kept->contains("jwks")) {
      continue;
    }
    const std::chrono::seconds left(kept->at("until").get<std::int64_t>() - UnixSeconds(clock.Now()));
    auto keys = auth::KeySet::FromJson(kept->at("jwks").dump());
    if (!keys.ok() || left <= std::chrono::seconds(0) || left > kLongest) continue;
    trust.SetFetchedKeys(kept->at("iss").get<std::string>(), *std::move(keys), std::chrono::steady_clock::now() + left);
  }
}

}  // namespace genofed
