// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class SupervisorTest : public ::testing::Test {
 protected:
  Supervisor::Options Quick() {
    Supervisor::Options options;
    options.status_file = dir_ / "status.json";
    options.grace = milliseconds(1000);
    options.first_delay = milliseconds(20);
    options.longest_delay = milliseconds(100);
    return options;
  }
  ChildSpec Child(const std::string& name, std::vector<std::string> argv) {
    ChildSpec spec;
    spec.name = name;
    spec.command.argv = std::move(argv);
    spec.command.log_file = dir_ / (name + ".log");
    return spec;
  }
  nlohmann::json StatusFile() { return nlohmann::json::parse(ReadFile(dir_ / "status.json").value()); }
  static bool Alive(pid_t pid) { return kill(pid, 0) == 0; }

  SystemClock clock_;
  TestDirectory dir_;
};

TEST_F(SupervisorTest, StartsReportsAndStops) {
  pid_t pid = 0;
  {
    Supervisor supervisor(Quick(), clock_);
    ASSERT_TRUE(supervisor.Start(Child("sleeper", {"/bin/sleep", "60"})).ok());
    ASSERT_TRUE(supervisor.WaitReady(milliseconds(5000)).ok());
    ASSERT_EQ(supervisor.Children().size(), 1U);
    pid = supervisor.Children()[0].pid;
    EXPECT_TRUE(Alive(pid));
    EXPECT_EQ(StatusFile()["processes"][0]["state"], "ready");
    supervisor.StopAll();
    EXPECT_FALSE(Alive(pid));
    EXPECT_EQ(StatusFile()["processes"][0]["state"], "stopped");
    supervisor.StopAll();
  }
}

TEST_F(SupervisorTest, RestartsWhatCrashedWithGrowingDelay) {
  Supervisor supervisor(Quick(), clock_);
  // Crashes on its first three starts.
  auto script = dir_.Script("crash", "echo x >> " + (dir_ / "starts").string() + "\n[ $(wc -l < " +
                                         (dir_ / "starts").string() + ") -gt 3 ] || exit 1\nexec sleep 60");
  auto spec = Child("crashing", {script.string()});
  spec.ready = [this] { return ReadFile(dir_ / "starts").value_or("") == "x\nx\nx\nx\n"; };
  auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(supervisor.Start(spec).ok());
  ASSERT_TRUE(supervisor.WaitReady(milliseconds(20000)).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(20 + 40 + 80));
  EXPECT_EQ(supervisor.Children()[0].restarts, 3);
  EXPECT_EQ(supervisor.Children()[0].last_exit, "exit code 1");
  EXPECT_EQ(StatusFile()["processes"][0]["restarts"], 3);
}

TEST_F(SupervisorTest, RestartsAfterKill9) {
  Supervisor supervisor(Quick(), clock_);
  ASSERT_TRUE(supervisor.Start(Child("victim", {"/bin/sleep", "60"})).ok());
  ASSERT_TRUE(supervisor.WaitReady(milliseconds(5000)).ok());
  pid_t first = supervisor.Children()[0].pid;
  kill(first, SIGKILL);
  int ticks = 0;
  supervisor.RunUntilSignalled([&] {
    auto child = supervisor.Children()[0];
    if ((child.state == ChildState::kReady && child.pid != first) || ++ticks > 10) raise(SIGTERM);
  });
  EXPECT_NE(supervisor.Children()[0].pid, first);
  EXPECT_EQ(supervisor.Children()[0].restarts, 1);
  EXPECT_THAT(supervisor.Children()[0].last_exit, HasSubstr("signal 9"));
}

TEST_F(SupervisorTest, ConfigurationErrorFailsTheStartAtOnce) {
  Supervisor supervisor(Quick(), clock_);
  auto script = dir_.Script("wrong", "echo 'network.grpc: missing' >&2; exit 2");
  auto spec = Child("wrong", {script.string()});
  spec.ready = [] { return false; };
  ASSERT_TRUE(supervisor.Start(spec).ok());
  Status status = supervisor.WaitReady(milliseconds(20000));
  EXPECT_EQ(Reason(status), "CHILD_FAILED");
  EXPECT_THAT(Message(status), HasSubstr("network.grpc: missing"));
}

TEST_F(SupervisorTest, NamesWhatIsNotReady) {
  Supervisor supervisor(Quick(), clock_);
  auto spec = Child("slow", {"/bin/sleep", "60"});
  spec.ready = [] { return false; };
  ASSERT_TRUE(supervisor.Start(spec).ok());
  Status status = supervisor.WaitReady(milliseconds(200));
  EXPECT_EQ(Reason(status), "NOT_READY");
  EXPECT_THAT(Message(status), HasSubstr("slow"));
}

TEST_F(SupervisorTest, StopsHigherStagesFirstAndKillsWhatWillNotStop) {
  Supervisor supervisor(Quick(), clock_);
  auto log = (dir_ / "order").string();
  auto stubborn = dir_.Script("stubborn", "trap '' TERM\ntouch " + dir_.path().string() +
                                              "/$1.up\nwhile :; do sleep 0.02; done");
  auto add = [&](const std::filesystem::path& program, const std::string& name, int stage) {
    auto spec = Child(name, {program.string(), name});
    spec.stage = stage;
    spec.ready = [this, name] { return std::filesystem::exists(dir_ / (name + ".up")); };
    ASSERT_TRUE(supervisor.Start(spec).ok());
  };
  auto polite = dir_.Script("polite", "trap 'echo '\"$1\"' >> " + log + "; exit 0' TERM\ntouch " +
                                     dir_.path().string() +
                                     "/$1.up\nwhile :; do sleep 0.02; done");
  add(polite, "database", 0);
  add(stubborn, "stuck", 1);
  add(polite, "service", 2);
  ASSERT_TRUE(supervisor.WaitReady(milliseconds(5000)).ok());
  pid_t stuck = supervisor.Children()[1].pid;
  supervisor.StopAll();
  EXPECT_EQ(ReadFile(log).value(), "service\ndatabase\n");
  EXPECT_FALSE(Alive(stuck));
}

TEST_F(SupervisorTest, SigtermWhileStartingCancels) {
  Supervisor supervisor(Quick(), clock_);
  auto spec = Child("slow", {"/bin/sleep", "60"});
  spec.ready = [] {
    raise(SIGTERM);
    return false;
  };
  ASSERT_TRUE(supervisor.Start(spec).ok());
  EXPECT_EQ(supervisor.WaitReady(milliseconds(5000)).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace genofed::federation
