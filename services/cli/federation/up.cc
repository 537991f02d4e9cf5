// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/up.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "libs/core/file.h"
#include "services/cli/federation/instance.h"
#include "services/cli/federation/login_client.h"
#include "services/cli/federation/pki.h"
#include "services/cli/federation/process.h"
#include "services/cli/federation/run.h"
#include "services/cli/federation/table.h"

namespace genofed::federation {
namespace {

namespace fs = std::filesystem;

int Fail(const Status& status) {
  fmt::print(stderr, "genofed: {}\n", Message(status));
  return 1;
}

void Progress(std::string_view line) {
  fmt::print("  {} ...\n", line);
  std::fflush(stdout);
}

fs::path ExecutableDir() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// deploy/dev-idp beside or above the working directory or the executable, or as installed.
Result<fs::path> FindIdp(const fs::path& wanted, const fs::path& bin_dir) {
  std::error_code error;
  if (!wanted.empty()) return fs::absolute(wanted, error);
  for (fs::path start : {fs::current_path(error), bin_dir}) {
    for (; start.has_relative_path(); start = start.parent_path()) {
      auto candidate = start / "deploy" / "dev-idp";
      if (fs::exists(candidate / "server.mjs", error)) return candidate;
    }
  }
  auto installed = bin_dir.parent_path() / "share" / "genofed" / "dev-idp";
  if (fs::exists(installed / "server.mjs", error)) return installed;
  return Error(StatusCode::kFailedPrecondition, "NO_IDP", "cannot find deploy/dev-idp; name it with --idp-dir");
}

// Installs what the lock file pins, once.
Status InstallIdp(const fs::path& dir) {
  std::error_code error;
  if (fs::exists(dir / "node_modules" / "oidc-provider", error)) return absl::OkStatus();
  auto npm = FindInPath("npm");
  if (!npm) return Error(StatusCode::kFailedPrecondition, "NO_NPM", "npm is not installed");
  Progress("installing the OpenID provider (once)");
  Command command;
  command.argv = {npm->string(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"};
  command.directory = dir;
  return RunCommand(std::move(command), std::chrono::seconds(300));
}

Result<RunOptions> Resolve(const UpOptions& options) {
  RunOptions run;
  std::error_code error;
  run.var = fs::absolute(options.var, error).lexically_normal();
  if (!run.var.has_filename()) run.var = run.var.parent_path();
  GF_ASSIGN(run.countries, ParseCountries(options.countries));
  GF_ASSIGN(run.layout, ParseLayout(options.layout));
  if (options.hsm != "none") {
    GF_ASSIGN(run.hsm, ParseCountries(options.hsm));
  }
  run.bin_dir = options.bin_dir.empty() ? ExecutableDir() : fs::absolute(options.bin_dir, error);
  run.sets = options.sets;
  run.images_dir = options.images_dir.empty() ? run.var / "images" : fs::absolute(options.images_dir, error);
  run.start_timeout = std::chrono::seconds(options.timeout_seconds);
  run.certificate_lifetime = std::chrono::seconds(options.certificate_lifetime);
  if (run.certificate_lifetime < kLeastCertificateLifetime) {
    return InvalidField("certificate-lifetime", "LIFETIME_TOO_SHORT", "must be at least {} seconds",
                        kLeastCertificateLifetime.count());
  }
  GF_ASSIGN(run.idp_dir, FindIdp(options.idp_dir, run.bin_dir));
  fs::create_directories(run.var, error);
  return run;
}

// Runs the federation in this process, which holds the lock.
Status RunHere(const RunOptions& run, const std::function<void(std::string_view)>& report,
                        const std::function<void()>& healthy) {
  signal(SIGPIPE, SIG_IGN);
  GF_TRY(WritePid(run.var));
  Status result = RunFederation(run, report, healthy);
  RemovePid(run.var);
  return result;
}

// The daemon tells the waiting command a line at a time: "+step", "=" when healthy, "!why" when it failed.
[[noreturn]] void Daemon(const RunOptions& run, int pipe) {
  setsid();
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int log = open((run.var / "up.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(1);
  auto tell = [pipe](std::string line) {
    for (char& c : line) c = c == '\n' ? ' ' : c;
    line += '\n';
    (void)!write(pipe, line.data(), line.size());
  };
  Status result = RunHere(
      run, [&](std::string_view line) { tell(fmt::format("+{}", line)); },
      [&] {
        tell("=");
        close(pipe);
      });
  if (!result.ok()) {
    fmt::print(stderr, "{}\n", Describe(result));
    tell("!" + Message(result));
  }
  std::fflush(nullptr);
  _exit(result.ok() ? 0 : 1);
}

// Forks the daemon and shows its progress until it is healthy or has failed.
Status RunInBackground(const RunOptions& run) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error(StatusCode::kInternal, "NO_PIPE", "cannot make a pipe");
  std::fflush(nullptr);
  pid_t daemon = fork();
  if (daemon == 0) {
    close(ends[0]);
    Daemon(run, ends[1]);
  }
  close(ends[1]);
  if (daemon < 0) {
    close(ends[0]);
    return Error(StatusCode::kInternal, "NO_FORK", "cannot start a process");
  }
  FILE* lines = fdopen(ends[0], "r");
  Status result = Error(StatusCode::kInternal, "DAEMON_FAILED", "the federation ended unexpectedly; see {}",
                                 (run.var / "up.log").string());
  char buffer[4096];
  while (lines != nullptr && std::fgets(buffer, sizeof buffer, lines) != nullptr) {
    std::string line(buffer);
    if (!line.empty() && line.back() == '\n') line.pop_back();
    if (line.starts_with('+')) Progress(line.substr(1));
    if (line == "=") result = absl::OkStatus();
    if (line.starts_with('!')) result = MakeError(StatusCode::kAborted, "START_FAILED", line.substr(1));
  }
  if (lines != nullptr) std::fclose(lines);
  if (!result.ok()) waitpid(daemon, nullptr, 0);
  return result;
}

}  // namespace

int Up(const UpOptions& options) {
  auto run = Resolve(options);
  if (!run.ok()) return Fail(run.status());
  auto lock = InstanceLock::TryTake(run->var);
  if (!lock.ok()) return Fail(lock.status());
  if (!lock->has_value()) {
    if (!options.given.empty()) {
      return Fail(Error(
          StatusCode::kFailedPrecondition, "ALREADY_RUNNING",
          "the federation is already running, and {} would have no effect: `genofed down` first",
          fmt::join(options.given, ", ")));
    }
    fmt::print("The federation is already running.\n{}", AddressTable(run->var));
    return 0;
  }
  if (auto installed = InstallIdp(run->idp_dir); !installed.ok()) return Fail(installed);
  std::string countries;
  for (const auto& country : run->countries) countries += (countries.empty() ? "" : ", ") + CountryName(country);
  fmt::print("Starting a hub and nodes for {}\n", countries);
  auto show = [&] {
    fmt::print("{}", AddressTable(run->var));
    std::fflush(stdout);
  };
  Status result = options.foreground ? RunHere(*run, Progress, show) : RunInBackground(*run);
  if (!result.ok()) return Fail(result);
  if (!options.foreground) show();
  return 0;
}

int Down(const DownOptions& options) {
  std::error_code error;
  if (!fs::exists(options.var / "up.lock", error)) {
    fmt::print("Nothing is running.\n");
    return 0;
  }
  bool told = false;
  bool killed = false;
  auto kill_at = std::chrono::steady_clock::now() + std::chrono::seconds(options.timeout_seconds);
  auto give_up_at = kill_at + std::chrono::seconds(15);
  while (true) {
    auto lock = InstanceLock::TryTake(options.var);
    if (!lock.ok()) return Fail(lock.status());
    if (lock->has_value()) break;
    auto now = std::chrono::steady_clock::now();
    if (now >= give_up_at) {
      return Fail(Error(StatusCode::kDeadlineExceeded, "STILL_RUNNING", "the federation does not stop"));
    }
    // Without a process id yet, `up` has only just begun: look again.
    if (auto pid = RunningPid(options.var)) {
      if (!told) kill(*pid, SIGTERM);
      told = true;
      if (!killed && now >= kill_at) {
        kill(*pid, SIGKILL);  // the kernel then ends its children
        killed = true;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  // What a killed federation left behind would mislead; a clean stop has removed it.
  fs::remove(options.var / "federation.json", error);
  RemovePid(options.var);
  fmt::print("{}\n", told ? "Stopped." : "Nothing is running.");
  return 0;
}

int ShowStatus(const StatusOptions& options) {
  std::error_code error;
  if (!fs::exists(options.var / "up.lock", error)) {
    fmt::print("The federation is not running.\n");
    return 3;
  }
  auto lock = InstanceLock::TryTake(options.var);
  if (!lock.ok()) return Fail(lock.status());
  if (lock->has_value()) {
    fmt::print("The federation is not running.\n");
    return 3;
  }
  fmt::print("{}{}", AddressTable(options.var), ProcessTable(options.var));
  return AllReady(options.var) ? 0 : 1;
}

Result<std::string> PersonaToken(const std::filesystem::path& var, std::string_view persona,
                                 std::string_view person_identifier, std::string_view site) {
  auto text = ReadFile(var / "federation.json", 4U << 20);
  auto document = text.ok() ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
  if (!document.is_object() || !document.contains("oidc") || !document["oidc"].is_object()) {
    return Error(StatusCode::kFailedPrecondition, "NOT_RUNNING", "no federation is running with {}; start one with "
                 "`genofed up`", var.string());
  }
  const auto& oidc = document["oidc"];
  auto member = [](const nlohmann::json& object, const char* name) {
    auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  LoginClient login(member(oidc, "issuer"), member(document, "ca_file"), member(oidc, "client_secret_file"));
  return login.Token(persona, person_identifier, site);
}

}  // namespace genofed::federation
