// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/my_consent.h"

#include <algorithm>
#include <limits>
#include <set>

#include "libs/consent/purpose.h"
#include "libs/core/strings.h"
#include "services/consent/app/audit.h"
#include "services/consent/app/change_log.h"
#include "services/consent/app/people.h"

namespace genofed::consent {
namespace {

constexpr int kMaxHistory = 1000;
constexpr std::size_t kMaxHistoryReceipts = 100;
constexpr int kDefaultPage = 20;
constexpr int kMaxPage = 100;
constexpr std::size_t kMaxCodes = 20;
constexpr std::size_t kMaxText = 200;

Status CheckPerson(const std::string& person) {
  if (IsPersonIdentifier(person)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "PERSON_UNKNOWN",
               "the access token vouches for no person identifier");
}

Status CheckChoice(const Statement& choice, Time now) {
  const auto are_all = [](const std::vector<std::string>& list, bool (*is_code)(std::string_view)) {
    return list.size() <= kMaxCodes && std::all_of(list.begin(), list.end(), is_code);
  };
  if (!are_all(choice.purposes, IsPurpose))
    return InvalidField("purposes", "CHOICE_INVALID",
                        "must be at most {} codes such as DUO:0000006", kMaxCodes);
  if (!are_all(choice.conditions, IsCondition))
    return InvalidField("conditions", "CHOICE_INVALID",
                        "must be at most {} DUO modifiers such as DUO:0000045 or DUO:0000022=FI", kMaxCodes);
  if (!(choice.purposes.empty() && choice.conditions.empty()) &&
      !choice.permits.Has(Permission::kSecondaryUse))
    return InvalidField("purposes", "CHOICE_INVALID", "only limit secondary use, which is refused");
  if (choice.until && *choice.until <= now)
    return InvalidField("valid_until", "CHOICE_INVALID", "lies in the past");
  if (choice.until && choice.from && *choice.until <= *choice.from)
    return InvalidField("valid_until", "CHOICE_INVALID", "must lie after valid_from");
  for (const std::string& text : {choice.form, choice.organisation}) {
    if (text.size() > kMaxText || !IsUtf8(text))
      return InvalidField("form", "CHOICE_INVALID", "must be text of at most {} bytes", kMaxText);
  }
  return absl::OkStatus();
}

// What the receipt of a change is made of.
struct LoggedChange {
  std::size_t number = 0;  // in the history
  StoredEntry entry;
  std::optional<ledger::GroupProof> group;
};

Result<std::vector<LoggedChange>> ReadLogged(Transaction& tx, const std::vector<MyChange>& history,
                                             std::int64_t published, const std::string& blinded) {
  std::vector<LoggedChange> logged;
  for (std::size_t i = 0; i < std::min(history.size(), kMaxHistoryReceipts); ++i) {
    const MyChange& change = history[i];
    if (!change.ledger_index || *change.ledger_index >= published) continue;
    GF_ASSIGN(const auto entries, tx.ledger().List(*change.ledger_index, 1));
    if (entries.empty())
      return Error(StatusCode::kDataLoss, "LEDGER_BROKEN", "an entry of the ledger is missing");
    LoggedChange one{i, entries[0], std::nullopt};
    if (change.group) {
      GF_ASSIGN(const auto commitments, tx.ledger().Group(*change.ledger_index));
      GF_ASSIGN(auto proof,
                ledger::ProveGroup(commitments, static_cast<std::uint64_t>(change.group->place)));
      proof.key = change.group->key;
      proof.payload = PayloadOf(blinded, change.group->words);
      one.group = std::move(proof);
    }
    logged.push_back(std::move(one));
  }
  return logged;
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
  std::vector<LoggedChange> logged;
  // Only what the newest checkpoint covers can be proven.
  GF_ASSIGN(const std::int64_t published, ledger_.Size(ctx));
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    mine = {};
    logged.clear();
    mine.policy = rules_.policy.id;
    GF_ASSIGN(auto subject, Find(tx, person));
    if (!subject) return absl::OkStatus();
    GF_ASSIGN(auto said, tx.consent().StatementsOf({subject->id}));
    mine.statements = std::move(said[subject->id]);
    mine.who = subject->who;
    for (const SourcedStatement& one : mine.statements) {
      const bool counts = subject->own ? one.source == Source::kOwn : one.source == Source::kHolder;
      if (counts && one.says.InForce(rules_.clock.Now())) mine.permissions.Add(one.says.permits);
    }
    GF_ASSIGN(auto changes, tx.consent().Changes(subject->id, kMaxHistory));
    for (Change& change : changes) mine.history.push_back({std::move(change)});
    GF_ASSIGN(logged, ReadLogged(tx, mine.history, published, pseudonyms_.Blinded(person)));
    GF_ASSIGN(auto places, tx.consent().SlotsOf(subject->id));
    std::set<std::string> datasets;
    for (const PersonSlot& place : places) {
      if (place.slot.included) datasets.insert(place.dataset.dataset);
    }
    mine.datasets.assign(datasets.begin(), datasets.end());
    GF_ASSIGN(mine.decisions, Decisions(tx, mine));
    return absl::OkStatus();
  });
  GF_TRY(read);
  for (LoggedChange& one : logged) {
    GF_TRY(ledger_.CheckRows(ctx, {one.entry}));
    GF_ASSIGN(auto receipt, ledger_.Receipt(ctx, one.entry, std::nullopt));
    receipt.group = std::move(one.group);
    mine.history[one.number].receipt = ledger::FormatReceipt(receipt);
  }
  return mine;
}

