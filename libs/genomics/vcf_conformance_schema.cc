// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_conformance_schema.h"

#include <array>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

using enum VcfType;
using enum VcfRange;

struct Reserved {
  bool info;
  std::string_view id;
  std::string_view number;
  VcfType type;
  VcfRange range;
  int since = 1;  // minor version
  int until = 4;
};

// Section 1.6.1.8 and tables 1 and 2 of VCF 4.3; sections 1.4.1.8 and 1.4.2 of 4.1 and 4.2. Left
// out: SB, whose meaning changed, and the keys of structural variants beyond these, which genofed
// does not index.
constexpr std::array kReserved = {
    Reserved{true, "AA", "1", kString, kAny},
    Reserved{true, "AC", "A", kInteger, kNotNegative},
    Reserved{true, "AD", "R", kInteger, kNotNegative, 3},
    Reserved{true, "ADF", "R", kInteger, kNotNegative, 3},
    Reserved{true, "ADR", "R", kInteger, kNotNegative, 3},
    Reserved{true, "AF", "A", kFloat, kFraction},
    Reserved{true, "AN", "1", kInteger, kNotNegative},
    Reserved{true, "BQ", "1", kFloat, kAny},
    Reserved{true, "CIGAR", "A", kString, kCigar},
    Reserved{true, "DB", "0", kFlag, kAny},
    Reserved{true, "DP", "1", kInteger, kNotNegative},
    Reserved{true, "END", "1", kInteger, kNotNegative},
    Reserved{true, "H2", "0", kFlag, kAny},
    Reserved{true, "H3", "0", kFlag, kAny},
    Reserved{true, "MQ", "1", kFloat, kAny},
    Reserved{true, "MQ0", "1", kInteger, kNotNegative},
    Reserved{true, "NS", "1", kInteger, kNotNegative},
    Reserved{true, "SOMATIC", "0", kFlag, kAny},
    Reserved{true, "VALIDATED", "0", kFlag, kAny},
    Reserved{true, "1000G", "0", kFlag, kAny},
    Reserved{true, "IMPRECISE", "0", kFlag, kAny},
    Reserved{true, "NOVEL", "0", kFlag, kAny},
    Reserved{true, "SVTYPE", "1", kString, kAny},
    Reserved{false, "AD", "R", kInteger, kAny, 3},
    Reserved{false, "ADF", "R", kInteger, kAny, 3},
    Reserved{false, "ADR", "R", kInteger, kAny, 3},
    Reserved{false, "DP", "1", kInteger, kAny},
    Reserved{false, "EC", "A", kInteger, kAny},
    Reserved{false, "FT", "1", kString, kAny},
    Reserved{false, "GL", "G", kFloat, kAny},
    Reserved{false, "GLE", "G", kString, kAny, 1, 2},
    Reserved{false, "GP", "G", kFloat, kAny},
    Reserved{false, "GQ", "1", kInteger, kAny},
    Reserved{false, "GT", "1", kString, kAny},
    Reserved{false, "HQ", "2", kInteger, kAny},
    Reserved{false, "MQ", "1", kInteger, kAny},
    Reserved{false, "PL", "G", kInteger, kAny},
    Reserved{false, "PP", "G", kInteger, kAny, 3},
    Reserved{false, "PQ", "1", kInteger, kAny},
    Reserved{false, "PS", "1", kInteger, kAny},
    Reserved{false, "PSL", "P", kString, kAny, 4},
    Reserved{false, "PSO", "P", kInteger, kAny, 4},
    Reserved{false, "PSQ", "P", kInteger, kAny, 4},
};

VcfType TypeNamed(std::string_view name) {
  if (name == "Integer") return kInteger;
  if (name == "Float") return kFloat;
  if (name == "Flag") return kFlag;
  return name == "Character" ? kCharacter : kString;
}

std::string_view NameOf(VcfType type) {
  constexpr std::array kNames = {"Integer", "Float", "Flag", "Character", "String"};
  return kNames[static_cast<std::size_t>(type)];
}

void SetCount(std::string_view number, VcfKey& key) {
  if (number == ".") {
    key.count = VcfCount::kAny;
  } else if (number == "A") {
    key.count = VcfCount::kAlts;
  } else if (number == "R") {
    key.count = VcfCount::kAlleles;
  } else if (number == "G") {
    key.count = VcfCount::kGenotypes;
  } else if (number == "P") {
    key.count = VcfCount::kPloidy;
  } else {
    auto value = ParseInt(number);
    key.count = value.ok() ? VcfCount::kFixed : VcfCount::kAny;
    key.fixed = value.ok() ? static_cast<std::uint32_t>(*value) : 0;
  }
}

enum class Agreement { kSame, kLoose, kDiffers };

