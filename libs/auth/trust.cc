// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/trust.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxFileBytes = 4U << 20;
constexpr std::size_t kMaxIssuers = 1000;
constexpr std::size_t kMaxListEntries = 100'000;
constexpr std::size_t kMaxTextBytes = 1024;
constexpr std::size_t kMaxDatasetBytes = 255;  // GA4GH Passport 1.2, the limit of a visa's value
constexpr std::int64_t kMaxSkewSeconds = 300;
constexpr std::int64_t kMaxLifetimeSeconds = 86'400;

Status Invalid(std::string_view path, std::string_view what) {
  return InvalidField(path, "TRUST_FILE_INVALID", "{}", what);
}

std::string Join(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

Result<std::string> Text(const Json& object, const char* name, std::string_view path, bool required) {
  const auto member = object.find(name);
  if (member == object.end()) {
    if (required) return Invalid(Join(path, name), "is missing");
    return std::string();
  }
  const auto* text = member->get_ptr<const std::string*>();
  if (text == nullptr || text->empty() || text->size() > kMaxTextBytes) {
    return Invalid(Join(path, name), "must be a text of 1 to 1024 bytes");
  }
  return *text;
}

Result<std::vector<std::string>> Texts(const Json& object, const char* name, std::string_view path) {
  std::vector<std::string> texts;
  const auto list = object.find(name);
  if (list == object.end()) return texts;
  if (!list->is_array() || list->size() > kMaxListEntries) {
    return Invalid(Join(path, name), "must be a list of texts");
  }
  for (const Json& entry : *list) {
    const auto* text = entry.get_ptr<const std::string*>();
    if (text == nullptr || text->empty() || text->size() > kMaxTextBytes) {
      return Invalid(fmt::format("{}[{}]", Join(path, name), texts.size()), "must be a text of 1 to 1024 bytes");
    }
    texts.push_back(*text);
  }
  return texts;
}

Result<std::chrono::seconds> Limit(const Json& root, const char* name, std::int64_t preset, std::int64_t maximum) {
  const auto limits = root.find("limits");
  if (limits == root.end()) return std::chrono::seconds(preset);
  if (!limits->is_object()) return Invalid("limits", "must be an object");
  const auto limit = limits->find(name);
  if (limit == limits->end()) return std::chrono::seconds(preset);
  if (!limit->is_number_integer() || *limit < 0 || *limit > maximum) {
    return Invalid(Join("limits", name), fmt::format("must be a number of seconds from 0 to {}", maximum));
  }
  return std::chrono::seconds(limit->get<std::int64_t>());
}

bool IsCountryCode(std::string_view text) {
  return text.size() == 2 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

struct TrustedIssuer::Compiled {
  std::map<std::string, crypto::PublicKey, std::less<>> keys;  // by key id
  std::optional<std::regex> datasets;
};

struct TrustStore::Data {
  std::vector<TrustedIssuer> issuers;
  std::map<std::string, std::size_t, std::less<>> by_name;
  std::set<std::string, std::less<>> revoked_tokens;
  std::set<std::string, std::less<>> revoked_applications;
  std::chrono::seconds skew{60};
  std::chrono::seconds approval_lifetime{kMaxLifetimeSeconds};
  std::vector<std::string> ignored;
};

// Reads one trust file.
class TrustFile {
 public:
  Result<TrustStore> Read(std::string_view text) {
    GF_ASSIGN(const Json root, crypto::ParseStrictJson(text, {.max_bytes = kMaxFileBytes}));
    if (!root.is_object()) return Invalid("", "a trust file is a JSON object");
    const auto issuers = root.find("issuers");
    if (issuers == root.end() || !issuers->is_array() || issuers->size() > kMaxIssuers) {
      return Invalid("issuers", fmt::format("must be a list of at most {} issuers", kMaxIssuers));
    }
    for (std::size_t i = 0; i < issuers->size(); ++i) {
      GF_TRY(ReadIssuer((*issuers)[i], fmt::format("issuers[{}]", i)));
    }
    GF_ASSIGN(const auto tokens, Texts(root, "revoked_jti", ""));
    data_->revoked_tokens.insert(tokens.begin(), tokens.end());
    GF_ASSIGN(const auto applications, Texts(root, "revoked_applications", ""));
    data_->revoked_applications.insert(applications.begin(), applications.end());
    GF_ASSIGN(data_->skew, Limit(root, "skew_s", data_->skew.count(), kMaxSkewSeconds));
    GF_ASSIGN(data_->approval_lifetime, Limit(root, "approval_max_ttl_s", kMaxLifetimeSeconds, kMaxLifetimeSeconds));
    TrustStore store;
    store.data_ = std::move(data_);
    return store;
  }

 private:
  Status ReadIssuer(const Json& entry, const std::string& path) {
    if (!entry.is_object()) return Invalid(path, "must be an object");
    TrustedIssuer issuer;
    GF_ASSIGN(issuer.iss, Text(entry, "iss", path, true));
    GF_ASSIGN(issuer.jku, Text(entry, "jku", path, false));
    GF_ASSIGN(issuer.roles, Texts(entry, "roles", path));
    if (issuer.roles.empty()) return Invalid(Join(path, "roles"), "must name at least one role");
    GF_ASSIGN(const std::string country, Text(entry, "country", path, false));
    issuer.country = ToLower(country);
    GF_ASSIGN(issuer.sources, Texts(entry, "sources", path));
    GF_ASSIGN(issuer.datasets, Text(entry, "datasets", path, false));
    GF_ASSIGN(issuer.sub_namespace, Text(entry, "sub_namespace", path, false));
    if (const auto believed = entry.find("person_identifiers"); believed != entry.end()) {
      if (!believed->is_boolean()) return Invalid(Join(path, "person_identifiers"), "must be true or false");
      issuer.person_identifiers = *believed;
    }
    GF_TRY(CheckScope(issuer, path));

    auto compiled = std::make_shared<TrustedIssuer::Compiled>();
    if (!issuer.datasets.empty()) {
      try {
        compiled->datasets.emplace(issuer.datasets, std::regex::ECMAScript | std::regex::optimize);
      } catch (const std::regex_error&) {
        return Invalid(Join(path, "datasets"), "is not a regular expression");
      }
    }
    GF_TRY(ReadKeys(entry, path, *compiled));
    issuer.compiled_ = std::move(compiled);
    if (!data_->by_name.emplace(issuer.iss, data_->issuers.size()).second) {
      return Invalid(Join(path, "iss"), "is in the file twice");
    }
    data_->issuers.push_back(std::move(issuer));
    return {};
  }

  static Status CheckScope(const TrustedIssuer& issuer, const std::string& path) {
    const bool national = issuer.HasRole(role::kApproval) || issuer.HasRole(role::kDecision);
    if (!issuer.country.empty() && !IsCountryCode(issuer.country)) {
      return Invalid(Join(path, "country"), "must be a two-letter country code");
    }
    if (national && issuer.country.empty()) {
      return Invalid(Join(path, "country"), "is missing; a national authority needs one");
    }
    if ((national || issuer.HasRole("visa:ControlledAccessGrants")) && issuer.datasets.empty()) {
      return Invalid(Join(path, "datasets"), "is missing; say for which datasets the issuer may speak");
    }
    return {};
  }

  Status ReadKeys(const Json& entry, const std::string& path, TrustedIssuer::Compiled& compiled) {
    const std::string jwks_path = Join(path, "jwks");
    const auto jwks = entry.find("jwks");
    if (jwks == entry.end() || !jwks->is_object() || !jwks->contains("keys") || !jwks->at("keys").is_array()) {
      return Invalid(jwks_path, "must be an object with a list of keys");
    }
    const Json& keys = jwks->at("keys");
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string key_path = fmt::format("{}.keys[{}]", jwks_path, i);
      auto key = crypto::PublicKey::FromJwk(keys[i].dump());
      if (Reason(key.status()) == "JWK_UNSUPPORTED") {  // RFC 7517 section 5: ignore what is not understood
        data_->ignored.push_back(fmt::format("{}: {}", key_path, Message(key.status())));
        continue;
      }
      if (!key.ok()) return Invalid(key_path, Message(key.status()));
      if (!compiled.keys.emplace(key->kid(), *key).second) {
        return Invalid(Join(key_path, "kid"), "is used by another key of the issuer");
      }
    }
    if (compiled.keys.empty()) return Invalid(jwks_path, "holds no usable key");
    return {};
  }

  std::shared_ptr<TrustStore::Data> data_ = std::make_shared<TrustStore::Data>();
};

bool TrustedIssuer::HasRole(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

bool TrustedIssuer::MaySpeakFor(std::string_view dataset) const {
  if (!compiled_ || !compiled_->datasets || dataset.empty() || dataset.size() > kMaxDatasetBytes) return false;
  try {
    return std::regex_match(dataset.begin(), dataset.end(), *compiled_->datasets);
  } catch (const std::regex_error&) {  // the expression was too costly for this name
    return false;
  }
}

TrustStore::TrustStore() : data_(std::make_shared<const Data>()) {}

Result<TrustStore> TrustStore::FromJson(std::string_view text) { return TrustFile().Read(text); }

Result<TrustStore> TrustStore::Load(const std::filesystem::path& path) {
  GF_ASSIGN(const std::string text, ReadFile(path, kMaxFileBytes));
  auto store = FromJson(text);
  if (!store.ok()) {
    return Error(StatusCode::kInvalidArgument, Reason(store.status()), "{}: {}", path.string(),
                 Message(store.status()));
  }
  return store;
}

const std::vector<TrustedIssuer>& TrustStore::issuers() const { return data_->issuers; }

const TrustedIssuer* TrustStore::Find(std::string_view iss) const {
  const auto found = data_->by_name.find(iss);
  return found == data_->by_name.end() ? nullptr : &data_->issuers[found->second];
}

Result<crypto::PublicKey> TrustStore::FindKey(const crypto::KeyQuery& query) const {
  const TrustedIssuer* issuer = Find(query.issuer);
  if (issuer == nullptr) return Error(StatusCode::kUnauthenticated, "ISSUER_UNKNOWN", "issuer is not trusted");
  if (!query.jku.empty() && query.jku != issuer->jku) {
    return Error(StatusCode::kUnauthenticated, "JKU_MISMATCH", "jku is not the registered one");
  }
  const auto key = issuer->compiled_->keys.find(query.kid);
  if (key == issuer->compiled_->keys.end()) {
    return Error(StatusCode::kUnauthenticated, "KEY_UNKNOWN", "issuer has no such key");
  }
  return key->second;
}

bool TrustStore::IsRevokedToken(std::string_view jti) const { return data_->revoked_tokens.contains(jti); }
bool TrustStore::IsRevokedApplication(std::string_view application) const {
  return data_->revoked_applications.contains(application);
}
std::chrono::seconds TrustStore::clock_skew() const { return data_->skew; }
std::chrono::seconds TrustStore::approval_lifetime() const { return data_->approval_lifetime; }
const std::vector<std::string>& TrustStore::ignored() const { return data_->ignored; }

}  // namespace genofed::auth
