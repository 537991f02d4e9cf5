// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/bgzf_writer.h"

#include <isa-l/crc.h>
#include <libdeflate.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "libs/genomics/bgzf_reader.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxBlock = 65'536;
constexpr std::size_t kHeader = 18;
// Genotypes compress well at any level; the first is several times faster than bgzip's default.
constexpr int kLevel = 1;

void Put(char* at, std::uint32_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) at[i] = static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace

BgzfWriter::BgzfWriter(ByteSink sink)
    : sink_(std::move(sink)),
      deflater_(libdeflate_alloc_compressor(kLevel)),
      plain_(std::make_unique_for_overwrite<char[]>(kBlockBytes)),
      block_(std::make_unique_for_overwrite<char[]>(kMaxBlock)) {
  std::memcpy(block_.get(), kBgzfEnd.data(), kHeader);
}

BgzfWriter::~BgzfWriter() { libdeflate_free_compressor(deflater_); }

Status BgzfWriter::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t part = std::min(bytes.size(), kBlockBytes - size_);
    std::memcpy(plain_.get() + size_, bytes.data(), part);
    size_ += part;
    bytes.remove_prefix(part);
    if (size_ == kBlockBytes) GF_TRY(WriteBlock());
  }
  return absl::OkStatus();
}

Status BgzfWriter::Finish() {
  GF_TRY(Flush());
  return sink_(kBgzfEnd);
}

Status BgzfWriter::WriteBlock() {
  if (deflater_ == nullptr)
    return Error(StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "no memory to compress");
  std::size_t size = libdeflate_deflate_compress(deflater_, plain_.get(), size_,
                                                 block_.get() + kHeader, kMaxBlock - kHeader - 8);
  // Stored blocks of 65,280 bytes fit by 223 bytes.
  GF_CHECK(size > 0);
  size += kHeader;
  Put(block_.get() + size, crc32_gzip_refl(0, reinterpret_cast<unsigned char*>(plain_.get()), size_), 4);
  Put(block_.get() + size + 4, static_cast<std::uint32_t>(size_), 4);
  size += 8;
  Put(block_.get() + 16, static_cast<std::uint32_t>(size - 1), 2);
  size_ = 0;
  return sink_({block_.get(), size});
}

}  // namespace genofed::genomics
