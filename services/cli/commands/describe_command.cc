// SPDX-License-Identifier: Apache-2.0
//
// What variants a patient carries, under the names by which laboratories and databases exchange
// them: by this machine, or by a node, which has the reference genome.
#include "services/cli/commands/describe_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "libs/core/context.h"
#include "libs/core/unique_fd.h"
#include "libs/genomics/describe_variants.h"
#include "services/cli/commands/variant_lines.h"

namespace genofed::cli {
namespace {

// Longer alleles are cut in the table; --json has them whole.
constexpr std::size_t kShownAllele = 24;
constexpr std::size_t kPiece = std::size_t{2} << 20;

struct DescribeArguments {
  std::string file = "-";
  std::string reference;
  std::string assembly;
  bool at_node = false;
};

std::string Shown(const std::string& allele) {
  if (allele.size() <= kShownAllele) return allele;
  return fmt::format("{}… ({} bases)", allele.substr(0, kShownAllele), allele.size());
}

// Prints the list as it is made, or received: lines of JSON, the last one a summary.
class ListPrinter {
 public:
  explicit ListPrinter(bool json) : json_(json) {}

  Status Line(std::string_view line) {
    const bool is_summary = line.starts_with(R"({"summary")");
    Json parsed;
    if (is_summary || !json_) parsed = Json::parse(line, nullptr, false);
    if (parsed.is_discarded())
      return Error(StatusCode::kInternal, "ANSWER_UNREADABLE", "a line of the list is not JSON");
    if (is_summary) summary_ = parsed.at("summary");
    if (json_) return PutLine(line);
    return is_summary ? Summary() : Row(parsed);
  }
  // Whether records were set aside; after the summary.
  bool has_warning() const {
    for (const Json& finding : summary_.value("findings", Json::array())) {
      if (TextOf(finding, "severity") != "note") return true;
    }
    return false;
  }
  bool complete() const { return !summary_.is_null(); }

 private:
  Status Row(const Json& one) {
    if (!headed_) GF_TRY(Columns("CONTIG", "POSITION", "REF", "ALT", "GT", "ZYGOSITY", "FILTER", "HGVS", "VRS 2.0", "VRS 1.3"));
    headed_ = true;
    const auto name = [&](const char* member) {
      const std::string text = TextOf(one, member);
      return text.empty() ? "(" + TextOf(one, "not_given") + ")" : text;
    };
    return Columns(TextOf(one, "contig"), TextOf(one, "position"), Shown(TextOf(one, "ref")),
                   Shown(TextOf(one, "alt")), TextOf(one, "genotype"), TextOf(one, "zygosity"),
                   TextOf(one, "filter"), name("hgvs"), name("vrs_2_0"), name("vrs_1_3"));
  }

  template <typename... Text>
  static Status Columns(const Text&... text) {
    return PutLine(fmt::format("{:<6} {:>9} {:<8} {:<8} {:<4} {:<12} {:<8} {:<42} {:<41} {}", text...));
  }

  Status Summary() const {
    const std::string assembly = TextOf(summary_, "assembly");
    GF_TRY(PutLine(fmt::format("{}: {} variants in {} records, {}", TextOf(summary_, "file"),
                               TextOf(summary_, "variants"), TextOf(summary_, "records"),
                               assembly.empty() ? "assembly unknown" : assembly)));
    PrintFindings(stdout, summary_.value("findings", Json::array()));
    return absl::OkStatus();
  }

