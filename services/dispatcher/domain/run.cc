// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/run.h"

#include <algorithm>
#include <array>
#include <set>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::dispatcher {
namespace {

constexpr std::size_t kMaxDatasets = 100;
constexpr std::size_t kMaxTags = 64;
constexpr std::size_t kMaxParameters = 64;
constexpr std::size_t kMaxParameterBytes = 200;
constexpr std::size_t kMaxReasonBytes = 64;
constexpr std::size_t kMaxMessageBytes = 500;
constexpr std::size_t kPartDigestDigits = 12;

constexpr std::array<std::string_view, 8> kNames = {
    "QUEUED",   "INITIALIZING",   "RUNNING",      "CANCELING",
    "COMPLETE", "EXECUTOR_ERROR", "SYSTEM_ERROR", "CANCELED"};

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

Status CheckText(std::string_view field, const std::string& text, std::size_t max) {
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (text.size() <= max && IsUtf8(text) && std::none_of(text.begin(), text.end(), control))
    return absl::OkStatus();
  return InvalidField(field, "TEXT_INVALID",
                      "must be text of at most {} bytes without control characters", max);
}

// Nodes are trusted with their own results, not with the size or form of what they say.
std::string Cleaned(const std::string& text, std::size_t max) {
  std::string clean = IsUtf8(text) ? text.substr(0, max) : "";
  while (!IsUtf8(clean)) clean.pop_back();
  std::replace_if(
      clean.begin(), clean.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return clean;
}

void End(Part& part, State state, std::string reason, std::string message, Time now) {
  part.state = state;
  part.reason = std::move(reason);
  part.message = std::move(message);
  part.changed = now;
}

}  // namespace

bool IsFinal(State state) { return state >= State::kComplete; }

std::string_view StateName(State state) { return kNames.at(static_cast<std::size_t>(state)); }

Result<State> ParseState(std::string_view name) {
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end())
    return Error(StatusCode::kInvalidArgument, "STATE_UNKNOWN", "not a state");
  return static_cast<State>(found - kNames.begin());
}

State Run::CurrentState() const {
  if (finished) return final_state;
  if (cancel) return State::kCanceling;
  State latest = State::kQueued;
  // A part that ended means that the run is under way; it ends only once all results are merged.
  for (const Part& part : parts) latest = std::max(latest, std::min(part.state, State::kRunning));
  return latest;
}

bool Run::AllPartsEnded() const {
  return std::all_of(parts.begin(), parts.end(),
                     [](const Part& part) { return IsFinal(part.state); });
}

Part* Run::FindPart(std::string_view part_id) {
  auto found = std::find_if(parts.begin(), parts.end(),
                            [&](const Part& part) { return part.id == part_id; });
  return found == parts.end() ? nullptr : &*found;
}

Status Validate(const RunRequest& request) {
  if (request.application.empty())
    return InvalidField("application", "APPLICATION_MISSING", "must be set");
  GF_TRY(CheckText("application", request.application, 255));
  if (request.datasets.size() > kMaxDatasets) {
    return InvalidField("datasets", "TOO_MANY", "at most {} datasets", kMaxDatasets);
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < request.datasets.size(); ++i) {
    const std::string field = fmt::format("datasets[{}]", i);
    GF_TRY(CheckText(field, request.datasets[i], 255));
    if (!seen.insert(request.datasets[i]).second)
      return InvalidField(field, "DUPLICATE", "is named twice");
  }
  if (request.parameters.size() > kMaxParameters) {
    return InvalidField("parameters", "TOO_MANY", "at most {} parameters", kMaxParameters);
  }
  for (const auto& [name, value] : request.parameters) {
    if (value.size() > kMaxParameterBytes || !IsPrintable(value)) {
      return InvalidField(
          fmt::format("parameters.{}", IsPrintable(name) ? name.substr(0, 64) : "?"),
          "PARAMETER_INVALID", "must be at most {} printable ASCII characters", kMaxParameterBytes);
    }
  }
  if (request.tags.size() > kMaxTags)
    return InvalidField("tags", "TOO_MANY", "at most {} tags", kMaxTags);
  for (const auto& [name, value] : request.tags) {
    GF_TRY(CheckText("tags", name, 255));
    GF_TRY(CheckText("tags", value, 1000));
  }
  GF_TRY(CheckText("workflow_url", request.workflow_url, 1000));
  GF_TRY(CheckText("workflow_type", request.workflow_type, 100));
  return CheckText("workflow_type_version", request.workflow_type_version, 100);
}

