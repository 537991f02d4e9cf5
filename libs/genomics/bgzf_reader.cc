// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/bgzf_reader.h"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxBlock = 65'536;  // of a BGZF block, compressed and inflated
constexpr std::size_t kRawBytes = 4 * kMaxBlock;
// Small enough for the cache next to a core: what was inflated is still there when it is read.
constexpr std::size_t kMinWindow = 512U << 10;

Status Truncated() {
  return Error(StatusCode::kDataLoss, "TRUNCATED_BGZIP",
               "the compressed file ends early: it was cut off in writing or transfer");
}

Status Corrupt(std::string_view what = "a compressed block is damaged") {
  return Error(StatusCode::kDataLoss, "CORRUPT_BGZIP_BLOCK", "{}", what);
}

Status ReadFailed() {
  return Error(StatusCode::kInternal, "READ_FAILED", "cannot read: {}", std::strerror(errno));
}

std::uint32_t Little32(const unsigned char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::size_t Little16(const unsigned char* at) {
  return static_cast<std::size_t>(at[0]) | static_cast<std::size_t>(at[1]) << 8;
}

// Size of the gzip header and of the whole block; zeros when it is not a BGZF block. 18 bytes are
// there, and 12 + XLEN where those are fewer than `available`.
struct BlockSize {
  std::size_t header = 0;
  std::size_t block = 0;
};
BlockSize MeasureBlock(const unsigned char* at, std::size_t available) {
  if (at[0] != 0x1f || at[1] != 0x8b || at[2] != 8 || at[3] != 4) return {};
  std::size_t header = 12 + Little16(at + 10);
  for (std::size_t field = 12; field + 4 <= std::min(header, available);) {
    std::size_t length = Little16(at + field + 2);
    if (at[field] == 'B' && at[field + 1] == 'C' && length == 2 && field + 6 <= available)
      return {header, Little16(at + field + 4) + 1};
    field += 4 + length;
  }
  return {};
}

}  // namespace

Status NotVcf(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "NOT_VCF", "{}", what);
}

BgzfReader::BgzfReader(int fd) : fd_(fd), inflater_(libdeflate_alloc_decompressor()) {}

BgzfReader::~BgzfReader() {
  libdeflate_free_decompressor(inflater_);
  if (gzip_) ::inflateEnd(gzip_.get());
  ::close(fd_);
}

Result<std::unique_ptr<BgzfReader>> BgzfReader::OpenPath(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return Error(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kInternal, "READ_FAILED",
                 "cannot open {}: {}", path.filename().string(), std::strerror(errno));
  }
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return NotVcf("not a regular file");
  }
  return Open(fd);
}

Result<std::unique_ptr<BgzfReader>> BgzfReader::Open(int fd) {
  std::unique_ptr<BgzfReader> reader(new BgzfReader(fd));
  if (reader->inflater_ == nullptr)
    return Error(StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "no memory to read the file");
  GF_TRY(reader->Detect());
  return reader;
}

Status BgzfReader::Detect() {
  raw_ = std::make_unique_for_overwrite<unsigned char[]>(kRawBytes);
  bool more = true;
  while (more && raw_end_ < 18) GF_TRY(ReadRaw(&more));
  std::string_view start(reinterpret_cast<const char*>(raw_.get()), raw_end_);
  for (std::string_view other : {"BZh",
                                 "\xFD"
                                 "7zXZ",
                                 "\x28\xB5\x2F\xFD"}) {
    if (start.starts_with(other))
      return NotVcf("compressed, but neither with bgzip nor with gzip: recompress it with bgzip");
  }
  if (start.starts_with("\x1f\x8b")) {
    bool blocks = raw_end_ >= 18 && MeasureBlock(raw_.get(), raw_end_).block != 0;
    format_ = blocks ? Format::kBgzf : Format::kGzip;
  }
  if (format_ == Format::kBgzf) {
    // A file that was cut off is refused before an hour of work, where that can be seen.
    struct stat info = {};
    std::array<char, kBgzfEnd.size()> tail;
    if (::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) {
      ssize_t n = ::pread(fd_, tail.data(), tail.size(),
                          std::max<off_t>(0, info.st_size - static_cast<off_t>(tail.size())));
      if (n != static_cast<ssize_t>(tail.size()) ||
          std::string_view(tail.data(), tail.size()) != kBgzfEnd)
        return Truncated();
    }
  }
  GF_TRY(Fill(4));
  if (window().starts_with("BCF\2")) kind_ = Kind::kBcf;
  return absl::OkStatus();
}

void BgzfReader::Reserve(std::size_t bytes) {
  if (capacity_ - end_ >= bytes) return;
  std::size_t unread = end_ - begin_;
  // A half of it free: what is moved is less than twice what is read.
  if (capacity_ >= (unread + bytes) / 2 * 3) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
  } else {
    capacity_ = std::max(kMinWindow, 2 * (unread + bytes));
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    if (unread > 0) std::memcpy(larger.get(), buffer_.get() + begin_, unread);
    buffer_ = std::move(larger);
  }
  begin_ = 0;
  end_ = unread;
}

