// SPDX-License-Identifier: Apache-2.0
//
// Header lines of the form ##key=<...>, each with its own rules (VCF 4.3, sections 1.4.2 to 1.4.9).
#include <algorithm>
#include <array>

#include "libs/core/strings.h"
#include "libs/genomics/vcf_header.h"
#include "libs/genomics/vcf_header_attributes.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxContigs = 100'000;
constexpr std::size_t kMaxDeclarations = 10'000;

// First-level types of symbolic alleles (4.1 to 4.3, section 1.4.5; BND from section 5), and those
// that callers in wide use declare besides: GATK's NON_REF, bcftools' * and X, CN0.. of the 1000
// Genomes Project, STR14 of ExpansionHunter, TRA of structural variant callers.
bool IsAltType(std::string_view type) {
  constexpr std::array kTypes = {"DEL", "INS", "DUP",     "INV", "CNV",
                                 "BND", "TRA", "NON_REF", "*",   "X"};
  if (std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end()) return true;
  // IUPAC ambiguity codes (section 1.4.5).
  if (type.size() == 1)
    return std::string_view("RYMKSWHBVDN").find(type[0]) != std::string_view::npos;
  for (std::string_view counted : {"CN", "STR"}) {
    if (!type.starts_with(counted)) continue;
    std::string_view number = type.substr(counted.size());
    return number.find_first_not_of("0123456789") == std::string_view::npos;
  }
  return false;
}

bool IsNumber(std::string_view number, int minor) {
  if (number == "." || number == "A" || number == "G" || number == "R") return true;
  if (number == "P") return minor >= 4;  // 4.4, section 1.4.2
  auto count = ParseInt(number);
  return count.ok() && *count >= 0 && *count <= 1'000'000;
}

bool IsType(std::string_view type, bool info) {
  return type == "Integer" || type == "Float" || type == "Character" || type == "String" ||
         (info && type == "Flag");
}

}  // namespace

void VcfHeaderParser::AddStructured(std::string_view key, std::string_view value) {
  VcfAttributes attributes;
  std::string column = fmt::format("##{}", key);
  if (std::string_view wrong = attributes.Parse(value); !wrong.empty()) {
    return Report(VcfCode::kBadMetaLine, column, wrong);
  }
  if (key == "INFO") return AddKeyed(attributes, true);
  if (key == "FORMAT") return AddKeyed(attributes, false);
  if (key == "FILTER") return AddFilter(attributes);
  if (key == "ALT") return AddAlt(attributes);
  if (key == "contig") return AddContig(attributes);
  if (key == "SAMPLE") return AddSample(attributes);
  AddPedigree(attributes);
}

bool VcfHeaderParser::HasRoom(std::size_t have, std::size_t limit, std::string_view column) {
  if (have < limit) return true;
  Report(VcfCode::kBadDefinition, column, "more declarations than genofed reads");
  return false;
}

bool VcfHeaderParser::CheckId(const VcfAttributes& attributes, std::string_view column) {
  const VcfAttribute* id = attributes.Find("ID");
  if (id == nullptr) {
    Report(VcfCode::kBadDefinition, column, "ID is missing");
  } else if (id->quoted) {
    Report(VcfCode::kBadDefinition, column, "ID is in quotation marks");
  } else if (!IsVcfId(id->value)) {
    Report(VcfCode::kBadDefinition, column,
           "ID is empty or has whitespace, a comma or another sign of the syntax");
  } else {
    return true;
  }
  return false;
}

bool VcfHeaderParser::CheckQuoted(const VcfAttributes& attributes, std::string_view column) {
  const VcfAttribute* description = attributes.Find("Description");
  if (description == nullptr) {
    Report(VcfCode::kBadDefinition, column, "Description is missing");
  } else if (!description->quoted) {
    Report(VcfCode::kBadDefinition, column, "Description is not in quotation marks");
  } else {
    return true;
  }
  return false;
}

// Sections 1.4.2 and 1.4.4.
void VcfHeaderParser::AddKeyed(const VcfAttributes& attributes, bool info) {
  std::string_view column = info ? "##INFO" : "##FORMAT";
  auto& list = info ? header_.infos : header_.formats;
  auto& ids = info ? info_ids_ : format_ids_;
  if (!CheckId(attributes, column)) return;
  const VcfAttribute* number = attributes.Find("Number");
  const VcfAttribute* type = attributes.Find("Type");
  if (number == nullptr || number->quoted || !IsNumber(number->value, header_.minor)) {
    return Report(VcfCode::kBadDefinition, column, "Number is none of a count, A, R, G and '.'");
  }
  if (type == nullptr || type->quoted || !IsType(type->value, info)) {
    return Report(VcfCode::kBadDefinition, column,
                  info ? "Type is none of Integer, Float, Flag, Character and String"
                       : "Type is none of Integer, Float, Character and String");
  }
  if (!CheckQuoted(attributes, column)) return;
  // "described as follows" in 4.1 and 4.2; later versions give the order up.
  if (header_.minor < 3 && !attributes.InOrder({"ID", "Number", "Type", "Description"})) {
    return Report(VcfCode::kBadDefinition, column,
                  "the order is not ID, Number, Type, Description");
  }
  VcfDefinition definition{std::string(attributes.ValueOf("ID")), std::string(number->value),
                           std::string(type->value),
                           UnescapeQuoted(attributes.ValueOf("Description")), header_.lines};
  if (header_.minor < 2 && definition.number == "R") {
    Report(VcfCode::kReservedKeyLoose, column, "Number=R is of a later version of the format");
  }
  auto [known, fresh] = ids.try_emplace(definition.id, list.size());
  if (!fresh) {
    const VcfDefinition& first = list[known->second];
    bool same = first.number == definition.number && first.type == definition.type;
    return Report(same ? VcfCode::kRepeatedDefinition : VcfCode::kDuplicateDefinition, column,
                  same ? "" : "an earlier definition of this id differs; the first one is used");
  }
  if (HasRoom(list.size(), kMaxDeclarations, column)) list.push_back(std::move(definition));
}

