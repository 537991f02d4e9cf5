// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/record_scanner.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "libs/core/strings.h"
#include "libs/genomics/bcf_scanner.h"
#include "libs/genomics/bgzf_reader.h"
#include "libs/genomics/text_record.h"
#include "libs/genomics/vcf_header.h"

namespace genofed::genomics {
namespace {

class TextScanner final : public RecordScanner {
 public:
  TextScanner(std::unique_ptr<BgzfReader> reader, Reference* reference)
      : reader_(std::move(reader)), reference_(reference) {}

  Status ReadHeader() {
    VcfHeaderParser parser;
    for (bool done = false; !done;) {
      std::string_view line;
      GF_ASSIGN(bool more, NextLine(&line));
      if (!more)
        return Error(StatusCode::kInvalidArgument, "BAD_HEADER",
                     "the file ends before the #CHROM line");
      GF_TRY(parser.Add(line, &done));
    }
    header_ = parser.Finish();
    GF_TRY(CheckContigs(header_));
    parser_.emplace(header_, reference_);
    std::string_view rest = reader_->window();
    seen_nul_ = rest.find('\0') != std::string_view::npos;
    return absl::OkStatus();
  }

  const VcfHeader& header() const override { return header_; }
  const ScannedRecord& record() const override { return parser_->record(); }
  const VcfProblem& problem() const override { return parser_->problem(); }

  Result<VcfReader::Outcome> Next() override {
    std::string_view line;
    GF_ASSIGN(bool more, NextLine(&line));
    if (!more) return VcfReader::Outcome::kEnd;
    return parser_->Parse(line, number_, seen_nul_) ? VcfReader::Outcome::kRecord
                                         : VcfReader::Outcome::kRejected;
  }

 private:
  // A line without its end, in the reader's window.
  Result<bool> NextLine(std::string_view* line) {
    reader_->Consume(taken_);
    taken_ = 0;
    std::size_t scanned = 0;
    while (true) {
      std::string_view window = reader_->window();
      const void* hit = window.size() == scanned
                            ? nullptr
                            : std::memchr(window.data() + scanned, '\n', window.size() - scanned);
      if (hit != nullptr) {
        std::size_t length =
            static_cast<std::size_t>(static_cast<const char*>(hit) - window.data());
        return Take(window.substr(0, length), length + 1, line);
      }
      scanned = window.size();
      if (scanned > kMaxRecordBytes) {
        return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG",
                     "line {} is longer than {} bytes", number_ + 1, kMaxRecordBytes);
      }
      GF_TRY(reader_->Fill(scanned + 1));
      std::string_view more = reader_->window().substr(scanned);
      // Looked for here, in long stretches; only files that have one pay for looking in each line.
      if (!more.empty() && std::memchr(more.data(), '\0', more.size()) != nullptr) seen_nul_ = true;
      if (!more.empty()) continue;
      if (scanned == 0) return false;
      return Take(reader_->window(), scanned, line);
    }
  }

  bool Take(std::string_view text, std::size_t taken, std::string_view* line) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    *line = text;
    taken_ = taken;
    ++number_;
    return true;
  }

  std::unique_ptr<BgzfReader> reader_;
  Reference* reference_;
  VcfHeader header_;
  std::optional<TextRecordParser> parser_;
  bool seen_nul_ = true;   // until the header, which is short, has been read
  std::size_t taken_ = 0;  // bytes of the line last returned
  std::uint64_t number_ = 0;
};

bool IsDot(std::string_view text) { return text.size() == 1 && text[0] == '.'; }

bool ParsePosition(std::string_view text, std::int64_t* pos) {
  *pos = 0;
  bool digits = text.size() <= 10;
  for (char c : text) {
    digits = digits && c >= '0' && c <= '9';
    *pos = digits ? 10 * *pos + (c - '0') : 0;
  }
  if (digits) return true;
  auto number = ParseInt(text);
  if (number.ok()) *pos = *number;
  return number.ok();
}

bool IsNumberText(std::string_view text) {
  constexpr std::string_view kLetters = "0123456789.eE+-InNaAfF";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || kLetters.find(c) != std::string_view::npos;
  });
}

