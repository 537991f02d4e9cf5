// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_join.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <span>

#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

constexpr std::string_view kMissing = ".";

bool IsSymbol(std::string_view allele) { return allele.front() == '<' || allele == "*"; }

class Joiner {
 public:
  Joiner(std::span<const NormRecord> records, const NormaliseOptions& options,
         const FieldShapes& shapes)
      : records_(records), options_(options), shapes_(shapes) {}

  Result<NormRecord> Run() {
    NormRecord out = records_[0];
    GF_TRY(JoinAlleles(out));
    JoinIdentifiers(out);
    out.qual = HighestQuality();
    out.filter = JoinedFilter();
    GF_TRY(JoinInfo(out));
    GF_TRY(JoinSamples(out));
    return out;
  }

 private:
  using Values = std::vector<std::string_view>;

  // Gives every allele the bases up to the end of the longest REF, and finds out which allele of
  // the joined record each old one is.
  Status JoinAlleles(NormRecord& out) {
    const std::string* longest = &records_[0].alleles[0];
    for (const NormRecord& record : records_) {
      if (record.alleles[0].size() > longest->size()) longest = &record.alleles[0];
    }
    out.alleles = {*longest};
    for (const NormRecord& record : records_) {
      if (out.alleles.size() > kMaxAlts + 1) break;
      std::string_view ref = record.alleles[0];
      if (!EqualIgnoringCase(ref, std::string_view(*longest).substr(0, ref.size()))) {
        return RecordError(record, "REF", "REF_CONFLICT",
                           "differs from REF of another record at this position");
      }
      std::vector<std::size_t> places = {0};
      for (std::size_t i = 1; i < record.alleles.size(); ++i) {
        std::string allele = record.alleles[i];
        if (!IsSymbol(allele)) allele += longest->substr(ref.size());
        auto found = std::find_if(out.alleles.begin() + 1, out.alleles.end(),
                                  [&](const auto& a) { return EqualIgnoringCase(a, allele); });
        places.push_back(static_cast<std::size_t>(found - out.alleles.begin()));
        if (found == out.alleles.end()) out.alleles.push_back(std::move(allele));
      }
      places_.push_back(std::move(places));
    }
    alleles_ = out.alleles.size();
    if (alleles_ > kMaxAlts + 1) {
      return RecordError(records_[0], "ALT", "TOO_MANY_ALLELES",
                         "the joined record has more than 126 ALT alleles");
    }
    return absl::OkStatus();
  }

  void JoinIdentifiers(NormRecord& out) const {
    std::vector<std::string_view> all;
    std::vector<std::string_view> ids;
    for (const NormRecord& record : records_) {
      SplitInto(record.id, ';', ids);
      for (std::string_view id : ids) {
        if (id != kMissing && std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
      }
    }
    out.id = all.empty() ? std::string(kMissing) : fmt::format("{}", fmt::join(all, ";"));
  }

  std::string HighestQuality() const {
    const std::string* best = &records_[0].qual;
    for (const NormRecord& record : records_) {
      bool higher = *best == kMissing ||
                    std::strtod(record.qual.c_str(), nullptr) > std::strtod(best->c_str(), nullptr);
      if (record.qual != kMissing && higher) best = &record.qual;
    }
    return *best;
  }

  std::string JoinedFilter() const {
    std::vector<std::string_view> failed;
    std::vector<std::string_view> parts;
    bool passed = false;
    for (const NormRecord& record : records_) {
      SplitInto(record.filter, ';', parts);
      for (std::string_view part : parts) {
        if (part == "PASS") {
          passed = true;
        } else if (part != kMissing &&
                   std::find(failed.begin(), failed.end(), part) == failed.end()) {
          failed.push_back(part);
        }
      }
    }
    if (failed.empty() || (passed && options_.joined_passes_if_any))
      return passed ? "PASS" : std::string(kMissing);
    return fmt::format("{}", fmt::join(failed, ";"));
  }

  Status JoinInfo(NormRecord& out) const {
    std::vector<InfoFields> infos;
    for (const NormRecord& record : records_) infos.push_back(ParseInfo(record.info));
    InfoFields joined;
    std::set<std::string_view> done;
    for (std::size_t r = 0; r < infos.size(); ++r) {
      for (const auto& [id, value] : infos[r]) {
        if (!done.insert(id).second) continue;
        ValueCount count = shapes_.Info(id).count;
        if (!value || count == ValueCount::kOther) {
          joined.emplace_back(id, value);
          continue;
        }
        Values texts;
        for (const InfoFields& fields : infos) {
          auto found = std::find_if(fields.begin(), fields.end(),
                                    [&id = id](const auto& field) { return field.first == id; });
          bool has = found != fields.end() && found->second;
          texts.push_back(has ? std::string_view(*found->second) : kMissing);
        }
        std::string text;
        GF_TRY(JoinVector(texts, count, "INFO/" + id, text));
        joined.emplace_back(id, text);
      }
    }
    out.info = FormatInfo(joined);
    return absl::OkStatus();
  }

  Status JoinSamples(NormRecord& out) const {
    if (out.samples.empty()) return absl::OkStatus();
    std::vector<SampleColumns> columns;
    std::vector<std::string_view> keys;
    for (const NormRecord& record : records_) {
      columns.push_back(SplitSamples(record.samples));
      for (std::string_view key : columns.back().keys) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
      }
    }
    std::string text = fmt::format("{}", fmt::join(keys, ":"));
    std::vector<Values> values(records_.size());
    for (std::size_t s = 0; s < columns[0].samples.size(); ++s) {
      for (std::size_t r = 0; r < records_.size(); ++r)
        SplitInto(columns[r].samples[s], ':', values[r]);
      text.push_back('\t');
      for (std::size_t k = 0; k < keys.size(); ++k) {
        if (k > 0) text.push_back(':');
        GF_TRY(JoinValue(keys[k], columns, values, text));
      }
    }
    out.samples = std::move(text);
    return absl::OkStatus();
  }

