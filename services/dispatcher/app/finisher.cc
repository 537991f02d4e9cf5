// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/finisher.h"

#include "services/dispatcher/app/part_desk.h"
#include "services/dispatcher/domain/merge.h"

namespace genofed::dispatcher {
namespace {

Result<std::vector<OutputFile>> Merge(const Run& run, const std::vector<PartOutput>& outputs) {
  GF_ASSIGN(const Workflow workflow, ParseWorkflow(run.request.workflow));
  std::vector<OutputFile> merged;
  for (const TableOutput& output : workflow.outputs) {
    std::vector<NodeTable> tables;
    for (const Part& part : run.parts) {
      if (part.state != State::kComplete) continue;
      for (const PartOutput& candidate : outputs) {
        if (candidate.part == part.id && candidate.file.name == output.name) {
          tables.push_back({part.site, candidate.file.content});
        }
      }
    }
    GF_ASSIGN(std::string content, MergeTables(output, tables));
    if (content.size() > PartDesk::kMaxFileBytes) {
      return Error(StatusCode::kInvalidArgument, "OUTPUT_TOO_LARGE", "the merged {} is too large",
                   output.name);
    }
    merged.push_back({output.name, std::move(content)});
  }
  return merged;
}

}  // namespace

Status Finisher::Finish(const Context& ctx, const std::string& id) {
  GF_ASSIGN(Run run, store_.Find(ctx, id));
  if (run.finished || !run.AllPartsEnded()) return absl::OkStatus();
  Outcome outcome = Conclude(run);
  std::vector<OutputFile> merged;
  if (outcome.state == State::kComplete) {
    GF_ASSIGN(const auto outputs, store_.PartOutputs(ctx, id));
    auto result = Merge(run, outputs);
    if (result.ok()) {
      merged = *std::move(result);
    } else {
      outcome = {State::kSystemError, "the results cannot be merged: " + Reason(result.status())};
    }
  }
  run.finished = clock_.Now();
  run.final_state = outcome.state;
  run.message = outcome.message;
  return store_.Finish(ctx, run, merged);
}

Status Finisher::FinishEnded(const Context& ctx) {
  GF_ASSIGN(const auto ids, store_.Unfinished(ctx, true));
  Status first;
  for (const std::string& id : ids) {
    GF_TRY(ctx.Alive());
    first.Update(Finish(ctx, id));
  }
  return first;
}

Status Finisher::ExpireSilent(const Context& ctx) {
  GF_ASSIGN(const auto ids, store_.Unfinished(ctx, false));
  for (const std::string& id : ids) {
    GF_TRY(ctx.Alive());
    const Time now = clock_.Now();
    GF_ASSIGN(Run run, store_.Find(ctx, id));
    if (!ExpireParts(run, now - part_timeout_, now)) continue;
    GF_TRY(store_.Change(ctx, id, [&](Run& changed) {
      ExpireParts(changed, now - part_timeout_, now);
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

}  // namespace genofed::dispatcher
