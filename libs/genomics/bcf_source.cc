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

// Sections 6.2.1 and 6.2.2: the names that records give as numbers. PASS is number 0 of the
// strings; others are numbered as they come, or by IDX.
class Dictionaries {
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

class BcfSource final : public LineSource {
 public:
  explicit BcfSource(std::unique_ptr<BgzfStream> stream) : stream_(std::move(stream)) {}

  Status ReadHeader() {
    char start[9] = {};
    GF_ASSIGN(std::size_t count, ReadSome(start, sizeof start));
    std::uint32_t length = 0;
    std::memcpy(&length, start + 5, sizeof length);
    if (count != sizeof start || std::memcmp(start, "BCF\2", 4) != 0 || start[4] < 1 ||
        start[4] > 2) {
      return NotVcf("neither BCF 2.1 nor 2.2");
    }
    if (length > kMaxHeader) {
      return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "the header is longer than 64 MiB");
    }
    GF_ASSIGN(bool whole, ReadBytes(length, &header_));
    if (!whole) return Corrupt("the file ends inside of its header");
    // "NUL-terminated" in the specification; the length counts the NUL.
    header_.resize(std::min(header_.size(), header_.find('\0')));
    if (header_.empty() || header_[0] != '#') return Corrupt("the header is not a VCF header");
    std::size_t columns = header_.rfind("\n#CHROM\t");
    std::string_view last = columns == std::string::npos
                                ? std::string_view()
                                : std::string_view(header_).substr(columns);
    std::size_t tabs = static_cast<std::size_t>(std::count(last.begin(), last.end(), '\t'));
    samples_ = tabs > 8 ? tabs - 8 : 0;
    return names_.Build(header_);
  }

