// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "libs/fhir/client.h"
#include "libs/objects/scripted_server.h"
#include "libs/testing/fakes.h"

namespace genofed::fhir::test {

using nlohmann::json;
using objects::ScriptedServer;
using Step = ScriptedServer::Step;

inline std::string FhirAnswer(int status, const std::string& body,
                              const std::string& headers = "") {
  return ScriptedServer::Answer(status, body,
                                "Content-Type: application/fhir+json; charset=utf-8\r\n" + headers);
}

inline Step Fhir(int status, const std::string& body, const std::string& headers = "") {
  return ScriptedServer::Always(FhirAnswer(status, body, headers));
}

inline std::string Patient(const std::string& id) {
  return json{{"resourceType", "Patient"}, {"id", id}}.dump();
}

// A page with these patients; `next` may be empty.
inline std::string Page(const std::vector<std::string>& ids, const std::string& next = "") {
  json bundle = {{"resourceType", "Bundle"},
                 {"type", "searchset"},
                 {"link", json::array()},
                 {"entry", json::array()}};
  bundle["link"].push_back({{"relation", "self"}, {"url", "http://elsewhere.example/self"}});
  if (!next.empty()) bundle["link"].push_back({{"relation", "next"}, {"url", next}});
  for (const std::string& id : ids) {
    bundle["entry"].push_back(
        {{"resource", json::parse(Patient(id))}, {"search", {{"mode", "match"}}}});
  }
  return bundle.dump();
}

// The first line of a request.
inline std::string FirstLine(const std::string& request) {
  return request.substr(0, request.find('\r'));
}

// The value of a header field; empty without.
inline std::string Field(const std::string& request, const std::string& name) {
  const std::size_t at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return request.substr(begin, request.find('\r', begin) - begin);
}

// A client of one scripted server; its pauses take no time and are written down.
struct Caller {
  explicit Caller(const ScriptedServer& server, Limits limits = {},
                  std::vector<std::string> file_origins = {})
      : client({.base_url = server.url() + "/fhir/",
                .file_origins = std::move(file_origins),
                .limits = limits},
               *token, clock, [this](const Context& ctx, std::chrono::milliseconds pause) {
                 pauses.push_back(pause.count());
                 clock.Advance(pause);
                 return ctx.Alive();
               }) {}

  Result<SearchResult> Search(const std::string& query = "_count=2") {
    return client.Search(Context::Background().WithTimeout(std::chrono::seconds(20)), "Patient",
                         query, Sink());
  }
  Result<ExportResult> Export(ExportRequest request = {
                                  .group = "", .types = {"Patient"}, .since = {}}) {
    return client.Export(Context::Background().WithTimeout(std::chrono::seconds(20)), request,
                         Sink());
  }
  ResourceSink Sink() {
    return [this](const json& resource) {
      ids.push_back(resource["id"].get<std::string>());
      return absl::OkStatus();
    };
  }

  std::vector<std::int64_t> pauses;  // milliseconds
  std::vector<std::string> ids;
  testing::FakeClock clock;
  std::unique_ptr<TokenSource> token = MakeNoToken();
  Client client;
};

}  // namespace genofed::fhir::test