// Deviations that are common and harmless are loose:
// - AC, AF and AN of a file with genotypes: genofed counts them again, nobody reads the value.
// - Number=. where the specification counts by allele or genotype, and 3 for the genotypes of two
//   alleles (imputation servers); htsjdk, hence GATK, declares FT with Number=.
// - GQ as a Float (freebayes).
Agreement Compare(const VcfDefinition& definition, const Reserved& reserved, bool has_samples) {
  VcfType type = TypeNamed(definition.type);
  // 4.1 and 4.2 give MQ of INFO no type.
  bool same_type =
      type == reserved.type || (reserved.info && reserved.id == "MQ" && type == kInteger);
  if (same_type && definition.number == reserved.number) return Agreement::kSame;
  std::string_view id = reserved.id;
  if (reserved.info && has_samples && (id == "AC" || id == "AF" || id == "AN"))
    return Agreement::kLoose;
  bool counted = reserved.number == "A" || reserved.number == "R" || reserved.number == "G";
  bool loose_number = definition.number == reserved.number ||
                      (definition.number == "." && (counted || (!reserved.info && id == "FT"))) ||
                      (definition.number == "3" && reserved.number == "G");
  bool loose_type = same_type || (!reserved.info && id == "GQ" && type == kFloat);
  return loose_number && loose_type ? Agreement::kLoose : Agreement::kDiffers;
}

const Reserved* ReservedFor(std::string_view id, bool info, int minor) {
  for (const Reserved& reserved : kReserved) {
    if (reserved.info == info && reserved.id == id && reserved.since <= minor &&
        minor <= reserved.until) {
      return &reserved;
    }
  }
  return nullptr;
}

// The wider of two types: what is a value of either one is a value of it.
VcfType Wider(VcfType a, VcfType b) {
  if (a == b) return a;
  bool numbers = (a == kInteger || a == kFloat) && (b == kInteger || b == kFloat);
  return numbers ? kFloat : kString;
}

}  // namespace

VcfSchema::VcfSchema(const VcfHeader& header, const VcfIssueSink& sink) {
  for (const Reserved& reserved : kReserved) {
    if (header.minor < reserved.since || header.minor > reserved.until) continue;
    VcfKey* key = Put(reserved.info ? infos_ : formats_, reserved.id);
    key->type = reserved.type;
    key->range = reserved.range;
    key->named = true;
    SetCount(reserved.number, *key);
  }
  for (const VcfDefinition& definition : header.infos)
    Declare(infos_, definition, true, header, sink);
  for (const VcfDefinition& definition : header.formats) {
    Declare(formats_, definition, false, header, sink);
  }
}

VcfKey* VcfSchema::Put(Keys& keys, std::string_view id) {
  storage_.push_back({});
  storage_.back().id = id;
  keys.by_id.emplace(storage_.back().id, &storage_.back());
  return &storage_.back();
}

void VcfSchema::Declare(Keys& keys, const VcfDefinition& definition, bool info,
                        const VcfHeader& header, const VcfIssueSink& sink) {
  if (const Reserved* reserved = ReservedFor(definition.id, info, header.minor)) {
    Agreement agreement = Compare(definition, *reserved, !header.samples.empty());
    if (agreement == Agreement::kSame) return;
    bool loose = agreement == Agreement::kLoose;
    std::string message = fmt::format(
        "the specification reserves this key as Number={}, Type={}{}", reserved->number,
        NameOf(reserved->type), loose ? "; nothing depends on it" : "; its values are not counted");
    sink({loose ? VcfCode::kReservedKeyLoose : VcfCode::kReservedKeyMisdeclared, definition.line,
          info ? "##INFO" : "##FORMAT", reserved->id, message});
    // Values are held to what both definitions have in common.
    VcfKey* key = keys.by_id.find(definition.id)->second;
    key->type = Wider(key->type, TypeNamed(definition.type));
    key->count = VcfCount::kAny;
    if (!loose) key->range = VcfRange::kAny;
    return;
  }
  VcfKey* key = Put(keys, definition.id);
  key->type = TypeNamed(definition.type);
  key->named = true;
  SetCount(definition.number, *key);
  // Free text holds commas in practice, and htslib reads such a String as one value.
  if (key->type == kString && key->count == VcfCount::kFixed && key->fixed == 1)
    key->count = VcfCount::kAny;
  // A genotype of INFO has no ploidy (section 1.4.2): any number goes. Number=A of a Flag says
  // nothing.
  if (info && key->count == VcfCount::kGenotypes) key->count = VcfCount::kAny;
}

VcfKey* VcfSchema::Find(Keys& keys, std::string_view id, bool* fresh) {
  *fresh = false;
  if (auto found = keys.by_id.find(id); found != keys.by_id.end()) return found->second;
  if (keys.undeclared == kMaxUndeclared || id.size() > kMaxIdLength) return nullptr;
  ++keys.undeclared;
  *fresh = true;
  return Put(keys, id);
}

bool VcfSchema::NamesFormat(std::string_view id) const {
  auto found = formats_.by_id.find(id);
  return found != formats_.by_id.end() && found->second->named;
}

}  // namespace genofed::genomics
