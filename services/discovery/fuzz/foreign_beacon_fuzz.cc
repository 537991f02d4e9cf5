// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "services/discovery/adapters/foreign_beacon.h"
#include "services/discovery/domain/merge.h"

// Whatever another Beacon says: no crash, and nothing that the merge would take for a dataset of a
// node.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::discovery;
  auto answer = ParseBeaconAnswer("other", {reinterpret_cast<const char*>(data), size});
  if (!answer.ok()) return 0;
  Query query;
  query.granularity = Granularity::kRecord;
  const Answer merged = Merge(query, {{{"other", MemberState::kAnswered, 0, 0}, *answer, true}}, 5);
  for (const DatasetAnswer& dataset : merged.datasets)
    GF_CHECK(!dataset.dataset.starts_with("GOE-FI-A-"));
  for (const NotAsked& one : merged.not_asked)
    GF_CHECK(one.site == "other" && one.dataset != "GOE-FI-A-1");
  return 0;
}
