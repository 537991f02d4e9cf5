// SPDX-License-Identifier: Apache-2.0
//
// What commands send to a site, and what they show of its answers.
#include <gmock/gmock.h>

#include <set>

#include "libs/core/strings.h"
#include "libs/testing/matchers.h"
#include "services/cli/commands/test_site.h"
#include "services/cli/commands/upload.h"

namespace genofed::cli {
namespace {

using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kSubmissions[] = "/api/v1/submissions";
constexpr char kSubmission[] = "/api/v1/submissions/sub-1";

// ---- What is handed over

class OnboardTest : public SiteTest {
 protected:
  void SetUp() override {
    State("STATE_PUBLISHED");
    words_ = {"onboard",
              "--id",
              "GOE-FI-A-1",
              "--vcf",
              Write("a.vcf", "v"),
              "--clinical",
              Write("p.json", "{}"),
              "--consents",
              Write("c.json", "{}")};
  }
  void State(const std::string& state) {
    const Json submission = {{"submission", {{"id", "sub-1"}, {"state", state}}}};
    Answer(std::string("POST ") + kSubmissions, submission);
  }
  Outcome Onboard(std::vector<std::string> more = {}) {
    Answer(std::string("GET ") + kSubmission,
           {{"submission", {{"id", "sub-1"}, {"state", "STATE_PUBLISHED"}}}});
    std::vector<std::string> words = words_;
    words.insert(words.end(), more.begin(), more.end());
    return Genofed(words);
  }
  Json LastSubmitted() {
    Json last;
    for (const Asked& one : asked()) {
      if (one.method == "POST" && one.target == kSubmissions) last = one.json();
    }
    return last;
  }

