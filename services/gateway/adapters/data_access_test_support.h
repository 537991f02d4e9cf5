// SPDX-License-Identifier: Apache-2.0
//
// A node with one encrypted object, and the official OpenAPI documents, for the tests of DRS and
// htsget.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/stream.h"
#include "libs/http/problem.h"
#include "services/gateway/adapters/drs_routes.h"
#include "services/gateway/adapters/htsget_routes.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {

// Answers as onboarding and consent do, for the object "obj-1" and the passport "good".
class FakeNode {
 public:
  explicit FakeNode(std::size_t plain_size) {
    for (std::size_t i = 0; i < plain_size; ++i)
      plain.push_back(static_cast<char>(i * 131 + (i >> 8) * 17));
    const auto own = key_.public_key();
    auto encryptor =
        crypt4gh::Encryptor::Create({&own, 1}, random_, [this](std::string_view bytes) {
          body.append(bytes);
          return absl::OkStatus();
        });
    GF_CHECK(encryptor.ok() && encryptor->Push(plain).ok());
    header_ = encryptor->Finish()->header;
  }

  UnaryCaller Caller() {
    return [this](const Context&, std::string_view service, std::string_view method,
                  const google::protobuf::Message& request,
                  google::protobuf::Message* response) -> Status {
      ++calls;
      if (!refuse.ok()) return refuse;
      const std::string_view name = method.substr(method.find('/') + 1);
      if (name == "GetObject")
        return Get(Cast<onboarding::v1::GetObjectRequest>(request),
                   Cast<onboarding::v1::GetObjectResponse>(*response));
      if (name == "ReadObject")
        return Read(Cast<onboarding::v1::ReadObjectRequest>(request),
                    Cast<onboarding::v1::ReadObjectResponse>(*response));
      if (name == "PlanRegions")
        return Plan(Cast<onboarding::v1::PlanRegionsRequest>(request),
                    Cast<onboarding::v1::PlanRegionsResponse>(*response));
      if (name == "OpenAccess")
        return Open(Cast<consent::v1::OpenAccessRequest>(request),
                    Cast<consent::v1::OpenAccessResponse>(*response));
      if (name == "ReleaseToReader")
        return Release(Cast<consent::v1::ReleaseToReaderRequest>(request),
                       Cast<consent::v1::ReleaseToReaderResponse>(*response));
      ADD_FAILURE() << service << " " << method;
      return Error(StatusCode::kUnimplemented, "NO", "no");
    };
  }

  // The bytes that a reader of the file gets.
  std::string Decrypt(std::string_view file) const {
    const auto size = crypt4gh::HeaderSize(file);
    if (!size.ok()) return "no header";
    std::string clear;
    auto decryptor = crypt4gh::Decryptor::CreateUnverified(file.substr(0, *size), reader_,
                                                           [&clear](std::string_view bytes) {
                                                             clear.append(bytes);
                                                             return absl::OkStatus();
                                                           });
    if (!decryptor.ok() || !decryptor->Push(file.substr(*size)).ok() || !decryptor->Finish().ok())
      return "damaged";
    return clear;
  }

  std::string plain, body;
  std::string role = "genotypes";
  bool holder = false;
  Status refuse;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> planned;
  onboarding::v1::PlanRegionsRequest asked;
  std::string recipient;
  int calls = 0;

