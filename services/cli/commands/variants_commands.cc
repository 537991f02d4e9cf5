// SPDX-License-Identifier: Apache-2.0
//
// Variants in files: normalised on this machine as bcftools norm does, and described under the names
// that laboratories and databases use.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "libs/genomics/describe_variants.h"
#include "libs/genomics/norm_vcf.h"
#include "services/cli/commands/describe_command.h"
#include "services/cli/commands/session.h"
#include "services/cli/commands/variant_lines.h"

namespace genofed::cli {
namespace {

using genomics::ChangeKinds;
using genomics::NormaliseOptions;

struct VariantsOptions {
  std::string file = "-";
  std::string reference;

  std::string split, join, only_alt, original_field;
  std::string on_mismatch = "fail", other_allele = "reference", atom_overlap = "star";
  std::string duplicates = "keep";
  bool no_left_align = false, atomise = false;
  NormaliseOptions normalise;
};

// The words of the command line as options; they were checked when it was parsed.
NormaliseOptions OptionsOf(const VariantsOptions& given) {
  static const std::map<std::string, ChangeKinds> kKinds = {{"snvs", ChangeKinds::kSnvs},
                                                            {"indels", ChangeKinds::kIndels},
                                                            {"both", ChangeKinds::kBoth},
                                                            {"any", ChangeKinds::kAny}};
  static const std::map<std::string, genomics::ReferenceMismatch> kMismatch = {
      {"fail", genomics::ReferenceMismatch::kFail},
      {"keep", genomics::ReferenceMismatch::kKeep},
      {"exclude", genomics::ReferenceMismatch::kExclude},
      {"set", genomics::ReferenceMismatch::kSet}};
  static const std::map<std::string, genomics::Duplicates> kDuplicates = {
      {"keep", genomics::Duplicates::kKeep},     {"exact", genomics::Duplicates::kExact},
      {"snvs", genomics::Duplicates::kSameSnv},  {"indels", genomics::Duplicates::kSameIndel},
      {"both", genomics::Duplicates::kSameKind}, {"all", genomics::Duplicates::kSamePlace}};
  NormaliseOptions options = given.normalise;
  options.on_mismatch = kMismatch.at(given.on_mismatch);
  options.left_align = !given.no_left_align;
  if (!given.split.empty()) {
    options.multiallelics = genomics::Multiallelics::kSplit;
    options.multiallelic_kinds = kKinds.at(given.split);
  } else if (!given.join.empty()) {
    options.multiallelics = genomics::Multiallelics::kJoin;
    options.multiallelic_kinds = kKinds.at(given.join);
  }
  if (given.other_allele == "missing") options.other_allele = genomics::OtherAllele::kMissing;
  options.atom_overlap_missing = given.atom_overlap == "missing";
  options.duplicates = kDuplicates.at(given.duplicates);
  if (!given.original_field.empty()) options.original_field = given.original_field;
  if (!given.only_alt.empty()) options.only_with_alt = given.only_alt;
  return options;
}

// The report goes to standard error, because standard output is the VCF.
void PrintReport(const genomics::NormaliseReport& report, bool json) {
  if (json) {
    const Json summary = {{"records", report.records},
                          {"written", report.written},
                          {"split", report.split},
                          {"joined", report.joined},
                          {"moved", report.moved},
                          {"reference_set", report.reference_set},
                          {"excluded", report.excluded},
                          {"duplicates", report.duplicates},
                          {"out_of_order", report.out_of_order},
                          {"findings", Json::parse(genomics::FindingsJson(report.findings))}};
    std::fprintf(stderr, "%s\n", summary.dump().c_str());
    return;
  }
  PrintFindings(stderr, Json::parse(genomics::FindingsJson(report.findings)));
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::fprintf(
      stderr,
      "%llu records read, %llu written: %llu split, %llu joined, %llu moved or trimmed, %llu "
      "with REF set, %llu excluded, %llu duplicates left out\n",
      number(report.records), number(report.written), number(report.split), number(report.joined),
      number(report.moved), number(report.reference_set), number(report.excluded),
      number(report.duplicates));
  if (report.out_of_order > 0) {
    std::fprintf(stderr, "%llu records moved further than the window: sort the output\n",
                 number(report.out_of_order));
  }
}

int Normalise(const Target& target, const VariantsOptions& given) {
  const auto reference = OpenReference(given.reference, genomics::BaseCase::kAsWritten);
  if (!reference.ok()) return Fail(reference.status()), kUsage;
  const auto input = OpenInput(given.file);
  if (!input.ok()) return Fail(input.status()), kUsage;
  const auto report = genomics::NormaliseVcf(*input, OptionsOf(given), reference->get(), PutLine);
  if (!report.ok()) return Fail(report.status());
  if (std::fflush(stdout) != 0) return Fail(PutLine(""));
  PrintReport(*report, target.json);
  return kOk;
}

void AddNormaliseOptions(CLI::App* command, VariantsOptions& given) {
  NormaliseOptions& options = given.normalise;
  const CLI::IsMember kinds({"snvs", "indels", "both", "any"});
  command
      ->add_option("--on-mismatch", given.on_mismatch,
                   "When REF is not the reference: fail, keep, exclude, or set (take REF from "
                   "the reference; ALT that agrees with it changes places with REF)")
      ->check(CLI::IsMember({"fail", "keep", "exclude", "set"}))
      ->capture_default_str();
  command->add_flag("--no-left-align", given.no_left_align, "Do not trim or move alleles");
  auto* split =
      command
          ->add_option("--split", given.split, "One record for each ALT: snvs, indels, both, any")
          ->check(kinds);
  command
      ->add_option("--join", given.join,
                   "One record for each place and kind of change: snvs, indels, both; any joins "
                   "all kinds")
      ->check(kinds)
      ->excludes(split);
  command
      ->add_option("--other-allele", given.other_allele,
                   "What split genotypes say for the other ALT: reference (0) or missing (.)")
      ->check(CLI::IsMember({"reference", "missing"}))
      ->capture_default_str();
  command->add_flag("--keep-depth-sum", options.keep_depth_sum,
                    "When splitting, add the depth (AD) of the other ALT to that of REF");
  command->add_flag("--join-passes-if-any", options.joined_passes_if_any,
                    "A joined record passes if one of its parts did; default: has all filters");
  command->add_flag("--atomise", given.normalise.atomise,
                    "Take apart changes of several bases into single ones");
  command
      ->add_option("--atom-overlap", given.atom_overlap,
                   "What atomised genotypes say where another ALT overlaps: star (*) or missing")
      ->check(CLI::IsMember({"star", "missing"}))
      ->capture_default_str();
  command
      ->add_option("--remove-duplicates", given.duplicates,
                   "Leave out later records at the same position: exact (same alleles), snvs, "
                   "indels, both (same kind), all")
      ->check(CLI::IsMember({"keep", "exact", "snvs", "indels", "both", "all"}))
      ->capture_default_str();
  command->add_flag("--count-alleles", options.count_alleles,
                    "Set INFO/AC and INFO/AN from the genotypes, before splitting");
  command->add_option("--original-field", given.original_field,
                      "INFO field that keeps the original form of changed records");
  command->add_option("--only-alt", given.only_alt,
                      "Touch only records with this ALT allele; write others as they are");
  command
      ->add_option("--window", options.window,
                   "Bases within which moved records are put into order again")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

constexpr char kNormaliseExamples[] = R"(
Examples:
  genofed variants normalise --reference GRCh38.fa < in.vcf.gz > out.vcf
  genofed variants normalise --split any --count-alleles --reference GRCh38.fa in.bcf > out.vcf
  genofed variants normalise --join both --remove-duplicates exact < in.vcf > out.vcf

The same as bcftools norm:
  -f FASTA --reference FASTA    -c e|w|x|s --on-mismatch fail|keep|exclude|set    -N --no-left-align
  -m -KIND --split KIND         -m +KIND --join KIND (snps: snvs)     -s --join-passes-if-any
  -d KIND --remove-duplicates KIND (snps: snvs, none: exact)          -a --atomise
  --multi-overlaps 0|. --other-allele reference|missing               --keep-sum AD --keep-depth-sum
  --atom-overlaps '*'|. --atom-overlap star|missing                   --old-rec-tag --original-field
  -i 'ALT="N"' --only-alt N                                           -w --window
Without --split or --join records keep their alleles. Output is VCF; a report goes to standard error.
Split genotypes of 1/2 read 1/0 and 0/1: these zeros are no reference alleles. Use --count-alleles, or
--other-allele missing, when alleles are counted afterwards.
Exit codes: 0 done; 1 failed, the output is incomplete; 2 wrong usage.)";

}  // namespace

void AddVariantsCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto options = std::make_shared<VariantsOptions>();
  auto* variants =
      commands.app.add_subcommand("variants", "Variants in files: normalised, and under the names that laboratories use");
  variants->require_subcommand(1);
  variants->footer(
      "Examples:\n"
      "  genofed variants describe patient.vcf.gz --reference GRCh38.fa\n"
      "  genofed variants normalise --reference GRCh38.fa < in.vcf.gz > out.vcf");

  AddDescribeCommand(*variants, commands);

  auto* normalise = variants->add_subcommand(
      "normalise", "Left-align, split or join the records of a VCF, and compare REF");
  AddInput(*normalise, options->file, options->reference);
  AddNormaliseOptions(normalise, *options);
  normalise->footer(kNormaliseExamples);
  normalise->callback([&action, &target, options] {
    action = [&target, options] { return Normalise(target, *options); };
  });
}

}  // namespace genofed::cli
