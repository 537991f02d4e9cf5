// SPDX-License-Identifier: Apache-2.0
//
// BCF is described in section 6 of VCF 4.3. Numbers are little-endian, as on every machine that
// genofed runs on.
#include "libs/genomics/bcf_source.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/core/strings.h"
#include "libs/genomics/bcf_values.h"
#include "libs/genomics/vcf_header_attributes.h"

namespace genofed::genomics {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kMaxHeader = 64U << 20;
constexpr std::size_t kMaxIndex = 1'000'000;

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "CORRUPT_BCF", "{}", what);
}

bool WriteString(BcfCursor& in, std::string& out) {
  BcfVector value;
  if (!in.TakeVector(&value)) return false;
  if (value.type == BcfType::kMissing || value.size == 0) {
    out += '.';
    return true;
  }
  return value.type == BcfType::kText && AppendBcfVector(value, out);
}

}  // namespace

// Sections 6.2.1 and 6.2.2: the names that records give as numbers. PASS is number 0 of the
// strings; others are numbered as they come, or by IDX.
class BcfDictionaries {
 public:
  Status Build(std::string_view header) {
    Put(strings_, 0, "PASS");
    for (std::string_view line : Split(header, '\n')) {
      if (line.ends_with('\r')) line.remove_suffix(1);
      for (std::string_view key : {"##FILTER=", "##INFO=", "##FORMAT=", "##contig="}) {
        if (line.starts_with(key)) GF_TRY(Add(key, line.substr(key.size())));
      }
    }
    if (unreadable_ && implicit_) {
      return Corrupt("a definition of the header cannot be read, so the records' keys are unknown");
    }
    return absl::OkStatus();
  }

  const std::string* String(std::int64_t index) const { return Get(strings_, index); }
  const std::string* Contig(std::int64_t index) const { return Get(contigs_, index); }
  bool IsFlag(const std::string& id) const { return flags_.contains(id); }

 private:
  Status Add(std::string_view key, std::string_view value) {
    VcfAttributes attributes;
    const VcfAttribute* id =
        attributes.Parse(Trim(value)).empty() ? attributes.Find("ID") : nullptr;
    if (id == nullptr || id->value.empty()) {
      unreadable_ = true;
      return absl::OkStatus();
    }
    bool contig = key == "##contig=";
    auto& names = contig ? contigs_ : strings_;
    auto& known = contig ? known_contigs_ : known_strings_;
    std::string name(id->value);
    if (key == "##INFO=" && attributes.ValueOf("Type") == "Flag") flags_.insert(name);
    std::size_t index = names.size();
    if (const VcfAttribute* given = attributes.Find("IDX")) {
      auto number = ParseInt(given->value);
      if (!number.ok() || *number < 0 || *number > static_cast<std::int64_t>(kMaxIndex)) {
        return Corrupt("an IDX of the header is not a number that it can be");
      }
      index = static_cast<std::size_t>(*number);
    } else if (known.contains(name) || (!contig && name == "PASS")) {
      return absl::OkStatus();
    } else {
      implicit_ = true;
    }
    if (index > kMaxIndex) return Corrupt("more definitions than genofed reads");
    known.insert(name);
    Put(names, index, name);
    return absl::OkStatus();
  }

  static void Put(std::vector<std::string>& names, std::size_t index, std::string_view name) {
    if (names.size() <= index) names.resize(index + 1);
    names[index] = name;
  }
  static const std::string* Get(const std::vector<std::string>& names, std::int64_t index) {
    if (index < 0 || index >= static_cast<std::int64_t>(names.size())) return nullptr;
    const std::string& name = names[static_cast<std::size_t>(index)];
    return name.empty() ? nullptr : &name;
  }

  std::vector<std::string> strings_;
  std::vector<std::string> contigs_;
  std::set<std::string> known_strings_;
  std::set<std::string> known_contigs_;
  std::set<std::string, std::less<>> flags_;
  bool unreadable_ = false;
  bool implicit_ = false;
};

BcfSource::BcfSource(std::unique_ptr<BgzfReader> reader)
    : reader_(std::move(reader)), names_(std::make_unique<BcfDictionaries>()) {}