Result<std::vector<MyDecision>> MyConsent::Decisions(Transaction& tx,
                                                     const MyPermissions& mine) const {
  GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
  std::vector<Use> uses(kPermissions.begin(), kPermissions.end());
  for (const Rule& rule : rules_.policy.rules) {
    for (const std::string& purpose : rule.purposes)
      uses.emplace_back(Permission::kSecondaryUse, purpose);
  }
  std::vector<std::string> datasets = mine.datasets;
  if (datasets.empty()) datasets.emplace_back();
  std::vector<MyDecision> decisions;
  for (const Use& use : uses) {
    Decision decision;
    for (const std::string& dataset : datasets) {
      decision = Decide(rules_.policy, VoicesIn(dataset, mine.statements, mine.who),
                        QuestionOf(use, epoch));
      if (decision.permitted) break;
    }
    const std::string basis =
        decision.rule < 0
            ? ""
            : rules_.policy.rules[static_cast<std::size_t>(decision.rule)].legal_basis;
    decisions.push_back({use, decision, basis});
  }
  return decisions;
}

Result<Subject> MyConsent::FindOrAdd(Transaction& tx, const std::string& person) {
  GF_ASSIGN(auto subject, Find(tx, person));
  if (!subject) {
    GF_TRY(AddPeople(tx, random_, {pseudonyms_.Blinded(person)}));
    GF_ASSIGN(subject, Find(tx, person));
  }
  if (!subject) return Error(StatusCode::kInternal, "SUBJECT_LOST", "a subject was not stored");
  return *subject;
}

Result<std::int64_t> MyConsent::Log(Transaction& tx, const std::string& person,
                                    const Statement& choice, std::int64_t epoch) {
  const std::string blinded = pseudonyms_.Blinded(person);
  const ledger::Commitment subject = ledger::Commit(blinded, random_);
  const std::string words = WordsOf(choice);
  const ledger::Commitment granted = ledger::Commit(words, random_);
  ledger::Entry entry;
  entry.kind =
      choice.permits.empty() ? ledger::EntryKind::kConsentWithdraw : ledger::EntryKind::kConsentSet;
  entry.time = ledger_.EntryTime();
  entry.numbers = {{"epoch", epoch}};
  entry.commitments = {{"subject", subject.value}, {"permissions", granted.value}};
  // No epoch comes twice, and each belongs to one change.
  GF_ASSIGN(const std::int64_t index,
            ledger_.Add(tx, "consent", fmt::format("consent:{}", epoch), entry));
  GF_TRY(tx.ledger().KeepOpening(index, "subject", subject.key, blinded));
  GF_TRY(tx.ledger().KeepOpening(index, "permissions", granted.key, words));
  return index;
}

