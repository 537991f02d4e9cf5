// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_index.h"

#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/tbx.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <memory>

#include "libs/core/strings.h"
#include "libs/genomics/hts_quiet.h"

namespace genofed::genomics {
namespace {

constexpr int kMinShift = 14;                       // bins of 16,384 bases, as tabix
constexpr int kLevels = 6;                          // up to 2^32 bases
constexpr std::uint64_t kEofBlock = 28;             // SAMv1 section 4.1.2
constexpr std::size_t kMaxIndexBytes = 512U << 20;  // unpacked
constexpr std::int64_t kEndOfReference = std::int64_t{1} << 40;

Status Failed(std::string_view why) {
  return Error(StatusCode::kInternal, "INDEX_FAILED", "no index: {}", why);
}
Status Invalid() {
  return Error(StatusCode::kInvalidArgument, "INDEX_INVALID", "not an index (CSI) of this file");
}

struct CloseBgzf {
  void operator()(BGZF* file) const { bgzf_close(file); }
};
using BgzfFile = std::unique_ptr<BGZF, CloseBgzf>;
struct FreeIndex {
  void operator()(hts_idx_t* index) const { hts_idx_destroy(index); }
};
struct Line {
  ~Line() { std::free(text.s); }
  std::string_view view() const { return {text.s, text.l}; }
  kstring_t text = {0, 0, nullptr};
};

// References in the order of their numbers.
class Names {
 public:
  int Number(std::string_view name) {
    const auto [at, fresh] =
        numbers_.try_emplace(std::string(name), static_cast<int>(list_.size()));
    if (fresh) list_.push_back(at->first);
    return at->second;
  }
  bool Has(const std::string& name) const { return numbers_.contains(name); }
  const std::vector<std::string>& list() const { return list_; }

 private:
  std::map<std::string, int, std::less<>> numbers_;
  std::vector<std::string> list_;
};

void TakeContig(std::string_view line, std::vector<std::string>& declared) {
  constexpr std::string_view kStart = "##contig=<ID=";
  if (!line.starts_with(kStart)) return;
  line.remove_prefix(kStart.size());
  declared.emplace_back(line.substr(0, line.find_first_of(",>")));
}

struct Interval {
  std::string_view contig;
  std::int64_t start = 0;
  std::int64_t end = 0;
};

// A record covers its REF, or up to END where INFO says so (gVCF blocks).
std::optional<Interval> IntervalOf(std::string_view line) {
  // Up to INFO; what people carry is not looked at.
  std::size_t end_of_info = 0;
  for (int field = 0; field < 8 && end_of_info != std::string_view::npos; ++field)
    end_of_info = line.find('\t', end_of_info + (field > 0));
  const auto fields = Split(line.substr(0, end_of_info), '\t');
  if (fields.size() < 8) return std::nullopt;
  const auto pos = ParseInt(fields[1]);
  if (!pos.ok() || *pos < 1) return std::nullopt;
  Interval interval{fields[0], *pos - 1, *pos - 1 + static_cast<std::int64_t>(fields[3].size())};
  for (std::string_view item : Split(fields[7], ';')) {
    if (!item.starts_with("END=")) continue;
    const auto end = ParseInt(item.substr(4));
    if (end.ok() && *end > interval.start) interval.end = *end;
  }
  return interval;
}

void AppendLe32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(value >> shift & 0xff));
}

// What tabix keeps: which columns are which, and the names of the references with records. Behind
// these, where other programs do not look (bcftools 1.16 stumbles over names without records),
// `empty`: the others of the header.
std::string TabixMeta(const Names& names, const std::vector<std::string>& empty) {
  std::string list;
  for (const std::string& name : names.list()) list.append(name).push_back('\0');
  std::string meta;
  for (const std::int32_t value :
       {tbx_conf_vcf.preset, tbx_conf_vcf.sc, tbx_conf_vcf.bc, tbx_conf_vcf.ec,
        tbx_conf_vcf.meta_char, tbx_conf_vcf.line_skip}) {
    AppendLe32(meta, static_cast<std::uint32_t>(value));
  }
  AppendLe32(meta, static_cast<std::uint32_t>(list.size()));
  for (const std::string& name : empty) list.append(name).push_back('\0');
  return meta + list;
}

Result<std::string> Unpack(std::string_view packed) {
  auto* copy =
      static_cast<char*>(std::malloc(std::max<std::size_t>(packed.size(), 1)));  // hopen frees it
  if (copy == nullptr) return Invalid();
  std::memcpy(copy, packed.data(), packed.size());
  hFILE* stream = hopen("mem:", "rb:", copy, packed.size());
  if (stream == nullptr) return Invalid();
  BgzfFile file(bgzf_hopen(stream, "r"));
  if (!file) {
    hclose_abruptly(stream);
    return Invalid();
  }
  std::string out;
  std::string piece(1U << 16, '\0');
  for (;;) {
    const ssize_t got = bgzf_read(file.get(), piece.data(), piece.size());
    if (got < 0 || out.size() > kMaxIndexBytes) return Invalid();
    if (got == 0) return out;
    out.append(piece, 0, static_cast<std::size_t>(got));
  }
}

}  // namespace