  std::vector<std::string> words_;
};

TEST_F(OnboardTest, SaysOfADatasetWhatItWasTold) {
  ASSERT_EQ(Onboard().code, kOk);
  EXPECT_EQ(LastSubmitted()["dataset"], (Json{{"id", "GOE-FI-A-1"}}))
      << "the site knows the rest, or refuses";
  ASSERT_EQ(
      Onboard({"--publisher", "P", "--data-use", "DUO:0000007", "--evidence", "legal_basis=L"})
          .code,
      kOk);
  EXPECT_EQ(LastSubmitted()["dataset"], (Json{{"id", "GOE-FI-A-1"},
                                              {"publisher", "P"},
                                              {"data_use", {"DUO:0000007"}},
                                              {"evidence", {{"legal_basis", "L"}}}}));
  words_.push_back(Write(
      "dataset.json", R"({"title": "T", "contact_email": "a@b.example", "evidence": {"a": "1"}})"));
  ASSERT_EQ(Onboard({"--contact", "c@d.example", "--evidence", "b=2"}).code, kOk);
  EXPECT_EQ(LastSubmitted()["dataset"], (Json{{"id", "GOE-FI-A-1"},
                                              {"title", "T"},
                                              {"contact_email", "c@d.example"},
                                              {"evidence", {{"a", "1"}, {"b", "2"}}}}));
  Write("dataset.json", R"({"title": "T", "evidence": "none"})");
  EXPECT_THAT(Onboard({"--evidence", "b=2"}).err, HasSubstr("DESCRIPTION_INVALID"));
  Write("dataset.json", std::string(100'000, '['));
  EXPECT_THAT(Onboard().err, HasSubstr("DESCRIPTION_INVALID"));
}

TEST_F(OnboardTest, ACorrectedDescriptionIsAnotherSubmission) {
  std::set<std::string> keys;
  for (const char* title : {"One", "Another", "One"}) {
    ASSERT_EQ(Onboard({"--title", title}).code, kOk);
    keys.insert(LastSubmitted()["idempotency_key"].get<std::string>());
  }
  EXPECT_EQ(keys.size(), 2U) << "the same again is the same";
}

TEST_F(OnboardTest, OfABeaconFolderToo) {
  Write("beacon/individuals.json", "[]");
  words_ = {"onboard", "beacon", (dir_ / "beacon").string(), "--id", "GDI-FI-BEACON-1"};
  std::set<std::string> keys;
  ASSERT_EQ(Onboard().code, kOk);
  EXPECT_EQ(LastSubmitted()["dataset"], (Json{{"id", "GDI-FI-BEACON-1"}}));
  keys.insert(LastSubmitted()["idempotency_key"].get<std::string>());
  ASSERT_EQ(Onboard({"--data-use", "DUO:0000007", "--assembly", "GRCh37"}).code, kOk);
  EXPECT_EQ(
      LastSubmitted()["dataset"],
      (Json{{"id", "GDI-FI-BEACON-1"}, {"data_use", {"DUO:0000007"}}, {"assembly", "GRCh37"}}));
  keys.insert(LastSubmitted()["idempotency_key"].get<std::string>());
  EXPECT_EQ(keys.size(), 2U);
}

TEST_F(OnboardTest, DocumentsOfAFolderAreNotWrittenElsewhere) {
  for (const char* name : {"a", "b"}) {
    Write(
        std::string("people/") + name + ".json",
        fmt::format(
            R"({{"id": "{0}", "subject": {{"id": "{0}"}}, "metaData": {{"phenopacketSchemaVersion": "2.0"}}}})",
            name));
  }
  words_ = {"onboard",
            "--id",
            "GOE-FI-A-1",
            "--vcf",
            words_[4],
            "--clinical",
            (dir_ / "people").string(),
            "--consents",
            words_[8]};
  State("STATE_OPEN");
  const std::string files = std::string(kSubmission) + "/files/";
  for (const char* kind : {"variants", "clinical", "consents"}) {
    Answer("PUT " + files + kind, Json::object());
    Answer("POST " + files + kind + "/seal", Json::object());
  }
  Answer(std::string("POST ") + kSubmission + "/start", Json::object());
  ::setenv("TMPDIR", (dir_ / "nowhere").c_str(), 1);
  const Outcome done = Onboard();
  ::unsetenv("TMPDIR");
  EXPECT_EQ(done.code, kOk) << done.err;
  const std::string sent = OnlyAsked("PUT", files + "clinical").body;
  EXPECT_THAT(sent, HasSubstr(R"("subject":{"id":"a"})"));
  EXPECT_THAT(sent, HasSubstr(R"("subject":{"id":"b"})"));
  EXPECT_EQ(OnlyAsked("POST", files + "clinical/seal").json()["size"], std::to_string(sent.size()));
}

TEST_F(OnboardTest, WhatCannotBeReadToItsEndIsNotSealed) {
  Target target;
  target.url = url();
  Session session(target);
  Answer("PUT /api/v1/submissions/sub-1/files/variants", Json::object());
  // The first cannot be read, the second has more than its size says.
  for (const char* file : {"/proc/self/mem", "/proc/self/status"})
    EXPECT_THAT(UploadFile(session, {"sub-1", "variants", "v", 0}, file), HasReason("FILE_FAILED"))
        << file;
  EXPECT_THAT(UploadFile(session, {"sub-1", "variants", "v", 0}, dir_.path()),
              HasReason("FILE_MISSING"));
  for (const Asked& one : asked()) EXPECT_EQ(one.method, "PUT") << one.target;
}

TEST_F(OnboardTest, ASubmissionUnderWayIsNoFailure) {
  const auto code = [&](const char* state) {
    Answer(std::string("GET ") + kSubmission,
           {{"submission", {{"id", "sub-1"}, {"state", state}}}});
    return Genofed({"submission", "sub-1"}).code;
  };
  EXPECT_EQ(code("STATE_OPEN"), kOk);
  EXPECT_EQ(code("STATE_QUEUED"), kOk);
  EXPECT_EQ(code("STATE_RUNNING"), kOk);
  EXPECT_EQ(code("STATE_FAILED"), kFailed);
  EXPECT_EQ(code("STATE_REJECTED"), kRejected);
}

// ---- Decisions

class DecisionTest : public SiteTest {
 protected:
  std::size_t Posted() {
    std::size_t posted = 0;
    for (const Asked& one : asked()) posted += one.method == "POST" ? 1U : 0U;
    return posted;
  }
};

const Json kReview = {{"review",
                       {{"application",
                         {{"id", "app-1"},
                          {"digest", "d1"},
                          {"content",
                           {{"title", "Seizures"},
                            {"purpose", "Find variants"},
                            {"lay_summary", "Why some people have seizures"},
                            {"purpose_code", "DUO:0000006"},
                            {"datasets", {"GOE-FI-A-1", "GOE-FI-B-1"}},
                            {"duration_days", 90}}}}},
                        {"decision", {{"outcome", "OUTCOME_PENDING"}}},
                        {"digest_matches", true}}}};

TEST_F(DecisionTest, TheCommitteeSeesWhatIsAskedFor) {
  Answer("GET /api/v1/reviews/app-1", kReview);
  const Outcome shown = Genofed({"review", "show", "app-1"});
  EXPECT_EQ(shown.code, kOk);
  for (const char* text : {"Seizures", "Find variants", "Why some people have seizures",
                           "DUO:0000006", "GOE-FI-A-1, GOE-FI-B-1", "90", "d1"})
    EXPECT_THAT(shown.out, HasSubstr(text));
}

TEST_F(DecisionTest, ADecisionHoldsForTheDigestThatWasLookedAt) {
  Answer("GET /api/v1/reviews/app-1", kReview);
  Answer("POST /api/v1/reviews/app-1/decision", kReview);
  for (const char* verb : {"approve", "veto"}) {
    const Outcome refused = Genofed({"review", verb, "app-1", "--reason", "R", "--digest", "d0"});
    EXPECT_EQ(refused.code, kFailed);
    EXPECT_THAT(refused.err, HasSubstr("another digest, d1"));
  }
  EXPECT_EQ(Posted(), 0U);
  EXPECT_EQ(Genofed({"review", "approve", "app-1", "--reason", "R", "--digest", "d1"}).code, kOk);
  EXPECT_EQ(OnlyAsked("POST", "/api/v1/reviews/app-1/decision").json()["digest"], "d1");
}

TEST_F(DecisionTest, OfTheAirlockToo) {
  Answer("GET /api/v1/airlock", {{"reviews", {{{"task", "t-1"}, {"digest", "d1"}}}}});
  AnswerText("GET /api/v1/airlock/t-1/files/out.tsv", "a\tb\n");
  Answer("POST /api/v1/airlock/t-1/decision", Json::object());
  const Outcome shown = Genofed({"airlock", "show", "t-1", "out.tsv"});
  EXPECT_EQ(shown.out, "a\tb\n");
  EXPECT_THAT(shown.err, HasSubstr("digest d1"));
  const Outcome refused = Genofed({"airlock", "release", "t-1", "--digest", "d0"});
  EXPECT_EQ(refused.code, kFailed);
  EXPECT_THAT(refused.err, HasSubstr("REVIEW_CHANGED"));
  EXPECT_EQ(Posted(), 0U);
  EXPECT_EQ(Genofed({"airlock", "release", "t-1", "--digest", "d1"}).code, kOk);
  EXPECT_EQ(OnlyAsked("POST", "/api/v1/airlock/t-1/decision").json()["digest"], "d1");
}

TEST_F(DecisionTest, AndForTheVersionOfADataset) {
  const std::string list = "GET /api/v1/datasets?all=true&page_size=500";
  Answer(list, {{"records", {{{"id", "GOE-FI-A-1"}, {"version", 1}}}}, {"next_page_token", "p2"}});
  Answer(list + "&page_token=p2",
         {{"records",
           {{{"id", "GOE-FI-B-1"}, {"version", 2}}, {{"id", "GOE-FI-B-1"}, {"version", 1}}}}});
  Answer("POST /api/v1/datasets/GOE-FI-B-1/review",
         {{"record", {{"id", "GOE-FI-B-1"}, {"version", 2}}}});
  const Outcome refused = Genofed({"dataset", "approve", "GOE-FI-B-1", "--version", "1"});
  EXPECT_EQ(refused.code, kFailed);
  EXPECT_THAT(refused.err, HasSubstr("VERSION_CHANGED"));
  EXPECT_EQ(Posted(), 0U);
  EXPECT_EQ(Genofed({"dataset", "approve", "GOE-FI-B-1", "--version", "2"}).code, kOk);
  EXPECT_EQ(OnlyAsked("POST", "/api/v1/datasets/GOE-FI-B-1/review").json()["version"], 2);
}

// ---- Questions and answers

class AnswerTest : public SiteTest {};

TEST_F(AnswerTest, ListsAreShownToTheirEnd) {
  Answer("GET /api/v1/datasets",
         {{"records", {{{"id", "GOE-FI-A-1"}}}}, {"next_page_token", "p2"}});
  Answer("GET /api/v1/datasets?page_size=500&text=&page_token=p2",
         {{"records", {{{"id", "GOE-FI-B-1"}}}}});
  EXPECT_THAT(Genofed({"dataset", "list"}).out, HasSubstr("GOE-FI-B-1"));
  Answer("GET /ga4gh/wes/v1/runs", {{"runs", {{{"run_id", "run-1"}}}}, {"next_page_token", "p2"}});
  Answer("GET /ga4gh/wes/v1/runs?page_token=p2",
         {{"runs", {{{"run_id", "run-2"}}}}, {"next_page_token", ""}});
  EXPECT_THAT(Genofed({"run", "list"}).out, HasSubstr("run-2"));
}

TEST_F(AnswerTest, AnExportThatDoesNotGoOnEnds) {
  Answer("GET /api/v1/audit/export", {{"ndjson", "a\n"}, {"next_index", "7"}});
  const Outcome again = Genofed({"audit", "export"});
  EXPECT_EQ(again.code, kFailed) << "the page behind entry 7 goes on at 7";
  EXPECT_THAT(again.err, HasSubstr("ANSWER_INVALID"));
  EXPECT_THAT(again.out, IsEmpty());
  Answer("GET /api/v1/audit/export", {{"ndjson", "a\n"}});
  EXPECT_EQ(Genofed({"audit", "export"}).code, kFailed);
  Answer("GET /api/v1/audit/export", {{"ndjson", "a\n"}, {"next_index", "-1"}});
  EXPECT_EQ(Genofed({"audit", "export"}).out, "a\n");
}

TEST_F(AnswerTest, NothingIsRarerThanNever) {
  Answer("POST /beacon/v2/g_variants", Json::object());
  for (const char* frequency : {"0", "0.0", "-1", "2", "nan"}) {
    const Outcome refused =
        Genofed({"query", "variant", "--gene", "A", "--below-frequency", frequency});
    EXPECT_EQ(refused.code, kUsage) << frequency;
    EXPECT_THAT(refused.err, HasSubstr("--below-frequency"));
  }
  EXPECT_THAT(asked(), IsEmpty()) << "not without the filter";
  EXPECT_EQ(Genofed({"query", "variant", "--gene", "A", "--below-frequency", "0.001"}).code, kOk);
  const Json filters = OnlyAsked("POST", "/beacon/v2/g_variants").json()["query"]["filters"];
  EXPECT_EQ(filters[0]["value"], "0.001");
}

TEST_F(AnswerTest, NobodyActsAsSomebodyElse) {
  Answer("GET /api/v1/me", {{"subject", "s"}});
  EXPECT_EQ(Genofed({"--as", "holder_fi", "whoami"}).code, kUsage);
  EXPECT_EQ(Genofed({"--site", "fi", "whoami"}).code, kUsage);
  const Outcome empty = Genofed({"--token-file", Write("token", " \n"), "whoami"});
  EXPECT_EQ(empty.code, kFailed);
  EXPECT_THAT(empty.err, HasSubstr("TOKEN_MISSING"));
  EXPECT_EQ(Genofed({"--token-file", dir_.path().string(), "whoami"}).code, kUsage);
  EXPECT_EQ(Genofed({"--token-file", "", "whoami"}).code, kUsage);
  EXPECT_THAT(asked(), IsEmpty());
  EXPECT_EQ(Genofed({"--token-file", Write("token", "abc\n"), "whoami"}).code, kOk);
  EXPECT_EQ(OnlyAsked("GET", "/api/v1/me").authorization, "Bearer abc");
}

TEST_F(AnswerTest, UnexpectedFormsAreErrors) {
  const auto failed = [&](const std::string& answer) {
    AnswerText("GET /api/v1/reviews/app-1", answer);
    const Outcome outcome = Genofed({"review", "show", "app-1"});
    EXPECT_THAT(outcome.err, HasSubstr("genofed: "));
    return outcome.code;
  };
  EXPECT_EQ(failed("[]"), kFailed);
  EXPECT_EQ(failed("{}"), kFailed);
  EXPECT_EQ(failed(R"({"review": 7})"), kFailed);
  EXPECT_EQ(failed("no JSON"), kFailed);
  EXPECT_EQ(failed(R"({"review": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}"),
            kFailed);
  EXPECT_EQ(Genofed({"--json", "review", "show", "app-1"}).code, kFailed) << "too deep to print";
  AnswerText("GET /api/v1/submissions/sub-1", "[]");
  EXPECT_EQ(Genofed({"submission", "sub-1"}).code, kFailed);
  // Words need not be UTF-8.
  const Outcome words = Genofed({"review", "revoke", "app-1", "--reason", "\xff"});
  EXPECT_EQ(words.code, kFailed);
  EXPECT_THAT(words.err, HasSubstr("TEXT_INVALID"));
  EXPECT_EQ(
      Genofed({"run", "submit", "app-1", "--workflow", Write("w", "{}"), "--set", "A=\xff"}).code,
      kFailed);
}

TEST_F(AnswerTest, OthersDoNotControlTheTerminal) {
  // ESC, CSI in C1, a line that looks like ours, and DEL.
  const std::string evil =
      "x\x1b[2J\xc2\x9b"
      "2K\n  this country: OUTCOME_APPROVED\x7f";
  const std::string shown = "x[2J2K   this country: OUTCOME_APPROVED";
  const auto clean = [&](const std::string& text) {
    EXPECT_THAT(text, HasSubstr(shown));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));
    EXPECT_THAT(text, Not(HasSubstr("\x7f")));
  };
  Json review = kReview;
  review["review"]["application"]["content"]["title"] = evil;
  Answer("GET /api/v1/reviews/app-1", review);
  clean(Genofed({"review", "show", "app-1"}).out);
  Answer("GET /api/v1/datasets", {{"records", {{{"id", "GOE-FI-A-1"}, {"title", evil}}}}});
  clean(Genofed({"dataset", "list"}).out);
  Answer("GET /api/v1/contact-requests",
         {{"contacts", {{{"id", "c-1"}, {"message", "m"}, {"terms", {evil}}}}}});
  clean(Genofed({"case", "requests"}).out);
  Answer("GET /api/v1/reviews/app-2",
         {{"reason", "R"}, {"detail", evil}, {"errors", {{{"field", "f"}, {"detail", evil}}}}},
         409);
  clean(Genofed({"review", "show", "app-2"}).err);
  EXPECT_EQ(Printable("\xc3\xa4\xe2\x82\xac\t1"), "\xc3\xa4\xe2\x82\xac 1")
      << "what is no control stays";
  EXPECT_EQ(Printable("\xc2"), "\xc2");
  EXPECT_EQ(ContentOf({{"a", "1\n2\n"}}, "a"), "1\n2\n") << "files keep their lines";
}

// ---- Records

class RecordsTest : public SiteTest {
 protected:
  void SetUp() override {
    const Json person = {{"id", "D.i4"},
                         {"sex", {{"id", "NCIT:C16576"}, {"label", "female"}}},
                         {"info", {{"ageYears", 37}}},
                         {"phenotypicFeatures",
                          {{{"featureType", {{"id", "HP:0001250"}, {"label", "Seizure"}}}}}},
                         {"diseases", {{{"diseaseCode", {{"id", "ORPHA:33069"}}}}}}};
    Answer("POST /beacon/v2/individuals",
           {{"response",
             {{"resultSets",
               {{{"id", "D"}, {"resultsCount", 12}, {"results", {person}}},
                {{"id", "E"}, {"resultsCount", 40}}}}}}});
    // One address for both: the hub of a federation, and its node.
    Write("federation.json",
          Json{{"ca_file", ""},
               {"hub", {{"site", "hub"}, {"rest", url()}}},
               {"nodes", {{{"site", "fi"}, {"rest", url()}}}},
               {"personas", Json::object()}}
              .dump());
    Answer("GET /api/v1/site", {{"role", "node"}, {"audience", "urn:genofed:site:fi"}});
    Answer("POST /oauth/token", {{"access_token", "a-passport"}});
  }
};

TEST_F(RecordsTest, AreReadByAPassportThatTheHubPacks) {
  const Outcome read =
      Program({"--var", dir_.path().string(), "--token-file", Write("token", "of-ann"), "--site",
               "fi", "query", "records", "--term", "HP:0001250", "--limit", "5", "--skip", "2"});
  ASSERT_EQ(read.code, kOk) << read.err;
  EXPECT_EQ(OnlyAsked("POST", "/oauth/token").body,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
            "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
            "&requested_token_type=urn%3Aga4gh%3Aparams%3Aoauth%3Atoken-type%3Apassport"
            "&subject_token=of-ann&audience=urn%3Agenofed%3Asite%3Afi");
  const Asked asked = OnlyAsked("POST", "/beacon/v2/individuals");
  EXPECT_EQ(asked.passport, "a-passport");
  EXPECT_EQ(asked.authorization, "Bearer of-ann");
  EXPECT_EQ(asked.json()["query"]["pagination"], (Json{{"skip", 2}, {"limit", 5}}));
  EXPECT_EQ(asked.json()["query"]["filters"], (Json{{{"id", "HP:0001250"}}}));
  EXPECT_THAT(read.out, HasSubstr("D: 1 of 12 records"));
  EXPECT_THAT(read.out, HasSubstr("E: no records for you, 40 people"));
  EXPECT_THAT(read.out, ::testing::ContainsRegex("D\\.i4 +female +37 +HP:0001250 Seizure; ORPHA:33069"));
}

TEST_F(RecordsTest, ByAddressTheHubIsNamedToo) {
  ASSERT_EQ(Genofed({"--token-file", Write("token", "of-ann"), "query", "records", "--hub", url()}).code,
            kOk);
  EXPECT_EQ(OnlyAsked("POST", "/beacon/v2/individuals").passport, "a-passport");
}

TEST_F(RecordsTest, APassportMayComeFromAFile) {
  ASSERT_EQ(Genofed({"query", "records", "--passport", Write("p.jwt", "mine\n")}).code, kOk);
  EXPECT_EQ(OnlyAsked("POST", "/beacon/v2/individuals").passport, "mine");
}

TEST_F(RecordsTest, NothingFoundIsSaid) {
  const std::vector<std::string> words = {"query", "records", "--passport", Write("p.jwt", "mine")};
  Json answer = {{"response", {{"resultSets", Json::array()}}}};
  Answer("POST /beacon/v2/individuals", answer);
  EXPECT_EQ(Genofed(words).out, "Nobody matches, or too few to say.\n");
  answer["info"]["notAsked"] = {{{"dataset", "D"}, {"reason", "R"}, {"detail", "no such word"}}};
  Answer("POST /beacon/v2/individuals", answer);
  EXPECT_EQ(Genofed(words).out, "D: not asked (no such word)\n");
}

TEST_F(RecordsTest, WithoutOneNothingIsAsked) {
  EXPECT_THAT(Genofed({"query", "records", "--passport", Write("empty.jwt", "\n")}).err,
              HasSubstr("PASSPORT_MISSING"));
  EXPECT_THAT(Genofed({"query", "records"}).err, HasSubstr("--passport FILE"));
  const std::vector<std::string> at_hub = {
      "--var", dir_.path().string(), "--token-file", Write("token", "of-ann"), "query", "records"};
  Answer("GET /api/v1/site", {{"role", "hub"}});
  EXPECT_THAT(Program(at_hub).err, HasSubstr("--site fi"));
  Answer("GET /api/v1/site", {{"role", "node"}, {"audience", "urn:genofed:site:fi"}});
  Answer("POST /oauth/token", {{"error", "invalid_target"}, {"error_description", "no such node"}},
         400);
  EXPECT_THAT(Program(at_hub).err, HasSubstr("no such node (invalid_target)"));
  for (const Asked& one : asked()) EXPECT_NE(one.target, "/beacon/v2/individuals");
}

TEST_F(AnswerTest, DeepTokensAreNotReadable) {
  const std::string deep =
      R"({"a": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  const std::string token =
      Base64UrlEncode(R"({"typ": "JWT"})") + "." + Base64UrlEncode(deep) + ".x";
  const Outcome shown = Program({"token", "inspect", Write("token", token)});
  EXPECT_EQ(shown.code, kUsage);
  EXPECT_THAT(shown.out, HasSubstr("claims: not readable"));
}

// A script that looks at a token learns that it is none.
TEST_F(AnswerTest, WhatIsNoTokenIsAnError) {
  const std::string header = Base64UrlEncode(R"({"typ": "JWT"})"), claims = Base64UrlEncode(R"({"sub": "ada"})");
  const Outcome token = Program({"token", "inspect", Write("token", header + "." + claims + ".x")});
  EXPECT_EQ(token.code, kOk) << token.err;
  EXPECT_THAT(token.out, HasSubstr("ada"));
  for (const std::string& text : {std::string(), std::string("hello"), header, header + ".!!.x",
                                  header + "." + Base64UrlEncode("[]") + ".x", Base64UrlEncode("7") + "." + claims + ".x"}) {
    const Outcome none = Program({"token", "inspect", Write("token", text)});
    EXPECT_EQ(none.code, kUsage) << text;
    EXPECT_THAT(none.err, HasSubstr("TOKEN_INVALID")) << text;
    EXPECT_EQ(Program({"--json", "token", "inspect", Write("token", text)}).code, kUsage) << text;
  }
  EXPECT_EQ(Program({"token", "inspect", Write("token", header) + ".missing"}).code, kUsage);
}

}  // namespace
}  // namespace genofed::cli
