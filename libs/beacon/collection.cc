// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/collection.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "libs/beacon/duration.h"
#include "libs/beacon/json_values.h"
#include "libs/core/strings.h"

namespace genofed::beacon {
namespace {

using genomics::Bitmap;
using nlohmann::json;

// Where a time of life stands in the entities of the model.
constexpr std::array<std::string_view, 8> kAgeFields = {
    "age",   "ageOfOnset",        "ageAtOnset",      "ageAtExposure", "ageAtProcedure",
    "onset", "observationMoment", "collectionMoment"};
// What a field of an object is compared with.
constexpr std::array<std::string_view, 8> kLeaves = {
    "",    ".iso8601duration", ".age.iso8601duration", ".label",
    ".id", ".value",           ".quantity.value",      ".measurementValue.value"};

bool IsOfCases(EntryType type, std::string_view member) {
  return type == EntryType::kVariant &&
         (member == "caseLevelData" || member == "frequencyInPopulations");
}

bool IsCurie(std::string_view id) {
  const auto colon = id.find(':');
  return colon != std::string_view::npos && colon >= 2 && colon + 1 < id.size();
}

// `pattern` is lower case; % stands for any characters.
bool Like(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

template <typename T>
bool Holds(Operator op, const T& left, const T& right) {
  switch (op) {
    case Operator::kLess:
      return left < right;
    case Operator::kGreater:
      return left > right;
    case Operator::kGreaterEqual:
      return left >= right;
    case Operator::kLessEqual:
      return left <= right;
    default:
      return left == right;
  }
}

std::string TextMember(const json& object, const char* name) {
  const json* value = Member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// Looks at the deadline now and then while something long is gone through.
class Looks {
 public:
  explicit Looks(const Context& ctx) : ctx_(ctx) {}

  // Before so many steps more. False once nobody waits any more.
  bool Alive(std::size_t steps = 1) {
    constexpr std::size_t kBetween = 4096;
    if (status_.ok() && to_go_ <= 0) {
      status_ = ctx_.Alive();
      to_go_ = kBetween;
    }
    to_go_ -= static_cast<std::int64_t>(steps);
    return status_.ok();
  }
  const Status& status() const { return status_; }

 private:
  const Context& ctx_;
  Status status_;
  std::int64_t to_go_ = 0;
};

void Append(std::vector<std::uint32_t>& rows, std::uint32_t row) {
  if (rows.empty() || rows.back() != row) rows.push_back(row);
}

}  // namespace

// Takes a record apart into terms and fields.
struct Collection::Flattener {
  Collection& collection;
  EntryType type;
  Table& table;
  std::unordered_map<std::string, std::uint32_t>& interned;
  std::uint32_t row;
  Contents* contents = &table.shared;  // where what is found just now belongs

  std::uint32_t Intern(std::string text, std::optional<double> number) {
    // A number and its text are the same value: filters arrive as text.
    const auto [found, added] = interned.try_emplace(text, static_cast<std::uint32_t>(collection.values_.size()));
    if (added) {
      if (!number) number = NumberOf(text);
      const auto days = DurationDays(text);
      collection.values_.push_back({std::move(text), number, days});
    }
    return found->second;
  }

  void Cell(const std::string& path, const json& value) {
    if (value.is_null()) return;
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    const auto number = value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
    contents->fields[path].push_back({row, Intern(std::move(text), number)});
  }

  void Term(const json& object) {
    const std::string id = TextMember(object, "id");
    if (!IsCurie(id)) return;
    Posting& posting = contents->terms[id];
    Append(posting.rows, row);
    const std::string label = TextMember(object, "label");
    if (label.empty()) return;
    if (posting.label.empty()) posting.label = label;
    Append(contents->labels[ToLower(label)], row);
  }

  // A measurement is found by what was measured: {"id": "LOINC:39156-5", "operator": ">", "value": "30"}.
  void Measurement(const json& object) {
    const json* assay = Member(object, "assayCode");
    const json* measured = Member(object, "measurementValue");
    if (assay == nullptr || measured == nullptr) return;
    if (const json* value = Member(*measured, "value"); value != nullptr) {
      for (const char* name : {"id", "label"}) {
        if (const std::string text = TextMember(*assay, name); !text.empty()) Cell(text, *value);
      }
    }
    const json* parts = Member(*measured, "typedQuantities");
    if (parts == nullptr || !parts->is_array()) return;
    for (const json& part : *parts) {
      const json* quantity = Member(part, "quantity");
      const json* kind = Member(part, "quantityType");
      const json* value = quantity != nullptr ? Member(*quantity, "value") : nullptr;
      if (value != nullptr && kind != nullptr) Cell(TextMember(*kind, "id"), *value);
    }
  }

  void Walk(const json& value, const std::string& path, bool applies, bool top) {
    if (value.is_array()) {
      for (const json& one : value) Walk(one, path, applies, false);
      return;
    }
    if (!value.is_object()) return Cell(path, value);
    // A feature that was looked for and not found is no feature.
    if (const json* excluded = Member(value, "excluded"); excluded != nullptr && *excluded == true) applies = false;
    if (applies && !top) Term(value);
    if (!top) Measurement(value);
    for (const auto& [name, member] : value.items()) {
      if (top) contents = IsOfCases(type, name) ? &table.cases : &table.shared;
      Walk(member, path.empty() ? name : path + "." + name, applies, false);
    }
  }
};

struct Collection::Builder::Pending {
  struct References {
    std::string individual, biosample, run;
    std::vector<std::pair<std::string, std::string>> carriers;  // individual and biosample
  };
  Collection collection;
  std::unordered_map<std::string, std::uint32_t> interned;
  std::unordered_map<std::string, std::uint32_t> datasets;
  std::array<std::vector<References>, kEntryTypes> references;
  std::array<std::vector<std::string>, kEntryTypes> owners;  // datasets by name until all are known

  std::uint32_t Find(EntryType type, std::uint32_t dataset, const std::string& id) const {
    if (id.empty()) return kNoRow;
    const auto& by_id = collection.table(type).by_id;
    const auto found = by_id.find(id);
    if (found == by_id.end()) return kNoRow;
    for (const std::uint32_t row : found->second) {
      if (collection.records(type)[row].dataset == dataset) return row;
    }
    return kNoRow;
  }
  Status Place(EntryType type);
  void Link(EntryType type);
  void LinkCarriers();
  void IndexVariants();
  void CompleteOntology();
};

Collection::Collection() = default;
Collection::~Collection() = default;
Collection::Collection(Collection&&) noexcept = default;
Collection::Builder::Builder() : pending_(new Pending{Collection(), {}, {}, {}, {}}) {}
Collection::Builder::~Builder() = default;

void Collection::Builder::SetOntology(Ontology ontology) { pending_->collection.ontology_ = std::move(ontology); }
void Collection::Builder::SetTest(bool test) { pending_->collection.test_ = test; }
void Collection::Builder::SetPeopleKnown(std::size_t people) { pending_->collection.consent_rows_ = people; }

Status Collection::Builder::Add(EntryType type, const std::string& dataset, const json& record,
                                std::int32_t consent_row) {
  Collection& collection = pending_->collection;
  Table& table = collection.tables_[Index(type)];
  const auto row = static_cast<std::uint32_t>(table.records.size());
  std::string id = TextMember(record, std::string(Facts(type).id_field).c_str());
  if (type == EntryType::kIndividual) {
    collection.rows_.push_back(consent_row < 0 ? row : static_cast<std::uint32_t>(consent_row));
    collection.consent_rows_ =
        std::max<std::size_t>(collection.consent_rows_, collection.rows_.back() + std::size_t{1});
  }
  if (type == EntryType::kVariant) {
    GF_ASSIGN(VariantFacts facts, ReadVariantFacts(record));
    collection.variants_.push_back(std::move(facts));
  }
  Pending::References references{
      TextMember(record, "individualId"), TextMember(record, "biosampleId"), TextMember(record, "runId"), {}};
  if (const json* cases = Member(record, "caseLevelData"); cases != nullptr && cases->is_array()) {
    for (const json& one : *cases)
      references.carriers.emplace_back(TextMember(one, "individualId"), TextMember(one, "biosampleId"));
  }
  Flattener flattener{collection, type, table, pending_->interned, row};
  flattener.Walk(record, "", true, true);
  table.by_id[id].push_back(row);
  table.records.push_back({kNoRow, std::move(id), record.dump(-1, ' ', false, json::error_handler_t::replace)});
  pending_->references[Index(type)].push_back(std::move(references));
  pending_->owners[Index(type)].push_back(dataset);
  return absl::OkStatus();
}

// Which dataset each record is of, and that nothing is there twice.
Status Collection::Builder::Pending::Place(EntryType type) {
  Table& table = collection.tables_[Index(type)];
  for (std::uint32_t row = 0; row < table.records.size(); ++row) {
    const std::string& name = owners[Index(type)][row];
    if (name.empty() && type == EntryType::kCohort) continue;
    const auto found = datasets.find(name);
    if (found == datasets.end()) return Error(StatusCode::kDataLoss, "COLLECTION_INVALID", "a record is of no dataset");
    table.records[row].dataset = found->second;
  }
  for (const auto& [id, rows] : table.by_id) {
    std::set<std::uint32_t> seen;
    for (const std::uint32_t row : rows) {
      if (!seen.insert(table.records[row].dataset).second)
        return Error(StatusCode::kDataLoss, "COLLECTION_INVALID", "two records have the same identifier");
    }
  }
  return absl::OkStatus();
}

void Collection::Builder::Pending::Link(EntryType type) {
  Table& table = collection.tables_[Index(type)];
  table.links.resize(table.records.size());
  for (std::uint32_t row = 0; row < table.records.size(); ++row) {
    const std::uint32_t dataset = table.records[row].dataset;
    const References& named = references[Index(type)][row];
    Links& links = table.links[row];
    links.run = type == EntryType::kRun ? row : Find(EntryType::kRun, dataset, named.run);
    links.biosample = type == EntryType::kBiosample ? row : Find(EntryType::kBiosample, dataset, named.biosample);
    links.individual = type == EntryType::kIndividual ? row : Find(EntryType::kIndividual, dataset, named.individual);
    if (links.individual == kNoRow && links.biosample != kNoRow && type != EntryType::kBiosample)
      links.individual = collection.table(EntryType::kBiosample).links[links.biosample].individual;
  }
}

void Collection::Builder::Pending::LinkCarriers() {
  const auto& biosamples = collection.table(EntryType::kBiosample).links;
  collection.carriers_.resize(collection.variants_.size());
  collection.carried_.resize(collection.people());
  for (std::uint32_t row = 0; row < collection.variants_.size(); ++row) {
    const std::uint32_t dataset = collection.records(EntryType::kVariant)[row].dataset;
    for (const auto& [individual, biosample] : references[Index(EntryType::kVariant)][row].carriers) {
      Carrier carrier{Find(EntryType::kIndividual, dataset, individual),
                      Find(EntryType::kBiosample, dataset, biosample)};
      if (carrier.individual == kNoRow && carrier.biosample != kNoRow)
        carrier.individual = biosamples[carrier.biosample].individual;
      collection.carriers_[row].push_back(carrier);
      if (carrier.individual != kNoRow) Append(collection.carried_[carrier.individual], row);
    }
  }
}

void Collection::Builder::Pending::IndexVariants() {
  for (std::uint32_t row = 0; row < collection.variants_.size(); ++row) {
    const VariantFacts& facts = collection.variants_[row];
    for (const std::string& gene : facts.genes) Append(collection.by_gene_[gene], row);
    if (facts.contig.empty()) continue;
    collection.by_contig_[facts.contig].push_back(row);
    auto& longest = collection.longest_[facts.contig];
    longest = std::max(longest, facts.end - facts.start);
  }
  for (auto& [contig, rows] : collection.by_contig_) {
    std::stable_sort(rows.begin(), rows.end(), [this](std::uint32_t a, std::uint32_t b) {
      return collection.variants_[a].start < collection.variants_[b].start;
    });
  }
}

void Collection::Builder::Pending::CompleteOntology() {
  std::vector<std::string> terms;
  for (const Table& table : collection.tables_) {
    for (const Contents* contents : {&table.shared, &table.cases}) {
      for (const auto& [term, posting] : contents->terms) terms.push_back(term);
    }
  }
  collection.ontology_.AddHpo(std::move(terms));
}

Result<Collection> Collection::Builder::Finish() {
  Pending& pending = *pending_;
  Table& datasets = pending.collection.tables_[Index(EntryType::kDataset)];
  for (std::uint32_t row = 0; row < datasets.records.size(); ++row) pending.datasets[datasets.records[row].id] = row;
  for (const EntryType type : kAllEntryTypes) GF_TRY(pending.Place(type));
  // In this order: each goes by the links of those before it.
  for (const EntryType type : {EntryType::kIndividual, EntryType::kBiosample, EntryType::kRun, EntryType::kAnalysis,
                               EntryType::kVariant, EntryType::kCohort, EntryType::kDataset})
    pending.Link(type);
  pending.LinkCarriers();
  pending.IndexVariants();
  pending.CompleteOntology();
  return std::move(pending.collection);
}

Bitmap Collection::Individuals(const Bitmap& consent_rows) const {
  Bitmap out(people());
  for (std::uint32_t individual = 0; individual < rows_.size(); ++individual) {
    if (consent_rows.Test(rows_[individual])) out.Set(individual);
  }
  return out;
}

Bitmap Collection::WithId(EntryType type, const std::string& id) const {
  const auto found = table(type).by_id.find(id);
  return found == table(type).by_id.end() ? Bitmap(records(type).size())
                                          : Bitmap::FromRows(records(type).size(), found->second);
}

Result<Bitmap> Collection::Variants(const Context& ctx, const VariantQuery& query) const {
  Bitmap out(variants_.size());
  Looks looks(ctx);
  // False once nobody waits any more.
  const auto take = [&](std::uint32_t row) {
    if (!looks.Alive()) return false;
    if (query.Matches(variants_[row])) out.Set(row);
    return true;
  };
  if (const auto window = query.Region()) {
    const auto contig = by_contig_.find(query.contig);
    if (contig == by_contig_.end()) return out;
    const auto& rows = contig->second;
    const std::int64_t reach = longest_.at(query.contig) + 1;
    auto row = std::lower_bound(rows.begin(), rows.end(), window->begin - reach,
                                [this](std::uint32_t a, std::int64_t start) { return variants_[a].start < start; });
    while (row != rows.end() && variants_[*row].start < window->end && take(*row)) ++row;
  } else if (!query.gene.empty()) {
    const auto of_gene = by_gene_.find(query.gene);
    for (std::size_t i = 0; of_gene != by_gene_.end() && i < of_gene->second.size(); ++i) {
      if (!take(of_gene->second[i])) break;
    }
  } else {
    std::uint32_t row = 0;
    while (row < variants_.size() && take(row)) ++row;
  }
  GF_TRY(looks.status());
  return out;
}

// The columns a filter's field can mean: that path, else every path that ends in it; or of an object there what it
// says.
std::vector<const std::vector<Collection::Cell>*> Collection::Columns(EntryType type,
                                                                      std::string_view field,
                                                                      Look look) const {
  std::vector<const std::vector<Cell>*> columns;
  if (field.empty()) return columns;
  const auto all_that = [&](const auto& is_meant) {
    for (const Contents* contents : Seen(type, look)) {
      for (const auto& [path, cells] : contents->fields) {
        if (is_meant(path)) columns.push_back(&cells);
      }
    }
  };
  if (IsAge(field)) {
    all_that([](const std::string& path) {
      const auto parts = Split(path, '.');
      return std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
        return std::find(kAgeFields.begin(), kAgeFields.end(), part) != kAgeFields.end();
      });
    });
    return columns;
  }
  for (const Contents* contents : Seen(type, look)) {
    for (const std::string_view leaf : kLeaves) {
      const auto found = contents->fields.find(std::string(field) + std::string(leaf));
      if (found != contents->fields.end()) columns.push_back(&found->second);
    }
  }
  if (!columns.empty()) return columns;
  all_that([&](const std::string& path) {
    return std::any_of(kLeaves.begin(), kLeaves.end(), [&](std::string_view leaf) {
      return path.ends_with("." + std::string(field) + std::string(leaf));
    });
  });
  return columns;
}

std::vector<const Collection::Contents*> Collection::Seen(EntryType type, Look look) const {
  std::vector<const Contents*> seen = {&table(type).shared};
  if (look == Look::kAll) seen.push_back(&table(type).cases);
  return seen;
}

// What a filter compares values with.
struct Collection::Wanted : Operand {
  explicit Wanted(const Filter& filter) : Operand(filter), op(filter.op) {}