Result<std::vector<Part>> PlanParts(const std::string& run_id,
                                    const std::vector<std::string>& asked,
                                    const std::vector<DatasetDecision>& decisions, Time now) {
  std::vector<std::string> wanted = asked;
  if (asked.empty()) {
    for (const DatasetDecision& decision : decisions) {
      if (decision.approved) wanted.push_back(decision.dataset);
    }
  }
  if (wanted.empty()) {
    return Error(StatusCode::kFailedPrecondition, "DATASET_NOT_APPROVED",
                 "no country has approved a dataset");
  }
  std::vector<Part> parts;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto decision = std::find_if(decisions.begin(), decisions.end(), [&](const DatasetDecision& d) {
      return d.dataset == wanted[i] && d.approved;
    });
    if (decision == decisions.end()) {
      return WithField(Error(StatusCode::kFailedPrecondition, "DATASET_NOT_APPROVED",
                             "dataset {} is not approved for this application", wanted[i]),
                       fmt::format("datasets[{}]", i), "is not approved for this application");
    }
    Part part;
    part.site = ToLower(decision->country);
    part.dataset = wanted[i];
    // Also names the task and its directory at the node: a digest, because identifiers of datasets
    // may hold anything.
    part.id = fmt::format("{}-{}-{}", run_id, part.site,
                          HexEncode(crypto::Sha256(part.dataset)).substr(0, kPartDigestDigits));
    part.changed = part.heard = now;
    parts.push_back(std::move(part));
  }
  return parts;
}

Status TakeReport(Part& part, const PartReport& report, Time now) {
  part.heard = now;
  if (IsFinal(part.state)) {
    if (part.state == report.state) return absl::OkStatus();
    return Error(StatusCode::kFailedPrecondition, "PART_ENDED", "part {} ended with {}", part.id,
                 StateName(part.state));
  }
  if (report.state < part.state) return absl::OkStatus();
  if (part.state != report.state || part.message != report.message) part.changed = now;
  part.state = report.state;
  part.reason = Cleaned(report.reason, kMaxReasonBytes);
  part.message = Cleaned(report.message, kMaxMessageBytes);
  if (report.ledger_index >= 0) part.ledger_index = report.ledger_index;
  if (report.individuals > 0) part.individuals = report.individuals;
  return absl::OkStatus();
}

void RequestCancel(Run& run, Time now) {
  if (run.finished) return;
  run.cancel = true;
  // A node begins only after the hub took its report of INITIALIZING, so nothing runs behind a
  // queued part.
  for (Part& part : run.parts) {
    if (part.state == State::kQueued)
      End(part, State::kCanceled, "", "canceled before the node began", now);
  }
}

bool ExpireParts(Run& run, Time before, Time now) {
  bool any = false;
  for (Part& part : run.parts) {
    if (IsFinal(part.state) || part.heard >= before) continue;
    End(part, State::kSystemError, "NODE_SILENT", "nothing was heard from the node for too long",
        now);
    any = true;
  }
  return any;
}

Outcome Conclude(const Run& run) {
  std::string missing;
  std::size_t complete = 0;
  bool all_executor = true;
  for (const Part& part : run.parts) {
    if (part.state == State::kComplete) {
      ++complete;
      continue;
    }
    all_executor = all_executor && part.state == State::kExecutorError;
    missing += fmt::format("{}{} {} ({})", missing.empty() ? "" : ", ", part.site, part.dataset,
                           part.reason.empty() ? StateName(part.state) : part.reason);
  }
  if (run.cancel) return {State::kCanceled, "canceled by its owner"};
  if (complete == run.parts.size()) return {State::kComplete, ""};
  if (complete > 0) return {State::kComplete, "results do not include: " + missing};
  return {all_executor ? State::kExecutorError : State::kSystemError,
          "no part gave results: " + missing};
}

}  // namespace genofed::dispatcher
