// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/open.h"

#include <fmt/format.h>

#include "libs/config/load.h"
#include "libs/objects/local_store.h"
#include "libs/objects/s3_store.h"

namespace genofed::objects {
namespace {

Result<S3Options> ReadOptions(const config::v1::S3StoreConfig& config, std::string_view key) {
  S3Options options;
  options.endpoint = config.endpoint();
  if (!config.region().empty()) options.region = config.region();
  options.bucket = config.bucket();
  options.prefix = config.prefix();
  GF_ASSIGN(options.credentials.access_key,
            config::ReadSecret(config.access_key(), fmt::format("{}.s3.access_key", key)));
  GF_ASSIGN(options.credentials.secret_key,
            config::ReadSecret(config.secret_key(), fmt::format("{}.s3.secret_key", key)));
  options.ca_file = config.ca_file();
  options.path_style = config.path_style();
  if (config.part_mib() < 0) return InvalidField("part_mib", "CONFIG_INVALID", "must be 5 to 1024");
  if (config.part_mib() > 0) options.part_bytes = static_cast<std::size_t>(config.part_mib()) << 20;
  return options;
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenStore(const config::v1::ObjectStoreConfig& config,
                                               const std::filesystem::path& default_directory,
                                               const Clock& clock, std::string_view key) {
  if (config.store_case() == config::v1::ObjectStoreConfig::kS3) {
    GF_ASSIGN(S3Options options, ReadOptions(config.s3(), key));
    auto store = S3Store::Open(std::move(options), clock);
    if (!store.ok()) return WithField(store.status(), fmt::format("{}.s3", key), "cannot be used");
    return std::unique_ptr<ObjectStore>(std::move(*store));
  }
  std::filesystem::path directory = config.local().directory();
  if (directory.empty()) {
    directory = default_directory;
    std::error_code error;  // opening says it
    std::filesystem::create_directories(directory.parent_path(), error);
  }
  GF_ASSIGN(auto store, LocalStore::Open(directory));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace genofed::objects
