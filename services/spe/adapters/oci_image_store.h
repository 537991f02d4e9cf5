// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "libs/core/mutex.h"
#include "services/spe/app/image_store.h"

namespace genofed::spe {

struct OciImageStoreOptions {
  std::filesystem::path images_dir;  // each directory in it is one OCI image layout
  // Unpacked images, one directory a digest; made with mode 0700.
  std::filesystem::path cache_dir;
  std::set<std::string> allowed = {};  // manifest digests, "sha256:..."
  std::string umoci = "umoci";
  std::int64_t max_bytes = 20LL << 30;  // of all blobs of one image
};

// OCI image layouts (OCI Image Format Specification 1.0, image-layout.md) in a directory. An image
// is copied out of its layout while every blob is checked against its digest, and unpacked from the
// copy: what runs is what was checked. Images with device nodes are refused.
class OciImageStore final : public ImageStore {
 public:
  explicit OciImageStore(OciImageStoreOptions options);

  // Puts a manifest digest on the allow-list.
  void Allow(const std::string& digest);

  Result<Image> Open(const Context& ctx, const std::string& digest) override;

 private:
  // The layout whose index.json names the manifest.
  Result<std::filesystem::path> FindLayout(const std::string& digest) const;
  Status Unpack(const Context& ctx, const std::string& digest,
                const std::filesystem::path& target) const;

  const OciImageStoreOptions options_;
  Mutex mutex_;  // one image is unpacked at a time
  Mutex allowed_mutex_;
  std::set<std::string> allowed_ ABSL_GUARDED_BY(allowed_mutex_);
};

}  // namespace genofed::spe
