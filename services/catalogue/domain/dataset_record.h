// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed::catalogue {

enum class RecordState {
  kWaiting,     // for the national coordinator
  kListed,      // published; at most one version of a dataset
  kReturned,    // sent back with a reason
  kWithdrawn,   // no longer offered; the record stays as a tombstone
  kSuperseded,  // a later version is listed
};

// One point of the inclusion check, which the national coordinator makes before a version is
// listed.
struct InclusionCriterion {
  std::string id;
  std::string title;
  bool required = false;
  bool automatic = false;  // computed by the node: nobody can declare it met
  bool met = false;
  std::string evidence;

  bool operator==(const InclusionCriterion&) const = default;
};

// People whom something is true of, as the node's disclosure control lets be said.
struct PeopleGroup {
  std::string dimension;  // "sex"
  std::string id;         // "NCIT:C16576"
  std::int32_t individuals = 0;

  bool operator==(const PeopleGroup&) const = default;
};

// What the catalogue says about one version of a dataset. Never anything about single individuals.
struct DatasetRecord {
  std::string id;  // "GOE-FI-DATASET-1"
  std::int32_t version = 0;
  std::string country;  // ISO 3166-1 alpha-2, upper case
  std::string title;
  std::string description;
  std::string publisher;
  std::string contact_email;
  std::vector<std::string> keywords;
  std::vector<std::string> data_use;  // DUO codes
  std::string assembly;               // GRCh37 or GRCh38
  std::int32_t individuals = 0;       // rounded down to ten
  std::int64_t sites = 0;
  RecordState state = RecordState::kWaiting;
  Time issued;
  Time modified;
  std::string review_comment;
  std::vector<InclusionCriterion> inclusion;  // at the node only
  std::int32_t base_version = 0;              // that it goes on from; 0: none
  std::string report_sha256;
  std::vector<PeopleGroup> groups;
};

// Everything wrong with the record, as field violations; OK if nothing is. The identifier rule is
// that of the Genome of Europe catalogue: ^(GOE|GDI)-[A-Z]{2}-[A-Z]+-[0-9]+$ with the record's own
// country.
Status Validate(const DatasetRecord& record);

// Writes what the coordinator has seen into the criteria that can be declared. InvalidArgument
// EVIDENCE_INVALID naming the criterion when there is no such one, or it is computed.
Status AddEvidence(DatasetRecord& record, const std::map<std::string, std::string>& evidence);
// FailedPrecondition INCLUSION_UNMET naming every required criterion that is not met.
Status CheckInclusion(const DatasetRecord& record);

// Individuals as published: rounded down to ten, so that two versions do not tell single people
// apart.
std::int32_t PublishedIndividuals(std::int32_t exact);
// Different alleles as published: to two digits, for each person brings some that nobody else has.
std::int64_t PublishedSites(std::int64_t exact);

// Lower-case text in which ListRecords searches.
std::string SearchText(const DatasetRecord& record);

}  // namespace genofed::catalogue
