// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_vcf.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "libs/genomics/line_source.h"
#include "libs/genomics/norm_join.h"
#include "libs/genomics/norm_reference.h"
#include "libs/genomics/norm_split.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {
namespace {

// What a record costs in memory beside its text.
constexpr std::size_t kRecordOverhead = 512;
constexpr std::int64_t kEverything = std::numeric_limits<std::int64_t>::max();

std::size_t SizeOf(const NormRecord& record) {
  std::size_t size = kRecordOverhead + record.samples.size() + record.info.size();
  for (const std::string& allele : record.alleles) size += allele.size();
  return size;
}

// The same for records with the same REF and the same set of ALT.
std::string AllelesKey(const NormRecord& record) {
  std::set<std::string> alts;
  for (std::size_t i = 1; i < record.alleles.size(); ++i)
    alts.insert(UpperBases(record.alleles[i]));
  return fmt::format("{}|{}", UpperBases(record.alleles[0]), fmt::join(alts, ","));
}

class StreamNormaliser final : public VcfNormaliser {
 public:
  StreamNormaliser(const NormaliseOptions& options, Reference* reference, Sink sink)
      : options_(options), sink_(std::move(sink)) {
    if (reference != nullptr) reference_.emplace(options_, shapes_, *reference, findings_);
  }

  Status Add(std::string_view line) override {
    ++line_;
    if (columns_ == 0) return AddHeader(line);
    if (line.empty()) return absl::OkStatus();
    GF_ASSIGN(NormRecord record, ParseNormRecord(line, line_, columns_));
    ++report_.records;
    if (record.contig != window_contig_) {
      GF_TRY(FlushBefore(kEverything));
      window_contig_ = record.contig;
    }
    std::int64_t pos = record.pos;
    GF_TRY(Normalise(std::move(record)));
    return FlushBefore(pos - options_.window);
  }

  Result<NormaliseReport> Finish() override {
    if (columns_ == 0) return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "no #CHROM line");
    GF_TRY(FlushBefore(kEverything));
    GF_TRY(EndPlace());
    report_.findings = findings_.Take();
    return std::move(report_);
  }

 private:
  struct Waiting {
    NormRecord record;
    bool touched = true;  // false: not to be joined or compared
  };

