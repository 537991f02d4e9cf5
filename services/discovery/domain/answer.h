// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/disclosure/mechanism.h"
#include "libs/genomics/individuals.h"
#include "libs/genomics/variant_names.h"
#include "services/discovery/domain/frequency_table.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// Counts of one allele in one dataset, after disclosure control. Copies of the allele and called
// alleles; people.
struct AlleleAnswer {
  std::string assembly;
  std::string contig;
  std::int64_t start = 0;
  std::string ref;
  std::string alt;
  std::int64_t allele_count = 0;
  std::int64_t allele_number = 0;
  std::int64_t homozygotes = 0;
  std::int64_t heterozygotes = 0;
  // The filters that its people meet, in words; empty: everybody who permits allele frequencies.
  std::string population = {};
  genomics::VariantNames names = {};  // without `not_given`
};

// How people are distributed: cells of those that may be told.
struct Distribution {
  struct Cell {
    std::vector<std::string> values;  // "NCIT:C16576", "P18Y-P39Y"
    std::int64_t count = 0;           // people
  };
  By by = By::kSex;
  std::vector<Cell> cells;
};

struct FilteringTerm {
  std::string id;
  std::string label;
  auto operator<=>(const FilteringTerm&) const = default;
};

// What a cohort knows of a person.
struct IndividualRecord {
  std::string id;  // IndividualId
  genomics::Sex sex = genomics::Sex::kUnknown;
  std::optional<std::int32_t> age_years;
  std::vector<FilteringTerm> terms;
};

// "GOE-FI-DATASET-1.i42": the same in versions that go on from one another, as rows are.
std::string IndividualId(const std::string& dataset, std::uint32_t row);
// None: no individual of the dataset.
std::optional<std::uint32_t> RowOfIndividual(const std::string& dataset, const std::string& id);

struct DatasetAnswer {
  std::string dataset;
  std::int32_t version = 0;
  std::string country;
  bool exists = false;
  std::int64_t count = 0;  // people
  std::vector<AlleleAnswer> alleles;
  disclosure::Precision precision = disclosure::Precision::kExact;
  std::int64_t adjusted_to = 1;
  std::vector<Distribution> distributions = {};
  // A project reads it: the count is exact, and these are the page of its records.
  bool opened = false;
  std::vector<IndividualRecord> individuals = {};
};

// A dataset that is not answered from, because the account's budget is spent.
struct Withheld {
  std::string dataset;
  std::int64_t retry_after_seconds = 0;
};

// Who cannot be asked a question, which is no "no".
struct NotAsked {
  std::string site;     // at the hub
  std::string dataset;  // empty: all that the member has
  std::string reason;   // a stable word
  std::string detail;   // for people; may be empty

  auto operator<=>(const NotAsked&) const = default;
};

enum class MemberState { kAnswered, kTimedOut, kUnreachable, kRefused, kBudgetSpent, kNotAsked };

// "answered", ...: the label of a metric.
const char* MemberStateName(MemberState state);

struct Member {
  std::string site;
  MemberState state = MemberState::kUnreachable;
  std::int32_t milliseconds = 0;
  std::int64_t epoch = 0;
  std::int64_t retry_after_seconds = 0;  // with kBudgetSpent
  // Of a question about rarity: what the member went by, and whether that is not the hub's table.
  std::optional<TableName> table = {};
  bool other_table = false;
};

struct Answer {
  bool exists = false;
  std::int64_t count = 0;
  std::vector<DatasetAnswer> datasets;
  std::vector<Member> members;  // at the hub
  std::int64_t epoch = 0;       // at a node
  std::int32_t minimum_count = 0;
  disclosure::Precision precision = disclosure::Precision::kExact;  // of the count
  std::int64_t adjusted_to = 1;
  std::vector<Withheld> withheld;
  std::vector<NotAsked> not_asked = {};
  // Of a question about rarity, at a node: the network's table that all datasets were asked by;
  // none where they went by the site's own annotations.
  std::optional<TableName> table = {};
  std::vector<TableName> network_tables;  // at the hub: its own, of the assemblies that were used
  bool suppressed =
      false;  // a number was held back; for the node's own log and metrics, never sent
};

}  // namespace genofed::discovery
