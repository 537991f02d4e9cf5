// SPDX-License-Identifier: Apache-2.0
//
// Segments of a cohort on this machine: what is in them, whether they are whole, how fast they
// answer. Nothing is sent.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>

#include "libs/cohort/cohort.h"
#include "libs/cohort/compact.h"
#include "libs/core/file.h"
#include "libs/synth/population.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

namespace fs = std::filesystem;
using cohort::Residence;
using cohort::Segment;

struct IndexOptions {
  std::string dir;
  std::vector<std::string> inputs;
  std::string live, annotations, frequencies;
  std::string gene;
};

void Print(const Target& target, const Json& json,
           const std::vector<std::vector<std::string>>& table) {
  if (target.json)
    std::cout << json.dump(2) << '\n';
  else
    PrintTable(table);
}

Json Describe(const Segment& segment) {
  std::uint64_t bytes = 0, metadata = 0;
  for (const cohort::SegmentTile& tile : segment.manifest().tiles) {
    bytes += tile.digests.size;
    metadata += tile.digests.metadata_size;
  }
  const cohort::SegmentInfo& info = segment.info();
  return {{"assembly", genomics::AssemblyName(info.assembly)},
          {"format_version", cohort::kTileFormatVersion},
          {"people", info.n_people},
          {"sites", segment.n_sites()},
          {"tiles", segment.manifest().tiles.size()},
          {"genes", segment.Genes().size()},
          {"frequencies", info.frequencies},
          {"unlisted_alleles",
           info.unlisted == cohort::Unlisted::kIsReference ? "are reference" : "are not called"},
          {"bytes", bytes},
          {"bytes_in_memory", metadata},
          {"bytes_per_person", bytes / info.n_people}};
}

int Inspect(const Target& target, const IndexOptions& options) {
  const auto segment = Segment::Open(options.dir, Residence::kRead);
  if (!segment.ok()) return Fail(segment.status());
  const Json json = Describe(**segment);
  std::vector<std::vector<std::string>> table = {{"WHAT", "VALUE"}};
  for (const auto& [name, value] : json.items())
    table.push_back({name, value.is_string() ? value.get<std::string>() : value.dump()});
  Print(target, json, table);
  return kOk;
}

int Verify(const Target& target, const IndexOptions& options) {
  const auto segment = Segment::Open(options.dir, Residence::kRead);
  Status status = segment.status();
  if (status.ok()) status = (*segment)->Verify();
  if (!status.ok() && Reason(status) != "INDEX_CORRUPT") return Fail(status);
  if (!status.ok()) return Fail(status), kRejected;
  Print(
      target, {{"whole", true}, {"sites", (*segment)->n_sites()}},
      {{"SITES", "TILES", "RESULT"},
       {std::to_string((*segment)->n_sites()), std::to_string((*segment)->manifest().tiles.size()),
        "whole: every digest and every row is right"}});
  return kOk;
}

// Medians of asking about alleles and genes that are spread over the segment.
int Bench(const Target& target, const IndexOptions& options) {
  auto segment = Segment::Open(options.dir);
  if (!segment.ok()) return Fail(segment.status());
  const std::vector<std::string> genes =
      options.gene.empty() ? (*segment)->Genes() : std::vector<std::string>{options.gene};
  std::vector<genomics::Variant> alleles;
  for (const cohort::SegmentTile& entry : (*segment)->manifest().tiles) {
    const cohort::Tile& tile = *(*segment)->FindContig(entry.contig)->Find(entry.tile);
    for (std::uint32_t site = 0; site < tile.n_sites(); site += std::max(1U, tile.n_sites() / 500))
      alleles.push_back({entry.contig, tile.positions()[site], std::string(tile.ref(site)),
                         std::string(tile.alt(site))});
  }
  std::vector<std::unique_ptr<Segment>> segments;
  segments.push_back(*std::move(segment));
  const auto opened = cohort::Cohort::Create(std::move(segments));
  if (!opened.ok()) return Fail(opened.status());
  const cohort::Cohort& cohort = **opened;
  const genomics::Bitmap everybody(cohort.n_people(), true);
  const auto live = cohort.MakeLive(everybody, 0);
  cohort::Workspace work;
  Json json = Json::object();
  std::vector<std::vector<std::string>> table = {{"QUESTION", "N", "MEDIAN_US", "P99_US"}};
  Status failed;
  auto measure = [&](const std::string& name, std::size_t n, auto ask) {
    std::vector<double> times;
    for (int round = 0; round < 3 && failed.ok(); ++round) {
      for (std::size_t i = 0; i < n && failed.ok(); ++i) {
        const auto began = std::chrono::steady_clock::now();
        failed = ask(i);
        if (round > 0)
          times.push_back(
              std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began)
                  .count());
      }
    }
    if (times.empty()) return;
    std::sort(times.begin(), times.end());
    const double median = times[times.size() / 2], p99 = times[times.size() * 99 / 100];
    json[name] = {{"n", n}, {"median_us", median}, {"p99_us", p99}};
    table.push_back(
        {name, std::to_string(n), fmt::format("{:.2f}", median), fmt::format("{:.2f}", p99)});
  };
  const Context ctx = Context::Background();
  auto carriers = [&](cohort::ConsequenceSet consequences, bool ad_hoc) {
    return [&, consequences, ad_hoc](std::size_t i) {
      cohort::VariantFilter filter;
      filter.gene = genes[i];
      filter.consequences = consequences;
      filter.below_frequency = 1e-3;
      return cohort.CountCarriers(ctx, filter, everybody, work, ad_hoc).status();
    };
  };
  measure("exact allele", alleles.size(),
          [&](std::size_t i) { return cohort.CountExact(alleles[i], *live, work).status(); });
  measure("carriers of rare loss of function in a gene", genes.size(),
          carriers(cohort::kLossOfFunction, true));
  measure("the same from a stored set", genes.size(), carriers(cohort::kLossOfFunction, false));
  measure("carriers of any rare variant in a gene", genes.size(),
          carriers(cohort::kAnyConsequence, true));
  if (!failed.ok()) return Fail(failed);
  Print(target, json, table);
  return kOk;
}

