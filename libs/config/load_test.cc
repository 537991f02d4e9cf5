// SPDX-License-Identifier: Apache-2.0
#include "libs/config/load.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "libs/core/file.h"

namespace genofed::config {
namespace {

constexpr char kMinimal[] = R"({
  // Finland's node
  "site": {"role": "ROLE_NODE", "name": "fi", "domain": "1mg.example", "data_dir": "/d"},
  "network": {"certificate_file": "c", "private_key_file": "k", "bundle_file": "b"},
  "trust": {"trust_file": "t", "audience": "a"},
  "discovery": {"minimum_count": 7, "consent_max_staleness": "5s"}
})";

std::string WriteConfig(std::string_view text) {
  static int counter = 0;
  auto path = std::filesystem::temp_directory_path() /
              fmt::format("genofed-config-{}-{}", ::getpid(), counter++);
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

TEST(Load, LaterSourcesWin) {
  std::string file = WriteConfig(kMinimal),
              second = WriteConfig(R"({"discovery": {"minimum_count": 8}})");
  EXPECT_EQ(Load({{file}, {}})->discovery().minimum_count(), 7);
  EXPECT_EQ(Load({{file, second}, {}})->discovery().minimum_count(), 8);
  ::setenv("GENOFED_DISCOVERY_MINIMUM_COUNT", "9", 1);
  EXPECT_EQ(Load({{file, second}, {}})->discovery().minimum_count(), 9);
  EXPECT_EQ(Load({{file}, {"discovery.minimum_count=10"}})->discovery().minimum_count(), 10);
  ::unsetenv("GENOFED_DISCOVERY_MINIMUM_COUNT");
}

TEST(Load, WhatIsSaidLaterReplacesAlsoWithNothing) {
  const std::string first = WriteConfig(kMinimal);
  const std::string second = WriteConfig(R"({
    "spe": {"release_automatically": true, "allowed_workflows": ["a", "b"]},
    "discovery": {"hedge_after": "2.5s", "segment_key": {"env": "KEY"}, "segment_store": {"local": {"directory": "/shared"}}},
    "network": {"grpc": {"spe": "h:1", "access": "h:2"}, "certificate_file": "other"},
    "trust": {"role_bindings": [{"subject": "a", "roles": ["holder"]}]}})");
  const std::string third = WriteConfig(R"({
    "spe": {"release_automatically": false, "allowedWorkflows": ["c"]},
    "discovery": {"minimum_count": 0, "consent_max_staleness": "0.5s", "hedge_after": "0s", "segment_key": {"file": "/key"},
                  "segment_store": {"s3": {"bucket": "genomes"}}},
    "network": {"grpc": {"access": "h:3"}},
    "trust": {"role_bindings": []}})");
  ASSERT_TRUE(Load({{first, second}, {}})->spe().release_automatically());
  const auto config = Load({{first, second, third}, {}});
  ASSERT_TRUE(config.ok()) << Describe(config.status());
  EXPECT_FALSE(config->spe().release_automatically());
  EXPECT_EQ(config->discovery().minimum_count(), 0);
  EXPECT_EQ(DurationOr(true, config->discovery().consent_max_staleness(), {}).count(), 500)
      << "not 5.5 s";
  EXPECT_TRUE(config->discovery().has_hedge_after());
  EXPECT_EQ(DurationOr(true, config->discovery().hedge_after(), {}).count(), 0);
  ASSERT_EQ(config->spe().allowed_workflows_size(), 1);
  EXPECT_EQ(config->spe().allowed_workflows(0), "c");
  EXPECT_EQ(config->trust().role_bindings_size(), 0);
  EXPECT_EQ(config->discovery().segment_key().file(), "/key");
  EXPECT_EQ(config->discovery().segment_store().s3().bucket(), "genomes");
  EXPECT_EQ(config->network().grpc().at("access"), "h:3");
  // What the later layer does not say stays.
  EXPECT_EQ(config->network().grpc().at("spe"), "h:1");
  EXPECT_EQ(config->network().certificate_file(), "other");
  EXPECT_EQ(config->trust().trust_file(), "t");
  EXPECT_EQ(Load({{first, second}, {"spe.allowed_workflows=[]"}})->spe().allowed_workflows_size(),
            0);
}

