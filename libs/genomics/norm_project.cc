// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_project.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

constexpr std::string_view kMissing = ".";

class Projector {
 public:
  Projector(const NormRecord& record, const AlleleProjection& projection,
            const ProjectionRules& rules)
      : record_(record), projection_(projection), rules_(rules), old_(record.alleles.size()) {}

  Result<std::string> Info() {
    InfoFields fields = ParseInfo(record_.info);
    for (auto& [id, value] : fields) {
      FieldShape shape = rules_.shapes->Info(id);
      if (!value || shape.count == ValueCount::kOther) continue;
      std::string out;
      // In INFO a single "." says that the whole vector is missing.
      GF_TRY(*value == kMissing
                 ? (out = kMissing, absl::OkStatus())
                 : Vector(*value, shape, rules_.pooled.contains(id), "INFO/", id, out));
      value = std::move(out);
    }
    return FormatInfo(fields);
  }

  Result<std::string> Samples() {
    std::string out;
    if (record_.samples.empty()) return out;
    SampleColumns columns = SplitSamples(record_.samples);
    FindShapes(columns);
    out.reserve(record_.samples.size());
    out.append(record_.samples, 0, record_.samples.find('\t'));
    std::vector<std::string_view> values;
    for (std::string_view sample : columns.samples) {
      out.push_back('\t');
      SplitInto(sample, ':', values);
      if (values.size() > columns.keys.size())
        return RecordError(record_, "FORMAT", "MALFORMED_RECORD", "a sample has more values");
      for (std::size_t i = 0; i < columns.keys.size(); ++i) {
        if (i > 0) out.push_back(':');
        GF_TRY(Value(i < values.size() ? values[i] : kMissing, columns.keys[i], keys_[i], out));
      }
    }
    return out;
  }

 private:
  struct Key {
    FieldShape shape;
    bool genotype = false;
    bool pooled = false;
    bool all_single = false;  // should be a vector, but is one in no sample
  };

  void FindShapes(const SampleColumns& columns) {
    std::size_t unseen = 0;  // vectors
    for (std::string_view id : columns.keys) {
      FieldShape shape = rules_.shapes->Format(id);
      bool vector = shape.count != ValueCount::kOther;
      unseen += vector ? 1 : 0;
      keys_.push_back({shape, id == "GT", rules_.pooled.contains(id), vector});
    }
    std::vector<std::string_view> values;
    for (std::string_view sample : columns.samples) {
      if (unseen == 0) break;
      SplitInto(sample, ':', values);
      for (std::size_t i = 0; i < std::min(values.size(), keys_.size()); ++i) {
        if (!keys_[i].all_single || values[i].find(',') == std::string_view::npos) continue;
        keys_[i].all_single = false;
        --unseen;
      }
    }
  }

  Status Value(std::string_view value, std::string_view id, const Key& key, std::string& out) {
    if (key.genotype) return Genotype(value, out);
    bool whole = key.shape.count == ValueCount::kOther || value.empty() ||
                 (value == kMissing && key.all_single);
    if (whole) {
      out += value.empty() ? kMissing : value;
      return absl::OkStatus();
    }
    if (value != kMissing) return Vector(value, key.shape, key.pooled, "FORMAT/", id, out);
    std::size_t count = key.shape.count == ValueCount::kPerGenotype || key.shape.text ? 1
                        : key.shape.count == ValueCount::kPerAlt ? projection_.from.size() - 1
                                                                 : projection_.from.size();
    for (std::size_t i = 0; i < count; ++i) out += i == 0 ? "." : ",.";
    return absl::OkStatus();
  }

  Status Genotype(std::string_view text, std::string& out) {
    if (!ParseGenotypeText(text, genotype_))
      return RecordError(record_, "FORMAT/GT", "MALFORMED_RECORD", "not a genotype");
    for (int& allele : genotype_.alleles) {
      if (allele < 0) continue;
      if (static_cast<std::size_t>(allele) >= old_)
        return RecordError(record_, "FORMAT/GT", "ALLELE_INDEX", "names an allele not in REF, ALT");
      allele = projection_.genotype[static_cast<std::size_t>(allele)];
    }
    AppendGenotype(genotype_, out);
    return absl::OkStatus();
  }

