// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/hgvs.h"

#include <algorithm>

#include "libs/genomics/normalise.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxText = 2 * kMaxAlleleLength;
constexpr std::string_view kBases = "ACGT";

std::string ReverseComplement(std::string_view bases) {
  std::string out(bases.rbegin(), bases.rend());
  for (char& c : out) {
    std::size_t index = kBases.find(c);
    if (index != std::string_view::npos) c = kBases[3 - index];
  }
  return out;
}

bool OnlyBases(std::string_view text) {
  return text.find_first_not_of(kBases) == std::string_view::npos;
}

// How many bases an insertion before `pos`, or a deletion that ends there, can move to the right.
Result<std::int64_t> RollRight(const std::string& contig, std::string_view bases, std::int64_t pos,
                               Reference& reference) {
  for (std::int64_t k = 0; k < kMaxShift; ++k) {
    GF_ASSIGN(std::string base, reference.Fetch(contig, pos + k, 1));
    if (base.empty() || base[0] != bases[static_cast<std::size_t>(k) % bases.size()]) return k;
  }
  return Error(StatusCode::kOutOfRange, "REPEAT_TOO_LONG",
               "the variant could stand anywhere within more than {} bases", kMaxShift);
}

// Describes alleles without common flanks, one of them empty.
Status DescribeMovable(const std::string& contig, std::int64_t pos, std::string_view ref,
                       std::string_view alt, Reference* reference, HgvsDescription& out) {
  if (reference == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "REFERENCE_NEEDED",
                 "the place of an insertion or deletion in HGVS depends on the reference");
  }
  std::string_view bases = ref.empty() ? alt : ref;
  auto size = static_cast<std::int64_t>(bases.size());
  std::int64_t behind = pos + static_cast<std::int64_t>(ref.size());
  GF_ASSIGN(std::int64_t moved, RollRight(contig, bases, behind, *reference));
  if (alt.empty()) {
    out.kind = HgvsKind::kDeletion;
    out.start = pos + moved + 1;
    out.end = out.start + size - 1;
    return absl::OkStatus();
  }
  std::string inserted(bases);
  std::rotate(inserted.begin(), inserted.begin() + moved % size, inserted.end());
  std::int64_t place = pos + moved;
  std::string before;
  if (place >= size) {
    GF_ASSIGN(before, reference->Fetch(contig, place - size, size));
  }
  if (before == inserted) {
    out.kind = HgvsKind::kDuplication;
    out.start = place - size + 1;
    out.end = place;
    return absl::OkStatus();
  }
  if (place == 0 || place >= reference->Length(contig)) {
    return Error(StatusCode::kOutOfRange, "RANGE_INVALID",
                 "an insertion has no two neighbours at the end of a contig");
  }
  out.kind = HgvsKind::kInsertion;
  out.start = place;
  out.end = place + 1;
  out.alt = inserted;
  return absl::OkStatus();
}

