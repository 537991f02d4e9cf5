// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/stream.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"
#include "services/discovery/adapters/segment_store.h"

namespace {

using namespace genofed;
namespace fs = std::filesystem;

const std::string kRun(64, 'a');

// Lists what it is told to, in pages of three, and remembers what was removed.
class FuzzedStore final : public objects::ObjectStore {
 public:
  FuzzedStore(std::vector<objects::ObjectInfo> listed,
              const std::map<std::string, std::string, std::less<>>& content,
              std::set<std::string>& removed)
      : listed_(std::move(listed)), content_(content), removed_(removed) {}

  Result<std::unique_ptr<objects::ObjectWriter>> Create(const Context&, std::string_view) override {
    return Away();
  }
  Status Read(const Context&, std::string_view name, std::uint64_t, std::uint64_t,
              const objects::Sink& sink) override {
    const auto found = content_.find(name);
    return found == content_.end() ? Away() : sink(found->second);
  }
  Result<objects::ObjectInfo> Stat(const Context&, std::string_view) override { return Away(); }
  Status Remove(const Context&, std::string_view name) override {
    removed_.emplace(name);
    return absl::OkStatus();
  }
  Result<objects::ObjectPage> List(const Context&, std::string_view, std::string_view token,
                                   std::size_t) override {
    objects::ObjectPage page;
    const std::size_t begin = token.size(), end = std::min(begin + 3, listed_.size());
    for (std::size_t i = begin; i < end; ++i) page.objects.push_back(listed_[i]);
    if (end < listed_.size()) page.next = std::string(end, '.');
    return page;
  }
  Result<std::string> PresignGet(std::string_view, std::chrono::seconds) override { return Away(); }
  Status Probe(const Context&) override { return Away(); }

 private:
  static Status Away() { return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE", "away"); }
  const std::vector<objects::ObjectInfo> listed_;
  const std::map<std::string, std::string, std::less<>>& content_;
  std::set<std::string>& removed_;
};

std::string Sealed(const crypt4gh::SecretKey& key, std::string_view plain) {
  SystemRandom random;
  std::string body;
  auto encryptor =
      crypt4gh::Encryptor::Create({&key.public_key(), 1}, random, [&](std::string_view bytes) {
        body += bytes;
        return Status();
      });
  GF_CHECK(encryptor.ok());
  const std::string header = encryptor->header();
  GF_CHECK(encryptor->Push(plain).ok() && encryptor->Finish().ok());
  return header + body;
}

bool IsDigest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// As the header of segment_store.h says.
bool IsOurs(std::string_view name) {
  const auto parts = Split(name, '/');
  return parts.size() == 4 && parts[0] == "segments" && IsDigest(parts[1]) && IsDigest(parts[2]) &&
         (parts[3] == "manifest" ||
          (parts[3].size() >= 4 &&
           parts[3].find_first_not_of("0123456789") == std::string_view::npos));
}

}  // namespace

// Names that a store lists, one a line, and behind an empty line the manifest of a segment that is
// where it belongs. What is fetched are just the files of the manifest, and when it is not taken
// nothing is left of them; what is removed has a name of ours.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fs::path disk =
      fs::temp_directory_path() / ("segment-store-fuzz-" + std::to_string(::getpid()));
  static const crypt4gh::SecretKey key = *crypt4gh::SecretKey::FromHex(std::string(64, '7'));
  static const bool quiet = obs::SetLogLevel("error").ok();
  GF_CHECK(quiet);
  std::string_view names(reinterpret_cast<const char*>(data), size), manifest;
  if (const auto end = names.find("\n\n"); end != std::string_view::npos) {
    manifest = names.substr(end + 2);
    names = names.substr(0, end);
  }
  const auto text = cohort::ParseSegment(manifest);
  std::map<std::string, std::string, std::less<>> content;
  if (text.ok()) {
    const std::string name_key = crypto::HmacSha256(key.bytes(), "genofed segment store: names");
    const std::string folder =
        "segments/" + kRun + "/" +
        HexEncode(crypto::HmacSha256(name_key, fmt::format("{}\n{}", kRun, manifest))) + "/";
    content[folder + "manifest"] = Sealed(key, manifest);
    for (std::size_t i = 0; i < text->tiles.size(); ++i) {
      const std::uint64_t bytes = std::min<std::uint64_t>(text->tiles[i].digests.size, 1000);
      content[folder + fmt::format("{:04}", i)] = Sealed(key, std::string(bytes, 'x'));
    }
  }
  std::vector<objects::ObjectInfo> listed;
  for (const std::string_view name : Split(names, '\n'))
    listed.push_back({std::string(name), name.size(), "", Time()});
  for (const auto& [name, bytes] : content) listed.push_back({name, bytes.size(), "", Time()});

  std::set<std::string> removed;
  const SystemClock clock;
  obs::Metrics metrics;
  discovery::SegmentStore store(
      [&]() -> Result<std::unique_ptr<objects::ObjectStore>> {
        return std::make_unique<FuzzedStore>(listed, content, removed);
      },
      key, clock, metrics);
  fs::create_directories(disk);
  const auto open = [&](const fs::path& directory) -> Result<std::unique_ptr<cohort::Segment>> {
    GF_CHECK(directory.parent_path() == disk && text.ok());
    std::map<std::string, std::uint64_t> files;
    for (const auto& entry : fs::directory_iterator(directory))
      files[entry.path().filename()] = entry.file_size();
    std::map<std::string, std::uint64_t> expected = {{cohort::kSegmentFile, manifest.size()}};
    for (const cohort::SegmentTile& tile : text->tiles)
      GF_CHECK(expected.emplace(tile.FileName(), tile.digests.size).second);
    GF_CHECK(files == expected);
    return Error(StatusCode::kUnavailable, "NOT_TAKEN", "so that it is not looked at");
  };
  GF_CHECK(!store.Fetch(disk / kRun, open).ok());
  GF_CHECK(fs::is_empty(disk));
  store.Keep({});
  static_cast<void>(store.Round(Context::Background()));
  GF_CHECK(std::all_of(removed.begin(), removed.end(), IsOurs));
  for (const auto& [name, bytes] : content) GF_CHECK(removed.contains(name));
  return 0;
}
