// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/trust.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/refuse.h"
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
constexpr std::int64_t kMaxAgeSeconds = 10LL * 366 * 86'400;
constexpr std::int64_t kMaxRefreshSeconds = 30 * 86'400;
constexpr std::int64_t kMinRefreshSeconds = 10;
constexpr std::int64_t kMaxTokenBytes = 1 << 20;
constexpr std::int64_t kMaxExpressionMemory = 1 << 20;

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

// A whole number from `minimum` to `maximum`; unchanged when the member is absent.
template <typename T>
Status Number(const Json& object, const char* name, std::string_view path, std::int64_t minimum,
              std::int64_t maximum, T& value) {
  const auto member = object.find(name);
  if (member == object.end()) return {};
  if (!member->is_number_integer() || *member < minimum || *member > maximum) {
    return Invalid(Join(path, name), fmt::format("must be a whole number from {} to {}", minimum, maximum));
  }
  value = T(member->get<std::int64_t>());
  return {};
}

bool IsCountryCode(std::string_view text) {
  return text.size() == 2 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

struct TrustedIssuer::Compiled {
  KeySet keys;
  std::unique_ptr<re2::RE2> datasets;  // linear in time, whatever a token says
};

struct TrustStore::Data {
  std::vector<TrustedIssuer> issuers;
  std::map<std::string, std::size_t, std::less<>> by_name;
  RevocationList revoked;
  TrustLimits limits;
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
    GF_TRY(ReadRevocations(root));
    GF_TRY(ReadLimits(root, data_->limits));
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
    GF_TRY(ReadRefresh(entry, path, issuer));

    auto compiled = std::make_shared<TrustedIssuer::Compiled>();
    if (!issuer.datasets.empty()) {
      re2::RE2::Options options(re2::RE2::Quiet);
      options.set_max_mem(kMaxExpressionMemory);
      compiled->datasets = std::make_unique<re2::RE2>(issuer.datasets, options);
      if (!compiled->datasets->ok()) return Invalid(Join(path, "datasets"), "is not a regular expression (RE2 syntax)");
    }
    GF_TRY(ReadKeys(entry, path, *compiled));
    issuer.compiled_ = std::move(compiled);
    if (!data_->by_name.emplace(issuer.iss, data_->issuers.size()).second) {
      return Invalid(Join(path, "iss"), "is in the file twice");
    }
    data_->issuers.push_back(std::move(issuer));
    return {};
  }

  Status ReadRevocations(const Json& root) {
    GF_ASSIGN(const auto tokens, Texts(root, "revoked_jti", ""));
    for (const auto& jti : tokens) data_->revoked.Add({RevocationKind::kToken, jti, ""});
    GF_ASSIGN(const auto applications, Texts(root, "revoked_applications", ""));
    for (const auto& id : applications) data_->revoked.Add({RevocationKind::kApplication, id, ""});
    return {};
  }

  static Status ReadLimits(const Json& root, TrustLimits& limits) {
    const auto found = root.find("limits");
    if (found == root.end()) return {};
    if (!found->is_object()) return Invalid("limits", "must be an object");
    GF_TRY(Number(*found, "skew_s", "limits", 0, kMaxSkewSeconds, limits.skew));
    GF_TRY(Number(*found, "visa_max_ttl_s", "limits", 1, kMaxLifetimeSeconds, limits.visa_lifetime));
    GF_TRY(Number(*found, "passport_max_ttl_s", "limits", 1, kMaxLifetimeSeconds, limits.passport_lifetime));
    GF_TRY(Number(*found, "approval_max_ttl_s", "limits", 1, kMaxLifetimeSeconds, limits.approval_lifetime));
    GF_TRY(Number(*found, "max_assertion_age_s", "limits", 1, kMaxAgeSeconds, limits.assertion_age));
    GF_TRY(Number(*found, "max_visa_bytes", "limits", 1, kMaxTokenBytes, limits.visa_bytes));
    GF_TRY(Number(*found, "max_passport_bytes", "limits", 1, kMaxTokenBytes, limits.passport_bytes));
    GF_TRY(Number(*found, "max_approval_bytes", "limits", 1, kMaxTokenBytes, limits.approval_bytes));
    GF_TRY(Number(*found, "max_visas", "limits", 1, 1000, limits.visas));
    return Number(*found, "max_json_depth", "limits", 1, 64, limits.json_depth);
  }

  static Status ReadRefresh(const Json& entry, const std::string& path, TrustedIssuer& issuer) {
    const auto refresh = entry.find("refresh");
    if (refresh == entry.end()) return {};
    const std::string where = Join(path, "refresh");
    if (!refresh->is_object()) return Invalid(where, "must be an object");
    // Only loopback may do without TLS, and nothing in this platform serves keys there without it.
    if (!issuer.jku.starts_with("https://")) return Invalid(Join(path, "jku"), "must be an https address to fetch from");
    issuer.refresh.emplace();
    GF_TRY(Number(*refresh, "interval_s", where, kMinRefreshSeconds, kMaxRefreshSeconds, issuer.refresh->interval));
    GF_TRY(Number(*refresh, "lifetime_s", where, kMinRefreshSeconds, kMaxRefreshSeconds, issuer.refresh->lifetime));
    if (issuer.refresh->lifetime < issuer.refresh->interval) {
      return Invalid(Join(where, "lifetime_s"), "must not be shorter than interval_s");
    }
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
    auto keys = KeySet::FromJson(jwks->dump());
    if (!keys.ok()) {
      const auto fields = Fields(keys.status());
      return fields.empty() ? Invalid(jwks_path, Message(keys.status()))
                            : Invalid(Join(jwks_path, fields[0].field), fields[0].description);
    }
    for (const auto& ignored : keys->ignored()) data_->ignored.push_back(Join(jwks_path, ignored));
    if (keys->empty()) return Invalid(jwks_path, "holds no usable key");
    compiled.keys = *std::move(keys);
    return {};
  }

  std::shared_ptr<TrustStore::Data> data_ = std::make_shared<TrustStore::Data>();
};

