// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/bgzf_stream.h"

#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/hts_log.h>
#include <unistd.h>

#include "libs/genomics/hts_quiet.h"

namespace genofed::genomics {

void SilenceHtslib() {
  static const bool done = (hts_set_log_level(HTS_LOG_OFF), true);
  static_cast<void>(done);
}

namespace {

Status Truncated() {
  return Error(StatusCode::kDataLoss, "TRUNCATED_BGZIP",
               "the compressed file ends early: it was cut off in writing or transfer");
}

struct HfileCloser {
  void operator()(hFILE* file) const { hclose_abruptly(file); }
};

}  // namespace

Status NotVcf(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "NOT_VCF", "{}", what);
}

Result<std::unique_ptr<BgzfStream>> BgzfStream::Open(int fd) {
  SilenceHtslib();
  std::unique_ptr<hFILE, HfileCloser> stream(hdopen(fd, "r"));
  if (!stream) {
    ::close(fd);
    return Error(StatusCode::kInternal, "READ_FAILED", "cannot read from the file descriptor");
  }
  htsFormat format = {};
  if (hts_detect_format(stream.get(), &format) != 0) return NotVcf("the file cannot be read");
  bool plain_gzip = format.compression == gzip;
  if (!plain_gzip && format.compression != no_compression && format.compression != bgzf) {
    return NotVcf("compressed, but neither with bgzip nor with gzip: recompress it with bgzip");
  }
  BGZF* file = bgzf_hopen(stream.get(), "r");
  if (file == nullptr) return NotVcf("the file cannot be read");
  static_cast<void>(stream.release());  // bgzf_close closes it
  std::unique_ptr<BgzfStream> out(
      new BgzfStream(file, format.format == bcf ? Kind::kBcf : Kind::kText, plain_gzip));
  // 0: the file can be sought and lacks the block. Of a pipe it shows only at the end.
  if (format.compression == bgzf && bgzf_check_EOF(file) == 0) return Truncated();
  return out;
}

BgzfStream::~BgzfStream() { bgzf_close(file_); }

Result<std::size_t> BgzfStream::Read(char* out, std::size_t size) {
  ssize_t count = bgzf_read(file_, out, size);
  if (count < 0) {
    return Error(
        StatusCode::kDataLoss, "CORRUPT_BGZIP_BLOCK", "{}",
        plain_gzip_ ? "the gzip data is damaged or cut off" : "a compressed block is damaged");
  }
  if (count == 0 && file_->is_compressed && !plain_gzip_ && file_->no_eof_block) return Truncated();
  return static_cast<std::size_t>(count);
}

}  // namespace genofed::genomics
