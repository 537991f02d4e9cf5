// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/fhir_clinical_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/fhir/testing_server.h"
#include "libs/testing/matchers.h"

namespace genofed::onboarding {
namespace {

using fhir::test::Fhir;
using fhir::test::FirstLine;
using fhir::test::json;
using fhir::test::ScriptedServer;
using genofed::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

fhir::test::Step Page(const std::vector<json>& resources) {
  json bundle = {{"resourceType", "Bundle"}, {"type", "searchset"}, {"entry", json::array()}};
  for (const json& resource : resources) bundle["entry"].push_back({{"resource", resource}});
  return Fhir(200, bundle.dump());
}

const json kPatient = json::parse(
    R"({"resourceType":"Patient","id":"a","meta":{"versionId":"2","lastUpdated":"2026-01-01T00:00:00Z"},
                                      "text":{"div":"Anna"},"gender":"female"})");
json About(const char* type, const char* id, const json& whose) {
  json resource = {{"resourceType", type}, {"id", id}};
  resource.update(whose);
  return resource;
}

struct Server {
  explicit Server(std::vector<fhir::test::Step> steps, FhirServerOptions options = {})
      : scripted(std::move(steps)) {
    options.server.base_url = scripted.url() + "/r4";
    server = MakeFhirClinicalServer(std::move(options), fhir::MakeNoToken(), clock);
  }
  ClinicalServer::Sink Sink() {
    return [this](const PulledResource& resource) {
      seen.push_back(resource.key + " of " + resource.patient);
      lines.push_back(resource.line);
      return absl::OkStatus();
    };
  }
  std::vector<std::string> Targets() const {
    std::vector<std::string> targets;
    for (const std::string& request : scripted.requests()) targets.push_back(FirstLine(request));
    return targets;
  }
  testing::FakeClock clock;
  ScriptedServer scripted;
  std::unique_ptr<ClinicalServer> server;
  std::vector<std::string> seen, lines;
};

TEST(FhirClinicalServer, KnowsWhomResourcesOfBothVersionsAreAbout) {
  Server server(
      {Page({kPatient}),
       Page({About("Condition", "1", {{"subject", {{"reference", "Patient/a"}}}}),
             About("Condition", "2", {{"subject", {{"reference", "Group/a"}}}})}),
       Page({About("Observation", "3", {{"subject", {{"reference", "Patient/a/_history/4"}}}}),
             About("Observation", "4", json::object())}),
       Page({About("Consent", "5", {{"patient", {{"reference", "Patient/a"}}}}),
             About("Consent", "6", {{"subject", {{"reference", "Patient/a"}}}}),
             About("Consent", "7", {{"patient", {{"reference", "NoPatient/a"}}}})})});
  const auto summary = server.server->Everything(Context::Background(), server.Sink());
  ASSERT_THAT(summary, IsOk());
  EXPECT_THAT(server.seen, ElementsAre("Patient/a of a", "Condition/1 of a", "Observation/3 of a",
                                       "Consent/5 of a", "Consent/6 of a"));
  EXPECT_EQ(summary->unusable, 3);
  EXPECT_EQ(server.lines[0], R"({"gender":"female","id":"a","resourceType":"Patient"})")
      << "neither versions nor narrative";
  EXPECT_THAT(server.Targets(), ElementsAre("GET /r4/Patient?_count=200 HTTP/1.1",
                                            "GET /r4/Condition?_count=200 HTTP/1.1",
                                            "GET /r4/Observation?_count=200 HTTP/1.1",
                                            "GET /r4/Consent?_count=200 HTTP/1.1"));
}

TEST(FhirClinicalServer, PatientsOfOtherServersAreOtherPeople) {
  for (const char* base : {"https://fhir.example/r4", "https://fhir.example/r4/"}) {
    EXPECT_EQ(PatientOf("Patient/7", base), "7");
    EXPECT_EQ(PatientOf("Patient/7/_history/2", base), "7");
    EXPECT_EQ(PatientOf("https://fhir.example/r4/Patient/7", base), "7");
    EXPECT_EQ(PatientOf("https://fhir.example/r4/Patient/7/_history/2", base), "7");
    for (const char* other :
         {"https://other.example/r4/Patient/7", "https://fhir.example/r5/Patient/7",
          "https://fhir.example/r4evil/Patient/7", "Group/7", "NoPatient/7", "Patient/", "Patient",
          "7", ""}) {
      EXPECT_EQ(PatientOf(other, base), "") << other;
    }
  }
}

TEST(FhirClinicalServer, AsksOnlyWhoChanged) {
  FhirServerOptions options;
  options.filters = {{"Observation", "category=exam"}};
  Server server({Page({kPatient}),
                 Page({About("Condition", "1", {{"subject", {{"reference", "Patient/b"}}}})}),
                 Page({}), Page({})},
                options);
  std::set<std::string> patients;
  ASSERT_THAT(
      server.server->ChangedSince(Context::Background(), FromUnixSeconds(1'767'225'600), patients),
      IsOk());
  EXPECT_THAT(patients, UnorderedElementsAre("a", "b"));
  EXPECT_EQ(
      server.Targets()[0],
      "GET "
      "/r4/Patient?_lastUpdated=ge2026-01-01T00%3A00%3A00Z&_elements=id,subject,patient&_count=200 "
      "HTTP/1.1");
  EXPECT_EQ(server.Targets()[2],
            "GET "
            "/r4/"
            "Observation?_lastUpdated=ge2026-01-01T00%3A00%3A00Z&_elements=id,subject,patient&"
            "category=exam&_count=200 HTTP/1.1");
}

TEST(FhirClinicalServer, AsksForRecordsByPatientAndTakesNobodyElses) {
  Server server(
      {Page({kPatient, {{"resourceType", "Patient"}, {"id", "z"}}}), Page({}), Page({}), Page({})});
  ASSERT_THAT(server.server->RecordsOf(Context::Background(), {"a", "b"}, server.Sink()), IsOk());
  EXPECT_THAT(server.seen, ElementsAre("Patient/a of a"));
  EXPECT_EQ(server.Targets()[0], "GET /r4/Patient?_id=a,b&_count=200 HTTP/1.1");
  EXPECT_EQ(server.Targets()[3], "GET /r4/Consent?patient=Patient/a,Patient/b&_count=200 HTTP/1.1");
}

TEST(FhirClinicalServer, AsksForMembersOfTheGroup) {
  FhirServerOptions options;
  options.group = "g1";
  const json group = json::parse(
      R"({"resourceType":"Group","id":"g1","member":[{"entity":{"reference":"Patient/a"}},
    {"entity":{"reference":"Patient/left"},"inactive":true},{"entity":{"reference":"Device/d"}}]})");
  Server server(
      {Fhir(200, group.dump()), Page({kPatient, {{"resourceType", "Patient"}, {"id", "left"}}}),
       Page({}), Page({}), Page({})},
      options);
  ASSERT_THAT(server.server->Everything(Context::Background(), server.Sink()), IsOk());
  EXPECT_THAT(server.seen, ElementsAre("Patient/a of a"));
}

TEST(FhirClinicalServer, ExportsInBulk) {
  FhirServerOptions options;
  options.group = "g1";
  options.bulk_export = true;
  const auto self = [](const std::string& r) { return "http://" + fhir::test::Field(r, "Host"); };
  Server server(
      {[&](const std::string& r) {
         return ScriptedServer::Answer(202, "", "Content-Location: " + self(r) + "/jobs/1\r\n");
       },
       [&](const std::string& r) {
         const json manifest = {{"transactionTime", "2026-01-02T00:00:00Z"},
                                {"output", {{{"type", "Patient"}, {"url", self(r) + "/f"}}}},
                                {"deleted", {{{"type", "Bundle"}, {"url", self(r) + "/d"}}}}};
         return ScriptedServer::Answer(200, manifest.dump());
       },
       [](const std::string&) {
         return ScriptedServer::Answer(200, kPatient.dump() + "\n",
                                       "Content-Type: application/fhir+ndjson\r\n");
       },
       [](const std::string&) { return ScriptedServer::Answer(202); }},
      options);
  std::set<std::string> patients;
  const auto summary =
      server.server->ChangedSince(Context::Background(), FromUnixSeconds(1'767'225'600), patients);
  ASSERT_THAT(summary, IsOk());
  EXPECT_THAT(patients, ElementsAre("a"));
  EXPECT_TRUE(summary->deletions);
  EXPECT_EQ(FormatRfc3339(summary->as_of), "2026-01-02T00:00:00Z");
  EXPECT_THAT(server.Targets()[0], StartsWith("GET /r4/Group/g1/$export?"));
}

}  // namespace
}  // namespace genofed::onboarding
