// SPDX-License-Identifier: Apache-2.0
//
// The probes every executor passes, here for OciRuntime with a real OCI runtime.
#include "services/spe/adapters/oci_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "libs/core/strings.h"
#include "services/spe/adapters/attempt_files.h"
#include "services/spe/adapters/cgroup.h"
#include "services/spe/adapters/oci_image_store.h"
#include "services/spe/adapters/test_image.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::HasSubstr;

// One image and one self-test for all tests of this file.
class OciRuntimeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!WhyNotHere().empty()) return;
    dir_ = new TestDir;
    auto digest = MakeTestImage(dir_->path() / "images" / "busybox");
    GF_CHECK(digest.ok());
    digest_ = new std::string(*digest);
  }
  static void TearDownTestSuite() {
    delete dir_;
    delete digest_;
    dir_ = nullptr;
    digest_ = nullptr;
  }

  void SetUp() override {
    if (const std::string why = WhyNotHere(); !why.empty()) GTEST_SKIP() << why;
    NewInstance();
    const Status tested = runtime_->SelfTest(Deadline());
    ASSERT_TRUE(tested.ok()) << Describe(tested);
  }
  void TearDown() override {
    if (!runtime_) return;
    const std::vector<AttemptId> left = runtime_->List().value();
    for (const AttemptId& id : left) {
      EXPECT_TRUE(runtime_->Kill(Deadline(), id).ok());
      EXPECT_TRUE(runtime_->Reap(id).ok());
    }
  }

  static Context Deadline() { return Context::Background().WithTimeout(seconds(60)); }

  // What a restarted service has: nothing but the state directory.
  void NewInstance() {
    images_ =
        std::make_unique<OciImageStore>(OciImageStoreOptions{.images_dir = dir_->path() / "images",
                                                             .cache_dir = dir_->path() / "cache",
                                                             .allowed = {*digest_}});
    runtime_ = std::make_unique<OciRuntime>(
        OciRuntimeOptions{.state_dir = dir_->path() / "state", .cgroup_parent = "/genofed-test"},
        *images_);
  }

  TaskSpec Shell(const std::string& script) {
    TaskSpec spec;
    spec.image = *digest_;
    spec.command = {"/bin/busybox", "sh", "-c", script};
    spec.output_dir = dir_->path() / fmt::format("out-{}", ++outputs_);
    spec.limits.memory_bytes = 64LL << 20;
    spec.limits.output_bytes = 1 << 20;
    spec.limits.tmp_bytes = 1 << 20;
    spec.limits.pids = 16;
    spec.limits.wall_time = seconds(30);
    fs::create_directory(spec.output_dir);
    return spec;
  }

  static AttemptId Id(const std::string& name) {
    return AttemptId::Parse("test-" + name + ".1").value();
  }

  AttemptReport Run(const AttemptId& id, const TaskSpec& spec) {
    const Status started = runtime_->Start(Deadline(), id, spec);
    EXPECT_TRUE(started.ok()) << Describe(started);
    auto report = runtime_->Wait(Deadline(), id);
    EXPECT_TRUE(report.ok()) << Describe(report.status());
    return report.ok() ? *report : AttemptReport{};
  }
  fs::path DirOf(const AttemptId& id) const {
    return dir_->path() / "state" / "attempts" / id.str();
  }
  std::string LogOf(const AttemptId& id) const { return ReadFile(TaskLog(DirOf(id))).value_or(""); }
  static Cgroup CgroupOf(const AttemptId& id) { return Cgroup("/genofed-test/" + id.str()); }

  // Waits until the task has printed `text`.
  bool Printed(const AttemptId& id, const std::string& text) const {
    for (int i = 0; i < 1000; ++i) {
      if (LogOf(id).find(text) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  // The process that holds the attempt's lock.
  static pid_t MonitorOf(const AttemptId& id) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const auto line = ReadFile(entry.path() / "cmdline");
      if (line.ok() && line->find("genofed-spe-monitor") != std::string::npos &&
          line->find(id.str()) != std::string::npos) {
        return std::stoi(entry.path().filename().string());
      }
    }
    return 0;
  }

  static inline TestDir* dir_ = nullptr;
  static inline std::string* digest_ = nullptr;
  static inline int outputs_ = 0;
  std::unique_ptr<OciImageStore> images_;
  std::unique_ptr<OciRuntime> runtime_;
};

