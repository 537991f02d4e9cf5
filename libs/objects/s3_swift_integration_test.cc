// SPDX-License-Identifier: Apache-2.0
//
// S3Store against OpenStack Swift with s3api: an implementation of S3 that is independent of ours.
#include <gmock/gmock.h>

#include <map>

#include "libs/core/clock.h"
#include "libs/http/client.h"
#include "libs/objects/s3_store.h"
#include "libs/objects/store_contract.h"
#include "libs/objects/swift_server.h"
#include "libs/objects/verify.h"
#include "libs/testing/fakes.h"

namespace genofed::objects {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const SystemClock kClock;

std::unique_ptr<ObjectStore> OpenSwift() {
  SwiftServer* server = SwiftServer::Get();
  if (server == nullptr) return nullptr;
  S3Options options = server->options();
  options.prefix = "fi/objects/";
  auto store = S3Store::Open(options, kClock);
  return store.ok() ? std::unique_ptr<ObjectStore>(*std::move(store)) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Swift, StoreContract,
                         ::testing::Values(StoreUnderTest{"Swift", OpenSwift}),
                         [](const auto& suite) { return suite.param.label; });

class SwiftTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = SwiftServer::Get();
    if (server_ == nullptr) GTEST_SKIP() << "no S3 server: tools/install-deps --with s3-tests";
    options_ = server_->options();
    options_.prefix = "swift-test/";
    options_.attempts = 2;
    store_ = Open(kClock);
  }
  std::unique_ptr<S3Store> Open(const Clock& clock) {
    return S3Store::Open(options_, clock).value();
  }

  Result<Written> Put(const std::string& name, std::string_view bytes) {
    GF_ASSIGN(auto writer, store_->Create(ctx_, name));
    GF_TRY(writer->Append(ctx_, bytes));
    return writer->Commit(ctx_);
  }
  // The answer to a plain GET of a URL by somebody without a key.
  http::ClientResponse Fetch(const std::string& url) {
    const std::size_t path = url.find('/', url.find("://") + 3);
    http::ClientOptions options;
    options.base_url = url.substr(0, path);
    http::Client client(options);
    const auto answer = client.Send({.target = url.substr(path)});
    EXPECT_THAT(answer, IsOk());
    return answer.ok() ? *answer : http::ClientResponse{};
  }

  const Context ctx_ = Context::Background();
  SwiftServer* server_ = nullptr;
  S3Options options_;
  std::unique_ptr<S3Store> store_;
};

TEST_F(SwiftTest, APresignedUrlOpensOneObjectForAWhile) {
  ASSERT_THAT(Put("presigned", "the bytes"), IsOk());
  const std::string url = store_->PresignGet("presigned", std::chrono::seconds(60)).value();
  EXPECT_EQ(Fetch(url).status, 200);
  EXPECT_EQ(Fetch(url).body, "the bytes");
  EXPECT_GE(Fetch(url.substr(0, url.find('?'))).status, 400);
  std::string other = url;
  other.replace(other.find("presigned"), 9, "something");
  EXPECT_EQ(Fetch(other).status, 403);
  // Made a minute and an hour ago, for a minute.
  genofed::testing::FakeClock past(kClock.Now() - std::chrono::minutes(2));
  EXPECT_EQ(Fetch(Open(past)->PresignGet("presigned", std::chrono::seconds(60)).value()).status,
            403);
}

TEST_F(SwiftTest, AWrongClockIsNamed) {
  for (const auto skew : {std::chrono::hours(2), std::chrono::hours(-2)}) {
    genofed::testing::FakeClock wrong(kClock.Now() + skew);
    const auto store = Open(wrong);
    for (const Status& status : {store->Probe(ctx_), store->Stat(ctx_, "a").status()}) {
      EXPECT_THAT(status, HasReason("CLOCK_SKEW"));
      EXPECT_THAT(Message(status), HasSubstr(skew.count() > 0 ? "ahead of" : "behind"));
    }
  }
}

TEST_F(SwiftTest, WrongKeysAndStrangersAreRefused) {
  ASSERT_THAT(Put("private", "bytes"), IsOk());
  for (const Credentials& wrong :
       {server_->stranger(), Credentials{options_.credentials.access_key, "wrong-secret"},
        Credentials{"nobody:nobody", "wrong-secret"}}) {
    options_.credentials = wrong;
    const auto store = Open(kClock);
    for (const Status& status : {store->Probe(ctx_), store->Stat(ctx_, "private").status(),
                                 ReadObject(ctx_, *store, "private", 0, kToEnd).status(),
                                 store->Remove(ctx_, "private")}) {
      EXPECT_THAT(status, HasReason("STORE_ACCESS_DENIED"));
      EXPECT_THAT(Describe(status), Not(HasSubstr(wrong.secret_key)));
    }
  }
  options_ = server_->options();
  options_.bucket = "no-such-bucket";
  EXPECT_THAT(Open(kClock)->Probe(ctx_), HasReason("STORE_BUCKET"));
}

TEST_F(SwiftTest, VerifiesWhatLiesThere) {
  const std::string bytes = SomeBytes(11'000'000);
  GF_ASSERT_OK_AND_ASSIGN(const Written written, Put("verified", bytes));
  const ExpectedBody expected{written.size, written.sha256};
  const auto code = [&] {
    const auto finding = VerifyObject(ctx_, *store_, "verified", expected);
    EXPECT_THAT(finding, IsOk());
    return finding.ok() && *finding ? (*finding)->code : "";
  };
  EXPECT_EQ(code(), "");
  std::string changed = bytes;
  changed[7'000'000] ^= 1;
  for (const auto& [content, finding] : std::map<std::string, std::string>{
           {changed, "DIGEST_DIFFERS"}, {bytes.substr(0, 10 * 1024 * 1024), "SIZE_DIFFERS"}}) {
    ASSERT_THAT(store_->Remove(ctx_, "verified"), IsOk());
    ASSERT_THAT(Put("verified", content), IsOk());
    EXPECT_EQ(code(), finding);
  }
  ASSERT_THAT(store_->Remove(ctx_, "verified"), IsOk());
  EXPECT_EQ(code(), "OBJECT_MISSING");
}

}  // namespace
}  // namespace genofed::objects
