// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/testing_attacks.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <functional>

#include "libs/core/strings.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kNow = 1'795'332'028;
constexpr char kFi[] = "https://dac.fi.example";
constexpr char kDataset[] = "https://data.1mg.example/datasets/GDI-FI-DATASET-001";
constexpr char kNode[] = "https://node.fi.example";
const std::string kDigest(64, 'a');
constexpr char kCertificate[] = "44mEL35OnLTp4BthEh6cNKKINGYH2KsKyiXQBhpUw7Y";

std::string Text(evp_pkey_st* pkey) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, pkey);
  std::string pem(BIO_ctrl_pending(bio), '\0');
  BIO_read(bio, pem.data(), static_cast<int>(pem.size()));
  BIO_free(bio);
  return pem;
}

Json Issuer(const char* iss, const char* jku, Json roles, std::vector<Json> keys) {
  return {{"iss", iss}, {"jku", jku}, {"roles", std::move(roles)}, {"sub_namespace", "aai"}, {"jwks", {{"keys", keys}}}};
}

}  // namespace

ForgeKey ForgeKey::Elliptic(std::string kid) {
  ForgeKey key;
  key.kid_ = std::move(kid);
  key.elliptic_ = std::make_shared<crypto::SigningKey>(*crypto::SigningKey::Generate());
  return key;
}

ForgeKey ForgeKey::Rsa(std::string kid, int bits) {
  ForgeKey key;
  key.kid_ = std::move(kid);
  key.rsa_ = true;
  key.pkey_ = std::shared_ptr<evp_pkey_st>(EVP_RSA_gen(static_cast<unsigned>(bits)), EVP_PKEY_free);
  return key;
}

std::string ForgeKey::Sign(std::string_view data) const {
  if (!rsa_) return elliptic_->Sign(data);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  EVP_DigestSignInit_ex(context, nullptr, "SHA256", nullptr, nullptr, pkey_.get(), nullptr);
  EVP_DigestSign(context, nullptr, &size, bytes, data.size());
  std::string signature(size, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, data.size());
  EVP_MD_CTX_free(context);
  return signature;
}

Json ForgeKey::Jwk() const {
  Json jwk = Json::parse(rsa_ ? crypto::PublicKey::FromPem(Text(pkey_.get()))->Jwk() : elliptic_->public_key().Jwk());
  jwk["kid"] = kid_;
  return jwk;
}

std::string Compact(std::string_view header, std::string_view payload, const ForgeKey& key) {
  const std::string input = Base64UrlEncode(header) + "." + Base64UrlEncode(payload);
  return input + "." + Base64UrlEncode(key.Sign(input));
}

World::World() = default;

Json World::TrustFile() const {
  Json committee = Issuer(kFi, "https://dac.fi.example/jwks.json", {"visa:ControlledAccessGrants", "visa:AcceptedTermsAndPolicies", "approval", "visa:https://example.org/custom"},
                          {fi.Jwk(), fi_rsa.Jwk()});
  Json encryption = fi_encryption.Jwk();
  encryption["use"] = "enc";
  committee["jwks"]["keys"].push_back(encryption);
  committee["country"] = "FI";
  committee["sources"] = {"https://dac.fi.example/dac/1"};
  committee["datasets"] = "^https://data\\.1mg\\.example/datasets/(GOE|GDI)-FI-DATASET-[0-9]+$";
  Json neighbour = Issuer("https://dac.se.example", "https://dac.se.example/jwks.json", {"visa:ControlledAccessGrants", "approval"}, {se.Jwk()});
  neighbour["country"] = "SE";
  neighbour["sources"] = {"https://dac.se.example/dac/1"};
  neighbour["datasets"] = "^https://data\\.1mg\\.example/datasets/(GOE|GDI)-SE-DATASET-[0-9]+$";
  Json other = Issuer("https://idp2.uni.example", "https://idp2.uni.example/jwks.json", {"visa:AffiliationAndRole", "visa:ResearcherStatus"}, {uni2.Jwk()});
  other["sub_namespace"] = "https://idp2.uni.example";
  return {{"issuers",
           {committee, neighbour,
            Issuer("https://login.aai.example/oidc/", "https://login.aai.example/oidc/jwk", {"passport", "access_token", "visa:LinkedIdentities"}, {aai.Jwk()}),
            Issuer("https://hub.1mg.example", "https://hub.1mg.example/jwks.json", {"service"}, {hub.Jwk()}),
            Issuer("https://central-dac.1mg.example", "https://central-dac.1mg.example/jwks.json", {"opinion"}, {central.Jwk()}),
            Issuer("https://idp.uni.example", "https://idp.uni.example/jwks.json", {"visa:AffiliationAndRole", "visa:ResearcherStatus"}, {uni.Jwk()}),
            other}},
          {"revoked_jti", {"urn:grant:revoked:1"}},
          {"revoked_applications", {"APP-1999"}},
          {"limits", {{"skew_s", 60}, {"visa_max_ttl_s", 86400}, {"passport_max_ttl_s", 3600}, {"max_visa_bytes", 8192}, {"max_visas", 8}}}};
}

TrustStore World::Trust() const {
  auto revoked = std::make_shared<RevocationList>();
  revoked->Add({RevocationKind::kUser, "mallory@aai.example", "https://login.aai.example/oidc/"});
  revoked->Add({RevocationKind::kDataset, "https://data.1mg.example/datasets/GDI-FI-DATASET-666", ""});
  return TrustStore::FromJson(TrustFile().dump())->With(std::shared_ptr<const RevocationList>(revoked));
}

ClearinghouseRequest World::Request() const {
  return {.now = FromUnixSeconds(kNow),
          .person = {.subject = "alice@aai.example", .issuer = "", .sub_namespace = "aai"},
          .audience = kNode,
          .country = "FI",
          .dataset = kDataset,
          .application = "APP-2031",
          .application_sha256 = kDigest,
          .client_certificate_sha256 = kCertificate};
}

Draft GoodVisa(const World&, const ForgeKey& key) {
  return {{{"typ", "vnd.ga4gh.visa+jwt"}, {"alg", key.algorithm()}, {"kid", key.kid()}, {"jku", "https://dac.fi.example/jwks.json"}},
          {{"iss", kFi}, {"sub", "alice@aai.example"}, {"jti", "urn:grant:FI:1"}, {"iat", kNow - 60}, {"exp", kNow + 3600},
           {"ga4gh_visa_v1", {{"type", "ControlledAccessGrants"}, {"asserted", kNow - 86400}, {"value", kDataset},
                              {"source", "https://dac.fi.example/dac/1"}, {"by", "dac"}}}},
          &key};
}

Draft GoodApproval(const World&, const ForgeKey& key) {
  return {{{"typ", "1mg-approval+jwt"}, {"alg", key.algorithm()}, {"kid", key.kid()}},
          {{"iss", kFi}, {"sub", "alice@aai.example"}, {"aud", kNode}, {"jti", "urn:approval:FI:1"}, {"iat", kNow - 60},
           {"nbf", kNow - 60}, {"exp", kNow + 3600}, {"decision", "approve"}, {"country", "FI"}, {"application", "APP-2031"},
           {"application_sha256", kDigest}, {"dua_sha256", std::string(64, 'b')}, {"datasets", {kDataset}},
           {"permit", {{"id", "P-1"}, {"from", kNow - 86400}, {"until", kNow + 864000}}}, {"cnf", {{"x5t#S256", kCertificate}}}},
          &key};
}

Draft GoodPassport(const World& world, const std::vector<std::string>& visas) {
  return {{{"typ", "vnd.ga4gh.passport+jwt"}, {"alg", "ES256"}, {"kid", "aai-1"}},
          {{"iss", "https://login.aai.example/oidc/"}, {"sub", "alice@aai.example"}, {"aud", kNode}, {"jti", "urn:passport:1"},
           {"iat", kNow - 5}, {"exp", kNow + 600}, {"ga4gh_passport_v1", visas}},
          &world.aai};
}