BcfSource::~BcfSource() = default;

Result<std::unique_ptr<BcfSource>> BcfSource::Open(std::unique_ptr<BgzfReader> reader) {
  std::unique_ptr<BcfSource> source(new BcfSource(std::move(reader)));
  GF_TRY(source->ReadHeader());
  return source;
}

Status BcfSource::ReadHeader() {
  constexpr std::size_t kStart = 9;  // magic and length
  GF_TRY(reader_->Fill(kStart));
  std::string_view start = reader_->window().substr(0, kStart);
  if (start.size() != kStart || !start.starts_with("BCF\2") || start[4] < 1 || start[4] > 2)
    return NotVcf("neither BCF 2.1 nor 2.2");
  std::uint32_t length = 0;
  std::memcpy(&length, start.data() + 5, sizeof length);
  if (length > kMaxHeader)
    return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "the header is longer than 64 MiB");
  GF_TRY(reader_->Fill(kStart + length));
  if (reader_->window().size() < kStart + length)
    return Corrupt("the file ends inside of its header");
  header_ = reader_->window().substr(kStart, length);
  reader_->Consume(kStart + length);
  // "NUL-terminated" in the specification; the length counts the NUL.
  header_.resize(std::min(header_.size(), header_.find('\0')));
  if (header_.empty() || header_[0] != '#') return Corrupt("the header is not a VCF header");
  std::size_t columns = header_.rfind("\n#CHROM\t");
  std::string_view last =
      columns == std::string::npos ? std::string_view() : std::string_view(header_).substr(columns);
  std::size_t tabs = static_cast<std::size_t>(std::count(last.begin(), last.end(), '\t'));
  samples_ = tabs > 8 ? tabs - 8 : 0;
  return names_->Build(header_);
}

Result<bool> BcfSource::Next(std::string_view* line) {
  if (header_done_ < header_.size()) {
    ++number_;
    std::string_view rest = std::string_view(header_).substr(header_done_);
    *line = rest.substr(0, rest.find('\n'));
    header_done_ += std::min(rest.size(), line->size() + 1);
    if (line->ends_with('\r')) line->remove_suffix(1);
    return true;
  }
  GF_ASSIGN(bool more, NextRecord());
  if (!more) return false;
  line_.clear();
  undecodable_ = !WriteRecord();
  if (line_.size() > kMaxLine) {
    return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG",
                 "the text of record {} is longer than {} bytes", number_, kMaxLine);
  }
  *line = undecodable_ ? record_ : line_;
  return true;
}

Result<bool> BcfSource::NextRecord() {
  reader_->Consume(taken_);
  taken_ = 0;
  GF_TRY(reader_->Fill(8));
  if (reader_->window().empty()) return false;
  ++number_;
  bool whole = reader_->window().size() >= 8;
  std::uint32_t sizes[2] = {};
  if (whole) std::memcpy(sizes, reader_->window().data(), sizeof sizes);
  std::uint64_t total = std::uint64_t{sizes[0]} + sizes[1];
  if (total > kMaxLine) {
    return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG", "record {} is longer than {} bytes",
                 number_, kMaxLine);
  }
  // The window grows as the bytes come, not as the file claims them.
  if (whole) GF_TRY(reader_->Fill(8 + total));
  if (!whole || reader_->window().size() < 8 + total)
    return Corrupt("the file ends inside of a record");
  taken_ = 8 + total;
  record_ = reader_->window().substr(8, total);
  shared_ = sizes[0];
  return true;
}

bool BcfSource::WriteRecord() {
  return AppendSite(line_) && (samples_ == 0 || (AppendFormat(line_) && AppendSamples(line_)));
}

