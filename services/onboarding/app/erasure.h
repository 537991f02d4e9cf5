// SPDX-License-Identifier: Apache-2.0
//
// Erases what is stored of people who asked to be forgotten. From that moment on consent lets
// nobody use it; here it goes from the disk: cohort index, encrypted genotypes and phenotypes,
// tables of individuals, Beacon folders. Versions keep their number and everybody else their rows,
// so approvals, lists and other people's proofs stay as they are.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/core/random.h"
#include "libs/objects/object_store.h"
#include "libs/obs/metrics.h"
#include "services/onboarding/app/layout.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding {

// Forgotten rows of each version of a dataset; -1 stands for whoever was left out of it.
using RowsByVersion = std::map<std::int32_t, std::set<std::int32_t>>;

struct StoredVersion {
  Snapshot snapshot;
  std::string submission;         // that made it
  std::set<std::int32_t> erased;  // rows that were erased before; -1: as above
};

// What takes the place of what. Everything that is named here is durable already.
struct Rewrite {
  std::string dataset;
  std::map<std::string, SegmentRef> segments;  // by the index path of those that they replace
  std::vector<StoredVersion> versions;  // with their new tables, and all rows that are erased now
  std::vector<ObjectRecord> objects;    // each replaces that of its submission and role
  std::set<std::string> dropped;        // objects without a successor
};

// What belongs to nothing any more.
struct Discarded {
  enum class Kind { kObject, kPath };
  Kind kind = Kind::kObject;
  std::string name;  // an object's identifier, or a path below the site's data directory
  std::string dataset;
};

class ErasureStore {
 public:
  virtual ~ErasureStore() = default;
  // In order; none when the dataset is not known here.
  virtual Result<std::vector<StoredVersion>> Versions(const Context& ctx,
                                                      const std::string& dataset) = 0;
  // Whether a version of the dataset is being made; one with a snapshot is made.
  virtual Result<bool> IsBusy(const Context& ctx, const std::string& dataset) = 0;
  virtual Result<std::vector<ObjectRecord>> Objects(const Context& ctx,
                                                    const std::string& submission) = 0;
  // Written down before it is made, so that what a killed process left is found.
  virtual Status Discard(const Context& ctx, const std::vector<Discarded>& what) = 0;
  // In one step: versions refer to what is new, which is no longer discarded, and what they
  // referred to before is. The versions have yet to be announced.
  virtual Status Commit(const Context& ctx, const Rewrite& rewrite) = 0;
  virtual Result<std::vector<StoredVersion>> Unannounced(const Context& ctx) = 0;
  virtual Status Announced(const Context& ctx, const std::string& dataset,
                           std::int32_t version) = 0;
  virtual Result<std::vector<Discarded>> ListDiscarded(const Context& ctx) = 0;
  virtual Status Drop(const Context& ctx, const Discarded& what) = 0;
};

class Erasure {
 public:
  // Borrows everything.
  Erasure(Layout layout, ErasureStore& store, objects::ObjectStore& bodies, ConsentClient& consent,
          Publisher& publisher, const Clock& clock, Random& random, obs::Metrics& metrics)
      : layout_(std::move(layout)),
        store_(store),
        bodies_(bodies),
        consent_(consent),
        publisher_(publisher),
        clock_(clock),
        random_(random),
        metrics_(metrics) {}

  // Does what there is to do; may be killed anywhere and run again. Not while a submission runs:
  // both would write the same versions. A dataset with a submission under way waits for its end; an
  // error in one does not hold up others, and the first is returned.
  Status Run(const Context& ctx);

 private:
  class Work;

  Result<std::map<std::string, RowsByVersion>> Forgotten(const Context& ctx);
  Status Erase(const Context& ctx, const std::string& dataset, const RowsByVersion& forgotten);
  Status Announce(const Context& ctx);
  Status CleanUp(const Context& ctx);

  const Layout layout_;
  ErasureStore& store_;
  objects::ObjectStore& bodies_;
  ConsentClient& consent_;
  Publisher& publisher_;
  const Clock& clock_;
  Random& random_;
  obs::Metrics& metrics_;
};

}  // namespace genofed::onboarding
