// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "libs/core/strings.h"
#include "libs/genomics/norm_align.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kSiteColumns = 8;
// Beyond this many alleles a Number=G vector no longer fits memory, and no caller writes them.
constexpr std::size_t kMaxAlleles = 1000;

// The value of `key` in "<ID=AC,Number=A,Description="a, b">".
std::string_view MetaValue(std::string_view text, std::string_view key) {
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != ',')) continue;
    std::string_view part = text.substr(start, i - start);
    start = i + 1;
    if (part.size() > key.size() && part.starts_with(key) && part[key.size()] == '=')
      return part.substr(key.size() + 1);
  }
  return {};
}

std::string Joined(std::span<const std::string> parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out.push_back(',');
    out += part;
  }
  return out;
}

}  // namespace

void FieldShapes::AddHeaderLine(std::string_view line) {
  bool info = line.starts_with("##INFO=<");
  if (!info && !line.starts_with("##FORMAT=<")) return;
  std::string_view body = line.substr(line.find('<') + 1);
  if (body.ends_with('>')) body.remove_suffix(1);
  std::string_view number = MetaValue(body, "Number");
  std::string_view type = MetaValue(body, "Type");
  FieldShape shape;
  if (number == "A") shape.count = ValueCount::kPerAlt;
  if (number == "R") shape.count = ValueCount::kPerAllele;
  if (number == "G") shape.count = ValueCount::kPerGenotype;
  shape.text = type == "String" || type == "Character";
  (info ? info_ : format_).emplace(MetaValue(body, "ID"), shape);
}

FieldShape FieldShapes::Find(const Map& map, std::string_view id) {
  auto found = map.find(id);
  return found == map.end() ? FieldShape{} : found->second;
}

Result<NormRecord> ParseNormRecord(std::string_view text, std::uint64_t line, std::size_t columns) {
  NormRecord record;
  record.line = line;
  std::string_view site[kSiteColumns];
  std::size_t start = 0;
  for (std::size_t i = 0; i < kSiteColumns; ++i) {
    std::size_t stop = text.find('\t', start);
    bool last = stop == std::string_view::npos;
    if (start > text.size() || (last && i + 1 < kSiteColumns)) {
      return RecordError(record, "record", "MALFORMED_RECORD", "fewer than eight columns");
    }
    site[i] = text.substr(start, last ? std::string_view::npos : stop - start);
    start = last ? text.size() + 1 : stop + 1;
  }
  if (start <= text.size()) record.samples = text.substr(start);
  std::size_t found = kSiteColumns;
  if (start <= text.size()) {
    found += 1 + static_cast<std::size_t>(
                     std::count(record.samples.begin(), record.samples.end(), '\t'));
  }
  if (found != columns) {
    return RecordError(record, "record", "MALFORMED_RECORD",
                       "another number of columns than the #CHROM line");
  }
  auto pos = ParseInt(site[1]);
  if (!pos.ok() || *pos < 0 || *pos > kMaxPosition)
    return RecordError(record, "POS", "MALFORMED_RECORD", "not a position");
  record.contig = site[0];
  record.pos = *pos - 1;
  record.id = site[2];
  record.alleles.emplace_back(site[3]);
  if (site[4] != ".") {
    std::vector<std::string_view> alts;
    SplitInto(site[4], ',', alts);
    if (alts.size() >= kMaxAlleles)
      return RecordError(record, "ALT", "TOO_MANY_ALLELES", "more than 1000 alleles");
    record.alleles.insert(record.alleles.end(), alts.begin(), alts.end());
  }
  bool empty = record.contig.empty() ||
               std::any_of(record.alleles.begin(), record.alleles.end(),
                           [](const std::string& allele) { return allele.empty(); });
  if (empty) return RecordError(record, "REF/ALT", "MALFORMED_RECORD", "an empty allele or contig");
  record.qual = site[5];
  record.filter = site[6];
  record.info = site[7];
  return record;
}

std::string FormatNormRecord(const NormRecord& record) {
  std::string alts =
      record.alleles.size() == 1 ? "." : Joined(std::span(record.alleles).subspan(1));
  std::string out =
      fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", record.contig, record.pos + 1, record.id,
                  record.alleles[0], alts, record.qual, record.filter, record.info);
  if (!record.samples.empty()) {
    out.push_back('\t');
    out += record.samples;
  }
  return out;
}

Status RecordError(const NormRecord& record, std::string_view field, std::string_view reason,
                   std::string_view message) {
  return InvalidField(fmt::format("line {}, {}", record.line, field), reason, "{}", message);
}

InfoFields ParseInfo(std::string_view info) {
  InfoFields fields;
  if (info == "." || info.empty()) return fields;
  std::vector<std::string_view> parts;
  SplitInto(info, ';', parts);
  for (std::string_view part : parts) {
    if (part.empty()) continue;
    std::size_t equals = part.find('=');
    std::optional<std::string> value;
    if (equals != std::string_view::npos) {
      value = equals + 1 == part.size() ? "." : std::string(part.substr(equals + 1));
    }
    fields.emplace_back(part.substr(0, equals), std::move(value));
  }
  return fields;
}

std::string FormatInfo(const InfoFields& fields) {
  std::string out;
  for (const auto& [id, value] : fields) {
    if (!out.empty()) out.push_back(';');
    out += id;
    if (value) out += "=" + *value;
  }
  return out.empty() ? "." : out;
}

