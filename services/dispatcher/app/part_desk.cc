// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/part_desk.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/dispatcher/domain/merge.h"

namespace genofed::dispatcher {
namespace {

constexpr int kNewPartsPerFetch = 16;  // each may bring a descriptor of 256 KiB
constexpr std::size_t kMaxKnown = 10'000;

Status CheckFile(const Workflow& workflow, const DeliveredFile& delivered, std::size_t index) {
  const std::string field = fmt::format("outputs[{}]", index);
  const TableOutput* output = workflow.FindOutput(delivered.file.name);
  if (output == nullptr)
    return InvalidField(field, "OUTPUT_UNDECLARED", "is no output of the workflow");
  if (delivered.file.content.size() > PartDesk::kMaxFileBytes) {
    return InvalidField(field, "OUTPUT_TOO_LARGE", "is larger than {} bytes",
                        PartDesk::kMaxFileBytes);
  }
  if (HexEncode(crypto::Sha256(delivered.file.content)) != delivered.sha256) {
    return InvalidField(field, "DIGEST_MISMATCH", "is not what its digest says");
  }
  return CheckTable(*output, delivered.file.content);
}

}  // namespace

Result<Run> PartDesk::FindOwn(const Context& ctx, const std::string& site,
                              const std::string& part) {
  GF_ASSIGN(Run run, store_.FindByPart(ctx, part));
  const Part* found = run.FindPart(part);
  if (found == nullptr || found->site != site) {
    return Error(StatusCode::kNotFound, "PART_UNKNOWN", "there is no part {} of this node", part);
  }
  return run;
}

Result<std::vector<OpenPart>> PartDesk::Fetch(const Context& ctx, const std::string& site,
                                              const std::vector<std::string>& known) {
  if (known.size() > kMaxKnown)
    return InvalidField("known", "TOO_MANY", "at most {} parts", kMaxKnown);
  return store_.FetchOpen(ctx, site, known, kNewPartsPerFetch, clock_.Now());
}

Status PartDesk::Report(const Context& ctx, const std::string& site, const PartReport& report) {
  GF_ASSIGN(const Run run, FindOwn(ctx, site, report.part));
  return store_
      .Change(ctx, run.id,
              [&](Run& changed) -> Status {
                Part& part = *changed.FindPart(report.part);
                if (report.state == State::kComplete && part.state != State::kComplete) {
                  return Error(StatusCode::kFailedPrecondition, "OUTPUTS_MISSING",
                               "a part is complete with its outputs");
                }
                return TakeReport(part, report, clock_.Now());
              })
      .status();
}

Status PartDesk::Deliver(const Context& ctx, const std::string& site, const std::string& part,
                         const std::vector<DeliveredFile>& files, std::int32_t individuals,
                         bool more) {
  GF_ASSIGN(Run run, FindOwn(ctx, site, part));
  const Part& current = *run.FindPart(part);
  PartReport complete{part, State::kComplete, "", "", -1, individuals};
  if (IsFinal(current.state)) {
    Part copy = current;
    return TakeReport(copy, complete, clock_.Now());
  }
  GF_ASSIGN(const Workflow workflow, ParseWorkflow(run.request.workflow));
  std::vector<OutputFile> outputs;
  for (std::size_t i = 0; i < files.size(); ++i) {
    GF_TRY(CheckFile(workflow, files[i], i));
    outputs.push_back(files[i].file);
  }
  GF_TRY(store_.PutOutputs(ctx, part, outputs));
  if (more) return absl::OkStatus();
  GF_ASSIGN(const auto present, store_.OutputNames(ctx, part));
  for (const TableOutput& output : workflow.outputs) {
    if (std::find(present.begin(), present.end(), output.name) != present.end()) continue;
    return Error(StatusCode::kFailedPrecondition, "OUTPUTS_MISSING", "output {} was not delivered",
                 output.name);
  }
  return store_
      .Change(
          ctx, run.id,
          [&](Run& changed) { return TakeReport(*changed.FindPart(part), complete, clock_.Now()); })
      .status();
}

}  // namespace genofed::dispatcher