int Compact(const Target& target, const IndexOptions& options) {
  std::vector<std::unique_ptr<genomics::CohortIndex>> indices;
  std::vector<std::unique_ptr<cohort::Segment>> segments;
  std::vector<cohort::CompactInput> inputs;
  std::uint32_t n_people = 0;
  for (const std::string& input : options.inputs) {
    if (std::filesystem::exists(std::filesystem::path(input) / cohort::kSegmentFile)) {
      auto segment = cohort::Segment::Open(input, cohort::Residence::kRead);
      if (!segment.ok()) return Fail(segment.status());
      n_people += (*segment)->n_people();
      inputs.emplace_back(segments.emplace_back(*std::move(segment)).get());
      continue;
    }
    auto index = genomics::CohortIndex::Open(input);
    if (!index.ok()) return Fail(index.status());
    n_people += (*index)->info().n_people;
    inputs.emplace_back(indices.emplace_back(*std::move(index)).get());
  }
  Result<genomics::Bitmap> live = genomics::Bitmap(n_people, true);
  if (!options.live.empty()) live = synth::ReadLive(options.live, n_people);
  if (!live.ok()) return Fail(live.status()), kUsage;
  Result<cohort::Annotations> annotations = cohort::Annotations();
  const bool annotated = !options.annotations.empty();
  if (annotated) annotations = cohort::Annotations::Read(options.annotations);
  if (!annotations.ok()) return Fail(annotations.status()), kUsage;
  const auto report = cohort::Compact(Context::Background(), inputs, *live,
                                      annotated ? &*annotations : nullptr, options.frequencies,
                                      options.dir);
  if (!report.ok()) return Fail(report.status());
  Print(target,
        {{"sites", report->sites},
         {"people", report->people},
         {"dropped", report->dropped},
         {"sha256", report->sha256}},
        {{"SITES", "PEOPLE", "DROPPED", "SHA256"},
         {std::to_string(report->sites), std::to_string(report->people),
          std::to_string(report->dropped), report->sha256}});
  return kOk;
}

constexpr char kCompactExamples[] = R"(
Examples:
  bcftools +split-vep -d -f '%CHROM\t%POS\t%REF\t%ALT\t%AF\t%SYMBOL\t%Consequence\t%HGVSp\n' sites.vep.bcf > sites.tsv
  genofed index compact new --from batch-1 --from batch-2 --annotations sites.tsv --frequencies hub-2026-11
  genofed index compact new --from batch-1 --live live.txt

The inputs are segments, or indices of an earlier format. Without --annotations segments keep theirs. --live is one character for each person,
1 or 0, over the inputs one after the other: who has a 0 is left out. --frequencies names the table that
the annotations' frequencies come from; without frequencies they are counted among these people.
Exit codes: 0 done; 1 failed; 2 wrong usage or input file.)";

}  // namespace

void AddIndexCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto options = std::make_shared<IndexOptions>();
  auto* index = commands.app.add_subcommand(
      "index",
      "Segments of a cohort on this machine: inspect, verify, bench, compact; nothing is sent");
  index->require_subcommand(1);
  index->footer(
      "\nExamples:\n  genofed index inspect var/index/segment\n  genofed index verify "
      "var/index/segment\n"
      "  genofed index bench var/index/segment --json\n"
      "  genofed index compact new --from batch-1 --from batch-2");
  auto add = [&](const char* name, const char* what,
                 int (*run)(const Target&, const IndexOptions&)) {
    auto* command = index->add_subcommand(name, what);
    command->add_option("dir", options->dir, "The segment's directory")->required();
    command->callback([&action, &target, options, run] {
      action = [&target, options, run] { return run(target, *options); };
    });
    return command;
  };
  add("inspect", "What a segment has: people, sites, genes, bytes", Inspect);
  add("verify",
      "Read every byte: digests, and that all rows exist. Exit code 3 when something is wrong",
      Verify);
  add("bench", "Time questions to a segment", Bench)
      ->add_option("--gene", options->gene, "Only this gene");
  auto* compact =
      add("compact", "Join batches into one segment, without people who withdrew", Compact);
  compact
      ->add_option("--from", options->inputs,
                   "An index that onboarding wrote; repeat it in the order of the batches")
      ->required();
  compact->add_option("--live", options->live, "Who may be counted: 1 or 0 for each person");
  compact->add_option(
      "--annotations", options->annotations,
      "Tab-separated sites: contig, position, REF, ALT, frequency, gene, consequence");
  compact->add_option("--frequencies", options->frequencies, "Name of the frequency table");
  compact->footer(kCompactExamples);
}

}  // namespace genofed::cli