// Reads a description from left to right.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<HgvsDescription> Run() {
    if (text_.size() > kMaxText) return Expected("at most 100000 characters");
    GF_TRY(ReadAccession());
    GF_TRY(ReadPositions());
    GF_TRY(ReadChange());
    if (at_ != text_.size()) return Expected("the end");
    return out_;
  }

 private:
  Status Expected(std::string_view what) const {
    return InvalidField("hgvs", "HGVS_INVALID", "character {}: expected {}", at_ + 1, what);
  }

  bool Take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Status ReadAccession() {
    std::size_t colon = text_.find(':');
    if (colon == std::string_view::npos || !text_.starts_with("NC_"))
      return Expected("a RefSeq accession of a chromosome, such as NC_000001.11, and a colon");
    std::string_view accession = text_.substr(0, colon);
    out_.assembly = AssemblyOfAccession(accession);
    if (!out_.assembly && accession != kMitochondrion)
      return Expected("the accession of a chromosome of GRCh37 or GRCh38");
    GF_ASSIGN(out_.contig, NormaliseContig(accession));
    at_ = colon + 1;
    bool mitochondrial = out_.contig == "MT";
    if (!Take(mitochondrial ? "m." : "g."))
      return Expected(mitochondrial ? "m. (mitochondrial)" : "g. (genomic)");
    return absl::OkStatus();
  }

  Result<std::int64_t> ReadNumber() {
    std::int64_t number = 0;
    std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && number < kMaxPosition)
      number = number * 10 + (text_[at_++] - '0');
    if (at_ == start || text_[start] == '0' || number > kMaxPosition) {
      at_ = start;
      return Expected("a position from 1 on");
    }
    return number;
  }

  Status ReadPositions() {
    GF_ASSIGN(out_.start, ReadNumber());
    out_.end = out_.start;
    std::size_t behind = at_;
    if (Take("_")) {
      GF_ASSIGN(out_.end, ReadNumber());
      if (out_.end <= out_.start) {
        at_ = behind + 1;
        return Expected("a position behind the first one");
      }
    }
    Assembly assembly = out_.assembly.value_or(Assembly::kGrch38);
    if (out_.end > ContigLength(assembly, out_.contig).value_or(kMaxPosition)) {
      at_ = behind;
      return Expected("positions within the chromosome");
    }
    return absl::OkStatus();
  }

  Status ReadBases(std::string& bases) {
    std::size_t start = at_;
    while (at_ < text_.size() && kBases.find(text_[at_]) != std::string_view::npos) ++at_;
    if (at_ == start) return Expected("bases (A, C, G, T)");
    bases = text_.substr(start, at_ - start);
    return absl::OkStatus();
  }

  Status ReadChange() {
    if (Take("delins")) {
      out_.kind = HgvsKind::kDelins;
      return ReadBases(out_.alt);
    }
    if (Take("del")) {
      out_.kind = HgvsKind::kDeletion;
      return absl::OkStatus();
    }
    if (Take("dup")) {
      out_.kind = HgvsKind::kDuplication;
      return absl::OkStatus();
    }
    std::size_t start = at_;
    if (Take("inv")) {
      out_.kind = HgvsKind::kInversion;
      at_ = start;
      if (out_.start == out_.end) return Expected("two positions before inv");
      at_ = start + 3;
      return absl::OkStatus();
    }
    if (Take("ins")) {
      out_.kind = HgvsKind::kInsertion;
      at_ = start;
      if (out_.end != out_.start + 1) return Expected("two neighbouring positions before ins");
      at_ = start + 3;
      return ReadBases(out_.alt);
    }
    return ReadSubstitution();
  }

  Status ReadSubstitution() {
    std::size_t start = at_;
    if (at_ >= text_.size() || kBases.find(text_[at_]) == std::string_view::npos)
      return Expected("del, dup, ins, inv, delins, or a base and >");
    out_.ref = text_[at_++];
    if (!Take(">")) return Expected(">");
    GF_TRY(ReadBases(out_.alt));
    if (out_.alt.size() != 1 || out_.start != out_.end || out_.alt == out_.ref) {
      at_ = start;
      return Expected("one base and another one at one position (several are delins)");
    }
    return absl::OkStatus();
  }

  static constexpr std::string_view kMitochondrion = "NC_012920.1";
  std::string_view text_;
  std::size_t at_ = 0;
  HgvsDescription out_;
};

}  // namespace

