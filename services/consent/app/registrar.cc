// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/registrar.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/consent/app/people.h"

namespace genofed::consent {

struct Registrar::Person {
  std::string blinded;
  std::string pseudonym;
  Statement holder;
  Circumstances who;
  Subject subject;
  bool forgotten = false;
};

namespace {

// A record that names what it permits and refuses the rest, and says nothing else, is its bits.
std::string Digestible(const Statement& says, const Circumstances& who) {
  Statement plain{says.permits, says.permits.Others(), {}, {}};
  std::string text = std::to_string(says.permits.bits());
  if (says == plain && who == Circumstances()) return text;
  const auto add = [&text](const std::optional<Time>& time) { text += "|" + (time ? FormatRfc3339(*time) : ""); };
  text += fmt::format("|{}|{}|{}|{}", says.denies.bits(), says.form, says.organisation, says.by_guardian);
  for (const auto& time : {says.from, says.until, who.born, who.died_at}) add(time);
  for (const auto& codes : {says.purposes, says.conditions}) {
    text += "|";
    for (const std::string& code : codes) text += code + ",";
  }
  return text;
}

// Independent of the order in which the persons come.
template <typename Persons>
std::string Fingerprint(const RegistrationRequest& request, const Persons& persons) {
  std::vector<std::string> lines;
  lines.reserve(persons.size() + 1);
  if (request.base_version > 0)
    lines.push_back(fmt::format("base {} {}\n", request.base_version, request.follow_up));
  for (const auto& person : persons)
    lines.push_back(fmt::format("{} {}\n", person.blinded, Digestible(person.holder, person.who)));
  std::sort(lines.begin(), lines.end());
  crypto::Sha256Stream stream;
  for (const std::string& line : lines) stream.Update(line);
  return stream.Finish();
}

// The answer of a version that was registered before.
template <typename Persons>
Result<Registration> Repeat(Transaction& tx, const VersionRow& version, const Persons& persons) {
  GF_ASSIGN(auto slots, tx.consent().Slots(version.dataset));
  std::unordered_map<std::string, std::int32_t> rows;
  for (const SlotRow& slot : slots) {
    if (!slot.pseudonym.empty()) rows.emplace(slot.pseudonym, slot.slot);
  }
  Registration registration;
  registration.epoch = version.epoch;
  for (const auto& person : persons) {
    auto row = rows.find(person.pseudonym);
    if (row == rows.end())
      registration.subjects.push_back({"", -1, person.forgotten});
    else
      registration.subjects.push_back({person.pseudonym, row->second});
  }
  return registration;
}

}  // namespace

Result<std::vector<Registrar::Person>> Registrar::Prepare(
    const RegistrationRequest& request) const {
  const DatasetVersion& dataset = request.dataset;
  const std::vector<SubjectConsent>& subjects = request.subjects;
  GF_TRY(Validate(dataset));
  if (request.base_version < 0 || request.base_version >= dataset.version ||
      (request.follow_up && request.base_version == 0)) {
    return InvalidField("base_version", "BASE_INVALID", "must be an earlier version");
  }
  if (subjects.empty() || subjects.size() > kMaxSubjects) {
    return InvalidField("subjects", "SUBJECTS_INVALID", "must be 1 to {}", kMaxSubjects);
  }
  std::vector<Person> persons(subjects.size());
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const std::string& person = subjects[i].person_identifier;
    if (!IsPersonIdentifier(person) || !seen.insert(person).second) {
      return InvalidField(fmt::format("subjects[{}].person_identifier", i), "SUBJECTS_INVALID",
                          "must be 1 to {} bytes of plain text and occur once",
                          kMaxPersonIdentifier);
    }
    persons[i] = {pseudonyms_.Blinded(person),
                  pseudonyms_.InDataset(dataset.dataset, person),
                  subjects[i].says,
                  subjects[i].who,
                  {},
                  false};
    if (const auto& born = persons[i].who.born)
      persons[i].who.adult_at = ComesOfAge(*born, rules_.policy.adult_age);
  }
  return persons;
}

