// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/beacon/filter.h"
#include "libs/beacon/variant_query.h"
#include "libs/cohort/consequence.h"
#include "libs/core/status.h"
#include "libs/genomics/variant.h"

namespace genofed::discovery {

inline constexpr std::size_t kMaxFilters = 20;
inline constexpr std::size_t kMaxDatasets = 100;
inline constexpr std::size_t kMaxSites = 100;
inline constexpr std::int64_t kMaxRangeBases = 1'000'000;
inline constexpr std::size_t kMaxQueryBases = 10'000;

enum class Entity { kVariant, kIndividual };
// Ascending: an answer is never more detailed than what was asked for.
enum class Granularity { kBoolean, kCount, kRecord };

// How people are distributed (experimental: aggregated granularity).
enum class By { kSex, kAge, kSexByAge };
const char* ByName(By by);  // "sexByAge": an aggregation term of libs/beacon
std::optional<By> ParseBy(std::string_view name);

const char* EntityName(Entity entity);
const char* GranularityName(Granularity granularity);

// Which alleles a query means.
struct VariantPattern {
  enum class Form {
    kExact,    // contig, start, ref, alt
    kAtStart,  // contig, start, alt; any reference bases that begin there
    kRange,    // whatever overlaps [start, end), with ref and alt where given
    kSearch,   // what `search` describes
  };
  Form form = Form::kExact;
  std::optional<genomics::Assembly> assembly;  // none: any
  std::string contig;
  std::int64_t start = 0;  // 0-based
  std::int64_t end = 0;    // exclusive
  std::string ref;         // upper case; empty: any
  std::string alt;
  // By gene, change of a protein, bracket, HGVS, type or length; its contig, if any, is `contig`.
  beacon::VariantQuery search = {};
  // Restrict kRange and kSearch.
  cohort::ConsequenceSet consequences = cohort::kAnyConsequence;
  double below_frequency = std::numeric_limits<double>::infinity();

  // Where a search without a gene has to look; none: everywhere.
  std::optional<beacon::VariantQuery::Window> Region() const;
  // What of the pattern a single allele must meet besides gene, change, consequence, frequency and
  // lying in the region; null: nothing. Valid as long as the pattern.
  using Condition = std::function<bool(std::uint32_t, std::string_view, std::string_view)>;
  Condition OfAllele() const;
};

// A query as it came, before Validate.
struct RawVariant {
  std::string assembly = {};
  std::string contig = {};
  std::int64_t start = 0;
  std::int64_t end = 0;  // 0: not given
  std::string ref = {};
  std::string alt = {};
  std::vector<std::int64_t> start_bracket = {}, end_bracket = {};  // two numbers each, or none
  std::string gene = {}, amino_acid_change = {}, hgvs = {}, type = {};
  std::int64_t min_length = 0, max_length = 0;  // 0: any
  std::vector<std::string> consequences = {};
  double below_frequency = 0;  // 0: any
};

// What must hold of a person: a term, or an age in completed years, both ends included.
struct Filter {
  std::string term;
  bool descendants = true;
  std::optional<std::pair<std::int32_t, std::int32_t>> ages = {};
  // Besides, who has just a term that is so near (libs/beacon/ontology.h).
  beacon::Similarity similarity = beacon::Similarity::kExact;

  std::string Text() const;
  auto operator<=>(const Filter&) const = default;
};
using FilterGroup = std::vector<Filter>;  // one of them holds

struct RawQuery {
  std::optional<Entity> entity;
  std::optional<RawVariant> variant;
  std::vector<FilterGroup> filters;
  std::vector<std::string> datasets;
  Granularity granularity = Granularity::kBoolean;
  std::vector<std::string> sites;
  std::vector<std::string> distributions = {};
};

// Who did not sign in.
inline constexpr std::string_view kAnonymous = "anonymous";
// At the hub: by site, what shows that node whose budget is charged, and no other node.
using AccountTokens = std::map<std::string, std::string>;

// A query that can be answered.
struct Query {
  Entity entity = Entity::kVariant;
  std::optional<VariantPattern> variant;
  std::vector<FilterGroup> filters;   // sorted, each once; all must hold
  std::vector<std::string> datasets;  // empty: all
  Granularity granularity = Granularity::kBoolean;
  std::string account;             // whose budget is charged
  std::vector<std::string> sites;  // at the hub: members to ask; empty: all
  // At the hub, unless the account is kAnonymous; shared by all questions of the account.
  std::shared_ptr<const AccountTokens> account_tokens = {};
  // Besides their number: of individuals, without a condition on variants. Each once.
  std::vector<By> distributions = {};

  // Whether people are counted by what is known of each of them, and not only by the allele they
  // carry: then they must have permitted subject-level queries; otherwise allele frequencies are
  // what they permitted.
  bool IsSubjectLevel() const { return entity == Entity::kIndividual || !filters.empty(); }
  bool Wants(const std::string& dataset) const;
  // Whether it is about alleles that are rarer than something.
  bool AsksRarity() const { return variant && variant->below_frequency <= 1; }
};

// The variant queries of Beacon v2, 0-based and half-open. An exact variant is
// trimmed as those of the index are. Errors: InvalidArgument with the field's name.
Result<Query> Validate(const RawQuery& raw);

// The same query of those for whom one more filter holds.
Query Narrowed(Query query, const Filter& filter);

// One text for all queries that ask the same of a dataset, whatever their granularity and whoever
// asks.
std::string Canonical(const Query& query);

// The filters in words, for people: "NCIT:C16576 AND (HP:0001250 OR OMIM:1) AND age 18-64". Empty
// without filters.
std::string PopulationOf(const Query& query);

// "GOE-FI-DATASET-1" names FI.
bool DatasetNamesCountry(const std::string& dataset, const std::string& country);

}  // namespace genofed::discovery
