// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/ledger.h"
#include "services/consent/domain/pseudonyms.h"

namespace genofed::consent {

struct SubjectConsent {
  std::string person_identifier;
  PermissionSet permissions;  // what the holder recorded
};

struct RegisteredSubject {
  std::string pseudonym;  // empty: left out
  std::int32_t row = -1;
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

  Registrar(Ledger& ledger, const Pseudonyms& pseudonyms, const Clock& clock, Random& random)
      : ledger_(ledger), pseudonyms_(pseudonyms), clock_(clock), random_(random) {}

  // A person who has decided for themselves is included or left out by that decision, whatever the
  // holder says. Those left out keep a slot, so that they can be shown that they were not used.
  // Repeating the call returns the first answer. Errors: DATASET_INVALID, SUBJECTS_INVALID,
  // VERSION_REGISTERED (with other subjects).
  Result<Registration> Run(const Context& ctx, const DatasetVersion& dataset,
                           const std::vector<SubjectConsent>& subjects);

 private:
  struct Person;
  Result<std::vector<Person>> Prepare(const DatasetVersion& dataset,
                                      const std::vector<SubjectConsent>& subjects) const;
  // Fills in subject ids and decisions; adds subjects that are new.
  Status Identify(Transaction& tx, std::vector<Person>& persons);
  Result<Registration> Register(Transaction& tx, const DatasetVersion& dataset,
                                const std::string& fingerprint, std::vector<Person> persons);
  Status RecordHolder(Transaction& tx, const DatasetVersion& dataset,
                      const std::vector<Person>& persons);

  Ledger& ledger_;
  const Pseudonyms& pseudonyms_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace genofed::consent