  bool Meets(const Value& value) const {
    if (days) return value.days && Holds(op, *value.days, *days);
    if (number && value.number) return Holds(op, *value.number, *number);
    const std::string found = ToLower(value.text);
    if (op == Operator::kEqual || op == Operator::kNot) return Like(text, found);
    // Dates and other words in order; a number is neither before nor behind a word.
    return !number && !value.number && Holds(op, found, text);
  }

  const Operator op;
};

Result<Bitmap> Collection::WithField(const Context& ctx, EntryType type, const Filter& filter,
                                     Look look) const {
  enum class Verdict : std::uint8_t { kOpen, kMeets, kDoesNot };
  const std::size_t size = records(type).size();
  Bitmap matching(size), valued(size);
  const auto columns = Columns(type, filter.id, look);
  const Wanted wanted(filter);
  // Many cells have the same value: each is compared once.
  std::vector<Verdict> verdicts(columns.empty() ? 0 : values_.size());
  Looks looks(ctx);
  for (const std::vector<Cell>* column : columns) {
    for (const Cell& cell : *column) {
      if (!looks.Alive()) return looks.status();
      Verdict& verdict = verdicts[cell.value];
      if (verdict == Verdict::kOpen)
        verdict = wanted.Meets(values_[cell.value]) ? Verdict::kMeets : Verdict::kDoesNot;
      valued.Set(cell.row);
      if (verdict == Verdict::kMeets) matching.Set(cell.row);
    }
  }
  // Not: has values, and none of them is that. What is not known is not known to differ.
  return filter.op == Operator::kNot ? valued.AndNot(matching) : matching;
}

Result<Bitmap> Collection::Matching(const Context& ctx, EntryType type, const Filter& filter,
                                    Look look) const {
  if (filter.op != Operator::kNone) return WithField(ctx, type, filter, look);
  Bitmap out(records(type).size());
  const auto take = [&](const std::vector<std::uint32_t>& rows) {
    for (const std::uint32_t row : rows) out.Set(row);
  };
  const auto colon = filter.id.find(':');
  if (colon == std::string::npos) {
    for (const Contents* contents : Seen(type, look)) {
      const auto found = contents->labels.find(ToLower(filter.id));
      if (found != contents->labels.end()) take(found->second);
    }
    return out;
  }
  for (const std::string& term :
       ontology_.Expand(filter.id, filter.descendants, filter.similarity)) {
    GF_TRY(ctx.Alive());
    for (const Contents* contents : Seen(type, look)) {
      if (const auto found = contents->terms.find(term); found != contents->terms.end())
        take(found->second.rows);
    }
  }
  // "sampleOriginType:blood": a custom filter.
  Filter field = filter;
  field.id = filter.id.substr(0, colon);
  field.value = filter.id.substr(colon + 1);
  field.op = Operator::kEqual;
  GF_ASSIGN(const Bitmap with_field, WithField(ctx, type, field, look));
  return out.Or(with_field);
}

Result<bool> Collection::Knows(const Context& ctx, EntryType type, const Filter& filter,
                               Look look) const {
  if (filter.op != Operator::kNone) return !Columns(type, filter.id, look).empty();
  GF_ASSIGN(const Bitmap matching, Matching(ctx, type, filter, look));
  return matching.Count() > 0;
}

std::map<std::string, Bitmap> Collection::Values(EntryType type, std::string_view path) const {
  std::map<std::string, Bitmap> out;
  const auto& fields = table(type).shared.fields;
  const auto column = fields.find(path);
  if (column == fields.end()) return out;
  for (const Cell& cell : column->second)
    out.try_emplace(values_[cell.value].text, records(type).size()).first->second.Set(cell.row);
  return out;
}

std::uint32_t Collection::PersonOf(EntryType type, std::uint32_t row) const {
  return table(type).links[row].individual;
}

Result<Bitmap> Collection::ToPeople(const Context& ctx, EntryType from, const Bitmap& rows) const {
  if (from == EntryType::kIndividual) return rows;
  Bitmap out(people());
  if (from == EntryType::kVariant) {
    Looks looks(ctx);
    rows.ForEach([&](std::uint32_t row) {
      if (!looks.Alive(carriers_[row].size() + 1)) return;
      for (const Carrier& carrier : carriers_[row]) {
        if (carrier.individual != kNoRow) out.Set(carrier.individual);
      }
    });
    GF_TRY(looks.status());
  } else {
    rows.ForEach([&](std::uint32_t row) {
      if (const std::uint32_t person = PersonOf(from, row); person != kNoRow) out.Set(person);
    });
  }
  return out;
}

Result<Bitmap> Collection::ToBiosamples(const Context& ctx, EntryType from,
                                        const Bitmap& rows) const {
  if (from == EntryType::kBiosample) return rows;
  const auto& biosamples = table(EntryType::kBiosample).links;
  Bitmap out(biosamples.size());
  const auto all_of = [&](const Bitmap& people) {
    for (std::uint32_t row = 0; row < biosamples.size(); ++row) {
      if (biosamples[row].individual != kNoRow && people.Test(biosamples[row].individual)) out.Set(row);
    }
  };
  if (from == EntryType::kIndividual) {
    all_of(rows);
  } else if (from == EntryType::kVariant) {
    Bitmap others(people());  // carriers of whom the sample is not said
    Looks looks(ctx);
    rows.ForEach([&](std::uint32_t row) {
      if (!looks.Alive(carriers_[row].size() + 1)) return;
      for (const Carrier& carrier : carriers_[row]) {
        if (carrier.biosample != kNoRow)
          out.Set(carrier.biosample);
        else if (carrier.individual != kNoRow)
          others.Set(carrier.individual);
      }
    });
    GF_TRY(looks.status());
    all_of(others);
  } else {
    rows.ForEach([&](std::uint32_t row) {
      if (const std::uint32_t biosample = table(from).links[row].biosample; biosample != kNoRow) out.Set(biosample);
    });
  }
  return out;
}

Bitmap Collection::ToDatasets(EntryType from, const Bitmap& rows) const {
  if (from == EntryType::kDataset) return rows;
  Bitmap out(datasets().size());
  rows.ForEach([&](std::uint32_t row) {
    const std::uint32_t dataset = records(from)[row].dataset;
    if (dataset != kNoRow)
      out.Set(dataset);
    else
      out = All(EntryType::kDataset);
  });
  return out;
}

Bitmap Collection::OfDatasets(const Bitmap& chosen, EntryType to) const {
  if (to == EntryType::kDataset) return chosen;
  Bitmap out(records(to).size());
  for (std::uint32_t row = 0; row < records(to).size(); ++row) {
    const std::uint32_t dataset = records(to)[row].dataset;
    if (dataset == kNoRow ? chosen.Count() > 0 : chosen.Test(dataset)) out.Set(row);
  }
  return out;
}

Result<Bitmap> Collection::CarriedBy(const Context& ctx, const Bitmap* individuals,
                                     const Bitmap* biosamples) const {
  Bitmap out(variants_.size());
  Looks looks(ctx);
  for (std::uint32_t row = 0; row < variants_.size(); ++row) {
    if (!looks.Alive(carriers_[row].size() + 1)) return looks.status();
    const bool carried = std::any_of(carriers_[row].begin(), carriers_[row].end(), [&](const Carrier& carrier) {
      if (individuals != nullptr && (carrier.individual == kNoRow || !individuals->Test(carrier.individual)))
        return false;
      return biosamples == nullptr || (carrier.biosample != kNoRow && biosamples->Test(carrier.biosample));
    });
    if (carried) out.Set(row);
  }
  return out;
}

Result<Bitmap> Collection::Linked(const Context& ctx, EntryType from, const Bitmap& rows,
                                  EntryType to) const {
  if (from == to) return rows;
  if (IsCollection(from) || IsCollection(to)) return OfDatasets(ToDatasets(from, rows), to);
  if (to == EntryType::kIndividual) return ToPeople(ctx, from, rows);
  if (to == EntryType::kBiosample) return ToBiosamples(ctx, from, rows);
  if (to == EntryType::kVariant) {
    if (from == EntryType::kIndividual) return CarriedBy(ctx, &rows, nullptr);
    GF_ASSIGN(const Bitmap biosamples, ToBiosamples(ctx, from, rows));
    return CarriedBy(ctx, nullptr, &biosamples);
  }
  // Runs and analyses: of the same run where that is said, else of the same sample or person.
  Bitmap out(records(to).size());
  const auto& links = table(to).links;
  if (from == EntryType::kIndividual) {
    for (std::uint32_t row = 0; row < links.size(); ++row) {
      if (links[row].individual != kNoRow && rows.Test(links[row].individual)) out.Set(row);
    }
    return out;
  }
  if (from == EntryType::kAnalysis) {
    rows.ForEach([&](std::uint32_t row) {
      if (const std::uint32_t run = table(from).links[row].run; run != kNoRow) out.Set(run);
    });
    return out;
  }
  GF_ASSIGN(const Bitmap biosamples, ToBiosamples(ctx, from, rows));
  for (std::uint32_t row = 0; row < links.size(); ++row) {
    const bool by_run = from == EntryType::kRun && links[row].run != kNoRow;
    if (by_run ? rows.Test(links[row].run) : links[row].biosample != kNoRow && biosamples.Test(links[row].biosample))
      out.Set(row);
  }
  return out;
}

}  // namespace genofed::beacon
