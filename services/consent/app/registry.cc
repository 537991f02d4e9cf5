// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/registry.h"

#include <algorithm>
#include <set>

#include "libs/obs/log.h"
#include "services/consent/app/people.h"

namespace genofed::consent {
namespace {

constexpr std::size_t kBatch = 2000;

// Behind the id of a Consent, the rows that it is kept as: what it permits in its period, what it
// refuses for good, and before and after the period.
constexpr std::string_view kRows[] = {"", "/refused", "/before", "/after"};

std::vector<RegistryStatement> RowsOf(const RegistryEntry& entry, std::int64_t subject) {
  std::vector<RegistryStatement> rows;
  if (!entry.counts) return rows;
  rows.push_back({entry.id, subject, entry.says});
  const auto refuse = [&](const char* row, PermissionSet denies, std::optional<Time> from,
                          std::optional<Time> until) {
    if (!denies.empty())
      rows.push_back({entry.id + row, subject, Statement{{}, denies, from, until}});
  };
  refuse("/refused", entry.refused, {}, {});
  if (entry.refuses_outside && entry.says.from)
    refuse("/before", entry.says.permits, {}, entry.says.from);
  if (entry.refuses_outside && entry.says.until)
    refuse("/after", entry.says.permits, entry.says.until, {});
  return rows;
}

// What the rows of somebody's Consents say together.
Told ToldBy(const std::string& registry, std::int64_t subject, PermissionSet permits,
            const std::vector<Statement>& said) {
  Told told{subject, permits, false, "", registry};
  PermissionSet permitted, denied;
  for (const Statement& says : said) {
    permitted.Add(says.permits);
    denied.Add(says.denies);
    // A refusal has a row beside it that permits nothing.
    if (says.permits.empty() && says.denies.empty() && !says.recontact && !says.incidental_findings)
      continue;
    told.words += (told.words.empty() ? "" : "; ") + WordsOf(says);
  }
  if (told.words.empty()) told.words = "not in force any more";
  told.refuses = permitted.empty() && !denied.empty();
  return told;
}

// Begins an epoch in which other registries count than before.
Status LogRule(Transaction& tx, Ledger& ledger, const Rules& rules, const std::string& reason) {
  GF_ASSIGN(const std::int64_t epoch, tx.consent().NextEpoch(rules.clock.Now()));
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kPolicy;
  entry.time = ledger.EntryTime();
  entry.fields = {{"rule", rules.policy.id}, {"reason", reason}};
  entry.numbers = {{"epoch", epoch}};
  return ledger.Add(tx, "consent", fmt::format("registries:{}", epoch), entry).status();
}

}  // namespace

// A success that lies in the future was before the clock was set back: nobody knows how long ago.
bool Registry::IsStale(const RegistryRow& state) const {
  const Time now = rules_.clock.Now();
  return !state.last_success || now < *state.last_success ||
         now - *state.last_success > options_.max_staleness;
}

Result<RegistryRow> Registry::State(const Context& ctx) {
  RegistryRow state;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(state, tx.registries().Load(options_.name));
    return absl::OkStatus();
  }));
  return state;
}

Status Registry::KeepFresh(const Context& ctx) {
  GF_ASSIGN(const RegistryRow state, State(ctx));
  if (IsStale(state) == state.stale) return absl::OkStatus();
  return ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(RegistryRow now, tx.registries().Load(options_.name));
    const bool stale = IsStale(now);
    if (stale == now.stale) return absl::OkStatus();
    now.stale = stale;
    GF_LOG(ctx, warn, "registry.staleness", {"registry", options_.name}, {"stale", stale});
    GF_TRY(tx.registries().Save(now));
    return LogRule(tx, ledger_, rules_,
                   fmt::format("registry {} {}", options_.name,
                               stale ? "is silent: closed but by statute" : "is heard again"));
  });
}

