// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/registrar.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "libs/crypto/hash.h"

namespace genofed::consent {

struct Registrar::Person {
  std::string blinded;
  std::string pseudonym;
  PermissionSet holder;
  Subject subject;
};

namespace {

// Independent of the order in which the persons come.
template <typename Persons>
std::string Fingerprint(const Persons& persons) {
  std::vector<std::string> lines;
  lines.reserve(persons.size());
  for (const auto& person : persons)
    lines.push_back(fmt::format("{} {}\n", person.blinded, person.holder.bits()));
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
      registration.subjects.emplace_back();
    else
      registration.subjects.push_back({person.pseudonym, row->second});
  }
  return registration;
}

}  // namespace

Result<std::vector<Registrar::Person>> Registrar::Prepare(
    const DatasetVersion& dataset, const std::vector<SubjectConsent>& subjects) const {
  GF_TRY(Validate(dataset));
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
                  subjects[i].permissions,
                  {}};
  }
  return persons;
}

Status Registrar::Identify(Transaction& tx, std::vector<Person>& persons) {
  std::vector<std::string> blinded;
  for (const Person& person : persons) blinded.push_back(person.blinded);
  GF_ASSIGN(auto known, tx.consent().FindSubjects(blinded));
  std::vector<NewSubject> added;
  for (const std::string& id : blinded) {
    if (!known.contains(id)) added.push_back({id, random_.Bytes(32)});
  }
  if (!added.empty()) {
    GF_TRY(tx.consent().AddSubjects(added));
    GF_ASSIGN(known, tx.consent().FindSubjects(blinded));
  }
  for (Person& person : persons) {
    auto subject = known.find(person.blinded);
    if (subject == known.end())
      return Error(StatusCode::kInternal, "SUBJECT_LOST", "a subject was not stored");
    person.subject = subject->second;
  }
  return absl::OkStatus();
}

Status Registrar::RecordHolder(Transaction& tx, const DatasetVersion& dataset,
                               const std::vector<Person>& persons) {
  GF_ASSIGN(auto before, tx.consent().Holder(dataset.dataset));
  std::map<std::int64_t, PermissionSet> records;
  std::vector<Change> changes;
  for (const Person& person : persons) {
    records[person.subject.id] = person.holder;
    auto old = before.find(person.subject.id);
    if (old == before.end() || old->second != person.holder) {
      changes.push_back({person.subject.id, person.holder, clock_.Now(), false, std::nullopt});
    }
  }
  GF_TRY(tx.consent().PutHolder(dataset, records));
  return tx.consent().AddChanges(changes);
}

Result<Registration> Registrar::Register(Transaction& tx, const DatasetVersion& dataset,
                                         const std::string& fingerprint,
                                         std::vector<Person> persons) {
  GF_TRY(Identify(tx, persons));
  std::vector<Candidate> candidates;
  for (const Person& person : persons) {
    candidates.push_back({person.pseudonym, !Effective(person.subject.own, person.holder).empty()});
  }
  const std::vector<Slot> slots = AssignSlots(candidates);
  GF_TRY(RecordHolder(tx, dataset, persons));
  Registration registration;
  GF_ASSIGN(registration.epoch, tx.consent().NextEpoch());
  VersionRow version{dataset, fingerprint, 0, static_cast<std::int32_t>(persons.size()),
                     registration.epoch};
  std::vector<SlotRow> rows;
  for (std::size_t i = 0; i < persons.size(); ++i) {
    const bool included = slots[i].included;
    version.rows += included ? 1 : 0;
    rows.push_back(
        {slots[i].slot, persons[i].subject.id, included ? persons[i].pseudonym : "", {}});
    registration.subjects.push_back(
        included ? RegisteredSubject{persons[i].pseudonym, slots[i].slot} : RegisteredSubject{});
  }
  GF_TRY(tx.consent().AddVersion(version, rows));
  return registration;
}

Result<Registration> Registrar::Run(const Context& ctx, const DatasetVersion& dataset,
                                    const std::vector<SubjectConsent>& subjects) {
  GF_ASSIGN(const std::vector<Person> persons, Prepare(dataset, subjects));
  const std::string fingerprint = Fingerprint(persons);
  Registration registration;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto version, tx.consent().FindVersion(dataset));
    if (version && version->fingerprint != fingerprint) {
      return Error(StatusCode::kAlreadyExists, "VERSION_REGISTERED",
                   "version {} of {} was registered with other subjects", dataset.version,
                   dataset.dataset);
    }
    GF_ASSIGN(registration, version ? Repeat(tx, *version, persons)
                                    : Register(tx, dataset, fingerprint, persons));
    return absl::OkStatus();
  });
  GF_TRY(written);
  return registration;
}

}  // namespace genofed::consent