Status Registrar::MarkForgotten(Transaction& tx, std::vector<Person>& persons) const {
  std::vector<std::string> tombstones;
  for (const Person& person : persons) tombstones.push_back(pseudonyms_.Tombstone(person.blinded));
  GF_ASSIGN(const auto standing, tx.consent().FindTombstones(tombstones));
  for (std::size_t i = 0; i < persons.size(); ++i)
    persons[i].forgotten = standing.contains(tombstones[i]);
  return absl::OkStatus();
}

Status Registrar::Identify(Transaction& tx, std::vector<Person>& persons, bool known_only) {
  std::vector<std::string> blinded;
  for (const Person& person : persons) {
    if (!person.forgotten) blinded.push_back(person.blinded);
  }
  GF_ASSIGN(auto known, tx.consent().FindSubjects(blinded));
  std::vector<std::string> added;
  for (const std::string& id : blinded) {
    if (!known.contains(id) && !known_only) added.push_back(id);
  }
  if (!added.empty()) {
    GF_TRY(AddPeople(tx, random_, added));
    GF_ASSIGN(known, tx.consent().FindSubjects(blinded));
  }
  for (Person& person : persons) {
    auto subject = known.find(person.blinded);
    if (person.forgotten || (subject == known.end() && known_only)) continue;
    if (subject == known.end())
      return Error(StatusCode::kInternal, "SUBJECT_LOST", "a subject was not stored");
    person.subject = subject->second;
  }
  return absl::OkStatus();
}

Result<std::vector<Told>> Registrar::RecordHolder(Transaction& tx, const DatasetVersion& dataset,
                                                  const std::vector<Person>& persons) {
  GF_ASSIGN(auto before, tx.consent().Holder(dataset.dataset));
  std::map<std::int64_t, Statement> records;
  std::map<std::int64_t, Circumstances> lives;
  std::vector<Told> told;
  for (const Person& person : persons) {
    records[person.subject.id] = person.holder;
    if (person.who != Circumstances()) lives[person.subject.id] = person.who;
    auto old = before.find(person.subject.id);
    if (old != before.end() && old->second == person.holder) continue;
    const Statement& says = person.holder;
    told.push_back({person.subject.id, says.permits, says.permits.empty() && !says.denies.empty(),
                    WordsOf(says)});
  }
  GF_TRY(tx.consent().PutHolder(dataset, records));
  GF_TRY(tx.consent().SetLives(lives));
  return told;
}

namespace {

using BaseSlots = std::unordered_map<std::int64_t, SlotRow>;  // by subject

Result<BaseSlots> ReadBase(Transaction& tx, const RegistrationRequest& request) {
  BaseSlots base;
  if (request.base_version == 0) return base;
  const DatasetVersion version{request.dataset.dataset, request.base_version};
  GF_ASSIGN(auto known, tx.consent().FindVersion(version));
  if (!known) return InvalidField("base_version", "BASE_INVALID", "is not registered");
  GF_ASSIGN(auto slots, tx.consent().Slots(version));
  for (SlotRow& slot : slots) base.emplace(slot.subject, std::move(slot));
  return base;
}

// Of each person: whether the policy permits anything, by what was said before and the holder's new record.
template <typename Persons>
Result<std::vector<bool>> WhoIsIncluded(Transaction& tx, const Rules& rules, const std::string& dataset,
                                        const Persons& persons) {
  GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules.clock.Now()));
  std::vector<std::int64_t> ids;
  for (const auto& person : persons) {
    if (person.subject.id != 0) ids.push_back(person.subject.id);
  }
  GF_ASSIGN(auto said, tx.consent().StatementsOf(ids));
  std::vector<bool> included;
  for (const auto& person : persons) {
    if (person.subject.id == 0) {
      included.push_back(false);
      continue;
    }
    auto& statements = said[person.subject.id];
    std::erase_if(statements, [](const auto& one) { return one.source == Source::kHolder; });
    statements.push_back({Source::kHolder, dataset, person.holder});
    Circumstances who = person.subject.who;
    if (person.who.adult_at) who.adult_at = person.who.adult_at;
    if (person.who.died_at) who.died_at = person.who.died_at;
    // A registry's silence closes every use while it lasts, and must not cost anybody their row for ever.
    included.push_back(PermitsAnything(rules.policy, VoicesIn(dataset, statements, who), epoch.at, false));
  }
  return included;
}

