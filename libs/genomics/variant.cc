// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/variant.h"

#include <algorithm>
#include <array>

#include "libs/core/strings.h"
#include "libs/genomics/base_signs.h"

namespace genofed::genomics {
namespace {

struct ContigFacts {
  std::string_view name;
  std::string_view accession;  // without version
  int version37;               // GRCh38 has the next version of each nuclear accession
  std::int64_t length37;
  std::int64_t length38;
};

constexpr std::array<ContigFacts, 25> kContigs = {{
    {"1", "NC_000001", 10, 249250621, 248956422},  {"2", "NC_000002", 11, 243199373, 242193529},
    {"3", "NC_000003", 11, 198022430, 198295559},  {"4", "NC_000004", 11, 191154276, 190214555},
    {"5", "NC_000005", 9, 180915260, 181538259},   {"6", "NC_000006", 11, 171115067, 170805979},
    {"7", "NC_000007", 13, 159138663, 159345973},  {"8", "NC_000008", 10, 146364022, 145138636},
    {"9", "NC_000009", 11, 141213431, 138394717},  {"10", "NC_000010", 10, 135534747, 133797422},
    {"11", "NC_000011", 9, 135006516, 135086622},  {"12", "NC_000012", 11, 133851895, 133275309},
    {"13", "NC_000013", 10, 115169878, 114364328}, {"14", "NC_000014", 8, 107349540, 107043718},
    {"15", "NC_000015", 9, 102531392, 101991189},  {"16", "NC_000016", 9, 90354753, 90338345},
    {"17", "NC_000017", 10, 81195210, 83257441},   {"18", "NC_000018", 9, 78077248, 80373285},
    {"19", "NC_000019", 9, 59128983, 58617616},    {"20", "NC_000020", 10, 63025520, 64444167},
    {"21", "NC_000021", 8, 48129895, 46709983},    {"22", "NC_000022", 10, 51304566, 50818468},
    {"X", "NC_000023", 10, 155270560, 156040895},  {"Y", "NC_000024", 9, 59373566, 57227415},
    {"MT", "NC_012920", 1, 16569, 16569},
}};

const ContigFacts* FindContig(std::string_view name) {
  const auto* found = std::find_if(kContigs.begin(), kContigs.end(),
                                   [&](const ContigFacts& c) { return c.name == name; });
  return found == kContigs.end() ? nullptr : found;
}

std::string_view WithoutRefseqPrefix(std::string_view text) {
  return StartsWithIgnoreCase(text, "refseq:") ? text.substr(7) : text;
}

struct Accession {
  const ContigFacts* contig = nullptr;
  int version = 0;
};

std::optional<Accession> ParseAccession(std::string_view text) {
  text = WithoutRefseqPrefix(text);
  std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  auto version = ParseInt(text.substr(dot + 1));
  if (!version.ok() || *version < 1 || *version > 99) return std::nullopt;
  // GenBank has the 24 nuclear chromosomes as CM000663 to CM000686, in version 1 for GRCh37 and 2
  // for GRCh38.
  if (text.starts_with("CM") && dot == 8) {
    auto number = ParseInt(text.substr(2, 6));
    if (!number.ok() || *number < 663 || *number > 686 || *version > 2) return std::nullopt;
    const ContigFacts& contig = kContigs[static_cast<std::size_t>(*number - 663)];
    return Accession{&contig, contig.version37 + static_cast<int>(*version) - 1};
  }
  for (const ContigFacts& contig : kContigs) {
    if (contig.accession == text.substr(0, dot))
      return Accession{&contig, static_cast<int>(*version)};
  }
  return std::nullopt;
}

bool IsAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool IsContigName(std::string_view text) {
  return !text.empty() && text.size() <= 64 && IsAlnum(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlnum(c) || c == '_' || c == '.' || c == '-'; });
}

bool AreBases(std::string_view text) { return (BaseSignsOf(text) & kNoBase) == 0; }

// t[p[, t]p], ]p]t or [p[t (VCF 4.3, section 5.4): p is CONTIG:POS, and t is bases, or "." at a
// telomere. The contig may hold colons itself, or be in angle brackets.
bool IsPairedBreakend(std::string_view allele) {
  std::size_t open = allele.find_first_of("[]");
  std::size_t close = allele.find(allele[open], open + 1);
  if (close == std::string_view::npos) return false;
  std::string_view before = allele.substr(0, open);
  std::string_view after = allele.substr(close + 1);
  if (before.empty() == after.empty()) return false;
  std::string_view bases = before.empty() ? after : before;
  bool ok = std::all_of(bases.begin(), bases.end(),
                        [](char c) { return AreBases({&c, 1}) || c == '.'; });
  std::string_view mate = allele.substr(open + 1, close - open - 1);
  std::size_t colon = mate.rfind(':');
  if (!ok || colon == std::string_view::npos || colon == 0) return false;
  auto pos = ParseInt(mate.substr(colon + 1));
  return pos.ok() && *pos >= 0 && mate.find_first_of("[] \t") == std::string_view::npos;
}

}  // namespace

std::string_view AssemblyName(Assembly assembly) {
  return assembly == Assembly::kGrch37 ? "GRCh37" : "GRCh38";
}

std::optional<Assembly> ParseAssembly(std::string_view text) {
  std::string lower = ToLower(Trim(text));
  for (std::string_view name :
       {"grch37", "hg19", "b37", "hs37d5", "gca_000001405.1", "gcf_000001405.25"}) {
    if (lower == name) return Assembly::kGrch37;
  }
  for (std::string_view name : {"grch38", "hg38", "b38", "gca_000001405.15", "gcf_000001405.26"}) {
    if (lower == name) return Assembly::kGrch38;
  }
  if (lower.starts_with("grch37.p") || lower.starts_with("grch37-")) return Assembly::kGrch37;
  if (lower.starts_with("grch38.p") || lower.starts_with("grch38-")) return Assembly::kGrch38;
  return std::nullopt;
}

