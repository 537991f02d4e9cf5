// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/search.h"

#include <algorithm>
#include <map>

namespace genofed::beacon {
namespace {

using genomics::Bitmap;

class Searcher {
 public:
  Searcher(const Context& ctx, const Collection& collection, const Request& request,
           const Bitmap& permitted, Look look)
      : ctx_(ctx),
        collection_(collection),
        request_(request),
        type_(request.target.type),
        permitted_(permitted),
        look_(look),
        found_{collection.All(type_), permitted} {}

  Result<Found> Run() {
    GF_TRY(Narrow());
    if (request_.variant) {
      GF_ASSIGN(const Bitmap variants, collection_.Variants(ctx_, *request_.variant));
      GF_TRY(Require(EntryType::kVariant, variants));
    }
    GF_TRY(TakeFilters());
    if (type_ == EntryType::kVariant) {
      GF_TRY(FilterCarriers());
      // Carriers of what a parent has are others, too; but it is asked of the parent.
      if (owners_) found_.people.And(*owners_);
    } else {
      for (const auto& [scope, rows] : by_scope_) GF_TRY(Require(scope, rows));
      found_.rows.And(Permitted(type_, collection_.All(type_)));
    }
    if (type_ == EntryType::kIndividual) found_.people = found_.rows;
    return std::move(found_);
  }

 private:
  Result<Bitmap> Linked(EntryType from, const Bitmap& rows, EntryType to) const {
    return collection_.Linked(ctx_, from, rows, to);
  }

  Status Require(EntryType scope, const Bitmap& rows) {
    GF_ASSIGN(const Bitmap linked, Linked(scope, rows, type_));
    found_.rows.And(linked);
    return absl::OkStatus();
  }

  // Without what belongs to people who do not permit it.
  Bitmap Permitted(EntryType type, Bitmap rows) const {
    if (type == EntryType::kIndividual) return rows.And(permitted_);
    if (IsCollection(type) || type == EntryType::kVariant) return rows;
    for (const std::uint32_t row : rows.ToRows()) {
      const std::uint32_t person = collection_.PersonOf(type, row);
      if (person != kNoRow && !permitted_.Test(person)) rows.Clear(row);
    }
    return rows;
  }

  // Identifier, parent and datasets.
  Status Narrow() {
    const Target& target = request_.target;
    if (!target.id.empty()) {
      const EntryType named = target.parent.value_or(type_);
      const Bitmap with_id = Permitted(named, collection_.WithId(named, target.id));
      GF_TRY(Require(named, with_id));
      if (target.parent) {
        GF_ASSIGN(owners_, Linked(named, with_id, EntryType::kIndividual));
      }
    }
    if (request_.datasets.empty()) return absl::OkStatus();
    Bitmap wanted(collection_.datasets().size());
    for (const std::string& id : request_.datasets) wanted.Or(collection_.WithId(EntryType::kDataset, id));
    return Require(EntryType::kDataset, wanted);
  }

  Result<std::vector<EntryType>> ScopesOf(const Filter& filter) const {
    if (filter.scope) return std::vector{*filter.scope};
    GF_ASSIGN(const bool known, collection_.Knows(ctx_, type_, filter, look_));
    if (known) return std::vector{type_};
    std::vector<EntryType> scopes;
    for (const EntryType type : kAllEntryTypes) {
      GF_ASSIGN(const bool there, collection_.Knows(ctx_, type, filter, look_));
      if (there) scopes.push_back(type);
    }
    return scopes;
  }

  Status TakeFilters() {
    for (const FilterGroup& group : request_.filters) {
      std::vector<std::pair<EntryType, Bitmap>> parts;
      for (const Filter& filter : group) {
        GF_ASSIGN(const std::vector<EntryType> scopes, ScopesOf(filter));
        for (const EntryType scope : scopes) {
          GF_ASSIGN(Bitmap matching, collection_.Matching(ctx_, scope, filter, look_));
          parts.emplace_back(scope, Permitted(scope, std::move(matching)));
        }
      }
      const bool one_scope = !parts.empty() && std::all_of(parts.begin(), parts.end(), [&](const auto& part) {
        return part.first == parts.front().first;
      });
      if (one_scope) {
        Bitmap rows(collection_.records(parts.front().first).size());
        for (const auto& part : parts) rows.Or(part.second);
        const auto [held, added] = by_scope_.try_emplace(parts.front().first, rows);
        if (!added) held->second.And(rows);
      } else {
        Bitmap rows(found_.rows.size());
        for (const auto& [scope, matching] : parts) {
          GF_ASSIGN(const Bitmap linked, Linked(scope, matching, type_));
          rows.Or(linked);
        }
        found_.rows.And(rows);
        if (type_ == EntryType::kVariant) {
          GF_ASSIGN(Found::Either either, EitherOf(parts));
          found_.either.push_back(std::move(either));
        }
      }
    }
    return absl::OkStatus();
  }

