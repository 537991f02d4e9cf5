// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/people.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libs/core/file.h"
#include "libs/genomics/digest.h"

namespace genofed::cohort {
namespace {

using genomics::Bitmap;

constexpr std::string_view kMagic = "GFPEOPLE";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kDigest = 64;  // hex
constexpr std::size_t kMaxFile = 8ULL << 30;
constexpr std::size_t kFixed = 3 + kPurposes + kMaxAge + 1;
constexpr std::uint32_t kMaxPeople = 1U << 24;

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kDataLoss, "PEOPLE_CORRUPT", "people's columns: {}", what);
}

// For each term, itself and all that it is a kind of.
std::vector<std::vector<std::uint32_t>> Closures(const Ontology& ontology) {
  std::vector<std::vector<std::uint32_t>> closures(ontology.terms.size());
  std::vector<std::uint32_t> seen(ontology.terms.size(), UINT32_MAX);
  for (std::uint32_t term = 0; term < closures.size(); ++term) {
    std::vector<std::uint32_t>& closure = closures[term];
    closure.push_back(term);
    seen[term] = term;
    for (std::size_t i = 0; i < closure.size(); ++i) {
      for (const std::uint32_t parent : ontology.parents[closure[i]]) {
        if (std::exchange(seen[parent], term) != term) closure.push_back(parent);
      }
    }
  }
  return closures;
}

template <typename T>
void Put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
void PutAll(std::string& out, const std::vector<T>& values) {
  Put(out, std::uint64_t{values.size()});
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}
template <typename T>
bool Take(std::string_view& bytes, T* value) {
  if (bytes.size() < sizeof(T)) return false;
  std::memcpy(value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return true;
}
template <typename T>
bool TakeAll(std::string_view& bytes, std::vector<T>* values) {
  std::uint64_t n = 0;
  if (!Take(bytes, &n) || n > bytes.size() / sizeof(T)) return false;
  values->resize(n);
  if (n > 0) std::memcpy(values->data(), bytes.data(), n * sizeof(T));
  bytes.remove_prefix(n * sizeof(T));
  return true;
}

}  // namespace

PeopleBuilder::PeopleBuilder(std::uint32_t n_rows)
    : sex_(n_rows, genomics::Sex::kUnknown), age_(n_rows, -1), purposes_(n_rows) {}

People PeopleBuilder::Finish(const Ontology& ontology) {
  People people;
  people.n_rows_ = static_cast<std::uint32_t>(sex_.size());
  const std::size_t words = people.words();
  people.fixed_.resize(kFixed * words);
  auto set = [&](std::size_t column, std::uint32_t row) {
    people.fixed_[column * words + row / 64] |= 1ULL << (row % 64);
  };
  for (std::uint32_t row = 0; row < people.n_rows_; ++row) {
    set(static_cast<std::size_t>(sex_[row]), row);
    for (std::size_t purpose = 0; purpose < kPurposes; ++purpose) {
      if ((purposes_[row] >> purpose & 1) != 0) set(3 + purpose, row);
    }
    if (age_[row] >= 0) set(3 + kPurposes + static_cast<std::size_t>(age_[row]), row);
  }
  for (std::size_t age = 1; age <= kMaxAge; ++age) {
    std::uint64_t* column = people.fixed_.data() + (3 + kPurposes + age) * words;
    const std::uint64_t* younger = column - words;
    for (std::size_t i = 0; i < words; ++i) column[i] |= younger[i];
  }
  const auto closures = Closures(ontology);
  std::vector<std::vector<std::uint32_t>> members(ontology.terms.size());
  for (const auto& [row, term] : terms_) {
    for (const std::uint32_t implied : closures[term]) {
      if (members[implied].empty() || members[implied].back() != row)
        members[implied].push_back(row);
    }
  }
  for (std::size_t term = 0; term < members.size(); ++term) {
    const std::vector<std::uint32_t>& rows = members[term];
    if (rows.empty()) continue;
    People::Posting posting{static_cast<std::uint32_t>(rows.size()), 0};
    if (people.IsList(posting.members)) {
      posting.place = people.lists_.size();
      people.lists_.insert(people.lists_.end(), rows.begin(), rows.end());
    } else {
      posting.place = people.bits_.size();
      people.bits_.resize(people.bits_.size() + words);
      for (const std::uint32_t row : rows)
        people.bits_[posting.place + row / 64] |= 1ULL << (row % 64);
    }
    people.terms_.emplace(ontology.terms[term], posting);
    members[term] = {};
  }
  return people;
}

