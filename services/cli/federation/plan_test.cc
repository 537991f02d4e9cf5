// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "services/cli/federation/federation_json.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

using Json = nlohmann::json;

TEST(PortBookTest, KeepsPortsOverRestarts) {
  TestDirectory dir;
  PortBook first(dir / "ports.json");
  int idp = first.Take("idp").value();
  int rest = first.Take("hub/rest").value();
  EXPECT_NE(idp, rest);
  EXPECT_LT(idp, 32768);  // below the ephemeral range
  ASSERT_TRUE(first.Save().ok());
  PortBook second(dir / "ports.json");
  int added = second.Take("fi/rest").value();
  EXPECT_NE(added, idp);
  EXPECT_NE(added, rest);
  EXPECT_EQ(second.Take("idp").value(), idp);
  EXPECT_EQ(second.Take("hub/rest").value(), rest);
}

TEST(PortBookTest, AvoidsAPortThatIsTaken) {
  TestDirectory dir;
  PortBook first(dir / "ports.json");
  int port = first.Take("idp").value();
  ASSERT_TRUE(first.Save().ok());
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  EXPECT_NE(PortBook(dir / "ports.json").Take("idp").value(), port);
  close(fd);
}

TEST(PortBookTest, IgnoresADamagedFile) {
  TestDirectory dir;
  std::ofstream(dir / "ports.json") << "{\"idp\": \"x\", \"hub/rest\": 99999999, ";
  EXPECT_TRUE(PortBook(dir / "ports.json").Take("idp").ok());
}

Plan TestPlan(const TestDirectory& dir, Layout layout) {
  PortBook ports(dir / "ports.json");
  return MakePlan(dir.path(), {"fi", "es"}, layout, ports).value();
}

TEST(PlanTest, EveryPortIsDifferent) {
  TestDirectory dir;
  Plan plan = TestPlan(dir, Layout::kServices);
  std::multiset<int> ports = {plan.idp_port};
  for (const SitePlan& site : plan.sites) {
    ports.insert(site.rest);
    for (const auto& [name, port] : site.grpc) ports.insert(port);
    for (const auto& [name, port] : site.admin) ports.insert(port);
  }
  EXPECT_EQ(ports.size(), 1U + 3U + 2U * (6U + 8U + 8U));
  EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), ports.size());
  EXPECT_EQ(plan.sites[0].site, "hub");
  EXPECT_EQ(plan.sites[1].country(), "FI");
}

// As much of JSON Schema as docs/federation.schema.json uses; other keywords fail the test.
void Validate(const Json& root, const Json& schema, const Json& value, const std::string& path) {
  static const std::set<std::string> kAnnotations = {"$schema", "$id",   "$comment", "$defs",
                                                     "title",   "description", "format", "pattern"};
  for (const auto& [keyword, argument] : schema.items()) {
    if (keyword == "$ref") {
      Validate(root, root.at(Json::json_pointer(argument.get<std::string>().substr(1))), value, path);
    } else if (keyword == "type") {
      EXPECT_EQ(argument, value.type_name()) << path;
    } else if (keyword == "required") {
      for (const std::string name : argument) EXPECT_TRUE(value.contains(name)) << path << "/" << name;
    } else if (keyword == "items") {
      for (const Json& item : value) Validate(root, argument, item, path + "[]");
    } else if (keyword == "properties") {
      for (const auto& [name, property] : argument.items()) {
        if (value.contains(name)) Validate(root, property, value[name], path + "/" + name);
      }
    } else if (keyword == "additionalProperties") {
      for (const auto& [name, member] : value.items()) {
        if (schema.contains("properties") && schema["properties"].contains(name)) continue;
        EXPECT_TRUE(argument != false) << path << "/" << name << " is not in the schema";
        if (argument.is_object()) Validate(root, argument, member, path + "/" + name);
      }
    } else {
      EXPECT_TRUE(kAnnotations.contains(keyword)) << keyword;
    }
  }
}

TEST(FederationJsonTest, ObeysItsSchema) {
  const char* source = std::getenv("GENOFED_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "needs GENOFED_SOURCE_DIR: the root of the source tree";
  std::ifstream in(std::filesystem::path(source) / "docs/federation.schema.json");
  ASSERT_TRUE(in);
  Json schema = Json::parse(in);
  TestDirectory dir;
  for (Layout layout : {Layout::kServices, Layout::kSite}) {
    Plan plan = TestPlan(dir, layout);
    std::map<std::string, std::string> tokens;
    for (const Persona& persona : plan.personas) tokens[persona.name] = "token-of-" + persona.name;
    Json document = Json::parse(FederationJson(plan, tokens, FromUnixSeconds(1'795'332'028)));
    Validate(schema, schema, document, "");
    EXPECT_EQ(document["nodes"].size(), 2U);
    EXPECT_EQ(document["nodes"][1]["country"], "ES");
    EXPECT_EQ(document["personas"]["citizen_es"]["token"], "token-of-citizen_es");
    EXPECT_EQ(document["personas"]["citizen_es"]["person_identifier"], "ES-P000001");
    EXPECT_FALSE(document["personas"]["dac_fi"].contains("person_identifier"));
    EXPECT_EQ(document["written"], "2026-11-22T07:20:28Z");
  }
}

}  // namespace
}  // namespace genofed::federation
