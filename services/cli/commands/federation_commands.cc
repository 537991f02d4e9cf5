// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>

#include "libs/synth/population.h"
#include "libs/synth/synth.h"
#include "libs/core/strings.h"
#include "services/cli/commands/onboard_beacon.h"
#include "services/cli/commands/session.h"
#include "services/cli/federation/up.h"

namespace genofed::cli {
namespace {

struct BeaconData {
  std::string folder;
  std::string disclosure_control = "on";

  bool off() const { return disclosure_control == "off"; }
};

// A Beacon data folder goes to the first country.
int Up(federation::UpOptions options, const BeaconData& beacon, const Target& target) {
  options.var = target.var;
  if (beacon.folder.empty() && !beacon.off()) return federation::Up(options);
  if (beacon.folder.empty() || options.foreground) {
    std::fprintf(stderr, "genofed: %s\n", beacon.folder.empty() ? "--disclosure-control off needs --beacon-data"
                                                               : "--beacon-data cannot be had with --foreground");
    return kUsage;
  }
  const std::string site = ToLower(Trim(Split(options.countries, ',').front()));
  if (beacon.off()) options.sets.push_back(site + ":discovery.disclosure_control=off");
  if (const int code = federation::Up(options); code != kOk) return code;
  if (const int code = ServeBeaconFolder(target, site, beacon.folder); code != kOk) return code;
  std::printf("Beacon of %s serves %s\n", site.c_str(), beacon.folder.c_str());
  if (beacon.off()) {
    std::printf("*** DISCLOSURE CONTROL IS OFF at %s: every record of this folder is answered to anybody on this machine. ***\n"
                "*** For conformance runs with data of nobody only. ***\n",
                site.c_str());
  }
  return kOk;
}

}  // namespace


void AddFederationCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;

  auto up = std::make_shared<federation::UpOptions>();
  auto beacon = std::make_shared<BeaconData>();
  auto* up_command =
      commands.app.add_subcommand("up", "Start a hub and nodes on this machine, in the background");
  up_command->add_option("--nodes", up->countries, "Countries, separated by commas")
      ->capture_default_str();
  up_command
      ->add_option("--layout", up->layout,
                   "services: a process for each service; site: one for each site")
      ->capture_default_str();
  up_command->add_option("--images", up->images_dir,
                         "Directory of OCI images and workflow descriptors");
  up_command->add_option("--set", up->sets,
                         "Site configuration: SITE:path=value, or path=value for every node");
  up_command
      ->add_option("--hsm", up->hsm,
                   "Countries whose national key is made in a SoftHSM token instead of a file; "
                   "none: no country")
      ->capture_default_str();
  up_command
      ->add_option("--timeout", up->timeout_seconds, "Seconds until everything must be healthy")
      ->capture_default_str();
  up_command
      ->add_option("--certificate-lifetime", up->certificate_lifetime,
                   "Seconds that workload certificates last (at least 10); renewed in time")
      ->capture_default_str();
  up_command->add_flag("--foreground", up->foreground, "Stay until Ctrl-C");
  up_command->footer(
      "Example: genofed up --nodes FI,ES,SE --set fi:discovery.minimum_count=10\n"
      "What runs already goes on as it is: another configuration is refused until `genofed down`.");
  up_command->add_option("--beacon-data", beacon->folder, "Beacon data folder that the first country's node takes in and serves");
  up_command
      ->add_option("--disclosure-control", beacon->disclosure_control,
                   "off: its records are answered to anybody on this machine, for conformance runs")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  up_command->callback([up, beacon, up_command, &target, &action] {
    for (const char* option : {"--nodes", "--layout", "--images", "--set", "--hsm",
                               "--certificate-lifetime", "--disclosure-control"}) {
      if (up_command->count(option) > 0) up->given.push_back(option);
    }
    action = [up, beacon, &target] { return Up(*up, *beacon, target); };
  });

  commands.app.add_subcommand("down", "Stop exactly what `up` started")
      ->callback([&target, &action] {
        action = [&target] {
          federation::DownOptions options;
          options.var = target.var;
          return federation::Down(options);
        };
      });

  commands.app.add_subcommand("status", "What runs, and whether it is healthy")
      ->callback([&target, &action] {
        action = [&target] { return federation::ShowStatus({target.var}); };
      });

  auto synth = std::make_shared<synth::SynthOptions>();
  auto* synth_command = commands.app.add_subcommand(
      "synth", "Make a synthetic cohort: genotypes, phenotypes, consents");
  synth_command->add_option("--country", synth->country, "Two capital letters")
      ->capture_default_str();
  synth_command->add_option("--people", synth->people, "10 to 1,000,000")->capture_default_str();
  synth_command->add_option("--sites", synth->sites, "Records of the VCF")->capture_default_str();
  synth_command->add_option("--seed", synth->seed, "The same seed gives the same bytes")
      ->capture_default_str();
  synth_command->add_option("--out", synth->directory, "Directory to write to")->required();
  synth_command->add_flag("--reference", synth->write_reference,
                          "Also the synthetic reference FASTA");
  synth_command->add_flag("--replace", synth->replace, "Replace what an earlier call wrote");
  auto population = std::make_shared<synth::PopulationOptions>();
  population->bases = 0;
  synth_command->add_option("--bases", population->bases,
                            "Instead of files: so many bases of chr20 straight into an index, for "
                            "up to 16,000,000 people");
  synth_command->add_option("--segments", population->segments,
                            "With --bases: the same people once more in this many segments");
  synth_command->add_flag("--bcf", population->bcf, "With --bases: also all genotypes as BCF");
  synth_command->footer(
      "Examples:\n  genofed synth --country ES --people 400 --seed 7 --out cohorts/es\n"
      "  genofed synth --people 1000000 --bases 2500000 --out million    minutes, and 2 GB");
  synth_command->callback([synth, population, &action] {
    action = [synth, population] {
      if (population->bases > 0) {
        population->people = synth->people;
        population->seed = synth->seed;
        const auto report = synth::WritePopulation(synth->directory, *population, &std::cout);
        return report.ok() ? kOk : Fail(report.status());
      }
      Status status = synth::WriteCohort(*synth, &std::cout);
      return status.ok() ? kOk : Fail(status);
    };
  });
}

}  // namespace genofed::cli