Result<HgvsDescription> DescribeHgvs(const Variant& variant, Assembly assembly,
                                     Reference* reference) {
  GF_TRY(CheckVariant(variant));
  if (!OnlyBases(variant.ref) || !OnlyBases(variant.alt) || variant.ref == variant.alt) {
    return InvalidField("alt", "VARIANT_INVALID",
                        "HGVS describes a change between known bases only");
  }
  if (!RefseqAccession(assembly, variant.contig)) {
    return Error(StatusCode::kNotFound, "ACCESSION_UNKNOWN", "no RefSeq accession for this contig");
  }
  HgvsDescription out;
  out.contig = variant.contig;
  if (variant.contig != "MT") out.assembly = assembly;
  // The beginning is cut first, so that what is left stands as far right as it can.
  std::string_view ref = variant.ref;
  std::string_view alt = variant.alt;
  std::int64_t pos = variant.pos;
  while (!ref.empty() && !alt.empty() && ref.front() == alt.front()) {
    ref.remove_prefix(1);
    alt.remove_prefix(1);
    ++pos;
  }
  while (!ref.empty() && !alt.empty() && ref.back() == alt.back()) {
    ref.remove_suffix(1);
    alt.remove_suffix(1);
  }
  if (ref.empty() || alt.empty()) {
    GF_TRY(DescribeMovable(variant.contig, pos, ref, alt, reference, out));
    return out;
  }
  out.start = pos + 1;
  out.end = pos + static_cast<std::int64_t>(ref.size());
  if (ref.size() == 1 && alt.size() == 1) {
    out.kind = HgvsKind::kSubstitution;
    out.ref = ref;
    out.alt = alt;
  } else if (ref.size() == alt.size() && ReverseComplement(ref) == alt) {
    out.kind = HgvsKind::kInversion;
  } else {
    out.kind = HgvsKind::kDelins;
    out.alt = alt;
  }
  return out;
}

std::string FormatHgvs(const HgvsDescription& description, Assembly assembly) {
  std::string out = RefseqAccession(description.assembly.value_or(assembly), description.contig)
                        .value_or(description.contig);
  out += description.contig == "MT" ? ":m." : ":g.";
  out += std::to_string(description.start);
  if (description.end != description.start) out += "_" + std::to_string(description.end);
  switch (description.kind) {
    case HgvsKind::kSubstitution:
      return out + description.ref + ">" + description.alt;
    case HgvsKind::kDeletion:
      return out + "del";
    case HgvsKind::kDuplication:
      return out + "dup";
    case HgvsKind::kInsertion:
      return out + "ins" + description.alt;
    case HgvsKind::kDelins:
      return out + "delins" + description.alt;
    case HgvsKind::kInversion:
      return out + "inv";
  }
  return out;
}

Result<HgvsDescription> ParseHgvs(std::string_view text) { return Parser(text).Run(); }

Result<Variant> VariantOfHgvs(const HgvsDescription& d, Reference* reference) {
  Variant variant{d.contig, d.start - 1, d.ref, d.alt};
  if (d.kind == HgvsKind::kSubstitution && reference == nullptr) return variant;
  if (reference == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "REFERENCE_NEEDED",
                 "the bases of this description are in the reference only");
  }
  auto size = static_cast<std::size_t>(d.end - d.start + 1);
  if (size > kMaxAlleleLength)
    return InvalidField("hgvs", "RANGE_INVALID", "longer than {} bases", kMaxAlleleLength);
  GF_ASSIGN(std::string bases,
            reference->Fetch(d.contig, d.start - 1, static_cast<std::int64_t>(size)));
  if (bases.size() != size) return InvalidField("hgvs", "RANGE_INVALID", "beyond the contig");
  variant.ref = bases;
  switch (d.kind) {
    case HgvsKind::kSubstitution:
      if (bases != d.ref)
        return InvalidField("hgvs", "REF_MISMATCH", "the reference has another base there");
      break;
    case HgvsKind::kDelins:
      break;
    case HgvsKind::kInversion:
      variant.alt = ReverseComplement(bases);
      break;
    case HgvsKind::kDuplication:
      variant.alt = bases + bases;
      break;
    case HgvsKind::kInsertion:
      variant.alt = bases.substr(0, 1) + d.alt + bases.substr(1);
      break;
    case HgvsKind::kDeletion: {
      // VCF wants a base that stays: the one before, or at the very start the one behind.
      bool first = d.start == 1;
      GF_ASSIGN(std::string anchor, reference->Fetch(d.contig, first ? d.end : d.start - 2, 1));
      if (anchor.empty()) return InvalidField("hgvs", "RANGE_INVALID", "deletes the whole contig");
      variant.ref = first ? bases + anchor : anchor + bases;
      variant.alt = anchor;
      if (!first) --variant.pos;
      break;
    }
  }
  GF_TRY(NormaliseVariant(variant, reference));
  return variant;
}

}  // namespace genofed::genomics
