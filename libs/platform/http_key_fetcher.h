// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "libs/auth/key_refresher.h"

namespace genofed {

// Key sets over HTTPS: TLS 1.3, five seconds, no redirects, at most a megabyte.
class HttpKeyFetcher final : public auth::KeyFetcher {
 public:
  // `ca_file` (PEM); empty: the system's store.
  explicit HttpKeyFetcher(std::filesystem::path ca_file) : ca_file_(std::move(ca_file)) {}
  Result<auth::KeyDocument> Fetch(const std::string& url) override;

 private:
  const std::filesystem::path ca_file_;
};

}  // namespace genofed
