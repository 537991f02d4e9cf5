// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/line_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "libs/genomics/bcf_source.h"
#include "libs/genomics/bgzf_stream.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kChunk = 256U << 10;

class TextSource final : public LineSource {
 public:
  explicit TextSource(std::unique_ptr<BgzfStream> stream)
      : stream_(std::move(stream)), buffer_(kChunk) {
    plain_gzip_ = stream_->plain_gzip();
  }

  // Looks at the beginning, so that an image or a spreadsheet is not taken for a very bad VCF.
  Status Start() {
    GF_TRY(Fill());
    std::string_view text(buffer_.data(), end_);
    if (text.empty()) return NotVcf("the file is empty");
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
      return NotVcf("the text is UTF-16: save it as UTF-8");
    }
    byte_order_mark_ = text.starts_with("\xEF\xBB\xBF");
    begin_ = byte_order_mark_ ? 3 : 0;
    if (!text.substr(begin_).starts_with("#")) {
      return NotVcf("neither VCF nor BCF: it does not begin with ##fileformat=VCF");
    }
    return absl::OkStatus();
  }

  Result<bool> Next(std::string_view* line) override {
    std::size_t scanned = begin_;
    while (true) {
      const void* hit = std::memchr(buffer_.data() + scanned, '\n', end_ - scanned);
      if (hit != nullptr) {
        std::size_t stop = static_cast<std::size_t>(static_cast<const char*>(hit) - buffer_.data());
        Take(stop, line);
        begin_ = stop + 1;
        return true;
      }
      scanned = end_;
      if (end_ - begin_ > kMaxLine) {
        return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG",
                     "line {} is longer than {} bytes", ++number_, kMaxLine);
      }
      scanned -= begin_;
      GF_ASSIGN(bool more, Fill());
      scanned += begin_;
      if (!more) break;
    }
    if (begin_ == end_) return false;
    Take(end_, line);
    begin_ = end_;
    unterminated_ = true;
    return true;
  }

  std::uint64_t line_number() const override { return number_; }

 private:
  void Take(std::size_t stop, std::string_view* line) {
    *line = std::string_view(buffer_.data() + begin_, stop - begin_);
    if (line->ends_with('\r')) line->remove_suffix(1);
    ++number_;
  }

  // Moves what is left to the front and reads one more chunk behind it.
  Result<bool> Fill() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < kChunk) buffer_.resize(buffer_.size() * 2);
    GF_ASSIGN(std::size_t count, stream_->Read(buffer_.data() + end_, kChunk));
    end_ += count;
    return count > 0;
  }

  std::unique_ptr<BgzfStream> stream_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace

Result<std::unique_ptr<LineSource>> LineSource::OpenFd(int fd) {
  GF_ASSIGN(auto stream, BgzfStream::Open(fd));
  if (stream->kind() == BgzfStream::Kind::kBcf) return OpenBcf(std::move(stream));
  auto source = std::make_unique<TextSource>(std::move(stream));
  GF_TRY(source->Start());
  return source;
}

Result<std::unique_ptr<LineSource>> LineSource::OpenPath(const std::filesystem::path& path) {
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
  return OpenFd(fd);
}

}  // namespace genofed::genomics
