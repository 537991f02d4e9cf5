// SPDX-License-Identifier: Apache-2.0
//
// One part at its node, from the hub's word that there is work to the released outputs. The hub's
// word starts nothing by itself: the node asks its own country for an approval, verifies it against
// the national key it pinned, takes only workflows its operator listed, and logs the run before a
// task exists. Every step may be repeated after a crash.
#pragma once

#include <set>
#include <string>

#include "libs/auth/approval.h"
#include "libs/auth/trust_source.h"
#include "services/dispatcher/app/node_ports.h"

namespace genofed::dispatcher {

struct NodePolicy {
  std::string audience;  // of approval tokens: this node
  std::string country;
  std::set<std::string> allowed_workflows;  // SHA-256 of descriptors, hex
  std::chrono::milliseconds poll_interval{1'000};
  // How long the country's own services may lag behind the hub: a signature may be on its way.
  Duration approval_grace = std::chrono::seconds(15);
};

class PartWalk {
 public:
  // All borrowed.
  PartWalk(PartStore& store, HubDesk& hub, Approvals& approvals, SiteData& site, Tasks& tasks,
           const auth::TrustSource& trust, const Clock& clock, NodePolicy policy);

  // Takes the part of a lease as far as it goes now. OK: the lease is settled (done, or deferred).
  // An error: try again later; nothing is lost.
  Status Run(const Context& ctx, const sql::Lease& lease);

 private:
  enum class Next { kGoOn, kWait };
  Result<Next> Step(const Context& ctx, NodePart& part);
  Result<Next> Accept(const Context& ctx, NodePart& part);
  Result<Next> Prepare(const Context& ctx, NodePart& part);
  Result<Next> Log(const Context& ctx, NodePart& part);
  Result<Next> CreateTask(const Context& ctx, NodePart& part);
  Result<Next> Watch(const Context& ctx, NodePart& part);
  Result<Next> Deliver(const Context& ctx, NodePart& part);
  Result<Next> StopTask(const Context& ctx, NodePart& part);
  Result<Next> ReportEnd(const Context& ctx, NodePart& part);

  // Asks for an approval and verifies it for exactly this part.
  Result<Approval> Approve(const Context& ctx, const NodePart& part);
  Result<auth::Verified<auth::Approval>> Verify(const NodePart& part,
                                                const Approval& approval) const;
  TaskOrder OrderOf(const NodePart& part, const Approval& approval) const;
  Result<std::string> MakeEntry(const NodePart& part, const Approval& approval,
                                const Cohort& cohort) const;
  Next TaskEnded(NodePart& part, const TaskView& task);
  // The part ends with a refusal or failure; with `stop`, its task is ended first.
  Next End(NodePart& part, State state, std::string reason, std::string message,
           bool stop = false) const;
  // A permanent error ends the part with its reason; a passing one is returned.
  Result<Next> Refused(NodePart& part, const Status& why, bool stop = false) const;
  // In the ledger before anybody hears of it, once in an hour of the clock for the same
  // application, dataset and reason: the hub may ask as often as it likes.
  Status LogRefusal(const Context& ctx, const NodePart& part);
  Result<Next> BeginAgain(const Context& ctx, NodePart& part);
  Status TellHub(const Context& ctx, NodePart& part);

  PartStore& store_;
  HubDesk& hub_;
  Approvals& approvals_;
  SiteData& site_;
  Tasks& tasks_;
  const auth::TrustSource& trust_;
  const Clock& clock_;
  const NodePolicy policy_;
};

}  // namespace genofed::dispatcher
