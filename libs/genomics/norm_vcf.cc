// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_vcf.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "libs/genomics/line_source.h"
#include "libs/genomics/norm_join.h"
#include "libs/genomics/norm_reference.h"
#include "libs/genomics/norm_split.h"

namespace genofed::genomics {
namespace {

// What a record costs in memory beside its text.
constexpr std::size_t kRecordOverhead = 512;

std::size_t SizeOf(const NormRecord& record) {
  std::size_t size = kRecordOverhead + record.samples.size() + record.info.size();
  for (const std::string& allele : record.alleles) size += allele.size();
  return size;
}

bool SameAlleles(const NormRecord& a, const NormRecord& b) {
  auto holds = [](const NormRecord& record, std::string_view alt) {
    return std::any_of(record.alleles.begin() + 1, record.alleles.end(),
                       [&](const std::string& own) { return EqualIgnoringCase(own, alt); });
  };
  return a.alleles.size() == b.alleles.size() && EqualIgnoringCase(a.alleles[0], b.alleles[0]) &&
         std::all_of(a.alleles.begin() + 1, a.alleles.end(),
                     [&](const std::string& alt) { return holds(b, alt); });
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
    if (!window_.empty() && window_.front().record.contig != record.contig)
      GF_TRY(Flush(window_.size()));
    std::string contig = record.contig;
    std::int64_t pos = record.pos;
    GF_TRY(Normalise(std::move(record)));
    return FlushBefore(pos - options_.window);
  }

  Result<NormaliseReport> Finish() override {
    if (columns_ == 0) return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "no #CHROM line");
    GF_TRY(Flush(window_.size()));
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
    std::vector<NormRecord> parts;
    if (options_.multiallelics == Multiallelics::kSplit) {
      GF_ASSIGN(parts, SplitAlleles(std::move(record), options_, shapes_));
      if (parts.size() > 1) ++report_.split;
    } else {
      parts.push_back(std::move(record));
    }
    for (NormRecord& part : parts) GF_TRY(AlignAndInsert(std::move(part)));
    return absl::OkStatus();
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
    GF_ASSIGN(auto atoms, AtomiseAlleles(std::move(record), options_, shapes_));
    for (NormRecord& atom : atoms) GF_TRY(Insert({std::move(atom), true}));
    return absl::OkStatus();
  }

  // Behind the records of the same position: the order of the input is kept.
  Status Insert(Waiting waiting) {
    window_bytes_ += SizeOf(waiting.record);
    if (window_bytes_ > options_.max_window_bytes) {
      return Error(StatusCode::kResourceExhausted, "WINDOW_TOO_LARGE",
                   "line {}: more than {} MiB of records within {} bases", line_,
                   options_.max_window_bytes >> 20, options_.window);
    }
    auto at = window_.end();
    while (at != window_.begin() && std::prev(at)->record.pos > waiting.record.pos) --at;
    window_.insert(at, std::move(waiting));
    return absl::OkStatus();
  }

  Status FlushBefore(std::int64_t pos) {
    std::size_t count = 0;
    while (count < window_.size() && window_[count].record.pos < pos) ++count;
    return Flush(count);
  }

  Status Flush(std::size_t count) {
    for (; count > 0; --count) {
      Waiting waiting = std::move(window_.front());
      window_.pop_front();
      std::size_t size = SizeOf(waiting.record);
      if (waiting.record.pos != place_pos_ || waiting.record.contig != place_contig_) {
        GF_TRY(EndPlace());
        place_contig_ = waiting.record.contig;
        place_pos_ = waiting.record.pos;
      }
      if (!waiting.touched) {
        window_bytes_ -= size;
        GF_TRY(Write(waiting.record));
      } else if (IsDuplicate(waiting.record)) {
        window_bytes_ -= size;
        ++report_.duplicates;
      } else if (options_.multiallelics == Multiallelics::kJoin ||
                 options_.duplicates == Duplicates::kExact) {
        place_.push_back(std::move(waiting.record));
      } else {
        window_bytes_ -= size;
        GF_TRY(Write(waiting.record));
      }
    }
    return absl::OkStatus();
  }

  // Writes the records of the place that is complete now.
  Status EndPlace() {
    place_kinds_ = 0;
    place_seen_ = false;
    if (place_.empty()) return absl::OkStatus();
    for (const NormRecord& record : place_) window_bytes_ -= SizeOf(record);
    std::vector<NormRecord> records = std::exchange(place_, {});
    if (options_.multiallelics == Multiallelics::kJoin) {
      std::size_t before = records.size();
      GF_ASSIGN(records, JoinRecords(std::move(records), options_, shapes_));
      report_.joined += before - records.size();
    }
    for (const NormRecord& record : records) GF_TRY(Write(record));
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
        duplicate = std::any_of(place_.begin(), place_.end(), [&](const NormRecord& earlier) {
          return SameAlleles(earlier, record);
        });
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

  std::deque<Waiting> window_;    // one contig, ascending positions
  std::size_t window_bytes_ = 0;  // of window_ and place_

  // Where records are being written.
  std::string place_contig_;
  std::int64_t place_pos_ = -2;
  std::vector<NormRecord> place_;  // held until the place is complete
  unsigned place_kinds_ = 0;       // of the records kept so far
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
