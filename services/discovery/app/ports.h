// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "services/discovery/app/cohort.h"
#include "services/discovery/domain/answer.h"
#include "services/discovery/domain/case.h"
#include "services/discovery/domain/publication.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// Which dataset versions were published here. Rows are never changed or removed: the catalogue
// tells which version of a dataset counts.
class PublicationStore {
 public:
  virtual ~PublicationStore() = default;
  // Adds a version; the same one again changes nothing. AlreadyExists VERSION_PUBLISHED if it was
  // published with another content.
  virtual Status Add(const Context& ctx, const Publication& publication) = 0;
  // Puts a version in the place of what it was published with, if it was.
  virtual Status Replace(const Context& ctx, const Publication& publication) = 0;
  // In order of dataset and version.
  virtual Result<std::vector<Publication>> List(const Context& ctx) = 0;
};

// Opens and verifies the files of a publication.
class CohortOpener {
 public:
  virtual ~CohortOpener() = default;
  virtual Result<std::shared_ptr<const Cohort>> Open(const Publication& publication) = 0;
  // Removes what was made for others than these, unless it was made just now.
  virtual Status Sweep(const std::vector<Publication>& wanted) = 0;
};

enum class Permission { kAlleleFrequency, kSubjectLevelQuery, kSecondaryUse };

struct PermittedRows {
  std::int64_t epoch = 0;
  std::uint32_t rows = 0;
  std::string bits;  // row i is bit i%8 of byte i/8
};

// The consent service of the site.
class ConsentClient {
 public:
  virtual ~ConsentClient() = default;
  virtual Result<std::int64_t> Epoch(const Context& ctx) = 0;
  virtual Result<PermittedRows> Permitted(const Context& ctx, const std::string& dataset,
                                          std::int32_t version, Permission permission) = 0;
};

using DatasetVersion = std::pair<std::string, std::int32_t>;

// The catalogue of the site.
class ListingClient {
 public:
  virtual ~ListingClient() = default;
  // Which of these versions are listed: validated by the national coordination point.
  virtual Result<std::set<DatasetVersion>> Listed(const Context& ctx,
                                                  const std::set<DatasetVersion>& versions) = 0;
};

// The discovery service of one node, as the hub sees it. Thread-safe. No call waits: each is done
// once, on whatever thread brings the answer or even before it returns, and soon after the end of
// its context at the latest. Whoever is told must not keep that thread. Lives until all are done.
class NodeClient {
 public:
  template <typename T>
  using Done = std::function<void(Result<T>)>;

  virtual ~NodeClient() = default;
  virtual const std::string& site() const = 0;
  // Whether it is no node of this federation, but somebody else's Beacon.
  virtual bool foreign() const { return false; }
  virtual void Ask(const Context& ctx, const Query& query, Done<Answer> done) = 0;
  virtual void Match(const Context&, const CaseQuery&, Done<CaseAnswer> done) {
    done(Error(StatusCode::kUnimplemented, "NO_CASES", "matches no cases"));
  }
  // All terms of the node, sorted; at most kMaxTermsOfNode.
  virtual void Terms(const Context& ctx, Done<std::vector<FilteringTerm>> done) = 0;
};

// The hub's broker.
class Broker {
 public:
  struct Issued {
    AccountTokens tokens;
    std::chrono::seconds lifetime{0};  // from when it was asked
  };
  virtual ~Broker() = default;
  // Exchanges the access token of the user of `ctx`.
  virtual Result<Issued> Issue(const Context& ctx) = 0;
};

// What one answer about one dataset tells an account.
struct Spending {
  std::string dataset;
  std::string question;  // digest: disclosure::Mechanism::Mac
  double nats = 0;
  double worst = 0;  // what it could have been: must be left in the budget
};

// What is told to the catalogue is told to everybody: it counts in the budget of each account.
inline constexpr std::string_view kCatalogueAccount = "catalogue";

// A slice (libs/disclosure/budget.h) that was charged, in full, on `day`.
struct Slice {
  std::int64_t id = 0;
  std::string account;
  std::string dataset;
  std::int64_t day = 0;  // since 1970, UTC
  double nats = 0;
};
// What was told from a slice: all of one account and dataset, together at most its nats.
struct Settlement {
  Slice slice;
  std::vector<Spending> told;
};
struct Charged {
  // Datasets of which nothing is charged, and the time after which asking makes sense again.
  std::map<std::string, std::chrono::seconds> refused;
  std::set<std::string> everybodys;  // those of them that are refused to all accounts
  std::vector<Slice> opened;
};

class BudgetStore {
 public:
  virtual ~BudgetStore() = default;
  // In one transaction and once for each question: see Budgets::Charge. Besides opens a slice of so
  // many nats for each dataset in `slices`, if it is not refused and disclosure::MayOpen; on disk
  // before it returns. A refusal that would not be one without slices that were opened in the last
  // seconds says to come back when they are settled.
  virtual Result<Charged> Charge(const Context& ctx, const std::string& account,
                                 const std::vector<Spending>& spendings,
                                 const std::map<std::string, double>& slices, Time now) = 0;
  // In one transaction: closes slices, remembers what was told from them, and takes from what was
  // spent on their day all that was not told, or told and charged another time. A slice that is not
  // open changes nothing, so that whoever does not know whether this succeeded may repeat it.
  virtual Status Settle(const Context& ctx, const std::vector<Settlement>& settlements,
                        Time now) = 0;
  // Drops what is older than the budget's window.
  virtual Status Forget(const Context& ctx, Time now) = 0;
};

struct AuditEntry {
  Time at;
  std::string account;
  std::string dataset;
  std::string question;
  std::string outcome;  // "told", "held_back", "refused"
  double nats = 0;
};
struct AuditRow {
  std::int64_t seq = 0;  // from 1, without gaps
  AuditEntry entry;
  std::string hash;
};

class AuditStore {
 public:
  virtual ~AuditStore() = default;
  virtual Status Append(const Context& ctx, const std::vector<AuditEntry>& entries) = 0;
  virtual Result<std::vector<AuditRow>> ReadAudit(const Context& ctx) = 0;
};

// Threads with a bounded queue. Its end waits for what was submitted.
class WorkerPool {
 public:
  virtual ~WorkerPool() = default;
  // False at once when the queue is full.
  virtual bool Submit(std::function<void()> work) = 0;
};

inline constexpr std::size_t kMaxTermsOfNode = 100'000;

}  // namespace genofed::discovery