std::uint64_t People::Select(const Selection& selection, const Bitmap& live, Bitmap& out) const {
  GF_CHECK(live.size() == n_rows_ && out.size() == n_rows_);
  std::vector<const std::uint64_t*> in = {live.words().data()};
  const std::uint64_t* without = nullptr;
  const Posting* shortest = nullptr;  // of those that are lists
  std::vector<const Posting*> lists;
  std::uint64_t* const to = out.mutable_words().data();
  auto nobody = [&] {
    std::fill(to, to + words(), 0);
    return std::uint64_t{0};
  };
  for (const std::string& term : selection.terms) {
    const auto found = terms_.find(term);
    if (found == terms_.end()) return nobody();
    const Posting& posting = found->second;
    if (!IsList(posting.members)) {
      in.push_back(bits_.data() + posting.place);
      continue;
    }
    lists.push_back(&posting);
    if (shortest == nullptr || posting.members < shortest->members) shortest = &posting;
  }
  if (selection.sex) in.push_back(Sex(*selection.sex));
  for (std::size_t purpose = 0; purpose < kPurposes; ++purpose) {
    if ((selection.purposes >> purpose & 1) != 0) in.push_back(Purpose(purpose));
  }
  if (selection.ages) {
    const auto [first, last] = *selection.ages;
    if (first > last || first > kMaxAge) return nobody();
    in.push_back(AtMost(std::min(last, kMaxAge)));
    if (first > 0) without = AtMost(first - 1);
  }
  if (shortest == nullptr) return BestKernels().intersect(in, without, to, words());
  nobody();
  std::uint64_t count = 0;
  const std::uint32_t* rows = lists_.data() + shortest->place;
  for (std::uint32_t i = 0; i < shortest->members; ++i) {
    const std::uint32_t row = rows[i];
    auto has = [row](const std::uint64_t* set) { return (set[row / 64] >> (row % 64) & 1) != 0; };
    bool selected = std::all_of(in.begin(), in.end(), has) && (without == nullptr || !has(without));
    for (const Posting* list : lists) {
      const std::uint32_t* begin = lists_.data() + list->place;
      selected =
          selected && (list == shortest || std::binary_search(begin, begin + list->members, row));
    }
    if (!selected) continue;
    to[row / 64] |= 1ULL << (row % 64);
    ++count;
  }
  return count;
}

Bitmap People::Select(const Selection& selection, const Bitmap& live) const {
  Bitmap out(n_rows_);
  Select(selection, live, out);
  return out;
}

std::uint64_t People::CountOf(std::string_view term) const {
  const auto found = terms_.find(term);
  return found == terms_.end() ? 0 : found->second.members;
}

std::vector<std::string> People::Terms() const {
  std::vector<std::string> names;
  for (const auto& [name, posting] : terms_) names.push_back(name);
  return names;
}

std::vector<std::array<std::uint64_t, 3>> People::CrossTable(
    const Bitmap& rows, std::span<const std::uint32_t> bounds) const {
  std::vector<std::array<std::uint64_t, 3>> table;
  Bitmap cell(n_rows_);
  for (std::size_t band = 0; band + 1 < bounds.size(); ++band) {
    std::array<std::uint64_t, 3>& counts = table.emplace_back();
    counts = {};
    if (bounds[band + 1] <= bounds[band]) continue;
    Selection selection;
    selection.ages = {bounds[band], bounds[band + 1] - 1};
    for (std::size_t sex = 0; sex < counts.size(); ++sex) {
      selection.sex = static_cast<genomics::Sex>(sex);
      counts[sex] = Select(selection, rows, cell);
    }
  }
  return table;
}

std::uint64_t People::bytes() const {
  return 4 * lists_.size() + 8 * (bits_.size() + fixed_.size());
}

Status People::Write(const std::filesystem::path& path) const {
  std::string out(kMagic);
  Put(out, kVersion);
  Put(out, n_rows_);
  Put(out, std::uint64_t{terms_.size()});
  for (const auto& [name, posting] : terms_) {
    Put(out, static_cast<std::uint16_t>(name.size()));
    out.append(name);
    Put(out, posting.members);
    Put(out, posting.place);
  }
  PutAll(out, lists_);
  PutAll(out, bits_);
  PutAll(out, fixed_);
  return WriteFileAtomically(path, out + genomics::Sha256Hex(out), 0640);
}

Result<People> People::Read(const std::filesystem::path& path) {
  GF_ASSIGN(const std::string file, ReadFile(path, kMaxFile));
  if (file.size() < kMagic.size() + kDigest) return Corrupt("too short");
  std::string_view bytes = std::string_view(file).substr(0, file.size() - kDigest);
  if (genomics::Sha256Hex(bytes) != std::string_view(file).substr(bytes.size()))
    return Corrupt("wrong SHA-256");
  if (!bytes.starts_with(kMagic)) return Corrupt("another format");
  bytes.remove_prefix(kMagic.size());
  People people;
  std::uint32_t version = 0;
  std::uint64_t n_terms = 0;
  if (!Take(bytes, &version) || version != kVersion) return Corrupt("an unknown version");
  if (!Take(bytes, &people.n_rows_) || people.n_rows_ > kMaxPeople || !Take(bytes, &n_terms))
    return Corrupt("the header");
  for (std::uint64_t i = 0; i < n_terms; ++i) {
    std::uint16_t length = 0;
    Posting posting;
    if (!Take(bytes, &length) || bytes.size() < length) return Corrupt("a term");
    std::string name(bytes.substr(0, length));
    bytes.remove_prefix(length);
    if (!Take(bytes, &posting.members) || !Take(bytes, &posting.place)) return Corrupt("a term");
    people.terms_.emplace(std::move(name), posting);
  }
  if (!TakeAll(bytes, &people.lists_) || !TakeAll(bytes, &people.bits_) ||
      !TakeAll(bytes, &people.fixed_) || !bytes.empty() ||
      people.fixed_.size() != kFixed * people.words())
    return Corrupt("a column");
  for (const auto& [name, posting] : people.terms_) {
    const bool list = people.IsList(posting.members);
    const std::uint64_t size = list ? people.lists_.size() : people.bits_.size();
    const std::uint64_t needed = list ? posting.members : people.words();
    if (posting.place > size || needed > size - posting.place) return Corrupt("a term's people");
  }
  for (const std::uint32_t row : people.lists_) {
    if (row >= people.n_rows_) return Corrupt("a person that does not exist");
  }
  return people;
}

}  // namespace genofed::cohort
