// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/fhir_registry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/fhir/testing_server.h"
#include "libs/testing/matchers.h"

namespace genofed::consent {
namespace {

using fhir::test::Fhir;
using fhir::test::FhirAnswer;
using fhir::test::FirstLine;
using fhir::test::ScriptedServer;
using genofed::testing::FakeClock;
using genofed::testing::IsOk;
using nlohmann::json;

// A Consent to secondary use by a guardian, of the Patient referred to.
json ByGuardian(const std::string& patient) {
  return {{"resourceType", "Consent"},
          {"id", "c1"},
          {"status", "active"},
          {"subject", {{"reference", patient}}},
          {"grantor", {{{"reference", "RelatedPerson/3"}}}},
          {"decision", "permit"},
          {"regulatoryBasis", {{{"coding", {{{"system", "s"}, {"code", "use"}}}}}}},
          {"provision", json::array()}};
}

std::string Page(const json& consent) {
  return json{
      {"resourceType", "Bundle"}, {"type", "searchset"}, {"entry", {{{"resource", consent}}}}}
      .dump();
}

std::string Patient(const std::string& more) {
  return R"({"resourceType": "Patient", "id": "7", "identifier": [{"value": "P7"}])" + more + "}";
}

class FhirRegistryTest : public ::testing::Test {
 protected:
  RegistryPull Pull(ScriptedServer& server) {
    FhirRegistryOptions options;
    options.server.base_url = server.url() + "/fhir";
    options.mapping = *ParseRegistryMapping(
        R"({"codes": [{"system": "s", "code": "use", "permissions": ["SEC"], "decision": "permit"}]})");
    const auto registry =
        MakeFhirRegistry(std::move(options), fhir::MakeNoToken(), clock_,
                         [](const Context& ctx, std::chrono::milliseconds) { return ctx.Alive(); });
    const auto pull = registry->Pull(Context::Background().WithTimeout(std::chrono::seconds(20)),
                                     std::nullopt, [this](RegistryEntry entry) {
                                       entries_.push_back(std::move(entry));
                                       return absl::OkStatus();
                                     });
    EXPECT_THAT(pull, IsOk());
    return pull.value_or(RegistryPull());
  }
  FakeClock clock_;
  std::vector<RegistryEntry> entries_;
};

TEST_F(FhirRegistryTest, ReadsThePatientOfAnAbsoluteReference) {
  ScriptedServer server({[](const std::string& request) {
                           return FhirAnswer(
                               200, Page(ByGuardian("http://" + fhir::test::Field(request, "Host") +
                                                    "/fhir/Patient/7")));
                         },
                         Fhir(200, Patient(R"(, "birthDate": "2020-05-04")"))});
  EXPECT_EQ(Pull(server).unusable, 0);
  EXPECT_EQ(FirstLine(server.requests().at(1)), "GET /fhir/Patient/7 HTTP/1.1");
  ASSERT_EQ(entries_.size(), 1u);
  EXPECT_EQ(entries_[0].person_identifier, "P7");
  EXPECT_EQ(entries_[0].says.permits.Names(), "SEC");
  EXPECT_TRUE(entries_[0].says.by_guardian);
  EXPECT_EQ(entries_[0].who.adult_at, *ParseRfc3339("2038-05-04T00:00:00Z"));
  EXPECT_EQ(entries_[0].who.born, *ParseRfc3339("2020-05-04T00:00:00Z"));
}

TEST_F(FhirRegistryTest, AGuardiansPermissionNeedsADateOfBirth) {
  ScriptedServer server({Fhir(200, Page(ByGuardian("Patient/7"))), Fhir(200, Patient(""))});
  Pull(server);
  ASSERT_EQ(entries_.size(), 1u);
  EXPECT_TRUE(entries_[0].unreadable);
  EXPECT_TRUE(entries_[0].says.permits.empty());
  EXPECT_EQ(entries_[0].refused, PermissionSet::All());
}

TEST_F(FhirRegistryTest, AConsentOfADeletedPatientIsHandedOnWithoutAPerson) {
  ScriptedServer server({Fhir(200, Page(ByGuardian("Patient/7"))), Fhir(410, "{}")});
  const RegistryPull pull = Pull(server);
  EXPECT_EQ(pull.unusable, 1);
  EXPECT_TRUE(pull.complete);
  ASSERT_EQ(entries_.size(), 1u);
  EXPECT_EQ(entries_[0].id, "c1");
  EXPECT_EQ(entries_[0].person_identifier, "");
}

TEST_F(FhirRegistryTest, WhatHasNoIdMakesAPullIncomplete) {
  json nameless = ByGuardian("Patient/7");
  nameless.erase("id");
  ScriptedServer server({Fhir(200, Page(nameless))});
  const RegistryPull pull = Pull(server);
  EXPECT_EQ(pull.unusable, 1);
  EXPECT_FALSE(pull.complete);
  EXPECT_TRUE(entries_.empty());
}

}  // namespace
}  // namespace genofed::consent
