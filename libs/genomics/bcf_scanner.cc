// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/bcf_scanner.h"

#include <htslib/kstring.h>
#include <htslib/vcf.h>

#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "libs/genomics/hts_quiet.h"
#include "libs/genomics/text_record.h"
#include "libs/genomics/vcf_header.h"

namespace genofed::genomics {
namespace {

// What a BCF header may claim; htslib would allocate any length.
constexpr std::uint32_t kMaxHeader = 64U << 20;
constexpr std::size_t kFixedShared = 24;

struct HeaderDeleter {
  void operator()(bcf_hdr_t* header) const { bcf_hdr_destroy(header); }
};
struct RecordDeleter {
  void operator()(bcf1_t* record) const { bcf_destroy(record); }
};
struct KString {
  kstring_t value = {0, 0, nullptr};
  KString() = default;
  KString(const KString&) = delete;
  KString& operator=(const KString&) = delete;
  ~KString() { std::free(value.s); }
  std::string_view view() const { return {value.s, value.l}; }
};

// A typed value (section 6.3.3): its type, number of elements and bytes.
struct Typed {
  unsigned type = 0;
  std::uint32_t count = 0;
  std::span<const std::uint8_t> data;
};

std::size_t WidthOf(unsigned type) {
  constexpr std::array<std::size_t, 8> kWidth = {0, 1, 2, 4, 0, 4, 0, 1};
  return type < kWidth.size() ? kWidth[type] : 0;
}

// Walks through the bytes of a record. After the first byte that is not there ok() is false and
// everything is empty.
class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  std::span<const std::uint8_t> Take(std::size_t n) {
    if (n > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    auto taken = rest_.first(n);
    rest_ = rest_.subspan(n);
    return taken;
  }
  // The descriptor of a value, or of each sample's values.
  Typed TakeType() {
    Typed typed;
    auto byte = Take(1);
    if (!ok_) return typed;
    typed.type = byte[0] & 15U;
    typed.count = byte[0] >> 4;
    if (typed.count == 15) {
      std::int64_t count = TakeInt();
      ok_ = ok_ && count >= 0;
      typed.count = ok_ ? static_cast<std::uint32_t>(count) : 0;
    }
    // Type 0 stands for a missing value and has no elements.
    if (typed.type == 0 ? typed.count != 0 : WidthOf(typed.type) == 0) ok_ = false;
    return ok_ ? typed : Typed();
  }
  Typed TakeValue() {
    Typed typed = TakeType();
    typed.data = Take(WidthOf(typed.type) * typed.count);
    return ok_ ? typed : Typed();
  }
  // A single integer, such as a number of the dictionary; -1 when it is none.
  std::int64_t TakeInt() {
    auto byte = Take(1);
    if (!ok_ || byte[0] >> 4 != 1 || (byte[0] & 15U) < 1 || (byte[0] & 15U) > 3) {
      ok_ = false;
      return -1;
    }
    auto data = Take(WidthOf(byte[0] & 15U));
    return ok_ ? IntAt(data, data.size()) : -1;
  }
  static std::int64_t IntAt(std::span<const std::uint8_t> data, std::size_t width) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value |= static_cast<std::uint32_t>(data[i]) << (8 * i);
    unsigned shift = static_cast<unsigned>(32 - 8 * width);
    return static_cast<std::int32_t>(value << shift) >> shift;
  }