Status Registry::Log(Transaction& tx, std::vector<Told> told) {
  const Time now = rules_.clock.Now();
  GF_ASSIGN(const std::int64_t epoch, tx.consent().NextEpoch(now));
  return LogTold(tx, ledger_, random_, now, epoch, {{"reason", "registry " + options_.name}},
                 std::move(told));
}

// One transaction: all of the batch, or nothing; readers see one epoch or the next.
Status Registry::Take(const Context& ctx, std::vector<RegistryEntry>& batch, std::int32_t generation) {
  if (batch.empty()) return absl::OkStatus();
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    std::vector<std::string> blinded, tombstones, records;
    for (const RegistryEntry& entry : batch) {
      blinded.push_back(
          entry.person_identifier.empty() ? "" : pseudonyms_.Blinded(entry.person_identifier));
      tombstones.push_back(blinded.back().empty() ? "" : pseudonyms_.Tombstone(blinded.back()));
      for (const std::string_view row : kRows) records.push_back(entry.id + std::string(row));
    }
    // Everybody, since who is not known here today may be tomorrow; but who asked to be forgotten
    // stays so.
    GF_ASSIGN(const auto forgotten, tx.consent().FindTombstones(tombstones));
    GF_ASSIGN(auto subjects, tx.consent().FindSubjects(blinded));
    std::set<std::string> added;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!blinded[i].empty() && !subjects.contains(blinded[i]) &&
          !forgotten.contains(tombstones[i]))
        added.insert(blinded[i]);
    }
    if (!added.empty()) {
      GF_TRY(AddPeople(tx, random_, {added.begin(), added.end()}));
      GF_ASSIGN(subjects, tx.consent().FindSubjects(blinded));
    }
    GF_ASSIGN(auto before, tx.registries().Statements(options_.name, records));
    std::map<std::string, RegistryStatement> after;
    std::map<std::int64_t, Circumstances> lives;
    std::map<std::int64_t, PermissionSet> spoken;
    std::vector<std::int64_t> alive;
    // Of whom a Consent is: of whom it was, if it does not tell.
    const auto subject_of = [&](std::size_t i) {
      if (!blinded[i].empty()) return subjects.at(blinded[i]);
      Subject known;
      const auto row = before.find(batch[i].id);
      if (row != before.end()) known.id = row->second.subject;
      return known;
    };
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (forgotten.contains(tombstones[i])) continue;
      const Subject subject = subject_of(i);
      if (subject.id == 0) continue;  // never could
      // The same Consent may come twice in a pull: the later one counts.
      for (const std::string_view row : kRows) after.erase(batch[i].id + std::string(row));
      for (RegistryStatement& row : RowsOf(batch[i], subject.id)) after[row.record] = std::move(row);
      spoken[subject.id] = batch[i].counts ? batch[i].says.permits : PermissionSet();
      Circumstances who = batch[i].who;
      if (who.adult_at == subject.who.adult_at && who.born == subject.who.born) {
        who.adult_at.reset();
        who.born.reset();
      }
      if (who.died_at == subject.who.died_at) who.died_at.reset();
      if (who != Circumstances()) lives[subject.id] = who;
      if (batch[i].lives && subject.who.died_at) alive.push_back(subject.id);
    }
    std::vector<RegistryStatement> changed;
    std::vector<std::string> gone, kept;
    std::set<std::int64_t> news;
    std::map<std::int64_t, std::vector<Statement>> said;
    for (const auto& [record, row] : after) {
      said[row.subject].push_back(row.says);
      const auto old = before.find(record);
      if (old != before.end() && old->second.subject == row.subject && old->second.says == row.says) {
        kept.push_back(record);
        continue;
      }
      changed.push_back(row);
      news.insert(row.subject);
    }
    for (const auto& [record, row] : before) {
      const auto now = after.find(record);
      if (now == after.end()) gone.push_back(record);
      if (now == after.end() || now->second.subject != row.subject) news.insert(row.subject);
    }
    GF_TRY(tx.registries().Remove(options_.name, gone));
    GF_TRY(tx.registries().Put(options_.name, generation, changed));
    GF_TRY(tx.registries().Touch(options_.name, generation, kept));
    GF_TRY(tx.consent().SetLives(lives));
    GF_TRY(tx.consent().TakeBackDeaths(alive));
    if (changed.empty() && gone.empty() && lives.empty() && alive.empty()) return absl::OkStatus();
    std::vector<Told> told;
    for (const std::int64_t subject : news)
      told.push_back(ToldBy(options_.name, subject, spoken[subject], said[subject]));
    return Log(tx, std::move(told));
  });
  batch.clear();
  return written;
}