Result<std::string> NormaliseContig(std::string_view text) {
  if (auto accession = ParseAccession(text)) return std::string(accession->contig->name);
  std::string_view name = WithoutRefseqPrefix(text);
  if (!IsContigName(name)) {
    return InvalidField("contig", "CONTIG_INVALID",
                        "a sequence name has 1 to 64 letters, digits, '_', '.' or '-'");
  }
  std::string_view bare = StartsWithIgnoreCase(name, "chr") ? name.substr(3) : name;
  std::string upper = UpperBases(bare);
  if (upper == "M") upper = "MT";
  return FindContig(upper) != nullptr ? upper : std::string(name);
}

bool IsPrimaryContig(std::string_view contig) { return FindContig(contig) != nullptr; }

std::optional<Assembly> AssemblyOfAccession(std::string_view text) {
  auto accession = ParseAccession(text);
  if (!accession || accession->contig->name == "MT") return std::nullopt;
  if (accession->version == accession->contig->version37) return Assembly::kGrch37;
  if (accession->version == accession->contig->version37 + 1) return Assembly::kGrch38;
  return std::nullopt;
}

std::optional<std::string> RefseqAccession(Assembly assembly, std::string_view contig) {
  const ContigFacts* facts = FindContig(contig);
  if (facts == nullptr) return std::nullopt;
  bool next = assembly == Assembly::kGrch38 && contig != "MT";
  return fmt::format("{}.{}", facts->accession, facts->version37 + (next ? 1 : 0));
}

std::optional<std::int64_t> ContigLength(Assembly assembly, std::string_view contig) {
  const ContigFacts* facts = FindContig(contig);
  if (facts == nullptr) return std::nullopt;
  return assembly == Assembly::kGrch37 ? facts->length37 : facts->length38;
}

AlleleKind ClassifyAllele(std::string_view allele) {
  if (allele.empty()) return AlleleKind::kInvalid;
  if (allele.size() > kMaxAlleleLength) return AlleleKind::kTooLong;
  if (AreBases(allele)) return AlleleKind::kBases;
  if (allele == ".") return AlleleKind::kMissing;
  if (allele == "*") return AlleleKind::kSpanningDeletion;
  if (allele.front() == '<' && allele.back() == '>' && allele.size() > 2 &&
      allele.find_first_of("<>,\t ", 1) == allele.size() - 1) {
    return AlleleKind::kSymbolic;
  }
  if (allele.find_first_of("[]") != std::string_view::npos) {
    return IsPairedBreakend(allele) ? AlleleKind::kBreakend : AlleleKind::kInvalid;
  }
  bool single = allele.size() > 1 && (allele.front() == '.') != (allele.back() == '.');
  std::string_view rest =
      allele.front() == '.' ? allele.substr(1) : allele.substr(0, allele.size() - 1);
  if (single && AreBases(rest)) return AlleleKind::kBreakend;
  return AlleleKind::kInvalid;
}

Status CheckVariant(const Variant& variant) {
  auto contig = NormaliseContig(variant.contig);
  if (!contig.ok() || *contig != variant.contig) {
    return InvalidField("contig", "VARIANT_INVALID", "not a normalised sequence name");
  }
  if (variant.pos < 0 || variant.pos >= kMaxPosition) {
    return InvalidField("pos", "VARIANT_INVALID", "a position lies between 0 and {}",
                        kMaxPosition - 1);
  }
  for (const auto& [field, allele] :
       {std::pair{"ref", &variant.ref}, std::pair{"alt", &variant.alt}}) {
    AlleleKind kind = ClassifyAllele(*allele);
    if (kind == AlleleKind::kTooLong) {
      return InvalidField(field, "VARIANT_INVALID", "an allele has at most {} bases",
                          kMaxAlleleLength);
    }
    if (kind != AlleleKind::kBases || UpperBases(*allele) != *allele) {
      return InvalidField(field, "VARIANT_INVALID",
                          "an allele consists of the letters A, C, G, T and N");
    }
  }
  return absl::OkStatus();
}

std::string FormatVariant(const Variant& variant) {
  return fmt::format("{}-{}-{}-{}", variant.contig, variant.pos + 1, variant.ref, variant.alt);
}

Result<Variant> ParseVariant(std::string_view text) {
  // From the right: contig names may hold a '-' themselves.
  std::string_view parts[4];
  std::string_view rest = text;
  for (int i = 3; i > 0; --i) {
    std::size_t cut = rest.find_last_of("-:");
    if (cut == std::string_view::npos) {
      return InvalidField("variant", "VARIANT_INVALID", "expected CONTIG-POS-REF-ALT");
    }
    parts[i] = rest.substr(cut + 1);
    rest = rest.substr(0, cut);
  }
  Variant variant;
  GF_ASSIGN(variant.contig, NormaliseContig(rest));
  auto pos = ParseInt(parts[1]);
  if (!pos.ok()) return InvalidField("pos", "VARIANT_INVALID", "not a number");
  if (*pos < 1 || *pos > kMaxPosition)
    return InvalidField("pos", "VARIANT_INVALID", "out of range");
  variant.pos = *pos - 1;
  variant.ref = UpperBases(parts[2]);
  variant.alt = UpperBases(parts[3]);
  GF_TRY(CheckVariant(variant));
  return variant;
}

std::string UpperBases(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

}  // namespace genofed::genomics
