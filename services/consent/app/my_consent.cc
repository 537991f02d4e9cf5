// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/my_consent.h"

#include <algorithm>
#include <limits>
#include <set>

#include "libs/core/strings.h"

namespace genofed::consent {
namespace {

constexpr int kMaxHistory = 1000;
constexpr int kDefaultPage = 20;
constexpr int kMaxPage = 100;

Status CheckPerson(const std::string& person) {
  if (IsPersonIdentifier(person)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "PERSON_UNKNOWN",
               "the access token vouches for no person identifier");
}

// The proof for the person's slot in the snapshot of an access, if they have one.
Result<std::optional<ledger::SnapshotProof>> Prove(Transaction& tx, SnapshotTrees& trees,
                                                   const ledger::Entry& entry,
                                                   const Subject& subject,
                                                   const std::vector<PersonSlot>& places) {
  GF_ASSIGN(auto row, tx.consent().FindSnapshot(entry.Field("snapshot")));
  if (!row)
    return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN", "a snapshot that was logged is missing");
  auto place = std::find_if(places.begin(), places.end(), [&](const PersonSlot& candidate) {
    return candidate.dataset == row->dataset;
  });
  if (place == places.end()) return std::optional<ledger::SnapshotProof>();
  GF_ASSIGN(auto tree, trees.Get(tx, *row));
  const auto bits = UnpackBits(row->bits, static_cast<std::size_t>(row->slots));
  const auto slot = static_cast<std::size_t>(place->slot.slot);
  if (slot >= bits.size())
    return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN", "a snapshot has too few slots");
  GF_ASSIGN(auto proof, tree->Prove(static_cast<std::uint32_t>(slot), bits[slot], subject.secret));
  return std::optional<ledger::SnapshotProof>(std::move(proof));
}

}  // namespace

Result<std::optional<Subject>> MyConsent::Find(Transaction& tx, const std::string& person) const {
  const std::string blinded = pseudonyms_.Blinded(person);
  GF_ASSIGN(auto found, tx.consent().FindSubjects({blinded}));
  if (found.empty()) return std::optional<Subject>();
  return std::optional<Subject>(found.begin()->second);
}

Result<MyPermissions> MyConsent::Get(const Context& ctx, const std::string& person) {
  GF_TRY(CheckPerson(person));
  MyPermissions mine;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    mine = {};
    GF_ASSIGN(auto subject, Find(tx, person));
    if (!subject) return absl::OkStatus();
    GF_ASSIGN(PermissionSet holder, tx.consent().HolderAnywhere(subject->id));
    mine.permissions = Effective(subject->own, holder);
    GF_ASSIGN(mine.history, tx.consent().Changes(subject->id, kMaxHistory));
    GF_ASSIGN(auto places, tx.consent().SlotsOf(subject->id));
    std::set<std::string> datasets;
    for (const PersonSlot& place : places) {
      if (place.slot.included) datasets.insert(place.dataset.dataset);
    }
    mine.datasets.assign(datasets.begin(), datasets.end());
    return absl::OkStatus();
  });
  GF_TRY(read);
  return mine;
}

Result<Subject> MyConsent::FindOrAdd(Transaction& tx, const std::string& person) {
  GF_ASSIGN(auto subject, Find(tx, person));
  if (!subject) {
    GF_TRY(tx.consent().AddSubjects({{pseudonyms_.Blinded(person), random_.Bytes(32)}}));
    GF_ASSIGN(subject, Find(tx, person));
  }
  if (!subject) return Error(StatusCode::kInternal, "SUBJECT_LOST", "a subject was not stored");
  return *subject;
}

