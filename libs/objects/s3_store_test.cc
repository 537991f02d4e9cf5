// SPDX-License-Identifier: Apache-2.0
//
// What no real server does on demand: failing, breaking off, answering wrongly.
// s3_swift_integration_test has the rest.
#include "libs/objects/s3_store.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "libs/objects/scripted_server.h"
#include "libs/objects/store_contract.h"
#include "libs/testing/fakes.h"

namespace genofed::objects {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Step = ScriptedServer::Step;

constexpr char kSecret[] = "wJalrXUtnFEMI-secret";

Step Reply(int status, std::string_view body = "", std::string_view headers = "") {
  return ScriptedServer::Always(ScriptedServer::Answer(status, body, headers));
}

Step Refuse(int status, std::string_view code) {
  return Reply(status, fmt::format("<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>{}</Code>"
                                   "<Message>quotes {}</Message></Error>",
                                   code, kSecret));
}

// A HEAD of an object of this size.
Step Head(std::size_t size, std::string_view headers = "") {
  return ScriptedServer::Always(fmt::format(
      "HTTP/1.1 200 X\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n", headers, size));
}

class S3StoreTest : public ::testing::Test {
 protected:
  S3StoreTest() {
    options_.bucket = "genomes";
    options_.prefix = "fi/";
    options_.credentials = {"AKIAEXAMPLE", kSecret};
    options_.path_style = true;
    options_.part_bytes = kMinPartBytes;
    options_.attempts = 3;
    options_.first_pause = std::chrono::milliseconds(1);
  }

  void Serve(std::vector<Step> steps) {
    server_.emplace(std::move(steps));
    options_.endpoint = server_->url();
    auto store = S3Store::Open(options_, clock_);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }
  Result<std::string> Get(std::uint64_t offset = 0, std::uint64_t size = kToEnd) {
    return ReadObject(ctx_, *store_, "a", offset, size);
  }
  Result<Written> Put(std::string_view bytes) {
    GF_ASSIGN(auto writer, store_->Create(ctx_, "a"));
    GF_TRY(writer->Append(ctx_, bytes));
    return writer->Commit(ctx_);
  }
  std::vector<std::string> FirstLines() const {
    std::vector<std::string> lines;
    for (const std::string& request : server_->requests())
      lines.push_back(request.substr(0, request.find(" HTTP/")));
    return lines;
  }

