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

struct ExportedPiece {
  std::string json;
  std::string next_page_token;  // empty: that was all
};
// Everything that is known here about the person of `facts`, as one JSON document in pieces, since
// accesses may be very many: the pieces one after another are the document. Receipts are in it as
// text. Errors: those of MyConsent.
Result<ExportedPiece> ExportEverything(const Context& ctx, MyConsent& mine,
                                       const std::string& page_token, const ExportFacts& facts);

}  // namespace genofed::consent
