// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_writer.h"

#include <fcntl.h>
#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/vcf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/genomics/hts_quiet.h"

namespace genofed::genomics {
namespace {

Status WriteFailed() {
  return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write the output file");
}

// A file beside its target that is removed unless it is moved there.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path target) : target_(std::move(target)) {}
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  // A descriptor to write to, or -1.
  int Open() {
    std::string pattern = target_.string() + ".XXXXXX";
    int fd = ::mkostemp(pattern.data(), O_CLOEXEC);
    if (fd >= 0) path_ = pattern;
    return fd;
  }

  Status Commit() {
    int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && ::fchmod(fd, 0640) == 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    ok = ok && ::rename(path_.c_str(), target_.c_str()) == 0;
    if (!ok) return WriteFailed();
    path_.clear();
    std::filesystem::path parent = target_.has_parent_path() ? target_.parent_path() : ".";
    if (int dir = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); dir >= 0) {
      ::fsync(dir);
      ::close(dir);
    }
    return absl::OkStatus();
  }

 private:
  std::filesystem::path target_;
  std::string path_;
};

class TextWriter final : public VcfWriter {
 public:
  explicit TextWriter(const std::filesystem::path& output) : pending_(output) {}
  ~TextWriter() override {
    if (file_ != nullptr) bgzf_close(file_);
  }

  Status Init(const std::string& header) {
    int fd = pending_.Open();
    if (fd < 0) return WriteFailed();
    file_ = bgzf_dopen(fd, "w");
    if (file_ == nullptr) {
      ::close(fd);
      return WriteFailed();
    }
    GF_TRY(Put(header));
    // In blocks of its own, so that it can be had without records.
    return bgzf_flush(file_) == 0 ? absl::OkStatus() : WriteFailed();
  }

  Status Write(std::string& line) override {
    line.push_back('\n');
    return Put(line);
  }

  Status Commit() override {
    int code = bgzf_close(file_);
    file_ = nullptr;
    if (code != 0) return WriteFailed();
    return pending_.Commit();
  }

 private:
  Status Put(const std::string& text) {
    ssize_t done = bgzf_write(file_, text.data(), text.size());
    return done == static_cast<ssize_t>(text.size()) ? absl::OkStatus() : WriteFailed();
  }

  PendingFile pending_;
  BGZF* file_ = nullptr;
};

class BcfWriter final : public VcfWriter {
 public:
  explicit BcfWriter(const std::filesystem::path& output)
      : pending_(output), header_(bcf_hdr_init("r")), record_(bcf_init()) {}
  ~BcfWriter() override {
    if (file_ != nullptr) hts_close(file_);
    if (record_ != nullptr) bcf_destroy(record_);
    if (header_ != nullptr) bcf_hdr_destroy(header_);
  }

  Status Init(std::string header) {
    if (header_ == nullptr || record_ == nullptr || bcf_hdr_parse(header_, header.data()) != 0) {
      return Error(StatusCode::kInternal, "OUTPUT_INVALID", "the BCF header cannot be made");
    }
    int fd = pending_.Open();
    hFILE* stream = fd < 0 ? nullptr : hdopen(fd, "w");
    if (stream == nullptr) {
      if (fd >= 0) ::close(fd);
      return WriteFailed();
    }
    file_ = hts_hopen(stream, "output.bcf", "wb");
    if (file_ == nullptr) {
      hclose_abruptly(stream);
      return WriteFailed();
    }
    return bcf_hdr_write(file_, header_) == 0 ? absl::OkStatus() : WriteFailed();
  }

  Status Write(std::string& line) override {
    // vcf_parse splits the line in place and reads its terminating zero.
    kstring_t text = {line.size(), line.capacity(), line.data()};
    bcf_clear(record_);
    if (vcf_parse(&text, header_, record_) != 0 || record_->errcode != 0) {
      return Error(StatusCode::kInvalidArgument, "MALFORMED_RECORD",
                   "a record cannot be written as BCF");
    }
    return bcf_write(file_, header_, record_) == 0 ? absl::OkStatus() : WriteFailed();
  }

  Status Commit() override {
    int code = hts_close(file_);
    file_ = nullptr;
    if (code != 0) return WriteFailed();
    return pending_.Commit();
  }

 private:
  PendingFile pending_;
  bcf_hdr_t* header_;
  bcf1_t* record_;
  htsFile* file_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<VcfWriter>> VcfWriter::Create(const std::filesystem::path& output,
                                                     const std::string& header) {
  SilenceHtslib();
  std::string name = output.filename().string();
  if (name.ends_with(".vcf.gz")) {
    auto writer = std::make_unique<TextWriter>(output);
    GF_TRY(writer->Init(header));
    return writer;
  }
  if (name.ends_with(".bcf")) {
    auto writer = std::make_unique<BcfWriter>(output);
    GF_TRY(writer->Init(header));
    return writer;
  }
  return Error(StatusCode::kInvalidArgument, "OUTPUT_INVALID",
               "the output must end in .vcf.gz or .bcf");
}

}  // namespace genofed::genomics