  // One field of one sample; `values` has what each record says, in the order of its own FORMAT.
  Status JoinValue(std::string_view key, const std::vector<SampleColumns>& columns,
                   const std::vector<Values>& values, std::string& out) const {
    Values texts;
    std::string_view first;
    for (std::size_t r = 0; r < records_.size(); ++r) {
      const Values& keys = columns[r].keys;
      auto at = static_cast<std::size_t>(std::find(keys.begin(), keys.end(), key) - keys.begin());
      bool has = at < keys.size();
      std::string_view text = has && at < values[r].size() ? values[r][at] : kMissing;
      if (has && first.empty()) first = text;
      texts.push_back(text);
    }
    if (key == "GT") return JoinGenotype(texts, out);
    ValueCount count = shapes_.Format(key).count;
    if (count != ValueCount::kOther)
      return JoinVector(texts, count, fmt::format("FORMAT/{}", key), out);
    out += first.empty() ? kMissing : first;
    return absl::OkStatus();
  }

  Status JoinGenotype(const Values& texts, std::string& out) const {
    GenotypeText joined;
    GenotypeText genotype;
    for (std::size_t r = 0; r < texts.size(); ++r) {
      if (!ParseGenotypeText(texts[r], genotype))
        return RecordError(records_[r], "FORMAT/GT", "MALFORMED_RECORD", "not a genotype");
      for (int& allele : genotype.alleles) {
        if (allele < 0) continue;
        if (static_cast<std::size_t>(allele) >= places_[r].size()) {
          return RecordError(records_[r], "FORMAT/GT", "ALLELE_INDEX",
                             "names an allele not in REF, ALT");
        }
        allele = static_cast<int>(places_[r][static_cast<std::size_t>(allele)]);
      }
      if (r == 0) {
        joined = genotype;
      } else {
        AddGenotype(genotype, joined);
      }
    }
    AppendGenotype(joined, out);
    return absl::OkStatus();
  }

  static void AddGenotype(const GenotypeText& other, GenotypeText& joined) {
    bool only_missing = std::all_of(joined.alleles.begin(), joined.alleles.end(),
                                    [](int allele) { return allele < 0; });
    // "." says nothing, not even how many copies there are.
    if (only_missing) {
      joined = other;
      return;
    }
    for (std::size_t i = 0; i < other.alleles.size(); ++i) {
      int allele = other.alleles[i];
      if (allele < 0) continue;
      if (i >= joined.alleles.size()) {
        joined.alleles.push_back(allele);
        joined.separators.push_back(other.separators[i] == '\0' ? '/' : other.separators[i]);
      } else if (joined.alleles[i] <= 0) {
        if (allele > 0 || joined.alleles[i] < 0) joined.alleles[i] = allele;
      } else if (allele > 0 && allele != joined.alleles[i]) {
        // The place is taken: any free one will do, at the cost of the phase.
        auto free = std::find_if(joined.alleles.begin(), joined.alleles.end(),
                                 [](int a) { return a <= 0; });
        if (free == joined.alleles.end()) continue;
        *free = allele;
        auto at = static_cast<std::size_t>(free - joined.alleles.begin());
        if (at > 0) joined.separators[at] = '/';
      }
    }
  }

