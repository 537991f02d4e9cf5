// SPDX-License-Identifier: Apache-2.0
//
// A site that answers as a test says, and the whole program asking it: for tests of what commands
// send and show.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/file.h"
#include "libs/http/server.h"
#include "libs/testing/temporary_directory.h"
#include "services/cli/commands/program.h"

namespace genofed::cli {

struct Asked {
  std::string method, target, body, authorization, passport;

  Json json() const { return Json::parse(body, nullptr, false); }
};

struct Outcome {
  int code = -1;
  std::string out, err;
};

class SiteTest : public ::testing::Test {
 protected:
  SiteTest() {
    ::setenv("XDG_CONFIG_HOME", dir_.path().c_str(), 1);  // nobody is signed in
    for (const auto method :
         {http::Method::kGet, http::Method::kPost, http::Method::kPut, http::Method::kDelete}) {
      http::Route route;
      route.method = method;
      route.pattern = "/{rest...}";
      route.max_body_bytes = std::size_t{8} << 20;
      route.handler = [this](const http::Request& request) { return Handle(request); };
      router_.Add(std::move(route));
    }
    auto server = http::Server::Start({}, router_);
    GF_CHECK(server.ok());
    server_ = *std::move(server);
  }

  // What is answered to "GET /path", whatever the query, or to "GET /path?query".
  void Answer(const std::string& what, const Json& body, int status = 200) {
    AnswerText(what, body.dump(), status);
  }
  void AnswerText(const std::string& what, std::string body, int status = 200) {
    const std::lock_guard lock(mutex_);
    answers_[what] = {status, std::move(body)};
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  std::vector<Asked> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  // The one request of this method and path; none: a failure.
  Asked OnlyAsked(const std::string& method, const std::string& path) {
    std::vector<Asked> found;
    for (const Asked& one : asked()) {
      if (one.method == method && one.target.substr(0, one.target.find('?')) == path)
        found.push_back(one);
    }
    EXPECT_EQ(found.size(), 1U) << method << " " << path;
    return found.empty() ? Asked{} : found[0];
  }

  // Runs a command line as `genofed` would, without --url.
  static Outcome Program(std::vector<std::string> words) {
    words.insert(words.begin(), "genofed");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.code = cli::Run(static_cast<int>(argv.size()), argv.data());
    outcome.err = ::testing::internal::GetCapturedStderr();
    outcome.out = ::testing::internal::GetCapturedStdout();
    return outcome;
  }
  // The same of the site.
  Outcome Genofed(std::vector<std::string> words) {
    words.insert(words.begin(), {"--url", url()});
    return Program(std::move(words));
  }

  std::string Write(const std::string& name, std::string_view content) {
    const auto path = dir_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(WriteFileAtomically(path, content).ok());
    return path.string();
  }

  testing::TemporaryDirectory dir_;

 private:
  Result<http::Response> Handle(const http::Request& request) {
    const std::string method(http::MethodName(request.method));
    const std::lock_guard lock(mutex_);
    asked_.push_back({method, request.target, request.body,
                      std::string(request.headers.Get("Authorization").value_or("")),
                      std::string(request.headers.Get("GA4GH-Passport").value_or(""))});
    for (const std::string& what : {method + " " + request.target, method + " " + request.path}) {
      if (const auto found = answers_.find(what); found != answers_.end())
        return http::Json(found->second.first, found->second.second);
    }
    return Error(StatusCode::kNotFound, "NOT_FOUND", "the test has no answer to {} {}", method,
                 request.target);
  }

  std::mutex mutex_;
  std::vector<Asked> asked_;
  std::map<std::string, std::pair<int, std::string>> answers_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace genofed::cli
