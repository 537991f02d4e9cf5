// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/oci_image_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypto/hash.h"
#include "services/spe/adapters/subprocess.h"
#include "services/spe/domain/task_spec.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMaxManifestBytes = 4U << 20;  // the limit registries use
constexpr std::size_t kMaxLayers = 128;
constexpr fs::perms kDangerousModes =
    fs::perms::set_uid | fs::perms::set_gid | fs::perms::group_write | fs::perms::others_write;
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";

struct Descriptor {
  std::string digest;
  std::int64_t size = 0;
};

Status Corrupt(std::string_view what, std::string_view digest) {
  return Error(StatusCode::kDataLoss, "IMAGE_CORRUPT", "{} of image {}", what, digest);
}

fs::path BlobPath(const fs::path& layout, const std::string& digest) {
  return layout / "blobs" / "sha256" / digest.substr(std::string_view("sha256:").size());
}

Result<Descriptor> ParseDescriptor(const Json& json, const std::string& image) {
  if (!json.is_object() || !json.contains("digest") || !json["digest"].is_string() ||
      !json.contains("size") || !json["size"].is_number_integer()) {
    return Corrupt("bad descriptor", image);
  }
  Descriptor descriptor{json["digest"].get<std::string>(), json["size"].get<std::int64_t>()};
  if (!IsDigest(descriptor.digest) || descriptor.size < 0) return Corrupt("bad descriptor", image);
  return descriptor;
}