Status BuildVcfIndex(const std::filesystem::path& vcf, const std::filesystem::path& output) {
  SilenceHtslib();
  const BgzfFile file(bgzf_open(vcf.c_str(), "r"));
  if (!file || file->is_compressed == 0) return Failed("the VCF cannot be read");
  Names names;
  std::vector<std::string> declared;
  Line line;
  std::unique_ptr<hts_idx_t, FreeIndex> index;
  for (std::int64_t before = 0;; before = bgzf_tell(file.get())) {
    const int got = bgzf_getline(file.get(), '\n', &line.text);
    if (got < -1) return Failed("the VCF cannot be read");
    if (got == -1) break;
    if (line.view().starts_with('#')) {
      TakeContig(line.view(), declared);
      continue;
    }
    const auto interval = IntervalOf(line.view());
    if (!interval) return Failed("a record is malformed");
    const std::int64_t after = bgzf_tell(file.get());
    if (before >> 16 != after >> 16 && (after & 0xffff) != 0) {
      return Failed("a record ends in the middle of a later block");
    }
    const int number = names.Number(interval->contig);
    if (!index) {
      index.reset(
          hts_idx_init(0, HTS_FMT_CSI, static_cast<std::uint64_t>(before), kMinShift, kLevels));
      if (!index) return Failed("out of memory");
    }
    if (hts_idx_push(index.get(), number, interval->start, interval->end,
                     static_cast<std::uint64_t>(after), 1) < 0) {
      return Failed("the records are not in order");
    }
  }
  const auto end = static_cast<std::uint64_t>(bgzf_tell(file.get()));
  if (!index) index.reset(hts_idx_init(0, HTS_FMT_CSI, end, kMinShift, kLevels));
  std::erase_if(declared, [&names](const std::string& contig) { return names.Has(contig); });
  std::string meta = TabixMeta(names, declared);
  if (!index || hts_idx_finish(index.get(), end) != 0 ||
      hts_idx_set_meta(index.get(), static_cast<std::uint32_t>(meta.size()),
                       reinterpret_cast<std::uint8_t*>(meta.data()), 1) != 0 ||
      hts_idx_save_as(index.get(), nullptr, output.c_str(), HTS_FMT_CSI) != 0) {
    return Failed("it cannot be written");
  }
  return absl::OkStatus();
}

// Takes the bytes of an unpacked CSI file apart. Every count is compared with what is left before
// it is believed.
class CsiReader {
 public:
  explicit CsiReader(std::string_view bytes) : left_(bytes) {}

  bool Read(VcfIndex& index) {
    if (Take(4) != std::string_view("CSI\1", 4)) return false;
    min_shift_ = Int();
    depth_ = Int();
    if (min_shift_ < 1 || min_shift_ > 32 || depth_ < 1 || depth_ > 9) return false;
    if (!ReadNames(Take(Count(1)), index.names_)) return false;
    const std::size_t references = Count(4);
    for (std::size_t i = 0; i < references; ++i) {
      index.bins_.emplace_back();
      const std::size_t bins = Count(16);
      for (std::size_t j = 0; j < bins; ++j) ReadBin(index.bins_.back());
    }
    return good_ && index.bins_.size() <= index.names_.size();
  }

