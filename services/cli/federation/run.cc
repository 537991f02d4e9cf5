// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/run.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "libs/core/clock.h"
#include "libs/core/file.h"
#include "libs/core/random.h"
#include "services/cli/federation/federation_json.h"
#include "services/cli/federation/login_client.h"
#include "services/cli/federation/postgres.h"
#include "services/cli/federation/site_config.h"
#include "services/cli/federation/soft_token.h"
#include "services/cli/federation/supervisor.h"

namespace genofed::federation {
namespace {

enum Stage { kInfrastructure = 0, kServices = 1 };
constexpr auto kTokenRefresh = std::chrono::hours(6);  // half a token's life
constexpr std::uintmax_t kMaxLogBytes = 16U << 20;

// One generation of old log is kept; running processes append.
void RotateLog(const std::filesystem::path& log) {
  std::error_code error;
  if (std::filesystem::file_size(log, error) > kMaxLogBytes && !error) {
    std::filesystem::rename(log, log.string() + ".1", error);
  }
}

class Federation {
 public:
  Federation(const RunOptions& options, Plan plan, const std::function<void(std::string_view)>& report)
      : options_(options),
        plan_(std::move(plan)),
        report_(report),
        login_(plan_.issuer(), plan_.bundle_file(), plan_.idp_dir() / "client-secret"),
        supervisor_(SupervisorOptions(), clock_) {}

  Status Start() {
    GF_TRY(CheckPrograms());
    report_("keys and certificates");
    GF_ASSIGN(keys_, PrepareKeys(plan_, clock_, random_));
    report_("databases and OpenID provider");
    GF_TRY(PrepareDatabases());
    for (std::size_t i = 0; i < plan_.sites.size(); ++i) GF_TRY(StartPostgres(plan_.sites[i], *databases_[i]));
    GF_TRY(StartLogin());
    GF_TRY(supervisor_.WaitReady(options_.start_timeout, [this] { Renew(); }));
    for (const auto& server : databases_) GF_TRY(server->Provision());
    GF_TRY(WriteConfigs());
    report_("services");
    for (const SitePlan& site : plan_.sites) GF_TRY(StartServices(site));
    GF_TRY(supervisor_.WaitReady(options_.start_timeout, [this] { Renew(); }));
    return WriteAddresses();
  }

  void Serve() {
    supervisor_.RunUntilSignalled([this] {
      Renew();
      if (clock_.Now() < next_refresh_) return;
      if (Status written = WriteAddresses(); !written.ok()) {
        fmt::print(stderr, "cannot renew tokens: {}\n", Describe(written));
        next_refresh_ = clock_.Now() + std::chrono::minutes(1);
      }
    });
  }

  void Stop() {
    std::error_code error;
    std::filesystem::remove(plan_.federation_file(), error);
    supervisor_.StopAll();
  }

 private:
  std::vector<std::string> ProcessesOf(const SitePlan& site) const {
    return plan_.layout == Layout::kSite ? std::vector<std::string>{"site"} : site.services;
  }
  std::filesystem::path ProgramOf(const std::string& process) const {
    return options_.bin_dir / ("genofed-" + process);
  }

  // Certificates that near their end, and says so when they cannot be made: the old ones last a while.
  void Renew() {
    if (clock_.Now() < next_renewal_) return;
    next_renewal_ = clock_.Now() + std::max(std::chrono::seconds(1), plan_.certificate_lifetime / 60);
    if (Status renewed = RenewCertificates(plan_, clock_); !renewed.ok())
      fmt::print(stderr, "cannot renew certificates: {}\n", Describe(renewed));
  }

  // Before anything is made, so that a missing program is named at once.
  Status CheckPrograms() const {
    std::string missing;
    for (const std::string& process : ProcessesOf(plan_.sites.back())) {  // a node has every service
      if (access(ProgramOf(process).c_str(), X_OK) != 0) missing += " genofed-" + process;
    }
    if (missing.empty()) return absl::OkStatus();
    return Error(StatusCode::kFailedPrecondition, "PROGRAM_MISSING", "not in {}:{}", options_.bin_dir.string(),
                 missing);
  }

  Supervisor::Options SupervisorOptions() const {
    Supervisor::Options options;
    options.status_file = plan_.status_file();
    return options;
  }

  Status PrepareDatabases() {
    std::vector<PrivatePostgres*> servers;
    for (const SitePlan& site : plan_.sites) {
      PrivatePostgres::Options options;
      options.site = site.site;
      options.directory = site.dir / "postgres";
      options.secrets_dir = site.secrets();
      options.log_file = site.log("postgres");
      options.services = site.services;
      GF_ASSIGN(auto prepared, PrivatePostgres::Prepare(std::move(options), random_));
      databases_.push_back(std::make_unique<PrivatePostgres>(std::move(prepared)));
      servers.push_back(databases_.back().get());
    }
    return PrivatePostgres::Initialise(servers);
  }

  Status StartPostgres(const SitePlan& site, const PrivatePostgres& server) {
    ChildSpec child;
    child.name = site.site + "/postgres";
    child.command = server.ServerCommand();
    child.stop_signal = SIGINT;  // fast shutdown: disconnects clients, writes a checkpoint
    child.stage = kInfrastructure;
    child.ready = [&server] { return server.Ready(); };
    RotateLog(child.command.log_file);
    return supervisor_.Start(std::move(child));
  }