  Result<Found::Either> EitherOf(const std::vector<std::pair<EntryType, Bitmap>>& parts) const {
    Found::Either either{Bitmap(found_.rows.size()), Bitmap(collection_.people()),
                         Bitmap(collection_.records(EntryType::kBiosample).size())};
    for (const auto& [scope, rows] : parts) {
      if (scope == EntryType::kIndividual) {
        either.people.Or(rows);
        continue;
      }
      const bool of_variants = scope == EntryType::kVariant || IsCollection(scope);
      GF_ASSIGN(const Bitmap linked,
                Linked(scope, rows, of_variants ? EntryType::kVariant : EntryType::kBiosample));
      (of_variants ? either.variants : either.biosamples).Or(linked);
    }
    return either;
  }

  // Variants are found by who carries them: one person, or one sample, meets all conditions.
  Status FilterCarriers() {
    std::optional<Bitmap>& biosamples = found_.biosamples;
    bool people = false;
    for (const auto& [scope, rows] : by_scope_) {
      if (scope == EntryType::kVariant || IsCollection(scope)) {
        GF_TRY(Require(scope, rows));
      } else if (scope == EntryType::kIndividual) {
        found_.people.And(rows);
        people = true;
      } else {
        GF_ASSIGN(Bitmap samples, Linked(scope, rows, EntryType::kBiosample));
        if (biosamples)
          biosamples->And(samples);
        else
          biosamples = std::move(samples);
        GF_ASSIGN(const Bitmap of_people, Linked(scope, rows, EntryType::kIndividual));
        found_.people.And(of_people);
      }
    }
    GF_ASSIGN(Bitmap carried,
              collection_.CarriedBy(ctx_, &found_.people, biosamples ? &*biosamples : nullptr));
    if (!people && !biosamples) {
      // A variant of which only frequencies are known is nobody's.
      for (std::uint32_t row = 0; row < carried.size(); ++row) {
        if (collection_.carriers(row).empty()) carried.Set(row);
      }
    }
    found_.rows.And(carried);
    return absl::OkStatus();
  }

  const Context& ctx_;
  const Collection& collection_;
  const Request& request_;
  const EntryType type_;
  const Bitmap& permitted_;
  const Look look_;
  Found found_;
  std::optional<Bitmap> owners_;  // whom the parent belongs to
  std::map<EntryType, Bitmap> by_scope_;
};

}  // namespace

bool Found::Counts(std::uint32_t variant, const Carrier& carrier) const {
  const auto has = [](const Bitmap& set, std::uint32_t row) {
    return row != kNoRow && set.Test(row);
  };
  if (!has(people, carrier.individual)) return false;
  if (biosamples && !has(*biosamples, carrier.biosample)) return false;
  return std::all_of(either.begin(), either.end(), [&](const Either& one) {
    return one.variants.Test(variant) || has(one.people, carrier.individual) ||
           has(one.biosamples, carrier.biosample);
  });
}

Result<Found> Search(const Context& ctx, const Collection& collection, const Request& request,
                     const Bitmap& permitted, Look look) {
  return Searcher(ctx, collection, request, permitted, look).Run();
}

std::vector<std::uint32_t> RowsOf(const Collection& collection, EntryType type, const Bitmap& rows,
                                  std::uint32_t dataset) {
  std::vector<std::uint32_t> out;
  const auto& records = collection.records(type);
  rows.ForEach([&](std::uint32_t row) {
    if (records[row].dataset == dataset) out.push_back(row);
  });
  return out;
}

}  // namespace genofed::beacon