Result<std::unique_ptr<BgzfReader>> OpenBytes(const VcfInput& input) {
  if (const int* fd = std::get_if<int>(&input)) return BgzfReader::OpenFd(*fd);
  return BgzfReader::OpenPath(std::get<std::filesystem::path>(input));
}

}  // namespace

Status CheckContigs(const VcfHeader& header) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < header.contigs.size(); ++i) {
    if (!seen.insert(header.contigs[i].raw).second) {
      return Error(StatusCode::kInvalidArgument, "BAD_HEADER",
                   "contig line {} repeats an earlier one", i + 1);
    }
  }
  return absl::OkStatus();
}

TextRecordParser::TextRecordParser(const VcfHeader& header, Reference* reference)
    : n_samples_(header.samples.size()), rules_(header, reference) {}

bool TextRecordParser::Parse(std::string_view line, std::uint64_t number, bool may_have_nul) {
  rules_.set_line(number);
  record_.line = number;
  record_.calls.clear();
  if (may_have_nul && std::memchr(line.data(), '\0', line.size()) != nullptr)
    return rules_.Reject(VcfCode::kMalformedRecord, "", "a NUL byte");
  tabs_.clear();
  FindTabs(line, columns_.size(), tabs_);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t end = i < tabs_.size() ? tabs_[i] : line.size();
    if (begin >= end)
      return rules_.Reject(VcfCode::kMalformedRecord, "", "a column is empty or missing");
    columns_[i] = line.substr(begin, end - begin);
    begin = end + 1;
  }
  record_.columns = columns_;
  record_.samples = line.substr(std::min(begin, line.size()));
  if (!ParseSite() || !rules_.CheckPlace(record_)) return false;
  std::string_view format = columns_[8];
  if (format != "GT" && !format.starts_with("GT:")) {
    return rules_.Reject(VcfCode::kGtMissing, "FORMAT",
                         "the record has no genotypes: FORMAT does not begin with GT");
  }
  return rules_.CheckGenotypes(
      ScanText(record_.samples, n_samples_, record_.alts.size() + 1, record_.calls,
               &record_.samples_are_lanes));
}

bool TextRecordParser::ParseSite() {
  if (!rules_.SetContig(columns_[0], record_)) return false;
  std::int64_t pos = 0;
  if (!ParsePosition(columns_[1], &pos))
    return rules_.Reject(VcfCode::kMalformedRecord, "POS", "not a number");
  if (!rules_.SetPosition(pos, record_)) return false;
  if (!IsDot(columns_[5]) && !IsNumberText(columns_[5]))
    return rules_.Reject(VcfCode::kMalformedRecord, "QUAL", "not a number");
  record_.passed = IsDot(columns_[6]) || columns_[6] == "PASS";
  if (!rules_.SetRef(columns_[3], record_)) return false;
  if (std::string_view alts = columns_[4]; !IsDot(alts)) {
    for (std::size_t at = 0; at <= alts.size();) {
      std::size_t comma = at;
      while (comma < alts.size() && alts[comma] != ',') ++comma;
      if (!rules_.AddAlt(alts.substr(at, comma - at), record_)) return false;
      at = comma + 1;
    }
  }
  SiteRules::SetExtent(columns_[7], record_);
  return true;
}

Result<std::unique_ptr<RecordScanner>> RecordScanner::Open(const VcfInput& input,
                                                           const ScanOptions& options) {
  GF_ASSIGN(auto bytes, OpenBytes(input));
  GF_TRY(bytes->Fill(16));
  if (bytes->window().starts_with("BCF\2")) return OpenBcf(std::move(bytes), options);
  if (!bytes->window().starts_with("##fileformat=VCF"))
    return Error(StatusCode::kInvalidArgument, "NOT_VCF",
                 "neither VCF nor BCF: it does not begin with ##fileformat=VCF");
  auto scanner = std::make_unique<TextScanner>(std::move(bytes), options.reference);
  GF_TRY(scanner->ReadHeader());
  return std::unique_ptr<RecordScanner>(std::move(scanner));
}

}  // namespace genofed::genomics