Draft GoodAccessToken(const World& world) {
  return {{{"typ", "at+jwt"}, {"alg", "ES256"}, {"kid", "aai-1"}},
          {{"iss", "https://login.aai.example/oidc/"}, {"sub", "alice@aai.example"}, {"aud", kNode}, {"iat", kNow - 5}, {"exp", kNow + 600}},
          &world.aai};
}

Draft Affiliation(const World& world) {
  return {{{"typ", "vnd.ga4gh.visa+jwt"}, {"alg", "ES256"}, {"kid", "uni-1"}, {"jku", "https://idp.uni.example/jwks.json"}},
          {{"iss", "https://idp.uni.example"}, {"sub", "alice@aai.example"}, {"jti", "urn:aff:1"}, {"iat", kNow - 60}, {"exp", kNow + 1800},
           {"ga4gh_visa_v1", {{"type", "AffiliationAndRole"}, {"asserted", kNow - 86400}, {"value", "faculty@uni.example"},
                              {"source", "https://uni.example"}, {"by", "so"}}}},
          &world.uni};
}

namespace {

using Bend = std::function<void(Draft&)>;

class Suite {
 public:
  explicit Suite(const World& world) : world_(world) {}

  void Add(std::string name, TokenKind kind, std::string token, std::string reason) {
    cases_.push_back({std::move(name), kind, std::move(token), std::move(reason)});
  }
  void Bent(const std::string& name, TokenKind kind, Draft draft, const Bend& bend, const std::string& reason) {
    bend(draft);
    Add(std::string(TokenKindName(kind)) + "/" + draft.key->algorithm() + "/" + name, kind, draft.Sign(), reason);
  }
  // The same for the tokens of every kind that stand alone, and keys of both algorithms.
  void Everywhere(const std::string& name, const Bend& bend, const std::string& reason) {
    for (const ForgeKey* key : {&world_.fi, &world_.fi_rsa}) {
      Bent(name, TokenKind::kVisa, GoodVisa(world_, *key), bend, reason);
      Bent(name, TokenKind::kApproval, GoodApproval(world_, *key), bend, reason);
    }
    Bent(name, TokenKind::kPassport, GoodPassport(world_, {GoodVisa(world_, world_.fi).Sign()}), bend, reason);
    Bent(name, TokenKind::kAccessToken, GoodAccessToken(world_), bend, reason);
  }
  // Parts that JSON libraries would not write.
  void Raw(const std::string& name, const std::function<void(std::string& header, std::string& payload)>& bend, const std::string& reason) {
    for (const ForgeKey* key : {&world_.fi, &world_.fi_rsa}) {
      for (const TokenKind kind : {TokenKind::kVisa, TokenKind::kApproval}) {
        const Draft draft = kind == TokenKind::kVisa ? GoodVisa(world_, *key) : GoodApproval(world_, *key);
        std::string header = draft.header.dump(), payload = draft.claims.dump();
        bend(header, payload);
        Add(std::string(TokenKindName(kind)) + "/" + key->algorithm() + "/" + name, kind, Compact(header, payload, *key), reason);
      }
    }
  }
  void Visa(const std::string& name, const Bend& bend, const std::string& reason) {
    for (const ForgeKey* key : {&world_.fi, &world_.fi_rsa}) Bent(name, TokenKind::kVisa, GoodVisa(world_, *key), bend, reason);
  }
  void Approval(const std::string& name, const Bend& bend, const std::string& reason) {
    for (const ForgeKey* key : {&world_.fi, &world_.fi_rsa}) Bent(name, TokenKind::kApproval, GoodApproval(world_, *key), bend, reason);
  }
  void Passport(const std::string& name, const Bend& bend, const std::string& reason) {
    Bent(name, TokenKind::kPassport, GoodPassport(world_, {GoodVisa(world_, world_.fi).Sign()}), bend, reason);
  }
  void Holding(const std::string& name, const std::vector<std::string>& visas, const std::string& reason) {
    Bent(name, TokenKind::kPassport, GoodPassport(world_, visas), [](Draft&) {}, reason);
  }
  std::vector<TokenCase> Take() { return std::move(cases_); }

