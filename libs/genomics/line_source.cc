// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/line_source.h"

#include "libs/genomics/bcf_source.h"
#include "libs/genomics/bgzf_reader.h"

namespace genofed::genomics {
namespace {

class TextSource final : public LineSource {
 public:
  explicit TextSource(std::unique_ptr<BgzfReader> reader) : reader_(std::move(reader)) {
    plain_gzip_ = reader_->plain_gzip();
  }

  // Looks at the beginning, so that an image or a spreadsheet is not taken for a very bad VCF.
  Status Start() {
    GF_TRY(reader_->Fill(4));
    std::string_view text = reader_->window();
    if (text.empty()) return NotVcf("the file is empty");
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
      return NotVcf("the text is UTF-16: save it as UTF-8");
    }
    byte_order_mark_ = text.starts_with("\xEF\xBB\xBF");
    if (byte_order_mark_) reader_->Consume(3);
    if (!reader_->window().starts_with("#")) {
      return NotVcf("neither VCF nor BCF: it does not begin with ##fileformat=VCF");
    }
    return absl::OkStatus();
  }

  Result<bool> Next(std::string_view* line) override {
    reader_->Consume(taken_);
    taken_ = 0;
    std::size_t scanned = 0;
    while (true) {
      std::string_view window = reader_->window();
      std::size_t stop = window.find('\n', scanned);
      if (stop != std::string_view::npos) {
        Take(window.substr(0, stop), stop + 1, line);
        return true;
      }
      scanned = window.size();
      if (scanned > kMaxLine) {
        return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG",
                     "line {} is longer than {} bytes", ++number_, kMaxLine);
      }
      GF_TRY(reader_->Fill(scanned + 1));
      if (reader_->window().size() == scanned) break;
    }
    if (scanned == 0) return false;
    Take(reader_->window(), scanned, line);
    unterminated_ = true;
    return true;
  }

  std::uint64_t line_number() const override { return number_; }

 private:
  // The line stays where it is, in the reader's window.
  void Take(std::string_view text, std::size_t taken, std::string_view* line) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    *line = text;
    taken_ = taken;
    ++number_;
  }

  std::unique_ptr<BgzfReader> reader_;
  std::size_t taken_ = 0;  // bytes of the line last returned
  std::uint64_t number_ = 0;
};

}  // namespace

Result<std::unique_ptr<LineSource>> LineSource::Open(std::unique_ptr<BgzfReader> reader) {
  if (reader->kind() == BgzfReader::Kind::kBcf) {
    GF_ASSIGN(auto source, BcfSource::Open(std::move(reader)));
    return std::unique_ptr<LineSource>(std::move(source));
  }
  auto source = std::make_unique<TextSource>(std::move(reader));
  GF_TRY(source->Start());
  return std::unique_ptr<LineSource>(std::move(source));
}

Result<std::unique_ptr<LineSource>> LineSource::OpenFd(int fd) {
  GF_ASSIGN(auto reader, BgzfReader::Open(fd));
  return Open(std::move(reader));
}

Result<std::unique_ptr<LineSource>> LineSource::OpenPath(const std::filesystem::path& path) {
  GF_ASSIGN(auto reader, BgzfReader::OpenPath(path));
  return Open(std::move(reader));
}

}  // namespace genofed::genomics
