// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "libs/core/embedded_file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/qc/html.h"
#include "libs/qc/quality_html.h"
#include "libs/qc/reasons.h"
#include "libs/qc/report.h"

namespace genofed::qc {

extern const EmbeddedFile kReportStyle[];

namespace {

using html::Escape;
using html::Foreign;
using html::Number;

constexpr std::size_t kPlacesShown = 3;

std::string Code(std::string_view text) { return "<code>" + Foreign(text) + "</code>"; }

std::string SeverityTag(Severity severity) {
  return severity == Severity::kError     ? "<span class=\"tag error\">error</span>"
         : severity == Severity::kWarning ? "<span class=\"tag warning\">warning</span>"
                                          : "<span class=\"tag note\">note</span>";
}

std::string Tile(std::string_view value, std::string_view what) {
  return fmt::format("<li><strong>{}</strong><span>{}</span></li>\n", value, what);
}

std::string Head(const ConformityReport& report) {
  std::string out = fmt::format(
      "<header>\n<p class=\"kicker\">Conformity report</p>\n<h1>{}</h1>\n<p class=\"meta\">{} · "
      "version "
      "{} · {}{} · {}</p>\n",
      Foreign(report.dataset_title), Code(report.dataset_id), Foreign(report.dataset_version),
      report.assembly.empty() ? "" : Foreign(report.assembly) + " · ", Foreign(report.created_at),
      Foreign(report.tool));
  static constexpr const char* kWords[] = {
      "<strong>✓ Accepted.</strong> <p>Everything that was handed in was used, or left out by "
      "rule.</p>",
      "<strong>! Accepted, with parts set aside.</strong> <p>What is wrong or ambiguous was left "
      "out. "
      "<a href=\"#reasons\">The reasons</a> say what, where, and what to do.</p>",
      "<strong>✗ Rejected.</strong> <p>Nothing was kept. <a href=\"#reasons\">The reasons</a> "
      "marked "
      "as errors have to be mended first.</p>"};
  out += fmt::format("<div class=\"verdict {}\">{}</div>\n", VerdictName(report.verdict),
                     kWords[static_cast<std::size_t>(report.verdict)]);
  out += "<ul class=\"tiles\">\n";
  for (const Funnel& funnel : report.funnels) {
    if (funnel.steps.empty()) continue;
    out += Tile(Number(funnel.steps.back().count),
                fmt::format("{} {} of {}", Escape(funnel.of), Escape(funnel.steps.back().name),
                            Number(funnel.steps.front().count)));
  }
  if (report.quality) {
    const CohortQc& cohort = report.quality->cohort;
    out += Tile(html::Percent(cohort.call_rate, 2), "genotypes called");
    out += Tile(html::Fixed(cohort.titv, 2), "Ti/Tv of the sites");
    const auto flagged =
        std::count_if(report.quality->samples.begin(), report.quality->samples.end(),
                      [](const SampleQc& sample) { return !sample.flags.empty(); });
    out += Tile(Number(static_cast<std::uint64_t>(flagged)), "samples to look at");
  }
  return out + "</ul>\n</header>\n";
}

std::string Inputs(const ConformityReport& report) {
  html::Table table("Files as they were received", "llrl", {"What", "File", "Size", "SHA-256"});
  for (const ReportInput& input : report.inputs) {
    table.Row(
        {Foreign(input.role), Code(input.name), html::Bytes(input.bytes), Code(input.sha256)});
  }
  return "<h2 id=\"inputs\">What was handed in</h2>\n" + table.Shown();
}

std::string FunnelTable(const Funnel& funnel, std::size_t index) {
  std::string name = funnel.of;
  if (!name.empty()) name = ToUpper(name.substr(0, 1)) + name.substr(1);
  html::Table table(Escape(name) + ", step by step", "lrll", {"Step", "Left", "", "Lost, and why"});
  const std::uint64_t whole = funnel.steps.empty() ? 0 : funnel.steps.front().count;
  for (std::size_t i = 0; i < funnel.steps.size(); ++i) {
    const Funnel::Step& step = funnel.steps[i];
    std::string why;
    for (const Funnel::Loss& loss : step.losses) {
      const ReasonText* text = ExplainReason(loss.code);
      why += fmt::format(
          "<div>{} {}{}</div>", Number(loss.count), Code(loss.code),
          text == nullptr ? ""
                          : fmt::format(" <span class=\"lost\">{}</span>", Escape(text->meaning)));
    }
    const std::int64_t unexplained = funnel.Unexplained(i);
    if (unexplained != 0)
      why += fmt::format("<div class=\"bad\">{} without a reason</div>", unexplained);
    if (why.empty()) why = i == 0 ? "" : "<span class=\"lost\">nothing</span>";
    const std::uint64_t rest = whole > step.count ? whole - step.count : 0;
    const std::string shares = plot::Shares({fmt::format("funnel-{}-{}", index, i), step.name,
                                             fmt::format("{} of {}", step.count, whole), "", ""},
                                            {{"", step.count, false}, {"", rest, false}});
    table.Row({Foreign(step.name), Number(step.count), shares, why});
  }
  return table.Shown();
}

std::string Funnels(const ConformityReport& report) {
  std::string out =
      "<h2 id=\"funnels\">Where everything went</h2>\n<p>Every record and every person that is not "
      "in "
      "the dataset is counted here with its reason.</p>\n";
  for (std::size_t i = 0; i < report.funnels.size(); ++i) out += FunnelTable(report.funnels[i], i);
  return out;
}

std::string PlaceText(const ReportReason::Place& place) {
  std::string where = Foreign(place.file);
  if (place.line > 0)
    where += fmt::format(", line {}", Number(static_cast<std::uint64_t>(place.line)));
  if (!place.field.empty()) where += ", " + Code(place.field);
  return fmt::format("<li>{}{}{}</li>", where, place.message.empty() ? "" : ": ",
                     Foreign(place.message));
}

std::string Places(const ReportReason& reason) {
  std::string shown;
  std::string folded;
  for (std::size_t i = 0; i < reason.places.size(); ++i) {
    (i < kPlacesShown ? shown : folded) += PlaceText(reason.places[i]);
  }
  std::string out = shown.empty() ? "" : "<ul class=\"places\">" + shown + "</ul>";
  if (!folded.empty()) {
    out += fmt::format("<details><summary>{} more</summary><ul class=\"places\">{}</ul></details>",
                       reason.places.size() - kPlacesShown, folded);
  }
  return out;
}

std::string Reasons(const ConformityReport& report) {
  std::string out = "<h2 id=\"reasons\">Reasons</h2>\n";
  if (report.reasons.empty()) return out + "<p>Nothing was noticed.</p>\n";
  out +=
      "<p>Errors stop the whole submission, warnings set a record, a value or a sample aside, "
      "notes "
      "say what was left out by rule or not checked.</p>\n";
  html::Table table("What was noticed, how often, and what to do", "lrll",
                    {"Code", "Count", "What it means, and the first places", "What to do"});
  for (const ReportReason& reason : report.reasons) {
    const ReasonText* text = ExplainReason(reason.code);
    table.Row({SeverityTag(reason.severity) + "<br>" + Code(reason.code), Number(reason.count),
               (text == nullptr ? std::string() : Escape(text->meaning)) + Places(reason),
               text == nullptr ? "See the message." : Escape(text->remedy)});
  }
  return out + table.Shown();
}

std::string Mappings(const ConformityReport& report) {
  if (report.code_mappings.empty()) return "";
  html::Table table("Codes by vocabulary: dark mapped exactly, pale broadly, orange not at all",
                    "lrrrl", {"Vocabulary", "Exact", "Broad", "Not mapped", "Shares"});
  for (std::size_t i = 0; i < report.code_mappings.size(); ++i) {
    const CodeMapping& mapping = report.code_mappings[i];
    table.Row({Foreign(mapping.vocabulary), Number(mapping.exact), Number(mapping.broad),
               Number(mapping.unmapped),
               plot::Shares({fmt::format("mapping-{}", i), mapping.vocabulary,
                             fmt::format("{} exact, {} broad, {} not mapped", mapping.exact,
                                         mapping.broad, mapping.unmapped),
                             "", ""},
                            {{"", mapping.exact, false},
                             {"", mapping.broad, false},
                             {"", mapping.unmapped, false}})});
  }
  return "<h2 id=\"codes\">Clinical codes</h2>\n<p>A broad match is stored as broad: it is never "
         "turned "
         "into an exact one. Codes that are not mapped are kept as they are.</p>\n" +
         table.Shown();
}

std::string Foot(const ConformityReport& report) {
  std::string out =
      "<footer>\n<p>This report is for the data holder and the national coordination point. "
      "Its counts are exact, small ones too: do not publish it.</p>\n";
  if (report.quality) {
    out +=
        fmt::format("<p>Quality policy: {}, SHA-256 {}</p>\n", Foreign(report.quality->policy.name),
                    Code(PolicySha256(report.quality->policy)));
  }
  return out +
         fmt::format("<p>This page shows the signed JSON report with SHA-256 {}</p>\n</footer>\n",
                     Code(ReportSha256(report)));
}

std::string_view Style() { return kReportStyle[0].content; }

// A hash of the style sheet allows it, and nothing else (CSP level 2, section 4.2.4).
std::string StylePolicy() {
  return fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
      Base64Encode(crypto::Sha256(Style())));
}

}  // namespace

std::string HtmlSecurityPolicy() { return StylePolicy() + "; frame-ancestors 'none'"; }

std::string RenderHtml(const ConformityReport& report, const HtmlOptions& options) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<title>Conformity report: {}</title>\n<style>{}</style>\n</head>\n<body>\n",
      StylePolicy(), Escape(report.dataset_title), Style());
  out += Head(report) + "<main>\n" + Funnels(report) + Reasons(report);
  if (report.quality) out += QualitySection(*report.quality, options.sample_names);
  out += Mappings(report) + Inputs(report) + "</main>\n" + Foot(report) + "</body>\n</html>\n";
  return out;
}

}  // namespace genofed::qc
