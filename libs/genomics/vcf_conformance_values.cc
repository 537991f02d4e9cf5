// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_conformance_values.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t Digits(std::string_view text, std::size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

bool EqualsIgnoreCase(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                   [](char a, char b) { return (a | 0x20) == b; });
}

constexpr std::uint64_t Repeat(std::uint64_t four) { return four | (four << 32); }
// Two columns "0|0\t" as a little-endian word, and which of its bytes are digits.
constexpr std::uint64_t kPhased = Repeat(0x09'30'7C'30);
constexpr std::uint64_t kUnphased = Repeat(0x09'30'2F'30);
constexpr std::uint64_t kDigitBytes = Repeat(0x00'FF'00'FF);
constexpr std::uint64_t kDigitOnes = Repeat(0x00'01'00'01);
constexpr std::uint64_t kHighBits = 0x8080808080808080U;

// One column at `p`, up to its tab or `end`. Null when it is not a plain genotype.
const char* ScanColumn(const char* p, const char* end, std::size_t alleles) {
  for (int ploidy = 0; ploidy < 2; ++ploidy) {
    if (p == end) return nullptr;
    if (*p == '.') {
      ++p;
    } else {
      std::size_t index = 0;
      const char* from = p;
      while (p != end && IsDigit(*p) && p - from < 4)
        index = index * 10 + static_cast<std::size_t>(*p++ - '0');
      if (p == from || index >= alleles) return nullptr;
    }
    if (p == end || *p == '\t') return p;
    if (*p != '|' && *p != '/') return nullptr;
    ++p;
  }
  return nullptr;
}

}  // namespace

bool IsVcfInteger(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  if (digits.empty() || Digits(digits, 0) != digits.size()) return false;
  if (digits.size() <= 9) return true;
  std::int64_t value = 0;
  auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
  return error == std::errc() && value <= (text[0] == '-' ? kMax - 7 : kMax);
}

bool IsVcfFloat(std::string_view text) {
  // Digits, or digits, a dot and digits: nearly all.
  if (std::size_t end = Digits(text, 0); end > 0) {
    if (end < text.size() && text[end] == '.' && end + 1 < text.size()) end = Digits(text, end + 1);
    if (end == text.size()) return true;
  }
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  std::string_view word = text.substr(at);
  if (!word.empty() && (word[0] | 0x20) >= 'a' && (word[0] | 0x20) <= 'z') {
    return EqualsIgnoreCase(word, "nan") || EqualsIgnoreCase(word, "inf") ||
           EqualsIgnoreCase(word, "infinity");
  }
  std::size_t whole = Digits(text, at);
  std::size_t last = whole;
  if (whole < text.size() && text[whole] == '.') {
    last = Digits(text, whole + 1);
    if (last == whole + 1) return false;
  } else if (whole == at) {
    return false;
  }
  if (last == text.size()) return true;
  if ((text[last] | 0x20) != 'e') return false;
  ++last;
  if (last < text.size() && (text[last] == '-' || text[last] == '+')) ++last;
  std::size_t stop = Digits(text, last);
  return stop > last && stop == text.size();
}

bool IsNegative(std::string_view text) {
  return text.starts_with('-') && (text.find_first_of("123456789") < text.find_first_of("eE") ||
                                   (text.size() > 1 && (text[1] | 0x20) == 'i'));
}

bool IsCigar(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t stop = Digits(text, at);
    if (stop == at || stop == text.size()) return false;
    if (std::string_view("MIDNSHPX=").find(text[stop]) == std::string_view::npos) return false;
    at = stop + 1;
  }
  return !text.empty();
}

bool IsOfType(std::string_view text, VcfType type) {
  if (text == ".") return true;
  switch (type) {
    case VcfType::kInteger:
      return IsVcfInteger(text);
    case VcfType::kFloat:
      return IsVcfFloat(text);
    case VcfType::kCharacter:
      // One character of UTF-8: every byte but the first continues it.
      return !text.empty() && text.size() <= 4 &&
             std::all_of(text.begin() + 1, text.end(), [](char c) { return (c & 0xC0) == 0x80; });
    case VcfType::kFlag:
    case VcfType::kString:
      break;
  }
  return true;
}

ListFacts CheckList(std::string_view text, VcfType type) {
  ListFacts facts;
  while (true) {
    const void* comma = text.empty() ? nullptr : std::memchr(text.data(), ',', text.size());
    std::size_t end = comma == nullptr
                          ? text.size()
                          : static_cast<std::size_t>(static_cast<const char*>(comma) - text.data());
    facts.type_ok = facts.type_ok && IsOfType(text.substr(0, end), type);
    ++facts.count;
    if (comma == nullptr) return facts;
    text.remove_prefix(end + 1);
  }
}

GenotypeFacts CheckGenotype(std::string_view text, std::uint32_t alleles, bool alt_missing,
                            bool prefixed) {
  GenotypeFacts facts;
  if (prefixed && !text.empty() && (text[0] == '/' || text[0] == '|')) text.remove_prefix(1);
  while (true) {
    std::size_t end = std::min(text.size(), text.find_first_of("/|"));
    std::string_view allele = text.substr(0, end);
    ++facts.ploidy;
    if (allele.empty() || (allele != "." && Digits(allele, 0) != allele.size())) {
      facts.state = GenotypeFacts::State::kMalformed;
      return facts;
    }
    if (allele != ".") {
      std::uint32_t index = 0;
      auto parsed = std::from_chars(allele.data(), allele.data() + allele.size(), index);
      if (parsed.ec == std::errc() && alt_missing && index == 1) {
        facts.names_missing_alt = true;
      } else if (parsed.ec != std::errc() || index >= alleles) {
        facts.state = GenotypeFacts::State::kAlleleIndex;
      }
    }
    if (end == text.size()) return facts;
    text.remove_prefix(end + 1);
  }
}

std::uint64_t GenotypeCount(std::uint64_t alleles, std::uint64_t ploidy) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  // Choose the smaller of the two equal binomials, so that the loop is short.
  std::uint64_t n = alleles + ploidy - 1;
  std::uint64_t k = std::min(ploidy, alleles - 1);
  std::uint64_t count = 1;
  for (std::uint64_t i = 1; i <= k; ++i) {
    count = count * (n - k + i) / i;
    if (count > kMost) return kMost;
  }
  return count;
}

bool ScanGenotypes(std::string_view text, std::size_t samples, std::size_t alleles) {
  const char* p = text.data();
  const char* const end = p + text.size();
  std::size_t left = samples;
  const std::uint64_t largest = std::min<std::size_t>(alleles, 10) - 1;
  const std::uint64_t overflow = kDigitOnes * (0x7F - largest);
  while (left > 0) {
    // Two columns at a time while both are of the form d|d or both of the form d/d.
    for (; left > 2 && end - p >= 8; p += 8, left -= 2) {
      std::uint64_t word;
      std::memcpy(&word, p, sizeof word);
      std::uint64_t phased = word ^ kPhased;
      std::uint64_t digits = phased & kDigitBytes;
      bool separators = (phased & ~kDigitBytes) == 0 || ((word ^ kUnphased) & ~kDigitBytes) == 0;
      if (!separators || (((digits + overflow) | digits) & kHighBits) != 0) break;
    }
    p = ScanColumn(p, end, alleles);
    if (p == nullptr) return false;
    if (--left == 0) return p == end;
    if (p == end) return false;
    ++p;
  }
  return false;
}

}  // namespace genofed::genomics
