// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/line_source.h"

#include <fcntl.h>
#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/hts_log.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "libs/genomics/hts_quiet.h"

namespace genofed::genomics {

void SilenceHtslib() {
  static const bool done = (hts_set_log_level(HTS_LOG_OFF), true);
  static_cast<void>(done);
}

namespace {

// A million samples with 250 bytes each. Longer lines are an attack or another kind of file.
constexpr std::size_t kMaxLine = 256U << 20;
constexpr std::size_t kChunk = 256U << 10;
constexpr std::uint32_t kMaxBcfHeader = 64U << 20;

Status Truncated() {
  return Error(
      StatusCode::kDataLoss, "TRUNCATED_BGZIP",
      "the file ends without the bgzip end-of-file block: it was cut off in writing or transfer");
}

Status Corrupt() {
  return Error(StatusCode::kDataLoss, "CORRUPT_BGZIP_BLOCK", "a bgzip block is damaged");
}

Status NotVcf(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "NOT_VCF", "{}", what);
}

struct BgzfCloser {
  void operator()(BGZF* file) const { bgzf_close(file); }
};
struct HtsCloser {
  void operator()(htsFile* file) const { hts_close(file); }
};
struct HeaderDeleter {
  void operator()(bcf_hdr_t* header) const { bcf_hdr_destroy(header); }
};
struct RecordDeleter {
  void operator()(bcf1_t* record) const { bcf_destroy(record); }
};
struct HfileCloser {
  void operator()(hFILE* file) const { hclose_abruptly(file); }
};
struct KString {
  kstring_t value = {0, 0, nullptr};
  KString() = default;
  KString(const KString&) = delete;
  KString& operator=(const KString&) = delete;
  ~KString() { std::free(value.s); }
  std::string_view view() const { return {value.s, value.l}; }
};

class TextSource final : public LineSource {
 public:
  explicit TextSource(BGZF* file) : file_(file), buffer_(kChunk) {}

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
                     "line {} is longer than {} bytes", number_ + 1, kMaxLine);
      }
      scanned -= begin_;
      GF_ASSIGN(bool more, Fill());
      scanned += begin_;
      if (!more) break;
    }
    if (begin_ == end_) return false;
    Take(end_, line);
    begin_ = end_;
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
    ssize_t count = bgzf_read(file_.get(), buffer_.data() + end_, kChunk);
    if (count < 0) return Corrupt();
    if (count == 0) {
      if (file_->is_compressed && file_->no_eof_block) return Truncated();
      return false;
    }
    end_ += static_cast<std::size_t>(count);
    return true;
  }

  std::unique_ptr<BGZF, BgzfCloser> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t number_ = 0;
};

class BcfSource final : public LineSource {
 public:
  BcfSource(htsFile* file, bcf_hdr_t* header) : file_(file), header_(header), record_(bcf_init()) {}

  Status Init() {
    if (!record_ || bcf_hdr_format(header_.get(), 0, &text_.value) != 0) {
      return Error(StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "no memory for the BCF header");
    }
    return absl::OkStatus();
  }

  Result<bool> Next(std::string_view* line) override {
    if (header_done_ < text_.value.l) {
      std::string_view rest = text_.view().substr(header_done_);
      *line = rest.substr(0, rest.find('\n'));
      header_done_ += std::min(rest.size(), line->size() + 1);
      ++number_;
      return true;
    }
    int code = bcf_read(file_.get(), header_.get(), record_.get());
    if (code == -1) {
      const BGZF* bgzf = file_->fp.bgzf;
      if (bgzf->is_compressed && bgzf->no_eof_block) return Truncated();
      return false;
    }
    ++number_;
    if (code < -1 || record_->errcode != 0) {
      if (file_->fp.bgzf->errcode != 0) return Corrupt();
      return Error(StatusCode::kInvalidArgument, "MALFORMED_RECORD",
                   "BCF record {} cannot be decoded", number_);
    }
    line_.value.l = 0;
    if (vcf_format(header_.get(), record_.get(), &line_.value) != 0) {
      return Error(StatusCode::kInvalidArgument, "MALFORMED_RECORD",
                   "BCF record {} cannot be written as text", number_);
    }
    *line = line_.view();
    while (line->ends_with('\n')) line->remove_suffix(1);
    return true;
  }

  std::uint64_t line_number() const override { return number_; }

 private:
  std::unique_ptr<htsFile, HtsCloser> file_;
  std::unique_ptr<bcf_hdr_t, HeaderDeleter> header_;
  std::unique_ptr<bcf1_t, RecordDeleter> record_;
  KString text_;
  KString line_;
  std::size_t header_done_ = 0;
  std::uint64_t number_ = 0;
};

// htslib allocates and fills whatever length a BCF header claims (BCF 2.2: magic[5], u32 length),
// so a few kilobytes could take 4 GiB. Pipes cannot be rewound; they carry files that were checked
// before.
Status CheckBcfHeaderSize(BGZF* file) {
  unsigned char start[9] = {};
  if (bgzf_seek(file, 0, SEEK_SET) != 0) return absl::OkStatus();
  if (bgzf_read(file, start, sizeof start) != static_cast<ssize_t>(sizeof start))
    return NotVcf("not a BCF file");
  std::uint32_t length = 0;
  std::memcpy(&length, start + 5, sizeof length);
  if (length > kMaxBcfHeader) {
    return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "the header is longer than {} bytes",
                 kMaxBcfHeader);
  }
  if (bgzf_seek(file, 0, SEEK_SET) != 0) return NotVcf("the BCF file cannot be read");
  return absl::OkStatus();
}

}  // namespace

Result<std::unique_ptr<LineSource>> LineSource::OpenFd(int fd) {
  SilenceHtslib();
  std::unique_ptr<hFILE, HfileCloser> stream(hdopen(fd, "r"));
  if (!stream) {
    ::close(fd);
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read from the file descriptor");
  }
  htsFormat format = {};
  if (hts_detect_format(stream.get(), &format) != 0) return NotVcf("the file cannot be read");
  if (format.compression != no_compression && format.compression != bgzf) {
    return NotVcf("compressed, but not with bgzip: recompress it with bgzip");
  }
  if (format.format == vcf) {
    BGZF* file = bgzf_hopen(stream.get(), "r");
    if (file == nullptr) return NotVcf("the file cannot be read");
    static_cast<void>(stream.release());  // bgzf_close closes it
    auto source = std::make_unique<TextSource>(file);
    if (format.compression == bgzf && bgzf_check_EOF(file) == 0) return Truncated();
    return source;
  }
  if (format.format != bcf)
    return NotVcf("neither VCF nor BCF: it does not begin with ##fileformat=VCF");
  std::unique_ptr<htsFile, HtsCloser> file(hts_hopen(stream.get(), "input.bcf", "r"));
  if (!file) return NotVcf("the BCF file cannot be read");
  static_cast<void>(stream.release());  // hts_close closes it
  if (file->is_bgzf == 0 && file->fp.bgzf == nullptr) return NotVcf("the BCF file cannot be read");
  if (hts_check_EOF(file.get()) == 0) return Truncated();
  GF_TRY(CheckBcfHeaderSize(file->fp.bgzf));
  bcf_hdr_t* header = bcf_hdr_read(file.get());
  if (header == nullptr) {
    return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "the BCF header cannot be decoded");
  }
  auto source = std::make_unique<BcfSource>(file.release(), header);
  GF_TRY(source->Init());
  return source;
}

Result<std::unique_ptr<LineSource>> LineSource::OpenPath(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return Error(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kInternal, "FILE_FAILED",
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
