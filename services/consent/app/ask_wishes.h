// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/rules.h"
#include "services/consent/domain/pseudonyms.h"

namespace genofed::consent {

// Whom the holder of a dataset may ask: who agreed to be contacted again, or to hear of findings
// about their health. The holder names the people, as it did when it handed them in, since nobody
// else knows who they are; so it learns of nobody whom it does not know already. Thread-safe.
class AskWishes {
 public:
  static constexpr std::size_t kMaxPeople = 1000;

  AskWishes(Store& store, Ledger& ledger, const Pseudonyms& pseudonyms, Rules rules, Random& random)
      : store_(store), ledger_(ledger), pseudonyms_(pseudonyms), rules_(rules), random_(random) {}

  // One answer for each person, in their order; somebody without a row in the dataset wishes
  // nothing, as far as anybody is told. That it was asked, and by which organisation, is in the
  // ledger before it is answered. Errors: DATASET_INVALID, PEOPLE_INVALID, LEDGER_FROZEN;
  // Unavailable REGISTRY_STALE, since a national registry may say no by now.
  Result<std::vector<Wishes>> Run(const Context& ctx, const std::string& dataset,
                                  const std::vector<std::string>& people);

 private:
  Status Log(const Context& ctx, const std::string& dataset);
  Result<Wishes> WishesIn(Transaction& tx, const std::string& dataset, const Subject& subject,
                          const std::vector<SourcedStatement>& said, Time at) const;

  Store& store_;
  Ledger& ledger_;
  const Pseudonyms& pseudonyms_;
  const Rules rules_;
  Random& random_;
};

}  // namespace genofed::consent
