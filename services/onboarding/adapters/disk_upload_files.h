// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/onboarding/app/layout.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding {

// Uploaded files below layout.Uploads(), readable by this user alone.
class DiskUploadFiles final : public UploadFiles {
 public:
  explicit DiskUploadFiles(Layout layout) : layout_(std::move(layout)) {}

  Status Write(const std::string& submission, const std::string& name, std::int64_t offset, std::string_view data) override;
  Result<std::string> Finish(const Context& ctx, const std::string& submission, const std::string& name,
                             std::int64_t size) override;

 private:
  const Layout layout_;
};

}  // namespace genofed::onboarding