std::optional<std::string_view> FindInfo(std::string_view info, std::string_view id) {
  for (std::size_t start = 0; start < info.size();) {
    std::size_t stop = std::min(info.find(';', start), info.size());
    std::string_view part = info.substr(start, stop - start);
    std::size_t equals = std::min(part.find('='), part.size());
    if (part.substr(0, equals) == id) return part.substr(std::min(equals + 1, part.size()));
    start = stop + 1;
  }
  return std::nullopt;
}

void SetInfo(std::string& info, std::string_view id, std::string_view value) {
  InfoFields fields = ParseInfo(info);
  auto found = std::find_if(fields.begin(), fields.end(),
                            [&](const auto& field) { return field.first == id; });
  if (found == fields.end()) {
    fields.emplace_back(id, value);
  } else {
    found->second = value;
  }
  info = FormatInfo(fields);
}

SampleColumns SplitSamples(std::string_view samples) {
  SampleColumns columns;
  SplitInto(samples, '\t', columns.samples);
  SplitInto(columns.samples.front(), ':', columns.keys);
  columns.samples.erase(columns.samples.begin());
  return columns;
}

void SplitInto(std::string_view text, char separator, std::vector<std::string_view>& out) {
  out.clear();
  for (std::size_t start = 0;;) {
    std::size_t stop = text.find(separator, start);
    if (stop == std::string_view::npos) {
      out.push_back(text.substr(start));
      return;
    }
    out.push_back(text.substr(start, stop - start));
    start = stop + 1;
  }
}

bool ParseGenotypeText(std::string_view text, GenotypeText& genotype) {
  genotype.alleles.clear();
  genotype.separators.clear();
  std::size_t at = 0;
  do {
    char separator = '\0';
    if (at < text.size() && (text[at] == '|' || text[at] == '/')) separator = text[at++];
    if (separator == '\0' && !genotype.alleles.empty()) return false;
    std::size_t stop = std::min(text.find_first_of("/|", at), text.size());
    std::string_view allele = text.substr(at, stop - at);
    int index = -1;
    if (allele != ".") {
      // Four digits: more alleles than that have been refused.
      if (allele.empty() || allele.size() > 4) return false;
      index = 0;
      for (char c : allele) {
        if (c < '0' || c > '9') return false;
        index = index * 10 + (c - '0');
      }
    }
    genotype.alleles.push_back(index);
    genotype.separators.push_back(separator);
    at = stop;
  } while (at < text.size());
  return true;
}

void AppendGenotype(const GenotypeText& genotype, std::string& out) {
  for (std::size_t i = 0; i < genotype.alleles.size(); ++i) {
    if (genotype.separators[i] != '\0') out.push_back(genotype.separators[i]);
    int allele = genotype.alleles[i];
    if (allele < 10) {
      out.push_back(allele < 0 ? '.' : static_cast<char>('0' + allele));
    } else {
      out += std::to_string(genotype.alleles[i]);
    }
  }
}

Status CountAlleles(NormRecord& record) {
  if (!record.samples.starts_with("GT")) return absl::OkStatus();
  SampleColumns columns = SplitSamples(record.samples);
  if (columns.keys[0] != "GT") return absl::OkStatus();
  std::vector<std::uint64_t> counts(record.alleles.size());
  std::uint64_t called = 0;
  GenotypeText genotype;
  for (std::string_view sample : columns.samples) {
    if (!ParseGenotypeText(sample.substr(0, sample.find(':')), genotype))
      return RecordError(record, "FORMAT/GT", "MALFORMED_RECORD", "not a genotype");
    for (int allele : genotype.alleles) {
      if (allele < 0) continue;
      if (static_cast<std::size_t>(allele) >= counts.size())
        return RecordError(record, "FORMAT/GT", "ALLELE_INDEX", "names an allele not in REF, ALT");
      ++counts[static_cast<std::size_t>(allele)];
      ++called;
    }
  }
  if (counts.size() > 1) {
    SetInfo(record.info, "AC", fmt::format("{}", fmt::join(counts.begin() + 1, counts.end(), ",")));
  }
  SetInfo(record.info, "AN", std::to_string(called));
  return absl::OkStatus();
}

unsigned KindOf(std::string_view ref, std::string_view alt) {
  if (alt == "*") return kOverlap;
  if (alt == "." || alt == "<*>" || alt == "<NON_REF>" || EqualIgnoringCase(ref, alt))
    return kReferenceOnly;
  if (alt.front() == '<') return kOtherChange;
  if (alt.find_first_of("[]") != std::string_view::npos) return kBreakendChange;
  std::size_t shortest = std::min(ref.size(), alt.size());
  std::size_t front = 0;
  while (front < shortest && UpperBase(ref[front]) == UpperBase(alt[front])) ++front;
  std::size_t back = 0;
  while (back < shortest - front &&
         UpperBase(ref[ref.size() - 1 - back]) == UpperBase(alt[alt.size() - 1 - back])) {
    ++back;
  }
  std::size_t ref_left = ref.size() - front - back;
  std::size_t alt_left = alt.size() - front - back;
  if (ref_left == 0 || alt_left == 0) return kIndel;
  if (ref_left != alt_left) return kOtherChange;
  return ref_left == 1 ? kSnv : kMnv;
}

unsigned KindsOf(const NormRecord& record) {
  unsigned kinds = kReferenceOnly;
  for (std::size_t i = 1; i < record.alleles.size(); ++i)
    kinds |= KindOf(record.alleles[0], record.alleles[i]);
  return kinds;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return UpperBase(x) == UpperBase(y);
         });
}

}  // namespace genofed::genomics
