// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_writer.h"

#include <fcntl.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/vcf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

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

class SinkWriter final : public VcfWriter {
 public:
  explicit SinkWriter(ByteSink sink) : bgzf_(std::move(sink)) {}

  // In blocks of its own, so that it can be had without records.
  Status PutHeader(std::string_view text) {
    GF_TRY(bgzf_.Write(text));
    return bgzf_.Flush();
  }
  Status Write(std::string& line) override {
    line.push_back('\n');
    // Every block begins with the beginning of a record, or goes on with the one before it and then
    // ends with it: so blocks can be taken out and joined (vcf_index.h).
    GF_TRY(bgzf_.FlushUnlessFits(line.size()));
    GF_TRY(bgzf_.Write(line));
    return line.size() <= BgzfWriter::kBlockBytes ? absl::OkStatus() : bgzf_.Flush();
  }
  Status Commit() override { return bgzf_.Finish(); }

 private:
  BgzfWriter bgzf_;
};

class TextWriter final : public VcfWriter {
 public:
  explicit TextWriter(const std::filesystem::path& output)
      : pending_(output), text_([this](std::string_view bytes) { return Append(bytes); }) {}
  ~TextWriter() override {
    if (fd_ >= 0) ::close(fd_);
  }

  Status Init(const std::string& header) {
    fd_ = pending_.Open();
    return fd_ < 0 ? WriteFailed() : text_.PutHeader(header);
  }
  Status Write(std::string& line) override { return text_.Write(line); }
  Status Commit() override {
    GF_TRY(text_.Commit());
    int code = ::close(fd_);
    fd_ = -1;
    if (code != 0) return WriteFailed();
    return pending_.Commit();
  }

 private:
  Status Append(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t done = ::write(fd_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return WriteFailed();
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return absl::OkStatus();
  }

  PendingFile pending_;
  SinkWriter text_;
  int fd_ = -1;
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

Result<std::unique_ptr<VcfWriter>> VcfWriter::ToSink(ByteSink sink, const std::string& header) {
  auto writer = std::make_unique<SinkWriter>(std::move(sink));
  GF_TRY(writer->PutHeader(header));
  return std::unique_ptr<VcfWriter>(std::move(writer));
}

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
