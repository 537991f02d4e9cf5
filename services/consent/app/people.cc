// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/people.h"

#include <cstring>
#include <limits>
#include <utility>

namespace genofed::consent {
namespace {

// There are always as many to choose from, so that the last to come are not known by the slots that
// were left.
constexpr std::size_t kSpareSlots = ledger::kSnapshotBlock / 2;

// Every number below `end` with the same probability.
std::size_t Below(Random& random, std::size_t end) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  for (;;) {
    std::uint64_t value = 0;
    std::memcpy(&value, random.Bytes(sizeof value).data(), sizeof value);
    if (value < kMax - kMax % end) return static_cast<std::size_t>(value % end);
  }
}

}  // namespace

Status AddPeople(Transaction& tx, Random& random, const std::vector<std::string>& blinded) {
  if (blinded.empty()) return absl::OkStatus();
  GF_ASSIGN(auto free, tx.consent().FreeSlots());
  if (free.size() < blinded.size() + kSpareSlots) {
    for (std::size_t slots = free.size(); slots < blinded.size() + kSpareSlots;
         slots += ledger::kSnapshotBlock)
      GF_TRY(tx.consent().AddSlotBlock(
          random.Bytes(ledger::kSnapshotBlock * ledger::kSlotSecretBytes)));
    GF_ASSIGN(free, tx.consent().FreeSlots());
  }
  std::vector<NewSubject> people;
  for (const std::string& person : blinded) {
    std::swap(free[Below(random, free.size())], free.back());
    people.push_back({person, free.back()});
    free.pop_back();
  }
  return tx.consent().AddSubjects(people);
}

}  // namespace genofed::consent