TEST_F(OciRuntimeTest, RunsAProgramOnInputsAndKeepsOutputs) {
  const fs::path input = dir_->path() / "input";
  ASSERT_TRUE(WriteFileAtomically(input, "hello", 0444).ok());
  TaskSpec spec =
      Shell("echo to-log; cat /in/greeting > /out/copy; echo $FROM_IMAGE $FROM_TASK >> /out/copy");
  spec.inputs = {{input, "greeting"}};
  spec.environment = {{"FROM_TASK", "too"}};
  const AttemptId id = Id("run");
  const AttemptReport report = Run(id, spec);
  EXPECT_TRUE(report.succeeded()) << OutcomeName(report.outcome) << report.detail << LogOf(id);
  EXPECT_EQ(ReadFile(spec.output_dir / "copy").value_or(""), "helloyes too\n");
  EXPECT_EQ(LogOf(id), "to-log\n");
  EXPECT_GT(report.usage.wall_micros, 0);
  EXPECT_GT(report.usage.cpu_micros, 0);
  EXPECT_GT(report.usage.memory_peak_bytes, 0);
  EXPECT_FALSE(CgroupOf(id).Exists());

  EXPECT_TRUE(runtime_->Start(Deadline(), id, spec).ok());  // repeated: nothing runs again
  spec.environment["FROM_TASK"] = "other";
  EXPECT_EQ(Reason(runtime_->Start(Deadline(), id, spec)), "ATTEMPT_EXISTS");

  ASSERT_TRUE(runtime_->Reap(id).ok());
  EXPECT_FALSE(fs::exists(spec.output_dir / "copy"));
  EXPECT_EQ(runtime_->Poll(id).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(runtime_->Reap(id).ok());
}

TEST_F(OciRuntimeTest, ReportsTheExitCode) {
  EXPECT_EQ(Run(Id("exit"), Shell("exit 7")).exit_code, 7);
  EXPECT_EQ(Run(Id("signal"), Shell("/bin/busybox sh -c 'kill -KILL $$'; exit $?")).exit_code, 137);
  TaskSpec missing = Shell("");
  missing.command = {"/no/such/program"};
  const AttemptReport report = Run(Id("missing"), missing);
  EXPECT_EQ(report.outcome, Outcome::kSystemError);
  EXPECT_EQ(report.reason, "RUNTIME_FAILED");
  EXPECT_THAT(report.detail, HasSubstr("no such file"));
}

TEST_F(OciRuntimeTest, HasNoNetwork) {
  const AttemptId id = Id("network");
  const AttemptReport report =
      Run(id, Shell("busybox=/bin/busybox; $busybox nc -w 1 127.0.0.1 22; echo nc $?; "
                    "$busybox wget -T 1 http://192.0.2.1/; echo wget $?; "
                    "$busybox ls /sys/class/net; $busybox cat /proc/net/dev"));
  EXPECT_EQ(report.outcome, Outcome::kExited);
  EXPECT_THAT(LogOf(id), HasSubstr("nc 1"));
  EXPECT_THAT(LogOf(id), HasSubstr("wget 1"));
  EXPECT_THAT(LogOf(id), testing::Not(HasSubstr("eth0")));
}

TEST_F(OciRuntimeTest, WritesNowhereButOutAndTmp) {
  const fs::path input = dir_->path() / "protected";
  ASSERT_TRUE(WriteFileAtomically(input, "same", 0444).ok());
  const AttemptId id = Id("write");
  TaskSpec spec = Shell(
      "for f in /x /bin/x /etc/x /in/x /in/file /proc/sys/kernel/hostname /dev/x; do "
      "echo y > $f && echo WROTE $f; done; echo y > /tmp/x && echo y > /out/x && echo good");
  spec.inputs = {{input, "file"}};
  Run(id, spec);
  EXPECT_THAT(LogOf(id), testing::Not(HasSubstr("WROTE")));
  EXPECT_THAT(LogOf(id), HasSubstr("good"));
  EXPECT_EQ(ReadFile(input).value_or(""), "same");
}

TEST_F(OciRuntimeTest, BoundsOutputs) {
  const AttemptId id = Id("disk");
  TaskSpec spec = Shell(
      "/bin/busybox dd if=/dev/zero of=/out/big bs=64k count=64; echo dd $?; "
      "/bin/busybox seq 1 20000");
  spec.limits.output_files = 4;
  Run(id, spec);
  EXPECT_THAT(LogOf(id), testing::Not(HasSubstr("dd 0")));
  EXPECT_LE(fs::file_size(spec.output_dir / "big"), 1U << 20);
}

TEST_F(OciRuntimeTest, ReportsOutOfMemory) {
  const AttemptReport report = Run(Id("memory"), Shell("/bin/busybox tail /dev/zero"));
  EXPECT_EQ(report.outcome, Outcome::kOomKilled);
  EXPECT_GT(report.oom_kills, 0);
  EXPECT_FALSE(report.succeeded());
  // Also when the task itself says that all is well.
  EXPECT_EQ(Run(Id("memory-hidden"), Shell("/bin/busybox tail /dev/zero; exit 0")).outcome,
            Outcome::kOomKilled);
}

TEST_F(OciRuntimeTest, SurvivesAForkBomb) {
  TaskSpec spec = Shell("bomb() { bomb | bomb & }; bomb; /bin/busybox sleep 30");
  spec.limits.wall_time = seconds(2);
  const AttemptId id = Id("bomb");
  ASSERT_TRUE(runtime_->Start(Deadline(), id, spec).ok());
  std::size_t most = 0;
  AttemptReport report;
  while (!report.ended()) {
    most = std::max(most, CgroupOf(id).Processes().size());
    report = runtime_->Poll(id).value();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_LE(most, 16U);
  EXPECT_FALSE(CgroupOf(id).Exists());
}

TEST_F(OciRuntimeTest, EndsATaskThatRunsTooLong) {
  TaskSpec spec = Shell("trap '' TERM INT; while true; do /bin/busybox sleep 1; done");
  spec.limits.wall_time = seconds(1);
  const AttemptId id = Id("timeout");
  const AttemptReport report = Run(id, spec);
  EXPECT_EQ(report.outcome, Outcome::kTimedOut);
  EXPECT_GE(report.usage.wall_micros, 1'000'000);
  EXPECT_FALSE(CgroupOf(id).Exists());
}

TEST_F(OciRuntimeTest, KillLeavesNoProcess) {
  const AttemptId id = Id("kill");
  ASSERT_TRUE(runtime_
                  ->Start(Deadline(), id,
                          Shell("(/bin/busybox setsid /bin/busybox sleep 600 &); /bin/busybox "
                                "sleep 600 & echo up; wait"))
                  .ok());
  ASSERT_TRUE(Printed(id, "up"));
  const std::vector<pid_t> processes = CgroupOf(id).Processes();
  EXPECT_GE(processes.size(), 3U);
  EXPECT_EQ(Reason(runtime_->Reap(id)), "ATTEMPT_RUNNING");
  const auto report = runtime_->Kill(Deadline(), id);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->outcome, Outcome::kKilled);
  EXPECT_FALSE(CgroupOf(id).Exists());
  EXPECT_EQ(runtime_->Kill(Deadline(), id)->outcome, Outcome::kKilled);  // again: no effect
}

TEST_F(OciRuntimeTest, KillAfterTheEndKeepsTheOutcome) {
  const AttemptId id = Id("late-kill");
  Run(id, Shell("exit 3"));
  const auto report = runtime_->Kill(Deadline(), id);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->outcome, Outcome::kExited);
  EXPECT_EQ(report->exit_code, 3);
}

