// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "libs/core/file.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

using ::testing::HasSubstr;

TEST(SpawnTest, SaysWhyAProgramCannotRun) {
  Command command;
  command.argv = {"/nonexistent/program"};
  auto pid = Spawn(command);
  EXPECT_EQ(Reason(pid.status()), "CANNOT_RUN");
  EXPECT_THAT(Message(pid.status()), HasSubstr("No such file"));
}

TEST(RunCommandTest, AppendsOutputAndPassesEnvironment) {
  TestDirectory dir;
  Command command;
  command.argv = {"/bin/sh", "-c", "echo \"$GREETING from $(pwd)\"; echo oops >&2"};
  command.environment = {"GREETING=hello"};
  command.directory = dir.path();
  command.log_file = dir / "log";
  ASSERT_TRUE(RunCommand(command, std::chrono::seconds(10)).ok());
  EXPECT_EQ(ReadFile(dir / "log").value(), "hello from " + dir.path().string() + "\noops\n");
}

TEST(RunCommandTest, FailureQuotesTheOutput) {
  Command command;
  command.argv = {"/bin/sh", "-c", "echo it is broken; exit 3"};
  Status status = RunCommand(command, std::chrono::seconds(10));
  EXPECT_EQ(Reason(status), "COMMAND_FAILED");
  EXPECT_THAT(Message(status), HasSubstr("it is broken"));
}

TEST(RunCommandTest, StopsAtItsTimeout) {
  Command command;
  command.argv = {"/bin/sleep", "30"};
  EXPECT_EQ(Reason(RunCommand(command, std::chrono::seconds(1))), "COMMAND_TIMEOUT");
}

TEST(RunCommandsTest, RunSideBySide) {
  Command command;
  command.argv = {"/bin/sleep", "1"};
  auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(RunCommands({command, command, command}, std::chrono::seconds(20)).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(2900));
  Command wrong;
  wrong.argv = {"/bin/false"};
  EXPECT_EQ(Reason(RunCommands({command, wrong}, std::chrono::seconds(20))), "COMMAND_FAILED");
  EXPECT_TRUE(RunCommands({}, std::chrono::seconds(1)).ok());
}

TEST(SpawnTest, ChildDiesWithItsParentHoweverThatEnds) {
  TestDirectory dir;
  pid_t parent = fork();
  if (parent == 0) {
    Command command;
    command.argv = {"/bin/sleep", "60"};
    auto pid = Spawn(command);
    bool written = pid.ok() && WriteFileAtomically(dir / "pid", std::to_string(*pid)).ok();
    if (!written) _exit(1);
    raise(SIGKILL);
  }
  waitpid(parent, nullptr, 0);
  auto orphan = static_cast<pid_t>(std::stoi(ReadFile(dir / "pid").value()));
  // An orphan may stay a zombie when nobody reaps in a container: its state is what counts.
  auto alive = [&] {
    auto stat = ReadFile("/proc/" + std::to_string(orphan) + "/stat");
    return stat.ok() && stat->substr(stat->rfind(')') + 2, 1) != "Z";
  };
  for (int i = 0; i < 200 && alive(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(alive());
}

TEST(TailTest, StartsAtALine) {
  TestDirectory dir;
  ASSERT_TRUE(WriteFileAtomically(dir / "log", "first line\nsecond\nthird\n").ok());
  EXPECT_EQ(Tail(dir / "log", 15), "second\nthird\n");
  EXPECT_EQ(Tail(dir / "log"), "first line\nsecond\nthird\n");
  EXPECT_EQ(Tail(dir / "missing"), "");
}

}  // namespace
}  // namespace genofed::federation