// Section 6.3.
bool BcfSource::AppendSite(std::string& line) {
  BcfCursor in(record_.substr(0, shared_));
  std::int32_t chrom = 0;
  std::int32_t pos = 0;
  std::int32_t rlen = 0;
  std::uint32_t qual = 0;
  std::uint32_t counts = 0;
  std::uint32_t format_counts = 0;
  if (!in.Take(&chrom) || !in.Take(&pos) || !in.Take(&rlen) || !in.Take(&qual) ||
      !in.Take(&counts) || !in.Take(&format_counts)) {
    return false;
  }
  const std::string* contig = names_->Contig(chrom);
  if (contig == nullptr || pos < -1 || (format_counts & 0xFFFFFF) != samples_) return false;
  n_formats_ = format_counts >> 24;
  line += *contig;
  line += '\t';
  AppendBcfInteger(std::int64_t{pos} + 1, line);
  line += '\t';
  if (!WriteString(in, line)) return false;
  line += '\t';
  if (!WriteAlleles(in, counts >> 16, line)) return false;
  line += '\t';
  AppendBcfFloat(qual, line);
  line += '\t';
  if (!WriteFilters(in, line)) return false;
  line += '\t';
  return WriteInfo(in, counts & 0xFFFF, line) && in.done();
}

bool BcfSource::WriteAlleles(BcfCursor& in, std::uint32_t count, std::string& line) const {
  if (count == 0) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i > 0) line += i == 1 ? '\t' : ',';
    if (!WriteString(in, line)) return false;
  }
  if (count == 1) line += "\t.";
  return true;
}

bool BcfSource::WriteFilters(BcfCursor& in, std::string& line) const {
  BcfVector value;
  if (!in.TakeVector(&value)) return false;
  if (value.size == 0 || value.type == BcfType::kMissing) {
    line += '.';
    return true;
  }
  for (std::uint32_t i = 0; i < value.size; ++i) {
    auto index = value.Integer(i);
    const std::string* name = index ? names_->String(*index) : nullptr;
    if (name == nullptr) return false;
    if (i > 0) line += ';';
    line += *name;
  }
  return true;
}

bool BcfSource::WriteInfo(BcfCursor& in, std::uint32_t count, std::string& line) const {
  if (count == 0) line += '.';
  for (std::uint32_t i = 0; i < count; ++i) {
    BcfVector value;
    const std::string* key = TakeKey(in);
    if (key == nullptr || !in.TakeVector(&value)) return false;
    if (i > 0) line += ';';
    line += *key;
    // A flag is written as nothing, or as the number 1.
    bool flag = value.size == 0 || value.type == BcfType::kMissing ||
                (value.size == 1 && names_->IsFlag(*key) && value.Integer(0) == 1);
    if (flag) continue;
    line += '=';
    if (!AppendBcfVector(value, line)) return false;
  }
  return true;
}

const std::string* BcfSource::TakeKey(BcfCursor& in) const {
  BcfVector key;
  if (!in.TakeVector(&key) || key.size != 1) return nullptr;
  auto index = key.Integer(0);
  return index ? names_->String(*index) : nullptr;
}

// Section 6.3.2: all samples' values of one key, then those of the next.
bool BcfSource::AppendFormat(std::string& line) {
  BcfCursor in(record_.substr(shared_));
  line += '\t';
  fields_.clear();
  for (std::uint32_t i = 0; i < n_formats_; ++i) {
    const std::string* key = TakeKey(in);
    Field field;
    if (key == nullptr || !in.TakeMatrix(samples_, &field.first, &field.stride)) return false;
    field.genotype = *key == "GT" && field.first.type != BcfType::kText;
    if (i > 0) line += ':';
    line += *key;
    fields_.push_back(field);
  }
  if (n_formats_ == 0) line += '.';
  return in.done();
}

bool BcfSource::AppendSamples(std::string& line) {
  for (std::size_t sample = 0; sample < samples_ && line.size() <= kMaxLine; ++sample) {
    line += '\t';
    if (n_formats_ == 0) line += '.';
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (i > 0) line += ':';
      BcfVector value = fields_[i].first;
      value.data += sample * fields_[i].stride;
      if (!(fields_[i].genotype ? AppendBcfGenotype(value, line) : AppendBcfVector(value, line)))
        return false;
    }
  }
  return true;
}

std::optional<BcfSource::Genotypes> BcfSource::genotypes() const {
  if (fields_.empty() || !fields_[0].genotype || fields_[0].first.type == BcfType::kFloat)
    return std::nullopt;
  return Genotypes{fields_[0].first, fields_[0].stride};
}

}  // namespace genofed::genomics
