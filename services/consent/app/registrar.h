// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/change_log.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/rules.h"
#include "services/consent/domain/pseudonyms.h"

namespace genofed::consent {

struct SubjectConsent {
  std::string person_identifier;
  Statement says;  // what the holder recorded
  Circumstances who = {};
};

struct RegisteredSubject {
  std::string pseudonym;  // empty: left out
  std::int32_t row = -1;
  bool forgotten = false;  // left out because they asked to be, whatever their record permits

  friend bool operator==(const RegisteredSubject&, const RegisteredSubject&) = default;
};

// What a version is made of.
struct RegistrationRequest {
  DatasetVersion dataset;
  std::vector<SubjectConsent> subjects;
  // The version it goes on from, whose people keep their rows; 0: none.
  std::int32_t base_version = 0;
  // Clinical data of people of the base: who has no row there is not registered.
  bool follow_up = false;
};

struct Registration {
  std::vector<RegisteredSubject> subjects;  // in the order of the request
  std::int64_t epoch = 0;
};

// Takes the persons of a new dataset version and the consents its holder recorded for them.
class Registrar {
 public:
  // What one answer can hold (16 MiB).
  static constexpr std::size_t kMaxSubjects = 200'000;

  Registrar(Ledger& ledger, const Pseudonyms& pseudonyms, Rules rules, Random& random)
      : ledger_(ledger), pseudonyms_(pseudonyms), rules_(rules), random_(random) {}

  // Included is of whom the country's policy permits anything for any purpose. Where a person has
  // decided for themselves, that counts and not the holder's record. Those left out keep a slot, so
  // that they can be shown that they were not used. Somebody who has a row in the base version
  // keeps it, also without any permission left: the row is masked wherever it is used. Who asked to
  // be forgotten is left out and nothing is kept of them. Repeating the call returns the first
  // answer. Errors: DATASET_INVALID, SUBJECTS_INVALID, BASE_INVALID, VERSION_REGISTERED (with other
  // subjects).
  Result<Registration> Run(const Context& ctx, const RegistrationRequest& request);

 private:
  struct Person;
  Result<std::vector<Person>> Prepare(const RegistrationRequest& request) const;
  Status MarkForgotten(Transaction& tx, std::vector<Person>& persons) const;
  // Fills in subject ids and decisions; adds subjects that are new, or with `known_only` leaves
  // their id at 0. That of people who were forgotten stays 0.
  Status Identify(Transaction& tx, std::vector<Person>& persons, bool known_only);
  Result<Registration> Register(Transaction& tx, const RegistrationRequest& request,
                                const std::string& fingerprint, std::vector<Person> persons);
  // Returns what is new.
  Result<std::vector<Told>> RecordHolder(Transaction& tx, const DatasetVersion& dataset,
                                         const std::vector<Person>& persons);

  Ledger& ledger_;
  const Pseudonyms& pseudonyms_;
  const Rules rules_;
  Random& random_;
};

}  // namespace genofed::consent
