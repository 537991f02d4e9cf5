// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/qc/html.h"
#include "libs/qc/testing_report.h"
#include "rapidcheck.h"

namespace genofed::qc {
namespace {

using testing::HasSubstr;
using testing::Not;

const ConformityReport& Sample() {
  static const ConformityReport report = SampleReport();
  return report;
}

// Whether tags are opened and closed in order; void elements aside.
std::string Unbalanced(const std::string& page) {
  static const std::regex kTag("<(/?)([a-z0-9]+)((?:[^>\"]|\"[^\"]*\")*)>");
  std::vector<std::string> open;
  for (std::sregex_iterator at(page.begin(), page.end(), kTag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (name == "meta" || name == "br" || (*at)[3].str().ends_with("/")) continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + ">";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + ">";
}

TEST(Funnel, SaysWhatIsUnexplained) {
  const Funnel funnel = {"records", {{"read", 10, {}}, {"kept", 7, {{"A", 1}, {"B", 1}}}}};
  EXPECT_EQ(funnel.Unexplained(0), 0);
  EXPECT_EQ(funnel.Unexplained(1), 1);
  EXPECT_EQ(funnel.Unexplained(2), 0);
  const Funnel twice = {"records", {{"read", 10, {}}, {"kept", 9, {{"A", 2}}}}};
  EXPECT_EQ(twice.Unexplained(1), -1);
}

TEST(Report, GathersReasons) {
  std::vector<Finding> findings;
  for (int line = 1; line <= 30; ++line)
    findings.push_back({Severity::kWarning, "W", "v", line, "", ""});
  findings.push_back({Severity::kWarning, "RARE", "v", 3, "", ""});
  findings.push_back({Severity::kNote, "N", "c", 0, "", "left out", 500});
  findings.push_back({Severity::kError, "E", "v", 0, "", ""});
  const std::vector<ReportReason> reasons = ReasonsOf(findings);
  ASSERT_EQ(reasons.size(), 4U);
  EXPECT_EQ(reasons[0].code, "E");
  EXPECT_EQ(reasons[1].code, "W");
  EXPECT_EQ(reasons[1].count, 30U);
  EXPECT_EQ(reasons[1].places.size(), Findings::kMaxPerCode);
  EXPECT_EQ(reasons[2].code, "RARE");
  EXPECT_EQ(reasons[3].count, 500U);
  EXPECT_EQ(VerdictOf(findings), Verdict::kReject);
  findings.pop_back();
  EXPECT_EQ(VerdictOf(findings), Verdict::kQuarantine);
  EXPECT_EQ(VerdictOf(std::span(findings).last(1)), Verdict::kAccept);
}

TEST(ReportJson, SurvivesReading) {
  const std::string json = CanonicalJson(Sample());
  const Result<ConformityReport> read = ParseReport(json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(CanonicalJson(*read), json);
  EXPECT_EQ(read->inputs, Sample().inputs);
  EXPECT_EQ(read->funnels, Sample().funnels);
  EXPECT_EQ(read->reasons, Sample().reasons);
  EXPECT_EQ(read->quality->policy, Sample().quality->policy);
  EXPECT_EQ(read->quality->within.found.size(), Sample().quality->within.found.size());
  EXPECT_EQ(ReportSha256(*read), ReportSha256(Sample()));
}

TEST(ReportJson, RefusesOtherDocuments) {
  for (const char* text : {"{}", "[]", "7", R"({"format":"genofed-conformity-report"})",
                           R"({"format":"genofed-conformity-report","format_version":"2.0"})"}) {
    EXPECT_EQ(Reason(ParseReport(text).status()), "REPORT_INVALID") << text;
  }
  std::string json = CanonicalJson(Sample());
  json.replace(json.find("\"a\":21"), 6, "\"a\":99");  // a pair whose sample is listed
  EXPECT_TRUE(ParseReport(json).ok());
  json.replace(json.find("\"a\":99"), 6, "\"a\":9999");
  EXPECT_EQ(Reason(ParseReport(json).status()), "REPORT_INVALID");
}

TEST(ReportJson, NeverFailsOnBytesFromOutside) {
  ConformityReport report;
  report.inputs = {{"variants", "caf\xe9\xff.vcf", 1, ""}};
  const std::string json = CanonicalJson(report);
  EXPECT_TRUE(IsUtf8(json));
  EXPECT_TRUE(ParseReport(json).ok());
}

TEST(ReportJson, ObeysThePublishedSchema) {
  const char* source = std::getenv("GENOFED_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "needs GENOFED_SOURCE_DIR";
  if (std::system("python3 -c 'import jsonschema' 2>/dev/null") != 0) {
    GTEST_SKIP() << "needs python3-jsonschema";
  }
  std::string pattern = (std::filesystem::temp_directory_path() / "gf-report-XXXXXX").string();
  const std::filesystem::path directory = ::mkdtemp(pattern.data());
  ConformityReport bare;
  std::ofstream(directory / "full.json") << CanonicalJson(Sample());
  std::ofstream(directory / "bare.json") << CanonicalJson(bare);
  const std::string command =
      "python3 -c 'import json,sys,jsonschema\n"
      "schema=json.load(open(sys.argv[1]))\n"
      "jsonschema.Draft202012Validator.check_schema(schema)\n"
      "for name in sys.argv[2:]: jsonschema.validate(json.load(open(name)),schema)' " +
      std::string(source) + "/docs/conformity-report.schema.json " + directory.string() +
      "/full.json " + directory.string() + "/bare.json";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::filesystem::remove_all(directory);
}

TEST(ReportPage, ShowsWhatTheReportSays) {
  const std::string page = RenderHtml(Sample());
  EXPECT_EQ(Unbalanced(page), "");
  for (const char* text :
       {"Rare disease cohort of the university hospital", "Accepted, with parts set aside",
        "ALLELE_INDEX", "A genotype names an allele that the record does not have.",
        "LOCAL_RULE_17", "own rule, unknown to the catalogue", "cohort.vcf.gz", "Ti/Tv",
        "same person or twins", "batch <bdi>v3</bdi>", "ICD-10"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
  EXPECT_THAT(page, HasSubstr(ReportSha256(Sample())));
  EXPECT_THAT(page, Not(HasSubstr("without a reason")));
}

TEST(ReportPage, TakesNothingFromElsewhere) {
  const std::string page = RenderHtml(Sample());
  for (const char* text : {"<script", "javascript:", "http:", "https:", "url(", "@import",
                           " style=", "onload", "<img", "<link", "<iframe"}) {
    EXPECT_THAT(page, Not(HasSubstr(text)));
  }
}

TEST(ReportPage, ItsPolicyAllowsItsStyleSheetOnly) {
  const std::string page = RenderHtml(Sample());
  const std::size_t begin = page.find("<style>") + 7;
  const std::string style = page.substr(begin, page.find("</style>") - begin);
  const std::string hash = "'sha256-" + Base64Encode(crypto::Sha256(style)) + "'";
  EXPECT_THAT(HtmlSecurityPolicy(), HasSubstr("default-src 'none'; style-src " + hash));
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; style-src " + hash));
}

TEST(ReportPage, FiguresAndTablesHaveNames) {
  const std::string page = RenderHtml(Sample());
  const auto count = [&](const std::string& text) {
    std::size_t n = 0;
    for (std::size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1))
      ++n;
    return n;
  };
  EXPECT_EQ(count("<table>"), count("<caption>"));
  EXPECT_GE(count("<table>"), 8U);
  EXPECT_EQ(count("role=\"img\""), count("aria-labelledby="));
  EXPECT_EQ(count("<figure"), 4U);
  EXPECT_EQ(count("<h1>"), 1U);
  EXPECT_EQ(count("id=\"sex-t\""), 1U);
}

TEST(ReportPage, NamesSamplesOnlyWhenTold) {
  HtmlOptions options;
  for (std::size_t row = 0; row < Sample().quality->samples.size(); ++row) {
    options.sample_names.push_back("PATIENT-" + std::to_string(row));
  }
  EXPECT_THAT(RenderHtml(Sample(), options), HasSubstr("PATIENT-116"));
  EXPECT_THAT(RenderHtml(Sample()), Not(HasSubstr("PATIENT")));
}

TEST(ReportPage, ShowsWhatIsMissingWithoutAReason) {
  ConformityReport report;
  report.funnels = {{"records", {{"read", 10, {}}, {"kept", 7, {{"A", 1}}}}}};
  EXPECT_THAT(RenderHtml(report), HasSubstr("2 without a reason"));
}

// Every text of the report, replaced by something that would like to be markup.
ConformityReport Hostile(const std::string& text) {
  ConformityReport report = Sample();
  report.dataset_id = report.dataset_title = report.dataset_version = text;
  report.created_at = report.tool = report.assembly = text;
  for (ReportInput& input : report.inputs) input.role = input.name = input.sha256 = text;
  for (Funnel& funnel : report.funnels) {
    funnel.of = text;
    for (Funnel::Step& step : funnel.steps) {
      step.name = text;
      for (Funnel::Loss& loss : step.losses) loss.code = text;
    }
  }
  for (ReportReason& reason : report.reasons) {
    reason.code = text;
    for (ReportReason::Place& place : reason.places) {
      place.file = place.field = place.message = text;
    }
  }
  for (CodeMapping& mapping : report.code_mappings) mapping.vocabulary = text;
  report.quality->policy.name = text;
  report.quality->samples.resize(3);
  report.quality->within.found.resize(1);
  report.quality->within.found[0].a = 0;
  report.quality->within.found[0].b = 1;
  report.quality->earlier[0].name = text;
  report.quality->samples[0].flags = {text};
  return report;
}

TEST(ReportPage, EscapesHostileText) {
  for (const std::string text :
       {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'", "</style>",
        "</title></svg><svg onload=alert(1)>", "<!--", "]]>", "&lt;script&gt;",
        "\xe2\x80\xae moc.live", "\xff\xfe<b>", "<\xc2\x85script>", "{}{0}{:>999999999}"}) {
    HtmlOptions options;
    options.sample_names = {text, text, text};
    const std::string page = RenderHtml(Hostile(text), options);
    EXPECT_EQ(Unbalanced(page), "") << text;
    EXPECT_TRUE(IsUtf8(page)) << text;
    if (text.find('<') != std::string::npos && text != "</style>") {
      EXPECT_THAT(page, Not(HasSubstr(text))) << text;
    }
    for (const char* markup : {"<script", "<img", "<b>", "onload=alert(1)>", "<!--"}) {
      EXPECT_THAT(page, Not(HasSubstr(markup))) << text;
    }
  }
}

TEST(ReportPage, EscapesAnyText) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const std::string escaped = html::Escape(text);
    RC_ASSERT(IsUtf8(escaped));
    RC_ASSERT(escaped.find_first_of("<>\"'") == std::string::npos);
  }));
}

TEST(ReportPage, CopesWithReportsWithoutAnything) {
  ConformityReport report;
  EXPECT_EQ(Unbalanced(RenderHtml(report)), "");
  report.quality.emplace();
  report.funnels = {{"", {}}};
  EXPECT_EQ(Unbalanced(RenderHtml(report)), "");
  report.quality->samples.resize(1);
  report.quality->cohort.spectrum.assign(kSpectrumBins, 0);
  EXPECT_EQ(Unbalanced(RenderHtml(report)), "");
}

// GENOFED_KEEP_REPORT=/tmp/report bin/qc_test --gtest_filter='*KeepsAPage*' writes report.html and
// report.json for looking at.
TEST(ReportPage, KeepsAPageForLookingAtWhenAsked) {
  const char* keep = std::getenv("GENOFED_KEEP_REPORT");
  if (keep == nullptr) GTEST_SKIP() << "GENOFED_KEEP_REPORT names no path";
  std::ofstream(std::string(keep) + ".html") << RenderHtml(Sample());
  std::ofstream(std::string(keep) + ".json") << CanonicalJson(Sample());
}

}  // namespace
}  // namespace genofed::qc
