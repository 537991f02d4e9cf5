// SPDX-License-Identifier: Apache-2.0
//
// htsget 1.3 at the gateway: what may be asked, and that the blocks of a ticket make a file.
#include "services/gateway/adapters/data_access_test_support.h"
#include "services/gateway/adapters/htsget_request.h"

namespace genofed::gateway {
namespace {

using http::Method;
using nlohmann::json;

const std::vector<std::pair<std::string, std::string>> kAccess = {{"Genofed-Access", "acc-1"}};
constexpr char kVariants[] = "/ga4gh/htsget/v1/variants/obj-1";

class HtsgetTest : public DataAccessTest {
 protected:
  // Fetches the blocks of a ticket as a client does.
  std::string Join(const json& ticket) {
    std::string file;
    for (const json& block : ticket["htsget"]["urls"]) {
      const std::string url = block["url"];
      constexpr std::string_view kData = "data:application/octet-stream;base64,";
      if (url.starts_with(kData)) {
        file += *Base64Decode(std::string_view(url).substr(kData.size()));
        continue;
      }
      EXPECT_EQ(url, "https://fi.example:8443/ga4gh/htsget/v1/data/obj-1");
      const auto answer = Send(Method::kGet, "/ga4gh/htsget/v1/data/obj-1", nullptr,
                               {{"Genofed-Access", block["headers"]["Genofed-Access"]}});
      EXPECT_EQ(answer.status, 200);
      unsigned long first = 0, last = 0;
      EXPECT_EQ(std::sscanf(block["headers"]["Range"].get<std::string>().c_str(), "bytes=%lu-%lu",
                            &first, &last),
                2);
      file += Pull(answer, first, last + 1);
    }
    return file;
  }
  // Status and error type.
  std::pair<int, std::string> ErrorOf(const http::Response& response) {
    const json body = BodyOf(response);
    return {response.status, body.contains("htsget") && body["htsget"].contains("error")
                                 ? body["htsget"]["error"].get<std::string>()
                                 : "no error"};
  }
  auto GetError(const std::string& query) {
    return ErrorOf(Send(Method::kGet, kVariants + query, nullptr, kAccess));
  }
  auto PostError(const json& body) {
    return ErrorOf(Send(Method::kPost, kVariants, body, kAccess));
  }
};

TEST_F(HtsgetTest, TheBlocksOfARegionDecryptToItsBytesAndNoMore) {
  node_.planned = {{0, 500}, {66'000, 67'000}, {131'000, 132'000}, {199'972, 200'000}};
  const auto answer =
      Send(Method::kGet, std::string(kVariants) + "?format=VCF&referenceName=chr20&start=10&end=20",
           nullptr, kAccess);
  ASSERT_EQ(answer.status, 200) << TextOf(answer);
  EXPECT_EQ(answer.headers.Get("Content-Type"),
            "application/vnd.ga4gh.htsget.v1.3.0+json; charset=utf-8");
  EXPECT_EQ(node_.asked.regions(0).reference(), "chr20");
  EXPECT_EQ(node_.asked.regions(0).start(), 10);
  EXPECT_EQ(node_.asked.regions(0).end(), 20);
  std::string expected;
  for (const auto& [begin, end] : node_.planned) expected += node_.plain.substr(begin, end - begin);
  EXPECT_TRUE(node_.Decrypt(Join(BodyOf(answer))) == expected);
  // Segments that nobody asked for do not travel.
  node_.planned = {{0, 500}, {199'972, 200'000}};
  const std::string ends =
      Join(BodyOf(Send(Method::kGet, std::string(kVariants) + "?class=header", nullptr, kAccess)));
  EXPECT_LT(ends.size(), node_.body.size() * 2 / 3);
  EXPECT_TRUE(node_.Decrypt(ends) == node_.plain.substr(0, 500) + node_.plain.substr(199'972));
  EXPECT_EQ(node_.asked.regions_size(), 0);
}

TEST_F(HtsgetTest, WithoutARegionItIsTheWholeFile) {
  const auto answer = Send(Method::kGet, kVariants, nullptr, kAccess);
  ASSERT_EQ(answer.status, 200);
  EXPECT_TRUE(node_.Decrypt(Join(BodyOf(answer))) == node_.plain);
  const auto posted = Send(Method::kPost, kVariants, json::object(), kAccess);
  EXPECT_TRUE(Join(BodyOf(posted)) == Join(BodyOf(answer)));
  EXPECT_EQ(posted.status, 200);
}

TEST_F(HtsgetTest, APostTakesRegionsAndPassports) {
  node_.planned = {{0, 100}, {199'972, 200'000}};
  const json regions = json::array(
      {{{"referenceName", "chr20"}}, {{"referenceName", "chr20"}, {"start", 5}, {"end", 6}}});
  EXPECT_EQ(Send(Method::kPost, kVariants,
                 {{"regions", regions}, {"tags", json::array()}, {"format", "vcf"}}, kAccess)
                .status,
            200);
  ASSERT_EQ(node_.asked.regions_size(), 2);
  EXPECT_FALSE(node_.asked.regions(0).has_end());
  EXPECT_EQ(node_.asked.regions(1).end(), 6);
  EXPECT_EQ(Send(Method::kPost, kVariants, {{"regions", regions}, {"passports", {"good"}}}).status,
            200);
  EXPECT_EQ(PostError({{"passports", {"bad"}}}), std::pair(403, std::string("PermissionDenied")));
}

TEST_F(HtsgetTest, ErrorsAreThoseOfTheStandard) {
  const auto input = std::pair(400, std::string("InvalidInput"));
  const auto range = std::pair(400, std::string("InvalidRange"));
  const auto format = std::pair(400, std::string("UnsupportedFormat"));
  const auto missing = std::pair(404, std::string("NotFound"));
  for (const char* query :
       {"?class=body", "?class=header&referenceName=chr20", "?class=header&tags=AC", "?start=1",
        "?end=1", "?referenceName=*&start=1", "?referenceName=chr20&start=-1",
        "?referenceName=chr20&start=x", "?referenceName=chr20&end=4294967296",
        "?referenceName=chr20&referenceName=chr21", "?tags=AC,AN&notags=AN", "?colour=red",
        "?encryptionScheme=none"}) {
    EXPECT_EQ(GetError(query), input) << query;
  }
  EXPECT_EQ(GetError("?referenceName=chr20&start=20&end=10"), range);
  EXPECT_EQ(GetError("?format=BCF"), format);
  EXPECT_EQ(GetError("?format=BAM"), format);
  EXPECT_EQ(GetError("?referenceName=20"), missing);
  EXPECT_EQ(GetError("?referenceName=*"), missing);
  for (const json& body :
       {json{{"regions", json::array()}}, json{{"regions", "chr20"}},
        json{{"regions", {{{"start", 1}}}}}, json::array({1}),
        json{{"regions", json::array({{{"referenceName", "chr20"}, {"start", -1}}})}},
        json{{"regions", json::array({{{"referenceName", "chr20"}, {"start", 1.5}}})}},
        json{{"class", "header"}, {"regions", json::array({{{"referenceName", "chr20"}}})}},
        json{{"referenceName", "chr20"}}, json{{"tags", {"AC"}}, {"notags", {"AC"}}},
        json{{"format", 1}}}) {
    EXPECT_EQ(PostError(body), input) << body;
  }
  EXPECT_EQ(PostError({{"regions",
                        json::array({{{"referenceName", "chr20"}, {"start", 5}, {"end", 5}}})}}),
            range);
  EXPECT_EQ(PostError({{"format", "BCF"}}), format);
  EXPECT_EQ(
      ErrorOf(Send(Method::kPost, std::string(kVariants) + "?format=VCF", json::object(), kAccess)),
      input);
  json many = json::array();
  for (int i = 0; i < 101; ++i) many.push_back({{"referenceName", "chr20"}});
  EXPECT_EQ(PostError({{"regions", many}}), input);
  EXPECT_EQ(ErrorOf(Send(Method::kGet, kVariants, nullptr, kAccess, nullptr)),
            std::pair(401, std::string("InvalidAuthentication")));
  EXPECT_EQ(ErrorOf(Send(Method::kGet, kVariants)),
            std::pair(403, std::string("PermissionDenied")));
  EXPECT_EQ(ErrorOf(Send(Method::kGet, "/ga4gh/htsget/v1/reads/obj-1", nullptr, kAccess)), missing);
  EXPECT_EQ(ErrorOf(Send(Method::kGet, "/ga4gh/htsget/v1/nowhere", nullptr, kAccess)), missing);
  node_.role = "phenotypes";
  EXPECT_EQ(GetError(""), missing);
}

TEST_F(HtsgetTest, AGetMayHaveAnEmptyRegionAndPostsMayNot) {
  node_.planned = {{0, 100}, {199'972, 200'000}};
  EXPECT_EQ(Send(Method::kGet, std::string(kVariants) + "?referenceName=chr20&start=5&end=5",
                 nullptr, kAccess)
                .status,
            200);
  EXPECT_EQ(Send(Method::kGet,
                 std::string(kVariants) + "?tags=&notags=AC&fields=POS&encryptionScheme=C4GH",
                 nullptr, kAccess)
                .status,
            200);
}

TEST_F(HtsgetTest, EveryAnswerFitsTheOpenApiDocument) {
  if (const std::string missing = OpenApiSchemas::Missing(); !missing.empty())
    GTEST_SKIP() << missing;
  OpenApiSchemas schemas;
  const std::string root = "htsget/htsget-openapi.yaml#/components/schemas/";
  schemas.Add(root + "htsgetResponseVariants",
              TextOf(Send(Method::kGet, kVariants, nullptr, kAccess)));
  for (const char* path : {"service-info", "variants/service-info", "reads/service-info"}) {
    schemas.Add(
        root + "htsgetServiceInfo",
        TextOf(Send(Method::kGet, std::string("/ga4gh/htsget/v1/") + path, nullptr, {}, nullptr)));
  }
  schemas.Add(root + "PermissionDeniedError", TextOf(Send(Method::kGet, kVariants)));
  schemas.Add(root + "InvalidInputError",
              TextOf(Send(Method::kGet, std::string(kVariants) + "?start=1", nullptr, kAccess)));
  schemas.Add(root + "NotFoundError", TextOf(Send(Method::kGet, "/ga4gh/htsget/v1/reads/x")));
  EXPECT_EQ(schemas.Violations(), "");
  OpenApiSchemas wrong;
  wrong.Add(root + "htsgetResponseVariants", R"({"htsget": {"format": "CRAM", "urls": []}})");
  EXPECT_NE(wrong.Violations(), "");
}

}  // namespace
}  // namespace genofed::gateway