// Somebody of the base without a pseudonym was left out there and has no row.
std::int32_t RowOf(const SlotRow& slot) { return slot.pseudonym.empty() ? -1 : slot.slot; }

}  // namespace

Result<Registration> Registrar::Register(Transaction& tx, const RegistrationRequest& request,
                                         const std::string& fingerprint,
                                         std::vector<Person> persons) {
  GF_TRY(Identify(tx, persons, request.follow_up));
  GF_ASSIGN(BaseSlots base, ReadBase(tx, request));
  GF_ASSIGN(const auto included, WhoIsIncluded(tx, rules_, request.dataset.dataset, persons));
  // The people of the request come first, then those of the base that it does not name.
  std::vector<Candidate> candidates;
  std::vector<SlotRow> rows;
  std::vector<std::int32_t> candidate_of(persons.size(), -1);
  std::vector<Person> registered;
  for (std::size_t i = 0; i < persons.size(); ++i) {
    const Person& person = persons[i];
    if (person.forgotten) continue;
    auto before = base.extract(person.subject.id);
    const std::int32_t row = before.empty() ? -1 : RowOf(before.mapped());
    if (request.follow_up && row < 0) {
      if (!before.empty()) base.insert(std::move(before));  // left out there, and so here
      continue;
    }
    candidate_of[i] = static_cast<std::int32_t>(candidates.size());
    candidates.push_back({person.pseudonym, row >= 0 || included[i], row});
    rows.push_back({0, person.subject.id, person.pseudonym});
    registered.push_back(person);
  }
  for (const auto& [subject, slot] : base) {
    // The pseudonym of somebody who was left out is not kept; any text orders them.
    const std::int32_t row = RowOf(slot);
    candidates.push_back(
        {row >= 0 ? slot.pseudonym : fmt::format("~{}", slot.slot), row >= 0, row});
    rows.push_back({0, subject, slot.pseudonym});
  }
  const std::vector<Slot> slots = AssignSlots(candidates);
  GF_ASSIGN(std::vector<Told> told, RecordHolder(tx, request.dataset, registered));
  Registration registration;
  GF_ASSIGN(registration.epoch, tx.consent().NextEpoch(rules_.clock.Now()));
  GF_TRY(LogTold(
      tx, ledger_, random_, rules_.clock.Now(), registration.epoch,
      {{"dataset", request.dataset.dataset}, {"version", std::to_string(request.dataset.version)}},
      std::move(told)));
  VersionRow version{
      request.dataset,    fingerprint,         0, static_cast<std::int32_t>(rows.size()),
      registration.epoch, request.base_version};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    version.rows += slots[i].included ? 1 : 0;
    rows[i].slot = slots[i].slot;
    if (!slots[i].included) rows[i].pseudonym.clear();
  }
  for (std::size_t i = 0; i < persons.size(); ++i) {
    const std::int32_t candidate = candidate_of[i];
    if (candidate < 0 || !slots[static_cast<std::size_t>(candidate)].included) {
      registration.subjects.push_back({"", -1, persons[i].forgotten});
      continue;
    }
    const SlotRow& row = rows[static_cast<std::size_t>(candidate)];
    registration.subjects.push_back({row.pseudonym, row.slot});
  }
  GF_TRY(tx.consent().AddVersion(version, rows));
  return registration;
}

Result<Registration> Registrar::Run(const Context& ctx, const RegistrationRequest& request) {
  GF_ASSIGN(const std::vector<Person> persons, Prepare(request));
  const DatasetVersion& dataset = request.dataset;
  const std::string fingerprint = Fingerprint(request, persons);
  Registration registration;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto version, tx.consent().FindVersion(dataset));
    if (version && version->fingerprint != fingerprint) {
      return Error(StatusCode::kAlreadyExists, "VERSION_REGISTERED",
                   "version {} of {} was registered with other subjects", dataset.version,
                   dataset.dataset);
    }
    std::vector<Person> now = persons;
    GF_TRY(MarkForgotten(tx, now));
    GF_ASSIGN(registration, version ? Repeat(tx, *version, now)
                                    : Register(tx, request, fingerprint, std::move(now)));
    return absl::OkStatus();
  });
  GF_TRY(written);
  return registration;
}

}  // namespace genofed::consent
