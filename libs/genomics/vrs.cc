// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vrs.h"

#include <algorithm>

#include "libs/genomics/normalise.h"
#include "libs/genomics/sequence_digests.h"

namespace genofed::genomics {
namespace {

// A sequence without the bases that both begin and end with; the end is cut first.
struct Trimmed {
  std::int64_t start;
  std::string_view ref;
  std::string_view alt;
};

Trimmed Trim(const Variant& variant) {
  Trimmed t{variant.pos, variant.ref, variant.alt};
  while (!t.ref.empty() && !t.alt.empty() && t.ref.back() == t.alt.back()) {
    t.ref.remove_suffix(1);
    t.alt.remove_suffix(1);
  }
  while (!t.ref.empty() && !t.alt.empty() && t.ref.front() == t.alt.front()) {
    t.ref.remove_prefix(1);
    t.alt.remove_prefix(1);
    ++t.start;
  }
  return t;
}

// How far the inserted or deleted bases can roll: while the base that they would pass is the one
// that they would gain on the other side.
class Roller {
 public:
  Roller(const std::string& contig, std::string_view bases, Reference& reference)
      : contig_(contig), bases_(bases), reference_(reference) {}

  Result<std::int64_t> Left(std::int64_t start) {
    auto size = static_cast<std::int64_t>(bases_.size());
    return Roll([&](std::int64_t k) { return start - 1 - k; },
                [&](std::int64_t k) { return size - 1 - k % size; });
  }
  Result<std::int64_t> Right(std::int64_t end) {
    auto size = static_cast<std::int64_t>(bases_.size());
    return Roll([&](std::int64_t k) { return end + k; }, [&](std::int64_t k) { return k % size; });
  }

 private:
  template <typename Place, typename Index>
  Result<std::int64_t> Roll(Place place, Index index) {
    for (std::int64_t k = 0; k < kMaxShift; ++k) {
      std::int64_t pos = place(k);
      if (pos < 0) return k;
      GF_ASSIGN(std::string base, reference_.Fetch(contig_, pos, 1));
      if (base.empty() || base[0] != bases_[static_cast<std::size_t>(index(k))]) return k;
    }
    return Error(StatusCode::kOutOfRange, "REPEAT_TOO_LONG",
                 "the variant could stand anywhere within more than {} bases", kMaxShift);
  }

  const std::string& contig_;
  std::string_view bases_;
  Reference& reference_;
};

// The longest factor of the inserted length with which the bases before the insertion, repeated, go
// on to give all of `alt`; 0 when there is none.
std::int64_t RepeatedUnit(std::string_view ref, std::string_view alt, std::size_t inserted) {
  for (std::size_t unit = std::min(inserted, ref.size()); unit > 0; --unit) {
    if (inserted % unit != 0) continue;
    std::size_t i = ref.size();
    while (i < alt.size() && alt[i] == alt[i - unit]) ++i;
    if (i == alt.size()) return static_cast<std::int64_t>(unit);
  }
  return 0;
}

std::string Digest(std::string_view id) { return std::string(id.substr(id.find('.') + 1)); }

}  // namespace

Result<VrsAllele> NormaliseVrsAllele(const Variant& variant, std::string_view refget,
                                     Reference* reference) {
  GF_TRY(CheckVariant(variant));
  Trimmed trimmed = Trim(variant);
  VrsAllele allele;
  allele.refget = refget;
  allele.start = trimmed.start;
  allele.end = trimmed.start + static_cast<std::int64_t>(trimmed.ref.size());
  allele.sequence = trimmed.alt;
  if (trimmed.ref.empty() && trimmed.alt.empty()) {  // the reference itself
    allele.start = variant.pos;
    allele.end = variant.end();
    allele.sequence = variant.ref;
    allele.reference_derived = true;
    allele.repeat_subunit_length = static_cast<std::int64_t>(variant.ref.size());
    return allele;
  }
  if (!trimmed.ref.empty() && !trimmed.alt.empty()) return allele;  // a substitution
  if (reference == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "REFERENCE_NEEDED",
                 "an insertion or deletion has no identifier without the reference");
  }
  std::string_view bases = trimmed.ref.empty() ? trimmed.alt : trimmed.ref;
  Roller roller(variant.contig, bases, *reference);
  GF_ASSIGN(std::int64_t left, roller.Left(allele.start));
  GF_ASSIGN(std::int64_t right, roller.Right(allele.end));
  GF_ASSIGN(std::string before, reference->Fetch(variant.contig, allele.start - left, left));
  GF_ASSIGN(std::string after, reference->Fetch(variant.contig, allele.end, right));
  bool insertion = trimmed.ref.empty();
  allele.sequence = UpperBases(before + std::string(trimmed.alt) + after);
  allele.start -= left;
  allele.end += right;
  if (insertion) {
    allele.repeat_subunit_length =
        RepeatedUnit(UpperBases(before + after), allele.sequence, bases.size());
    allele.reference_derived = allele.repeat_subunit_length > 0;
  } else {
    allele.reference_derived = true;
    allele.repeat_subunit_length = static_cast<std::int64_t>(bases.size());
  }
  return allele;
}

std::string SerialiseVrsLocation(const VrsAllele& allele, VrsVersion version) {
  if (version == VrsVersion::k1_3) {
    return fmt::format(
        R"({{"interval":{{"end":{{"type":"Number","value":{}}},"start":{{"type":"Number","value":{}}},)"
        R"("type":"SequenceInterval"}},"sequence_id":"{}","type":"SequenceLocation"}})",
        allele.end, allele.start, Digest(allele.refget));
  }
  return fmt::format(
      R"({{"end":{},"sequenceReference":{{"refgetAccession":"{}","type":"SequenceReference"}},)"
      R"("start":{},"type":"SequenceLocation"}})",
      allele.end, allele.refget, allele.start);
}

std::string SerialiseVrsAllele(const VrsAllele& allele, VrsVersion version) {
  std::string state =
      version == VrsVersion::k2_0 && allele.reference_derived
          ? fmt::format(
                R"("length":{},"repeatSubunitLength":{},"type":"ReferenceLengthExpression")",
                allele.sequence.size(), allele.repeat_subunit_length)
          : fmt::format(R"("sequence":"{}","type":"LiteralSequenceExpression")", allele.sequence);
  return fmt::format(R"({{"location":"{}","state":{{{}}},"type":"Allele"}})",
                     Digest(VrsLocationId(allele, version)), state);
}

std::string VrsAlleleId(const VrsAllele& allele, VrsVersion version) {
  return "ga4gh:VA." + Sha512t24u(SerialiseVrsAllele(allele, version));
}

std::string VrsLocationId(const VrsAllele& allele, VrsVersion version) {
  return (version == VrsVersion::k1_3 ? "ga4gh:VSL." : "ga4gh:SL.") +
         Sha512t24u(SerialiseVrsLocation(allele, version));
}

}  // namespace genofed::genomics
