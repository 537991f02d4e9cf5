// SPDX-License-Identifier: Apache-2.0
#include "libs/core/retry_after.h"

#include <cstdlib>
#include <string>

namespace genofed {
namespace {

constexpr char kRetryUrl[] = "genofed/retry-after";

}  // namespace

Status WithRetryAfter(Status status, std::chrono::seconds after) {
  if (!status.ok()) status.SetPayload(kRetryUrl, absl::Cord(std::to_string(after.count())));
  return status;
}

std::optional<std::chrono::seconds> RetryAfter(const Status& status) {
  const auto payload = status.GetPayload(kRetryUrl);
  if (!payload.has_value()) return std::nullopt;
  return std::chrono::seconds(std::strtoll(std::string(*payload).c_str(), nullptr, 10));
}

}  // namespace genofed
