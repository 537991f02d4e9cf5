// SPDX-License-Identifier: Apache-2.0
//
// Which terms and fields a collection can be filtered by.
#include <algorithm>

#include "libs/beacon/collection.h"

namespace genofed::beacon {
namespace {

constexpr std::size_t kMaxValues = 50;  // of an alphanumeric term; with more, none are listed
constexpr std::size_t kMaxValueBytes = 100;

// Identifiers and free text are no terms.
bool IsTerm(std::string_view path) {
  constexpr std::string_view kNames[] = {"id",         "label",     "individualId",      "biosampleId", "runId",
                                         "analysisId", "datasetId", "variantInternalId", "notes",       "description",
                                         "name",       "type",      "excluded"};
  constexpr std::string_view kPrefixes[] = {"variation",   "identifiers",      "info",  "pedigrees",
                                            "externalUrl", "collectionEvents", "length"};
  const std::string_view name = path.substr(path.rfind('.') + 1);
  return path.find(':') == std::string_view::npos &&
         std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames) &&
         std::none_of(std::begin(kPrefixes), std::end(kPrefixes),
                      [&](std::string_view prefix) { return path.starts_with(prefix); });
}

Filter TermFilter(const std::string& id) {
  Filter filter;
  filter.id = id;
  return filter;
}

Filter ValueFilter(const std::string& path, const std::string& value) {
  Filter filter;
  filter.id = path;
  filter.op = Operator::kEqual;
  filter.value = value;
  return filter;
}

}  // namespace

Result<std::vector<FilteringTerm>> Collection::Terms(const Context& ctx,
                                                     const std::set<EntryType>& scopes,
                                                     const genomics::Bitmap& permitted,
                                                     const Finds& finds, Look look,
                                                     std::uint32_t dataset) const {
  std::map<std::string, FilteringTerm> terms;
  const auto shown = [&](EntryType type, const genomics::Bitmap& rows,
                         const Filter& filter) -> Result<bool> {
    GF_TRY(ctx.Alive());
    if (IsCollection(type)) return rows.Count() > 0;
    if (finds) return finds(type, filter);
    if (rows.Count() == 0) return false;
    GF_ASSIGN(genomics::Bitmap with, Linked(ctx, type, rows, EntryType::kIndividual));
    if (type == EntryType::kVariant && with.Count() == 0) return true;
    return with.And(permitted).Count() > 0;
  };
  const auto list = [&](const std::string& id, EntryType type, const std::string& label) {
    FilteringTerm& term = terms[id];
    term.type = "ontology";
    term.id = id;
    if (term.label.empty()) term.label = label;
    term.scopes.insert(type);
  };
  for (const EntryType type : scopes) {
    const auto& records = this->records(type);
    const auto here = [&](std::uint32_t row) {
      return dataset == kNoRow || records[row].dataset == dataset || records[row].dataset == kNoRow;
    };
    std::vector<std::string> own;
    for (const Contents* contents : Seen(type, look)) {
      for (const auto& [id, posting] : contents->terms) {
        genomics::Bitmap rows(records.size());
        for (const std::uint32_t row : posting.rows) {
          if (here(row)) rows.Set(row);
        }
        GF_ASSIGN(const bool listed, shown(type, rows, TermFilter(id)));
        if (listed) list(id, type, posting.label);
        own.push_back(id);
      }
    }
    if (finds && !IsCollection(type)) {
      std::set<std::string> above = ontology_.WithAncestors(own);
      for (const std::string& id : own) above.erase(id);
      for (const std::string& id : above) {
        GF_ASSIGN(const bool listed, shown(type, genomics::Bitmap(records.size()), TermFilter(id)));
        if (listed) list(id, type, "");
      }
    }
    for (const auto& [path, cells] : table(type).shared.fields) {
      if (!IsTerm(path)) continue;
      std::map<std::uint32_t, genomics::Bitmap> by_value;
      genomics::Bitmap rows(records.size());
      for (const Cell& cell : cells) {
        if (!here(cell.row)) continue;
        rows.Set(cell.row);
        if (by_value.size() <= kMaxValues) by_value.try_emplace(cell.value, records.size()).first->second.Set(cell.row);
      }
      GF_ASSIGN(const bool listed, shown(type, rows, ValueFilter(path, "%")));
      if (!listed) continue;
      FilteringTerm& term = terms[path];
      term.type = "alphanumeric";
      term.id = path;
      term.scopes.insert(type);
      if (by_value.size() > kMaxValues) continue;
      for (const auto& [value, having] : by_value) {
        const std::string& text = values_[value].text;
        if (text.size() > kMaxValueBytes ||
            std::find(term.values.begin(), term.values.end(), text) != term.values.end())
          continue;
        GF_ASSIGN(const bool named, shown(type, having, ValueFilter(path, text)));
        if (named) term.values.push_back(text);
      }
    }
  }
  std::vector<FilteringTerm> out;
  for (auto& [id, term] : terms) {
    std::sort(term.values.begin(), term.values.end());
    out.push_back(std::move(term));
  }
  return out;
}

}  // namespace genofed::beacon
