// SPDX-License-Identifier: Apache-2.0
// The whole of `up` and `down`, with real PostgreSQL and OpenID provider and stand-ins for genofed-site.
#include "services/cli/federation/up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "services/cli/federation/instance.h"
#include "services/cli/federation/process.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// Answers /readyz at the admin address of its configuration, as genofed-site does.
constexpr char kSite[] = R"(import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const config = JSON.parse(readFileSync(process.argv[process.argv.indexOf('--config') + 1], 'utf8'));
const [host, port] = config.network.admin.site.split(':');
const status = (request) => (request.url === '/readyz' ? 200 : 404);
createServer((request, response) => response.writeHead(status(request)).end()).listen(+port, host);
)";

class UpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto node = FindInPath("node");
    if (!node || !FindInPath("npm")) GTEST_SKIP() << "needs node and npm";
    const char* source = std::getenv("GENOFED_SOURCE_DIR");
    if (source == nullptr) GTEST_SKIP() << "needs GENOFED_SOURCE_DIR: the root of the source tree";
    options_.idp_dir = std::filesystem::path(source) / "deploy/dev-idp";
    options_.countries = "FI";
    options_.var = dir_ / "var";
    options_.layout = "site";
    options_.bin_dir = dir_.path();
    ASSERT_TRUE(WriteFileAtomically(dir_ / "site.mjs", kSite).ok());
    dir_.Script("genofed-site", "exec " + node->string() + " " + (dir_ / "site.mjs").string() + " \"$@\"");
  }
  void TearDown() override { Down({options_.var, 60}); }

  Json Read(const char* name) { return Json::parse(ReadFile(options_.var / name).value_or("{}")); }
  Json ProcessOf(const std::string& name) {
    Json status = Read("status.json");
    for (const Json& process : status["processes"]) {
      if (process["name"] == name) return process;
    }
    return Json::object();
  }
  std::vector<pid_t> Pids() {
    Json status = Read("status.json");
    std::vector<pid_t> pids;
    for (const Json& process : status["processes"]) pids.push_back(process["pid"].get<pid_t>());
    return pids;
  }
  static bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 300; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  // Alive and no zombie: in a container nobody may reap an orphan.
  static bool Alive(pid_t pid) {
    auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    return stat.ok() && stat->substr(stat->rfind(')') + 2, 1) != "Z";
  }

  TestDirectory dir_;
  UpOptions options_;
};

TEST_F(UpTest, UpTwiceDownTwice) {
  ASSERT_EQ(Up(options_), 0);
  Json federation = Read("federation.json");
  EXPECT_EQ(federation["nodes"].size(), 1U);
  EXPECT_EQ(ShowStatus({options_.var}), 0);

  ::testing::internal::CaptureStdout();
  EXPECT_EQ(Up(options_), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("already running"));
  EXPECT_EQ(Read("federation.json"), federation);
  // It goes on as it is: what it may not be running with is refused.
  UpOptions other = options_;
  other.sets = {"fi:discovery.disclosure_control=off"};
  other.given = {"--set", "--disclosure-control"};
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Up(other), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("--set, --disclosure-control would have no effect"));
  EXPECT_EQ(ShowStatus({options_.var}), 0);

  std::vector<pid_t> pids = Pids();
  EXPECT_EQ(pids.size(), 5U);  // two databases, the login service, two sites
  EXPECT_EQ(Down({options_.var, 60}), 0);
  for (pid_t pid : pids) EXPECT_FALSE(Alive(pid)) << pid;
  EXPECT_FALSE(std::filesystem::exists(options_.var / "federation.json"));
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(Down({options_.var, 60}), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("Nothing is running"));
  EXPECT_EQ(ShowStatus({options_.var}), 3);
}

