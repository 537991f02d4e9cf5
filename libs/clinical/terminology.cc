// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/terminology.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "libs/core/strings.h"

namespace genofed::clinical {

std::string_view HpoTable();
std::string_view DiseaseTable();

namespace {

constexpr std::uint32_t kBlock = 10'000;

Status Wrong(std::int64_t line, std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "TERMINOLOGY_INVALID", "line {}: {}", line, what);
}

// Calls `take(columns, line)` for each line that is neither empty nor a comment.
Status EachRow(std::string_view text, std::size_t columns,
               const std::function<Status(const std::vector<std::string_view>&, std::int64_t)>& take) {
  std::int64_t line = 0;
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.size(), text.find('\n'));
    std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty() || row.front() == '#') continue;
    const auto cells = Split(row, '\t');
    if (cells.size() < columns) return Wrong(line, "too few columns");
    GF_TRY(take(cells, line));
  }
  return absl::OkStatus();
}

bool IsAcyclic(const std::unordered_map<std::uint32_t, std::vector<std::uint32_t>>& parents) {
  // By taking away, again and again, what nothing that is left is a kind of.
  std::unordered_map<std::uint32_t, std::size_t> children;
  for (const auto& [id, above] : parents) {
    children.try_emplace(id);
    for (const std::uint32_t parent : above) ++children[parent];
  }
  std::vector<std::uint32_t> free;
  for (const auto& [id, count] : children) {
    if (count == 0) free.push_back(id);
  }
  std::size_t taken = 0;
  while (!free.empty()) {
    const auto above = parents.find(free.back());
    free.pop_back();
    ++taken;
    if (above == parents.end()) continue;
    for (const std::uint32_t parent : above->second) {
      if (--children[parent] == 0) free.push_back(parent);
    }
  }
  return taken == children.size();
}

std::optional<std::uint32_t> HpoNumber(std::string_view text) {
  if (!text.starts_with("HP:")) return std::nullopt;
  auto code = NormaliseCode("HP", text);
  if (!code) return std::nullopt;
  return static_cast<std::uint32_t>(*ParseInt(*code));
}

std::optional<Predicate> ParsePredicate(std::string_view word) {
  if (word == "exact" || word == "skos:exactMatch") return Predicate::kExact;
  if (word == "broad" || word == "skos:broadMatch") return Predicate::kBroad;
  if (word == "narrow" || word == "skos:narrowMatch") return Predicate::kNarrow;
  if (word == "related" || word == "skos:relatedMatch" || word == "skos:closeMatch") return Predicate::kRelated;
  return std::nullopt;
}

// One of the product's own files; a damaged binary must not go on.
std::string Inflate(std::string_view gzip) {
  GF_CHECK(gzip.size() > 18);
  std::uint32_t size = 0;
  std::memcpy(&size, gzip.data() + gzip.size() - sizeof(size), sizeof(size));  // ISIZE of RFC 1952
  std::string text(size, '\0');
  libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
  GF_CHECK(decompressor != nullptr);
  const auto result =
      libdeflate_gzip_decompress(decompressor, gzip.data(), gzip.size(), text.data(), text.size(), nullptr);
  libdeflate_free_decompressor(decompressor);
  GF_CHECK(result == LIBDEFLATE_SUCCESS);
  return text;
}

}  // namespace

std::string HpoId(std::uint32_t id) { return fmt::format("HP:{:07}", id); }

const Terminology& Terminology::Embedded() {
  static const std::unique_ptr<Terminology> tables = [] {
    auto parsed = Parse(Inflate(HpoTable()), Inflate(DiseaseTable()));
    GF_CHECK(parsed.ok());
    return std::move(parsed).value();
  }();
  return *tables;
}

Result<std::unique_ptr<Terminology>> Terminology::Parse(std::string_view hpo, std::string_view mappings) {
  auto tables = std::make_unique<Terminology>();
  GF_TRY(tables->ParseHpo(hpo));
  GF_TRY(tables->ParseMappings(mappings));
  return tables;
}

