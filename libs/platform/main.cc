// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/main.h"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "libs/config/load.h"
#include "libs/obs/log.h"
#include "libs/platform/process.h"
#include "libs/rpc/lock_checks.h"

namespace genofed {
namespace {

int Fail(const Status& status) {
  std::fprintf(stderr, "genofed: %s\n", Describe(status).c_str());
  return 2;
}

// Reads the dynamic block again; everything else needs a restart.
void Reload(const config::Sources& sources) {
  auto config = config::Load(sources);
  Status status = config.ok() ? obs::SetLogLevel(config->dynamic().log_level()) : config.status();
  GF_LOG(Context::Background(), info, "config.reloaded", {"result", Describe(status)});
}

}  // namespace

int ServiceMain(int argc, char** argv, const std::string& name,
                const std::vector<ServiceEntry>& entries) {
  CLI::App app("genofed: the " + name + " service of a site");
  config::Sources sources;
  bool check_only = false;
  app.add_option("--config", sources.files,
                 "Site configuration (JSON); repeatable, later files win")
      ->required();
  app.add_option("--set", sources.sets, "Overrides one key: discovery.minimum_count=10");
  app.add_flag("--check-config", check_only, "Validates the configuration and exits");
  app.set_version_flag("--version", "genofed 0.1.0");
  CLI11_PARSE(app, argc, argv);

  auto config = config::Load(sources);
  if (!config.ok()) return Fail(config.status());
  if (check_only) {
    std::puts("configuration is valid");
    return 0;
  }

  // Signals are taken by sigwait alone; blocked before any thread exists, every thread inherits
  // this.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  rpc::RequireTls13();
  rpc::SkipLockChecks();

  auto process = Process::Start(name, std::move(*config), entries);
  if (!process.ok()) return Fail(process.status());
  for (int signal = 0; signal != SIGTERM && signal != SIGINT;) {
    if (sigwait(&signals, &signal) == 0 && signal == SIGHUP) Reload(sources);
  }
  (*process)->Stop();
  return 0;
}

}  // namespace genofed
