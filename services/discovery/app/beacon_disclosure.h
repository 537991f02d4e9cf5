// SPDX-License-Identifier: Apache-2.0
//
// What may be said of a Beacon folder's records: the one place where they meet disclosure control
// (libs/disclosure).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/beacon/collection.h"
#include "libs/beacon/request.h"
#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// One text for all requests that ask the same of a dataset, however that is spelled and whatever
// their page, granularity, include mode and other datasets.
std::string Canonical(const beacon::Request& request);
// Which of a folder's datasets a request names; empty: all of them.
std::string CanonicalDatasets(const beacon::Request& request, const beacon::Collection& collection);
// The question how many people of one of a folder's datasets meet a request.
std::string AboutPeople(const std::string& canonical, std::string_view dataset);

// Judges one request at one folder, and notes what each answer tells. What is noted until it is
// taken is told together.
class RecordDisclosure {
 public:
  // `state` names who may be counted (Mechanism::State). Borrows the mechanism.
  RecordDisclosure(const disclosure::Mechanism& mechanism, std::string folder, std::string state,
                   std::string canonical)
      : mechanism_(mechanism),
        folder_(std::move(folder)),
        state_(std::move(state)),
        canonical_(std::move(canonical)) {}

  // How many people of one of the folder's datasets are said to meet the request.
  disclosure::Shown People(std::string_view dataset, const disclosure::People& people);
  // Whether a variant may be mentioned: by the people who carry it; without any known, by the
  // allele count that it was loaded with, each person having at most two copies. And what it costs
  // to say whether it may.
  struct Judged {
    bool mentioned = false;
    double nats = 0;
  };
  Judged Judge(std::string_view dataset, std::string_view variant,
               const disclosure::People& carriers, std::int64_t allele_count) const;
  // Notes that it is said how many of a dataset's variants are mentioned, none or some. `nats`: of
  // all that were judged.
  void CountedVariants(std::string_view dataset, double nats, std::int64_t population);
  // Notes that a variant is mentioned.
  void Mentioned(std::string_view dataset, std::string_view variant,
                 const disclosure::People& carriers);

  // The variant as everybody may see it: no people, and frequencies of groups in which neither
  // those who carry the allele nor those who do not are few. Frequencies are as exact as they were
  // loaded: where counts carry noise they are left out, unless the folder knows nobody who carries
  // the allele (`of_people`), so that they are what its holder published.
  std::string PublicVariant(const std::string& record, bool of_people) const;

  // What was noted since the last time. How many these are must be known to whoever asks.
  std::vector<Spending> Take();

 private:
  std::string About(std::string_view what, std::string_view dataset,
                    std::string_view variant = {}) const;
  void Spend(const std::string& canonical, double nats);

  const disclosure::Mechanism& mechanism_;
  const std::string folder_, state_, canonical_;
  std::vector<Spending> spendings_;
};

}  // namespace genofed::discovery