Result<MyConsent::Changed> MyConsent::Set(const Context& ctx, const std::string& person,
                                          Statement choice) {
  GF_TRY(CheckPerson(person));
  const Time now = rules_.clock.Now();
  GF_TRY(CheckChoice(choice, now));
  choice.denies = choice.permits.Others();
  Changed changed;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const Subject subject, FindOrAdd(tx, person));
    // Who was forgotten and permits something again takes that back themselves.
    if (!choice.permits.empty()) {
      GF_ASSIGN(const bool lifted, tx.consent().LiftTombstone(
                                       pseudonyms_.Tombstone(pseudonyms_.Blinded(person))));
      // What registries say of them was not kept, and they would not say it again by themselves.
      if (lifted) GF_TRY(tx.registries().AskForAll());
    }
    if (subject.own == choice) {
      GF_ASSIGN(changed.epoch, tx.consent().Epoch());
      GF_ASSIGN(auto history, tx.consent().Changes(subject.id, kMaxHistory));
      auto last = std::find_if(history.begin(), history.end(),
                               [](const Change& change) { return change.by_subject; });
      changed.ledger_index = last == history.end() ? -1 : last->ledger_index.value_or(-1);
      return absl::OkStatus();
    }
    GF_ASSIGN(changed.epoch, tx.consent().NextEpoch(now));
    GF_TRY(tx.consent().SetOwn(subject.id, choice));
    GF_ASSIGN(changed.ledger_index, Log(tx, person, choice, changed.epoch));
    return tx.consent().AddChanges({{subject.id, choice.permits, now, true, changed.ledger_index}});
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
  // Whether results of a run left is read from the index.
  GF_TRY(CatchUp(ctx, store_, ledger_));
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
    GF_TRY(ledger_.CheckRows(ctx, rows));
    std::vector<std::string> names;
    for (const StoredEntry& row : rows) {
      GF_ASSIGN(ledger::Entry entry, ledger::DecodeEntry(row.entry));
      names.push_back(entry.Field("snapshot"));
      page.accesses.push_back({false, std::move(entry), row.entry, row.index});
    }
    GF_ASSIGN(const auto snapshots, tx.consent().FindSnapshots(names));
    SlotProver prover(tx, snapshots_, subject->slot);
    GF_TRY(prover.Begin(names));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      GF_TRY(ctx.Alive());
      const auto snapshot = snapshots.find(names[i]);
      if (snapshot == snapshots.end()) {
        return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN",
                     "a snapshot that was logged is missing");
      }
      GF_ASSIGN(auto proof, prover.Prove(snapshot->second));
      MyAccess& access = page.accesses[i];
      access.used = proof && proof->permitted;
      access.purpose_code = snapshot->second.purpose;
      access.model = snapshot->second.model;
      access.legal_basis = snapshot->second.legal_basis;
      access.conditions = snapshot->second.met;
      proofs.push_back(std::move(proof));
    }
    std::vector<std::string> runs;
    for (const MyAccess& access : page.accesses) runs.push_back(access.entry.Field("run"));
    GF_ASSIGN(const auto released, tx.audit().RunsWith("release", runs));
    for (MyAccess& access : page.accesses) {
      access.released =
          access.entry.kind == ledger::EntryKind::kRelease ||
          std::find(released.begin(), released.end(), access.entry.Field("run")) != released.end();
    }
    return absl::OkStatus();
  });
  GF_TRY(read);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    GF_ASSIGN(const auto receipt, ledger_.Receipt(ctx, rows[i], std::move(proofs[i])));
    if (receipt.snapshot) page.accesses[i].receipt = ledger::FormatReceipt(receipt);
    page.accesses[i].tlog_proof = ledger::FormatReceiptAsTlogProof(receipt);
  }
  return page;
}

