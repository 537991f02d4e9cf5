// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace genofed {

// A file compiled into the binary by gf_embed(). Arrays of it end with an entry whose name is null.
struct EmbeddedFile {
  const char* name;
  const char* content;
};

}  // namespace genofed
