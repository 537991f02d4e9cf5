// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/runs.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "services/dispatcher/domain/workflow.h"

namespace genofed::dispatcher {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 200;
constexpr std::size_t kMaxKeyBytes = 255;

Result<Owner> Caller(const Context& ctx) {
  const auto& user = ctx.principal().user;
  if (!user) return Error(StatusCode::kUnauthenticated, "USER_MISSING", "runs belong to people");
  return Owner{user->issuer, user->subject};
}

Status Unknown(const std::string& id) {
  return Error(StatusCode::kNotFound, "RUN_UNKNOWN", "there is no run {}", id);
}

}  // namespace

Result<std::string> Runs::Submit(const Context& ctx, const RunRequest& request,
                                 const std::string& idempotency_key) {
  GF_ASSIGN(const Owner owner, Caller(ctx));
  if (idempotency_key.size() > kMaxKeyBytes || !IsUtf8(idempotency_key) ||
      idempotency_key.find('\0') != std::string::npos) {
    return InvalidField("idempotency_key", "IDEMPOTENCY_KEY_INVALID",
                        "must be text of at most {} bytes", kMaxKeyBytes);
  }
  auto same_run = [&](const Run& run) -> Result<std::string> {
    if (run.request == request) return run.id;
    return Error(StatusCode::kAlreadyExists, "IDEMPOTENCY_KEY_REUSED",
                 "another run was submitted with this key");
  };
  if (!idempotency_key.empty()) {
    GF_ASSIGN(const auto earlier, store_.FindByKey(ctx, owner, idempotency_key));
    if (earlier) return same_run(*earlier);
  }
  GF_TRY(Validate(request));
  GF_ASSIGN(const Workflow workflow, ParseWorkflow(request.workflow));
  GF_TRY(CheckParameters(workflow, request.parameters));
  GF_ASSIGN(const ApplicationView application, applications_.Find(ctx, request.application));
  if (application.applicant != owner) {
    return Error(StatusCode::kPermissionDenied, "NOT_APPLICANT",
                 "only the applicant runs workflows under an application");
  }
  if (!application.active) {
    return Error(StatusCode::kFailedPrecondition, "APPLICATION_NOT_ACTIVE",
                 "the application is not approved, or its data use agreement is not signed");
  }
  Run run;
  run.id = NewId("run", clock_, random_);
  run.owner = owner;
  run.request = request;
  run.created = clock_.Now();
  GF_ASSIGN(run.parts, PlanParts(run.id, request.datasets, application.datasets, run.created));
  GF_ASSIGN(const Run stored, store_.Add(ctx, run, idempotency_key));
  return same_run(stored);
}

Result<Run> Runs::Get(const Context& ctx, const std::string& id) {
  GF_ASSIGN(const Owner owner, Caller(ctx));
  GF_ASSIGN(Run run, store_.Find(ctx, id));
  if (run.owner != owner) return Unknown(id);
  return run;
}

Result<Runs::Page> Runs::List(const Context& ctx, int page_size, const std::string& page_token) {
  GF_ASSIGN(const Owner owner, Caller(ctx));
  const int size = page_size <= 0 ? kDefaultPage : std::min(page_size, kMaxPage);
  Page page;
  GF_ASSIGN(page.runs, store_.List(ctx, owner, page_token, size + 1));
  if (page.runs.size() > static_cast<std::size_t>(size)) {
    page.runs.resize(static_cast<std::size_t>(size));
    page.next_page_token = page.runs.back().id;
  }
  return page;
}

Status Runs::Cancel(const Context& ctx, const std::string& id) {
  GF_TRY(Get(ctx, id));
  return store_
      .Change(ctx, id,
              [&](Run& run) {
                RequestCancel(run, clock_.Now());
                return absl::OkStatus();
              })
      .status();
}

Result<std::string> Runs::Output(const Context& ctx, const std::string& id,
                                 const std::string& name) {
  GF_TRY(Get(ctx, id));
  return store_.Output(ctx, id, name);
}

}  // namespace genofed::dispatcher