// Copies a blob into another layout and compares size and digest on the way.
Status CopyBlob(const Context& ctx, const fs::path& from, const fs::path& to,
                const Descriptor& blob) {
  const UniqueFd in(open(BlobPath(from, blob.digest).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const UniqueFd out(open(BlobPath(to, blob.digest).c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  // A blob used twice was copied and checked the first time.
  if (!out.valid() && errno == EEXIST) return {};
  struct stat info {};
  if (!in.valid() || !out.valid() || fstat(in.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_size != blob.size) {
    return Corrupt("missing blob, or one of another size,", blob.digest);
  }
  crypto::Sha256Stream hash;
  std::vector<char> buffer(1U << 18);
  while (true) {
    const ssize_t count = read(in.get(), buffer.data(), buffer.size());
    if (count < 0) return Corrupt("unreadable blob", blob.digest);
    if (count == 0) break;
    hash.Update({buffer.data(), static_cast<std::size_t>(count)});
    if (write(out.get(), buffer.data(), static_cast<std::size_t>(count)) != count) {
      return Error(StatusCode::kUnavailable, "IMAGE_CACHE_FULL", "cannot write to the image cache");
    }
    GF_TRY(ctx.Alive());
  }
  if ("sha256:" + HexEncode(hash.Finish()) != blob.digest)
    return Corrupt("blob with another digest", blob.digest);
  return {};
}

// Mount points must exist beforehand, because the container's root may not make them. A link in
// their place would lead the mount elsewhere, so it is refused.
Status PrepareRoot(const fs::path& rootfs, const std::string& digest) {
  for (const char* name : {"proc", "dev", "tmp", "in", "out"}) {
    const fs::path path = rootfs / name;
    struct stat info {};
    if (mkdir(path.c_str(), 0755) != 0 &&
        (lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))) {
      return Corrupt(fmt::format("/{} is not a directory", name), digest);
    }
  }
  std::error_code error;
  fs::permissions(rootfs, fs::perms(0755), error);  // the runtime opens it as the mapped root
  for (fs::recursive_directory_iterator at(rootfs, error), end; !error && at != end;
       at.increment(error)) {
    const fs::file_type type = at->symlink_status(error).type();
    if (type == fs::file_type::block || type == fs::file_type::character)
      return Corrupt("device node", digest);
    // Should an account of the host ever reach the tree: nothing in it can be changed, and nothing
    // gives it rights.
    if (type == fs::file_type::symlink) continue;
    fs::permissions(at->path(), kDangerousModes, fs::perm_options::remove, error);
  }
  if (error) return Corrupt("unreadable tree", digest);
  return {};
}

std::vector<std::string> EnvironmentOf(const std::string& configuration) {
  std::vector<std::string> environment;
  const Json json = Json::parse(configuration, nullptr, false);
  if (!json.is_object() || !json.contains("config") || !json["config"].is_object())
    return environment;
  const Json env = json["config"].value("Env", Json::array());
  for (const Json& entry : env) {
    if (entry.is_string()) environment.push_back(entry.get<std::string>());
  }
  return environment;
}

}  // namespace

OciImageStore::OciImageStore(OciImageStoreOptions options)
    : options_(std::move(options)), allowed_(options_.allowed) {}

void OciImageStore::Allow(const std::string& digest) {
  MutexLock lock(allowed_mutex_);
  allowed_.insert(digest);
}

Result<fs::path> OciImageStore::FindLayout(const std::string& digest) const {
  std::error_code error;
  for (fs::directory_iterator at(options_.images_dir, error), end; !error && at != end;
       at.increment(error)) {
    const auto index = ReadFile(at->path() / "index.json", kMaxManifestBytes);
    if (!index.ok()) continue;
    const Json json = Json::parse(*index, nullptr, false);
    if (!json.is_object() || !json.contains("manifests") || !json["manifests"].is_array()) continue;
    for (const Json& manifest : json["manifests"]) {
      const auto descriptor = ParseDescriptor(manifest, digest);
      if (descriptor.ok() && descriptor->digest == digest) return at->path();
    }
  }
  return Error(StatusCode::kNotFound, "IMAGE_NOT_FOUND", "no image layout holds {}", digest);
}

Result<Image> OciImageStore::Open(const Context& ctx, const std::string& digest) {
  const bool allowed = [&] {
    MutexLock lock(allowed_mutex_);
    return IsDigest(digest) && allowed_.contains(digest);
  }();
  if (!allowed) {
    return Error(StatusCode::kPermissionDenied, "IMAGE_NOT_ALLOWED",
                 "image {} is not on this node's list", digest);
  }
  const fs::path target = options_.cache_dir / digest.substr(std::string_view("sha256:").size());
  MutexLock lock(mutex_);
  std::error_code error;
  if (!fs::exists(target, error)) GF_TRY(Unpack(ctx, digest, target));
  GF_ASSIGN(const std::string configuration, ReadFile(target / "config.json", kMaxManifestBytes));
  return Image{target / "rootfs", EnvironmentOf(configuration)};
}

Status OciImageStore::Unpack(const Context& ctx, const std::string& digest,
                             const fs::path& target) const {
  GF_ASSIGN(const fs::path layout, FindLayout(digest));
  const fs::path work = target.string() + ".new";
  const fs::path copy = work / "layout";
  std::error_code error;
  fs::remove_all(work, error);
  fs::create_directories(copy / "blobs" / "sha256", error);
  for (const fs::path& path : {options_.cache_dir, work})
    fs::permissions(path, fs::perms(0700), error);
  if (error)
    return Error(StatusCode::kUnavailable, "IMAGE_CACHE", "cannot prepare the cache: {}",
                 error.message());

  struct stat info {};
  if (lstat(BlobPath(layout, digest).c_str(), &info) != 0 ||
      info.st_size > static_cast<off_t>(kMaxManifestBytes)) {
    return Corrupt("missing or too large manifest", digest);
  }
  const Descriptor manifest_blob{digest, info.st_size};
  GF_TRY(CopyBlob(ctx, layout, copy, manifest_blob));
  GF_ASSIGN(const std::string text, ReadFile(BlobPath(copy, digest), kMaxManifestBytes));
  const Json manifest = Json::parse(text, nullptr, false);
  if (!manifest.is_object() || !manifest.contains("config") || !manifest.contains("layers") ||
      !manifest["layers"].is_array() || manifest["layers"].size() > kMaxLayers) {
    return Corrupt("bad manifest", digest);
  }
  GF_ASSIGN(const Descriptor configuration, ParseDescriptor(manifest["config"], digest));
  if (configuration.size > static_cast<std::int64_t>(kMaxManifestBytes))
    return Corrupt("too large config", digest);
  GF_TRY(CopyBlob(ctx, layout, copy, configuration));
  std::int64_t left = options_.max_bytes;
  for (const Json& layer : manifest["layers"]) {
    GF_ASSIGN(const Descriptor blob, ParseDescriptor(layer, digest));
    if (blob.size > left)
      return Error(StatusCode::kResourceExhausted, "IMAGE_TOO_LARGE", "image {}", digest);
    left -= blob.size;
    GF_TRY(CopyBlob(ctx, layout, copy, blob));
  }
  const Json index = {
      {"schemaVersion", 2},
      {"manifests",
       Json::array({{{"mediaType", kManifestType},
                     {"digest", digest},
                     {"size", manifest_blob.size},
                     {"annotations", {{"org.opencontainers.image.ref.name", "task"}}}}})}};
  GF_TRY(WriteFileAtomically(copy / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})", 0600));
  GF_TRY(WriteFileAtomically(copy / "index.json", index.dump(), 0600));
  GF_ASSIGN(const ProgramResult unpacked,
            RunProgram({options_.umoci, "unpack", "--image", copy.string() + ":task",
                        (work / "bundle").string()},
                       ctx.Remaining(std::chrono::minutes(10))));
  if (unpacked.exit_code != 0) return Corrupt("umoci cannot unpack: " + unpacked.output, digest);
  GF_TRY(PrepareRoot(work / "bundle" / "rootfs", digest));

  fs::rename(work / "bundle" / "rootfs", work / "rootfs", error);
  if (!error) fs::rename(BlobPath(copy, configuration.digest), work / "config.json", error);
  if (!error) fs::remove_all(work / "bundle", error);
  if (!error) fs::remove_all(copy, error);
  // On disk before it has its name: a name in the cache means a complete image, also after a power
  // cut.
  const UniqueFd directory(open(work.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!error && syncfs(directory.get()) == 0) fs::rename(work, target, error);
  if (error)
    return Error(StatusCode::kUnavailable, "IMAGE_CACHE", "cannot fill the cache: {}",
                 error.message());
  return {};
}

}  // namespace genofed::spe