  const bool json_;
  bool headed_ = false;
  Json summary_;
};

Status DescribeHere(const DescribeArguments& given, const std::string& name, int input,
                    ListPrinter& printer) {
  genomics::DescribeOptions options;
  if (!given.assembly.empty()) {
    options.assembly = genomics::ParseAssembly(given.assembly);
    if (!options.assembly)
      return InvalidField("--assembly", "ASSEMBLY_UNKNOWN", "GRCh37 or GRCh38 is expected");
  }
  GF_ASSIGN(const auto reference, OpenReference(given.reference, genomics::BaseCase::kUpper));
  options.reference = reference.get();
  GF_ASSIGN(const auto report,
            genomics::DescribeVariants(Context::Background(), input, name, options,
                                       [&](const genomics::DescribedVariant& one) {
                                         return printer.Line(genomics::VariantJson(one));
                                       }));
  return printer.Line(genomics::SummaryJson(name, report));
}

// One line that changes, for who watches.
void ShowProgress(const std::string& text) {
  if (::isatty(STDERR_FILENO) == 1) std::fprintf(stderr, "\r  %s\033[K", text.c_str());
}

Result<std::string> Send(Session& session, int input) {
  const UniqueFd from(::dup(input));
  std::string file, piece(kPiece, '\0');
  std::uint64_t offset = 0;
  while (true) {
    std::size_t filled = 0;
    while (filled < kPiece) {
      const ssize_t got = ::read(from.get(), piece.data() + filled, kPiece - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read the file: {}", std::strerror(errno));
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    if (filled == 0 && offset > 0) return file;
    GF_ASSIGN(const Json answer,
              session.PutBytes(fmt::format("/api/v1/variant-files?offset={}&file={}", offset, file),
                               piece.substr(0, filled)));
    file = TextOf(answer, "file");
    offset += filled;
    ShowProgress(fmt::format("{} MiB sent", offset >> 20));
    if (filled < kPiece) return file;
  }
}

// Hands over whole lines.
class LineSplitter {
 public:
  explicit LineSplitter(ListPrinter& printer) : printer_(printer) {}

  Status Take(std::string_view bytes) {
    rest_ += bytes;
    std::size_t begin = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
      GF_TRY(printer_.Line(std::string_view(rest_).substr(begin, end - begin)));
      begin = end + 1;
    }
    rest_.erase(0, begin);
    return absl::OkStatus();
  }

 private:
  ListPrinter& printer_;
  std::string rest_;
};

Status Follow(Session& session, const std::string& file, const Json& how, ListPrinter& printer) {
  const std::string base = "/api/v1/variant-files/" + Escape(file);
  for (bool done = false; !done;) {
    GF_ASSIGN(const Json progress, session.Post(base + "/describe", how));
    done = progress.value("done", false);
    ShowProgress(fmt::format("{} records read, {} variants", TextOf(progress, "records"), TextOf(progress, "variants")));
  }
  ShowProgress("");
  LineSplitter lines(printer);
  GF_TRY(session.Stream(base + "/variants", [&](std::string_view bytes) { return lines.Take(bytes); }));
  if (printer.complete()) return absl::OkStatus();
  return Error(StatusCode::kUnavailable, "ANSWER_INCOMPLETE", "the list of variants broke off; try again");
}

Status DescribeAtNode(const Target& target, const DescribeArguments& given, const std::string& name,
                      int input, ListPrinter& printer) {
  if (!given.reference.empty())
    return InvalidField("--reference", "OPTIONS_CONFLICT", "the node has its own reference genome");
  Session session(target);
  GF_ASSIGN(const std::string file, Send(session, input));
  const Status followed = Follow(session, file, {{"name", name}, {"assembly", given.assembly}}, printer);
  session.Delete("/api/v1/variant-files/" + Escape(file)).IgnoreError();  // else it goes by itself
  return followed;
}

int Describe(const Target& target, const DescribeArguments& given) {
  const auto input = OpenInput(given.file);
  if (!input.ok()) return Fail(input.status()), kUsage;
  const std::string name =
      given.file == "-" ? "standard input" : std::filesystem::path(given.file).filename().string();
  ListPrinter printer(target.json);
  Status done;
  if (given.at_node) {
    const UniqueFd owned(*input);
    done = DescribeAtNode(target, given, name, owned.get(), printer);
  } else {
    done = DescribeHere(given, name, *input, printer);
  }
  if (!done.ok()) {
    const bool wrong = done.code() == StatusCode::kInvalidArgument || done.code() == StatusCode::kNotFound;
    return Fail(done), wrong || !given.at_node ? kUsage : kFailed;
  }
  if (std::fflush(stdout) != 0) return Fail(PutLine(""));
  return printer.has_warning() ? kRejected : kOk;
}

constexpr char kExamples[] = R"(
Examples:
  genofed variants describe patient.vcf.gz --reference GRCh38.fa
  genofed variants describe patient.vcf --assembly GRCh37 --json > variants.jsonl
  genofed variants describe patient.vcf.gz --at-node --url https://node-fi.example

One line for each variant that the person carries: trimmed and left-aligned alleles, genotype as in the
file, HGVS at the genomic level, and GA4GH VRS identifiers. Without --reference, REF is not compared and
insertions and deletions cannot be named; substitutions can. Names on transcripts and proteins (c., p.)
are not given: they need a set of transcripts.
--at-node sends the file to the node at which you are signed in as a clinician, which compares it with its
reference genome and keeps nothing; without it nothing leaves this machine.
Exit codes: 0 done; 1 failed; 2 the file or the command line is wrong; 3 done, but records were set
aside: the findings at the end say which and why.)";

}  // namespace

void AddDescribeCommand(CLI::App& variants, const Commands& commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto given = std::make_shared<DescribeArguments>();
  auto* describe = variants.add_subcommand(
      "describe", "What variants a person carries, with HGVS and VRS names, from a raw VCF");
  AddInput(*describe, given->file, given->reference);
  describe->add_option("--assembly", given->assembly,
                       "GRCh37 or GRCh38; default: what the file's header says");
  describe->add_flag("--at-node", given->at_node, "Have it done by the node; nothing is kept there");
  describe->footer(kExamples);
  describe->callback([&action, &target, given] {
    action = [&target, given] { return Describe(target, *given); };
  });
}

}  // namespace genofed::cli