 private:
  template <typename T>
  static const T& Cast(const google::protobuf::Message& message) {
    return dynamic_cast<const T&>(message);
  }
  template <typename T>
  static T& Cast(google::protobuf::Message& message) {
    return dynamic_cast<T&>(message);
  }
  static Status Unknown() {
    return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "there is no such object");
  }
  Status Judge(const std::string& object, const std::string& passport) const {
    if (object != "obj-1" && object != "GOE-FI-A-1") return Unknown();
    if (passport.empty())
      return Error(StatusCode::kPermissionDenied, "PASSPORT_MISSING", "send a passport");
    if (passport != "good") return Error(StatusCode::kPermissionDenied, "PASSPORT_REFUSED", "no");
    return absl::OkStatus();
  }

  Status Get(const onboarding::v1::GetObjectRequest& request,
             onboarding::v1::GetObjectResponse& out) const {
    if (request.passport().empty() && !holder) return Unknown();
    GF_TRY(request.passport().empty() ? absl::OkStatus()
                                      : Judge(request.object(), request.passport()));
    onboarding::v1::Object& object =
        request.object() == "GOE-FI-A-1" ? *out.add_contents() : *out.mutable_object();
    object.set_id("obj-1");
    object.set_role(role);
    object.set_name("genotypes.vcf.gz");
    object.set_body("obj-1.c4gh");
    object.set_body_size(static_cast<std::int64_t>(body.size()));
    object.set_body_sha256(std::string(64, 'a'));
    object.set_plain_sha256(std::string(64, 'b'));
    out.mutable_dataset()->set_dataset("GOE-FI-A-1");
    out.mutable_dataset()->set_version(3);
    out.set_readable(!request.passport().empty());
    return absl::OkStatus();
  }
  Status Open(const consent::v1::OpenAccessRequest& request, consent::v1::OpenAccessResponse& out) {
    GF_TRY(Judge(request.object(), request.passport()));
    recipient = request.recipient();
    out.set_access("acc-1");
    return absl::OkStatus();
  }
  static Status CheckAccess(const std::string& access) {
    return access == "acc-1" ? absl::OkStatus()
                             : Error(StatusCode::kPermissionDenied, "ACCESS_UNKNOWN", "no");
  }
  Status Release(const consent::v1::ReleaseToReaderRequest& request,
                 consent::v1::ReleaseToReaderResponse& out) const {
    GF_TRY(CheckAccess(request.access()));
    auto header = crypt4gh::Reencrypt(header_, key_, reader_.public_key(),
                                      {secret_, request.object(), "client"},
                                      {request.edit_list().begin(), request.edit_list().end()});
    GF_TRY(header);
    out.set_header(*header);
    return absl::OkStatus();
  }
  Status Read(const onboarding::v1::ReadObjectRequest& request,
              onboarding::v1::ReadObjectResponse& out) const {
    GF_TRY(CheckAccess(request.access()));
    EXPECT_LE(request.size(), 1 << 20);
    out.set_body_size(static_cast<std::int64_t>(body.size()));
    out.set_plain_size(static_cast<std::int64_t>(plain.size()));
    out.set_role(role);
    if (request.size() > 0)
      out.set_data(body.substr(static_cast<std::size_t>(request.offset()),
                               static_cast<std::size_t>(request.size())));
    return absl::OkStatus();
  }
  Status Plan(const onboarding::v1::PlanRegionsRequest& request,
              onboarding::v1::PlanRegionsResponse& out) {
    GF_TRY(CheckAccess(request.access()));
    asked = request;
    for (const auto& region : request.regions()) {
      if (region.reference() != "chr20")
        return Error(StatusCode::kNotFound, "REFERENCE_UNKNOWN", "no such reference");
    }
    for (const auto& [begin, end] : planned) {
      out.add_ranges()->set_begin(static_cast<std::int64_t>(begin));
      out.mutable_ranges()->rbegin()->set_end(static_cast<std::int64_t>(end));
    }
    return absl::OkStatus();
  }

  SystemRandom random_;
  crypt4gh::SecretKey key_ = crypt4gh::SecretKey::Generate(random_);
  crypt4gh::SecretKey reader_ = crypt4gh::SecretKey::Generate(random_);
  crypt4gh::Secret32 secret_ = crypt4gh::Secret32::Generate(random_);
  std::string header_;
};