Result<std::int64_t> MyConsent::Log(Transaction& tx, const std::string& person,
                                    PermissionSet permissions, std::int64_t epoch) {
  const std::string blinded = pseudonyms_.Blinded(person);
  const ledger::Commitment subject = ledger::Commit(blinded, random_);
  const ledger::Commitment granted = ledger::Commit(permissions.Names(), random_);
  ledger::Entry entry;
  entry.kind =
      permissions.empty() ? ledger::EntryKind::kConsentWithdraw : ledger::EntryKind::kConsentSet;
  entry.time = ledger_.EntryTime();
  entry.numbers = {{"epoch", epoch}};
  entry.commitments = {{"subject", subject.value}, {"permissions", granted.value}};
  // No epoch comes twice, and each belongs to one change.
  GF_ASSIGN(const std::int64_t index,
            ledger_.Add(tx, "consent", fmt::format("consent:{}", epoch), entry));
  GF_TRY(tx.ledger().KeepOpening(index, "subject", subject.key, blinded));
  GF_TRY(tx.ledger().KeepOpening(index, "permissions", granted.key, permissions.Names()));
  return index;
}

Result<MyConsent::Changed> MyConsent::Set(const Context& ctx, const std::string& person,
                                          PermissionSet permissions) {
  GF_TRY(CheckPerson(person));
  Changed changed;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const Subject subject, FindOrAdd(tx, person));
    if (subject.own == permissions) {
      GF_ASSIGN(changed.epoch, tx.consent().Epoch());
      GF_ASSIGN(auto history, tx.consent().Changes(subject.id, kMaxHistory));
      auto last = std::find_if(history.begin(), history.end(),
                               [](const Change& change) { return change.by_subject; });
      changed.ledger_index = last == history.end() ? -1 : last->ledger_index.value_or(-1);
      return absl::OkStatus();
    }
    GF_ASSIGN(changed.epoch, tx.consent().NextEpoch());
    GF_TRY(tx.consent().SetOwn(subject.id, permissions));
    GF_ASSIGN(changed.ledger_index, Log(tx, person, permissions, changed.epoch));
    return tx.consent().AddChanges(
        {{subject.id, permissions, clock_.Now(), true, changed.ledger_index}});
  });
  GF_TRY(written);
  return changed;
}

Result<MyAccesses> MyConsent::Accesses(const Context& ctx, const std::string& person, int page_size,
                                       const std::string& page_token) {
  GF_TRY(CheckPerson(person));
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!page_token.empty()) {
    auto parsed = ParseInt(page_token);
    if (!parsed.ok() || *parsed < 0)
      return InvalidField("page_token", "PAGE_TOKEN_INVALID", "not one that was given out");
    before = *parsed;
  }
  // Only what the newest checkpoint covers can be proven.
  GF_ASSIGN(const std::int64_t published, ledger_.Size(ctx));
  before = std::min(before, published);
  const int limit = page_size <= 0 ? kDefaultPage : std::min(page_size, kMaxPage);
  std::vector<StoredEntry> rows;
  std::vector<std::optional<ledger::SnapshotProof>> proofs;
  MyAccesses page;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    rows.clear();
    proofs.clear();
    page = {};
    GF_ASSIGN(auto subject, Find(tx, person));
    if (!subject) return absl::OkStatus();
    GF_ASSIGN(auto places, tx.consent().SlotsOf(subject->id));
    if (places.empty()) return absl::OkStatus();
    GF_ASSIGN(rows, tx.ledger().Accesses(before, limit + 1));
    if (rows.size() > static_cast<std::size_t>(limit)) {
      rows.resize(static_cast<std::size_t>(limit));
      page.next_page_token = std::to_string(rows.back().index);
    }
    for (const StoredEntry& row : rows) {
      GF_TRY(ctx.Alive());
      GF_ASSIGN(ledger::Entry entry, ledger::DecodeEntry(row.entry));
      GF_ASSIGN(auto proof, Prove(tx, trees_, entry, *subject, places));
      page.accesses.push_back({proof && proof->permitted, std::move(entry), row.index, ""});
      proofs.push_back(std::move(proof));
    }
    return absl::OkStatus();
  });
  GF_TRY(read);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!proofs[i]) continue;
    GF_ASSIGN(page.accesses[i].receipt, ledger_.Receipt(ctx, rows[i], std::move(proofs[i])));
  }
  return page;
}

}  // namespace genofed::consent
