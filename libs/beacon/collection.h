// SPDX-License-Identifier: Apache-2.0
//
// The records of one Beacon data folder, indexed for queries. Built once, then immutable and for any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/beacon/entry_type.h"
#include "libs/beacon/filter.h"
#include "libs/beacon/ontology.h"
#include "libs/beacon/variant_query.h"
#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"

namespace genofed::beacon {

inline constexpr std::uint32_t kNoRow = UINT32_MAX;

struct Record {
  std::uint32_t dataset = kNoRow;  // row of the table of datasets; kNoRow: a cohort of the whole folder
  std::string id;
  std::string json;
};

// Rows in the tables of what a record belongs to; kNoRow where that is not said or not there.
struct Links {
  std::uint32_t individual = kNoRow, biosample = kNoRow, run = kNoRow;
};

// One person, or one sample, that carries a variant.
struct Carrier {
  std::uint32_t individual = kNoRow, biosample = kNoRow;
};

struct FilteringTerm {
  std::string type;  // "ontology" or "alphanumeric"
  std::string id;
  std::string label;
  std::set<EntryType> scopes;
  std::vector<std::string> values;  // of an alphanumeric term with few
};

// What of a variant a filter sees: of single carriers and populations (caseLevelData,
// frequencyInPopulations) nothing, for that would tell who carries it; or all.
enum class Look : std::uint8_t { kShared, kAll };

class Collection {
 public:
  class Builder;
  ~Collection();
  Collection(Collection&&) noexcept;

  const std::vector<Record>& records(EntryType type) const { return tables_[Index(type)].records; }
  const std::vector<Record>& datasets() const { return records(EntryType::kDataset); }
  std::size_t people() const { return records(EntryType::kIndividual).size(); }
  const std::vector<Carrier>& carriers(std::uint32_t variant) const { return carriers_[variant]; }
  const VariantFacts& variant(std::uint32_t row) const { return variants_[row]; }
  const Ontology& ontology() const { return ontology_; }
  bool test() const { return test_; }
  // How many people the consent service knows of this folder; one may be an individual of several datasets.
  std::size_t consent_rows() const { return consent_rows_; }
  // Individuals of those people.
  genomics::Bitmap Individuals(const genomics::Bitmap& consent_rows) const;

  genomics::Bitmap All(EntryType type) const { return genomics::Bitmap(records(type).size(), true); }
  // Several datasets may have a record of the same identifier.
  genomics::Bitmap WithId(EntryType type, const std::string& id) const;
  // Errors here and below: those of `ctx` alone, which is looked at every few thousand steps.
  Result<genomics::Bitmap> Variants(const Context& ctx, const VariantQuery& query) const;
  // Records of `type` that a filter matches, whatever its scope says.
  Result<genomics::Bitmap> Matching(const Context& ctx, EntryType type, const Filter& filter,
                                    Look look) const;
  // Whether a filter means something for records of that type, so that none matching is an answer.
  Result<bool> Knows(const Context& ctx, EntryType type, const Filter& filter, Look look) const;
  // Records of type `to` that belong to those of type `from`: samples of people, carriers of variants, ...
  Result<genomics::Bitmap> Linked(const Context& ctx, EntryType from, const genomics::Bitmap& rows,
                                  EntryType to) const;
  // Variants with a carrier among both; a null set does not restrict.
  Result<genomics::Bitmap> CarriedBy(const Context& ctx, const genomics::Bitmap* individuals,
                                     const genomics::Bitmap* biosamples) const;
  // Records of `type` by each of their values at a path, written exactly: "diseases.diseaseCode.id".
  std::map<std::string, genomics::Bitmap> Values(EntryType type, std::string_view path) const;
  // The person behind a record of a person's; kNoRow for variants, datasets and cohorts.
  std::uint32_t PersonOf(EntryType type, std::uint32_t row) const;
  // Whether the question that this filter asks of records of `type` finds somebody.
  using Finds = std::function<Result<bool>(EntryType type, const Filter& filter)>;
  // Terms, fields and values by which something is found, sorted by identifier. With `finds` that
  // alone decides, also about terms that nobody has but as kinds of them: else it would show that
  // somebody has just this one. Without, what somebody of `people` has, or nobody at all (variants
  // without carriers). Of datasets and cohorts what they say themselves.
  Result<std::vector<FilteringTerm>> Terms(const Context& ctx, const std::set<EntryType>& scopes,
                                           const genomics::Bitmap& people, const Finds& finds,
                                           Look look, std::uint32_t dataset = kNoRow) const;

