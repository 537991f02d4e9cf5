// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/program.h"

#include <CLI/CLI.hpp>
#include <exception>

#include "services/cli/commands/login_commands.h"
#include "services/cli/commands/privacy_commands.h"

namespace genofed::cli {
namespace {

constexpr char kExamples[] = R"(
Examples:
  genofed up                                          a hub and nodes in Finland and Spain on this machine
  genofed login --site fi                             as yourself; then no --as is needed
  genofed synth --country FI --people 400 --out fi    a synthetic cohort
  genofed onboard fi --id GOE-FI-DATASET-1 --as holder_fi
  genofed dataset approve GOE-FI-DATASET-1 --as ncp_fi
  genofed query variant 20:1000226:A:T                counts per country, disclosure-controlled
  genofed privacy explain national.json               what a disclosure policy means
  genofed application list --as researcher            what you asked for, and what became of it
  genofed run submit app-… --workflow allele-counts.workflow.json --set CASE_TERM=HP:0001250 --as researcher
  genofed me accesses --as citizen_fi                 who used my data
  genofed ledger verify receipt.json --key key.txt    offline; fsck, prove and watch check whole ledgers
  genofed token explain visa.jwt --trust trust.json   which check refuses it, and what to do
  genofed crypt4gh decrypt --secret-key me.sec < file.c4gh > file
  genofed variants describe patient.vcf.gz --reference GRCh38.fa
  genofed index verify var/index/segment

Exit codes: 0 done; 1 refused or failed, the reason is printed; 2 wrong usage; 3 done with a negative result.)";

}  // namespace

int Run(int argc, const char* const* argv) {
  CLI::App app(
      "genofed: federated genomics across countries. Data stay where they are; questions travel.");
  Target target;
  Action action;
  AddEverything({app, target, action});
  try {
    app.parse(argc, argv);
    return action ? action() : kUsage;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  } catch (const Json::exception& e) {
    return Fail(
        Error(StatusCode::kInternal, "FORM_UNEXPECTED",
              "an answer, a file or a word of the command line has another form than expected: {}",
              e.what()));
  } catch (const std::exception& e) {
    return Fail(Error(StatusCode::kInternal, "FAILED", "{}", e.what()));
  }
}

void AddEverything(Commands commands) {
  CLI::App& app = commands.app;
  Target& target = commands.target;
  app.set_version_flag("--version", "genofed 0.1.0");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--var", target.var, "Directory of the federation started by `genofed up`")
      ->envname("GENOFED_VAR");
  auto* as = app.add_option("--as", target.persona,
                            "Persona of federation.json to act as; not with --url");
  auto* site = app.add_option("--site", target.site,
                              "Site to talk to: hub, fi, es …; default: the persona's own");
  app.add_option("--url", target.url, "Site to talk to, by address; instead of --as and --site")
      ->excludes(as)
      ->excludes(site);
  app.add_option("--ca", target.ca_file, "Certificate authorities (PEM) for --url");
  app.add_option("--token-file", target.token_file, "File with an access token")
      ->check(CLI::ExistingFile);
  app.add_flag("--json", target.json, "Print answers as JSON");

  AddFederationCommands(commands);
  AddLoginCommands(commands);
  AddDataCommands(commands);
  AddQueryCommands(commands);
  AddConnectorCommands(commands);
  AddAccessCommands(commands);
  AddCaseCommands(commands);
  AddRunCommands(commands);
  AddCitizenCommands(commands);
  AddLedgerCommands(commands);
  AddConsentCommands(commands);
  AddTokenCommands(commands);
  AddTrustCommands(commands);
  AddCrypt4ghCommands(commands);
  AddVariantsCommands(commands);
  AddPrivacyCommands(commands);
  AddIndexCommands(commands);
  // Last: commands take over what is there when they are added, and these are no examples of
  // theirs.
  app.footer(kExamples);
}

}  // namespace genofed::cli