 private:
  std::span<const std::uint8_t> rest_;
  bool ok_ = true;
};

template <typename T>
T Load(std::span<const std::uint8_t> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string_view TextOf(const Typed& value) {
  return {reinterpret_cast<const char*>(value.data.data()), value.data.size()};
}

class BcfScanner final : public RecordScanner {
 public:
  BcfScanner(std::unique_ptr<BgzfReader> bytes, const ScanOptions& options)
      : bytes_(std::move(bytes)), options_(options) {}

  Status ReadHeader();
  const VcfHeader& header() const override { return header_; }
  Result<VcfReader::Outcome> Next() override;
  const ScannedRecord& record() const override {
    return options_.text ? parser_->record() : record_;
  }
  const VcfProblem& problem() const override {
    return options_.text ? parser_->problem() : rules_->problem();
  }

 private:
  Status Malformed() const {
    return Error(StatusCode::kInvalidArgument, "MALFORMED_RECORD",
                 "BCF record {} cannot be decoded", number_);
  }
  bool CheckDictionary(std::int64_t id, int kind) const;
  // Whether the bytes are in bounds and name only what the header has. htslib believes them.
  bool IsWellFormed(std::span<const std::uint8_t> shared,
                    std::span<const std::uint8_t> individual) const;
  Result<bool> ParseText(std::span<const std::uint8_t> shared,
                         std::span<const std::uint8_t> individual);
  Result<bool> Parse(std::span<const std::uint8_t> shared,
                     std::span<const std::uint8_t> individual);
  bool ParseSite(std::span<const std::uint8_t> shared, Cursor& cursor);
  Result<bool> ParseGenotypes(std::size_t n_formats, std::span<const std::uint8_t> individual);

  std::unique_ptr<BgzfReader> bytes_;
  ScanOptions options_;
  std::unique_ptr<bcf_hdr_t, HeaderDeleter> dictionary_;
  std::int64_t gt_id_ = -1;
  VcfHeader header_;
  std::optional<SiteRules> rules_;  // without text
  ScannedRecord record_;
  std::optional<TextRecordParser> parser_;  // with text
  std::unique_ptr<bcf1_t, RecordDeleter> htslib_record_;
  KString text_;
  std::size_t taken_ = 0;
  std::uint64_t number_ = 0;  // as lines of the text form
};

Status BcfScanner::ReadHeader() {
  Status bad = Error(StatusCode::kInvalidArgument, "BAD_HEADER", "the BCF header cannot be decoded");
  GF_TRY(bytes_->Fill(9));
  std::string_view start = bytes_->window();
  if (start.size() < 9) return bad;
  std::uint32_t length = 0;
  std::memcpy(&length, start.data() + 5, sizeof length);
  if (length > kMaxHeader)
    return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "the header is longer than {} bytes",
                 kMaxHeader);
  GF_TRY(bytes_->Fill(9 + std::size_t{length}));
  if (bytes_->window().size() < 9 + std::size_t{length}) return bad;
  std::string text(bytes_->window().substr(9, length));
  text = text.substr(0, text.find('\0'));
  bytes_->Consume(9 + std::size_t{length});
  std::size_t columns = text.rfind("\n#CHROM");
  if (columns == std::string::npos)
    return Error(StatusCode::kInvalidArgument, "BAD_HEADER",
                 "the file ends before the #CHROM line");
  // htslib needs the dictionary alone; names of a million samples would cost it seconds.
  std::string without_samples =
      text.substr(0, columns) + "\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
  SilenceHtslib();
  dictionary_.reset(bcf_hdr_init("r"));
  KString formatted;
  if (!dictionary_ || bcf_hdr_parse(dictionary_.get(), without_samples.data()) != 0 ||
      bcf_hdr_format(dictionary_.get(), 0, &formatted.value) != 0)
    return bad;
  VcfHeaderParser parser;
  bool done = false;
  for (std::string_view rest = formatted.view(); rest.starts_with("##");) {
    std::size_t end = std::min(rest.size(), rest.find('\n'));
    GF_TRY(parser.Add(rest.substr(0, end), &done));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    ++number_;
  }
  std::string_view line = std::string_view(text).substr(columns + 1);
  GF_TRY(parser.Add(line.substr(0, line.find_first_of("\r\n")), &done));
  ++number_;
  header_ = parser.Finish();
  GF_TRY(CheckContigs(header_));
  gt_id_ = bcf_hdr_id2int(dictionary_.get(), BCF_DT_ID, "GT");
  rules_.emplace(header_, options_.reference);
  parser_.emplace(header_, options_.reference);
  htslib_record_.reset(bcf_init());
  return htslib_record_ ? absl::OkStatus()
                        : Error(StatusCode::kResourceExhausted, "OUT_OF_MEMORY",
                                "no memory for a BCF record");
}

Result<VcfReader::Outcome> BcfScanner::Next() {
  bytes_->Consume(taken_);
  taken_ = 0;
  GF_TRY(bytes_->Fill(8));
  if (bytes_->window().empty()) return VcfReader::Outcome::kEnd;
  ++number_;
  if (bytes_->window().size() < 8) return Malformed();
  std::uint32_t sizes[2];
  std::memcpy(sizes, bytes_->window().data(), sizeof sizes);
  std::uint64_t total = std::uint64_t{sizes[0]} + sizes[1];
  if (total > kMaxRecordBytes)
    return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG",
                 "BCF record {} is longer than {} bytes", number_, kMaxRecordBytes);
  GF_TRY(bytes_->Fill(8 + total));
  if (bytes_->window().size() < 8 + total || sizes[0] < kFixedShared) return Malformed();
  taken_ = 8 + total;
  auto body = std::span(reinterpret_cast<const std::uint8_t*>(bytes_->window().data()) + 8,
                        static_cast<std::size_t>(total));
  auto shared = body.first(sizes[0]);
  auto individual = body.subspan(sizes[0]);
  GF_ASSIGN(bool good, options_.text ? ParseText(shared, individual) : Parse(shared, individual));
  return good ? VcfReader::Outcome::kRecord : VcfReader::Outcome::kRejected;
}

