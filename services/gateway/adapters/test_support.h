// SPDX-License-Identifier: Apache-2.0
//
// What the gateway's tests share: a site, requests made by hand, services that answer from a
// script, and the official JSON schemas.
#pragma once

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/file.h"
#include "libs/http/router.h"
#include "libs/testing/temporary_directory.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

inline SiteFacts TestSite(bool hub = false) {
  SiteFacts site;
  site.name = hub ? "hub" : "fi";
  site.title = hub ? "Hub" : "Finland";
  site.country = hub ? "" : "FI";
  site.domain = "1mg.example";
  site.audience = "urn:genofed:site:" + site.name;
  site.public_url = "https://" + site.name + ".example:8443";
  site.hub = hub;
  return site;
}

inline http::Request MakeRequest(http::Method method, const std::string& target,
                                 std::string body = "", http::Headers headers = {}) {
  http::Request request;
  request.method = method;
  request.target = target;
  auto parsed = http::ParseTarget(target);
  GF_CHECK(parsed.ok());
  request.path = parsed->path;
  request.segments = parsed->segments;
  request.query = parsed->query;
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

// Plays every service: answers by method name, remembers what was asked.
class ScriptedServices {
 public:
  void Answer(const std::string& method, const google::protobuf::Message& message) {
    answers_[method] = message.SerializeAsString();
    failures_.erase(method);
  }
  void Fail(const std::string& method, Status status) { failures_[method] = std::move(status); }

  UnaryCaller Caller() {
    return [this](const Context& ctx, std::string_view service, std::string_view method,
                  const google::protobuf::Message& request,
                  google::protobuf::Message* response) -> Status {
      const std::string name(method);
      service_ = service;
      asked_[name] = request.SerializeAsString();
      user_ = ctx.principal().user ? ctx.principal().user->subject : "";
      if (auto failure = failures_.find(name); failure != failures_.end()) return failure->second;
      GF_CHECK(answers_.contains(name));
      GF_CHECK(response->ParseFromString(answers_[name]));
      return absl::OkStatus();
    };
  }

  template <typename Message>
  Message Asked(const std::string& method) const {
    Message message;
    GF_CHECK(asked_.contains(method));
    GF_CHECK(message.ParseFromString(asked_.at(method)));
    return message;
  }
  bool WasAsked(const std::string& method) const { return asked_.contains(method); }
  const std::string& service() const { return service_; }
  const std::string& user() const { return user_; }

 private:
  std::map<std::string, std::string> answers_, asked_;
  std::map<std::string, Status> failures_;
  std::string service_, user_;
};

// Accepts "good" as the token of "maria", and "bound", which is bound to a key; everything else is refused.
inline TokenCheck TestTokens() {
  return [](const Context&, std::string_view token) -> Result<User> {
    if (token != "good" && token != "bound")
      return Error(StatusCode::kUnauthenticated, "TOKEN_REFUSED", "the access token was refused");
    User user;
    user.issuer = "https://login.example";
    user.subject = "maria";
    user.name = "Maria";
    user.roles = {"user", "researcher"};
    user.person_identifier = "010190-999A";
    user.access_token = token;
    if (token == "bound") user.token_key = "thumbprint";
    return user;
  };
}

// Validates documents against the official Beacon schemas with python3-jsonschema. `schema` is a
// path below specs/beacon-v2. Returns one line for each violation; skips the test loudly when
// schemas or validator are missing.
class BeaconSchemas {
 public:
  // Empty if validation is possible, else why not.
  static std::string Missing() {
    const char* shared = std::getenv("GENOFED_SHARED_DIR");
    if (shared == nullptr || *shared == '\0') return "needs GENOFED_SHARED_DIR: the Beacon schemas";
    if (std::system("/usr/bin/python3 -c 'import jsonschema' >/dev/null 2>&1") != 0) {
      return "needs the Debian package python3-jsonschema";
    }
    return "";
  }

  void Add(std::string schema, std::string document) {
    cases_.emplace_back(std::move(schema), std::move(document));
  }

  std::string Violations() const {
    const testing::TemporaryDirectory directory;
    std::string lines;
    for (const auto& [schema, document] : cases_) lines += schema + "\t" + document + "\n";
    const auto cases = directory / "cases";
    const auto script = directory / "validate.py";
    const auto output = directory / "violations";
    GF_CHECK(WriteFileAtomically(cases, lines).ok());
    GF_CHECK(WriteFileAtomically(script, kScript).ok());
    const std::string command =
        "/usr/bin/python3 -W ignore " + script.string() + " " +
        (std::filesystem::path(std::getenv("GENOFED_SHARED_DIR")) / "specs/beacon-v2").string() +
        " " + cases.string() + " >" + output.string() + " 2>&1";
    const int status = std::system(command.c_str());
    const auto text = ReadFile(output);
    GF_CHECK(text.ok());
    return status == 0 || !text->empty() ? *text : "the validator failed";
  }

 private:
  // PROVENANCE.md of the schemas says how references resolve.
  static constexpr char kScript[] = R"(
import json, pathlib, sys
from jsonschema import Draft202012Validator, FormatChecker, RefResolver
root = pathlib.Path(sys.argv[1])
def load(uri):
    for prefix, path in (("https://raw.githubusercontent.com/ga4gh-beacon/beacon-v2/main/", root),
                         ("https://w3id.org/ga4gh/schema/vrs/1.3/vrs.json", root / "external/vrs-1.3.json")):
        if uri.startswith(prefix):
            rest = uri[len(prefix):]
            return json.loads((path / rest if rest else path).read_text())
    assert uri.startswith("file://"), uri
    return json.loads(pathlib.Path(uri[7:]).read_text())
for line in open(sys.argv[2], encoding="utf-8"):
    name, document = line.rstrip("\n").split("\t", 1)
    path = (root / name).resolve()
    schema = json.loads(path.read_text())
    resolver = RefResolver("file://" + str(path), schema, handlers={"https": load, "file": load})
    validator = Draft202012Validator(schema, resolver=resolver, format_checker=FormatChecker())
    for error in validator.iter_errors(json.loads(document)):
        print(name, list(error.absolute_path), error.message[:300])
)";

  std::vector<std::pair<std::string, std::string>> cases_;
};

}  // namespace genofed::gateway
