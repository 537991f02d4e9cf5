// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/swift_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "libs/testing/temporary_directory.h"

namespace genofed::objects {
namespace {

constexpr int kPackagesMissing = 77;

std::string ReadLine(int fd) {
  std::string line;
  for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "SwiftServer: %s\n", what);
  std::abort();
}

}  // namespace

SwiftServer* SwiftServer::Get() {
  static SwiftServer server;
  return server.missing_ ? nullptr : &server;
}

SwiftServer::SwiftServer() {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) Fail("no pipes");
  const std::string script = genofed::testing::SourceDir() / "tests/infra/swift_s3.py";
  child_ = ::fork();
  if (child_ < 0) Fail("fork failed");
  if (child_ == 0) {
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    ::execl("/usr/bin/python3", "python3", script.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  const std::string line = ReadLine(output[0]);
  ::close(output[0]);
  if (line.empty()) {
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    missing_ = WIFEXITED(status) && WEXITSTATUS(status) == kPackagesMissing;
    const char* ci = std::getenv("CI");
    if (!missing_ || (ci != nullptr && std::string_view(ci) == "true"))
      Fail("the S3 server of the tests does not start");
    return;
  }
  const auto json = nlohmann::json::parse(line);
  options_.endpoint = json.at("endpoint");
  options_.region = json.at("region");
  options_.bucket = json.at("bucket");
  options_.credentials = {json.at("access_key"), json.at("secret_key")};
  options_.path_style = true;
  options_.part_bytes = kMinPartBytes;
  stranger_ = {json.at("reader_access_key"), json.at("reader_secret_key")};
}

SwiftServer::~SwiftServer() {
  ::close(input_);
  if (child_ > 0) ::waitpid(child_, nullptr, 0);
}

}  // namespace genofed::objects