bool BcfScanner::CheckDictionary(std::int64_t id, int kind) const {
  const bcf_hdr_t* header = dictionary_.get();
  if (id < 0 || id >= header->n[BCF_DT_ID]) return false;
  const bcf_idpair_t& pair = header->id[BCF_DT_ID][id];
  return pair.key != nullptr && pair.val != nullptr && (pair.val->info[kind] & 0xf) != 0xf;
}

bool BcfScanner::IsWellFormed(std::span<const std::uint8_t> shared,
                              std::span<const std::uint8_t> individual) const {
  const bcf_hdr_t* header = dictionary_.get();
  auto contig = Load<std::int32_t>(shared, 0);
  if (contig < 0 || contig >= header->n[BCF_DT_CTG] || header->id[BCF_DT_CTG][contig].key == nullptr)
    return false;
  auto counts = Load<std::uint32_t>(shared, 16);
  auto samples = Load<std::uint32_t>(shared, 20);
  Cursor cursor(shared.subspan(kFixedShared));
  Typed id = cursor.TakeValue();
  bool good = id.type == BCF_BT_CHAR || id.count == 0;
  for (std::uint32_t i = 0; i < counts >> 16; ++i)
    good = cursor.TakeValue().type == BCF_BT_CHAR && good;
  Typed filters = cursor.TakeValue();
  good = good && filters.type <= BCF_BT_INT32;
  std::size_t width = WidthOf(filters.type);
  for (std::size_t i = 0; good && i < filters.count; ++i) {
    good = CheckDictionary(Cursor::IntAt(filters.data.subspan(i * width), width), BCF_HL_FLT);
  }
  for (std::uint32_t i = 0; good && cursor.ok() && i < (counts & 0xffff); ++i) {
    good = CheckDictionary(cursor.TakeInt(), BCF_HL_INFO);
    cursor.TakeValue();
  }
  Cursor formats(individual);
  for (std::uint32_t i = 0; good && formats.ok() && i < samples >> 24; ++i) {
    good = CheckDictionary(formats.TakeInt(), BCF_HL_FMT);
    Typed type = formats.TakeType();
    std::size_t each = WidthOf(type.type) * type.count;
    if (each > kMaxRecordBytes) return false;
    formats.Take(each * header_.samples.size());
  }
  return good && cursor.ok() && formats.ok() && (counts >> 16) > 0 &&
         (samples & 0xffffff) == header_.samples.size();
}

Result<bool> BcfScanner::ParseText(std::span<const std::uint8_t> shared,
                                   std::span<const std::uint8_t> individual) {
  if (!IsWellFormed(shared, individual)) return Malformed();
  bcf1_t* record = htslib_record_.get();
  bcf_clear(record);
  auto put = [](std::span<const std::uint8_t> bytes, kstring_t* out) {
    return kputsn(reinterpret_cast<const char*>(bytes.data()), bytes.size(), out) >= 0;
  };
  if (!put(shared.subspan(kFixedShared), &record->shared) || !put(individual, &record->indiv))
    return Error(StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "no memory for a BCF record");
  record->rid = Load<std::int32_t>(shared, 0);
  record->pos = Load<std::int32_t>(shared, 4);
  record->rlen = Load<std::int32_t>(shared, 8);
  record->qual = Load<float>(shared, 12);
  record->n_info = Load<std::uint32_t>(shared, 16) & 0xffffU;
  record->n_allele = Load<std::uint32_t>(shared, 16) >> 16 & 0xffffU;
  record->n_sample = Load<std::uint32_t>(shared, 20) & 0xffffffU;
  record->n_fmt = Load<std::uint32_t>(shared, 20) >> 24 & 0xffU;
  text_.value.l = 0;
  if (vcf_format(dictionary_.get(), record, &text_.value) != 0) return Malformed();
  std::string_view line = text_.view();
  while (line.ends_with('\n')) line.remove_suffix(1);
  return parser_->Parse(line, number_);
}

