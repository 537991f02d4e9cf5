// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/published_keys.h"

#include <nlohmann/json.hpp>
#include <set>

#include "libs/auth/key_set.h"
#include "libs/core/file.h"
#include "libs/obs/log.h"

namespace genofed::access {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxFileBytes = 1U << 20;

// Both together; a key that is in both stands once. KeySet has judged `further` before.
std::string Together(const std::string& own_jwk, const std::string& further) {
  Json keys = Json::array();
  std::set<std::string> kids;
  auto add = [&](const Json& key) {
    if (kids.insert(key.value("kid", "")).second) keys.push_back(key);
  };
  if (!own_jwk.empty()) add(Json::parse(own_jwk));
  if (!further.empty()) {
    const Json set = Json::parse(further);
    for (const Json& key : set["keys"]) add(key);
  }
  return Json{{"keys", std::move(keys)}}.dump();
}

}  // namespace

std::string PublishedKeys::Jwks() {
  MutexLock lock(mutex_);
  if (jwks_.empty()) jwks_ = Together(own_jwk_, "");
  if (file_.empty()) return jwks_;
  auto text = ReadFile(file_, kMaxFileBytes);
  // A file that is not there yet is as good as an empty one.
  std::string content = text.ok() ? *std::move(text) : std::string();
  if (content == content_) return jwks_;
  content_ = std::move(content);
  const Status valid = content_.empty() ? Status() : auth::KeySet::FromJson(content_).status();
  GF_LOG(Context::Background(), info, "keys.published", {"file", file_.string()},
         {"result", Describe(valid)});
  if (valid.ok()) jwks_ = Together(own_jwk_, content_);
  return jwks_;
}

}  // namespace genofed::access
