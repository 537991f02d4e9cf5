// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/crypt4gh/key.h"
#include "services/onboarding/app/layout.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding {

// Uploaded files below layout.Uploads(), readable by this user alone.
class DiskUploadFiles final : public UploadFiles {
 public:
  // `intake_key` opens encrypted files; borrowed, null: they are refused.
  DiskUploadFiles(Layout layout, const crypt4gh::SecretKey* intake_key)
      : layout_(std::move(layout)), intake_key_(intake_key) {}

  Status Write(const std::string& submission, const std::string& name, std::int64_t offset, std::string_view data) override;
  Result<std::string> Finish(const Context& ctx, const std::string& submission, const std::string& name,
                             std::int64_t size) override;
  Result<bool> CheckEncrypted(const Context& ctx, const std::string& submission, const std::string& name) override;
  Status Open(const Context& ctx, const std::string& submission, const std::string& name) override;
  Status Remove(const std::string& submission, const std::string& name) override;

 private:
  const Layout layout_;
  const crypt4gh::SecretKey* const intake_key_;
};

}  // namespace genofed::onboarding