Result<bool> BcfScanner::Parse(std::span<const std::uint8_t> shared,
                               std::span<const std::uint8_t> individual) {
  rules_->set_line(number_);
  record_.line = number_;
  record_.calls.clear();
  const bcf_hdr_t* header = dictionary_.get();
  auto contig = Load<std::int32_t>(shared, 0);
  auto samples = Load<std::uint32_t>(shared, 20);
  if (contig < 0 || contig >= header->n[BCF_DT_CTG] ||
      header->id[BCF_DT_CTG][contig].key == nullptr ||
      (samples & 0xffffff) != header_.samples.size())
    return Malformed();
  if (!rules_->SetContig(header->id[BCF_DT_CTG][contig].key, record_)) return false;
  Cursor cursor(shared.subspan(kFixedShared));
  bool good = ParseSite(shared, cursor);
  if (!cursor.ok()) return Malformed();
  if (!good || !rules_->CheckPlace(record_)) return false;
  return ParseGenotypes(samples >> 24, individual);
}

bool BcfScanner::ParseSite(std::span<const std::uint8_t> shared, Cursor& cursor) {
  cursor.TakeValue();  // ID
  if (!rules_->SetPosition(std::int64_t{Load<std::int32_t>(shared, 4)} + 1, record_)) return false;
  std::uint32_t n_alleles = Load<std::uint32_t>(shared, 16) >> 16;
  for (std::uint32_t i = 0; i < n_alleles; ++i) {
    Typed allele = cursor.TakeValue();
    if (!cursor.ok()) return false;
    // REF alone is how BCF says ALT ".".
    if (!(i == 0 ? rules_->SetRef(TextOf(allele), record_)
                 : rules_->AddAlt(TextOf(allele), record_)))
      return false;
  }
  if (n_alleles == 0) return rules_->SetRef("", record_);
  Typed filters = cursor.TakeValue();
  if (!cursor.ok()) return false;
  // PASS has the number 0 in every dictionary.
  std::size_t width = WidthOf(filters.type);
  record_.passed = filters.count == 0 ||
                   (filters.count == 1 && Cursor::IntAt(filters.data, width) == 0);
  SiteRules::SetExtent({}, record_);
  auto span = Load<std::int32_t>(shared, 8);
  bool extended = record_.is_reference_block || record_.alts.back().front() == '<';
  if (extended && span > 0) record_.end = record_.pos + span;
  return true;
}

Result<bool> BcfScanner::ParseGenotypes(std::size_t n_formats,
                                        std::span<const std::uint8_t> individual) {
  Cursor cursor(individual);
  if (n_formats == 0 || gt_id_ < 0 || cursor.TakeInt() != gt_id_) {
    if (n_formats > 0 && !cursor.ok()) return Malformed();
    return rules_->Reject(VcfCode::kGtMissing, "FORMAT",
                          "the record has no genotypes: FORMAT does not begin with GT");
  }
  Typed type = cursor.TakeType();
  std::size_t n_samples = header_.samples.size();
  std::size_t each = WidthOf(type.type) * type.count;
  if (each > kMaxRecordBytes) return Malformed();
  auto data = cursor.Take(each * n_samples);
  if (!cursor.ok() || type.type == 0 || type.type > BCF_BT_INT32) return Malformed();
  return rules_->CheckGenotypes(ScanBcf(data, WidthOf(type.type), type.count, n_samples,
                                        record_.alts.size() + 1, record_.calls));
}

}  // namespace

Result<std::unique_ptr<RecordScanner>> OpenBcf(std::unique_ptr<BgzfReader> bytes,
                                               const ScanOptions& options) {
  auto scanner = std::make_unique<BcfScanner>(std::move(bytes), options);
  GF_TRY(scanner->ReadHeader());
  return std::unique_ptr<RecordScanner>(std::move(scanner));
}

}  // namespace genofed::genomics