 private:
  const World& world_;
  std::vector<TokenCase> cases_;
};

std::string Replace(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void AddStructure(Suite& suite, const World& world) {
  for (const TokenKind kind : {TokenKind::kVisa, TokenKind::kApproval, TokenKind::kPassport, TokenKind::kAccessToken}) {
    const std::string good = kind == TokenKind::kVisa       ? GoodVisa(world, world.fi).Sign()
                             : kind == TokenKind::kApproval ? GoodApproval(world, world.fi).Sign()
                             : kind == TokenKind::kPassport ? GoodPassport(world, {}).Sign()
                                                            : GoodAccessToken(world).Sign();
    const auto dot = good.find('.'), second = good.find('.', dot + 1);
    const std::string kind_name(TokenKindName(kind));
    const std::pair<const char*, std::string> shapes[] = {
        {"empty", ""},
        {"one dot", good.substr(0, second)},
        {"three dots", good + ".AA"},
        {"five parts", good + ".AA.AA"},
        {"padding", good + "="},
        {"space before", " " + good},
        {"line break after", good + "\n"},
        {"space inside", good.substr(0, dot) + " " + good.substr(dot)},
        {"standard alphabet", Replace(good.substr(0, second), "e", "+") + good.substr(second)},
        {"NUL after", good + std::string(1, '\0')},
        {"JSON serialisation", "{\"protected\":\"" + good.substr(0, dot) + "\",\"payload\":\"" + good.substr(dot + 1, second - dot - 1) + "\",\"signature\":\"" + good.substr(second + 1) + "\"}"},
        {"Bearer before", "Bearer " + good}};
    for (const auto& [name, token] : shapes) suite.Add(kind_name + "/" + name, kind, token, "TOKEN_MALFORMED");
    // Three parts, of which one is empty: that is base64url of nothing, and nothing is no JSON.
    suite.Add(kind_name + "/dots", kind, "..", "JSON_INVALID");
    suite.Add(kind_name + "/empty header", kind, good.substr(dot), "JSON_INVALID");
    suite.Add(kind_name + "/empty payload", kind, good.substr(0, dot + 1) + good.substr(second), "JSON_INVALID");
    suite.Add(kind_name + "/no signature", kind, good.substr(0, second + 1), "SIGNATURE_INVALID");
    suite.Add(kind_name + "/too long", kind, good + std::string(70'000, 'A'), "TOKEN_TOO_LARGE");
  }
  // The last character of a 64-byte signature holds two bits that mean nothing; they must be zero.
  std::string loose = GoodVisa(world, world.fi).Sign();
  loose.back() = loose.back() == 'A' ? 'B' : static_cast<char>(loose.back() + 1);
  suite.Add("visa/loose last bits", TokenKind::kVisa, loose, "TOKEN_MALFORMED");
  suite.Raw("payload is a list", [](auto&, auto& p) { p = "[" + p + "]"; }, "TOKEN_MALFORMED");
  suite.Raw("payload is null", [](auto&, auto& p) { p = "null"; }, "TOKEN_MALFORMED");
  suite.Raw("header is text", [](auto& h, auto&) { h = "\"ES256\""; }, "TOKEN_MALFORMED");
}

void AddJson(Suite& suite) {
  const auto insert = [](const char* text) {
    return [text](auto&, auto& p) { p.insert(1, text); };
  };
  suite.Raw("sub twice", insert("\"sub\":\"mallory@aai.example\","), "JSON_DUPLICATE_NAME");
  suite.Raw("sub twice, once escaped", insert("\"s\\u0075b\":\"mallory@aai.example\","), "JSON_DUPLICATE_NAME");
  suite.Raw("iss twice", insert("\"iss\":\"https://hub.1mg.example\","), "JSON_DUPLICATE_NAME");
  suite.Raw("exp twice", insert("\"exp\":9999999999,"), "JSON_DUPLICATE_NAME");
  suite.Raw("nested twice", insert("\"x\":{\"a\":1,\"a\":2},"), "JSON_DUPLICATE_NAME");
  suite.Raw("alg twice", [](auto& h, auto&) { h.insert(1, "\"alg\":\"none\","); }, "JSON_DUPLICATE_NAME");
  suite.Raw("kid twice", [](auto& h, auto&) { h.insert(1, "\"kid\":\"hub-1\","); }, "JSON_DUPLICATE_NAME");
  suite.Raw("17 deep", [](auto&, auto& p) { p.insert(1, "\"x\":" + std::string(16, '[') + std::string(16, ']') + ","); }, "JSON_TOO_DEEP");
  suite.Raw("byte order mark", [](auto&, auto& p) { p = "\xEF\xBB\xBF" + p; }, "JSON_INVALID");
  suite.Raw("NUL after", [](auto&, auto& p) { p += std::string("\0{}", 3); }, "JSON_INVALID");
  suite.Raw("something after", [](auto&, auto& p) { p += "{}"; }, "JSON_INVALID");
  suite.Raw("comment", insert("/* */"), "JSON_INVALID");
  suite.Raw("single quotes", insert("'x':1,"), "JSON_INVALID");
  suite.Raw("trailing comma", [](auto&, auto& p) { p.insert(p.size() - 1, ","); }, "JSON_INVALID");
  suite.Raw("not a number", insert("\"x\":NaN,"), "JSON_INVALID");
  suite.Raw("infinity", insert("\"x\":Infinity,"), "JSON_INVALID");
  suite.Raw("beyond double", insert("\"x\":1e400,"), "JSON_INVALID");
  suite.Raw("integer beyond 64 bits", insert("\"x\":99999999999999999999,"), "JSON_INVALID");
  suite.Raw("leading zero", insert("\"x\":01,"), "JSON_INVALID");
  suite.Raw("plus sign", insert("\"x\":+1,"), "JSON_INVALID");
  suite.Raw("hexadecimal", insert("\"x\":0x10,"), "JSON_INVALID");
  suite.Raw("lone surrogate", insert("\"x\":\"\\ud800\","), "JSON_INVALID");
  suite.Raw("not UTF-8", insert("\"x\":\"\xff\","), "JSON_INVALID");
  suite.Raw("overlong UTF-8", insert("\"x\":\"\xc0\xaf\","), "JSON_INVALID");
  suite.Raw("raw control character", insert("\"x\":\"\x01\","), "JSON_INVALID");
  suite.Raw("header cut short", [](auto& h, auto&) { h.pop_back(); }, "JSON_INVALID");
}

void AddHeader(Suite& suite, const World& world) {
  for (const char* type : {"at+jwt-x", "dpop+jwt", "1mg-decision+jwt", "logout+jwt", "", "vnd.ga4gh.visa", "jwt/", "application/"}) {
    suite.Everywhere("typ " + std::string(type), [type](Draft& d) { d.header["typ"] = type; }, "TYPE_MISMATCH");
  }
  suite.Everywhere("typ is a number", [](Draft& d) { d.header["typ"] = 1; }, "TYPE_MISMATCH");
  suite.Everywhere("typ is null", [](Draft& d) { d.header["typ"] = nullptr; }, "TYPE_MISMATCH");
  for (const char* algorithm : {"none", "None", "NONE", "", "HS256", "HS512", "PS256", "ES384", "ES512", "EdDSA", "es256", "RS512", "ES256K", "RSA-OAEP"}) {
    suite.Everywhere("alg " + std::string(algorithm), [algorithm](Draft& d) { d.header["alg"] = algorithm; }, "ALGORITHM_REFUSED");
  }
  suite.Everywhere("alg is missing", [](Draft& d) { d.header.erase("alg"); }, "ALGORITHM_REFUSED");
  suite.Everywhere("alg is a list", [](Draft& d) { d.header["alg"] = {"ES256"}; }, "ALGORITHM_REFUSED");
  suite.Everywhere("alg of another key", [](Draft& d) { d.header["alg"] = d.header["alg"] == "ES256" ? "RS256" : "ES256"; }, "ALGORITHM_MISMATCH");
  const Json jwk = world.stranger.Jwk();
  const std::pair<const char*, Json> refused[] = {
      {"crit", Json::array({"exp"})}, {"crit", Json::array()}, {"jwk", jwk}, {"x5u", "https://attacker.example/x"}, {"x5c", Json::array({"MII"})},
      {"x5t", "AA"}, {"x5t#S256", "AA"}, {"zip", "DEF"}, {"b64", false}, {"cty", "JWT"}};
  for (const auto& [name, value] : refused) {
    suite.Everywhere("header " + std::string(name), [header = name, &text = value](Draft& d) { d.header[header] = text; }, "HEADER_REFUSED");
  }
  suite.Everywhere("own key in the header", [&](Draft& d) { d.header["jwk"] = jwk; d.key = &world.stranger; }, "HEADER_REFUSED");
  suite.Everywhere("kid is missing", [](Draft& d) { d.header.erase("kid"); }, "KEY_ID_MISSING");
  suite.Everywhere("kid is empty", [](Draft& d) { d.header["kid"] = ""; }, "KEY_ID_MISSING");
  suite.Everywhere("kid is a number", [](Draft& d) { d.header["kid"] = 1; }, "KEY_ID_MISSING");
  suite.Everywhere("kid is long", [](Draft& d) { d.header["kid"] = std::string(257, 'k'); }, "KEY_ID_MISSING");
  for (const char* kid : {"../../etc/passwd", "' OR 1=1 --", "dac-1\n", "DAC-1", "hub-1", "dac-enc", "%64ac-1"}) {
    suite.Everywhere("kid " + std::string(kid), [kid](Draft& d) { d.header["kid"] = kid; }, "KEY_UNKNOWN");
  }
}

void AddIssuerAndAddress(Suite& suite, const World& world) {
  for (const char* iss : {"https://dac.fi.example/", "http://dac.fi.example", "https://DAC.fi.example", "https://dac.fi.example.attacker.example", "https://dac.fi.example#", "https://dac.fi.example:443", " https://dac.fi.example", "", "https://login.aai.example/oidc", "null"}) {
    suite.Everywhere("iss " + std::string(iss), [iss](Draft& d) { d.claims["iss"] = iss; }, "ISSUER_UNKNOWN");
  }
  suite.Everywhere("iss is missing", [](Draft& d) { d.claims.erase("iss"); }, "ISSUER_UNKNOWN");
  suite.Everywhere("iss is a list", [](Draft& d) { d.claims["iss"] = {"https://dac.fi.example"}; }, "ISSUER_UNKNOWN");
  suite.Everywhere("iss in the header only", [](Draft& d) { d.header["iss"] = d.claims["iss"]; d.claims.erase("iss"); }, "ISSUER_UNKNOWN");
  for (const char* jku : {"https://attacker.example/jwks.json", "https://dac.fi.example/jwks.json?x", "https://dac.fi.example/jwks.json#", "https://dac.fi.example@attacker.example/jwks.json", "https://dac.fi.example/../jwks.json", "http://dac.fi.example/jwks.json", "HTTPS://dac.fi.example/jwks.json", "file:///etc/passwd", "https://dac.se.example/jwks.json"}) {
    suite.Everywhere("jku " + std::string(jku), [jku](Draft& d) { d.header["jku"] = jku; }, "JKU_MISMATCH");
    suite.Everywhere("own key at jku " + std::string(jku), [jku, &world](Draft& d) { d.header["jku"] = jku; d.key = &world.stranger; d.header["alg"] = "ES256"; }, "JKU_MISMATCH");
  }
  suite.Everywhere("jku is a list", [](Draft& d) { d.header["jku"] = {"https://dac.fi.example/jwks.json"}; }, "JKU_MISSING");
  suite.Everywhere("jku is empty", [](Draft& d) { d.header["jku"] = ""; }, "JKU_MISSING");
  suite.Visa("jku is missing", [](Draft& d) { d.header.erase("jku"); }, "JKU_MISSING");
  suite.Visa("jku in the payload only", [](Draft& d) { d.claims["jku"] = d.header["jku"]; d.header.erase("jku"); }, "JKU_MISSING");
}

void AddSignature(Suite& suite, const World& world) {
  suite.Everywhere("signed by a stranger", [&](Draft& d) { d.key = &world.stranger; d.header["alg"] = "ES256"; d.header["kid"] = d.claims["iss"] == kFi ? "dac-1" : "aai-1"; }, "SIGNATURE_INVALID");
  suite.Visa("signed by the neighbour's key of the same kid", [&](Draft& d) { d.key = &world.se; d.header["alg"] = "ES256"; d.header["kid"] = "dac-1"; }, "SIGNATURE_INVALID");
  suite.Approval("signed by the neighbour's key of the same kid", [&](Draft& d) { d.key = &world.se; d.header["alg"] = "ES256"; d.header["kid"] = "dac-1"; }, "SIGNATURE_INVALID");
  suite.Visa("signed by the key for encryption", [&](Draft& d) { d.key = &world.fi_encryption; d.header["alg"] = "ES256"; d.header["kid"] = "dac-enc"; }, "KEY_UNKNOWN");
  for (const ForgeKey* key : {&world.fi, &world.fi_rsa}) {
    for (const TokenKind kind : {TokenKind::kVisa, TokenKind::kApproval}) {
      const std::string good = (kind == TokenKind::kVisa ? GoodVisa(world, *key) : GoodApproval(world, *key)).Sign();
      const auto dot = good.rfind('.');
      const std::string input = good.substr(0, dot), signature = *Base64UrlDecode(good.substr(dot + 1));
      const auto with = [&](const std::string& name, const std::string& bytes) {
        suite.Add(std::string(TokenKindName(kind)) + "/" + key->algorithm() + "/signature " + name, kind, input + "." + Base64UrlEncode(bytes), "SIGNATURE_INVALID");
      };
      with("of zeros", std::string(signature.size(), '\0'));
      with("of 0xff", std::string(signature.size(), '\xff'));
      with("cut by one", signature.substr(1));
      with("with a byte more", signature + '\0');
      with("with a zero before", '\0' + signature);
      with("halves swapped", signature.substr(signature.size() / 2) + signature.substr(0, signature.size() / 2));
      with("twice", signature + signature);
      with("in DER", "\x30\x44\x02\x20" + signature.substr(0, 32) + "\x02\x20" + signature.substr(32));
      with("half zero", std::string(32, '\0') + signature.substr(32));
      const Draft other = kind == TokenKind::kVisa ? GoodApproval(world, *key) : GoodVisa(world, *key);
      with("of another token", *Base64UrlDecode(other.Sign().substr(other.Sign().rfind('.') + 1)));
      Draft changed = kind == TokenKind::kVisa ? GoodVisa(world, *key) : GoodApproval(world, *key);
      changed.claims["sub"] = "mallory@aai.example";
      const std::string forged = changed.Sign();
      suite.Add(std::string(TokenKindName(kind)) + "/" + key->algorithm() + "/payload changed", kind, forged.substr(0, forged.rfind('.')) + good.substr(dot), "SIGNATURE_INVALID");
    }
  }
}

void AddTimes(Suite& suite) {
  suite.Everywhere("expired", [](Draft& d) { d.claims["iat"] = d.claims["nbf"] = kNow - 600; d.claims["exp"] = kNow - 60; }, "EXPIRED");
  suite.Everywhere("long expired", [](Draft& d) { d.claims["iat"] = d.claims["nbf"] = 1'000'000'000; d.claims["exp"] = 1'000'000'600; }, "EXPIRED");
  suite.Everywhere("issued in the future", [](Draft& d) { d.claims["iat"] = kNow + 61; }, "NOT_YET_VALID");
  suite.Everywhere("not before the future", [](Draft& d) { d.claims["nbf"] = kNow + 61; }, "NOT_YET_VALID");
  suite.Everywhere("lives too long", [](Draft& d) { d.claims["exp"] = kNow - 60 + 86'460; d.claims["iat"] = kNow - 60; if (d.claims.contains("permit")) d.claims["permit"]["until"] = kNow + 900'000; }, "LIFETIME_TOO_LONG");
  suite.Everywhere("ends before it begins", [](Draft& d) { d.claims["exp"] = d.claims["iat"].get<std::int64_t>() - 1; }, "TIMES_CONTRADICT");
  suite.Everywhere("ends when it begins", [](Draft& d) { d.claims["exp"] = d.claims["iat"]; }, "TIMES_CONTRADICT");
  for (const char* name : {"exp", "iat"}) {
    suite.Everywhere(std::string(name) + " is missing", [name](Draft& d) { d.claims.erase(name); }, "CLAIM_INVALID");
    for (const Json& value : {Json("1795335628"), Json(1795335628.0), Json(1.8e9), Json(-1), Json(true), Json(nullptr), Json::array({1795335628}), Json(18446744073709551615ULL), Json(253402300800)}) {
      suite.Everywhere(std::string(name) + " " + value.dump(), [&](Draft& d) { d.claims[name] = value; }, "CLAIM_INVALID");
    }
  }
  suite.Everywhere("nbf is text", [](Draft& d) { d.claims["nbf"] = "0"; }, "CLAIM_INVALID");
  suite.Visa("asserted in the future", [](Draft& d) { d.claims["ga4gh_visa_v1"]["asserted"] = kNow + 61; }, "ASSERTED_IN_FUTURE");
  suite.Visa("asserted after issue", [](Draft& d) { d.claims["iat"] = kNow - 600; d.claims["ga4gh_visa_v1"]["asserted"] = kNow - 500; }, "ASSERTED_IN_FUTURE");
  suite.Visa("asserted years ago", [](Draft& d) { d.claims["ga4gh_visa_v1"]["asserted"] = kNow - 31'622'401; }, "ASSERTED_TOO_LONG_AGO");
  suite.Visa("asserted is missing", [](Draft& d) { d.claims["ga4gh_visa_v1"].erase("asserted"); }, "CLAIM_INVALID");
  suite.Visa("asserted is text", [](Draft& d) { d.claims["ga4gh_visa_v1"]["asserted"] = "yesterday"; }, "CLAIM_INVALID");
  suite.Approval("outlives the permit", [](Draft& d) { d.claims["permit"]["until"] = kNow + 3599; }, "OUTLIVES_PERMIT");
  suite.Approval("permit ended", [](Draft& d) { d.claims["permit"]["until"] = d.claims["exp"] = kNow; }, "PERMIT_EXPIRED");
  suite.Approval("permit not begun", [](Draft& d) { d.claims["permit"]["from"] = kNow + 61; }, "PERMIT_NOT_STARTED");
  suite.Approval("permit ends before it begins", [](Draft& d) { d.claims["permit"]["from"] = d.claims["permit"]["until"]; }, "TIMES_CONTRADICT");
  suite.Approval("nbf is missing", [](Draft& d) { d.claims.erase("nbf"); }, "CLAIM_INVALID");
}

void AddRevocation(Suite& suite) {
  suite.Everywhere("revoked", [](Draft& d) { d.claims["jti"] = "urn:grant:revoked:1"; }, "TOKEN_REVOKED");
  suite.Everywhere("revoked person", [](Draft& d) { d.claims["sub"] = "mallory@aai.example"; }, "USER_REVOKED");
  suite.Approval("revoked application", [](Draft& d) { d.claims["application"] = "APP-1999"; }, "APPLICATION_REVOKED");
  suite.Visa("revoked dataset", [](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = "https://data.1mg.example/datasets/GDI-FI-DATASET-666"; }, "DATASET_REVOKED");
}

void AddIssuerRights(Suite& suite, const World& world) {
  const auto by = [](const ForgeKey& key, const char* iss, const char* jku) {
    return [&key, iss, jku](Draft& d) {
      d.key = &key;
      d.header["alg"] = "ES256";
      d.header["kid"] = key.kid();
      if (d.header.contains("jku")) d.header["jku"] = jku;
      d.claims["iss"] = iss;
    };
  };
  const auto hub = by(world.hub, "https://hub.1mg.example", "https://hub.1mg.example/jwks.json");
  const auto central = by(world.central, "https://central-dac.1mg.example", "https://central-dac.1mg.example/jwks.json");
  const auto uni = by(world.uni, "https://idp.uni.example", "https://idp.uni.example/jwks.json");
  const auto aai = by(world.aai, "https://login.aai.example/oidc/", "https://login.aai.example/oidc/jwk");
  const auto fi = by(world.fi, kFi, "https://dac.fi.example/jwks.json");
  suite.Everywhere("signed by the hub", hub, "ROLE_MISMATCH");
  suite.Everywhere("signed by the central committee", central, "ROLE_MISMATCH");
  suite.Everywhere("signed by a university", uni, "ROLE_MISMATCH");
  suite.Visa("signed by the login service", aai, "ROLE_MISMATCH");
  suite.Approval("signed by the login service", aai, "ROLE_MISMATCH");
  suite.Passport("signed by the committee", fi, "ROLE_MISMATCH");
  suite.Bent("signed by the committee", TokenKind::kAccessToken, GoodAccessToken(world), fi, "ROLE_MISMATCH");
  const auto se = by(world.se, "https://dac.se.example", "https://dac.se.example/jwks.json");
  suite.Approval("signed by the neighbour", se, "COUNTRY_MISMATCH");
  suite.Approval("signed by the neighbour as its own", [&](Draft& d) { se(d); d.claims["country"] = "SE"; }, "DATASET_NOT_PERMITTED");
  suite.Visa("signed by the neighbour", [&](Draft& d) { se(d); d.claims["ga4gh_visa_v1"]["source"] = "https://dac.se.example/dac/1"; }, "DATASET_NOT_PERMITTED");
  suite.Visa("source of the neighbour", [](Draft& d) { d.claims["ga4gh_visa_v1"]["source"] = "https://dac.se.example/dac/1"; }, "SOURCE_NOT_PERMITTED");
  suite.Visa("source like the listed one", [](Draft& d) { d.claims["ga4gh_visa_v1"]["source"] = "https://dac.fi.example/dac/1/"; }, "SOURCE_NOT_PERMITTED");
  suite.Visa("role of another visa type", [](Draft& d) { d.claims["ga4gh_visa_v1"]["type"] = "LinkedIdentities"; }, "ROLE_MISMATCH");
  suite.Visa("unknown type", [](Draft& d) { d.claims["ga4gh_visa_v1"]["type"] = "controlledaccessgrants"; }, "ROLE_MISMATCH");
  for (const char* dataset : {"https://data.1mg.example/datasets/GDI-SE-DATASET-001", "https://data.1mg.example/datasets/*", "https://data.1mg.example/datasets/GDI-FI-DATASET-001/../GDI-SE-DATASET-1", "https://data.1mg.example/datasets/GDI-FI-DATASET-"}) {
    suite.Visa("dataset " + std::string(dataset), [dataset](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = dataset; }, "DATASET_NOT_PERMITTED");
    suite.Approval("and dataset " + std::string(dataset), [dataset](Draft& d) { d.claims["datasets"].push_back(dataset); }, "DATASET_NOT_PERMITTED");
  }
  suite.Approval("country of the neighbour", [](Draft& d) { d.claims["country"] = "SE"; }, "COUNTRY_MISMATCH");
  for (const Json& value : {Json("FIN"), Json("F1"), Json(""), Json(358), Json(nullptr)}) {
    suite.Approval("country " + value.dump(), [&](Draft& d) { d.claims["country"] = value; }, "CLAIM_INVALID");
  }
  for (const char* authority : {"self", "peer", "system", "so", "DAC", "nobody"}) {
    suite.Visa("by " + std::string(authority), [authority](Draft& d) { d.claims["ga4gh_visa_v1"]["by"] = authority; }, "AUTHORITY_INVALID");
  }
  suite.Visa("by is missing", [](Draft& d) { d.claims["ga4gh_visa_v1"].erase("by"); }, "AUTHORITY_INVALID");
  suite.Visa("by is a number", [](Draft& d) { d.claims["ga4gh_visa_v1"]["by"] = 1; }, "CLAIM_INVALID");
  const auto terms = [](const char* value, const char* authority) {
    return [value, authority](Draft& d) {
      d.claims["ga4gh_visa_v1"]["type"] = "AcceptedTermsAndPolicies";
      d.claims["ga4gh_visa_v1"]["value"] = value;
      d.claims["ga4gh_visa_v1"].erase("by");
      if (authority != nullptr) d.claims["ga4gh_visa_v1"]["by"] = authority;
    };
  };
  suite.Visa("terms without by", terms("https://doi.org/10.1038/s41431-018-0219-y", nullptr), "AUTHORITY_INVALID");
  suite.Visa("terms that are no URL", terms("read and accepted", "self"), "VALUE_INVALID");
  const auto affiliation = [](const char* value) { return [value](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = value; }; };
  for (const char* value : {"faculty", "@uni.example", "faculty@"}) {
    suite.Bent("affiliation " + std::string(value), TokenKind::kVisa, Affiliation(world), affiliation(value), "VALUE_INVALID");
  }
  suite.Bent("affiliation without source", TokenKind::kVisa, Affiliation(world), [](Draft& d) { d.claims["ga4gh_visa_v1"].erase("source"); }, "CLAIM_INVALID");
  suite.Bent("affiliation with source that is no URL", TokenKind::kVisa, Affiliation(world), [](Draft& d) { d.claims["ga4gh_visa_v1"]["source"] = "the university"; }, "SOURCE_INVALID");
  suite.Visa("value over 255 bytes", [](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = "https://data.1mg.example/datasets/GDI-FI-DATASET-" + std::string(220, '1'); }, "CLAIM_INVALID");
}

void AddPersonAndAudience(Suite& suite, const World& world) {
  for (const char* subject : {"bob@aai.example", "Alice@aai.example", "alice@aai.example ", "alice@AAI.example", "alice", "*", "alice@aai.example\xE2\x80\x8B"}) {
    suite.Visa("sub " + std::string(subject), [subject](Draft& d) { d.claims["sub"] = subject; }, "SUBJECT_MISMATCH");
    suite.Approval("sub " + std::string(subject), [subject](Draft& d) { d.claims["sub"] = subject; }, "SUBJECT_MISMATCH");
    suite.Passport("sub " + std::string(subject), [subject](Draft& d) { d.claims["sub"] = subject; }, "SUBJECT_MISMATCH");
  }
  suite.Everywhere("sub is missing", [](Draft& d) { d.claims.erase("sub"); }, "CLAIM_INVALID");
  for (const Json& value : {Json(""), Json(7), Json::array({"alice@aai.example"}), Json(nullptr), Json(std::string("alice@aai.example\0", 18)), Json(std::string(256, 'a'))}) {
    suite.Everywhere("sub " + value.dump(), [&](Draft& d) { d.claims["sub"] = value; }, "CLAIM_INVALID");
  }
  const auto namespace_of_another = [&](Draft& d) {
    d.key = &world.uni2;
    d.header["kid"] = "uni2-1";
    d.header["jku"] = "https://idp2.uni.example/jwks.json";
    d.claims["iss"] = "https://idp2.uni.example";
  };
  suite.Bent("the same name elsewhere", TokenKind::kVisa, Affiliation(world), namespace_of_another, "SUBJECT_MISMATCH");
  for (const char* audience : {"https://node.se.example", "https://node.fi.example/", "https://NODE.fi.example", "http://node.fi.example", "*", "https://node.fi.example,https://node.se.example"}) {
    suite.Everywhere("aud " + std::string(audience), [audience](Draft& d) { d.claims["aud"] = audience; }, "AUDIENCE_MISMATCH");
  }
  suite.Passport("aud is missing", [](Draft& d) { d.claims.erase("aud"); }, "CLAIM_INVALID");
  suite.Approval("aud is missing", [](Draft& d) { d.claims.erase("aud"); }, "CLAIM_INVALID");
  suite.Approval("two audiences", [](Draft& d) { d.claims["aud"] = {kNode, "https://node.se.example"}; }, "AUDIENCE_NOT_SINGLE");
  suite.Everywhere("aud is empty", [](Draft& d) { d.claims["aud"] = Json::array(); }, "CLAIM_INVALID");
  suite.Everywhere("aud is a number", [](Draft& d) { d.claims["aud"] = 1; }, "CLAIM_INVALID");
  suite.Visa("another dataset of the country", [](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = "https://data.1mg.example/datasets/GDI-FI-DATASET-002"; }, "DATASET_MISMATCH");
  suite.Visa("dataset with a zero more", [](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = "https://data.1mg.example/datasets/GDI-FI-DATASET-0010"; }, "DATASET_MISMATCH");
  suite.Visa("jti is missing", [](Draft& d) { d.claims.erase("jti"); }, "CLAIM_INVALID");
  suite.Approval("jti is missing", [](Draft& d) { d.claims.erase("jti"); }, "CLAIM_INVALID");
  suite.Everywhere("jti is a number", [](Draft& d) { d.claims["jti"] = 5; }, "CLAIM_INVALID");
}

void AddKinds(Suite& suite, const World& world) {
  const std::pair<TokenKind, std::string> tokens[] = {{TokenKind::kVisa, GoodVisa(world, world.fi).Sign()},
                                                      {TokenKind::kPassport, GoodPassport(world, {GoodVisa(world, world.fi).Sign()}).Sign()},
                                                      {TokenKind::kApproval, GoodApproval(world, world.fi).Sign()},
                                                      {TokenKind::kAccessToken, GoodAccessToken(world).Sign()}};
  for (const auto& [is, token] : tokens) {
    for (const auto& [taken_for, other] : tokens) {
      if (is == taken_for) continue;
      suite.Add(std::string(TokenKindName(is)) + " for " + std::string(TokenKindName(taken_for)), taken_for, token, "TYPE_MISMATCH");
    }
  }
  suite.Visa("with a passport in it", [](Draft& d) { d.claims["ga4gh_passport_v1"] = Json::array(); }, "KIND_MIXED");
  suite.Visa("with an approval in it", [](Draft& d) { d.claims["application_sha256"] = kDigest; }, "KIND_MIXED");
  suite.Approval("with a visa in it", [](Draft& d) { d.claims["ga4gh_visa_v1"] = Json::object(); }, "KIND_MIXED");
  suite.Passport("with a visa in it", [](Draft& d) { d.claims["ga4gh_visa_v1"] = Json::object(); }, "KIND_MIXED");
  suite.Bent("with a passport in it", TokenKind::kAccessToken, GoodAccessToken(world), [](Draft& d) { d.claims["ga4gh_passport_v1"] = Json::array(); }, "KIND_MIXED");
  suite.Bent("bound to a key and more", TokenKind::kAccessToken, GoodAccessToken(world), [](Draft& d) { d.claims["cnf"] = {{"jkt", "x"}, {"x5t#S256", "y"}}; }, "CONFIRMATION_UNKNOWN");
  suite.Bent("bound to what is not understood", TokenKind::kAccessToken, GoodAccessToken(world), [](Draft& d) { d.claims["cnf"] = {{"x5t#S256", "y"}}; }, "CLAIM_INVALID");
  suite.Visa("scope openid", [](Draft& d) { d.claims["scope"] = "openid"; }, "SCOPE_REFUSED");
  suite.Visa("scope with openid", [](Draft& d) { d.claims["scope"] = "profile openid email"; }, "SCOPE_REFUSED");
  suite.Visa("scope is a list", [](Draft& d) { d.claims["scope"] = {"openid"}; }, "SCOPE_REFUSED");
  for (const Json& value : {Json(nullptr), Json("x"), Json::array(), Json(7)}) {
    suite.Visa("visa object " + value.dump(), [&](Draft& d) { d.claims["ga4gh_visa_v1"] = value; }, "CLAIM_INVALID");
  }
  suite.Visa("no visa object", [](Draft& d) { d.claims.erase("ga4gh_visa_v1"); }, "CLAIM_INVALID");
  for (const char* member : {"type", "value", "source"}) {
    suite.Visa(std::string(member) + " is missing", [member](Draft& d) { d.claims["ga4gh_visa_v1"].erase(member); }, "CLAIM_INVALID");
    suite.Visa(std::string(member) + " is a list", [member](Draft& d) { d.claims["ga4gh_visa_v1"][member] = {"x"}; }, "CLAIM_INVALID");
    suite.Visa(std::string(member) + " is empty", [member](Draft& d) { d.claims["ga4gh_visa_v1"][member] = ""; }, "CLAIM_INVALID");
  }
}

void AddApprovals(Suite& suite) {
  for (const Json& value : {Json("veto"), Json("approved"), Json("Approve"), Json("approve-with-conditions")}) {
    suite.Approval("decision " + value.dump(), [&](Draft& d) { d.claims["decision"] = value; }, "DECISION_NOT_APPROVE");
  }
  suite.Approval("decision is true", [](Draft& d) { d.claims["decision"] = true; }, "CLAIM_INVALID");
  for (const char* application : {"APP-2032", "app-2031", "APP-2031 ", "APP-203"}) {
    suite.Approval("application " + std::string(application), [application](Draft& d) { d.claims["application"] = application; }, "APPLICATION_MISMATCH");
  }
  suite.Approval("digest of another version", [](Draft& d) { d.claims["application_sha256"] = std::string(64, 'c'); }, "DIGEST_MISMATCH");
  for (const Json& value : {Json(std::string(64, 'A')), Json(std::string(63, 'a')), Json(""), Json(nullptr), Json(std::string(64, 'g'))}) {
    suite.Approval("digest " + value.dump(), [&](Draft& d) { d.claims["application_sha256"] = value; }, "CLAIM_INVALID");
    suite.Approval("agreement " + value.dump(), [&](Draft& d) { d.claims["dua_sha256"] = value; }, "CLAIM_INVALID");
  }
  suite.Approval("no agreement", [](Draft& d) { d.claims.erase("dua_sha256"); }, "CLAIM_INVALID");
  suite.Approval("other dataset", [](Draft& d) { d.claims["datasets"] = {"https://data.1mg.example/datasets/GDI-FI-DATASET-002"}; }, "DATASET_MISMATCH");
  for (const Json& value : {Json::array(), Json(kDataset), Json(nullptr), Json::array({7}), Json::object()}) {
    suite.Approval("datasets " + value.dump(), [&](Draft& d) { d.claims["datasets"] = value; }, "CLAIM_INVALID");
  }
  for (const char* member : {"id", "from", "until"}) {
    suite.Approval("permit without " + std::string(member), [member](Draft& d) { d.claims["permit"].erase(member); }, "CLAIM_INVALID");
    suite.Approval("permit with empty " + std::string(member), [member](Draft& d) { d.claims["permit"][member] = ""; }, "CLAIM_INVALID");
  }
  suite.Approval("permit is missing", [](Draft& d) { d.claims.erase("permit"); }, "CLAIM_INVALID");
  suite.Approval("permit is text", [](Draft& d) { d.claims["permit"] = "P-1"; }, "CLAIM_INVALID");
  suite.Approval("not bound", [](Draft& d) { d.claims.erase("cnf"); }, "CERTIFICATE_UNBOUND");
  suite.Approval("bound to another certificate", [](Draft& d) { d.claims["cnf"]["x5t#S256"] = "AAAAL35OnLTp4BthEh6cNKKINGYH2KsKyiXQBhpUw7Y"; }, "CERTIFICATE_MISMATCH");
  suite.Approval("bound to half the certificate", [](Draft& d) { d.claims["cnf"]["x5t#S256"] = "44mEL35OnLTp4BthEh6c"; }, "CERTIFICATE_MISMATCH");
  suite.Approval("bound to a key as well", [](Draft& d) { d.claims["cnf"]["jkt"] = "x"; }, "CONFIRMATION_UNKNOWN");
  for (const Json& value : {Json(nullptr), Json("x"), Json::object(), Json{{"jkt", "x"}}, Json{{"x5t#S256", 5}}, Json{{"x5t#S256", ""}}}) {
    suite.Approval("cnf " + value.dump(), [&](Draft& d) { d.claims["cnf"] = value; }, "CLAIM_INVALID");
  }
}

std::string Conditional(const World& world, const Json& conditions) {
  Draft visa = GoodVisa(world, world.fi);
  visa.claims["ga4gh_visa_v1"]["conditions"] = conditions;
  return visa.Sign();
}

std::string BentVisa(Draft draft, const Bend& bend) {
  bend(draft);
  return draft.Sign();
}

Draft Link(const World& world, const std::string& value) {
  return {{{"typ", "vnd.ga4gh.visa+jwt"}, {"alg", "ES256"}, {"kid", "aai-1"}, {"jku", "https://login.aai.example/oidc/jwk"}},
          {{"iss", "https://login.aai.example/oidc/"}, {"sub", "alice@aai.example"}, {"jti", "urn:link:1"}, {"iat", kNow - 60}, {"exp", kNow + 900},
           {"ga4gh_visa_v1", {{"type", "LinkedIdentities"}, {"asserted", kNow - 100}, {"value", value}, {"source", "https://login.aai.example/oidc"}, {"by", "system"}}}},
          &world.aai};
}

Draft LinkedAffiliation(const World& world) {
  Draft draft = Affiliation(world);
  draft.key = &world.uni2;
  draft.header["kid"] = "uni2-1";
  draft.header["jku"] = "https://idp2.uni.example/jwks.json";
  draft.claims["iss"] = "https://idp2.uni.example";
  draft.claims["sub"] = "u567";
  return draft;
}

void AddPassports(Suite& suite, const World& world) {
  const std::string grant = GoodVisa(world, world.fi).Sign();
  const std::string faculty = Affiliation(world).Sign();
  suite.Passport("no visas claim", [](Draft& d) { d.claims.erase("ga4gh_passport_v1"); }, "CLAIM_INVALID");
  for (const Json& value : {Json("x"), Json::object(), Json(nullptr), Json::array({7}), Json::array({grant, nullptr})}) {
    suite.Passport("visas " + value.dump().substr(0, 20), [&](Draft& d) { d.claims["ga4gh_passport_v1"] = value; }, "CLAIM_INVALID");
  }
  suite.Holding("nothing", {}, "GRANT_MISSING");
  suite.Holding("too much", std::vector<std::string>(9, grant), "TOO_MANY_VISAS");
  suite.Holding("another visa only", {faculty}, "GRANT_MISSING");
  suite.Holding("a passport", {GoodPassport(world, {grant}).Sign()}, "TYPE_MISMATCH");
  suite.Holding("an approval", {GoodApproval(world, world.fi).Sign()}, "TYPE_MISMATCH");
  suite.Holding("a forged grant", {BentVisa(GoodVisa(world, world.fi), [&](Draft& d) { d.key = &world.stranger; })}, "SIGNATURE_INVALID");
  suite.Holding("an expired grant", {BentVisa(GoodVisa(world, world.fi), [](Draft& d) { d.claims["iat"] = kNow - 700; d.claims["exp"] = kNow - 100; })}, "EXPIRED");
  suite.Holding("a revoked grant", {BentVisa(GoodVisa(world, world.fi), [](Draft& d) { d.claims["jti"] = "urn:grant:revoked:1"; })}, "TOKEN_REVOKED");
  suite.Holding("somebody else's grant", {BentVisa(GoodVisa(world, world.fi), [](Draft& d) { d.claims["sub"] = "bob@aai.example"; })}, "SUBJECT_MISMATCH");
  suite.Holding("a grant of another dataset", {BentVisa(GoodVisa(world, world.fi), [](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = "https://data.1mg.example/datasets/GDI-FI-DATASET-002"; })}, "GRANT_MISSING");

  const auto clause = [](Json fields) { return Json::array({Json::array({std::move(fields)})}); };
  const Json met = {{"type", "AffiliationAndRole"}, {"value", "const:faculty@uni.example"}};
  suite.Add("conditions/visa alone", TokenKind::kVisa, Conditional(world, clause(met)), "CONDITIONS_UNMET");
  suite.Holding("conditions without the other visa", {Conditional(world, clause(met))}, "CONDITIONS_UNMET");
  const std::pair<const char*, Json> unmet[] = {
      {"value differs", {{"type", "AffiliationAndRole"}, {"value", "const:student@uni.example"}}},
      {"by differs", {{"type", "AffiliationAndRole"}, {"value", "const:faculty@uni.example"}, {"by", "const:dac"}}},
      {"source differs", {{"type", "AffiliationAndRole"}, {"source", "const:https://other.example"}}},
      {"type differs", {{"type", "ResearcherStatus"}, {"value", "pattern:*"}}},
      {"type with a prefix", {{"type", "const:AffiliationAndRole"}, {"value", "pattern:*"}}},
      {"case differs", {{"type", "AffiliationAndRole"}, {"value", "const:Faculty@uni.example"}}},
      {"pattern without star", {{"type", "AffiliationAndRole"}, {"value", "pattern:faculty"}}},
      {"pattern one short", {{"type", "AffiliationAndRole"}, {"value", "pattern:?aculty@uni.exampl"}}},
      {"prefix unknown", {{"type", "AffiliationAndRole"}, {"value", "regex:.*"}}},
      {"prefix missing", {{"type", "AffiliationAndRole"}, {"value", "faculty@uni.example"}}},
      {"star in a constant", {{"type", "AffiliationAndRole"}, {"value", "const:faculty@*"}}}};
  for (const auto& [name, fields] : unmet) suite.Holding("conditions: " + std::string(name), {Conditional(world, clause(fields)), faculty}, "CONDITIONS_UNMET");
  const std::pair<const char*, Json> invalid[] = {
      {"null", nullptr}, {"empty", Json::array()}, {"empty branch", Json::array({Json::array()})}, {"flat", Json::array({met})}, {"text", "x"},
      {"no type", clause({{"value", "const:x"}, {"by", "const:so"}})}, {"type alone", clause({{"type", "AffiliationAndRole"}})},
      {"nested", clause({{"type", "AffiliationAndRole"}, {"value", "pattern:*"}, {"conditions", Json::array()}})},
      {"asserted", clause({{"type", "AffiliationAndRole"}, {"asserted", "const:1"}})}, {"unknown field", clause({{"type", "AffiliationAndRole"}, {"x", "const:1"}})},
      {"number", clause({{"type", "AffiliationAndRole"}, {"value", 7}})}, {"many branches", Json(17, Json::array({met}))}};
  for (const auto& [name, conditions] : invalid) suite.Holding("conditions " + std::string(name), {Conditional(world, conditions), faculty}, "CONDITIONS_INVALID");
  suite.Holding("conditions met by a conditional visa", {Conditional(world, clause(met)), BentVisa(Affiliation(world), [&](Draft& d) { d.claims["ga4gh_visa_v1"]["conditions"] = clause(met); })}, "CONDITIONS_UNMET");
  suite.Holding("conditions met by somebody else's visa", {Conditional(world, clause(met)), BentVisa(Affiliation(world), [](Draft& d) { d.claims["sub"] = "bob@aai.example"; })}, "CONDITIONS_UNMET");
  suite.Holding("two clauses, one met", {Conditional(world, Json::array({Json::array({met, Json{{"type", "ResearcherStatus"}, {"value", "pattern:*"}}})})), faculty}, "CONDITIONS_UNMET");
  suite.Holding("one clause met by two visas together",
                {Conditional(world, clause({{"type", "AffiliationAndRole"}, {"value", "const:faculty@uni.example"}, {"by", "const:system"}})), faculty,
                 BentVisa(Affiliation(world), [](Draft& d) { d.claims["ga4gh_visa_v1"]["value"] = "student@uni.example"; d.claims["ga4gh_visa_v1"]["by"] = "system"; })},
                "CONDITIONS_UNMET");

  const std::string conditional = Conditional(world, clause(met));
  const std::string linked = LinkedAffiliation(world).Sign();
  const auto refused_link = [&](const std::string& name, const std::string& link) {
    suite.Holding("link: " + name, {conditional, linked, link}, "CONDITIONS_UNMET");
  };
  suite.Holding("link missing", {conditional, linked}, "CONDITIONS_UNMET");
  refused_link("of another name", Link(world, "u568,https%3A%2F%2Fidp2.uni.example").Sign());
  refused_link("of another issuer", Link(world, "u567,https%3A%2F%2Fidp3.uni.example").Sign());
  refused_link("from somebody else", BentVisa(Link(world, "u567,https%3A%2F%2Fidp2.uni.example"), [](Draft& d) { d.claims["sub"] = "bob@aai.example"; }));
  refused_link("with conditions", BentVisa(Link(world, "u567,https%3A%2F%2Fidp2.uni.example"), [&](Draft& d) { d.claims["ga4gh_visa_v1"]["conditions"] = clause(met); }));
  const auto broken_link = [&](const std::string& name, const std::string& link, const char*) {
    suite.Holding("link: " + name, {conditional, linked, link}, "CONDITIONS_UNMET");
  };
  broken_link("expired", BentVisa(Link(world, "u567,https%3A%2F%2Fidp2.uni.example"), [](Draft& d) { d.claims["iat"] = kNow - 700; d.claims["exp"] = kNow - 100; }), "");
  broken_link("by an issuer that links nobody", BentVisa(Link(world, "u567,https%3A%2F%2Fidp2.uni.example"), [&](Draft& d) {
                d.key = &world.uni;
                d.header["kid"] = "uni-1";
                d.header["jku"] = "https://idp.uni.example/jwks.json";
                d.claims["iss"] = "https://idp.uni.example";
              }), "");
  broken_link("not encoded", Link(world, "u567,https://idp2.uni.example,x").Sign(), "");
  broken_link("half an escape", Link(world, "u567,https%3A%2F%2Fidp2.uni.example%2").Sign(), "");
  broken_link("wild", Link(world, "*,*").Sign(), "");
}

}  // namespace

std::vector<TokenCase> GoodTokens(const World& world) {
  Suite suite(world);
  const Bend as_it_is = [](Draft&) {};
  suite.Visa("good", as_it_is, "");
  suite.Approval("good", as_it_is, "");
  suite.Passport("good", as_it_is, "");
  suite.Bent("good", TokenKind::kAccessToken, GoodAccessToken(world), as_it_is, "");
  suite.Visa("typ JWT", [](Draft& d) { d.header["typ"] = "JWT"; }, "");
  suite.Visa("typ is missing", [](Draft& d) { d.header.erase("typ"); }, "");
  suite.Visa("typ with application/", [](Draft& d) { d.header["typ"] = "application/vnd.ga4gh.visa+jwt"; }, "");
  suite.Visa("more claims", [](Draft& d) { d.claims["x"] = {{"a", {1, nullptr, "\xC3\xA9"}}}; }, "");
  suite.Visa("more in the visa", [](Draft& d) { d.claims["ga4gh_visa_v1"]["x"] = 1; }, "");
  suite.Visa("header that means nothing", [](Draft& d) { d.header["x-note"] = "hello"; }, "");
  suite.Visa("expired within the skew", [](Draft& d) { d.claims["exp"] = kNow - 59; d.claims["iat"] = kNow - 600; }, "");
  suite.Visa("issued within the skew", [](Draft& d) { d.claims["iat"] = kNow + 60; }, "");
  suite.Visa("aud of this site", [](Draft& d) { d.claims["aud"] = {"https://node.se.example", kNode}; }, "");
  suite.Visa("scope without openid", [](Draft& d) { d.claims["scope"] = "profile"; }, "");
  suite.Visa("custom type", [](Draft& d) { d.claims["ga4gh_visa_v1"]["type"] = "https://example.org/custom"; }, "");
  suite.Visa("terms by self", [](Draft& d) { d.claims["ga4gh_visa_v1"]["type"] = "AcceptedTermsAndPolicies"; d.claims["ga4gh_visa_v1"]["by"] = "self"; }, "");
  suite.Approval("one audience in a list", [](Draft& d) { d.claims["aud"] = {kNode}; }, "");
  suite.Approval("registered jku", [](Draft& d) { d.header["jku"] = "https://dac.fi.example/jwks.json"; }, "");
  suite.Approval("country in lower case", [](Draft& d) { d.claims["country"] = "fi"; }, "");
  suite.Passport("several audiences", [](Draft& d) { d.claims["aud"] = {"other", kNode}; }, "");
  suite.Passport("without jti", [](Draft& d) { d.claims.erase("jti"); }, "");
  suite.Bent("affiliation", TokenKind::kVisa, Affiliation(world), as_it_is, "");
  suite.Raw("whitespace", [](auto&, auto& p) { p = "\n " + p + " \t"; }, "");
  suite.Raw("escaped slashes", [](auto&, auto& p) { p = Replace(p, "https://data", "https:\\/\\/data"); }, "");
  suite.Raw("16 deep", [](auto&, auto& p) { p.insert(1, "\"x\":" + std::string(15, '[') + std::string(15, ']') + ","); }, "");

  const std::string grant = GoodVisa(world, world.fi).Sign(), faculty = Affiliation(world).Sign(), linked = LinkedAffiliation(world).Sign();
  const auto clause = [](Json fields) { return Json::array({Json::array({std::move(fields)})}); };
  suite.Holding("good beside bad", {faculty, "garbage", GoodApproval(world, world.fi).Sign(), grant}, "");
  suite.Holding("grant by RSA", {GoodVisa(world, world.fi_rsa).Sign()}, "");
  const std::pair<const char*, Json> met[] = {
      {"const", {{"type", "AffiliationAndRole"}, {"value", "const:faculty@uni.example"}, {"by", "const:so"}}},
      {"pattern", {{"type", "AffiliationAndRole"}, {"value", "pattern:fac*@uni.exampl?"}}},
      {"pattern of stars", {{"type", "AffiliationAndRole"}, {"value", "pattern:**f*y@*"}}},
      {"split pattern of one", {{"type", "AffiliationAndRole"}, {"value", "split_pattern:faculty@*"}}}};
  for (const auto& [name, fields] : met) suite.Holding("conditions met: " + std::string(name), {Conditional(world, clause(fields)), faculty}, "");
  suite.Holding("second branch met", {Conditional(world, Json::array({Json::array({Json{{"type", "ResearcherStatus"}, {"value", "const:nope"}}}), Json::array({met[0].second})})), faculty}, "");
  const std::string link = Link(world, "u1,https%3A%2F%2Fx.example;u567,https%3A%2F%2Fidp2.uni.example").Sign();
  suite.Holding("linked", {Conditional(world, clause(met[0].second)), linked, link}, "");
  suite.Holding("conditions on the link itself", {Conditional(world, clause({{"type", "LinkedIdentities"}, {"value", "split_pattern:u567,https*idp?.uni.example"}})), link}, "");
  return suite.Take();
}

std::vector<TokenCase> Attacks(const World& world) {
  Suite suite(world);
  AddStructure(suite, world);
  AddJson(suite);
  AddHeader(suite, world);
  AddIssuerAndAddress(suite, world);
  AddSignature(suite, world);
  AddTimes(suite);
  AddRevocation(suite);
  AddIssuerRights(suite, world);
  AddPersonAndAudience(suite, world);
  AddKinds(suite, world);
  AddApprovals(suite);
  AddPassports(suite, world);
  return suite.Take();
}

}  // namespace genofed::auth
