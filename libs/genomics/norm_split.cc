// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_split.h"

#include <algorithm>
#include <tuple>

#include "libs/genomics/variant.h"

namespace genofed::genomics {
namespace {

constexpr int kMissingAllele = -1;
constexpr int kStarAllele = 2;
// Each is compared with each, and becomes a record with all samples.
constexpr std::size_t kMaxAtoms = 10'000;

// A primitive change within REF: at `offset`, `ref` becomes `alt`.
struct Atom {
  std::size_t offset = 0;
  std::string ref;
  std::string alt;
  int allele = 0;         // the ALT it comes from, 1-based
  bool anchored = false;  // the base that both begin with is changed by another atom

  std::size_t end() const { return offset + ref.size(); }
  auto Place() const { return std::tie(offset, ref, alt); }
};

void FindAtoms(std::string_view ref, std::string_view alt, int allele, std::vector<Atom>& out) {
  while (ref.size() > 1 && alt.size() > 1 && ref.back() == alt.back()) {
    ref.remove_suffix(1);
    alt.remove_suffix(1);
  }
  std::size_t shared = std::min(ref.size(), alt.size());
  for (std::size_t i = 0; i < shared; ++i) {
    bool change = ref[i] != alt[i];
    if (change) out.push_back({i, std::string(1, ref[i]), std::string(1, alt[i]), allele, false});
    if (i + 1 == shared && ref.size() != alt.size()) {
      // The rest is inserted or deleted behind this base.
      std::string anchor(1, ref[i]);
      out.push_back({i, anchor + std::string(ref.substr(shared)),
                     anchor + std::string(alt.substr(shared)), allele, change});
    }
  }
}

// Whether the two cannot both be on one chromosome. A change of one base and an insertion or
// deletion behind it can.
bool Conflict(const Atom& a, const Atom& b) {
  if (a.offset != b.offset) return a.offset < b.end() && b.offset < a.end();
  bool beside = (a.anchored && b.ref.size() == 1 && b.alt.size() == 1) ||
                (b.anchored && a.ref.size() == 1 && a.alt.size() == 1);
  return !beside && (a.ref != b.ref || a.alt != b.alt);
}

bool AllBases(const NormRecord& record) {
  return std::all_of(record.alleles.begin(), record.alleles.end(), [](const std::string& allele) {
    return ClassifyAllele(allele) == AlleleKind::kBases;
  });
}

}  // namespace

bool ShouldSplit(const NormRecord& record, const NormaliseOptions& options) {
  if (record.alleles.size() <= 2) return false;
  switch (options.multiallelic_kinds) {
    case ChangeKinds::kSnvs:
      return (KindsOf(record) & kSnv) != 0;
    case ChangeKinds::kIndels:
      return (KindsOf(record) & kIndel) != 0;
    default:
      return true;
  }
}

Status SplitAlleles(const NormRecord& record, const NormaliseOptions& options,
                    const FieldShapes& shapes, const RecordSink& sink) {
  int count = static_cast<int>(record.alleles.size());
  ProjectionRules rules{&shapes, {}};
  if (options.keep_depth_sum) rules.pooled.insert("AD");
  int other = options.other_allele == OtherAllele::kReference ? 0 : kMissingAllele;
  for (int alt = 1; alt < count; ++alt) {
    AlleleProjection projection{{0, alt}, std::vector<int>(record.alleles.size(), other), {}};
    projection.genotype[0] = 0;
    projection.genotype[static_cast<std::size_t>(alt)] = 1;
    projection.pooled = {{}, {alt}};
    for (int i = 0; i < count; ++i) {
      if (i != alt) projection.pooled[0].push_back(i);
    }
    GF_ASSIGN(
        NormRecord split,
        ProjectRecord(record, projection,
                      {record.alleles[0], record.alleles[static_cast<std::size_t>(alt)]}, rules));
    KeepOriginal(split, options, OriginalForm(record, {alt}));
    GF_TRY(sink(std::move(split)));
  }
  return absl::OkStatus();
}

Status AtomiseAlleles(NormRecord record, const NormaliseOptions& options, const FieldShapes& shapes,
                      const RecordSink& sink) {
  std::vector<Atom> atoms;
  if (record.alleles.size() > 1 && AllBases(record)) {
    for (std::size_t i = 1; i < record.alleles.size() && atoms.size() <= kMaxAtoms; ++i)
      FindAtoms(record.alleles[0], record.alleles[i], static_cast<int>(i), atoms);
  }
  if (atoms.size() > kMaxAtoms) {
    return RecordError(record, "ALT", "TOO_MANY_CHANGES", "more than 10000 single changes");
  }
  if (atoms.empty()) return sink(std::move(record));
  std::stable_sort(atoms.begin(), atoms.end(),
                   [](const Atom& a, const Atom& b) { return a.Place() < b.Place(); });
  const ProjectionRules rules{&shapes, {"AD", "QS"}};
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const Atom& atom = atoms[i];
    if (i > 0 && atoms[i - 1].Place() == atom.Place()) continue;
    AlleleProjection projection{{0, atom.allele}, std::vector<int>(record.alleles.size(), 0), {}};
    std::vector<int> carriers;
    for (const Atom& other : atoms) {
      int& reads = projection.genotype[static_cast<std::size_t>(other.allele)];
      if (other.Place() == atom.Place()) {
        reads = 1;
        carriers.push_back(other.allele);
      } else if (reads != 1 && Conflict(atom, other)) {
        reads = options.atom_overlap_missing ? kMissingAllele : kStarAllele;
      }
    }
    std::vector<std::string> alleles = {atom.ref, atom.alt};
    projection.pooled = {{0}, carriers};
    bool star = std::find(projection.genotype.begin(), projection.genotype.end(), kStarAllele) !=
                projection.genotype.end();
    if (star) {
      alleles.emplace_back("*");
      projection.from.push_back(kMissingAllele);
      projection.pooled.emplace_back();
    }
    GF_ASSIGN(NormRecord one, ProjectRecord(record, projection, std::move(alleles), rules));
    one.pos += static_cast<std::int64_t>(atom.offset);
    KeepOriginal(one, options, OriginalForm(record, carriers));
    GF_TRY(sink(std::move(one)));
  }
  return absl::OkStatus();
}

std::string OriginalForm(const NormRecord& record, const std::vector<int>& alts) {
  std::string form = fmt::format("{}|{}|{}|", record.contig, record.pos + 1, record.alleles[0]);
  if (record.alleles.size() == 1) form.push_back('.');
  for (std::size_t i = 1; i < record.alleles.size(); ++i)
    form += (i > 1 ? "," : "") + record.alleles[i];
  for (std::size_t i = 0; i < alts.size(); ++i)
    form += (i == 0 ? "|" : ",") + std::to_string(alts[i]);
  return form;
}

void KeepOriginal(NormRecord& record, const NormaliseOptions& options, std::string_view form) {
  if (!options.original_field || FindInfo(record.info, *options.original_field)) return;
  SetInfo(record.info, *options.original_field, form);
}

}  // namespace genofed::genomics
