// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: the text inside of a header line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::genomics {

struct VcfAttribute {
  std::string_view key;
  std::string_view value;  // without the quotes, escapes not resolved
  bool quoted = false;
};

// The attributes of <ID=x,Description="a, b"> in their order (VCF 4.3, section 1.4). Views into the
// line.
class VcfAttributes {
 public:
  // `value` is what follows ##key=. Empty, or what is wrong with it.
  std::string_view Parse(std::string_view value);
  const VcfAttribute* Find(std::string_view key) const;
  std::string_view ValueOf(std::string_view key) const;
  const std::vector<VcfAttribute>& all() const { return attributes_; }
  // Whether those of `keys` that are there come in this order, before all others.
  bool InOrder(std::initializer_list<std::string_view> keys) const;

 private:
  std::vector<VcfAttribute> attributes_;
};

// Resolves \" and \\ of a quoted value.
std::string UnescapeQuoted(std::string_view value);

bool HasWhitespace(std::string_view text);
// An id of an INFO, FORMAT, FILTER or ALT line: not empty, no whitespace, quotes, commas,
// semicolons, equals signs or angle brackets.
bool IsVcfId(std::string_view text);
// Section 1.4.2 of VCF 4.3: the names of INFO and FORMAT keys.
bool IsStrictKeyName(std::string_view text);
// Section 1.4.7: a contig name as CHROM and ##contig may have it. 4.1 and 4.2 are less strict than
// 4.3; commas and angle brackets (but around the whole) were never allowed.
bool IsContigText(std::string_view text);
// Whether scheme://host[:port]/... has a host that can exist: RFC 3986 section 3.2.2, and RFC 1123
// section 2.1: the last label of a name is not a number.
bool IsUrl(std::string_view text);

}  // namespace genofed::genomics
