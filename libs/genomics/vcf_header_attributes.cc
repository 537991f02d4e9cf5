// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_header_attributes.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// Where the quoted text that begins behind `begin` ends: at its closing quote.
std::size_t ClosingQuote(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  bool numeric = false;
  for (std::string_view label : Split(host, '.')) {
    if (label.empty() || label.size() > 63) return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return IsDigit(c) || IsAlpha(c) || c == '-' || c == '_'; })) {
      return false;
    }
    numeric = std::all_of(label.begin(), label.end(), IsDigit);
  }
  return !numeric;
}

bool IsIpv4(std::string_view host) {
  auto parts = Split(host, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           auto value = ParseInt(part);
           return value.ok() && *value >= 0 && *value <= 255;
         });
}

}  // namespace

std::string_view VcfAttributes::Parse(std::string_view value) {
  attributes_.clear();
  if (!value.starts_with('<')) return "the value is not enclosed in < and >";
  if (!value.ends_with('>')) return "the closing > is missing";
  std::string_view rest = value.substr(1, value.size() - 2);
  if (rest.empty()) return "nothing between < and >";
  while (true) {
    std::size_t equals = rest.find('=');
    VcfAttribute attribute;
    attribute.key = rest.substr(0, equals);
    if (equals == std::string_view::npos || attribute.key.empty() ||
        attribute.key.find_first_of(",<>\"") != std::string_view::npos) {
      return "a part is not of the form key=value; a comma must be inside of quotes";
    }
    rest.remove_prefix(equals + 1);
    std::size_t end;
    if (rest.starts_with('"')) {
      end = ClosingQuote(rest, 1);
      if (end == std::string_view::npos) return "a quotation mark is not closed";
      attribute.value = rest.substr(1, end - 1);
      attribute.quoted = true;
      ++end;
      if (end < rest.size() && rest[end] != ',')
        return "a quotation mark inside of a text is not escaped";
    } else {
      // ##META=<...,Values=[a, b]>: a list in brackets holds commas (4.3, section 1.4.8).
      std::size_t from = rest.starts_with('[') ? rest.find(']') : 0;
      end = std::min(rest.size(), rest.find(',', from == std::string_view::npos ? 0 : from));
      attribute.value = rest.substr(0, end);
      if (attribute.value.find_first_of("<>\"") != std::string_view::npos) {
        return "an unquoted value has a quotation mark or an angle bracket";
      }
    }
    attributes_.push_back(attribute);
    if (end >= rest.size()) return {};
    rest.remove_prefix(end + 1);
  }
}

const VcfAttribute* VcfAttributes::Find(std::string_view key) const {
  auto found = std::find_if(attributes_.begin(), attributes_.end(),
                            [&](const VcfAttribute& attribute) { return attribute.key == key; });
  return found == attributes_.end() ? nullptr : &*found;
}

std::string_view VcfAttributes::ValueOf(std::string_view key) const {
  const VcfAttribute* attribute = Find(key);
  return attribute == nullptr ? std::string_view() : attribute->value;
}

bool VcfAttributes::InOrder(std::initializer_list<std::string_view> keys) const {
  std::size_t next = 0;
  for (std::string_view key : keys) {
    if (Find(key) == nullptr) continue;
    if (attributes_[next].key != key) return false;
    ++next;
  }
  return true;
}

std::string UnescapeQuoted(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out.push_back(value[i]);
  }
  return out;
}

bool HasWhitespace(std::string_view text) {
  return text.find_first_of(" \t\r\n\v\f") != std::string_view::npos;
}

bool IsVcfId(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\r\n\v\f\",;=<>") == std::string_view::npos;
}

bool IsStrictKeyName(std::string_view text) {
  if (text == "1000G") return true;
  return !text.empty() && (IsAlpha(text[0]) || text[0] == '_') &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlpha(c) || IsDigit(c) || c == '_' || c == '.'; });
}

bool IsContigText(std::string_view text) {
  if (text.size() > 2 && text.front() == '<' && text.back() == '>') {
    text = text.substr(1, text.size() - 2);
  }
  return !text.empty() && text.size() <= 256 && text != "." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < 0x7F &&
                  std::string_view(",<>\"'`\\()[]{}").find(c) == std::string_view::npos;
         });
}

bool IsUrl(std::string_view text) {
  std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0 || HasWhitespace(text)) return false;
  std::string_view scheme = text.substr(0, colon);
  if (!IsAlpha(scheme[0]) || !std::all_of(scheme.begin(), scheme.end(), [](char c) {
        return IsAlpha(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
      })) {
    return false;
  }
  std::string_view rest = text.substr(colon + 3);
  std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (scheme == "file" && host.empty()) return true;
  if (std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  if (host.starts_with('[')) return host.find(']') != std::string_view::npos;
  if (std::size_t port = host.rfind(':'); port != std::string_view::npos) {
    std::string_view digits = host.substr(port + 1);
    if (!std::all_of(digits.begin(), digits.end(), IsDigit)) return false;
    host = host.substr(0, port);
  }
  return IsHostName(host) || IsIpv4(host);
}

}  // namespace genofed::genomics