 private:
  struct Cell {
    std::uint32_t row;
    std::uint32_t value;  // in values_
  };
  struct Value {
    std::string text;
    std::optional<double> number, days;
  };
  struct Posting {
    std::vector<std::uint32_t> rows;  // ascending
    std::string label;
  };
  struct Contents {
    // By term that applies: what is excluded does not. Then by their labels, lower case.
    std::map<std::string, Posting, std::less<>> terms;
    std::map<std::string, std::vector<std::uint32_t>, std::less<>> labels;
    // By path: "diseases.ageOfOnset.iso8601duration".
    std::map<std::string, std::vector<Cell>, std::less<>> fields;
  };
  struct Table {
    std::vector<Record> records;
    std::vector<Links> links;
    std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_id;
    Contents shared;
    Contents cases;  // what Look::kShared does not see
  };
  struct Flattener;
  struct Wanted;

  Collection();
  const Table& table(EntryType type) const { return tables_[Index(type)]; }
  std::vector<const Contents*> Seen(EntryType type, Look look) const;
  std::vector<const std::vector<Cell>*> Columns(EntryType type, std::string_view field,
                                                Look look) const;
  Result<genomics::Bitmap> WithField(const Context& ctx, EntryType type, const Filter& filter,
                                     Look look) const;
  Result<genomics::Bitmap> ToPeople(const Context& ctx, EntryType from,
                                    const genomics::Bitmap& rows) const;
  genomics::Bitmap ToDatasets(EntryType from, const genomics::Bitmap& rows) const;
  Result<genomics::Bitmap> ToBiosamples(const Context& ctx, EntryType from,
                                        const genomics::Bitmap& rows) const;
  genomics::Bitmap OfDatasets(const genomics::Bitmap& datasets, EntryType to) const;

  std::array<Table, kEntryTypes> tables_;
  std::vector<Value> values_;
  std::vector<VariantFacts> variants_;
  std::vector<std::vector<Carrier>> carriers_;                   // of each variant
  std::vector<std::vector<std::uint32_t>> carried_;              // variants of each individual
  std::map<std::string, std::vector<std::uint32_t>> by_contig_;  // variants by their start
  std::map<std::string, std::int64_t> longest_;                  // interval on a contig
  std::map<std::string, std::vector<std::uint32_t>> by_gene_;
  std::vector<std::uint32_t> rows_;  // of each individual, at the consent service
  std::size_t consent_rows_ = 0;
  Ontology ontology_;
  bool test_ = false;
};

// Takes the records one by one, in any order of types; links are made at the end. The reader of folders lets through
// neither a record of no dataset nor two of a type with one identifier in a dataset: here either is DataLoss
// COLLECTION_INVALID.
class Collection::Builder {
 public:
  Builder();
  ~Builder();
  void SetOntology(Ontology ontology);
  // The folder holds test data: everybody may see its records.
  void SetTest(bool test);
  // To the consent service, at least: more than have records, when some were forgotten.
  void SetPeopleKnown(std::size_t people);
  // `row`: where the consent service keeps an individual; negative: the place in this collection.
  Status Add(EntryType type, const std::string& dataset, const nlohmann::json& record, std::int32_t row = -1);
  Result<Collection> Finish();

 private:
  struct Pending;
  std::unique_ptr<Pending> pending_;
};

}  // namespace genofed::beacon