  Result<bool> Next(std::string_view* line) override {
    ++number_;
    if (header_done_ < header_.size()) {
      std::string_view rest = std::string_view(header_).substr(header_done_);
      *line = rest.substr(0, rest.find('\n'));
      header_done_ += std::min(rest.size(), line->size() + 1);
      if (line->ends_with('\r')) line->remove_suffix(1);
      return true;
    }
    GF_ASSIGN(bool more, ReadRecord());
    if (!more) {
      --number_;
      return false;
    }
    line_.clear();
    undecodable_ = !WriteRecord();
    if (line_.size() > kMaxLine) {
      return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG",
                   "the text of record {} is longer than {} bytes", number_, kMaxLine);
    }
    *line = undecodable_ ? record_ : line_;
    return true;
  }

  std::uint64_t line_number() const override { return number_; }

 private:
  // Reads until `size` bytes are there or the file ends.
  Result<std::size_t> ReadSome(char* out, std::size_t size) {
    std::size_t have = 0;
    while (have < size) {
      GF_ASSIGN(std::size_t count, stream_->Read(out + have, size - have));
      if (count == 0) break;
      have += count;
    }
    return have;
  }

  // In pieces: the memory is taken as the bytes come, not as the file claims them.
  Result<bool> ReadBytes(std::size_t size, std::string* out) {
    constexpr std::size_t kPiece = 1U << 20;
    out->clear();
    while (out->size() < size) {
      std::size_t have = out->size();
      std::size_t piece = std::min(kPiece, size - have);
      out->resize(have + piece);
      GF_ASSIGN(std::size_t count, ReadSome(out->data() + have, piece));
      if (count < piece) return false;
    }
    return true;
  }

  Result<bool> ReadRecord() {
    char lengths[8];
    GF_ASSIGN(std::size_t count, ReadSome(lengths, sizeof lengths));
    if (count == 0) return false;
    std::uint32_t shared = 0;
    std::uint32_t indiv = 0;
    std::memcpy(&shared, lengths, sizeof shared);
    std::memcpy(&indiv, lengths + 4, sizeof indiv);
    if (count == sizeof lengths && std::uint64_t{shared} + indiv > kMaxLine) {
      return Error(StatusCode::kInvalidArgument, "LINE_TOO_LONG",
                   "record {} is longer than {} bytes", number_, kMaxLine);
    }
    shared_ = shared;
    bool whole = count == sizeof lengths;
    if (whole) {
      GF_ASSIGN(whole, ReadBytes(std::size_t{shared} + indiv, &record_));
    }
    if (!whole) return Corrupt("the file ends inside of a record");
    return true;
  }

  // Section 6.3. False when the bytes are not what they should be.
  bool WriteRecord() {
    BcfCursor in(std::string_view(record_).substr(0, shared_));
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
    const std::string* contig = names_.Contig(chrom);
    if (contig == nullptr || pos < -1 || (format_counts & 0xFFFFFF) != samples_) return false;
    line_ += *contig;
    line_ += '\t';
    AppendBcfInteger(std::int64_t{pos} + 1, line_);
    line_ += '\t';
    if (!WriteString(in, line_)) return false;
    line_ += '\t';
    if (!WriteAlleles(in, counts >> 16)) return false;
    line_ += '\t';
    AppendBcfFloat(qual, line_);
    line_ += '\t';
    if (!WriteFilters(in)) return false;
    line_ += '\t';
    if (!WriteInfo(in, counts & 0xFFFF) || !in.done()) return false;
    return samples_ == 0 || WriteSamples(format_counts >> 24);
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

  bool WriteAlleles(BcfCursor& in, std::uint32_t count) {
    if (count == 0) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i > 0) line_ += i == 1 ? '\t' : ',';
      if (!WriteString(in, line_)) return false;
    }
    if (count == 1) line_ += "\t.";
    return true;
  }

  bool WriteFilters(BcfCursor& in) {
    BcfVector value;
    if (!in.TakeVector(&value)) return false;
    if (value.size == 0 || value.type == BcfType::kMissing) {
      line_ += '.';
      return true;
    }
    for (std::uint32_t i = 0; i < value.size; ++i) {
      auto index = value.Integer(i);
      const std::string* name = index ? names_.String(*index) : nullptr;
      if (name == nullptr) return false;
      if (i > 0) line_ += ';';
      line_ += *name;
    }
    return true;
  }

  bool WriteInfo(BcfCursor& in, std::uint32_t count) {
    if (count == 0) line_ += '.';
    for (std::uint32_t i = 0; i < count; ++i) {
      BcfVector value;
      const std::string* key = TakeKey(in);
      if (key == nullptr || !in.TakeVector(&value)) return false;
      if (i > 0) line_ += ';';
      line_ += *key;
      // A flag is written as nothing, or as the number 1.
      bool flag = value.size == 0 || value.type == BcfType::kMissing ||
                  (value.size == 1 && names_.IsFlag(*key) && value.Integer(0) == 1);
      if (flag) continue;
      line_ += '=';
      if (!AppendBcfVector(value, line_)) return false;
    }
    return true;
  }

  const std::string* TakeKey(BcfCursor& in) {
    BcfVector key;
    if (!in.TakeVector(&key) || key.size != 1) return nullptr;
    auto index = key.Integer(0);
    return index ? names_.String(*index) : nullptr;
  }

  // Section 6.3.2: all samples' values of one key, then those of the next.
  bool WriteSamples(std::uint32_t count) {
    BcfCursor in(std::string_view(record_).substr(shared_));
    line_ += '\t';
    fields_.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string* key = TakeKey(in);
      Field field;
      if (key == nullptr || !in.TakeMatrix(samples_, &field.first, &field.stride)) return false;
      field.genotype = *key == "GT" && field.first.type != BcfType::kText;
      if (i > 0) line_ += ':';
      line_ += *key;
      fields_.push_back(field);
    }
    if (count == 0) line_ += '.';
    for (std::size_t sample = 0; sample < samples_; ++sample) {
      line_ += '\t';
      if (count == 0) line_ += '.';
      for (std::size_t i = 0; i < fields_.size(); ++i) {
        if (i > 0) line_ += ':';
        BcfVector value = fields_[i].first;
        value.data += sample * fields_[i].stride;
        if (!(fields_[i].genotype ? AppendBcfGenotype(value, line_)
                                  : AppendBcfVector(value, line_))) {
          return false;
        }
      }
      if (line_.size() > kMaxLine) return true;  // Next() reports it
    }
    return in.done();
  }

  struct Field {
    BcfVector first;  // of the first sample
    std::size_t stride = 0;
    bool genotype = false;
  };

  std::unique_ptr<BgzfStream> stream_;
  std::string header_;
  std::size_t header_done_ = 0;
  std::size_t samples_ = 0;
  Dictionaries names_;
  std::string record_;
  std::size_t shared_ = 0;
  std::vector<Field> fields_;
  std::string line_;
  std::uint64_t number_ = 0;
};

}  // namespace

Result<std::unique_ptr<LineSource>> OpenBcf(std::unique_ptr<BgzfStream> stream) {
  auto source = std::make_unique<BcfSource>(std::move(stream));
  GF_TRY(source->ReadHeader());
  return source;
}

}  // namespace genofed::genomics
