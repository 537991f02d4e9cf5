// SPDX-License-Identifier: Apache-2.0
//
// A person's consents in the forms of others, and everything that is held about a person.
#pragma once

#include <string>
#include <vector>

#include "services/consent/app/my_consent.h"

namespace genofed::consent {

struct ExportFacts {
  std::string person;   // identifier
  std::string site;     // "fi.1mg.example"
  std::string country;  // "FI"
  Time at{};
};

struct ExportedConsents {
  std::string media_type;
  std::string content;
};

// `format`:
//   fhir-r4, fhir-r5  a Bundle (collection) of Consents, one for each statement (hl7.org/fhir/R4/consent.html, R5)
//   duo               what secondary use is for, as codes of the Data Use Ontology
//   receipt           the fields of ISO/IEC TS 27560:2023 in terms of the Data Privacy Vocabulary (w3id.org/dpv)
// InvalidArgument FORMAT_UNKNOWN.
Result<ExportedConsents> ExportConsents(const std::string& format, const MyPermissions& mine, const ExportFacts& facts);

struct Everything {
  MyPermissions permissions;
  std::vector<MyAccess> accesses;
  bool more_accesses = false;  // there are older ones, which the list of accesses shows
  std::vector<Opening> openings;
  std::vector<NoticeRow> notices;
};
// One JSON document. Receipts are in it as text.
std::string ExportEverything(const Everything& all, const ExportFacts& facts);

}  // namespace genofed::consent
