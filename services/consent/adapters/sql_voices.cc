// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "services/consent/adapters/sql_rows.h"
#include "services/consent/adapters/voices_cache.h"
#include "services/consent/app/rules.h"

namespace genofed::consent {
namespace {

// Several rows for a person of whom several records speak.
constexpr char kEverybody[] =
    "SELECT r.slot, r.pseudonym IS NOT NULL, s.slot, s.adult_at, s.died_at, s.erased, t.source, "
    "t.permits, t.denies, t.valid_from, t.valid_until, t.terms "
    "FROM dataset_rows r JOIN subjects s ON s.id = r.subject "
    "LEFT JOIN statements t ON t.subject = r.subject AND (t.source <> 'holder' OR t.name = "
    "r.dataset) WHERE r.dataset = $1 AND r.version = $2 ORDER BY r.slot";
constexpr char kThese[] =
    "SELECT r.slot, r.pseudonym IS NOT NULL, s.slot, s.adult_at, s.died_at, s.erased, t.source, "
    "t.permits, t.denies, t.valid_from, t.valid_until, t.terms "
    "FROM dataset_rows r JOIN subjects s ON s.id = r.subject "
    "LEFT JOIN statements t ON t.subject = r.subject AND (t.source <> 'holder' OR t.name = "
    "r.dataset) WHERE r.dataset = $1 AND r.version = $2 AND r.subject = ANY($3::bigint[]) "
    "ORDER BY r.slot";
constexpr int kFirstWord = 3;
constexpr int kSource = 6;
constexpr int kColumns = 12;

// Of the rows [first, end), which are one person's.
Result<Voices> ToVoices(const sql::Rows& rows, std::size_t first, std::size_t end) {
  std::vector<SourcedStatement> said;
  for (std::size_t i = first; i < end; ++i) {
    const sql::Row row = rows[i];
    if (row.IsNull(kSource)) continue;
    GF_ASSIGN(Statement says, ToStatement(row, kSource + 1));
    // Without the holder's dataset, which is the one asked about.
    said.push_back({ToSource(row.Text(kSource)), "", std::move(says)});
  }
  return VoicesIn("", said, ToCircumstances(rows[first], kFirstWord));
}

Status Apply(const sql::Rows& rows, VersionVoices& voices) {
  std::string text;
  for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
    const auto slot = static_cast<std::size_t>(rows[first].Int(0));
    text.clear();
    for (end = first; end < rows.size() && static_cast<std::size_t>(rows[end].Int(0)) == slot;
         ++end) {
      for (int column = kFirstWord; column < kColumns; ++column) {
        text += rows[end].Text(column);
        text += '\x1f';
      }
    }
    const auto [word, is_new] =
        voices.index.try_emplace(text, static_cast<std::uint32_t>(voices.words.size()));
    if (is_new) {
      GF_ASSIGN(Voices said, ToVoices(rows, first, end));
      voices.words.push_back(std::move(said));
    }
    if (slot >= voices.people.size()) voices.people.resize(slot + 1);
    voices.people[slot] = {static_cast<std::uint32_t>(rows[first].Int(2)), word->second,
                           rows[first].Bool(1)};
  }
  return absl::OkStatus();
}

}  // namespace

// Whose words changed after `change`; nothing if that is everybody.
Result<std::optional<std::vector<std::int64_t>>> SqlConsentRows::ChangedSince(std::int64_t change) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT DISTINCT subject FROM voice_changes WHERE id > $1", change));
  std::vector<std::int64_t> subjects;
  for (sql::Row row : rows) {
    if (row.IsNull(0)) return std::optional<std::vector<std::int64_t>>();
    subjects.push_back(row.Int(0));
  }
  return std::optional(std::move(subjects));
}

Result<std::shared_ptr<const VersionVoices>> SqlConsentRows::VoicesOf(
    const DatasetVersion& dataset) {
  GF_ASSIGN(auto newest, tx_.Exec("SELECT coalesce(max(id), 0) FROM voice_changes"));
  GF_ASSIGN(const auto row, newest.One());
  const std::int64_t now = row.Int(0);
  std::shared_ptr<const VersionVoices> known = cache_.Find(dataset, now);
  if (known && known->change == now) return known;
  std::optional<std::vector<std::int64_t>> changed;
  // Words that nobody says any more are dropped when everybody's are read again.
  if (known && known->words.size() <= known->people.size() + 1000) {
    GF_ASSIGN(changed, ChangedSince(known->change));
  }
  auto voices =
      changed ? std::make_shared<VersionVoices>(*known) : std::make_shared<VersionVoices>();
  if (changed) {
    GF_ASSIGN(const auto rows, tx_.Exec(kThese, dataset.dataset, dataset.version, *changed));
    GF_TRY(Apply(rows, *voices));
  } else {
    GF_ASSIGN(const auto rows, tx_.Exec(kEverybody, dataset.dataset, dataset.version));
    GF_TRY(Apply(rows, *voices));
  }
  voices->change = now;
  if (keep_voices_) cache_.Keep(dataset, voices);
  return std::shared_ptr<const VersionVoices>(std::move(voices));
}

Result<std::vector<JudgedPerson>> SqlConsentRows::Judge(const DatasetVersion& dataset,
                                                        const JudgePerson& judge) {
  GF_ASSIGN(const auto voices, VoicesOf(dataset));
  std::vector<bool> permitted;
  permitted.reserve(voices->words.size());
  for (const Voices& said : voices->words) permitted.push_back(judge(said));
  std::vector<JudgedPerson> people;
  people.reserve(voices->people.size());
  for (const auto& person : voices->people)
    people.push_back({person.snapshot_slot, person.included && permitted[person.words]});
  return people;
}

}  // namespace genofed::consent
