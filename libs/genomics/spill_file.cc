// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace genofed::genomics {
namespace {

constexpr std::size_t kPendingBytes = 4096;  // of each bin; a genome has 25,000 when files are joined

Status SpillFailed() {
  return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write or read a temporary file");
}

}  // namespace

Result<std::unique_ptr<SpillFile>> SpillFile::Create(const std::filesystem::path& path) {
  std::unique_ptr<SpillFile> spill(new SpillFile(path));
  spill->fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (spill->fd_ < 0) return SpillFailed();
  return spill;
}

SpillFile::~SpillFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

Status SpillFile::Append(std::uint64_t number, std::string_view bytes) {
  Bin& bin = bins_[number];
  bin.pending.append(bytes);
  return bin.pending.size() < kPendingBytes ? absl::OkStatus() : Flush(bin);
}

Status SpillFile::Flush(Bin& bin) {
  bin.pieces.emplace_back(size_, static_cast<std::uint32_t>(bin.pending.size()));
  for (std::string_view rest = bin.pending; !rest.empty();) {
    ssize_t n = ::pwrite(fd_, rest.data(), rest.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return SpillFailed();
    rest.remove_prefix(static_cast<std::size_t>(n));
    size_ += static_cast<std::uint64_t>(n);
  }
  bin.pending.clear();
  return absl::OkStatus();
}

std::vector<std::uint64_t> SpillFile::Bins() const {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, bin] : bins_) numbers.push_back(number);
  return numbers;
}

std::uint64_t SpillFile::Size(std::uint64_t number) const {
  const auto bin = bins_.find(number);
  if (bin == bins_.end()) return 0;
  std::uint64_t size = bin->second.pending.size();
  for (const auto& [offset, piece] : bin->second.pieces) size += piece;
  return size;
}

Result<std::string> SpillFile::Read(std::uint64_t number) const {
  const auto found = bins_.find(number);
  if (found == bins_.end()) return std::string();
  const Bin& bin = found->second;
  std::string bytes;
  for (auto [offset, size] : bin.pieces) {
    std::size_t at = bytes.size();
    bytes.resize(at + size);
    while (at < bytes.size()) {
      ssize_t n = ::pread(fd_, bytes.data() + at, bytes.size() - at, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return SpillFailed();
      at += static_cast<std::size_t>(n);
      offset += static_cast<std::uint64_t>(n);
    }
  }
  return bytes + bin.pending;
}

}  // namespace genofed::genomics