Status BgzfReader::ReadRaw(bool* more) {
  if (raw_begin_ > 0) {
    std::memmove(raw_.get(), raw_.get() + raw_begin_, raw_end_ - raw_begin_);
    raw_end_ -= raw_begin_;
    raw_begin_ = 0;
  }
  while (true) {
    ssize_t n = ::read(fd_, raw_.get() + raw_end_, kRawBytes - raw_end_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ReadFailed();
    raw_end_ += static_cast<std::size_t>(n);
    *more = n > 0;
    return absl::OkStatus();
  }
}

Status BgzfReader::Fill(std::size_t bytes) {
  while (end_ - begin_ < bytes && !at_end_) GF_TRY(Append());
  return absl::OkStatus();
}

Status BgzfReader::Append() {
  switch (format_) {
    case Format::kPlain:
      return AppendPlain();
    case Format::kBgzf:
      return AppendBlock();
    case Format::kGzip:
      return AppendGzip();
  }
  return absl::OkStatus();
}

Status BgzfReader::AppendPlain() {
  std::size_t ready = raw_end_ - raw_begin_;
  Reserve(kRawBytes);
  if (ready > 0) {  // what Detect() has read
    std::memcpy(buffer_.get() + end_, raw_.get() + raw_begin_, ready);
    raw_begin_ = raw_end_ = 0;
    end_ += ready;
    return absl::OkStatus();
  }
  ssize_t n = ::read(fd_, buffer_.get() + end_, kRawBytes);
  if (n < 0 && errno == EINTR) return absl::OkStatus();
  if (n < 0) return ReadFailed();
  at_end_ = n == 0;
  end_ += static_cast<std::size_t>(n);
  return absl::OkStatus();
}

Status BgzfReader::AppendBlock() {
  const unsigned char* at = raw_.get() + raw_begin_;
  std::size_t available = raw_end_ - raw_begin_;
  BlockSize size = available >= 18 ? MeasureBlock(at, available) : BlockSize{};
  if (size.block != 0 && size.block <= available) {
    GF_TRY(InflateBlock(at, size.header, size.block));
    raw_begin_ += size.block;
    return absl::OkStatus();
  }
  bool more = false;
  if (available < kMaxBlock) GF_TRY(ReadRaw(&more));
  if (more) return absl::OkStatus();
  if (available > 0) return size.block == 0 && available >= 18 ? Corrupt() : Truncated();
  if (!last_block_was_empty_) return Truncated();
  at_end_ = true;
  return absl::OkStatus();
}

// Any gzip file: one member after another, each a stream.
Status BgzfReader::AppendGzip() {
  Status damaged = Corrupt("the gzip data is damaged or cut off");
  if (!gzip_) {
    gzip_ = std::make_unique<z_stream_s>();
    if (::inflateInit2(gzip_.get(), 15 + 16) != Z_OK)
      return Error(StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "no memory to read the file");
  }
  if (raw_begin_ == raw_end_) {
    bool more = false;
    GF_TRY(ReadRaw(&more));
    if (!more) {
      at_end_ = true;
      return in_gzip_member_ ? damaged : absl::OkStatus();
    }
  }
  if (!in_gzip_member_) ::inflateReset(gzip_.get());
  in_gzip_member_ = true;
  Reserve(kRawBytes);
  gzip_->next_in = raw_.get() + raw_begin_;
  gzip_->avail_in = static_cast<uInt>(raw_end_ - raw_begin_);
  gzip_->next_out = reinterpret_cast<Bytef*>(buffer_.get() + end_);
  gzip_->avail_out = static_cast<uInt>(kRawBytes);
  int code = ::inflate(gzip_.get(), Z_NO_FLUSH);
  raw_begin_ = raw_end_ - gzip_->avail_in;
  end_ += kRawBytes - gzip_->avail_out;
  if (code == Z_STREAM_END) in_gzip_member_ = false;
  return code == Z_OK || code == Z_STREAM_END ? absl::OkStatus() : damaged;
}

Status BgzfReader::InflateBlock(const unsigned char* block, std::size_t header, std::size_t size) {
  if (size < header + 8) return Corrupt();
  std::uint32_t crc = Little32(block + size - 8);
  std::uint32_t length = Little32(block + size - 4);
  if (length > kMaxBlock) return Corrupt();
  Reserve(kMaxBlock);
  auto* out = buffer_.get() + end_;
  if (libdeflate_deflate_decompress(inflater_, block + header, size - header - 8, out, length,
                                    nullptr) != LIBDEFLATE_SUCCESS ||
      crc32_gzip_refl(0, reinterpret_cast<unsigned char*>(out), length) != crc) {
    return Corrupt();
  }
  end_ += length;
  last_block_was_empty_ = length == 0;
  return absl::OkStatus();
}

}  // namespace genofed::genomics