bool TrustedIssuer::HasRole(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

bool TrustedIssuer::MaySpeakFor(std::string_view dataset) const {
  return compiled_ && compiled_->datasets && !dataset.empty() && dataset.size() <= kMaxDatasetBytes &&
         re2::RE2::FullMatch(re2::StringPiece(dataset.data(), dataset.size()), *compiled_->datasets);
}

bool TrustedIssuer::MayNameSource(std::string_view source, bool grant) const {
  if (sources.empty()) return !grant;
  return std::find(sources.begin(), sources.end(), source) != sources.end();
}

bool TrustedIssuer::SharesSubjectsWith(const TrustedIssuer& other) const {
  return iss == other.iss || (!sub_namespace.empty() && sub_namespace == other.sub_namespace);
}

const KeySet& TrustedIssuer::pinned_keys() const {
  static const KeySet none;
  return compiled_ ? compiled_->keys : none;
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

TrustStore TrustStore::With(std::shared_ptr<const FetchedKeys> keys) const {
  TrustStore copy = *this;
  copy.fetched_ = std::move(keys);
  return copy;
}

TrustStore TrustStore::With(std::shared_ptr<const RevocationList> revoked) const {
  TrustStore copy = *this;
  copy.revoked_ = std::move(revoked);
  return copy;
}

TrustStore TrustStore::With(std::shared_ptr<TokenCache> cache) const {
  TrustStore copy = *this;
  copy.cache_ = std::move(cache);
  return copy;
}

const std::vector<TrustedIssuer>& TrustStore::issuers() const { return data_->issuers; }

const TrustedIssuer* TrustStore::Find(std::string_view iss) const {
  const auto found = data_->by_name.find(iss);
  return found == data_->by_name.end() ? nullptr : &data_->issuers[found->second];
}

Result<crypto::PublicKey> TrustStore::FindKey(const crypto::KeyQuery& query) const {
  const TrustedIssuer* issuer = Find(query.issuer);
  if (issuer == nullptr) return Error(StatusCode::kUnauthenticated, "ISSUER_UNKNOWN", "issuer is not trusted");
  if (crypto::Enforced("JKU_MISMATCH") && !query.jku.empty() && query.jku != issuer->jku) {
    return Error(StatusCode::kUnauthenticated, "JKU_MISMATCH", "jku is not the registered one");
  }
  const crypto::PublicKey* key = FindKey(*issuer, query.kid);
  if (key == nullptr) return Error(StatusCode::kUnauthenticated, "KEY_UNKNOWN", "issuer has no such key");
  return *key;
}

const crypto::PublicKey* TrustStore::FindKey(const TrustedIssuer& issuer, std::string_view kid) const {
  if (const crypto::PublicKey* pinned = issuer.pinned_keys().Find(kid)) return pinned;
  if (!fetched_) return nullptr;
  const auto keys = fetched_->find(issuer.iss);
  return keys == fetched_->end() ? nullptr : keys->second.Find(kid);
}

bool TrustStore::Revoked(bool (RevocationList::*has)(std::string_view) const, std::string_view value) const {
  return (data_->revoked.*has)(value) || (revoked_ && (revoked_.get()->*has)(value));
}

bool TrustStore::IsRevokedToken(std::string_view jti) const { return Revoked(&RevocationList::HasToken, jti); }
bool TrustStore::IsRevokedApplication(std::string_view application) const {
  return Revoked(&RevocationList::HasApplication, application);
}
bool TrustStore::IsRevokedDataset(std::string_view dataset) const {
  return Revoked(&RevocationList::HasDataset, dataset);
}
bool TrustStore::IsRevokedIdentity(std::string_view site, std::string_view service) const {
  return revoked_ && revoked_->HasIdentity(site, service);
}

bool TrustStore::IsRevokedUser(const TrustedIssuer& issuer, std::string_view subject) const {
  if (!revoked_) return false;
  for (const std::string& named : revoked_->IssuersOfUser(subject)) {
    if (named.empty() || named == issuer.iss) return true;
    // A name that meant nobody known any more still means somebody: the exact name was compared above.
    const TrustedIssuer* other = Find(named);
    if (other != nullptr && issuer.SharesSubjectsWith(*other)) return true;
  }
  return false;
}

const TrustLimits& TrustStore::limits() const { return data_->limits; }
const std::vector<std::string>& TrustStore::ignored() const { return data_->ignored; }

}  // namespace genofed::auth
