// SPDX-License-Identifier: Apache-2.0
//
// The addresses that a FHIR server hands out: links to pages, to exports and to their files.
// Internal to the library.
#pragma once

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::fhir {

struct Url {
  std::string
      origin;  // "https://fhir.example:8443", in lower case, without a default port (RFC 6454)
  std::string target;  // "/fhir/Patient?_count=10": path and query, at least "/"

  bool operator==(const Url&) const = default;
};

// An absolute http or https URL. Its fragment is dropped. InvalidArgument BAD_URL, also for user
// names in it, blanks and control characters.
Result<Url> ParseUrl(std::string_view text);

// What `reference` means in an answer of the server at `base` (its target ends without '/'): an
// absolute URL, a path from the root, or one below the base, as "Patient?page=2" or "?_getpages=7"
// (RFC 3986 section 5.2, as far as servers use it). ".." is refused.
Result<Url> Resolve(const Url& base, std::string_view reference);

}  // namespace genofed::fhir