std::string OutcomeOf(const MyAccess& access) {
  switch (access.entry.kind) {
    case ledger::EntryKind::kAccess:
      return access.entry.Field("object").empty()
                 ? "records could be read"
                 : "files could be fetched, encrypted for the client";
    case ledger::EntryKind::kRelease:
      return "results were checked and left the node";
    default:
      return access.released ? "analysed; results were checked and left the node"
                             : "analysed, or begun; no results have left the node";
  }
}

std::string SentenceOf(const MyAccess& access) {
  const ledger::Entry& entry = access.entry;
  const auto or_else = [&](const char* field, const char* otherwise) {
    const std::string value = entry.Field(field);
    return value.empty() ? std::string(otherwise) : value;
  };
  std::string text = access.used ? "Your data were used" : "Your data were not used";
  text += fmt::format(" by \"{}\" of {} on {}", or_else("project", "a project"),
                      or_else("organisation", "an organisation"), entry.time.substr(0, 10));
  if (const std::string purpose = entry.Field("purpose"); !purpose.empty()) text += ": " + purpose;
  if (!text.ends_with('.')) text += '.';
  if (access.used && access.model == "statutory")
    text += " Consent was not asked for, by law: " + access.legal_basis + ".";
  if (access.used && access.model == "opt-out")
    text += " In your country health data are used unless you object" +
            (access.legal_basis.empty() ? std::string() : " (" + access.legal_basis + ")") + ".";
  if (!access.conditions.empty())
    text += " The access committee accepted that the project " + InWords(access.conditions) + ".";
  return text + " Outcome: " + OutcomeOf(access) + ".";
}

Result<std::vector<MyHolding>> MyConsent::Holdings(const Context& ctx, const std::string& person) {
  GF_TRY(CheckPerson(person));
  std::vector<MyHolding> holdings;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    holdings.clear();
    GF_ASSIGN(auto subject, Find(tx, person));
    if (!subject) return absl::OkStatus();
    GF_ASSIGN(const auto places, tx.consent().SlotsOf(subject->id));
    std::set<DatasetVersion> versions;
    std::vector<std::string> datasets;
    for (const PersonSlot& place : places) {
      if (place.slot.included && versions.insert(place.dataset).second)
        datasets.push_back(place.dataset.dataset);
    }
    GF_ASSIGN(auto kinds, tx.headers().Kinds(datasets));
    for (const DatasetVersion& version : versions)
      holdings.push_back({version, std::move(kinds[version])});
    return absl::OkStatus();
  }));
  return holdings;
}

Result<std::vector<Opening>> MyConsent::Openings(const Context& ctx, const std::string& person) {
  GF_TRY(CheckPerson(person));
  std::vector<Opening> openings;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    openings.clear();
    GF_ASSIGN(auto subject, Find(tx, person));
    if (!subject) return absl::OkStatus();
    GF_ASSIGN(openings, tx.consent().Openings(subject->id));
    GF_ASSIGN(const auto changes, tx.consent().Changes(subject->id, kMaxHistory));
    for (const Change& change : changes) {
      if (!change.group) continue;
      openings.push_back({change.ledger_index.value_or(-1), ledger::kGroupCommitment,
                          change.group->key,
                          PayloadOf(pseudonyms_.Blinded(person), change.group->words)});
    }
    return absl::OkStatus();
  }));
  return openings;
}

Result<std::vector<NoticeRow>> MyConsent::Notices(const Context& ctx, const std::string& person) {
  GF_TRY(CheckPerson(person));
  std::vector<NoticeRow> notices;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    notices.clear();
    GF_ASSIGN(auto subject, Find(tx, person));
    if (!subject) return absl::OkStatus();
    GF_ASSIGN(auto places, tx.consent().SlotsOf(subject->id));
    std::set<std::string> datasets;
    for (const PersonSlot& place : places) {
      if (place.slot.included) datasets.insert(place.dataset.dataset);
    }
    // Of whoever is in none, too: what was said about them, and who they are, is held.
    GF_ASSIGN(notices, tx.audit().NoticesOf({datasets.begin(), datasets.end()}));
    return absl::OkStatus();
  }));
  return notices;
}

