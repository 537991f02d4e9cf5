// SPDX-License-Identifier: Apache-2.0
//
// DRS 1.5 at the gateway.
#include "services/gateway/adapters/data_access_test_support.h"

namespace genofed::gateway {
namespace {

using http::Method;
using nlohmann::json;

const json kGood = {{"passports", json::array({"good"})}};
const std::vector<std::pair<std::string, std::string>> kAccess = {{"Genofed-Access", "acc-1"}};

TEST_F(DataAccessTest, HoldersSeeBodiesAndNoWayToGetThem) {
  node_.holder = true;
  const json found = BodyOf(Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1"));
  EXPECT_EQ(found["id"], "obj-1");
  EXPECT_EQ(found["self_uri"], "drs://fi.example:8443/obj-1");
  EXPECT_EQ(found["size"], node_.body.size());
  EXPECT_EQ(found["checksums"],
            json::array({{{"type", "sha-256"}, {"checksum", std::string(64, 'a')}}}));
  EXPECT_FALSE(found.contains("access_methods"));
  EXPECT_EQ(found.dump().find("onboarding/objects"), std::string::npos);
  node_.holder = false;
  EXPECT_EQ(Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1").status, 404);
  EXPECT_EQ(Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1", nullptr, {}, nullptr).status, 401);
}

TEST_F(DataAccessTest, APassportShowsTheAccessMethods) {
  const json found = BodyOf(Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1", kGood));
  EXPECT_EQ(found["size"], node_.body.size() + 124);
  ASSERT_EQ(found["access_methods"].size(), 2u);
  EXPECT_EQ(found["access_methods"][0]["access_id"], "crypt4gh");
  EXPECT_EQ(found["access_methods"][1]["type"], "htsget");
  node_.role = "phenotypes";
  EXPECT_EQ(
      BodyOf(Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1", kGood))["access_methods"].size(),
      1u);
  // The first that opens it, of several.
  EXPECT_EQ(
      Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1", {{"passports", {"bad", "good"}}}).status,
      200);
  const auto refused = Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1", {{"passports", {"bad"}}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(ReasonOf(refused), "PASSPORT_REFUSED");
  EXPECT_EQ(Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1", {{"passports", "good"}}).status,
            400);
  EXPECT_EQ(
      Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1", {{"passports", {"1", "2", "3", "4", "5"}}})
          .status,
      400);
}

TEST_F(DataAccessTest, ADatasetIsABundleOfItsObjects) {
  const json found = BodyOf(Send(Method::kPost, "/ga4gh/drs/v1/objects/GOE-FI-A-1", kGood));
  EXPECT_EQ(found["id"], "GOE-FI-A-1");
  EXPECT_EQ(found["contents"],
            json::array({{{"name", "genotypes.vcf.gz.c4gh"},
                          {"id", "obj-1"},
                          {"drs_uri", json::array({"drs://fi.example:8443/obj-1"})}}}));
  EXPECT_EQ(found["size"], node_.body.size() + 124);
  // printf 'aaaa...' (64 times) | sha256sum
  EXPECT_EQ(found["checksums"][0]["checksum"],
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

TEST_F(DataAccessTest, AnAccessIsOpenedByPostingAPassport) {
  const json url =
      BodyOf(Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1/access/crypt4gh", kGood));
  EXPECT_EQ(url, (json{{"url", "https://fi.example:8443/ga4gh/drs/v1/objects/obj-1/bytes"},
                       {"headers", json::array({"Genofed-Access: acc-1"})}}));
  EXPECT_EQ(BodyOf(Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1/access/htsget", kGood))["url"],
            "https://fi.example:8443/ga4gh/htsget/v1/variants/obj-1");
  EXPECT_EQ(Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1/access/s3", kGood).status, 404);
  EXPECT_EQ(ReasonOf(Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/access/crypt4gh")),
            "PASSPORT_MISSING");
  EXPECT_EQ(
      ReasonOf(Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1/access/crypt4gh", json::object())),
      "PASSPORT_MISSING");
  EXPECT_EQ(
      Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1/access/crypt4gh", kGood, {}, nullptr).status,
      401);
}

TEST_F(DataAccessTest, TheRecipientIsBase64OfAKeyOrAKeyFile) {
  const auto open = [this](const std::string& key) {
    return Send(Method::kPost, "/ga4gh/drs/v1/objects/obj-1/access/crypt4gh", kGood,
                {{"Htsget-Context-Public-Key", key}});
  };
  const std::string raw(32, 'k');
  EXPECT_EQ(open(Base64Encode(raw)).status, 200);
  EXPECT_EQ(node_.recipient, raw);
  const std::string file = "-----BEGIN CRYPT4GH PUBLIC KEY-----\n" +
                           Base64Encode(std::string(32, 'f')) +
                           "\n-----END CRYPT4GH PUBLIC KEY-----\n";
  EXPECT_EQ(open(Base64Encode(file)).status, 200);
  EXPECT_EQ(node_.recipient, std::string(32, 'f'));
  for (const std::string& bad : {std::string("%"), Base64Encode("short"),
                                 Base64Encode(std::string(33, 'k')), std::string()}) {
    EXPECT_EQ(ReasonOf(open(bad)), "RECIPIENT_INVALID") << bad;
  }
}

TEST_F(DataAccessTest, TheBytesAreACrypt4ghFileForTheReader) {
  const auto whole = Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr, kAccess);
  ASSERT_EQ(whole.status, 200);
  EXPECT_EQ(whole.headers.Get("Accept-Ranges"), "bytes");
  EXPECT_EQ(std::get<http::StreamBody>(whole.body).length, node_.body.size() + kReaderHeaderBytes);
  const std::string file = All(whole);
  EXPECT_TRUE(node_.Decrypt(file) == node_.plain);
  // What goes on later is the same file, byte by byte, under the same strong ETag.
  const auto again = Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr, kAccess);
  EXPECT_EQ(again.headers.Get("ETag"), whole.headers.Get("ETag"));
  EXPECT_TRUE(again.headers.Get("ETag").value_or("").starts_with("\""));
  for (const auto& [begin, end] :
       {std::pair(0, 10), std::pair(100, 200), std::pair(123, 124), std::pair(124, 70'000),
        std::pair(150'000, static_cast<int>(file.size()))}) {
    EXPECT_TRUE(Pull(again, static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end)) ==
                file.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)))
        << begin;
  }
}

TEST_F(DataAccessTest, BytesNeedAnAccess) {
  EXPECT_EQ(ReasonOf(Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes")), "ACCESS_MISSING");
  const auto unknown = Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr,
                            {{"Genofed-Access", "other"}});
  EXPECT_EQ(unknown.status, 403);
  EXPECT_EQ(ReasonOf(unknown), "ACCESS_UNKNOWN");
  EXPECT_EQ(
      Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr, kAccess, nullptr).status,
      401);
}

TEST_F(DataAccessTest, AStreamBreaksOffWhenItMayNotGoOn) {
  const auto whole = Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr, kAccess);
  EXPECT_EQ(Pull(whole, 0, 1000).size(), 1000u);
  node_.refuse = Error(StatusCode::kFailedPrecondition, "COHORT_CHANGED", "no");
  EXPECT_EQ(Pull(whole, 1000, 2000), "broken off: COHORT_CHANGED");
}

TEST_F(DataAccessTest, OnlySoManyFilesLeaveAtATime) {
  std::vector<http::Response> open;
  for (int i = 0; i < 4; ++i) {
    open.push_back(Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr, kAccess));
    ASSERT_EQ(open.back().status, 200);
  }
  const auto more = Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr, kAccess);
  EXPECT_EQ(more.status, 429);
  EXPECT_EQ(ReasonOf(more), "TOO_MANY_STREAMS");
  EXPECT_TRUE(more.headers.Has("Retry-After"));
  open.pop_back();
  EXPECT_EQ(Send(Method::kGet, "/ga4gh/drs/v1/objects/obj-1/bytes", nullptr, kAccess).status, 200);
}

TEST_F(DataAccessTest, BulkRequestsAnswerItemByItem) {
  const json found =
      BodyOf(Send(Method::kPost, "/ga4gh/drs/v1/objects",
                  {{"passports", {"good"}}, {"bulk_object_ids", {"obj-1", "obj-9"}}}));
  EXPECT_EQ(found["summary"], (json{{"requested", 2}, {"resolved", 1}, {"unresolved", 1}}));
  EXPECT_EQ(found["unresolved_drs_objects"],
            json::array({{{"error_code", 404}, {"object_ids", {"obj-9"}}}}));
  const json urls = BodyOf(Send(
      Method::kPost, "/ga4gh/drs/v1/objects/access",
      {{"passports", {"good"}},
       {"bulk_object_access_ids",
        json::array({{{"bulk_object_id", "obj-1"}, {"bulk_access_ids", {"crypt4gh", "s3"}}}})}}));
  EXPECT_EQ(urls["resolved_drs_object_access_urls"][0]["drs_access_id"], "crypt4gh");
  EXPECT_EQ(urls["summary"]["unresolved"], 1);
  json many = {{"bulk_object_ids", json::array()}};
  for (int i = 0; i < 21; ++i) many["bulk_object_ids"].push_back("obj-" + std::to_string(i));
  EXPECT_EQ(Send(Method::kPost, "/ga4gh/drs/v1/objects", many).status, 413);
  EXPECT_EQ(Send(Method::kOptions, "/ga4gh/drs/v1/objects", many).status, 413);
  EXPECT_EQ(Send(Method::kPost, "/ga4gh/drs/v1/objects", json::object()).status, 400);
  node_.refuse = Error(StatusCode::kUnavailable, "REVOCATIONS_STALE", "no");
  many["bulk_object_ids"] = {"obj-1"};
  EXPECT_EQ(Send(Method::kPost, "/ga4gh/drs/v1/objects", many).status, 503);
}

TEST_F(DataAccessTest, OptionsTellNobodyWhetherAnObjectExists) {
  const int before = node_.calls;
  const json one =
      BodyOf(Send(Method::kOptions, "/ga4gh/drs/v1/objects/obj-1", nullptr, {}, nullptr));
  const json none =
      BodyOf(Send(Method::kOptions, "/ga4gh/drs/v1/objects/obj-9", nullptr, {}, nullptr));
  EXPECT_EQ(one["supported_types"], json::array({"PassportAuth", "BearerAuth"}));
  EXPECT_EQ(one["passport_auth_issuers"], json::array({"https://dac.fi.example"}));
  EXPECT_EQ(none["supported_types"], one["supported_types"]);
  EXPECT_EQ(node_.calls, before);
}

TEST_F(DataAccessTest, EveryAnswerFitsTheOpenApiDocument) {
  if (const std::string missing = OpenApiSchemas::Missing(); !missing.empty())
    GTEST_SKIP() << missing;
  OpenApiSchemas schemas;
  const auto add = [&](const char* response, const http::Response& answer, int status) {
    EXPECT_EQ(answer.status, status) << response;
    schemas.Add(std::string("drs/openapi/components/responses/") + response +
                    "#/content/application~1json/schema",
                TextOf(answer));
  };
  const std::string base = "/ga4gh/drs/v1/objects";
  add("200ServiceInfo.yaml", Send(Method::kGet, "/ga4gh/drs/v1/service-info", nullptr, {}, nullptr),
      200);
  add("200OkDrsObject.yaml", Send(Method::kPost, base + "/obj-1", kGood), 200);
  add("200OkDrsObject.yaml", Send(Method::kPost, base + "/GOE-FI-A-1", kGood), 200);
  add("200OkAccess.yaml", Send(Method::kPost, base + "/obj-1/access/crypt4gh", kGood), 200);
  add("200OkAuthorizations.yaml", Send(Method::kOptions, base + "/obj-1"), 200);
  const json ids = {{"passports", {"good"}}, {"bulk_object_ids", {"obj-1", "obj-9"}}};
  add("200OkBulkAuthorizations.yaml", Send(Method::kOptions, base, ids), 200);
  add("200OkDrsObjects.yaml", Send(Method::kPost, base, ids), 200);
  add("200OkAccesses.yaml",
      Send(Method::kPost, base + "/access",
           {{"passports", {"good"}},
            {"bulk_object_access_ids",
             json::array({{{"bulk_object_id", "obj-1"}, {"bulk_access_ids", {"crypt4gh"}}}})}}),
      200);
  add("400BadRequest.yaml", Send(Method::kPost, base + "/obj-1", {{"passports", 1}}), 400);
  add("401Unauthorized.yaml", Send(Method::kGet, base + "/obj-1", nullptr, {}, nullptr), 401);
  add("403Forbidden.yaml", Send(Method::kPost, base + "/obj-1", {{"passports", {"bad"}}}), 403);
  add("404NotFoundAccess.yaml", Send(Method::kPost, base + "/obj-1/access/s3", kGood), 404);
  add("404NotFoundDrsObject.yaml", Send(Method::kGet, base + "/obj-1"), 404);
  node_.holder = true;
  add("200OkDrsObject.yaml", Send(Method::kGet, base + "/obj-1"), 200);
  EXPECT_EQ(schemas.Violations(), "");
  // The validator finds what is wrong.
  OpenApiSchemas wrong;
  wrong.Add("drs/openapi/components/schemas/DrsObject.yaml#", R"({"id": "x", "size": "1"})");
  EXPECT_NE(wrong.Violations(), "");
}

}  // namespace
}  // namespace genofed::gateway
