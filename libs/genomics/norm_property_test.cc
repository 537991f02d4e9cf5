// SPDX-License-Identifier: Apache-2.0
//
// What must hold for every file. References are short and full of repeats, where alignment matters.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "libs/core/strings.h"
#include "libs/genomics/norm_test_support.h"

namespace genofed::genomics {
namespace {

rc::Gen<std::string> Bases(int min, int max) {
  return rc::gen::mapcat(rc::gen::inRange(min, max), [](int size) {
    return rc::gen::container<std::string>(static_cast<std::size_t>(size),
                                           rc::gen::elementOf(std::string("AACT")));
  });
}

rc::Gen<std::string> Repetitive() {
  return rc::gen::map(rc::gen::tuple(Bases(1, 5), rc::gen::inRange(2, 9), Bases(1, 9), Bases(1, 9)),
                      [](const auto& parts) {
                        const auto& [unit, copies, before, after] = parts;
                        std::string out = before;
                        for (int i = 0; i < copies; ++i) out += unit;
                        return out + after;
                      });
}

struct Site {
  std::int64_t pos = 0;
  std::vector<std::string> alleles;
  std::vector<std::string> genotypes;

  std::string Line() const {
    std::string alts;
    for (std::size_t i = 1; i < alleles.size(); ++i) alts += (i > 1 ? "," : "") + alleles[i];
    std::string line = fmt::format("1\t{}\t.\t{}\t{}\t.\tPASS\t.\tGT", pos + 1, alleles[0], alts);
    for (const std::string& genotype : genotypes) line += "\t" + genotype;
    return line;
  }
};

constexpr int kSamples = 3;

// A site with distinct alleles somewhere on the reference.
Site AnySite(const std::string& bases) {
  Site site;
  auto size = static_cast<int>(bases.size());
  int pos = *rc::gen::inRange(0, size - 1);
  int length = *rc::gen::inRange(1, std::min(6, size - pos));
  site.pos = pos;
  site.alleles = {bases.substr(static_cast<std::size_t>(pos), static_cast<std::size_t>(length))};
  int alts = *rc::gen::inRange(1, 4);
  for (int i = 0; i < alts; ++i) {
    std::string alt = *Bases(1, 6);
    if (std::find(site.alleles.begin(), site.alleles.end(), alt) == site.alleles.end())
      site.alleles.push_back(alt);
  }
  RC_PRE(site.alleles.size() > 1);
  for (int i = 0; i < kSamples; ++i) {
    auto allele = [&] {
      int index = *rc::gen::inRange(-1, static_cast<int>(site.alleles.size()));
      return index < 0 ? std::string(".") : std::to_string(index);
    };
    site.genotypes.push_back(allele() + (*rc::gen::arbitrary<bool>() ? "|" : "/") + allele());
  }
  return site;
}

std::string Vcf(const std::vector<std::string>& lines) {
  std::string text =
      "##fileformat=VCFv4.3\n##INFO=<ID=AC,Number=A,Type=Integer,Description=\"x\">\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string_view> Columns(const std::string& record) { return Split(record, '\t'); }

// What each ALT of a record makes of the reference.
std::vector<std::string> Haplotypes(const std::string& record, const std::string& bases) {
  auto columns = Columns(record);
  std::vector<std::string> out;
  for (std::string_view alt : Split(columns[4], ',')) {
    out.push_back(Applied(
        bases, {"1", ParseInt(columns[1]).value() - 1, std::string(columns[3]), std::string(alt)}));
  }
  return out;
}

RC_GTEST_PROP(NormProperties, IsIdempotent, ()) {
  std::string bases = *Repetitive();
  TextReference reference("1", bases);
  NormaliseOptions options;
  options.multiallelics = *rc::gen::element(Multiallelics::kKeep, Multiallelics::kSplit);
  // Atoms of one ALT belong together and are not aligned one by one.
  options.atomise = *rc::gen::arbitrary<bool>();
  Reference* aligned = options.atomise ? nullptr : &reference;
  auto once = NormaliseText(Vcf({AnySite(bases).Line()}), options, aligned);
  RC_ASSERT(once.status.ok());
  auto twice = NormaliseText(Vcf(once.records), options, aligned);
  RC_ASSERT(twice.status.ok());
  RC_ASSERT(twice.records == once.records);
}

RC_GTEST_PROP(NormProperties, KeepsHaplotypes, ()) {
  std::string bases = *Repetitive();
  TextReference reference("1", bases);
  std::string line = AnySite(bases).Line();
  auto got = NormaliseText(Vcf({line}), NormaliseOptions(), &reference);
  RC_ASSERT(got.records.size() == 1U);
  RC_ASSERT(Haplotypes(got.records[0], bases) == Haplotypes(line, bases));
}

// One insertion or deletion, written at every place where it means the same.
RC_GTEST_PROP(NormProperties, LeftAlignedFormIsIndependentOfPlace, ()) {
  std::string bases = *Repetitive();
  TextReference reference("1", bases);
  auto size = bases.size();
  auto at = static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(size) - 1));
  auto length = static_cast<std::size_t>(*rc::gen::inRange(1, 6));
  bool insertion = *rc::gen::arbitrary<bool>();
  if (!insertion) length = std::min(length, size - at - 1);
  auto deletion_at = [&](std::size_t from) {
    return Variant{"1", static_cast<std::int64_t>(from), bases.substr(from, length + 1),
                   bases.substr(from, 1)};
  };
  std::string unit = bases.substr(at, length);
  Variant first = insertion ? Variant{"1", static_cast<std::int64_t>(at), bases.substr(at, 1),
                                      bases.substr(at, 1) + unit}
                            : deletion_at(at);
  std::string haplotype = Applied(bases, first);
  std::set<std::string> forms;
  int spellings = 0;
  for (std::size_t from = 0; from + (insertion ? 0 : length) < size; ++from) {
    Variant other = deletion_at(from);
    if (insertion) {
      other.ref = bases.substr(from, 1);
      other.alt = other.ref + haplotype.substr(from + 1, unit.size());
    }
    if (Applied(bases, other) != haplotype) continue;
    ++spellings;
    Site site{other.pos, {other.ref, other.alt}, {"0/1", "0/1", "0/1"}};
    auto got = NormaliseText(Vcf({site.Line()}), NormaliseOptions(), &reference);
    RC_ASSERT(got.status.ok());
    forms.insert(got.records.at(0));
  }
  RC_ASSERT(spellings >= 1);
  RC_ASSERT(forms.size() == 1U);
}

// Counting on the original and then splitting gives each record the counts of its allele.
RC_GTEST_PROP(NormProperties, SplittingThenCountingIsCountingThenSplitting, ()) {
  std::string bases = *Repetitive();
  Site site = AnySite(bases);
  NormaliseOptions options;
  options.multiallelics = Multiallelics::kSplit;
  options.count_alleles = true;
  auto got = NormaliseText(Vcf({site.Line()}), options);
  RC_ASSERT(got.status.ok());
  RC_ASSERT(got.records.size() == site.alleles.size() - 1);
  std::vector<int> counts(site.alleles.size());
  int called = 0;
  for (const std::string& genotype : site.genotypes) {
    for (char c : genotype) {
      if (c < '0' || c > '9') continue;
      ++counts[static_cast<std::size_t>(c - '0')];
      ++called;
    }
  }
  for (std::size_t i = 0; i < got.records.size(); ++i) {
    auto columns = Columns(got.records[i]);
    RC_ASSERT(std::string(columns[7]) == fmt::format("AC={};AN={}", counts[i + 1], called));
    // The split genotypes hold the allele as often; only their zeros cannot be counted.
    int ones = 0;
    for (std::size_t s = 9; s < columns.size(); ++s)
      ones += static_cast<int>(std::count(columns[s].begin(), columns[s].end(), '1'));
    RC_ASSERT(ones == counts[i + 1]);
  }
}

RC_GTEST_PROP(NormProperties, JoiningUndoesSplitting, ()) {
  std::string bases = *Repetitive();
  Site site = AnySite(bases);
  std::string line = site.Line();
  NormaliseOptions split;
  split.multiallelics = Multiallelics::kSplit;
  split.other_allele = *rc::gen::element(OtherAllele::kReference, OtherAllele::kMissing);
  NormaliseOptions join;
  join.multiallelics = Multiallelics::kJoin;
  join.multiallelic_kinds = ChangeKinds::kAny;
  auto parts = NormaliseText(Vcf({line}), split);
  RC_ASSERT(parts.status.ok());
  auto whole = NormaliseText(Vcf(parts.records), join);
  RC_ASSERT(whole.status.ok());
  RC_ASSERT(whole.records == std::vector<std::string>{line});
}

}  // namespace
}  // namespace genofed::genomics
