// SPDX-License-Identifier: Apache-2.0
#include "services/consent/domain/cohort.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace genofed::consent {
namespace {

constexpr std::size_t kMaxDatasetBytes = 64;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

Status Validate(const DatasetVersion& dataset) {
  if (dataset.dataset.empty() || dataset.dataset.size() > kMaxDatasetBytes ||
      !std::all_of(dataset.dataset.begin(), dataset.dataset.end(), IsNameCharacter)) {
    return InvalidField("dataset.dataset", "DATASET_INVALID",
                        "must be the identifier of a dataset");
  }
  if (dataset.version < 1)
    return InvalidField("dataset.version", "DATASET_INVALID", "counts from 1");
  return absl::OkStatus();
}

std::vector<Slot> AssignSlots(const std::vector<Candidate>& persons) {
  std::vector<std::size_t> order(persons.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    auto key = [](const Candidate& person) {
      const bool kept = person.row >= 0;
      return std::tuple(!person.included, !kept, kept ? person.row : 0,
                        std::string_view(person.pseudonym));
    };
    return key(persons[a]) < key(persons[b]);
  });
  std::vector<Slot> slots(persons.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    slots[order[rank]] = {static_cast<std::int32_t>(rank), persons[order[rank]].included};
  }
  return slots;
}

std::string PackBits(const std::vector<bool>& bits) {
  std::string packed((bits.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (bits[i])
      packed[i / 8] =
          static_cast<char>(static_cast<unsigned char>(packed[i / 8]) | (1U << (i % 8)));
  }
  return packed;
}

std::string SnapshotId(const DatasetVersion& dataset, Permission permission, std::int64_t epoch,
                       std::string_view purpose, const std::vector<std::string>& met) {
  std::string id =
      fmt::format("{}/{}/{}/{}{}{}", dataset.dataset, dataset.version, Name(permission), epoch,
                  purpose.empty() && met.empty() ? "" : "/", purpose);
  for (const std::string& condition : met) id += "+" + condition;
  return id;
}

}  // namespace genofed::consent
