// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/registry.h"

#include <algorithm>
#include <set>

#include "libs/obs/log.h"
#include "services/consent/app/people.h"

namespace genofed::consent {
namespace {

constexpr std::size_t kBatch = 2000;

// The rows that a Consent is kept as: what it permits in its period, and what it refuses for good.
std::vector<RegistryStatement> RowsOf(const RegistryEntry& entry, std::int64_t subject) {
  std::vector<RegistryStatement> rows;
  if (!entry.counts) return rows;
  rows.push_back({entry.id, subject, entry.says});
  if (!entry.refused.empty()) {
    Statement refusal;
    refusal.denies = entry.refused;
    rows.push_back({entry.id + "/refused", subject, refusal});
  }
  return rows;
}

}  // namespace

bool Registry::IsStale(const RegistryRow& state) const {
  return !state.last_success || rules_.clock.Now() - *state.last_success > options_.max_staleness;
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
    return tx.consent().NextEpoch(rules_.clock.Now()).status();
  });
}

// One transaction: all of the batch, or nothing; readers see one epoch or the next.
Status Registry::Take(const Context& ctx, std::vector<RegistryEntry>& batch, std::int32_t generation) {
  if (batch.empty()) return absl::OkStatus();
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    std::vector<std::string> blinded, tombstones, records;
    for (const RegistryEntry& entry : batch) {
      blinded.push_back(pseudonyms_.Blinded(entry.person_identifier));
      tombstones.push_back(pseudonyms_.Tombstone(blinded.back()));
      records.push_back(entry.id);
      records.push_back(entry.id + "/refused");
    }
    // Everybody, since who is not known here today may be tomorrow; but who asked to be forgotten
    // stays so.
    GF_ASSIGN(const auto forgotten, tx.consent().FindTombstones(tombstones));
    GF_ASSIGN(auto subjects, tx.consent().FindSubjects(blinded));
    std::set<std::string> added;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!subjects.contains(blinded[i]) && !forgotten.contains(tombstones[i]))
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
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (forgotten.contains(tombstones[i])) continue;
      const Subject& subject = subjects.at(blinded[i]);
      // The same Consent may come twice in a pull: the later one counts.
      after.erase(batch[i].id);
      after.erase(batch[i].id + "/refused");
      for (RegistryStatement& row : RowsOf(batch[i], subject.id)) after[row.record] = std::move(row);
      spoken[subject.id] = batch[i].says.permits;
      Circumstances who = batch[i].who;
      if (who.adult_at == subject.who.adult_at) who.adult_at.reset();
      if (who.died_at == subject.who.died_at) who.died_at.reset();
      if (who != Circumstances()) lives[subject.id] = who;
    }
    std::vector<RegistryStatement> changed;
    std::vector<std::string> gone, kept;
    std::vector<Change> changes;
    const auto note = [&](std::int64_t subject) {
      changes.push_back({subject, spoken[subject], rules_.clock.Now(), false, std::nullopt, options_.name});
    };
    for (const auto& [record, row] : after) {
      const auto old = before.find(record);
      if (old != before.end() && old->second.subject == row.subject && old->second.says == row.says) {
        kept.push_back(record);
        continue;
      }
      changed.push_back(row);
      if (changes.empty() || changes.back().subject != row.subject) note(row.subject);
    }
    for (const auto& [record, row] : before) {
      if (after.contains(record)) continue;
      gone.push_back(record);
      note(row.subject);
    }
    GF_TRY(tx.registries().Remove(options_.name, gone));
    GF_TRY(tx.registries().Put(options_.name, generation, changed));
    GF_TRY(tx.registries().Touch(options_.name, generation, kept));
    GF_TRY(tx.consent().SetLives(lives));
    if (changed.empty() && gone.empty() && lives.empty()) return absl::OkStatus();
    GF_TRY(tx.consent().AddChanges(changes));
    return tx.consent().NextEpoch(rules_.clock.Now()).status();
  });
  batch.clear();
  return written;
}

Status Registry::Try(const Context& ctx, RegistryRow& state) {
  const Time now = rules_.clock.Now();
  const bool full = !state.watermark || !state.last_full || now - *state.last_full >= options_.full_interval;
  const std::int32_t generation = state.generation + (full ? 1 : 0);
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
  if (full) {
    GF_TRY(ledger_.Write(ctx, [&](Transaction& tx) -> Status {
      GF_ASSIGN(const std::int64_t removed, tx.registries().RemoveUnseen(options_.name, generation));
      if (removed == 0) return absl::OkStatus();
      return tx.consent().NextEpoch(rules_.clock.Now()).status();
    }));
    state.generation = generation;
    state.last_full = now;
    state.unreadable = 0;
  }
  state.unreadable += unreadable + pull.unusable;
  state.watermark = pull.as_of;
  return absl::OkStatus();
}

Status Registry::RunOnce(const Context& ctx) {
  GF_ASSIGN(RegistryRow state, State(ctx));
  state.last_attempt = rules_.clock.Now();
  const Status done = Try(ctx, state);
  if (done.ok()) state.last_success = state.last_attempt;
  state.last_error = done.ok() ? "" : Reason(done);
  GF_TRY(ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const RegistryRow before, tx.registries().Load(options_.name));
    state.stale = before.stale;  // KeepFresh's to change
    return tx.registries().Save(state);
  }));
  GF_TRY(KeepFresh(ctx));
  return done;
}

Status SetUpRegistries(const Context& ctx, Ledger& ledger, const Rules& rules, const std::vector<std::string>& names) {
  return ledger.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const bool changed, tx.registries().KeepOnly(names));
    if (!changed) return absl::OkStatus();
    return tx.consent().NextEpoch(rules.clock.Now()).status();
  });
}

}  // namespace genofed::consent