Status Terminology::ParseHpo(std::string_view text) {
  constexpr std::string_view kRelease = "#HPO\t";
  if (!text.starts_with(kRelease)) return Wrong(1, "the first line must say #HPO and the release");
  hpo_release_ = Trim(text.substr(kRelease.size(), text.find('\n') - kRelease.size()));
  std::vector<std::pair<std::uint32_t, std::uint32_t>> alternatives;
  GF_TRY(EachRow(text, 5, [&](const std::vector<std::string_view>& row, std::int64_t line) -> Status {
    const auto id = HpoNumber(row[0]);
    if (!id) return Wrong(line, "not an HPO id");
    if (row[2] != "1") {
      hpo_[*id] = {HpoTerm::State::kCurrent, *id};
      hpo_names_[*id] = row[1];
      names_.emplace(ToLower(row[1]), *id);
    } else if (const auto replacement = HpoNumber(row[3])) {
      hpo_[*id] = {HpoTerm::State::kReplaced, *replacement};
    } else {
      hpo_[*id] = {HpoTerm::State::kObsolete, *id};
    }
    for (std::string_view alternative : Split(row[4], '|')) {
      if (const auto other = HpoNumber(alternative)) alternatives.emplace_back(*other, *id);
    }
    if (row.size() < 6 || row[5].empty() || row[2] == "1") return absl::OkStatus();
    for (std::string_view parent : Split(row[5], '|')) {
      const auto number = HpoNumber(parent);
      if (!number) return Wrong(line, "a parent is not an HPO id");
      hpo_parents_[*id].push_back(*number);
    }
    return absl::OkStatus();
  }));
  if (!IsAcyclic(hpo_parents_)) return Wrong(1, "a term is a kind of itself");
  // An alternative id is often an obsolete term as well; the term itself wins where it is current.
  for (const auto& [alternative, primary] : alternatives) {
    HpoTerm& term = hpo_[alternative];
    if (term.state == HpoTerm::State::kUnknown || term.state == HpoTerm::State::kObsolete) {
      term = {HpoTerm::State::kAlternative, primary};
    }
  }
  return absl::OkStatus();
}

Status Terminology::ParseMappings(std::string_view text) {
  GF_TRY(EachRow(text, 3, [&](const std::vector<std::string_view>& row, std::int64_t line) -> Status {
    const auto predicate = ParsePredicate(row[1]);
    if (!predicate) return Wrong(line, "unknown predicate");
    std::string code(row[0]);
    constexpr std::string_view kIcd11 = "icd11.foundation:";
    if (code.starts_with(kIcd11)) code = "ICD11:" + code.substr(kIcd11.size());
    std::string mondo(row[2]);
    if (*predicate == Predicate::kExact) exact_codes_[mondo].push_back(code);
    mappings_[std::move(code)].push_back({*predicate, std::move(mondo)});
    return absl::OkStatus();
  }));
  for (auto& [mondo, codes] : exact_codes_) std::sort(codes.begin(), codes.end());
  return absl::OkStatus();
}

Status Terminology::AddTable(std::string_view table) {
  return EachRow(table, 4, [&](const std::vector<std::string_view>& row, std::int64_t line) -> Status {
    const std::string system = CanonicalSystem(row[0]);
    const auto code = NormaliseCode(system, row[1]);
    const auto predicate = ParsePredicate(Trim(row[2]));
    const auto target = ParseCurie(row[3]);
    if (!code) return Wrong(line, "not a code of that system");
    if (!predicate) return Wrong(line, "the predicate must be exact, broad, narrow or related");
    if (!target) return Wrong(line, "the target must be a code such as HP:0001250 or ORPHA:111");
    mappings_[system + ":" + *code].push_back({*predicate, target->system + ":" + target->code});
    return absl::OkStatus();
  });
}

HpoTerm Terminology::FindHpo(std::uint32_t id) const {
  auto found = hpo_.find(id);
  return found == hpo_.end() ? HpoTerm{} : found->second;
}

bool Terminology::IsNameOfOther(std::string_view label, std::uint32_t id) const {
  auto found = names_.find(ToLower(Trim(label)));
  return found != names_.end() && found->second != id;
}

std::string_view Terminology::HpoName(std::uint32_t id) const {
  const auto found = hpo_names_.find(id);
  return found == hpo_names_.end() ? std::string_view() : found->second;
}

const std::vector<std::uint32_t>& Terminology::HpoParents(std::uint32_t id) const {
  static const std::vector<std::uint32_t> none;
  const auto found = hpo_parents_.find(id);
  return found == hpo_parents_.end() ? none : found->second;
}

std::vector<std::uint32_t> Terminology::HpoTerms() const {
  std::vector<std::uint32_t> ids;
  for (const auto& [id, term] : hpo_) {
    if (term.state == HpoTerm::State::kCurrent) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool Terminology::InAssignedBlock(std::uint32_t id) const {
  const std::uint32_t first = id / kBlock * kBlock;
  for (std::uint32_t other = first; other < first + kBlock; ++other) {
    if (hpo_.contains(other)) return true;
  }
  return false;
}

const std::vector<Mapping>& Terminology::Find(std::string_view system, std::string_view code) const {
  static const std::vector<Mapping> none;
  auto found = mappings_.find(std::string(system) + ":" + std::string(code));
  return found == mappings_.end() ? none : found->second;
}

const std::vector<std::string>& Terminology::ExactCodes(const std::string& mondo) const {
  static const std::vector<std::string> none;
  auto found = exact_codes_.find(mondo);
  return found == exact_codes_.end() ? none : found->second;
}

}  // namespace genofed::clinical
