// SPDX-License-Identifier: Apache-2.0
//
// Keeps a dataset's clinical data as a hospital's or national FHIR server has them: pulls what
// changed and hands it in as a follow-up. The server says who is new there, the dataset says who is
// enrolled: people who are not in the listed version are left out by the pipeline.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/onboarding/app/intake.h"
#include "services/onboarding/app/layout.h"
#include "services/onboarding/app/pull_spool.h"

namespace genofed::onboarding {

struct ConnectorOptions {
  std::string name;  // [a-z0-9-]{1,40}
  std::string dataset;
  Holder holder;
  std::chrono::seconds interval{15 * 60};
  // How often everything is read again: only that shows what was deleted at the server.
  std::chrono::seconds full_interval{7 * 24 * 3600};
  // Searches reach back this far behind the last pull, since servers index late and clocks differ.
  std::chrono::seconds overlap{5 * 60};
  std::chrono::seconds longest_pull{6 * 3600};
};

// What a call to the server brought.
struct PullSummary {
  Time as_of{};  // by the server's clock: what changed later is for the next pull
  std::int64_t resources = 0;
  std::int64_t unusable = 0;  // no resource, no id, or about nobody
  bool deletions = false;     // something was deleted: only reading everything shows what
};

// The clinical system. Errors: those of libs/fhir.
class ClinicalServer {
 public:
  using Sink = std::function<Status(const PulledResource& resource)>;
  virtual ~ClinicalServer() = default;
  virtual Result<PullSummary> Everything(const Context& ctx, const Sink& sink) = 0;
  // Adds the ids of Patients of whom anything was written since.
  virtual Result<PullSummary> ChangedSince(const Context& ctx, Time since,
                                           std::set<std::string>& patients) = 0;
  // Everything about these people.
  virtual Result<PullSummary> RecordsOf(const Context& ctx, const std::set<std::string>& patients,
                                        const Sink& sink) = 0;
};

// What is known of a connector between its runs.
struct ConnectorState {
  std::string name;
  std::string dataset;
  std::int32_t base_version =
      0;  // what is remembered of people is what this listed version has of them
  std::optional<Time> watermark;  // everything before it is in the base version
  std::optional<Time> last_full;
  std::string submission;  // handed in, but not in the listed version yet; empty: none
  std::optional<Time> submission_watermark;
  std::int32_t attempt = 0;  // of submissions that failed for reasons of this site
  std::optional<Time> last_attempt;
  std::optional<Time> last_success;
  std::string last_error;  // "UNAVAILABLE/FHIR_SERVER_ERROR: the server answered 503"; empty after
                           // a success
  std::int64_t resources_pulled = 0;
  std::int64_t people_submitted = 0;
};

class ConnectorStore {
 public:
  virtual ~ConnectorStore() = default;
  // A new state if there is none.
  virtual Result<ConnectorState> Load(const Context& ctx, const std::string& name) = 0;
  virtual Status Save(const Context& ctx, const ConnectorState& state) = 0;
  virtual Result<PersonRecords> Records(const Context& ctx, const std::string& name) = 0;
  // Each with the state, in one transaction. Sets the records of a submission beside those of the
  // base version:
  virtual Status SetPending(const Context& ctx, const ConnectorState& state,
                            const PersonRecords& pending) = 0;
  // they are those of the base version now;
  virtual Status CommitPending(const Context& ctx, const ConnectorState& state) = 0;
  // all are forgotten.
  virtual Status Forget(const Context& ctx, const ConnectorState& state) = 0;
};

// One connector. Not thread-safe; everything is borrowed.
class Connector {
 public:
  // The version of a dataset that the catalogue lists; 0: none.
  using ListedVersion =
      std::function<Result<std::int32_t>(const Context& ctx, const std::string& dataset)>;

  Connector(ConnectorOptions options, ClinicalServer& server, ConnectorStore& store, Intake& intake,
            ListedVersion listed, const Layout& layout, const Clock& clock, Random& random);

  // One pull. Killed at any point and run again, it hands in the same once. Its outcome is in the
  // state, too.
  Status RunOnce(const Context& ctx);

  const ConnectorOptions& options() const { return options_; }

 private:
  Status Try(const Context& ctx, ConnectorState& state);
  // What became of the submission that was handed in last.
  Status Settle(const Context& ctx, ConnectorState& state, std::int32_t listed, bool& rejected);
  Status Pull(const Context& ctx, ConnectorState& state);
  // Reads what may have changed into the spool; false: nothing did.
  Result<bool> Fill(const Context& ctx, const ConnectorState& state, PullSpool& spool,
                    PullSummary& summary, bool& full);
  Status HandIn(const Context& ctx, ConnectorState& state, PullSpool& spool,
                const PersonRecords& changed, Time as_of);
  Result<std::string> HashKey();

  const ConnectorOptions options_;
  ClinicalServer& server_;
  ConnectorStore& store_;
  Intake& intake_;
  const ListedVersion listed_;
  const std::filesystem::path directory_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace genofed::onboarding