// The service is a child process here, killed -9 while its task runs.
TEST_F(OciRuntimeTest, ATaskOutlivesTheServiceAndIsAdopted) {
  const AttemptId id = Id("adopt");
  const fs::path go = dir_->path() / "go";
  TaskSpec spec =
      Shell("echo begun; while ! test -e /out/go; do /bin/busybox sleep 0.05; done; exit 5");
  const pid_t service = fork();
  if (service == 0) {
    if (!runtime_->Start(Deadline(), id, spec).ok()) _exit(1);
    pause();
  }
  ASSERT_TRUE(Printed(id, "begun"));
  kill(service, SIGKILL);
  waitpid(service, nullptr, 0);

  NewInstance();
  EXPECT_THAT(runtime_->List().value(), testing::ElementsAre(id));
  EXPECT_EQ(runtime_->Poll(id)->outcome, Outcome::kRunning);
  std::ofstream(spec.output_dir / "go").put('x');
  const auto report = runtime_->Wait(Deadline(), id);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->outcome, Outcome::kExited);
  EXPECT_EQ(report->exit_code, 5);
}

TEST_F(OciRuntimeTest, ATaskWhoseMonitorDiedIsEnded) {
  const AttemptId id = Id("orphan");
  ASSERT_TRUE(runtime_->Start(Deadline(), id, Shell("echo begun; /bin/busybox sleep 600")).ok());
  ASSERT_TRUE(Printed(id, "begun"));
  const pid_t monitor = MonitorOf(id);
  ASSERT_GT(monitor, 1);
  kill(monitor, SIGKILL);
  NewInstance();
  const auto report = runtime_->Wait(Deadline(), id);
  ASSERT_TRUE(report.ok()) << Describe(report.status());
  EXPECT_EQ(report->outcome, Outcome::kSystemError);
  EXPECT_EQ(report->reason, "MONITOR_LOST");
  EXPECT_FALSE(CgroupOf(id).Exists());
}

