// SPDX-License-Identifier: Apache-2.0
//
// Judges the records of a VCF file, one text line after the other, by the rules of VCF 4.1 to 4.4.
// It is the one place of genofed that knows them: VcfReader, CheckVcf and the ingest pass all ask
// it, so that what a report calls set aside is what is not used.
//
// Rules of the first eight columns, of FORMAT and of sample values cost the record. Rules of INFO
// cost the value, since genofed counts alleles itself and reads nothing of INFO but END.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/genomics/reference.h"
#include "libs/genomics/vcf_conformance_codes.h"
#include "libs/genomics/vcf_conformance_schema.h"
#include "libs/genomics/vcf_header.h"

namespace genofed::genomics {

// The most alternative alleles that a record may have to be indexed.
inline constexpr std::size_t kMaxAlts = 126;

enum class VcfVerdict : std::uint8_t {
  kUse,
  kLeaveOut,  // valid, but without a place in genofed: a note tells why
  kSetAside,  // wrong or ambiguous: a warning tells why
};

// What the first nine columns of a record say. Views into the line, and into the conformance that
// filled it: both valid until its next call.
struct VcfSite {
  enum Column { kChrom, kPos, kId, kRef, kAlt, kQual, kFilter, kInfo, kFormat };

  std::uint64_t line_number = 0;
  std::array<std::string_view, 9> columns;
  std::string_view samples;  // everything behind FORMAT and its tab
  std::string_view contig;   // normalised
  std::int64_t pos = 0;      // 0-based
  // Exclusive, 0-based: of REF, or of INFO/END where the record is a reference block.
  std::int64_t end = 0;
  std::span<const std::string_view> alts;  // as in the file; empty when ALT is "."
  bool is_block = false;         // only <NON_REF> or <*> as ALT, or "." with END (section 5.5)
  bool has_unspecified = false;  // <NON_REF> or <*> among ALT: a gVCF
  bool has_genotypes = false;    // FORMAT begins with GT
  bool only_genotypes = false;   // FORMAT is exactly GT

  std::string_view ref() const { return columns[kRef]; }
  std::string_view filter() const { return columns[kFilter]; }
  std::size_t allele_count() const { return alts.size() + 1; }
  // A block beyond REF, as gVCFs have them.
  bool IsLongBlock() const {
    return is_block && end > pos + static_cast<std::int64_t>(ref().size());
  }
};

// How the REF alleles of one contig compare with the reference genome.
struct VcfContigFacts {
  std::string name;  // normalised, or as in the file when genofed does not index it
  std::uint64_t records = 0;
  std::uint64_t compared = 0;
  std::uint64_t agreed = 0;
};

// Judges records in file order. Not thread-safe. Memory does not grow with the number of records.
class VcfConformance {
 public:
  // `header` is borrowed and must outlive this, as must `reference` (optional). Reserved keys that
  // the header declares otherwise are reported here.
  VcfConformance(const VcfHeader& header, VcfIssueSink sink, Reference* reference);

  // Judges a whole record: CheckSite, then ScanGenotypes where FORMAT is exactly GT, and
  // CheckSamples where that is not enough. `line` is without its end.
  VcfVerdict Check(std::string_view line, std::uint64_t line_number, VcfSite& site);
  // Judges all but the sample columns, whose text is left in site.samples. A file without samples
  // has all in here. Sites are remembered to find disorder and duplicates: call once for a record.
  VcfVerdict CheckSite(std::string_view line, std::uint64_t line_number, VcfSite& site);
  // Judges every sample column of a site that CheckSite said to use. A caller that has its own
  // scan of genotypes needs it only where that scan meets something unusual.
  VcfVerdict CheckSamples(const VcfSite& site);

  std::vector<VcfContigFacts> contigs() const;

 private:
  struct Contig {
    std::string name;      // of facts, too
    bool indexed = false;  // a name that genofed takes
    std::optional<std::int64_t> length;
    bool seen = false;
    bool missing_in_reference = false;
    std::int64_t last_pos = 0;
    VcfContigFacts facts;
  };
  // How many values keys of one site have: the higher number only where ALT is missing.
  struct Counts {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
  };

  bool SplitColumns(std::string_view line, VcfSite& site);
  bool CheckChrom(VcfSite& site);
  bool CheckPos(VcfSite& site);
  bool CheckId(const VcfSite& site);
  bool CheckAlleles(VcfSite& site);
  bool IsSingleBaseChange(const VcfSite& site) const;
  bool AddAlt(std::string_view alt, VcfSite& site);
  bool CheckQual(const VcfSite& site);
  bool CheckFilter(const VcfSite& site);
  void CheckInfo(const VcfSite& site);
  void CheckInfoEntry(std::string_view entry, std::size_t slot, const VcfSite& site);
  void CheckInfoValue(const VcfKey& key, std::string_view value, const VcfSite& site);
  bool CheckEnd(VcfSite& site);
  bool CheckFormat(VcfSite& site);
  bool CompileFormat(const VcfSite& site);
  bool CheckOrder(const VcfSite& site);
  bool CheckDuplicates(const VcfSite& site);
  bool CheckReference(const VcfSite& site);
  bool CheckSample(std::string_view text, std::uint64_t sample, const VcfSite& site);
  bool CheckSampleValue(const VcfKey& key, std::string_view value, std::uint32_t ploidy,
                        std::uint64_t sample, const VcfSite& site);
  // What each kind of count comes to; false when any number goes.
  bool Expected(const VcfKey& key, std::uint32_t ploidy, const VcfSite& site, Counts* counts) const;
  Contig* FindContig(std::string_view raw, const VcfSite& site);
  Contig& AddContig(std::string_view raw, std::optional<std::int64_t> length);

  // Reports and returns false, so that checks can return it.
  bool Refuse(const VcfSite& site, VcfCode code, std::string_view column, std::string_view message,
              std::string_view key = {}, std::uint64_t sample = 0);
  void Note(const VcfSite& site, VcfCode code, std::string_view column, std::string_view key = {},
            std::uint64_t sample = 0);
  // As Note, and remembers that the record is to be left out.
  void LeaveOut(const VcfSite& site, VcfCode code, std::string_view column);

  const VcfHeader& header_;
  VcfIssueSink sink_;
  Reference* reference_;
  VcfSchema schema_;

  std::deque<Contig> contig_states_;  // stable addresses
  TextMap<Contig*> contig_by_raw_;
  TextMap<Contig*> contig_by_name_;
  bool contigs_declared_ = false;
  Contig* contig_ = nullptr;       // of the record in hand
  Contig* last_contig_ = nullptr;  // of the last record in order
  std::string last_chrom_;

  std::vector<std::string_view> alts_;
  bool alt_missing_ = false;
  bool bases_only_ = false;
  bool leave_out_ = false;
  std::string_view end_value_;

  TextMap<bool> filters_;  // known ones: true when declared
  std::string last_filter_;
  std::vector<VcfKey*> info_slots_;  // the key that the last record had at each place
  std::string last_format_;
  std::vector<VcfKey*> format_keys_;
  bool noted_ploidy_ = false;  // in the record in hand
  bool noted_missing_alt_ = false;
  bool noted_empty_ = false;
  std::vector<std::uint64_t> recent_;  // hashes of variants at or behind the position in hand
  std::int64_t recent_until_ = -1;     // the last position of any of them
};

}  // namespace genofed::genomics