  // `column` and `id` name the field in errors.
  Status Vector(std::string_view text, FieldShape shape, bool pooled, std::string_view column,
                std::string_view id, std::string& out) {
    SplitInto(text, ',', values_);
    std::size_t diploid = old_ * (old_ + 1) / 2;
    bool per_genotype = shape.count == ValueCount::kPerGenotype;
    // A haploid sample has one likelihood for each allele.
    bool haploid = per_genotype && values_.size() == old_ && old_ != diploid;
    std::size_t expected = shape.count == ValueCount::kPerAlt ? old_ - 1
                           : per_genotype && !haploid         ? diploid
                                                              : old_;
    if (values_.size() != expected) {
      return RecordError(record_, fmt::format("{}{}", column, id), "VECTOR_LENGTH",
                         "the number of values does not fit the number of alleles");
    }
    std::size_t first = shape.count == ValueCount::kPerAlt ? 1 : 0;
    std::size_t start = out.size();
    for (std::size_t i = first; i < projection_.from.size(); ++i) {
      for (std::size_t j = per_genotype && !haploid ? 0 : i; j <= i; ++j) {
        if (out.size() > start) out.push_back(',');
        if (pooled && shape.count == ValueCount::kPerAllele && !projection_.pooled.empty()) {
          GF_TRY(Pool(i, column, id, out));
        } else if (per_genotype && !haploid) {
          out += Pick(projection_.from[j], projection_.from[i]);
        } else {
          int from = projection_.from[i];
          out += from < static_cast<int>(first) ? kMissing
                                                : values_[static_cast<std::size_t>(from) - first];
        }
      }
    }
    return absl::OkStatus();
  }

  std::string_view Pick(int a, int b) const {
    if (a < 0 || b < 0) return kMissing;
    return values_[GenotypeIndex(static_cast<std::size_t>(a), static_cast<std::size_t>(b))];
  }

  // The sum over alleles that are counted together. Missing ones add nothing, but the first one
  // missing leaves the sum unknown.
  Status Pool(std::size_t allele, std::string_view column, std::string_view id, std::string& out) {
    const std::vector<int>& from = projection_.pooled[allele];
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      std::string_view value = values_[static_cast<std::size_t>(from[i])];
      if (value == kMissing && i > 0) continue;
      if (value == kMissing) break;
      auto number = ParseInt(value);
      if (!number.ok() || *number > (1LL << 40) || *number < -(1LL << 40))
        return RecordError(record_, fmt::format("{}{}", column, id), "MALFORMED_RECORD",
                           "not a whole number");
      sum += *number;
    }
    bool known = !from.empty() && values_[static_cast<std::size_t>(from[0])] != kMissing;
    out += known ? std::to_string(sum) : std::string(kMissing);
    return absl::OkStatus();
  }

  const NormRecord& record_;
  const AlleleProjection& projection_;
  const ProjectionRules& rules_;
  std::size_t old_;
  std::vector<Key> keys_;
  // Reused for every value.
  std::vector<std::string_view> values_;
  GenotypeText genotype_;
};

}  // namespace

Result<NormRecord> ProjectRecord(const NormRecord& record, const AlleleProjection& projection,
                                 std::vector<std::string> alleles, const ProjectionRules& rules) {
  Projector projector(record, projection, rules);
  NormRecord out;
  out.line = record.line;
  out.contig = record.contig;
  out.pos = record.pos;
  out.id = record.id;
  out.alleles = std::move(alleles);
  out.qual = record.qual;
  out.filter = record.filter;
  GF_ASSIGN(out.info, projector.Info());
  GF_ASSIGN(out.samples, projector.Samples());
  return out;
}

}  // namespace genofed::genomics