Status MyConsent::KeepLeaves(Transaction& tx, Erasure& erasure, std::int64_t& after) const {
  constexpr int kBatch = 100;
  constexpr auto kBlock = static_cast<std::int32_t>(ledger::kSnapshotBlock);
  GF_ASSIGN(const auto places, tx.consent().SlotsOf(erasure.subject));
  std::set<DatasetVersion> in;
  for (const PersonSlot& place : places) {
    if (place.slot.included) in.insert(place.dataset);
  }
  GF_ASSIGN(const auto secrets, tx.consent().SlotSecrets(erasure.slot / kBlock, 1));
  const std::string secret =
      secrets[0].substr(static_cast<std::size_t>(erasure.slot % kBlock) * ledger::kSlotSecretBytes,
                        ledger::kSlotSecretBytes);
  const auto slot = static_cast<std::uint32_t>(erasure.slot);
  for (;;) {
    GF_ASSIGN(const auto rows, tx.consent().SnapshotsAfter(after, kBatch));
    if (rows.empty()) return absl::OkStatus();
    for (const SnapshotRow& row : rows) {
      after = row.ledger_index;
      if (erasure.slot >= row.slots) continue;
      bool permitted = false;  // in snapshots of other datasets
      if (in.contains(row.dataset)) {
        GF_ASSIGN(const auto snapshot, tx.consent().LoadSnapshot(row));
        permitted = snapshot.permitted().Contains(slot);
      }
      erasure.leaves[row.id] =
          ledger::SnapshotLeaf(row.id, slot, permitted, ledger::SnapshotSalt(secret, row.id));
    }
  }
}

Result<std::int64_t> MyConsent::Forget(const Context& ctx, const std::string& person) {
  GF_TRY(CheckPerson(person));
  const auto find = [&](Transaction& tx) -> Result<Subject> {
    GF_ASSIGN(auto subject, Find(tx, person));
    if (!subject)
      return Error(StatusCode::kNotFound, "PERSON_UNKNOWN",
                   "nothing is held here about this person");
    return *std::move(subject);
  };
  // Most of the work, while others write: what is known of a snapshot never changes.
  Erasure before;
  std::int64_t known = -1;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const Subject subject, find(tx));
    before = {subject.id,
              "erased:" + HexEncode(random_.Bytes(32)),
              pseudonyms_.Tombstone(pseudonyms_.Blinded(person)),
              subject.slot,
              random_.Bytes(ledger::kSlotSecretBytes),
              rules_.clock.Now(),
              {},
              {}};
    known = -1;
    return KeepLeaves(tx, before, known);
  }));
  std::int64_t index = -1;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const Subject subject, find(tx));
    Erasure erasure = before;
    std::int64_t after = known;
    GF_TRY(KeepLeaves(tx, erasure, after));
    GF_ASSIGN(auto places, tx.consent().SlotsOf(subject.id));
    for (const PersonSlot& place : places) {
      auto& pseudonym = erasure.pseudonyms[place.dataset.dataset];
      if (pseudonym.empty()) pseudonym = HexEncode(random_.Bytes(16));
    }
    GF_TRY(tx.consent().Forget(erasure));
    GF_ASSIGN(const std::int64_t epoch, tx.consent().NextEpoch(rules_.clock.Now()));
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kErase;
    entry.time = ledger_.EntryTime();
    entry.fields = {{"reason", "somebody asked to be forgotten"}};
    entry.numbers = {{"epoch", epoch}};
    GF_ASSIGN(index, ledger_.Add(tx, "consent", fmt::format("erase:{}", epoch), entry));
    return absl::OkStatus();
  });
  GF_TRY(written);
  return index;
}

Result<ForgottenRows> MyConsent::Forgotten(const Context& ctx, std::int64_t after) {
  ForgottenRows forgotten;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(forgotten, tx.consent().Forgotten(after, kForgottenPage));
    return absl::OkStatus();
  }));
  return forgotten;
}

}  // namespace genofed::consent