TEST_F(OciRuntimeTest, RefusesToStartUntested) {
  NewInstance();
  EXPECT_EQ(Reason(runtime_->Start(Deadline(), Id("untested"), Shell("true"))),
            "ISOLATION_UNTESTED");
}

TEST_F(OciRuntimeTest, RefusesBadSpecs) {
  TaskSpec spec = Shell("true");
  spec.inputs = {{dir_->path() / "absent", "x"}};
  EXPECT_EQ(Reason(runtime_->Start(Deadline(), Id("bad"), spec)), "NOT_A_FILE");
  spec.inputs = {{dir_->path() / "absent", "../x"}};
  EXPECT_EQ(Reason(runtime_->Start(Deadline(), Id("bad"), spec)), "BAD_NAME");
  spec = Shell("true");
  spec.image = "sha256:" + std::string(64, '0');
  EXPECT_EQ(Reason(runtime_->Start(Deadline(), Id("bad"), spec)), "IMAGE_NOT_ALLOWED");
  EXPECT_TRUE(runtime_->List().value().empty());
}

TEST_F(OciRuntimeTest, SelfTestNamesWhatIsMissing) {
  // A runtime that changes two limits of the bundle: the self-test must notice.
  const fs::path broken = dir_->path() / "broken-runc";
  ASSERT_TRUE(WriteFileAtomically(broken,
                                  "#!/bin/sh\nfor a; do [ \"$p\" = --bundle ] && b=$a; p=$a; done\n"
                                  "[ -n \"$b\" ] && sed -i 's/\"limit\": 23/\"limit\": 9999/; "
                                  "s/\"quota\": 87000/\"quota\": 50000/' $b/config.json\n"
                                  "exec runc \"$@\"\n",
                                  0755)
                  .ok());
  OciRuntime runtime({.runtime = broken.string(),
                      .state_dir = dir_->path() / "broken-state",
                      .cgroup_parent = "/genofed-test"},
                     *images_);
  const Status tested = runtime.SelfTest(Deadline());
  EXPECT_EQ(Reason(tested), "ISOLATION_INCOMPLETE");
  EXPECT_THAT(Message(tested), HasSubstr("pids-limit"));
  EXPECT_THAT(Message(tested), HasSubstr("process-limit"));
  EXPECT_THAT(Message(tested), HasSubstr("cpu-limit"));
  EXPECT_EQ(Reason(runtime.Start(Deadline(), Id("broken"), Shell("true"))), "ISOLATION_UNTESTED");
}

}  // namespace
}  // namespace genofed::spe
