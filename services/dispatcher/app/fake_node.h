// SPDX-License-Identifier: Apache-2.0
//
// Everything around a part at a node, in memory, with a crash at any point. For tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "libs/auth/approval.h"
#include "libs/auth/testing_authority.h"
#include "services/dispatcher/app/node_ports.h"
#include "services/dispatcher/test_workflow.h"

namespace genofed::dispatcher {

inline constexpr char kDataset[] = "https://data.example/datasets/FI-1";
inline constexpr char kFrozen[] = "{\"title\":\"Epilepsy\"}";
inline const std::string kAgreement(64, 'b');

// The node's surroundings: hub, access, catalogue, consent, ledger, spe and the node's own rows.
// Everything here outlives a crash. The crash comes at call number `crash_at`, before or after the
// call had its effect; from then on every call fails until the process is started again.
class FakeNode final : public PartStore, public HubDesk, public Approvals, public SiteData {
 public:
  explicit FakeNode(auth::TestFederation& federation, const Clock& clock)
      : federation_(federation), clock_(clock) {
    hub_part.id = part().id;
  }

  static NodePart part() {
    NodePart part;
    part.id = "run-1-fi-0123456789ab";
    part.run = "run-1";
    part.dataset = kDataset;
    part.researcher = {"https://login.example", "alice"};
    part.request.application = "APP-1";
    part.request.workflow = TestWorkflow();
    part.request.parameters["REGION"] = "chr1";
    part.created = FromUnixSeconds(auth::kNow);
    return part;
  }

  // --- rows of the node
  Status Add(const Context&, const NodePart& added) override {
    return Do([&] { stored.try_emplace(added.id, added); });
  }
  Status WishCancel(const Context&, const std::string& id) override {
    return Do([&] { stored.at(id).cancel = true; });
  }
  Result<std::vector<std::string>> Open(const Context&) override {
    std::vector<std::string> ids;
    for (const auto& [id, p] : stored) {
      if (!finished) ids.push_back(id);
    }
    return ids;
  }
  Result<NodePart> Find(const Context&, const std::string& id) override {
    GF_TRY(Do([] {}));
    return stored.at(id);
  }
  Result<std::vector<NodePart>> OfRun(const Context&, const std::string&) override {
    return std::vector<NodePart>();
  }
  Result<std::vector<std::string>> ListRuns(const Context&, const std::string&, int) override {
    return std::vector<std::string>();
  }
  Status Save(const Context&, const sql::Lease&, const NodePart& saved) override {
    return Do([&] {
      const bool wish = stored.at(saved.id).cancel;
      stored[saved.id] = saved;
      stored[saved.id].cancel = wish;
    });
  }
  Status Finish(const Context& ctx, const sql::Lease& lease, const NodePart& saved) override {
    GF_TRY(Save(ctx, lease, saved));
    return Do([&] { finished = true; });
  }
  Status Defer(const Context&, const sql::Lease&, std::chrono::milliseconds) override {
    ++waits;
    return Do([] {});
  }

  // --- the hub
  Result<FetchedWork> Fetch(const Context&, const std::vector<std::string>& known) override {
    FetchedWork work;
    for (const std::string& id : known) {
      if (!IsFinal(hub_part.state)) work.known[id] = hub_cancel;
    }
    if (known.empty() && !IsFinal(hub_part.state)) {
      work.fresh.push_back(part());
      if (!odd_id.empty()) work.fresh.back().id = odd_id;
    }
    return work;
  }
  Status Report(const Context&, const PartReport& report) override {
    if (hub_away) return Error(StatusCode::kUnavailable, "HUB_AWAY", "away");
    if (shut_out) return Error(StatusCode::kPermissionDenied, "PEER_REVOKED", "not you");
    Status taken;
    GF_TRY(Do([&] {
      EXPECT_NE(report.state, State::kComplete) << "complete without outputs";
      taken = TakeReport(hub_part, report, clock_.Now());
    }));
    return taken;
  }
  Status Deliver(const Context&, const std::string& id, const std::vector<OutputFile>& files,
                 std::int32_t individuals) override {
    if (hub_away) return Error(StatusCode::kUnavailable, "HUB_AWAY", "away");
    if (shut_out) return Error(StatusCode::kPermissionDenied, "PEER_REVOKED", "not you");
    Status taken;
    GF_TRY(Do([&] {
      if (!IsFinal(hub_part.state)) delivered = files;
      taken = TakeReport(hub_part, {id, State::kComplete, "", "", -1, individuals}, clock_.Now());
    }));
    return taken;
  }

  // --- access
  Result<Approval> Get(const Context&, const std::string& application) override {
    GF_TRY(Do([] {}));
    if (!grant.ok()) return grant;
    Approval answer;
    auth::Approval content = approval;
    content.application = application;
    answer.token =
        *auth::MintApproval(signer == nullptr ? federation_.fi.signer : *signer, content);
    answer.decision_sha256 = std::string(64, 'd');
    answer.title = title;
    answer.purpose = "To understand epilepsy.\nIn children.";
    answer.organisation = "University of Porto";
    answer.frozen = kFrozen;
    answer.agreement_sha256 = kAgreement;
    answer.certificate_sha256 = approval.client_certificate_sha256;
    answer.accepted_conditions = beside;
    return answer;
  }
  Status CheckLive(const Context&, const std::string&) override {
    GF_TRY(Do([] {}));
    return grant;
  }