  Status AddHeader(std::string_view line) {
    if (!line.starts_with('#'))
      return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "line {}: records before #CHROM",
                   line_);
    if (!line.starts_with("##")) {
      columns_ = 1 + static_cast<std::size_t>(std::count(line.begin(), line.end(), '\t'));
      if (!line.starts_with("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO") || columns_ == 9)
        return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "line {}: not a #CHROM line",
                     line_);
      if (options_.original_field) {
        GF_TRY(
            sink_(fmt::format("##INFO=<ID={},Number=1,Type=String,Description=\"Original "
                              "variant. Format: CHR|POS|REF|ALT|USED_ALT_IDX\">",
                              *options_.original_field)));
      }
    }
    shapes_.AddHeaderLine(line);
    return sink_(line);
  }

  Status Normalise(NormRecord record) {
    if (options_.only_with_alt && std::find(record.alleles.begin() + 1, record.alleles.end(),
                                            *options_.only_with_alt) == record.alleles.end()) {
      return Insert({std::move(record), false});
    }
    if (options_.count_alleles) GF_TRY(CountAlleles(record));
    // Before splitting, so that every genotype still says which alleles it has.
    if (reference_ && options_.on_mismatch == ReferenceMismatch::kSet) {
      std::string form = OriginalForm(record);
      GF_ASSIGN(bool changed, reference_->SetReference(record));
      if (changed) {
        KeepOriginal(record, options_, form);
        ++report_.reference_set;
      }
    }
    if (options_.multiallelics != Multiallelics::kSplit || !ShouldSplit(record, options_))
      return AlignAndInsert(std::move(record));
    ++report_.split;
    return SplitAlleles(record, options_, shapes_,
                        [&](NormRecord part) { return AlignAndInsert(std::move(part)); });
  }

  Status AlignAndInsert(NormRecord record) {
    if (reference_ && options_.left_align) {
      GF_ASSIGN(auto outcome, reference_->Align(record));
      if (outcome == ReferenceStep::Outcome::kMoved) ++report_.moved;
      if (outcome == ReferenceStep::Outcome::kExcluded) {
        ++report_.excluded;
        return absl::OkStatus();
      }
    }
    if (!options_.atomise) return Insert({std::move(record), true});
    return AtomiseAlleles(std::move(record), options_, shapes_, [&](NormRecord atom) {
      return Insert({std::move(atom), true});
    });
  }

  Status Insert(Waiting waiting) {
    window_bytes_ += SizeOf(waiting.record);
    if (window_bytes_ > options_.max_window_bytes) {
      return Error(StatusCode::kResourceExhausted, "WINDOW_TOO_LARGE",
                   "line {}: more than {} MiB of records within {} bases", line_,
                   options_.max_window_bytes >> 20, options_.window);
    }
    window_.emplace(waiting.record.pos, std::move(waiting));
    return absl::OkStatus();
  }

  // Writes what lies before `pos`.
  Status FlushBefore(std::int64_t pos) {
    while (!window_.empty() && window_.begin()->first < pos) {
      Waiting waiting = std::move(window_.extract(window_.begin()).mapped());
      std::size_t size = SizeOf(waiting.record);
      if (waiting.record.pos != place_pos_ || waiting.record.contig != place_contig_) {
        GF_TRY(EndPlace());
        place_contig_ = waiting.record.contig;
        place_pos_ = waiting.record.pos;
      }
      bool duplicate = waiting.touched && IsDuplicate(waiting.record);
      if (duplicate) ++report_.duplicates;
      if (!duplicate && waiting.touched && options_.multiallelics == Multiallelics::kJoin) {
        place_.push_back(std::move(waiting.record));
        continue;
      }
      window_bytes_ -= size;
      if (!duplicate) GF_TRY(Write(waiting.record));
    }
    return absl::OkStatus();
  }

  // Joins and writes the records of the place that is complete now.
  Status EndPlace() {
    place_kinds_ = 0;
    place_seen_ = false;
    place_alleles_.clear();
    if (place_.empty()) return absl::OkStatus();
    for (const NormRecord& record : place_) window_bytes_ -= SizeOf(record);
    std::size_t before = place_.size();
    GF_ASSIGN(auto joined, JoinRecords(std::exchange(place_, {}), options_, shapes_));
    report_.joined += before - joined.size();
    for (const NormRecord& record : joined) GF_TRY(Write(record));
    return absl::OkStatus();
  }

  bool IsDuplicate(const NormRecord& record) {
    if (options_.duplicates == Duplicates::kKeep) return false;
    unsigned kinds = KindsOf(record);
    constexpr unsigned kNucleotides = kSnv | kMnv;
    auto both = [&](unsigned mask) { return (kinds & mask) != 0 && (place_kinds_ & mask) != 0; };
    bool duplicate = false;
    switch (options_.duplicates) {
      case Duplicates::kKeep:
        break;
      case Duplicates::kExact:
        duplicate = !place_alleles_.insert(AllelesKey(record)).second;
        break;
      case Duplicates::kSameSnv:
        duplicate = both(kNucleotides);
        break;
      case Duplicates::kSameIndel:
        duplicate = both(kIndel);
        break;
      case Duplicates::kSameKind:
        duplicate = both(kNucleotides) || both(kIndel);
        break;
      case Duplicates::kSamePlace:
        duplicate = place_seen_;
        break;
    }
    if (!duplicate) place_kinds_ |= kinds;
    place_seen_ = true;
    return duplicate;
  }

  Status Write(const NormRecord& record) {
    if (record.contig == written_contig_ && record.pos < written_pos_) ++report_.out_of_order;
    written_contig_ = record.contig;
    written_pos_ = record.pos;
    ++report_.written;
    return sink_(FormatNormRecord(record));
  }

  const NormaliseOptions options_;
  Sink sink_;
  FieldShapes shapes_;
  Findings findings_;
  std::optional<ReferenceStep> reference_;
  NormaliseReport report_;
  std::uint64_t line_ = 0;
  std::size_t columns_ = 0;  // of the #CHROM line; 0: not seen yet

  std::string window_contig_;
  std::multimap<std::int64_t, Waiting> window_;  // by position, then in the order of the input
  std::size_t window_bytes_ = 0;                 // of window_ and place_

  // Where records are being written.
  std::string place_contig_;
  std::int64_t place_pos_ = -2;
  std::vector<NormRecord> place_;        // held until the place is complete, when joining
  unsigned place_kinds_ = 0;             // of the records kept so far
  std::set<std::string> place_alleles_;  // of the records kept so far, when looking for duplicates
  bool place_seen_ = false;

  std::string written_contig_;
  std::int64_t written_pos_ = -1;
};

}  // namespace

Result<std::unique_ptr<VcfNormaliser>> VcfNormaliser::Create(const NormaliseOptions& options,
                                                             Reference* reference, Sink sink) {
  if (options.window < 0) return InvalidField("window", "OPTIONS_INVALID", "must not be negative");
  if (options.original_field) {
    const std::string& id = *options.original_field;
    bool ok = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             c == '_' || c == '.';
    });
    if (!ok)
      return InvalidField("original_field", "OPTIONS_INVALID", "letters, digits, '_' and '.'");
  }
  return std::make_unique<StreamNormaliser>(options, reference, std::move(sink));
}

Result<NormaliseReport> NormaliseVcf(int fd, const NormaliseOptions& options, Reference* reference,
                                     VcfNormaliser::Sink sink) {
  GF_ASSIGN(auto source, LineSource::OpenFd(fd));
  GF_ASSIGN(auto normaliser, VcfNormaliser::Create(options, reference, std::move(sink)));
  std::string_view line;
  while (true) {
    GF_ASSIGN(bool more, source->Next(&line));
    if (!more) return normaliser->Finish();
    GF_TRY(normaliser->Add(line));
  }
}

}  // namespace genofed::genomics
