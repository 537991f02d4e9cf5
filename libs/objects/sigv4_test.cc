// SPDX-License-Identifier: Apache-2.0
//
// The worked examples of the Amazon S3 API Reference, "Signature Calculations for the Authorization
// Header" and "Authenticating Requests: Using Query Parameters": expected signatures are those
// printed there.
#include "libs/objects/sigv4.h"

#include <gmock/gmock.h>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::objects {
namespace {

using testing::EndsWith;
using testing::Eq;

const Credentials kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
constexpr char kHost[] = "examplebucket.s3.amazonaws.com";
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const Time kNow = FromUnixSeconds(1'369'353'600);  // Fri, 24 May 2013 00:00:00 GMT

std::string Sign(SignedRequest request, const std::string& payload = kEmpty) {
  request.headers.insert(
      {{"host", kHost}, {"x-amz-date", "20130524T000000Z"}, {"x-amz-content-sha256", payload}});
  return Authorization(request, payload, kExample, "us-east-1", kNow);
}

TEST(SigV4, GetObjectWithARange) {
  EXPECT_EQ(AmzDate(kNow), "20130524T000000Z");
  EXPECT_EQ(Sign({.method = "GET", .path = "/test.txt", .headers = {{"range", "bytes=0-9"}}}),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, PutObject) {
  const std::string payload = HexEncode(crypto::Sha256("Welcome to Amazon S3."));
  EXPECT_THAT(
      Sign({.method = "PUT",
            .path = "/test%24file.text",
            .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
           payload),
      EndsWith("SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
               "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4, AParameterWithoutAValue) {
  EXPECT_THAT(
      Sign({.method = "GET", .path = "/", .query = {{"lifecycle", ""}}}),
      EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SigV4, ListObjects) {
  EXPECT_THAT(
      Sign({.method = "GET", .path = "/", .query = {{"prefix", "J"}, {"max-keys", "2"}}}),
      EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4, PresignedUrl) {
  const SignedRequest request{.method = "GET", .path = "/test.txt", .headers = {{"host", kHost}}};
  EXPECT_EQ(PresignedQuery(request, kExample, "us-east-1", kNow, std::chrono::seconds(86400)),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

}  // namespace
}  // namespace genofed::objects
