// SPDX-License-Identifier: Apache-2.0
// Internal to libs/clinical: data types that several FHIR resources are made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/collector.h"

namespace genofed::clinical {

inline const FieldNames kFhirFields = {"subject", "gender", "birthDate", "identifier", "code"};

// The codings of a CodeableConcept that have a code.
std::vector<Code> CodesOf(const JsonNode* codeable_concept);
// Whether a code of it is of a system that genofed reads, or that a table maps.
bool Concerns(const JsonNode* codeable_concept, const Terminology& terminology);

// The one of several Identifiers that names the thing at its source: a medical record number, then the usual, then the
// official one, then the first; never an old one. Null without any.
const JsonNode* MainIdentifier(const JsonNode& resource);

// Whom a resource is about, by the key of a Reference(Patient): relative or absolute URL, urn, contained resource,
// identifier, or "Patient?identifier=". None, with a finding, when that is nobody.
std::optional<std::uint32_t> SubjectOf(const JsonNode& resource, Collector& out);

// What an Observation says about the thing that its code names.
enum class Answer : std::uint8_t { kPresent, kAbsent, kNotKnown, kMissing, kNotUnderstood, kText };
// From value[x], interpretation and dataAbsentReason of an Observation or of one of its components.
Answer AnswerOf(const JsonNode& observation);
// The meaning of a code or word such as SNOMED 52101004, LOINC LA9633-4, "present", "no"; also OMOP's words.
std::optional<Answer> AnswerOfWord(std::string_view word);

// False, with a finding, when a date member is wrong or lies in the future.
bool DatesAreRight(const JsonNode& resource, std::initializer_list<const char*> members, Collector& out);

}  // namespace genofed::clinical
