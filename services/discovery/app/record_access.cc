// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/record_access.h"

#include "libs/core/parts.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::discovery {
namespace {

constexpr std::size_t kDayDigits = 10;  // of "2026-01-31T12:00:00Z"

ledger::Entry EntryOf(const std::string& dataset, std::int32_t version, const Project& project,
                      const ProjectCohort& cohort, std::string time) {
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kAccess;
  entry.time = std::move(time);
  entry.fields = {{"dataset", dataset},
                  {"version", std::to_string(version)},
                  {"snapshot", cohort.snapshot},
                  {"snapshot_root", cohort.snapshot_root},
                  {"visa", ledger::LedgerText(project.visa)},
                  {"visa_source", ledger::LedgerText(project.visa_source)}};
  entry.SetText("application", project.application);
  entry.SetText("decision_sha256", project.decision_sha256);
  entry.SetText("project", project.title);
  entry.SetText("organisation", project.organisation);
  entry.SetText("purpose", project.purpose);
  entry.numbers = {{"epoch", cohort.people.epoch}, {"slots", cohort.slots}};
  return entry;
}

}  // namespace

Status TooLarge() {
  return Error(StatusCode::kInvalidArgument, "RESPONSE_TOO_LARGE",
               "the page has more than {} MiB of records; ask with a smaller limit",
               kMaxAnswerBytes >> 20U);
}

Result<std::shared_ptr<const PermittedRows>> RecordAccess::Open(const Context& ctx,
                                                                const std::string& dataset,
                                                                std::int32_t version,
                                                                std::int64_t epoch,
                                                                const Project& project) {
  GF_CHECK(ctx.principal().user.has_value());
  const User& user = *ctx.principal().user;
  const std::string reader = JoinParts({user.issuer, user.subject});
  // A visa is made anew twice a day, an application stays the same.
  const std::string& stands_for = project.application.empty() ? project.visa : project.application;
  std::string time = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(clock_.Now()));
  const std::string day = time.substr(0, kDayDigits);
  Key key{reader, stands_for, dataset, version, day};
  {
    MutexLock lock(mutex_);
    const auto known = opened_.find(key);
    if (known != opened_.end() && known->second->epoch >= epoch) return known->second;
  }
  GF_ASSIGN(ProjectCohort cohort, consent_.Take(ctx, dataset, version, project.purpose_code));
  if (cohort.people.epoch < epoch) {
    return Error(StatusCode::kUnavailable, "CONSENT_BEHIND",
                 "consent answered from an older epoch than its own");
  }
  const std::string digest = HexEncode(crypto::Sha256(
      JoinParts({reader, stands_for, dataset, std::to_string(version), cohort.snapshot, day})));
  GF_TRY(consent_.Log(ctx, "records:" + digest,
                      EntryOf(dataset, version, project, cohort, std::move(time))));
  GF_LOG(ctx, info, "discovery.records_opened", {"dataset", dataset}, {"version", version},
         {"application", project.application}, {"visa", project.visa});
  auto opened = std::make_shared<const PermittedRows>(std::move(cohort.people));
  MutexLock lock(mutex_);
  if (opened_.size() >= kKept) opened_.clear();
  opened_.insert_or_assign(std::move(key), opened);
  return opened;
}

}  // namespace genofed::discovery