  Status StartLogin() {
    auto node = FindInPath("node");
    if (!node) return Error(StatusCode::kFailedPrecondition, "NO_NODE", "Node.js (package nodejs) is not installed");
    const auto& dir = plan_.idp_dir();
    GF_TRY(WriteFileAtomically(dir / "accounts.json", AccountsJson(plan_.personas), 0600));
    ChildSpec child;
    child.name = "idp";
    child.command.argv = {node->string(), "--max-old-space-size=64", "--max-semi-space-size=1",
                          (options_.idp_dir / "server.mjs").string()};
    auto flag = [&](std::string name, std::string value) {
      child.command.argv.push_back(std::move(name));
      child.command.argv.push_back(std::move(value));
    };
    flag("--issuer", plan_.issuer());
    flag("--cert", (dir / "cert.pem").string());
    flag("--key", (dir / "key.pem").string());
    flag("--signing-key", (dir / "signing-key.pem").string());
    flag("--accounts", (dir / "accounts.json").string());
    flag("--client-secret", (dir / "client-secret").string());
    for (const SitePlan& site : plan_.sites) {
      for (const char* host : {"127.0.0.1", "localhost"}) {
        flag("--redirect-uri", fmt::format("https://{}:{}/callback", host, site.rest));
      }
    }
    child.command.log_file = dir / "idp.log";
    child.stage = kInfrastructure;
    child.ready = [this] { return login_.Healthy(); };
    RotateLog(child.command.log_file);
    return supervisor_.Start(std::move(child));
  }

  Status WriteConfigs() {
    std::error_code error;
    auto images = std::filesystem::absolute(options_.images_dir, error);
    for (std::size_t i = 0; i < plan_.sites.size(); ++i) {
      SiteExtras extras;
      extras.postgres_host = databases_[i]->socket_dir().string();
      extras.postgres_port = databases_[i]->port();
      extras.postgres_database = databases_[i]->database();
      extras.images_dir = images;
      GF_ASSIGN(extras.allowed_workflows, WorkflowDigests(images));
      GF_TRY(WriteSiteConfig(plan_, plan_.sites[i], keys_, extras));
    }
    return absl::OkStatus();
  }

  // The overrides of --set that concern a site.
  std::vector<std::string> SetsOf(const SitePlan& site) const {
    std::vector<std::string> sets;
    for (const std::string& set : options_.sets) {
      const auto colon = set.find(':'), equals = set.find('=');
      const bool names_site = colon != std::string::npos && colon < equals;
      if (names_site ? set.substr(0, colon) == site.site : !site.is_hub()) sets.push_back(names_site ? set.substr(colon + 1) : set);
    }
    return sets;
  }

  Status StartServices(const SitePlan& site) {
    for (const std::string& process : ProcessesOf(site)) {
      ChildSpec child;
      child.name = site.site + "/" + process;
      child.command.argv = {ProgramOf(process).string(), "--config", site.config_file().string()};
      for (const std::string& set : SetsOf(site)) child.command.argv.insert(child.command.argv.end(), {"--set", set});
      if (site.soft_token && (process == "access" || process == "site")) {
        child.command.environment.push_back(SoftTokenEnvironment(site));
      }
      child.command.log_file = site.log(process);
      child.stage = kServices;
      std::string admin = fmt::format("http://127.0.0.1:{}", site.admin.at(process));
      child.ready = [admin] { return AnswersOk(admin, "/readyz"); };
      RotateLog(child.command.log_file);
      GF_TRY(supervisor_.Start(std::move(child)));
    }
    return absl::OkStatus();
  }

  // federation.json with a fresh token per persona.
  Status WriteAddresses() {
    std::map<std::string, std::string> tokens;
    for (const Persona& persona : plan_.personas) {
      GF_ASSIGN(tokens[persona.name], login_.Token(persona.name));
    }
    Time now = clock_.Now();
    next_refresh_ = now + kTokenRefresh;
    return WriteFileAtomically(plan_.federation_file(), FederationJson(plan_, tokens, now), 0600);
  }

  const RunOptions& options_;
  const Plan plan_;
  const std::function<void(std::string_view)>& report_;
  SystemClock clock_;
  SystemRandom random_;
  LoginClient login_;
  PinnedKeys keys_;
  std::vector<std::unique_ptr<PrivatePostgres>> databases_;  // in the order of plan_.sites
  Time next_refresh_;
  Time next_renewal_;
  Supervisor supervisor_;  // last: its end stops the processes while everything they need is still there
};

}  // namespace

Status RunFederation(const RunOptions& options, const std::function<void(std::string_view)>& report,
                     const std::function<void()>& healthy) {
  PortBook ports(options.var / "ports.json");
  GF_ASSIGN(Plan plan, MakePlan(options.var, options.countries, options.layout, ports));
  GF_TRY(ports.Save());
  ChooseNationalKeys(options.hsm, report, &plan);
  plan.certificate_lifetime = options.certificate_lifetime;
  Federation federation(options, std::move(plan), report);
  Status started = federation.Start();
  if (started.ok()) {
    healthy();
    federation.Serve();
  }
  federation.Stop();
  return started;
}

}  // namespace genofed::federation