  // Puts the vectors of all records together; "." for those that have none.
  Status JoinVector(const Values& texts, ValueCount count, const std::string& field,
                    std::string& out) const {
    std::vector<Values> parts(texts.size());
    bool any = false;
    bool diploid = false;
    for (std::size_t r = 0; r < texts.size(); ++r) {
      if (texts[r] == kMissing || texts[r].empty()) continue;
      any = true;
      SplitInto(texts[r], ',', parts[r]);
      std::size_t n = places_[r].size();
      std::size_t size = parts[r].size();
      bool per_genotype = count == ValueCount::kPerGenotype;
      bool fits = size == (count == ValueCount::kPerAlt ? n - 1 : n) ||
                  (per_genotype && size == n * (n + 1) / 2);
      if (!fits) {
        return RecordError(records_[r], field, "VECTOR_LENGTH",
                           "the number of values does not fit the number of alleles");
      }
      diploid = diploid || (per_genotype && n > 1 && size != n);
    }
    if (!any) {
      out += kMissing;
      return absl::OkStatus();
    }
    Values joined(diploid                        ? alleles_ * (alleles_ + 1) / 2
                  : count == ValueCount::kPerAlt ? alleles_ - 1
                                                 : alleles_,
                  kMissing);
    for (std::size_t r = parts.size(); r-- > 0;)
      Place(parts[r], places_[r], count, diploid, joined);
    out += fmt::format("{}", fmt::join(joined, ","));
    return absl::OkStatus();
  }

  static void Place(const Values& part, const std::vector<std::size_t>& places, ValueCount count,
                    bool diploid, Values& joined) {
    if (part.empty()) return;
    std::size_t first = count == ValueCount::kPerAlt ? 1 : 0;
    std::size_t k = 0;
    for (std::size_t i = first; i < places.size(); ++i) {
      if (!diploid) {
        joined[places[i] - first] = part[k++];
        continue;
      }
      // A haploid sample among diploid values cannot be placed; its likelihoods stay unknown.
      if (part.size() == places.size() && places.size() > 1) return;
      for (std::size_t j = 0; j <= i; ++j) joined[GenotypeIndex(places[j], places[i])] = part[k++];
    }
  }

  std::span<const NormRecord> records_;
  const NormaliseOptions& options_;
  const FieldShapes& shapes_;
  std::size_t alleles_ = 0;
  std::vector<std::vector<std::size_t>> places_;  // of each record's alleles in the joined one
};

// Whether records of this kind are joined with each other.
bool IsJoined(unsigned kinds, ChangeKinds wanted) {
  switch (wanted) {
    case ChangeKinds::kSnvs:
      return kinds == kSnv;
    case ChangeKinds::kIndels:
      return kinds == kIndel;
    case ChangeKinds::kBoth:
      return kinds == kSnv || kinds == kMnv || kinds == kIndel || kinds == kOtherChange;
    case ChangeKinds::kAny:
      return true;
  }
  return false;
}

}  // namespace

Result<std::vector<NormRecord>> JoinRecords(std::vector<NormRecord> records,
                                            const NormaliseOptions& options,
                                            const FieldShapes& shapes) {
  bool any = options.multiallelic_kinds == ChangeKinds::kAny;
  auto kind_of = [&](const NormRecord& record) { return any ? 0U : KindsOf(record); };
  std::stable_sort(records.begin(), records.end(), [&](const NormRecord& a, const NormRecord& b) {
    return kind_of(a) < kind_of(b);
  });
  std::vector<NormRecord> out;
  for (std::size_t start = 0; start < records.size();) {
    unsigned kind = kind_of(records[start]);
    std::size_t stop = start + 1;
    // Records without an ALT lie first, and go with the first kind that is joined.
    auto goes_along = [&](unsigned next) {
      return next == kind || (kind == kReferenceOnly && IsJoined(next, options.multiallelic_kinds));
    };
    bool joins = any || kind == kReferenceOnly || IsJoined(kind, options.multiallelic_kinds);
    while (joins && stop < records.size() && goes_along(kind_of(records[stop])))
      kind = kind_of(records[stop++]);
    if (stop - start == 1) {
      out.push_back(std::move(records[start]));
    } else {
      GF_ASSIGN(NormRecord joined,
                Joiner(std::span(records).subspan(start, stop - start), options, shapes).Run());
      out.push_back(std::move(joined));
    }
    start = stop;
  }
  return out;
}

}  // namespace genofed::genomics