TEST_F(UpTest, TokensOfPersonas) {
  ASSERT_EQ(Up(options_), 0);
  auto claims = [](const std::string& token) {
    return Json::parse(Base64UrlDecode(Split(token, '.')[1]).value());
  };
  Json federation = Read("federation.json");
  for (const auto& [name, persona] : federation["personas"].items()) {
    Json said = claims(persona["token"].get<std::string>());
    EXPECT_EQ(said["sub"], persona["subject"]) << name;
    EXPECT_EQ(said["aud"], "urn:genofed:site:" + persona["site"].get<std::string>()) << name;
    EXPECT_EQ(said["iss"], federation["oidc"]["issuer"]);
  }
  auto other = PersonaToken(options_.var, "citizen_fi", "FI-P000007");
  ASSERT_TRUE(other.ok()) << Describe(other.status());
  EXPECT_EQ(claims(*other)["person_identifier"], "FI-P000007");
  EXPECT_EQ(Reason(PersonaToken(options_.var, "researcher", "FI-P000007").status()), "LOGIN_REFUSED");
  auto abroad = PersonaToken(options_.var, "researcher", "", "fi");
  ASSERT_TRUE(abroad.ok()) << Describe(abroad.status());
  EXPECT_EQ(claims(*abroad)["aud"], "urn:genofed:site:fi");
  EXPECT_EQ(Reason(PersonaToken(options_.var, "citizen_fi", "", "hub").status()), "LOGIN_REFUSED");
  EXPECT_EQ(Reason(PersonaToken(options_.var, "nobody").status()), "LOGIN_REFUSED");
  EXPECT_EQ(Reason(PersonaToken(dir_ / "elsewhere", "researcher").status()), "NOT_RUNNING");
}

TEST_F(UpTest, KilledServicesComeBackAndTheIssuerStays) {
  ASSERT_EQ(Up(options_), 0);
  Json issuer = Read("federation.json")["oidc"]["issuer"];
  pid_t victim = ProcessOf("fi/site")["pid"].get<pid_t>();
  kill(victim, SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    Json process = ProcessOf("fi/site");
    return process["state"] == "ready" && process["pid"] != victim;
  }));
  EXPECT_EQ(ProcessOf("fi/site")["restarts"], 1);
  ASSERT_EQ(Down({options_.var, 60}), 0);
  ASSERT_EQ(Up(options_), 0);
  EXPECT_EQ(Read("federation.json")["oidc"]["issuer"], issuer);
}

TEST_F(UpTest, NothingOutlivesAKilledSupervisor) {
  ASSERT_EQ(Up(options_), 0);
  std::vector<pid_t> pids = Pids();
  auto supervisor = RunningPid(options_.var);
  ASSERT_TRUE(supervisor.has_value());
  kill(*supervisor, SIGKILL);
  ASSERT_EQ(pids.size(), 5U);
  for (pid_t pid : pids) EXPECT_TRUE(Eventually([&] { return !Alive(pid); })) << pid;
  EXPECT_EQ(ShowStatus({options_.var}), 3);
  EXPECT_EQ(Up(options_), 0);
}

TEST_F(UpTest, FailureNamesTheServiceAndLeavesNothing) {
  dir_.Script("genofed-site", "echo 'site.name: must be set' >&2; exit 2");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Up(options_), 1);
  std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("/site does not start"));
  EXPECT_THAT(said, HasSubstr("site.name: must be set"));
  EXPECT_FALSE(RunningPid(options_.var).has_value());
  EXPECT_FALSE(std::filesystem::exists(options_.var / "federation.json"));
}

TEST_F(UpTest, MissingExecutableIsNamed) {
  std::filesystem::remove(dir_ / "genofed-site");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Up(options_), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("not in " + dir_.path().string() + ": genofed-site"));
}

TEST_F(UpTest, WrongOptions) {
  options_.countries = "FIN";
  EXPECT_EQ(Up(options_), 1);
  options_.countries = "FI";
  options_.layout = "pods";
  EXPECT_EQ(Up(options_), 1);
}

TEST(InstanceTest, APidThatWasReusedIsNotOurs) {
  TestDirectory dir;
  ASSERT_TRUE(WritePid(dir.path()).ok());
  EXPECT_EQ(RunningPid(dir.path()), getpid());
  ASSERT_TRUE(WriteFileAtomically(dir / "up.pid", std::to_string(getpid()) + " 1\n").ok());
  EXPECT_FALSE(RunningPid(dir.path()).has_value());
  ASSERT_TRUE(WriteFileAtomically(dir / "up.pid", "nonsense").ok());
  EXPECT_FALSE(RunningPid(dir.path()).has_value());
}

}  // namespace
}  // namespace genofed::federation