// Sections 1.4.3 and 1.6.1: 0 is reserved.
void VcfHeaderParser::AddFilter(const VcfAttributes& attributes) {
  if (!CheckId(attributes, "##FILTER") || !CheckQuoted(attributes, "##FILTER")) return;
  std::string id(attributes.ValueOf("ID"));
  if (id == "0") return Report(VcfCode::kBadDefinition, "##FILTER", "0 is reserved");
  if (!filter_ids_.try_emplace(id, header_.filters.size()).second) {
    return Report(VcfCode::kRepeatedDefinition, "##FILTER", "");
  }
  if (HasRoom(header_.filters.size(), kMaxDeclarations, "##FILTER")) header_.filters.push_back(id);
}

// Section 1.4.5. Number and Type are not of its attributes, but some writers add them.
void VcfHeaderParser::AddAlt(const VcfAttributes& attributes) {
  if (!CheckId(attributes, "##ALT")) return;
  const VcfAttribute* number = attributes.Find("Number");
  const VcfAttribute* type = attributes.Find("Type");
  std::string_view id = attributes.ValueOf("ID");
  std::string_view wrong;
  if (!IsAltType(id.substr(0, id.find(':')))) {
    wrong = "the first part of ID is no type of structural variant";
  } else if (number != nullptr && !IsNumber(number->value, header_.minor)) {
    wrong = "Number is none of a count, A, R, G and '.'";
  } else if (type != nullptr && !IsType(type->value, true)) {
    wrong = "Type is none of Integer, Float, Flag, Character and String";
  } else if (header_.minor < 3 && !attributes.InOrder({"ID", "Number", "Type", "Description"})) {
    wrong = "the order is not ID, Number, Type, Description";
  }
  if (!wrong.empty()) return Report(VcfCode::kBadDefinition, "##ALT", wrong);
  CheckQuoted(attributes, "##ALT");
}

// Section 1.4.7.
void VcfHeaderParser::AddContig(const VcfAttributes& attributes) {
  const VcfAttribute* id = attributes.Find("ID");
  if (id == nullptr || id->quoted || !IsContigText(id->value)) {
    return Report(VcfCode::kBadDefinition, "##contig",
                  "ID is missing or has signs that a contig name cannot have");
  }
  VcfContig contig;
  contig.raw = id->value;
  if (auto name = NormaliseContig(contig.raw); name.ok()) contig.name = *name;
  if (const VcfAttribute* length = attributes.Find("length")) {
    auto value = ParseInt(length->value);
    if (value.ok() && *value > 0) {
      contig.length = *value;
    } else {
      Report(VcfCode::kBadDefinition, "##contig", "length is not a positive number", "length");
    }
  }
  if (auto assembly = ParseAssembly(attributes.ValueOf("assembly"))) {
    NameAssembly(assembly, "##contig assembly");
  } else {
    NameAssembly(AssemblyOfAccession(contig.raw), "contig accessions");
  }
  auto [known, fresh] = contig_ids_.try_emplace(contig.raw, header_.contigs.size());
  if (fresh) {
    if (HasRoom(header_.contigs.size(), kMaxContigs, "##contig")) {
      header_.contigs.push_back(std::move(contig));
    }
    return;
  }
  VcfContig& first = header_.contigs[known->second];
  bool agrees = !first.length || !contig.length || *first.length == *contig.length;
  if (!first.length) first.length = contig.length;
  Report(agrees ? VcfCode::kRepeatedDefinition : VcfCode::kDuplicateDefinition, "##contig",
         agrees ? "" : "an earlier line gives this contig another length; the first one is used");
}

// Section 1.4.8; in 4.1 and 4.2 mixtures are proportions of genomes, one for each.
void VcfHeaderParser::AddSample(const VcfAttributes& attributes) {
  if (!CheckId(attributes, "##SAMPLE") || header_.minor >= 3) return;
  const VcfAttribute* genomes = attributes.Find("Genomes");
  const VcfAttribute* mixture = attributes.Find("Mixture");
  if (genomes == nullptr && mixture == nullptr) return;
  std::string_view wrong;
  if (genomes == nullptr || mixture == nullptr) {
    wrong = "Genomes and Mixture go together, and one is missing";
  } else if (genomes->quoted || mixture->quoted) {
    wrong = "Genomes or Mixture is in quotation marks";
  } else if (std::count(genomes->value.begin(), genomes->value.end(), ';') !=
             std::count(mixture->value.begin(), mixture->value.end(), ';')) {
    wrong = "Genomes and Mixture have different numbers of values";
  }
  if (!wrong.empty()) Report(VcfCode::kBadDefinition, "##SAMPLE", wrong);
}

// Section 1.4.9: values are names of genomes.
void VcfHeaderParser::AddPedigree(const VcfAttributes& attributes) {
  for (const VcfAttribute& attribute : attributes.all()) {
    if (attribute.quoted) continue;
    if (!IsVcfId(attribute.value) || attribute.value.find(':') != std::string_view::npos) {
      return Report(VcfCode::kBadDefinition, "##PEDIGREE",
                    "a genome's name is empty or has whitespace or a colon");
    }
  }
}

}  // namespace genofed::genomics
