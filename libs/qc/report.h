// SPDX-License-Identifier: Apache-2.0
//
// The conformity report of one version of a dataset: what was handed in, where each record and each
// person went, why, and how good the rest is. Written once as JSON, which is signed, and shown as
// one HTML page. It is for the holder and the coordination point: counts in it are exact, small
// ones too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/finding.h"
#include "libs/core/status.h"
#include "libs/qc/evaluate.h"

namespace genofed::qc {

// The words of `genofed onboard check`.
enum class Verdict : std::uint8_t {
  kAccept,
  kQuarantine,  // accepted, with records or values set aside because they are wrong or ambiguous
  kReject,
};
std::string_view VerdictName(Verdict verdict);
Verdict VerdictOf(std::span<const Finding> findings);

struct ReportInput {
  std::string role;  // "variants"
  std::string name;  // as the holder's file is called
  std::uint64_t bytes = 0;
  std::string sha256;  // in hexadecimal digits
  bool operator==(const ReportInput&) const = default;
};

// How many of one kind of thing (`of`: "people", "records", "alleles") were left after each step.
// The first step has no losses; those of a further one explain the difference to the step before.
struct Funnel {
  struct Loss {
    std::string code;
    std::uint64_t count = 0;
    bool operator==(const Loss&) const = default;
  };
  struct Step {
    std::string name;  // "received"
    std::uint64_t count = 0;
    std::vector<Loss> losses;
    bool operator==(const Step&) const = default;
  };
  std::string of;
  std::vector<Step> steps;

  // What went missing before a step without a reason; 0 in a correct pipeline.
  std::int64_t Unexplained(std::size_t step) const;
  bool operator==(const Funnel&) const = default;
};

struct ReportReason {
  struct Place {
    std::string file;
    std::int64_t line = 0;
    std::string field;
    std::string message;
    bool operator==(const Place&) const = default;
  };
  Severity severity = Severity::kNote;
  std::string code;
  std::uint64_t count = 0;
  std::vector<Place> places;  // the first ones

  bool operator==(const ReportReason&) const = default;
};
// One for each code: errors first, then warnings, then notes; the most frequent first.
std::vector<ReportReason> ReasonsOf(std::span<const Finding> findings);

// Codes of one vocabulary ("ICD-10") and what became of them. A broad match is kept as such and
// never turned into an exact one.
struct CodeMapping {
  std::string vocabulary;
  std::uint64_t exact = 0;
  std::uint64_t broad = 0;
  std::uint64_t unmapped = 0;
  bool operator==(const CodeMapping&) const = default;
};

struct ConformityReport {
  std::string dataset_id;
  std::string dataset_title;
  std::string dataset_version;
  std::string created_at;  // RFC 3339, UTC
  std::string tool;        // "genofed 0.4.0"
  std::string assembly;    // "GRCh38", or empty
  Verdict verdict = Verdict::kAccept;
  std::vector<ReportInput> inputs;
  std::vector<Funnel> funnels;
  std::vector<ReportReason> reasons;
  std::vector<CodeMapping> code_mappings;
  std::optional<QualityResult> quality;

  bool operator==(const ConformityReport&) const = default;
};

// docs/conformity-report.schema.json. Members in the order of their names, no spaces, figures
// rounded to six decimals, text that is not UTF-8 mended: same report, same bytes. These are what
// is signed.
std::string CanonicalJson(const ConformityReport& report);
// In hexadecimal digits, of the canonical bytes.
std::string ReportSha256(const ConformityReport& report);
// Reads CanonicalJson back. InvalidArgument REPORT_INVALID, and those of ParseStrictJson.
Result<ConformityReport> ParseReport(std::string_view json);

struct HtmlOptions {
  // Names of the samples by row, for a page that only the holder sees; without them samples are
  // known by their position in the file. They are never part of the JSON.
  std::vector<std::string> sample_names;
};

// One page without scripts and without anything from elsewhere: readable offline, in print, in
// light and dark, and with a screen reader. Everything from outside is escaped. The page carries a
// policy that forbids all but its own style sheet; a server sends HtmlSecurityPolicy() as well.
std::string RenderHtml(const ConformityReport& report, const HtmlOptions& options = {});
// The value of Content-Security-Policy for that page.
std::string HtmlSecurityPolicy();

}  // namespace genofed::qc
