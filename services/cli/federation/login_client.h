// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::federation {

// The development OpenID provider, as `genofed up` uses it.
class LoginClient {
 public:
  LoginClient(std::string issuer, std::filesystem::path ca_file, std::filesystem::path secret_file);

  bool Healthy() const;
  // A fresh access token of the persona; `person_identifier` (citizens only) may be empty: the persona's own; so may
  // `site` (of whoever is at home at the hub).
  Result<std::string> Token(std::string_view persona, std::string_view person_identifier = "",
                            std::string_view site = "") const;

 private:
  std::string issuer_;
  std::filesystem::path ca_file_;
  std::filesystem::path secret_file_;
};

// Whether GET of a loopback "http://" address answers 200 within a second.
bool AnswersOk(const std::string& base_url, const std::string& target);

}  // namespace genofed::federation
