// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/site_peers.h"

#include "libs/auth/approval.h"
#include "libs/obs/log.h"
#include "libs/platform/ledger_client.h"

namespace genofed::spe {
namespace {

class GrpcReleaseLedger final : public ReleaseLedger {
 public:
  GrpcReleaseLedger(rpc::ChannelSource source, const Clock& clock)
      : ledger_(std::move(source)), clock_(clock) {}

  Status Append(const Context& ctx, const Task& task, const Review& review) override {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kRelease;
    entry.time = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(clock_.Now()));
    entry.fields = {{"run", task.order.run},
                    {"application", task.order.application},
                    {"dataset", task.order.dataset.dataset},
                    {"version", std::to_string(task.order.dataset.version)},
                    {"release_sha256", review.digest}};
    std::erase_if(entry.fields, [](const auto& field) { return field.second.empty(); });
    entry.SetText("project", task.order.project);
    return ledger_.Append(ctx, "release-" + task.order.id, entry);
  }

 private:
  const LedgerClient ledger_;
  const Clock& clock_;
};

class TokenApprovalCheck final : public ApprovalCheck {
 public:
  TokenApprovalCheck(const auth::TrustSource& trust, const Clock& clock, std::string audience,
                     std::string country)
      : trust_(trust),
        clock_(clock),
        audience_(std::move(audience)),
        country_(std::move(country)) {}

  Status Check(const TaskOrder& order) override {
    auth::ApprovalExpectation expected;
    expected.audience = audience_;
    expected.country = country_;
    expected.subject = order.requester_subject;
    expected.application = order.application;
    expected.datasets = {order.dataset.dataset};
    expected.client_certificate_sha256 = order.approval_certificate_sha256;
    auth::Refusal why;
    GF_ASSIGN(const auth::TrustStore trust, trust_.Current());
    const auto approval = auth::VerifyApproval(trust, clock_, order.approval, expected, &why);
    if (!approval.ok()) {
      GF_LOG(Context::Background(), warn, "task.approval_refused", {"task", order.id},
             {"check", why.check});
    }
    return approval.status();
  }

 private:
  const auth::TrustSource& trust_;
  const Clock& clock_;
  const std::string audience_;
  const std::string country_;
};

}  // namespace

std::unique_ptr<ReleaseLedger> MakeReleaseLedger(rpc::ChannelSource consent, const Clock& clock) {
  return std::make_unique<GrpcReleaseLedger>(std::move(consent), clock);
}

std::unique_ptr<ApprovalCheck> MakeApprovalCheck(const auth::TrustSource& trust, const Clock& clock,
                                                 std::string audience, std::string country) {
  return std::make_unique<TokenApprovalCheck>(trust, clock, std::move(audience),
                                              std::move(country));
}

}  // namespace genofed::spe
