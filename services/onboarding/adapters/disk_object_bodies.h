// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/onboarding/app/layout.h"
#include "services/onboarding/app/objects.h"

namespace genofed::onboarding {

// Bodies as the pipeline leaves them below layout.root().
class DiskObjectBodies final : public ObjectBodies {
 public:
  explicit DiskObjectBodies(Layout layout) : layout_(std::move(layout)) {}
  Result<std::string> Read(const std::string& object, std::uint64_t offset,
                           std::size_t size) override;

 private:
  const Layout layout_;
};

}  // namespace genofed::onboarding
