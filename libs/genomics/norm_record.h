// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: one VCF record as text, taken apart no further than a step needs, so
// that what normalisation does not touch comes out as it went in (VCF 4.3, section 1.6).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"

namespace genofed::genomics {

// How many values a field has, as far as splitting and joining alleles care (VCF 4.3, 1.4.2).
enum class ValueCount { kOther, kPerAlt, kPerAllele, kPerGenotype };

struct FieldShape {
  ValueCount count = ValueCount::kOther;
  bool text = false;  // Type=String or Character
};

// The shapes that the header declares. Fields that it does not declare are kOther.
class FieldShapes {
 public:
  // Takes any header line; others than ##INFO and ##FORMAT are ignored.
  void AddHeaderLine(std::string_view line);
  FieldShape Info(std::string_view id) const { return Find(info_, id); }
  FieldShape Format(std::string_view id) const { return Find(format_, id); }

 private:
  using Map = std::map<std::string, FieldShape, std::less<>>;
  static FieldShape Find(const Map& map, std::string_view id);
  Map info_;
  Map format_;
};

struct NormRecord {
  std::uint64_t line = 0;  // of the input
  std::string contig;      // as the file writes it
  std::int64_t pos = 0;    // 0-based
  std::string id;
  std::vector<std::string> alleles;  // REF first; only REF when ALT is "."
  std::string qual;
  std::string filter;
  std::string info;     // as written, "." when empty
  std::string samples;  // FORMAT and the sample columns as written; empty when there are none
};

// `columns` is the number of columns of the #CHROM line. Errors: MALFORMED_RECORD with line and
// field.
Result<NormRecord> ParseNormRecord(std::string_view text, std::uint64_t line, std::size_t columns);
// The record as a line of VCF, without the line end.
std::string FormatNormRecord(const NormRecord& record);

// An error about one field of one record. Never quotes the record.
Status RecordError(const NormRecord& record, std::string_view field, std::string_view reason,
                   std::string_view message);

using InfoFields = std::vector<std::pair<std::string, std::optional<std::string>>>;
// INFO taken apart; flags have no value, and a value left out ("AC=") becomes ".".
InfoFields ParseInfo(std::string_view info);
std::string FormatInfo(const InfoFields& fields);
std::optional<std::string_view> FindInfo(std::string_view info, std::string_view id);
// Sets one field of INFO in place, or adds it at the end.
void SetInfo(std::string& info, std::string_view id, std::string_view value);

// FORMAT and the samples: `keys` and one text for each sample. The views are into the record.
struct SampleColumns {
  std::vector<std::string_view> keys;
  std::vector<std::string_view> samples;
};
SampleColumns SplitSamples(std::string_view samples);
void SplitInto(std::string_view text, char separator, std::vector<std::string_view>& out);

// One GT value: -1 is ".". `separators[i]` stands before allele i; for the first one it is '\0', or
// written ('|') as VCF 4.4 allows.
struct GenotypeText {
  std::vector<int> alleles;
  std::vector<char> separators;
};
// False when it is no genotype. `genotype` is overwritten, so that one serves many samples.
bool ParseGenotypeText(std::string_view text, GenotypeText& genotype);
void AppendGenotype(const GenotypeText& genotype, std::string& out);

// Position of genotype a/b in a Number=G vector (VCF 4.3, section 1.6.2, GL).
constexpr std::size_t GenotypeIndex(std::size_t a, std::size_t b) {
  return a < b ? b * (b + 1) / 2 + a : a * (a + 1) / 2 + b;
}

// Sets INFO/AC and INFO/AN by counting FORMAT/GT. Call it on the original record: after a split,
// 1/2 reads 0/1 and 1/0, whose zeros are no reference alleles. A record without genotypes stays as
// it is.
Status CountAlleles(NormRecord& record);

// What kind of change an ALT makes, in the order in which joined records are written.
enum ChangeKind : unsigned {
  kReferenceOnly = 0,
  kSnv = 1,
  kMnv = 2,
  kIndel = 4,
  kOtherChange = 8,  // replaced by another length, or symbolic
  kBreakendChange = 16,
  kOverlap = 64,  // "*"
};
unsigned KindOf(std::string_view ref, std::string_view alt);
// All kinds of a record together.
unsigned KindsOf(const NormRecord& record);

bool EqualIgnoringCase(std::string_view a, std::string_view b);

}  // namespace genofed::genomics
