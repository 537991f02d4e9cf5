// SPDX-License-Identifier: Apache-2.0
#include "libs/fhir/url.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::fhir {
namespace {

constexpr std::size_t kMaxUrlBytes = 8192;

Status Bad(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "BAD_URL", "{}", why);
}

bool IsPlain(std::string_view text) {
  return text.size() <= kMaxUrlBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '\\';
         });
}

std::string WithoutFragment(std::string_view text) {
  return std::string(text.substr(0, text.find('#')));
}

bool ClimbsUp(std::string_view target) {
  const auto segments = Split(target.substr(0, target.find('?')), '/');
  return std::any_of(segments.begin(), segments.end(),
                     [](std::string_view s) { return s == ".." || s == "."; });
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  if (!IsPlain(text)) return Bad("not an encoded URL of at most 8192 bytes");
  const std::size_t colon = text.find("://");
  const std::string scheme = ToLower(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (scheme != "https" && scheme != "http") return Bad("must start with https://");
  std::string_view rest = text.substr(colon + 3);
  const std::size_t end = rest.find_first_of("/?#");
  std::string authority = ToLower(rest.substr(0, end));
  if (authority.empty() || authority.find('@') != std::string::npos) return Bad("bad host");
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(port)) authority.resize(authority.size() - port.size());
  Url url{scheme + "://" + authority,
          end == std::string_view::npos ? "" : WithoutFragment(rest.substr(end))};
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (ClimbsUp(url.target)) return Bad("must not have dot segments");
  return url;
}

Result<Url> Resolve(const Url& base, std::string_view reference) {
  if (reference.find("://") != std::string_view::npos &&
      reference.find_first_of("/?") > reference.find("://")) {
    return ParseUrl(reference);
  }
  if (!IsPlain(reference) || reference.empty()) return Bad("not an encoded URL");
  if (reference.starts_with("//"))
    return ParseUrl(base.origin.substr(0, base.origin.find(':') + 1) + std::string(reference));
  Url url{base.origin, WithoutFragment(reference)};
  if (reference.starts_with('?')) {
    url.target.insert(0, base.target);
  } else if (!reference.starts_with('/')) {
    url.target.insert(0, base.target + "/");
  }
  if (ClimbsUp(url.target)) return Bad("must not have dot segments");
  return url;
}

}  // namespace genofed::fhir