// Validates answers against the OpenAPI documents below specs/, with python3-jsonschema and
// python3-yaml. A schema is a file and a JSON pointer:
// "drs/openapi/components/schemas/Error.yaml#". Collects; Violations() judges.
class OpenApiSchemas {
 public:
  static std::string Missing() {
    const char* shared = std::getenv("GENOFED_SHARED_DIR");
    if (shared == nullptr || *shared == '\0')
      return "needs GENOFED_SHARED_DIR: specs/drs, specs/htsget";
    if (std::system("/usr/bin/python3 -W ignore -c 'import jsonschema, yaml' >/dev/null 2>&1") !=
        0) {
      return "needs the Debian packages python3-jsonschema and python3-yaml";
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
    GF_CHECK(WriteFileAtomically(directory / "cases", lines).ok());
    GF_CHECK(WriteFileAtomically(directory / "validate.py", kScript).ok());
    const std::string command =
        "/usr/bin/python3 -W ignore " + (directory / "validate.py").string() + " " +
        std::string(std::getenv("GENOFED_SHARED_DIR")) + "/specs " +
        (directory / "cases").string() + " >" + (directory / "out").string() + " 2>&1";
    const int status = std::system(command.c_str());
    const auto text = ReadFile(directory / "out");
    GF_CHECK(text.ok());
    return status == 0 || !text->empty() ? *text : "the validator failed";
  }

 private:
  // The one document that is elsewhere is service-info, which libs/ga4gh has a test of its own for.
  static constexpr char kScript[] = R"(
import json, pathlib, sys, urllib.parse
import yaml
from jsonschema import Draft7Validator, FormatChecker, RefResolver
root = pathlib.Path(sys.argv[1]).resolve()
def load(uri):
    if uri.startswith("https://"):
        assert "ga4gh-service-info" in uri, uri
        return {"components": {"schemas": {"Service": {"required": ["id", "name", "type", "organization", "version"]}}}}
    return yaml.safe_load(pathlib.Path(urllib.parse.unquote(uri[7:])).read_text())
for line in open(sys.argv[2], encoding="utf-8"):
    name, document = line.rstrip("\n").split("\t", 1)
    file, pointer = name.split("#")
    base = "file://" + str(root / file)
    resolver = RefResolver(base, load(base), handlers={"https": load, "file": load})
    validator = Draft7Validator({"$ref": base + "#" + pointer}, resolver=resolver, format_checker=FormatChecker())
    for error in validator.iter_errors(json.loads(document)):
        print(name, list(error.absolute_path), error.message[:300])
)";
  std::vector<std::pair<std::string, std::string>> cases_;
};

class DataAccessTest : public ::testing::Test {
 protected:
  explicit DataAccessTest(std::size_t plain_size = 200'000, int max_streams = 4)
      : node_(plain_size), api_(router_, TestTokens()) {
    const auto access = std::make_shared<const ObjectAccess>(node_.Caller(), max_streams);
    AddDrsRoutes(api_, TestSite(), access, [] {
      return DrsIssuers{{"https://login.example"}, {"https://dac.fi.example"}};
    });
    AddHtsgetRoutes(api_, TestSite(), access);
    api_.AddNotFound();
  }
  http::Response Send(http::Method method, const std::string& target,
                      const nlohmann::json& body = nullptr,
                      std::vector<std::pair<std::string, std::string>> more = {},
                      const char* token = "good") {
    http::Headers headers;
    if (token != nullptr) headers.Add("Authorization", std::string("Bearer ") + token);
    for (auto& [name, value] : more) headers.Add(name, value);
    auto request = MakeRequest(method, target, body.is_null() ? "" : body.dump(), headers);
    request.peer = "10.0.0.1";
    return router_.Handle(request);
  }
  static std::string TextOf(const http::Response& response) {
    const auto* text = std::get_if<std::string>(&response.body);
    return text == nullptr ? "a stream" : *text;
  }
  static nlohmann::json BodyOf(const http::Response& response) {
    return nlohmann::json::parse(TextOf(response));
  }
  static std::string ReasonOf(const http::Response& response) {
    return std::string(response.headers.Get("Genofed-Reason").value_or(""));
  }
  // Bytes [begin, end) of a streamed body, as the server pulls them.
  static std::string Pull(const http::Response& response, std::uint64_t begin, std::uint64_t end) {
    const auto& stream = std::get<http::StreamBody>(response.body);
    std::string bytes;
    while (begin + bytes.size() < end) {
      auto piece =
          stream.read(begin + bytes.size(), static_cast<std::size_t>(end - begin - bytes.size()));
      if (!piece.ok() || piece->empty()) return "broken off: " + Reason(piece.status());
      bytes += *piece;
    }
    return bytes;
  }
  static std::string All(const http::Response& response) {
    return Pull(response, 0, std::get<http::StreamBody>(response.body).length);
  }

  FakeNode node_;
  http::Router router_;
  Api api_;
};

}  // namespace genofed::gateway