 private:
  std::string_view Take(std::size_t count) {
    good_ = good_ && count <= left_.size();
    if (!good_) return {};
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  std::uint64_t Number(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = Take(bytes);
    for (std::size_t i = taken.size(); i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(taken[i]);
    return value;
  }
  int Int() { return static_cast<std::int32_t>(Number(4)); }
  // A number of things of at least `each` bytes that follow.
  std::size_t Count(std::size_t each) {
    const int count = Int();
    good_ = good_ && count >= 0 && static_cast<std::size_t>(count) <= left_.size() / each;
    return good_ ? static_cast<std::size_t>(count) : 0;
  }

  static bool ReadNames(std::string_view meta, std::vector<std::string>& names) {
    constexpr std::size_t kHead = 28;  // six settings and the length of the list
    if (meta.size() < kHead) return false;
    meta.remove_prefix(kHead);
    if (meta.empty()) return true;
    if (meta.back() != '\0') return false;
    meta.remove_suffix(1);
    for (std::string_view name : Split(meta, '\0')) names.emplace_back(name);
    return true;
  }

  void ReadBin(std::vector<VcfIndex::Bin>& bins) {
    const auto number = static_cast<std::int64_t>(Number(4));
    VcfIndex::Bin bin;
    bin.first_overlap = Number(8);
    const std::size_t chunks = Count(16);
    for (std::size_t i = 0; i < chunks; ++i) {
      const std::uint64_t begin = Number(8);
      bin.chunks.push_back({begin, Number(8)});
    }
    std::int64_t first = 0;
    for (int level = 0; level <= depth_; ++level) {
      const std::int64_t in_level = std::int64_t{1} << (3 * level);
      if (number < first + in_level) {
        const int shift = min_shift_ + 3 * (depth_ - level);
        bin.start = (number - first) << shift;
        bin.end = bin.start + (std::int64_t{1} << shift);
        bins.push_back(std::move(bin));
        return;
      }
      first += in_level;
    }
    // Beyond the last level: statistics of the reference.
  }

  std::string_view left_;
  bool good_ = true;
  int min_shift_ = 0;
  int depth_ = 0;
};

Result<VcfIndex> VcfIndex::Parse(std::string_view csi, std::uint64_t vcf_size) {
  SilenceHtslib();
  if (vcf_size < kEofBlock) return Invalid();
  GF_ASSIGN(const std::string bytes, Unpack(csi));
  VcfIndex index;
  index.size_ = vcf_size;
  if (!CsiReader(bytes).Read(index)) return Invalid();
  const std::uint64_t eof = vcf_size - kEofBlock;
  std::uint64_t first = eof << 16;
  index.blocks_.push_back(eof);
  for (const auto& bins : index.bins_) {
    for (const Bin& bin : bins) {
      for (const FileRange& chunk : bin.chunks) {
        if (chunk.begin > chunk.end || chunk.end >> 16 > eof) return Invalid();
        first = std::min(first, chunk.begin);
        index.blocks_.push_back(chunk.begin >> 16);
        index.blocks_.push_back(chunk.end >> 16);
      }
    }
  }
  std::sort(index.blocks_.begin(), index.blocks_.end());
  index.blocks_.erase(std::unique(index.blocks_.begin(), index.blocks_.end()), index.blocks_.end());
  index.header_end_ = (first & 0xffff) == 0 ? first >> 16 : index.BlockAfter(first >> 16);
  return index;
}

// How long a block is stands in the block alone; but the next one that the index names cannot begin
// earlier.
std::uint64_t VcfIndex::BlockAfter(std::uint64_t block) const {
  const auto next = std::upper_bound(blocks_.begin(), blocks_.end(), block);
  return next == blocks_.end() ? blocks_.back() : *next;
}

void VcfIndex::AddRegion(const std::vector<Bin>& bins, const IndexRegion& region,
                         std::vector<FileRange>& ranges) const {
  const std::int64_t end = region.end.value_or(kEndOfReference);
  // Records lie in the order of their positions: none before `low` reaches into the region, none
  // from `high` on begins before its end.
  std::uint64_t low = 0;
  std::uint64_t high = std::numeric_limits<std::uint64_t>::max();
  for (const Bin& bin : bins) {
    if (bin.start <= region.start && region.start < bin.end) low = std::max(low, bin.first_overlap);
    if (bin.start < end) continue;
    for (const FileRange& chunk : bin.chunks) high = std::min(high, chunk.begin);
  }
  for (const Bin& bin : bins) {
    if (bin.end <= region.start || bin.start >= end) continue;
    for (const FileRange& chunk : bin.chunks) {
      if (chunk.end <= low || chunk.begin >= high) continue;
      const std::uint64_t last = std::min(chunk.end, high);
      ranges.push_back(
          {chunk.begin >> 16, (last & 0xffff) == 0 ? last >> 16 : BlockAfter(last >> 16)});
    }
  }
}

Result<std::vector<FileRange>> VcfIndex::Plan(std::span<const IndexRegion> regions,
                                              std::uint64_t min_gap) const {
  std::vector<FileRange> ranges = {{0, header_end_}, {size_ - kEofBlock, size_}};
  for (const IndexRegion& region : regions) {
    const auto found = std::find(names_.begin(), names_.end(), region.reference);
    if (found == names_.end()) {
      return Error(StatusCode::kNotFound, "REFERENCE_UNKNOWN", "the file has no such reference");
    }
    const auto number = static_cast<std::size_t>(found - names_.begin());
    if (number < bins_.size() && region.end.value_or(kEndOfReference) > region.start) {
      AddRegion(bins_[number], region, ranges);
    }
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const FileRange& a, const FileRange& b) { return a.begin < b.begin; });
  std::vector<FileRange> merged;
  for (const FileRange& range : ranges) {
    if (range.begin == range.end) continue;
    if (merged.empty() || range.begin >= merged.back().end + std::max<std::uint64_t>(min_gap, 1)) {
      merged.push_back(range);
    } else {
      merged.back().end = std::max(merged.back().end, range.end);
    }
  }
  return merged;
}

}  // namespace genofed::genomics