  const Context ctx_ = Context::Background();
  genofed::testing::FakeClock clock_;  // 2026-01-01T00:00:00Z
  S3Options options_;
  std::optional<ScriptedServer> server_;
  std::unique_ptr<S3Store> store_;
};

TEST_F(S3StoreTest, RepeatsWhatMayPass) {
  for (const Step& failure :
       {Reply(500), Reply(503), Reply(429), Refuse(400, "RequestTimeout"), Refuse(503, "SlowDown"),
        ScriptedServer::Always(""), ScriptedServer::Always("HTTP/1.1 200 OK\r\nContent-Le")}) {
    Serve({failure, failure, Reply(200, "bytes")});
    GF_ASSERT_OK_AND_ASSIGN(const std::string bytes, Get());
    EXPECT_EQ(bytes, "bytes");
    EXPECT_EQ(server_->requests().size(), 3U);
  }
}

TEST_F(S3StoreTest, GivesUpAfterItsAttempts) {
  Serve({Reply(503), Reply(503), Reply(503), Head(7)});
  EXPECT_THAT(store_->Stat(ctx_, "a"), HasReason("STORE_UNAVAILABLE"));
  EXPECT_EQ(server_->requests().size(), 3U);
}

TEST_F(S3StoreTest, ErrorsSayWhatToDoAndAreNotRepeated) {
  const std::vector<std::pair<Step, std::string>> cases{
      {Refuse(403, "AccessDenied"), "STORE_ACCESS_DENIED"},
      {Refuse(403, "SignatureDoesNotMatch"), "STORE_ACCESS_DENIED"},
      {Refuse(404, "NoSuchBucket"), "STORE_BUCKET"},
      {Refuse(403, "RequestTimeTooSkewed"), "CLOCK_SKEW"},
      {Refuse(403, "QuotaExceeded"), "STORAGE_FULL"},
      {Reply(507), "STORAGE_FULL"},
      {Reply(404), "OBJECT_NOT_FOUND"},
      {Reply(501), "STORE_CANNOT"},
      {Refuse(400, "AuthorizationHeaderMalformed"), "STORE_FAILED"}};
  for (const auto& [answer, reason] : cases) {
    Serve({answer});
    const Result<std::string> got = Get();
    EXPECT_THAT(got, HasReason(reason));
    EXPECT_THAT(Describe(got.status()),
                Not(HasSubstr(kSecret)));  // nothing of the answer but its code
    EXPECT_EQ(server_->requests().size(), 1U) << reason;
  }
}

TEST_F(S3StoreTest, AWrongClockIsNamed) {
  // A HEAD has no body, so the answer's date must do.
  Serve({Reply(403, "", "Date: Wed, 31 Dec 2025 23:00:00 GMT\r\n")});
  const auto ahead = store_->Stat(ctx_, "a");
  EXPECT_THAT(ahead, HasReason("CLOCK_SKEW"));
  EXPECT_THAT(Message(ahead.status()), HasSubstr("3600 s ahead of"));
  Serve({Reply(403, "", "Date: Thu, 01 Jan 2026 00:00:05 GMT\r\n")});
  EXPECT_THAT(store_->Stat(ctx_, "a"), HasReason("STORE_ACCESS_DENIED"));
}

// Serves `content` as asked, under the ETag "v1", but breaks off after `most` bytes.
Step Break(const std::string& content, std::size_t most) {
  return [&content, most](const std::string& request) {
    const std::size_t at = request.find("range: bytes=");
    const std::size_t first =
        at == std::string::npos ? 0 : std::strtoul(request.c_str() + at + 13, nullptr, 10);
    const std::string rest = content.substr(first);
    const std::string range =
        fmt::format("Content-Range: bytes {}-{}/{}\r\n", first, content.size() - 1, content.size());
    return fmt::format(
        "HTTP/1.1 {} X\r\nConnection: close\r\nETag: \"v1\"\r\n{}Content-Length: {}\r\n\r\n{}",
        at == std::string::npos ? 200 : 206, at == std::string::npos ? "" : range, rest.size(),
        rest.substr(0, most));
  };
}

TEST_F(S3StoreTest, ABrokenReadGoesOnWhereItStopped) {
  const std::string content = SomeBytes(500'000);
  const Step whole = Break(content, content.size());
  Serve({Break(content, 100'000), Reply(503), whole});
  EXPECT_TRUE(Get().value() == content);
  const auto requests = server_->requests();
  EXPECT_THAT(requests[0], Not(HasSubstr("range: ")));
  EXPECT_THAT(requests[0], Not(HasSubstr("if-match")));
  EXPECT_THAT(requests[2], HasSubstr("range: bytes="));
  EXPECT_THAT(requests[2], Not(HasSubstr("range: bytes=0-")));
  EXPECT_THAT(requests[2], HasSubstr("if-match: \"v1\"\r\n"));

  Serve({Break(content, 100'000), Break(content, 100'000), whole});
  EXPECT_TRUE(Get(7, kToEnd).value() == content.substr(7));
  Serve({Break(content, 100'000), Break(content, 0), Break(content, 0)});
  EXPECT_THAT(Get(), HasReason("STORE_UNAVAILABLE"));
}

TEST_F(S3StoreTest, AReadNeverMixesTwoVersions) {
  const std::string content = SomeBytes(500'000);
  Serve({Break(content, 100'000), Reply(412)});
  EXPECT_THAT(Get(), HasReason("OBJECT_CHANGED"));
}

TEST_F(S3StoreTest, RefusesAnswersThatAreNotWhatWasAsked) {
  const std::vector<Step> answers{
      Reply(200, "0123456789"),                               // the range was ignored
      Reply(206, "12", "Content-Range: bytes 1-2/10\r\n"),    // another range
      Reply(206, "2345", "Content-Range: bytes 2-5/10\r\n"),  // more
      Reply(206, "23"),
      Reply(206, "23", "Content-Range: bytes */x\r\n"),
      Reply(206, "23", "Content-Range: -/\r\n"),
      Reply(206, "")};
  for (const Step& answer : answers) {
    Serve({answer});
    EXPECT_THAT(Get(2, 2), HasReason("STORE_ANSWER_INVALID"));
  }
  Serve({ScriptedServer::Always(
      "HTTP/1.1 200 X\r\nConnection: close\r\n\r\nbytes")});  // ends where it breaks off
  EXPECT_THAT(Get(), HasReason("STORE_ANSWER_INVALID"));
  for (const char* length : {"-1", "x", "99999999999999999999"}) {
    Serve({ScriptedServer::Always(
               fmt::format("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n", length)),
           Reply(404)});
    EXPECT_FALSE(store_->Stat(ctx_, "a").ok()) << length;
  }
  Serve({Reply(200, "not XML")});
  EXPECT_THAT(store_->List(ctx_, "", "", 10), HasReason("STORE_ANSWER_INVALID"));
  Serve({Reply(200, "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")});
  EXPECT_THAT(store_->List(ctx_, "", "", 10), HasReason("STORE_ANSWER_INVALID"));
}

TEST_F(S3StoreTest, ListsOnlyItsOwn) {
  Serve({Reply(200,
               "<?xml version=\"1.0\" "
               "encoding=\"UTF-8\"?><ListBucketResult><IsTruncated>true</IsTruncated>"
               "<NextContinuationToken>t&amp;1</NextContinuationToken>"
               "<Contents><Size>5</Size><Key>fi/a</Key>"
               "<LastModified>2009-10-12T17:50:30.000Z</LastModified></Contents><Contents><Key>es/b</"
               "Key><Size>6</Size></Contents>"
               "<Contents><Key>fi/Strange Name</Key><Size>7</Size></Contents></ListBucketResult>"),
         Reply(200, "<ListBucketResult/>")});
  GF_ASSERT_OK_AND_ASSIGN(const ObjectPage page, store_->List(ctx_, "", "", 10));
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].name, "a");
  EXPECT_EQ(page.objects[0].size, 5U);
  EXPECT_EQ(page.objects[0].modified, FromUnixSeconds(1'255'369'830));
  EXPECT_THAT(store_->List(ctx_, "x", page.next, 10), IsOk());
  EXPECT_EQ(FirstLines()[1],
            "GET /genomes?continuation-token=t%261&list-type=2&max-keys=10&prefix=fi%2Fx");
}

TEST_F(S3StoreTest, ASmallObjectIsOnePutThatRepeats) {
  Serve({Reply(404), Reply(503), ScriptedServer::Always(""), Reply(200), Head(5)});
  EXPECT_THAT(Put("bytes"), IsOk());
  EXPECT_THAT(FirstLines(),
              ::testing::ElementsAre("HEAD /genomes/fi/a", "PUT /genomes/fi/a", "PUT /genomes/fi/a",
                                     "PUT /genomes/fi/a", "HEAD /genomes/fi/a"));
  for (const std::size_t i : {1U, 2U, 3U}) {
    EXPECT_THAT(server_->requests()[i], ::testing::EndsWith("\r\n\r\nbytes"));
    EXPECT_THAT(server_->requests()[i], HasSubstr("if-none-match: *\r\n"));
    EXPECT_THAT(server_->requests()[i], Not(HasSubstr(kSecret)));
  }
}

TEST_F(S3StoreTest, APutWhoseAnswerWasLostIsRecognised) {
  // The repetition is refused because the first one did arrive.
  Serve({Reply(404), ScriptedServer::Always(""), Reply(412), Head(5), Reply(200, "bytes")});
  EXPECT_TRUE(Put("bytes")->existed);
  Serve({Reply(404), Reply(412), Head(5), Reply(200, "other")});
  EXPECT_THAT(Put("bytes"), HasReason("OBJECT_EXISTS"));
}

TEST_F(S3StoreTest, WritesWithoutAConditionWhereTheServerHasNone) {
  Serve({Reply(404), Refuse(501, "NotImplemented"), Reply(200), Head(5), Reply(404), Reply(200),
         Head(5)});
  EXPECT_THAT(Put("bytes"), IsOk());
  EXPECT_THAT(Put("bytes"), IsOk());  // which it remembers
  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 7U);
  EXPECT_THAT(requests[1], HasSubstr("if-none-match"));
  for (const std::size_t i : {2U, 5U}) {
    EXPECT_THAT(requests[i], ::testing::EndsWith("\r\n\r\nbytes"));
    EXPECT_THAT(requests[i], Not(HasSubstr("if-none-match")));
  }
}

TEST_F(S3StoreTest, LooksAtWhatWasStored) {
  Serve({Reply(404), Reply(200), Head(4)});
  EXPECT_THAT(Put("bytes"), HasReason("OBJECT_CHANGED"));
}

constexpr char kBegun[] =
    "<InitiateMultipartUploadResult><UploadId>u+1</UploadId></InitiateMultipartUploadResult>";

TEST_F(S3StoreTest, PartsRepeatOneByOne) {
  Serve({Reply(404), Reply(200, kBegun), Reply(503), Reply(200, "", "ETag: \"e1\"\r\n"), Reply(404),
         Reply(200, "", "ETag: \"<2\"\r\n"), Reply(200, "  <CompleteMultipartUploadResult/>"),
         Head(kMinPartBytes + 1)});
  EXPECT_THAT(Put(SomeBytes(kMinPartBytes + 1)), IsOk());
  EXPECT_THAT(FirstLines(),
              ::testing::ElementsAre(
                  "HEAD /genomes/fi/a",
                  "POST /genomes/fi/a?uploads=", "PUT /genomes/fi/a?partNumber=1&uploadId=u%2B1",
                  "PUT /genomes/fi/a?partNumber=1&uploadId=u%2B1", "HEAD /genomes/fi/a",
                  "PUT /genomes/fi/a?partNumber=2&uploadId=u%2B1",
                  "POST /genomes/fi/a?uploadId=u%2B1", "HEAD /genomes/fi/a"));
  EXPECT_THAT(server_->requests()[6],
              HasSubstr("<Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag></Part>"
                        "<Part><PartNumber>2</PartNumber><ETag>\"&lt;2\"</ETag></Part>"));
}

TEST_F(S3StoreTest, WhatIsThereAlreadyIsNotSentAgain) {
  const std::string bytes = SomeBytes(2 * kMinPartBytes + 1);
  Serve({Head(bytes.size()), Head(bytes.size()), Head(bytes.size()), Reply(200, bytes)});
  EXPECT_TRUE(Put(bytes)->existed);
  Serve({Head(bytes.size()), Head(3), Head(3)});
  EXPECT_THAT(Put(bytes), HasReason("OBJECT_EXISTS"));
  Serve({Head(bytes.size()), Reply(404)});
  EXPECT_THAT(Put(bytes), HasReason("OBJECT_CHANGED"));
}

TEST_F(S3StoreTest, AnUploadThatFailsIsAborted) {
  Serve({Reply(404), Reply(200, kBegun), Refuse(403, "AccessDenied"), Reply(204)});
  EXPECT_THAT(Put(SomeBytes(kMinPartBytes + 1)), HasReason("STORE_ACCESS_DENIED"));
  EXPECT_EQ(FirstLines().back(), "DELETE /genomes/fi/a?uploadId=u%2B1");
}

TEST_F(S3StoreTest, AnUploadThatIsCompleteWithoutAnAnswerIsRecognisedByItsMark) {
  std::string mark;
  const Step begin = [&](const std::string& request) {
    const std::size_t at = request.find("x-amz-meta-genofed-upload: ");
    mark = request.substr(at, request.find("\r\n", at) + 2 - at);
    return ScriptedServer::Answer(200, kBegun);
  };
  const std::size_t size = kMinPartBytes + 1;
  const Step part = Reply(200, "", "ETag: \"e\"\r\n");
  const Step late =
      Reply(200, "<Error><Code>InternalError</Code></Error>");  // an error after the 200
  const Step ours = [&](const std::string&) {
    return fmt::format("HTTP/1.1 200 X\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n", mark,
                       size);
  };
  Serve({Reply(404), begin, part, Reply(404), part, late, Refuse(404, "NoSuchUpload"), ours, ours});
  EXPECT_THAT(Put(SomeBytes(size)), IsOk());
  EXPECT_THAT(mark, StartsWith("x-amz-meta"));
  // An object of somebody else's upload is not taken for ours.
  Serve({Reply(404), begin, part, Reply(404), part, Refuse(404, "NoSuchUpload"),
         Head(size, "x-amz-meta-genofed-upload: other\r\n"), Reply(404)});
  EXPECT_THAT(Put(SomeBytes(size)), HasReason("UPLOAD_NOT_FOUND"));
}

TEST_F(S3StoreTest, WaitingEndsWithTheCaller) {
  options_.first_pause = std::chrono::hours(1);
  options_.timeout = std::chrono::hours(1);
  std::stop_source stop;
  Serve({[&](const std::string&) {
    stop.request_stop();
    return ScriptedServer::Answer(503);
  }});
  EXPECT_THAT(store_->Stat(ctx_.WithStop(stop.get_token()), "a"), HasCode(StatusCode::kCancelled));
  // A pause that would outlast the deadline is not begun.
  Serve({Reply(503)});
  EXPECT_THAT(store_->Stat(ctx_.WithTimeout(std::chrono::seconds(2)), "a"),
              HasReason("STORE_UNAVAILABLE"));
}

TEST_F(S3StoreTest, PresignedUrlsNameTheirHostAndHideTheSecret) {
  options_.endpoint = "https://s3.example:8443";
  for (const bool path_style : {true, false}) {
    options_.path_style = path_style;
    GF_ASSERT_OK_AND_ASSIGN(const auto store, S3Store::Open(options_, clock_));
    GF_ASSERT_OK_AND_ASSIGN(const std::string url,
                            store->PresignGet("a/b.c4gh", std::chrono::seconds(60)));
    EXPECT_THAT(
        url,
        StartsWith(path_style ? "https://s3.example:8443/genomes/fi/a/b.c4gh?X-Amz-Algorithm="
                              : "https://genomes.s3.example:8443/fi/a/b.c4gh?X-Amz-Algorithm="));
    EXPECT_THAT(url, HasSubstr("&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&"));
    EXPECT_THAT(url, Not(HasSubstr(kSecret)));
    EXPECT_THAT(store->PresignGet("a", std::chrono::seconds(0)), HasReason("OUT_OF_RANGE"));
    EXPECT_THAT(store->PresignGet("a", std::chrono::hours(169)), HasReason("OUT_OF_RANGE"));
  }
}

TEST_F(S3StoreTest, WrongConfigurationNamesItsField) {
  options_.endpoint = "https://s3.example";
  ASSERT_THAT(S3Store::Open(options_, clock_), IsOk());
  const auto field = [&](auto change) {
    S3Options options = options_;
    change(options);
    const auto store = S3Store::Open(options, clock_);
    EXPECT_THAT(store, HasReason("CONFIG_INVALID"));
    const auto fields = Fields(store.status());
    return fields.empty() ? std::string() : fields[0].field;
  };
  for (const char* endpoint :
       {"", "s3.example", "ftp://s3.example", "https://", "https://s3.example/path",
        "https://user@s3.example", "http://s3.example", "http://10.0.0.1:9000"}) {
    EXPECT_EQ(field([&](S3Options& o) { o.endpoint = endpoint; }), "endpoint") << endpoint;
  }
  for (const char* bucket : {"", "ab", "Genomes", "gen/omes", "gen omes"}) {
    EXPECT_EQ(field([&](S3Options& o) { o.bucket = bucket; }), "bucket") << bucket;
  }
  EXPECT_EQ(field([](S3Options& o) { o.bucket = "a.b.c", o.path_style = false; }), "bucket");
  for (const char* prefix : {"/", "/a", "a//", "../", "A/", "a b/"}) {
    EXPECT_EQ(field([&](S3Options& o) { o.prefix = prefix; }), "prefix") << prefix;
  }
  EXPECT_EQ(field([](S3Options& o) { o.region = ""; }), "region");
  EXPECT_EQ(field([](S3Options& o) { o.credentials.access_key = ""; }), "access_key");
  EXPECT_EQ(field([](S3Options& o) { o.credentials.secret_key = ""; }), "secret_key");
  EXPECT_EQ(field([](S3Options& o) { o.part_bytes = kMinPartBytes - 1; }), "part_mib");
}

}  // namespace
}  // namespace genofed::objects
