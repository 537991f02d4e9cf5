// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/ledger/fsck.h"
#include "libs/ledger/tiles.h"

namespace {

using namespace genofed;
using namespace genofed::ledger;

// Every bundle of the log is the input, and every tile full of its first byte.
class FuzzedTiles final : public TileSource {
 public:
  explicit FuzzedTiles(std::string_view bytes) : bytes_(bytes) {}
  Result<std::string> Read(const std::string& path) override {
    const auto id = TileId::Parse(path);
    GF_CHECK(id.ok() && id->Path() == path);
    if (bytes_.size() < id->width) return Error(StatusCode::kNotFound, "FILE_MISSING", "none");
    return id->is_entries() ? std::string(bytes_) : std::string(id->width * 32, bytes_[0]);
  }

 private:
  std::string_view bytes_;
};

}  // namespace

// The first byte is the width of a bundle, the rest its bytes; the whole is also a path.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto id = TileId::Parse(text); id.ok()) GF_CHECK(id->Path() == text);
  if (size < 2) return 0;
  const unsigned width = 1 + data[0];
  const std::string_view bytes = text.substr(1);
  if (const auto entries = ParseBundle(bytes, width); entries.ok()) {
    std::string again;
    for (std::string_view entry : *entries) GF_CHECK(AppendToBundle(again, entry).ok());
    GF_CHECK(again == bytes);
  }
  if (const auto hashes = ParseTile(bytes, width); hashes.ok())
    GF_CHECK(FormatTile(*hashes) == bytes);
  FuzzedTiles log(bytes);
  (void)Fsck(log, width, std::nullopt, {std::string(text)});
  (void)SizeFromFiles({std::string(text)});
  return 0;
}