TEST(Load, ErrorsNameTheKey) {
  auto unknown = Load({{WriteConfig(R"({"discovery": {"minimun_count": 8}})")}, {}});
  EXPECT_NE(Message(unknown.status()).find("minimun_count"), std::string::npos);
  auto wrong_type = Load({{WriteConfig(kMinimal)}, {"discovery.minimum_count=many"}});
  EXPECT_NE(Message(wrong_type.status()).find("discovery.minimum_count"), std::string::npos);
  auto missing = Load({{WriteConfig(R"({"site": {"role": "ROLE_HUB"}})")}, {}});
  EXPECT_EQ(Fields(missing.status()).at(0).field, "site.name");
  auto named_wrong = Load({{WriteConfig(kMinimal)}, {"site.name=hub"}});
  EXPECT_EQ(Fields(named_wrong.status()).at(0).field, "site.name");
}

TEST(Load, DisclosureControlIsOffOnLoopbackOnly) {
  const std::string file = WriteConfig(kMinimal);
  auto load = [&](std::vector<std::string> sets) {
    return Load({{file}, std::move(sets)}).status();
  };
  const std::string off = "discovery.disclosure_control=off";
  EXPECT_TRUE(load({"discovery.disclosure_control=on", "gateway.listen=0.0.0.0:443"}).ok());
  EXPECT_EQ(Reason(load({"discovery.disclosure_control=maybe"})), "CONFIG_INVALID");
  EXPECT_TRUE(load({off, "gateway.listen=127.0.0.1:443", "network.grpc.access=[::1]:5"}).ok());
  for (const char* listener : {"gateway.listen=0.0.0.0:443", "gateway.listen=:443",
                               "gateway.listen=localhost:443", "gateway.listen=127.0.0.1",
                               "network.grpc.discovery=192.0.2.1:5", "network.admin.site=[::]:5"}) {
    EXPECT_EQ(Reason(load({off, listener})), "DISCLOSURE_CONTROL_REQUIRED") << listener;
  }
}

TEST(Load, AStoreOfSegmentsHasAKey) {
  const std::string file = WriteConfig(kMinimal);
  auto refused = [&](std::vector<std::string> sets) -> std::string {
    const Status status = Load({{file}, std::move(sets)}).status();
    if (status.ok()) return "";
    EXPECT_EQ(Reason(status), "CONFIG_INVALID");
    return Fields(status).at(0).field;
  };
  const std::string key = "discovery.segment_key.env=KEY";
  const std::string local = "discovery.segment_store.local.directory=/shared";
  const std::string s3 = "discovery.segment_store.s3.bucket=genomes";
  EXPECT_EQ(refused({local, key}), "");
  EXPECT_EQ(refused({s3, key}), "");
  EXPECT_EQ(refused({local}), "discovery.segment_key");
  EXPECT_EQ(refused({s3}), "discovery.segment_key");
  EXPECT_EQ(refused({key}), "discovery.segment_store");
  EXPECT_EQ(refused({key, "discovery.segment_store={}"}), "discovery.segment_store");
}

TEST(Secret, ComesFromAFileAndLosesOneLineBreak) {
  v1::Secret secret;
  EXPECT_EQ(Reason(ReadSecret(secret, "postgres.password").status()), "SECRET_MISSING");
  secret.set_file(WriteConfig("hunter2\n"));
  EXPECT_EQ(ReadSecret(secret, "postgres.password").value(), "hunter2");
  EXPECT_EQ(ForService("/s/{service}/{service}.key", "spe"), "/s/spe/spe.key");
}

}  // namespace
}  // namespace genofed::config
