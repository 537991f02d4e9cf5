// SPDX-License-Identifier: Apache-2.0
//
// Keeps the processes of a development federation alive. Single-threaded: children are bound to the thread that
// started them, so one thread makes the Supervisor and calls everything on it.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "services/cli/federation/process.h"

namespace genofed::federation {

struct ChildSpec {
  std::string name;  // "fi/catalogue", unique
  Command command;
  int stop_signal = SIGTERM;
  // Children of a higher stage are stopped before those of a lower one.
  int stage = 0;
  // Asked until it says yes after each start. Must return within a second or two.
  std::function<bool()> ready;
};

enum class ChildState { kStarting, kReady, kWaiting, kStopped };  // kWaiting: crashed, to be restarted

struct ChildStatus {
  std::string name;
  ChildState state = ChildState::kStopped;
  pid_t pid = 0;
  int restarts = 0;
  std::string last_exit;  // "exit code 2", "signal 9 (Killed)"; empty while it never ended
};

class Supervisor {
 public:
  struct Options {
    std::filesystem::path status_file;           // rewritten on every change; mode 0644
    std::chrono::milliseconds grace{10000};      // from the stop signal to SIGKILL, per stage
    std::chrono::milliseconds first_delay{500};  // before the first restart; doubles each time
    std::chrono::milliseconds longest_delay{30000};
    // A child that was ready this long is forgiven its earlier crashes.
    std::chrono::milliseconds stable_after{60000};
    // A child that never became ready fails the start after this many crashes; with exit code 2 (a configuration
    // error, by convention) at once.
    int start_attempts = 4;
  };

  // Blocks SIGTERM, SIGINT and SIGCHLD in the calling thread for the lifetime of the object.
  Supervisor(Options options, const Clock& clock);
  ~Supervisor();  // stops everything
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts one more child; FailedPrecondition when its program cannot be run.
  Status Start(ChildSpec spec);
  // Serves the children until every one of them is ready. DeadlineExceeded names those that are not; Aborted names
  // a child that cannot start and quotes its log; Cancelled on SIGTERM or SIGINT. `tick` is called now and then.
  Status WaitReady(std::chrono::milliseconds timeout, const std::function<void()>& tick = {});
  // Serves the children until SIGTERM or SIGINT; `tick` is called about once a second.
  void RunUntilSignalled(const std::function<void()>& tick);
  // Stops the children in reverse order: each stage gets its signal, the grace time, then SIGKILL. Idempotent.
  void StopAll();

  std::vector<ChildStatus> Children() const;

 private:
  struct Child;
  Status Launch(Child& child);
  // Waits for a signal at most `wait`, then reaps, restarts and asks for readiness. False once told to stop.
  bool Serve(std::chrono::milliseconds wait);
  void Reap(Child& child);
  void CheckReady(Child& child);
  Status StartFailure() const;
  void StopStage(int stage);
  void Log(std::string_view line) const;
  void WriteStatus();

  Options options_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Child>> children_;
  sigset_t previous_mask_;
  bool told_to_stop_ = false;
  bool changed_ = true;
};

}  // namespace genofed::federation
