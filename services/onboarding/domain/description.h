// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::onboarding {

// What the catalogue will say about a dataset.
struct Description {
  std::string id;  // "GOE-FI-DATASET-1"
  std::string title;
  std::string description;
  std::string publisher;
  std::string contact_email;
  std::vector<std::string> keywords;
  std::vector<std::string> data_use;  // "DUO:0000042"
  std::string assembly;               // GRCh37 or GRCh38
  std::map<std::string, std::string> evidence;  // documents for the inclusion check, by criterion

  bool operator==(const Description&) const = default;
};

// The rules of the catalogue, applied before anybody uploads anything: InvalidArgument DESCRIPTION_INVALID naming
// every wrong field, such as "dataset.data_use[1]". `country` is the site's own: identifiers are
// ^(GOE|GDI)-<country>-[A-Z]+-[0-9]+$ (Genome of Europe catalogue).
Status Validate(const Description& description, std::string_view country);

}  // namespace genofed::onboarding