  // --- catalogue, consent, ledger
  Result<std::int32_t> ListedVersion(const Context&, const std::string&) override {
    GF_TRY(Do([] {}));
    if (!unlisted.ok()) return unlisted;
    return 3;
  }
  Result<Cohort> TakeCohort(const Context&, const std::string&, std::int32_t, const std::string&,
                            const std::vector<std::string>& conditions_met) override {
    GF_TRY(Do([&] { met = conditions_met; }));
    Cohort cohort = {41, permitted, "snapshot-1", std::string(64, 'e'), 120};
    return cohort;
  }
  Status CheckRun(const Context&, std::int64_t ledger_index) override {
    GF_TRY(Do([] {}));
    return withdrawn.contains(ledger_index)
               ? Error(StatusCode::kFailedPrecondition, "COHORT_CHANGED", "withdrawn")
               : absl::OkStatus();
  }
  Result<std::int64_t> AppendEntry(const Context&, const std::string& key,
                                   const std::string& entry) override {
    std::int64_t index = -1;
    bool reused = false;
    GF_TRY(Do([&] {
      if (!ledger_refusal.ok()) return;
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].first != key) continue;
        index = static_cast<std::int64_t>(i);
        reused = entries[i].second != entry;
      }
      if (index >= 0) return;
      index = static_cast<std::int64_t>(entries.size());
      entries.emplace_back(key, entry);
    }));
    if (!ledger_refusal.ok()) return ledger_refusal;
    if (reused) return Error(StatusCode::kAlreadyExists, "IDEMPOTENCY_KEY_REUSED", "another entry");
    return index;
  }

  // --- spe
  Status Create(const TaskOrder& order) {
    Status created;
    if (create_refusals > 0) {
      --create_refusals;
      return Error(StatusCode::kPermissionDenied, "APPROVAL_REFUSED", "the approval was refused");
    }
    GF_TRY(Do([&] {
      EXPECT_EQ(entries.at(static_cast<std::size_t>(order.ledger_index)).first, order.id)
          << "a task without an entry";
      if (!tasks.try_emplace(order.id, order).second)
        created = Error(StatusCode::kAlreadyExists, "TASK_EXISTS", "there");
    }));
    return created;
  }
  Status Cancel(const std::string& id) {
    if (!tasks.contains(id)) return Error(StatusCode::kNotFound, "TASK_NOT_FOUND", "none");
    return Do([&] { canceled.insert(id); });
  }
  Result<std::vector<OutputFile>> Outputs() {
    GF_TRY(Do([] {}));
    return std::vector<OutputFile>{{"allele_counts.tsv", TestTable("")}};
  }
  Result<TaskView> View(const std::string& id) {
    GF_TRY(Do([] {}));
    if (!tasks.contains(id)) return Error(StatusCode::kNotFound, "TASK_NOT_FOUND", "none");
    if (canceled.contains(id)) return TaskView{TaskPhase::kCanceled, "", 0};
    const auto script = scripts.contains(id)
                            ? scripts.at(id)
                            : std::vector<TaskView>{{TaskPhase::kWaiting, "", 0},
                                                    {TaskPhase::kRunning, "", 100},
                                                    {TaskPhase::kInReview, "", 100},
                                                    {TaskPhase::kComplete, "", 100}};
    const std::size_t at = std::min(looks[id]++, script.size() - 1);
    return script[at];
  }

  int calls = 0;
  int crash_at = -1;
  bool dead = false;
  int waits = 0;
  bool hub_away = false;
  bool shut_out = false;  // by the hub
  std::string odd_id;     // that the hub gives the part
  bool hub_cancel = false;
  bool finished = false;
  int create_refusals = 0;  // spe refuses the approval so many times
  Part hub_part;
  std::map<std::string, NodePart> stored;
  std::vector<OutputFile> delivered;
  Status grant;
  auth::Approval approval;
  crypto::Signer* signer = nullptr;  // null: the country's own
  std::int32_t permitted = 100;
  std::string title = "Epilepsy";
  std::vector<std::pair<std::string, std::string>> entries;
  Status ledger_refusal;  // of every entry
  Status unlisted;        // what the catalogue says of datasets; OK: they are there
  std::map<std::string, TaskOrder> tasks;
  std::map<std::string, std::vector<TaskView>> scripts;
  std::vector<std::string> met;      // as the last cohort was asked for
  std::vector<std::string> beside;   // conditions that access names beside the token
  std::set<std::int64_t> withdrawn;  // indices of runs in whose cohort somebody has withdrawn, and which end
  std::map<std::string, std::size_t> looks;
  std::set<std::string> canceled;

 private:
  // Each call can be cut before and after its effect.
  template <typename Effect>
  Status Do(Effect effect) {
    GF_TRY(Tick());
    effect();
    return Tick();
  }
  Status Tick() {
    if (calls++ == crash_at) dead = true;
    if (dead) return Error(StatusCode::kCancelled, "CRASHED", "the process is gone");
    return absl::OkStatus();
  }

  auth::TestFederation& federation_;
  const Clock& clock_;
};

// Tasks::Get and Approvals::Get differ only in what they return, so one class cannot be both.
class TasksOf final : public Tasks {
 public:
  explicit TasksOf(FakeNode& world) : world_(world) {}
  Status Create(const Context&, const TaskOrder& order) override { return world_.Create(order); }
  Result<TaskView> Get(const Context&, const std::string& id) override { return world_.View(id); }
  Status Cancel(const Context&, const std::string& id) override { return world_.Cancel(id); }
  Result<std::vector<OutputFile>> Outputs(const Context&, const std::string&) override {
    return world_.Outputs();
  }

 private:
  FakeNode& world_;
};

}  // namespace genofed::dispatcher
