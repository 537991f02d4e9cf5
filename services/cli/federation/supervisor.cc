// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/supervisor.h"

#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "libs/core/file.h"
#include "libs/core/strings.h"

namespace genofed::federation {
namespace {

using Steady = std::chrono::steady_clock;
constexpr auto kPoll = std::chrono::milliseconds(50);
constexpr int kConfigurationError = 2;

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

std::string_view StateName(ChildState state) {
  switch (state) {
    case ChildState::kStarting:
      return "starting";
    case ChildState::kReady:
      return "ready";
    case ChildState::kWaiting:
      return "waiting to restart";
    case ChildState::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::string DescribeExit(int status) {
  if (WIFEXITED(status)) return fmt::format("exit code {}", WEXITSTATUS(status));
  return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

}  // namespace

struct Supervisor::Child {
  ChildSpec spec;
  ChildStatus status;
  Steady::time_point since;       // of the present state
  Steady::time_point restart_at;  // while kWaiting
  std::chrono::milliseconds delay{0};
  bool was_ready = false;
  int crashes = 0;  // since it was last stable
  bool configuration_error = false;
};

Supervisor::Supervisor(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {
  sigset_t ours = OurSignals();
  sigprocmask(SIG_BLOCK, &ours, &previous_mask_);
}

Supervisor::~Supervisor() {
  StopAll();
  sigprocmask(SIG_SETMASK, &previous_mask_, nullptr);
}

Status Supervisor::Start(ChildSpec spec) {
  auto child = std::make_unique<Child>();
  child->spec = std::move(spec);
  child->status.name = child->spec.name;
  child->delay = options_.first_delay;
  GF_TRY(Launch(*child));
  children_.push_back(std::move(child));
  changed_ = true;
  return absl::OkStatus();
}

Status Supervisor::Launch(Child& child) {
  GF_ASSIGN(child.status.pid, Spawn(child.spec.command));
  child.status.state = ChildState::kStarting;
  child.since = Steady::now();
  changed_ = true;
  return absl::OkStatus();
}

void Supervisor::Reap(Child& child) {
  int status = 0;
  if (child.status.pid == 0 || waitpid(child.status.pid, &status, WNOHANG) != child.status.pid) return;
  child.status.pid = 0;
  child.status.last_exit = DescribeExit(status);
  child.configuration_error = WIFEXITED(status) && WEXITSTATUS(status) == kConfigurationError;
  if (child.status.state == ChildState::kReady && Steady::now() - child.since >= options_.stable_after) {
    child.crashes = 0;
    child.delay = options_.first_delay;
  }
  ++child.crashes;
  child.status.state = ChildState::kWaiting;
  child.since = Steady::now();
  child.restart_at = child.since + child.delay;
  Log(fmt::format("{} ended with {}, restarting in {} ms", child.status.name, child.status.last_exit,
                  child.delay.count()));
  child.delay = std::min(child.delay * 2, options_.longest_delay);
  changed_ = true;
}

void Supervisor::CheckReady(Child& child) {
  if (child.status.state != ChildState::kStarting || (child.spec.ready && !child.spec.ready())) return;
  child.status.state = ChildState::kReady;
  child.since = Steady::now();
  child.was_ready = true;
  if (child.status.restarts > 0) Log(fmt::format("{} is ready again", child.status.name));
  changed_ = true;
}

bool Supervisor::Serve(std::chrono::milliseconds wait) {
  sigset_t ours = OurSignals();
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  timespec limit{seconds.count(), std::chrono::nanoseconds(wait - seconds).count()};
  int signal = sigtimedwait(&ours, nullptr, &limit);
  told_to_stop_ = told_to_stop_ || signal == SIGTERM || signal == SIGINT;
  if (told_to_stop_) return false;
  for (auto& child : children_) {
    Reap(*child);
    if (child->status.state == ChildState::kWaiting && Steady::now() >= child->restart_at) {
      ++child->status.restarts;
      if (auto launched = Launch(*child); !launched.ok()) {
        Log(Describe(launched));
        child->restart_at = Steady::now() + child->delay;
      }
    }
    CheckReady(*child);
  }
  if (std::exchange(changed_, false)) WriteStatus();
  return true;
}

Status Supervisor::StartFailure() const {
  for (const auto& child : children_) {
    if (child->was_ready || child->crashes == 0) continue;
    if (child->configuration_error || child->crashes >= options_.start_attempts) {
      return Error(StatusCode::kAborted, "CHILD_FAILED", "{} does not start ({}): {}", child->status.name,
                   child->status.last_exit, Trim(Tail(child->spec.command.log_file, 800)));
    }
  }
  return absl::OkStatus();
}

Status Supervisor::WaitReady(std::chrono::milliseconds timeout, const std::function<void()>& tick) {
  auto end = Steady::now() + timeout;
  while (true) {
    if (!Serve(kPoll)) return Error(StatusCode::kCancelled, "STOPPED", "told to stop while starting");
    if (tick) tick();
    GF_TRY(StartFailure());
    std::string missing;
    for (const auto& child : children_) {
      if (child->status.state != ChildState::kReady) missing += " " + child->status.name;
    }
    if (missing.empty()) return absl::OkStatus();
    if (Steady::now() >= end) {
      return Error(StatusCode::kDeadlineExceeded, "NOT_READY", "not ready after {} s:{}", timeout.count() / 1000,
                   missing);
    }
  }
}

void Supervisor::RunUntilSignalled(const std::function<void()>& tick) {
  auto next = Steady::now();
  while (true) {
    bool busy = std::any_of(children_.begin(), children_.end(),
                            [](const auto& child) { return child->status.state != ChildState::kReady; });
    if (!Serve(busy ? kPoll * 4 : std::chrono::milliseconds(1000))) return;
    if (tick && Steady::now() >= next) {
      next = Steady::now() + std::chrono::seconds(1);
      tick();
    }
  }
}

void Supervisor::StopStage(int stage) {
  auto running = [&](const auto& child) { return child->spec.stage == stage && child->status.pid != 0; };
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
    if (running(*child)) kill((*child)->status.pid, (*child)->spec.stop_signal);
  }
  auto end = Steady::now() + options_.grace;
  bool killed = false;
  while (std::any_of(children_.begin(), children_.end(), running)) {
    if (!killed && Steady::now() >= end) {
      killed = true;
      for (auto& child : children_) {
        if (!running(child)) continue;
        Log(fmt::format("{} did not stop in time, killing it", child->status.name));
        kill(child->status.pid, SIGKILL);
      }
    }
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    timespec limit{0, 50'000'000};
    sigtimedwait(&child_signal, nullptr, &limit);
    for (auto& child : children_) {
      int status = 0;
      if (!running(child) || waitpid(child->status.pid, &status, WNOHANG) != child->status.pid) continue;
      child->status.pid = 0;
      child->status.last_exit = DescribeExit(status);
    }
  }
}

void Supervisor::StopAll() {
  if (children_.empty()) return;
  std::vector<int> stages;
  for (const auto& child : children_) stages.push_back(child->spec.stage);
  std::sort(stages.begin(), stages.end(), std::greater<>());
  stages.erase(std::unique(stages.begin(), stages.end()), stages.end());
  for (int stage : stages) StopStage(stage);
  for (auto& child : children_) child->status.state = ChildState::kStopped;
  WriteStatus();
  children_.clear();
}

std::vector<ChildStatus> Supervisor::Children() const {
  std::vector<ChildStatus> all;
  for (const auto& child : children_) all.push_back(child->status);
  return all;
}

// Standard error: the terminal of `genofed up --foreground`, or var/up.log.
void Supervisor::Log(std::string_view line) const {
  fmt::print(stderr, "{} {}\n", FormatRfc3339(clock_.Now()), line);
}

void Supervisor::WriteStatus() {
  if (options_.status_file.empty()) return;
  auto processes = nlohmann::ordered_json::array();
  for (const auto& child : children_) {
    const ChildStatus& status = child->status;
    nlohmann::ordered_json row = {{"name", status.name}, {"state", StateName(status.state)},
                                  {"restarts", status.restarts}, {"log", child->spec.command.log_file.string()}};
    if (status.pid != 0) row["pid"] = status.pid;
    if (!status.last_exit.empty()) row["last_exit"] = status.last_exit;
    processes.push_back(std::move(row));
  }
  nlohmann::ordered_json document = {
      {"pid", getpid()}, {"updated", FormatRfc3339(clock_.Now())}, {"processes", std::move(processes)}};
  if (Status written = WriteFileAtomically(options_.status_file, document.dump(2) + "\n"); !written.ok()) {
    Log(Describe(written));
  }
}

}  // namespace genofed::federation