Status Registry::Try(const Context& ctx, RegistryRow& state) {
  const Time now = rules_.clock.Now();
  const bool full = !state.watermark || !state.last_full || now < *state.last_full ||
                    now - *state.last_full >= options_.full_interval;
  if (full) {
    // Stored first: what a pull that fails has seen must not count as seen by the next.
    ++state.generation;
    GF_TRY(ledger_.Write(ctx, [&](Transaction& tx) -> Status {
      GF_ASSIGN(RegistryRow begun, tx.registries().Load(options_.name));
      begun.generation = state.generation;
      return tx.registries().Save(begun);
    }));
  }
  const std::int32_t generation = state.generation;
  std::vector<RegistryEntry> batch;
  std::int64_t unreadable = 0;
  const auto sink = [&](RegistryEntry entry) -> Status {
    unreadable += entry.unreadable ? 1 : 0;
    batch.push_back(std::move(entry));
    return batch.size() < kBatch ? absl::OkStatus() : Take(ctx, batch, generation);
  };
  std::optional<Time> since;
  if (!full) since = *state.watermark - options_.overlap;
  GF_ASSIGN(const RegistryPull pull, source_.Pull(ctx, since, sink));
  GF_TRY(Take(ctx, batch, generation));
  if (pull.unusable > 0) {
    GF_LOG(ctx, warn, "registry.unusable", {"registry", options_.name}, {"records", pull.unusable},
           {"complete", pull.complete});
  }
  if (full && pull.complete) {
    GF_TRY(ledger_.Write(ctx, [&](Transaction& tx) -> Status {
      GF_ASSIGN(const auto whose, tx.registries().RemoveUnseen(options_.name, generation));
      if (whose.empty()) return absl::OkStatus();
      std::vector<Told> told;
      for (const std::int64_t subject : whose)
        told.push_back(ToldBy(options_.name, subject, {}, {}));
      return Log(tx, std::move(told));
    }));
  }
  if (full) {
    state.last_full = now;
    state.unreadable = 0;
  }
  state.unreadable += unreadable + pull.unusable;
  state.watermark = pull.as_of;
  return absl::OkStatus();
}

Status Registry::RunOnce(const Context& ctx) {
  GF_ASSIGN(RegistryRow state, State(ctx));
  const std::optional<Time> full_before = state.last_full;
  state.last_attempt = rules_.clock.Now();
  const Status done = Try(ctx, state);
  if (done.ok()) state.last_success = state.last_attempt;
  state.last_error = done.ok() ? "" : Reason(done);
  GF_TRY(ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const RegistryRow before, tx.registries().Load(options_.name));
    state.stale = before.stale;  // KeepFresh's to change
    // All is asked for again, perhaps for somebody whom this pull had passed already.
    if (before.last_full != full_before) state.last_full = before.last_full;
    return tx.registries().Save(state);
  }));
  GF_TRY(KeepFresh(ctx));
  return done;
}

Status SetUpRegistries(const Context& ctx, Ledger& ledger, const Rules& rules, const std::vector<std::string>& names) {
  return ledger.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const bool changed, tx.registries().KeepOnly(names));
    if (!changed) return absl::OkStatus();
    std::string all;
    for (const std::string& name : names) all += " " + name;
    return LogRule(tx, ledger, rules, "registries that count:" + (all.empty() ? " none" : all));
  });
}

}  // namespace genofed::consent
