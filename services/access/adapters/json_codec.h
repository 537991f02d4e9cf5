// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/access/app/ports.h"

namespace genofed::access {

// Freezes an application to JSON with sorted keys and no white space: the same content gives the
// same bytes.
class JsonApplicationCodec final : public ApplicationCodec {
 public:
  std::string Freeze(const Application& application) const override;
  Result<Application> Thaw(const std::string& frozen) const override;
};

}  // namespace genofed::access
